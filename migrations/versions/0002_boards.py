"""Boards by period and group: parts, seasons, and how branches are compared."""

import sqlalchemy as sa
from alembic import op
from api.core import clock, db
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

BOARDS = ('people', 'branches-party', 'branches-league', 'branches-union', 'branches-generic')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.create_table('board_parts',
    sa.Column('member_id', db.Id(), nullable=False),
    sa.Column('period', sa.String(length=10), nullable=False),
    sa.Column('group_id', db.Id(), nullable=False),
    sa.Column('points', sa.Integer(), nullable=False),
    sa.Column('reached_s', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('member_id', 'period', 'group_id', name=op.f('pk_board_parts'))
    )
    with op.batch_alter_table('board_parts', schema=None) as batch_op:
        batch_op.create_index('ix_board_parts_order', ['group_id', 'period', sa.literal_column('points DESC'), 'reached_s', sa.literal_column('member_id DESC')], unique=False)

    op.create_table('board_seasons',
    sa.Column('code', sa.String(length=8), nullable=False),
    sa.Column('title', JSON, nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('created_by', db.Id(), nullable=True),
    sa.Column('created_at', db.Instant(), nullable=False),
    sa.CheckConstraint('ends_on >= starts_on', name=op.f('ck_board_seasons_dates')),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_board_seasons'))
    )
    op.create_table('boards',
    sa.Column('key', sa.String(length=20), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('method', sa.String(length=16), nullable=False),
    sa.Column('best_n', sa.Integer(), nullable=False),
    sa.Column('percent', sa.Integer(), nullable=False),
    sa.Column('counted_on', sa.Date(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_boards'))
    )
    boards = sa.table('boards', *(sa.column(name) for name in (
        'key', 'active', 'method', 'best_n', 'percent', 'version')))
    op.bulk_insert(boards, [
        {'key': key, 'active': True, 'method': 'per_head', 'best_n': 5, 'percent': 50, 'version': 1}
        for key in BOARDS])
    with op.batch_alter_table('board_totals', schema=None) as batch_op:
        batch_op.add_column(sa.Column('participants', sa.Integer(), server_default='1', nullable=False))
    # One reaction follows the ledger and memberships now.
    op.execute("UPDATE outbox SET reaction = 'points.totals' WHERE reaction = 'points.heads'")
    fill_from_the_ledger()


def fill_from_the_ledger() -> None:
    """Let a job make the new totals and parts where there is a ledger already."""
    entries = sa.table('point_entries', sa.column('id'))
    if op.get_bind().execute(sa.select(entries.c.id).limit(1)).first() is None:
        return
    jobs = sa.table('jobs',
        sa.column('id', db.Id()), sa.column('kind'), sa.column('state'), sa.column('args', JSON),
        sa.column('cursor', JSON), sa.column('done'), sa.column('result', JSON),
        sa.column('errors', JSON), sa.column('tries'), sa.column('created_at', db.Instant()))
    op.get_bind().execute(sa.insert(jobs).values(
        id=db.new_id(), kind='points.recount', state='queued', args={}, cursor={}, done=0,
        result={}, errors=[], tries=0, created_at=clock.now()))


def downgrade() -> None:
    with op.batch_alter_table('board_totals', schema=None) as batch_op:
        batch_op.drop_column('participants')

    op.drop_table('boards')
    op.drop_table('board_seasons')
    with op.batch_alter_table('board_parts', schema=None) as batch_op:
        batch_op.drop_index('ix_board_parts_order')

    op.drop_table('board_parts')
