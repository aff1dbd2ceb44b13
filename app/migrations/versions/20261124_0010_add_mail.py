"""Create challenges and the outbox.

Revision: 8b1f4e6c2a90
Follows: 5c3a9d1e7b42
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "8b1f4e6c2a90"
down_revision = "5c3a9d1e7b42"
branch_labels = None
depends_on = None


def _time(name: str, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Bring the schema one step forward."""
    op.create_table(
        "challenges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(30), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_key", sa.String(320), nullable=False),
        sa.Column("pending", sa.JSON(), nullable=True),
        _time("created_at"),
        _time("link_expires_at"),
        _time("code_expires_at"),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        _time("ended_at", nullable=True),
        sa.Column("end_reason", sa.String(20), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_challenges"),
    )
    op.create_index("ix_challenges_created_at", "challenges", ["created_at"])
    op.create_index(
        "ix_challenges_email_key_purpose", "challenges", ["email_key", "purpose"]
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("language", sa.String(20), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        _time("created_at"),
        _time("due_at", nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _time("sent_at", nullable=True),
        _time("failed_at", nullable=True),
        sa.Column("error", sa.String(200), nullable=True),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenges.id"],
            name="fk_outbox_challenge_id_challenges",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    for column in ("challenge_id", "due_at", "sent_at"):
        op.create_index(f"ix_outbox_{column}", "outbox", [column])


def downgrade() -> None:
    """Take the step back."""
    op.drop_table("outbox")
    op.drop_table("challenges")
