"""Make challenges of accounts, invitations and deletions that can be undone.

Revision: 7e4b1f9ac306
Follows: 2d7a90c4e815
"""

import sqlalchemy as sa
from alembic import op

revision = "7e4b1f9ac306"
down_revision = "2d7a90c4e815"
branch_labels = None
depends_on = None

OF_ACCOUNT = "fk_challenges_user_id_users"


def upgrade() -> None:
    """Bring the schema one step forward."""
    with op.batch_alter_table("challenges") as challenges:
        challenges.add_column(sa.Column("user_id", sa.Uuid(), nullable=True))
        challenges.create_foreign_key(
            OF_ACCOUNT, "users", ["user_id"], ["id"], ondelete="CASCADE"
        )
        challenges.alter_column("code_expires_at", nullable=True)
        challenges.create_index("ix_challenges_user_id", ["user_id"])
    op.add_column("challenges", sa.Column("seed", sa.Uuid(), nullable=True))
    # Links and codes that are under way were made of the id.
    op.execute("UPDATE challenges SET seed = id")
    with op.batch_alter_table("challenges") as challenges:
        challenges.alter_column("seed", nullable=False)
        challenges.create_unique_constraint("uq_challenges_seed", ["seed"])
    op.add_column("users", sa.Column("locale", sa.String(35), nullable=True))
    for name in ("invited_at", "delete_at", "devices_since"):
        column = sa.Column(name, sa.DateTime(timezone=True), nullable=True)
        op.add_column("users", column)
    op.create_index("ix_users_delete_at", "users", ["delete_at"])


def downgrade() -> None:
    """Take the step back; what only the newer version knows is forgotten."""
    op.execute(
        "DELETE FROM outbox "
        "WHERE kind NOT IN ('verify_email', 'reset_password', 'sign_in')"
    )
    op.execute(
        "DELETE FROM challenges " "WHERE user_id IS NOT NULL OR code_expires_at IS NULL"
    )
    op.execute(
        "UPDATE sessions SET end_reason = 'password_reset' "
        "WHERE end_reason = 'email_change_undone'"
    )
    op.execute("UPDATE users SET status = 'disabled' WHERE status = 'deleted'")
    op.drop_index("ix_users_delete_at", "users")
    for name in ("devices_since", "delete_at", "invited_at", "locale"):
        op.drop_column("users", name)
    with op.batch_alter_table("challenges") as challenges:
        challenges.drop_index("ix_challenges_user_id")
        challenges.drop_constraint(OF_ACCOUNT, type_="foreignkey")
        challenges.drop_constraint("uq_challenges_seed", type_="unique")
        challenges.drop_column("seed")
        challenges.alter_column("code_expires_at", nullable=False)
        challenges.drop_column("user_id")
