"""Create users, roles, sessions and signing keys.

Revision: fa6fffa8278d
Follows: nothing
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "fa6fffa8278d"
down_revision = None
branch_labels = None
depends_on = None


def _time(name: str, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Bring the schema one step forward."""
    op.create_table(
        "roles",
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("description", sa.String(300), nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("builtin", sa.Boolean(), nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("name", name="pk_roles"),
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(43), nullable=False),
        sa.Column("sealed_private_key", sa.LargeBinary(), nullable=False),
        _time("created_at"),
        _time("signs_from"),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_key", sa.String(320), nullable=False),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.Column("display_name", sa.String(100), nullable=True),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        _time("created_at"),
        _time("updated_at"),
        _time("last_sign_in_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email_key", name="uq_users_email_key"),
    )
    op.create_index("ix_users_status", "users", ["status"])
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        _time("rotated_at"),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        _time("created_at"),
        _time("last_used_at"),
        _time("expires_at"),
        _time("max_expires_at"),
        sa.Column("ip", sa.String(45), nullable=False),
        sa.Column("user_agent", sa.String(300), nullable=False),
        sa.Column("device", sa.String(60), nullable=False),
        _time("ended_at", nullable=True),
        sa.Column("end_reason", sa.String(30), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name="fk_sessions_user_id_users",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_user_id_id", "sessions", ["user_id", "id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_sessions_ended_at", "sessions", ["ended_at"])
    op.create_table(
        "user_roles",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role_name", sa.String(50), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_name"], ["roles.name"], name="fk_user_roles_role_name_roles"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name="fk_user_roles_user_id_users",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "role_name", name="pk_user_roles"),
    )
    op.create_index("ix_user_roles_role_name", "user_roles", ["role_name"])


def downgrade() -> None:
    """Take the step back."""
    for table in ("user_roles", "sessions", "users", "signing_keys", "roles"):
        op.drop_table(table)
