"""Tables whose rows the database itself refuses to change or delete."""

import sqlalchemy as sa


def protect(table: sa.FromClause) -> None:
    """Let the database itself refuse UPDATE and DELETE (PostgreSQL: TRUNCATE too) on `table`."""
    assert isinstance(table, sa.Table)
    for dialect, statements in triggers(table.name).items():
        for statement in statements:
            ddl = sa.DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
            sa.event.listen(table, "after_create", ddl)


def triggers(name: str) -> dict[str, list[str]]:
    """The statements that make a table append-only, by dialect."""
    refused = f"{name} is append-only"
    sqlite = [
        f"CREATE TRIGGER {name}_no_{act.lower()} BEFORE {act} ON {name} "
        f"BEGIN SELECT RAISE(ABORT, '{refused}'); END"
        for act in ("UPDATE", "DELETE")
    ]
    function = (
        f"CREATE OR REPLACE FUNCTION {name}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refused}'; END $$"
    )
    rows = (
        f"CREATE TRIGGER {name}_no_change BEFORE UPDATE OR DELETE ON {name} "
        f"FOR EACH ROW EXECUTE FUNCTION {name}_refuse()"
    )
    all_rows = (
        f"CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {name} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {name}_refuse()"
    )
    return {"sqlite": sqlite, "postgresql": [function, rows, all_rows]}
