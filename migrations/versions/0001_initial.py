"""initial."""

import sqlalchemy as sa
from alembic import op
from api.core import db
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("audit_lines", "point_entries")


def refuse_changes(table: str) -> None:
    """Let the database refuse UPDATE and DELETE (PostgreSQL: TRUNCATE too)."""
    refused = f"{table} is append-only"
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{refused}'); END"
            )
        return
    op.execute(
        f"CREATE OR REPLACE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refused}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )


def upgrade() -> None:
    op.create_table('audit_lines',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', db.Instant(), nullable=False),
    sa.Column('actor_id', db.Id(), nullable=True),
    sa.Column('operation', sa.String(length=80), nullable=False),
    sa.Column('target', sa.String(length=120), nullable=False),
    sa.Column('outcome', sa.String(length=40), nullable=False),
    sa.Column('address', sa.String(length=45), nullable=False),
    sa.Column('request_id', sa.String(length=64), nullable=False),
    sa.Column('details', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_lines'))
    )
    with op.batch_alter_table('audit_lines', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_lines_actor_id'), ['actor_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_lines_at'), ['at'], unique=False)

    op.create_table('badge_facts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('reference', sa.String(length=100), nullable=False),
    sa.Column('member_id', db.Id(), nullable=False),
    sa.Column('item', sa.String(length=60), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('occurred_at', db.Instant(), nullable=False),
    sa.Column('score', sa.Integer(), nullable=True),
    sa.Column('max_score', sa.Integer(), nullable=True),
    sa.Column('rank', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_badge_facts')),
    sa.UniqueConstraint('kind', 'reference', name=op.f('uq_badge_facts_kind_reference'))
    )
    with op.batch_alter_table('badge_facts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_badge_facts_member_id_kind'), ['member_id', 'kind'], unique=False)

    op.create_table('badges',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('code', sa.String(length=60), nullable=False),
    sa.Column('title', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('description', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('rule', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_badges')),
    sa.UniqueConstraint('code', name=op.f('uq_badges_code'))
    )
    op.create_table('board_totals',
    sa.Column('board', sa.String(length=20), nullable=False),
    sa.Column('period', sa.String(length=10), nullable=False),
    sa.Column('subject_id', db.Id(), nullable=False),
    sa.Column('points', sa.Integer(), nullable=False),
    sa.Column('sum_points', sa.BigInteger(), nullable=False),
    sa.Column('heads', sa.Integer(), nullable=False),
    sa.Column('reached_s', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('board', 'period', 'subject_id', name=op.f('pk_board_totals'))
    )
    with op.batch_alter_table('board_totals', schema=None) as batch_op:
        batch_op.create_index('ix_board_totals_order', ['board', 'period', sa.literal_column('points DESC'), 'reached_s', sa.literal_column('subject_id DESC')], unique=False)

    op.create_table('idempotent_replies',
    sa.Column('account_id', db.Id(), nullable=False),
    sa.Column('key', sa.String(length=128), nullable=False),
    sa.Column('operation', sa.String(length=80), nullable=False),
    sa.Column('digest', sa.LargeBinary(length=32), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', db.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('account_id', 'key', name=op.f('pk_idempotent_replies'))
    )
    with op.batch_alter_table('idempotent_replies', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_idempotent_replies_created_at'), ['created_at'], unique=False)

    op.create_table('jobs',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('kind', sa.String(length=60), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('args', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('cursor', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('total', sa.Integer(), nullable=True),
    sa.Column('result', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('errors', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('member_id', db.Id(), nullable=True),
    sa.Column('runner', sa.String(length=60), nullable=True),
    sa.Column('lease_until', db.Instant(), nullable=True),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('created_at', db.Instant(), nullable=False),
    sa.Column('finished_at', db.Instant(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_jobs'))
    )
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_jobs_member_id'), ['member_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_jobs_state'), ['state'], unique=False)

    op.create_table('leases',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('runner', sa.String(length=60), nullable=False),
    sa.Column('until', db.Instant(), nullable=False),
    sa.Column('seen_at', db.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_leases'))
    )
    op.create_table('outbox',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('reaction', sa.String(length=60), nullable=False),
    sa.Column('event', sa.String(length=60), nullable=False),
    sa.Column('payload', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('created_at', db.Instant(), nullable=False),
    sa.Column('due_at', db.Instant(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('dead', sa.Boolean(), nullable=False),
    sa.Column('error', sa.String(length=400), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox'))
    )
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_outbox_reaction_dead_id'), ['reaction', 'dead', 'id'], unique=False)

    op.create_table('point_facts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('reference', sa.String(length=100), nullable=False),
    sa.Column('member_id', db.Id(), nullable=False),
    sa.Column('item', sa.String(length=60), nullable=False),
    sa.Column('occurred_at', db.Instant(), nullable=False),
    sa.Column('numbers', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_point_facts')),
    sa.UniqueConstraint('kind', 'reference', name=op.f('uq_point_facts_kind_reference'))
    )
    with op.batch_alter_table('point_facts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_point_facts_member_id'), ['member_id'], unique=False)

    op.create_table('point_rules',
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('fact_kind', sa.String(length=20), nullable=False),
    sa.Column('title', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('formula', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('improvement', sa.Boolean(), nullable=False),
    sa.Column('caps', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('weekdays', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('effective_from', db.Instant(), nullable=False),
    sa.Column('created_by', db.Id(), nullable=True),
    sa.Column('created_at', db.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('code', 'version', name=op.f('pk_point_rules'))
    )
    op.create_table('revocations',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('subject_id', db.Id(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=True),
    sa.Column('created_at', db.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_revocations'))
    )
    with op.batch_alter_table('revocations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_revocations_created_at'), ['created_at'], unique=False)

    op.create_table('stored_files',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('media_type', sa.String(length=100), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('owner_id', db.Id(), nullable=True),
    sa.Column('created_at', db.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stored_files'))
    )
    with op.batch_alter_table('stored_files', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_stored_files_owner_id'), ['owner_id'], unique=False)

    op.create_table('units',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('parent_id', db.Id(), nullable=True),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=True),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('path', sa.String(length=600), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("kind IN ('group', 'company', 'department', 'crew')", name=op.f('ck_units_kind')),
    sa.ForeignKeyConstraint(['parent_id'], ['units.id'], name=op.f('fk_units_parent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_units')),
    sa.UniqueConstraint('code', name=op.f('uq_units_code')),
    sa.UniqueConstraint('parent_id', 'name', name=op.f('uq_units_parent_id_name'))
    )
    with op.batch_alter_table('units', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_units_parent_id'), ['parent_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_units_path'), ['path'], unique=False)

    op.create_table('branches',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('unit_id', db.Id(), nullable=False),
    sa.Column('parent_id', db.Id(), nullable=True),
    sa.Column('established_on', sa.Date(), nullable=True),
    sa.Column('temporary', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("kind IN ('party', 'league', 'union', 'generic')", name=op.f('ck_branches_kind')),
    sa.ForeignKeyConstraint(['parent_id'], ['branches.id'], name=op.f('fk_branches_parent_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_branches_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_branches')),
    sa.UniqueConstraint('unit_id', 'kind', 'name', name=op.f('uq_branches_unit_id_kind_name'))
    )
    with op.batch_alter_table('branches', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_branches_parent_id'), ['parent_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_branches_unit_id'), ['unit_id'], unique=False)

    op.create_table('members',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('company_id', db.Id(), nullable=False),
    sa.Column('number', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('nickname', sa.String(length=40), nullable=True),
    sa.Column('unit_id', db.Id(), nullable=False),
    sa.Column('post', sa.String(length=100), nullable=True),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('joined_on', sa.Date(), nullable=True),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('on_boards', sa.Boolean(), nullable=False),
    sa.Column('password_hash', sa.String(length=120), nullable=True),
    sa.Column('one_time_hash', sa.String(length=120), nullable=True),
    sa.Column('one_time_expires_at', db.Instant(), nullable=True),
    sa.Column('token_version', sa.Integer(), nullable=False),
    sa.Column('disabled', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("status IN ('active', 'long_leave', 'seconded', 'retired', 'left')", name=op.f('ck_members_status')),
    sa.ForeignKeyConstraint(['company_id'], ['units.id'], name=op.f('fk_members_company_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_members_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_members')),
    sa.UniqueConstraint('company_id', 'number', name=op.f('uq_members_company_id_number'))
    )
    with op.batch_alter_table('members', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_members_unit_id'), ['unit_id'], unique=False)

    op.create_table('organizing_bodies',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('unit_id', db.Id(), nullable=False),
    sa.CheckConstraint("kind IN ('youth_league', 'union', 'party', 'administration')", name=op.f('ck_organizing_bodies_kind')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_organizing_bodies_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organizing_bodies')),
    sa.UniqueConstraint('unit_id', 'name', name=op.f('uq_organizing_bodies_unit_id_name'))
    )
    with op.batch_alter_table('organizing_bodies', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_organizing_bodies_unit_id'), ['unit_id'], unique=False)

    op.create_table('point_entries',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('member_id', db.Id(), nullable=False),
    sa.Column('unit_id', db.Id(), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('fact_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('rule_code', sa.String(length=40), nullable=False),
    sa.Column('rule_version', sa.Integer(), nullable=False),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.Column('cap_left', sa.Integer(), nullable=True),
    sa.Column('item', sa.String(length=60), nullable=False),
    sa.Column('earned_at', db.Instant(), nullable=False),
    sa.Column('day', sa.String(length=10), nullable=False),
    sa.Column('week', sa.String(length=8), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=True),
    sa.Column('actor_id', db.Id(), nullable=True),
    sa.Column('reverses_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.CheckConstraint("(kind = 'reversal') = (reverses_id IS NOT NULL)", name=op.f('ck_point_entries_reverses')),
    sa.CheckConstraint("kind = 'adjustment' OR fact_id IS NOT NULL", name=op.f('ck_point_entries_fact')),
    sa.CheckConstraint("kind = 'credit' OR (length(reason) > 0 AND actor_id IS NOT NULL)", name=op.f('ck_point_entries_accounted_for')),
    sa.CheckConstraint("kind IN ('credit', 'reversal', 'adjustment')", name=op.f('ck_point_entries_kind')),
    sa.ForeignKeyConstraint(['fact_id'], ['point_facts.id'], name=op.f('fk_point_entries_fact_id')),
    sa.ForeignKeyConstraint(['reverses_id'], ['point_entries.id'], name=op.f('fk_point_entries_reverses_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_point_entries')),
    sa.UniqueConstraint('fact_id', 'rule_code', 'kind', name=op.f('uq_point_entries_fact_id_rule_code_kind')),
    sa.UniqueConstraint('reverses_id', name=op.f('uq_point_entries_reverses_id'))
    )
    with op.batch_alter_table('point_entries', schema=None) as batch_op:
        batch_op.create_index('ix_point_entries_item', ['member_id', 'rule_code', 'item'], unique=False)
        batch_op.create_index('ix_point_entries_member', ['member_id', 'id'], unique=False)
        batch_op.create_index('ix_point_entries_month', ['member_id', 'rule_code', 'month'], unique=False)

    op.create_table('teams',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('unit_id', db.Id(), nullable=False),
    sa.CheckConstraint("kind IN ('team', 'project', 'post')", name=op.f('ck_teams_kind')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_teams_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_teams')),
    sa.UniqueConstraint('unit_id', 'kind', 'name', name=op.f('uq_teams_unit_id_kind_name'))
    )
    with op.batch_alter_table('teams', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_teams_unit_id'), ['unit_id'], unique=False)

    op.create_table('badge_awards',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('badge_id', db.Id(), nullable=False),
    sa.Column('member_id', db.Id(), nullable=False),
    sa.Column('period', sa.String(length=60), nullable=False),
    sa.Column('awarded_at', db.Instant(), nullable=False),
    sa.ForeignKeyConstraint(['badge_id'], ['badges.id'], name=op.f('fk_badge_awards_badge_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_badge_awards_member_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_badge_awards')),
    sa.UniqueConstraint('badge_id', 'member_id', 'period', name=op.f('uq_badge_awards_badge_id_member_id_period'))
    )
    with op.batch_alter_table('badge_awards', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_badge_awards_member_id'), ['member_id'], unique=False)

    op.create_table('contests',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('description', sa.String(length=2000), nullable=False),
    sa.Column('unit_id', db.Id(), nullable=False),
    sa.Column('body_id', db.Id(), nullable=True),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('opens_at', db.Instant(), nullable=False),
    sa.Column('closes_at', db.Instant(), nullable=False),
    sa.Column('paused_at', db.Instant(), nullable=True),
    sa.Column('settings', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('pool', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('results_version', sa.Integer(), nullable=False),
    sa.Column('released_at', db.Instant(), nullable=True),
    sa.Column('settled_at', db.Instant(), nullable=True),
    sa.Column('created_by', db.Id(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('closes_at > opens_at', name=op.f('ck_contests_window')),
    sa.ForeignKeyConstraint(['body_id'], ['organizing_bodies.id'], name=op.f('fk_contests_body_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_contests_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contests'))
    )
    with op.batch_alter_table('contests', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_contests_state'), ['state'], unique=False)
        batch_op.create_index(batch_op.f('ix_contests_unit_id'), ['unit_id'], unique=False)

    op.create_table('memberships',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('member_id', db.Id(), nullable=False),
    sa.Column('branch_id', db.Id(), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=True),
    sa.CheckConstraint('until_on IS NULL OR until_on >= from_on', name=op.f('ck_memberships_dates')),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_memberships_branch_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_memberships_member_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_memberships'))
    )
    with op.batch_alter_table('memberships', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_memberships_branch_id'), ['branch_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_memberships_member_id'), ['member_id'], unique=False)
        batch_op.create_index('uq_memberships_open', ['member_id', 'kind'], unique=True, sqlite_where=sa.text('until_on IS NULL'), postgresql_where=sa.text('until_on IS NULL'))

    op.create_table('messages',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('member_id', db.Id(), nullable=False),
    sa.Column('key', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('template', sa.String(length=400), nullable=False),
    sa.Column('params', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('link', sa.String(length=200), nullable=True),
    sa.Column('created_at', db.Instant(), nullable=False),
    sa.Column('read_at', db.Instant(), nullable=True),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_messages_member_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_messages')),
    sa.UniqueConstraint('member_id', 'key', name=op.f('uq_messages_member_id_key'))
    )
    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.create_index('ix_messages_unread', ['member_id'], unique=False, sqlite_where=sa.text('read_at IS NULL'), postgresql_where=sa.text('read_at IS NULL'))

    op.create_table('question_banks',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('unit_id', db.Id(), nullable=False),
    sa.Column('body_id', db.Id(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', db.Instant(), nullable=False),
    sa.ForeignKeyConstraint(['body_id'], ['organizing_bodies.id'], name=op.f('fk_question_banks_body_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_question_banks_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question_banks'))
    )
    with op.batch_alter_table('question_banks', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_question_banks_unit_id'), ['unit_id'], unique=False)

    op.create_table('role_grants',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('member_id', db.Id(), nullable=False),
    sa.Column('role', sa.String(length=16), nullable=False),
    sa.Column('unit_id', db.Id(), nullable=True),
    sa.Column('body_id', db.Id(), nullable=True),
    sa.Column('branch_id', db.Id(), nullable=True),
    sa.Column('from_at', db.Instant(), nullable=False),
    sa.Column('until_at', db.Instant(), nullable=True),
    sa.Column('granted_by', db.Id(), nullable=True),
    sa.Column('revoked_at', db.Instant(), nullable=True),
    sa.ForeignKeyConstraint(['body_id'], ['organizing_bodies.id'], name=op.f('fk_role_grants_body_id')),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_role_grants_branch_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_role_grants_member_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_role_grants_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_role_grants'))
    )
    with op.batch_alter_table('role_grants', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_role_grants_member_id'), ['member_id'], unique=False)

    op.create_table('sign_in_sessions',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('member_id', db.Id(), nullable=False),
    sa.Column('generation', sa.Integer(), nullable=False),
    sa.Column('agent', sa.String(length=120), nullable=False),
    sa.Column('created_at', db.Instant(), nullable=False),
    sa.Column('used_at', db.Instant(), nullable=False),
    sa.Column('expires_at', db.Instant(), nullable=False),
    sa.Column('revoked_at', db.Instant(), nullable=True),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_sign_in_sessions_member_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_sessions'))
    )
    with op.batch_alter_table('sign_in_sessions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sign_in_sessions_member_id'), ['member_id'], unique=False)

    op.create_table('team_members',
    sa.Column('team_id', db.Id(), nullable=False),
    sa.Column('member_id', db.Id(), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_team_members_member_id')),
    sa.ForeignKeyConstraint(['team_id'], ['teams.id'], name=op.f('fk_team_members_team_id')),
    sa.PrimaryKeyConstraint('team_id', 'member_id', 'from_on', name=op.f('pk_team_members'))
    )
    with op.batch_alter_table('team_members', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_team_members_member_id'), ['member_id'], unique=False)

    op.create_table('attempts',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('contest_id', db.Id(), nullable=False),
    sa.Column('member_id', db.Id(), nullable=False),
    sa.Column('unit_id', db.Id(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('layout', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('answers', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('marks', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('outcome', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('started_at', db.Instant(), nullable=False),
    sa.Column('deadline_at', db.Instant(), nullable=False),
    sa.Column('submitted_at', db.Instant(), nullable=True),
    sa.Column('score_hundredths', sa.Integer(), nullable=False),
    sa.Column('max_hundredths', sa.Integer(), nullable=False),
    sa.Column('used_ms', sa.BigInteger(), nullable=False),
    sa.Column('time_share', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['contest_id'], ['contests.id'], name=op.f('fk_attempts_contest_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_attempts_member_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attempts')),
    sa.UniqueConstraint('contest_id', 'member_id', 'number', name=op.f('uq_attempts_contest_id_member_id_number'))
    )
    with op.batch_alter_table('attempts', schema=None) as batch_op:
        batch_op.create_index('ix_attempts_deadline', ['deadline_at'], unique=False, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))
        batch_op.create_index(batch_op.f('ix_attempts_member_id'), ['member_id'], unique=False)
        batch_op.create_index('uq_attempts_running', ['contest_id', 'member_id'], unique=True, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))

    op.create_table('contest_audience_units',
    sa.Column('contest_id', db.Id(), nullable=False),
    sa.Column('unit_id', db.Id(), nullable=False),
    sa.ForeignKeyConstraint(['contest_id'], ['contests.id'], name=op.f('fk_contest_audience_units_contest_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['units.id'], name=op.f('fk_contest_audience_units_unit_id')),
    sa.PrimaryKeyConstraint('contest_id', 'unit_id', name=op.f('pk_contest_audience_units'))
    )
    op.create_table('contest_branch_results',
    sa.Column('contest_id', db.Id(), nullable=False),
    sa.Column('results_version', sa.Integer(), nullable=False),
    sa.Column('branch_id', db.Id(), nullable=False),
    sa.Column('band', sa.String(length=10), nullable=False),
    sa.Column('eligible', sa.Integer(), nullable=False),
    sa.Column('participants', sa.Integer(), nullable=False),
    sa.Column('mean_hundredths', sa.Integer(), nullable=False),
    sa.Column('value_ppm', sa.Integer(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('tie_break', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_contest_branch_results_branch_id')),
    sa.ForeignKeyConstraint(['contest_id'], ['contests.id'], name=op.f('fk_contest_branch_results_contest_id')),
    sa.PrimaryKeyConstraint('contest_id', 'results_version', 'branch_id', name=op.f('pk_contest_branch_results'))
    )
    op.create_table('contest_results',
    sa.Column('contest_id', db.Id(), nullable=False),
    sa.Column('results_version', sa.Integer(), nullable=False),
    sa.Column('member_id', db.Id(), nullable=False),
    sa.Column('attempt_id', db.Id(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('score_hundredths', sa.Integer(), nullable=False),
    sa.Column('time_share', sa.BigInteger(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('tie_break', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.ForeignKeyConstraint(['contest_id'], ['contests.id'], name=op.f('fk_contest_results_contest_id')),
    sa.ForeignKeyConstraint(['member_id'], ['members.id'], name=op.f('fk_contest_results_member_id')),
    sa.PrimaryKeyConstraint('contest_id', 'results_version', 'member_id', name=op.f('pk_contest_results'))
    )
    with op.batch_alter_table('contest_results', schema=None) as batch_op:
        batch_op.create_index('ix_contest_results_order', ['contest_id', 'results_version', 'position'], unique=False)
        batch_op.create_index('ix_contest_results_score', ['contest_id', 'results_version', 'score_hundredths', 'time_share', 'member_id'], unique=False)

    op.create_table('questions',
    sa.Column('id', db.Id(), nullable=False),
    sa.Column('bank_id', db.Id(), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('retired', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['bank_id'], ['question_banks.id'], name=op.f('fk_questions_bank_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_questions'))
    )
    with op.batch_alter_table('questions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_questions_bank_id'), ['bank_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_questions_fingerprint'), ['fingerprint'], unique=False)

    op.create_table('question_versions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('question_id', db.Id(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('stem', sa.String(length=2000), nullable=False),
    sa.Column('options', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('key', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('explanation', sa.String(length=2000), nullable=False),
    sa.Column('topic', sa.String(length=100), nullable=False),
    sa.Column('difficulty', sa.String(length=8), nullable=False),
    sa.Column('created_at', db.Instant(), nullable=False),
    sa.ForeignKeyConstraint(['question_id'], ['questions.id'], name=op.f('fk_question_versions_question_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question_versions')),
    sa.UniqueConstraint('question_id', 'number', name=op.f('uq_question_versions_question_id_number'))
    )
    for table in APPEND_ONLY:
        refuse_changes(table)


def downgrade() -> None:
    op.drop_table('question_versions')
    with op.batch_alter_table('questions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_questions_fingerprint'))
        batch_op.drop_index(batch_op.f('ix_questions_bank_id'))

    op.drop_table('questions')
    with op.batch_alter_table('contest_results', schema=None) as batch_op:
        batch_op.drop_index('ix_contest_results_score')
        batch_op.drop_index('ix_contest_results_order')

    op.drop_table('contest_results')
    op.drop_table('contest_branch_results')
    op.drop_table('contest_audience_units')
    with op.batch_alter_table('attempts', schema=None) as batch_op:
        batch_op.drop_index('uq_attempts_running', sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))
        batch_op.drop_index(batch_op.f('ix_attempts_member_id'))
        batch_op.drop_index('ix_attempts_deadline', sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))

    op.drop_table('attempts')
    with op.batch_alter_table('team_members', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_team_members_member_id'))

    op.drop_table('team_members')
    with op.batch_alter_table('sign_in_sessions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sign_in_sessions_member_id'))

    op.drop_table('sign_in_sessions')
    with op.batch_alter_table('role_grants', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_role_grants_member_id'))

    op.drop_table('role_grants')
    with op.batch_alter_table('question_banks', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_question_banks_unit_id'))

    op.drop_table('question_banks')
    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.drop_index('ix_messages_unread', sqlite_where=sa.text('read_at IS NULL'), postgresql_where=sa.text('read_at IS NULL'))

    op.drop_table('messages')
    with op.batch_alter_table('memberships', schema=None) as batch_op:
        batch_op.drop_index('uq_memberships_open', sqlite_where=sa.text('until_on IS NULL'), postgresql_where=sa.text('until_on IS NULL'))
        batch_op.drop_index(batch_op.f('ix_memberships_member_id'))
        batch_op.drop_index(batch_op.f('ix_memberships_branch_id'))

    op.drop_table('memberships')
    with op.batch_alter_table('contests', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_contests_unit_id'))
        batch_op.drop_index(batch_op.f('ix_contests_state'))

    op.drop_table('contests')
    with op.batch_alter_table('badge_awards', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_badge_awards_member_id'))

    op.drop_table('badge_awards')
    with op.batch_alter_table('teams', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_teams_unit_id'))

    op.drop_table('teams')
    with op.batch_alter_table('point_entries', schema=None) as batch_op:
        batch_op.drop_index('ix_point_entries_month')
        batch_op.drop_index('ix_point_entries_member')
        batch_op.drop_index('ix_point_entries_item')

    op.drop_table('point_entries')
    with op.batch_alter_table('organizing_bodies', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_organizing_bodies_unit_id'))

    op.drop_table('organizing_bodies')
    with op.batch_alter_table('members', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_members_unit_id'))

    op.drop_table('members')
    with op.batch_alter_table('branches', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_branches_unit_id'))
        batch_op.drop_index(batch_op.f('ix_branches_parent_id'))

    op.drop_table('branches')
    with op.batch_alter_table('units', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_units_path'))
        batch_op.drop_index(batch_op.f('ix_units_parent_id'))

    op.drop_table('units')
    with op.batch_alter_table('stored_files', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_stored_files_owner_id'))

    op.drop_table('stored_files')
    with op.batch_alter_table('revocations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_revocations_created_at'))

    op.drop_table('revocations')
    op.drop_table('point_rules')
    with op.batch_alter_table('point_facts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_point_facts_member_id'))

    op.drop_table('point_facts')
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_outbox_reaction_dead_id'))

    op.drop_table('outbox')
    op.drop_table('leases')
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_jobs_state'))
        batch_op.drop_index(batch_op.f('ix_jobs_member_id'))

    op.drop_table('jobs')
    with op.batch_alter_table('idempotent_replies', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_idempotent_replies_created_at'))

    op.drop_table('idempotent_replies')
    with op.batch_alter_table('board_totals', schema=None) as batch_op:
        batch_op.drop_index('ix_board_totals_order')

    op.drop_table('board_totals')
    op.drop_table('badges')
    with op.batch_alter_table('badge_facts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_badge_facts_member_id_kind'))

    op.drop_table('badge_facts')
    with op.batch_alter_table('audit_lines', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_audit_lines_at'))
        batch_op.drop_index(batch_op.f('ix_audit_lines_actor_id'))

    op.drop_table('audit_lines')
    if op.get_bind().dialect.name == "postgresql":
        for table in APPEND_ONLY:
            op.execute(f"DROP FUNCTION {table}_refuse()")
