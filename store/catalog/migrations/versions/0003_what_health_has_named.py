"""What the PCs' health has named and has not come yet; begins with what each last report named.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    heads = op.create_table(
        "reported_heads",
        sa.Column("device", sa.String(length=36), nullable=False),
        sa.Column("recording", sa.String(length=36), nullable=False),
        sa.Column("stream", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["devices.id"], name=op.f("fk_reported_heads_device")),
        sa.PrimaryKeyConstraint("device", "recording", "stream", name=op.f("pk_reported_heads")),
    )
    entries = op.create_table(
        "reported_entries",
        sa.Column("device", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["devices.id"], name=op.f("fk_reported_entries_device")),
        sa.PrimaryKeyConstraint("device", "seq", "hash", name=op.f("pk_reported_entries")),
    )
    connection = op.get_bind()
    for device, at, body in connection.execute(sa.text("select device, at, body from health")).all():
        told = json.loads(body)
        rows = [
            {"stream": int(stream), "sequence": head["next"] - 1, "sha256": head["head"]}
            for stream, head in told["heads"].items()
            if head["next"] and "recording" in told
        ]
        for row in rows:
            connection.execute(sa.insert(heads).values(device=device, recording=told["recording"], at=at, **row))
        if told["ledger"]["next"]:
            row = {"seq": told["ledger"]["next"] - 1, "hash": told["ledger"]["head"]}
            connection.execute(sa.insert(entries).values(device=device, at=at, **row))
