"""Note how a session began: with a password, or by mail.

Revision: 2d7a90c4e815
Follows: 8b1f4e6c2a90
"""

import sqlalchemy as sa
from alembic import op

revision = "2d7a90c4e815"
down_revision = "8b1f4e6c2a90"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema one step forward."""
    op.add_column(
        "sessions",
        sa.Column("method", sa.String(10), server_default="pwd", nullable=False),
    )


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("sessions", "method")
