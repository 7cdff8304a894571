"""What the audit log refuses; the codes are stable (docs/audit-log.md)."""

from __future__ import annotations

from protocol.errors import ProtocolError


class AuditError(ProtocolError):
    """An entry, a note or a log that is not what it must be. No message quotes a body."""
