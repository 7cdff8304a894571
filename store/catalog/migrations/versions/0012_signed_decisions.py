"""Holds and requests, signed by the audit log's key.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lifecycle", sa.Column("decided", sa.Text(), nullable=False, server_default=""))
