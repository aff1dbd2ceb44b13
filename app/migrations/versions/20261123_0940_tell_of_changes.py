"""Have PostgreSQL tell every process what anybody changes.

What a process remembers of users, sessions, roles and keys is dropped when it hears of
a change, whoever makes it: another process, the command line, or somebody with psql.
A refresh takes nothing away from a session and is not told.

Revision: 5c3a9d1e7b42
Follows: fa6fffa8278d
"""

from alembic import op

revision = "5c3a9d1e7b42"
down_revision = "fa6fffa8278d"
branch_labels = None
depends_on = None

CHANNEL = "cardea_changes"

TELL_OF_ROW = f"""
CREATE FUNCTION cardea_tell_of_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM pg_notify('{CHANNEL}', to_jsonb(OLD) ->> TG_ARGV[0]);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM pg_notify('{CHANNEL}', to_jsonb(NEW) ->> TG_ARGV[0]);
    END IF;
    RETURN NULL;
END $$
"""

TELL_OF_TABLE = f"""
CREATE FUNCTION cardea_tell_of_table() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('{CHANNEL}', TG_TABLE_NAME);
    RETURN NULL;
END $$
"""

SESSION_LOSES_TIME = (
    "NEW.ended_at IS DISTINCT FROM OLD.ended_at OR NEW.expires_at < OLD.expires_at"
)

TRIGGERS = (
    ("users", "UPDATE OR DELETE", "FOR EACH ROW", "row('id')"),
    ("user_roles", "INSERT OR UPDATE OR DELETE", "FOR EACH ROW", "row('user_id')"),
    (
        "sessions",
        "UPDATE",
        f"FOR EACH ROW WHEN ({SESSION_LOSES_TIME})",
        "row('user_id')",
    ),
    ("roles", "INSERT OR UPDATE OR DELETE", "FOR EACH STATEMENT", "table()"),
    ("signing_keys", "INSERT OR UPDATE OR DELETE", "FOR EACH STATEMENT", "table()"),
)


def upgrade() -> None:
    """Bring the schema one step forward."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(TELL_OF_ROW)
    op.execute(TELL_OF_TABLE)
    for table, operations, when, function in TRIGGERS:
        op.execute(
            f"CREATE TRIGGER tell_of_{table} AFTER {operations} ON {table} {when} "
            f"EXECUTE FUNCTION cardea_tell_of_{function}"
        )


def downgrade() -> None:
    """Take the step back."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, *_ in TRIGGERS:
        op.execute(f"DROP TRIGGER tell_of_{table} ON {table}")
    op.execute("DROP FUNCTION cardea_tell_of_row")
    op.execute("DROP FUNCTION cardea_tell_of_table")
