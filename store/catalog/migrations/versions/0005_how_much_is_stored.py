"""How much each PC has stored, for quotas; begins with what lies there.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stored",
        sa.Column("device", sa.String(length=36), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("today", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["devices.id"], name=op.f("fk_stored_device")),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_stored")),
    )
    op.execute(
        "insert into stored (device, total, day, today) select recordings.device, sum(sealed.size), 0, 0 from sealed "
        "join recordings on recordings.id = sealed.recording group by recordings.device"
    )
