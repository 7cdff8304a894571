"""Legal holds, recordings that were erased, and the audit log that says so.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("recording", sa.String(36), nullable=False),
        sa.Column("device", sa.String(36), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("order", sa.Text(), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("shredded_at", sa.BigInteger()),
        sa.Column("certificate", sa.Text()),
        sa.PrimaryKeyConstraint("recording", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_device"), "erasures", ["device"])
    op.create_index(op.f("ix_erasures_step"), "erasures", ["step"])
    op.create_table(
        "holds",
        sa.Column("hold", sa.String(128), nullable=False),
        sa.Column("recording", sa.String(36), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("review", sa.String(10), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("released_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("hold", "recording", name=op.f("pk_holds")),
    )
    op.create_index(op.f("ix_holds_recording"), "holds", ["recording"])
    op.create_table(
        "erasure_requests",
        sa.Column("recording", sa.String(36), nullable=False),
        sa.Column("reference", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("recording", name=op.f("pk_erasure_requests")),
    )
    op.create_table(
        "lifecycle",
        sa.Column("log", sa.String(200), nullable=False),
        sa.Column("key", sa.String(43), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("log", name=op.f("pk_lifecycle")),
    )
