"""Indexes of what is asked for a PC at a time: its alarms, its newest recordings, its batches that were refused.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_alarms_device_code"), "alarms", ["device", "code"])
    op.create_index(op.f("ix_ledger_batches_device_accepted_id"), "ledger_batches", ["device", "accepted", "id"])
    op.create_index(op.f("ix_recordings_device_opened_at"), "recordings", ["device", "opened_at"])
    op.create_index(op.f("ix_recordings_opened_at"), "recordings", ["opened_at"])
    op.drop_index(op.f("ix_recordings_device"), "recordings")  # the one above begins with it
    op.drop_index(op.f("ix_recordings_start"), "recordings")  # no list is ordered by what the PC believed
