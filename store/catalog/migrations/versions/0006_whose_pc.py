"""Which user of a PC a device records; of those that enrolled before, by their newest recording.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("os_user", sa.Text(), nullable=False, server_default=""))
    op.execute(
        "update devices set os_user = coalesce((select os_user from recordings where recordings.device = devices.id "
        "order by start desc limit 1), '')"
    )
