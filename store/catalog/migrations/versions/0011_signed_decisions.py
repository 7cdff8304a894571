"""Holds and requests, signed by the audit log's key.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lifecycle", sa.Column("decided", sa.Text(), nullable=False, server_default=""))
