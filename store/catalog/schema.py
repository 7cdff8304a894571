"""The catalog's tables: what the store knows besides bytes. The same on SQLite and PostgreSQL.

Times are ns since 1970 by the store's clock, unless a column says otherwise. UUIDs and hashes are text in their one
spelling, so that an operator can read a row.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only where the column is exactly INTEGER.
_Number: Final = BigInteger().with_variant(Integer, "sqlite")

enrolments: Final = Table(
    "enrolments",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("secret_sha256", String(64), nullable=False, unique=True),  # the secret itself is kept nowhere
    Column("group_name", String(200), nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger),
)

devices: Final = Table(
    "devices",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("token_key", String(43), nullable=False, unique=True),  # both keys: 32 raw bytes in base64url
    Column("token_kid", String(43), nullable=False, unique=True),  # its thumbprint
    Column("evidence_key", String(43), nullable=False, unique=True),
    Column("host", Text, nullable=False),
    Column("os_user", Text, nullable=False, server_default=""),  # "" of one that enrolled before it was asked
    Column("os", Text, nullable=False),
    Column("agent_version", Text, nullable=False),
    Column("group_name", String(200), nullable=False),
    Column("enrolment", ForeignKey("enrolments.id"), nullable=False),
    Column("enrolled_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

spent_assertions: Final = Table(
    "spent_assertions",
    metadata,
    Column("device", ForeignKey("devices.id"), primary_key=True),
    Column("jti", String(64), primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

health: Final = Table(
    "health",
    metadata,
    Column("device", ForeignKey("devices.id"), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # JSON, protocol.api.DeviceHealthRequest
)

# What health named beyond what has come (store/catalog/reported.py): the recordings need not be here yet.
reported_heads: Final = Table(
    "reported_heads",
    metadata,
    Column("device", ForeignKey("devices.id"), primary_key=True),
    Column("recording", String(36), primary_key=True),
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),  # of the last chunk of the stream
    Column("sha256", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
)

reported_entries: Final = Table(
    "reported_entries",
    metadata,
    Column("device", ForeignKey("devices.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # of the last entry of the ledger
    Column("hash", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

recordings: Final = Table(
    "recordings",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("device", ForeignKey("devices.id"), nullable=False),
    Column("start", BigInteger, nullable=False),  # as the PC believed it
    Column("host", Text, nullable=False),
    Column("os_user", Text, nullable=False),
    Column("policy", String(64), nullable=False),
    Column("opened_at", BigInteger, nullable=False, index=True),
    Index(None, "device", "opened_at"),
)

# Sealed chunks and key packets (stream 65535; those have no header). Other bytes under one name are one more row:
# the first to come does not win, the device's signed heads decide.
sealed: Final = Table(
    "sealed",
    metadata,
    Column("recording", ForeignKey("recordings.id"), primary_key=True),
    Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("sha256", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("kind", Integer),
    Column("flags", Integer),
    Column("start", BigInteger),  # ns since the recording's start
    Column("end", BigInteger),
    Column("previous", String(64)),
)

# Bytes of sealed chunks and key packets, for quotas (store/server/room.py).
stored: Final = Table(
    "stored",
    metadata,
    Column("device", ForeignKey("devices.id"), primary_key=True),
    Column("total", BigInteger, nullable=False),
    Column("day", BigInteger, nullable=False),  # the last on which something came, days since 1970
    Column("today", BigInteger, nullable=False),  # bytes of that day
)

ledger_batches: Final = Table(
    "ledger_batches",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("device", ForeignKey("devices.id"), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("received_at", BigInteger, nullable=False),
    Column("accepted", Boolean, nullable=False),  # false: contradicts what the device signed before; kept as evidence
    Column("token", Text, nullable=False),  # JWS, eyelid-ledger
    Index(None, "device", "first"),
    Index(None, "device", "accepted", "id"),
)

ledger_lines: Final = Table(
    "ledger_lines",
    metadata,
    Column("device", ForeignKey("devices.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("recording", String(36), index=True),
    Column("batch", ForeignKey("ledger_batches.id"), nullable=False),
    Column("line", Text, nullable=False),
    Index(None, "device", "kind", "seq"),
)

policies: Final = Table(
    "policies",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("files", Text, nullable=False),  # JSON, name -> text
    Column("received_at", BigInteger, nullable=False),
    Column("device", ForeignKey("devices.id")),  # null: came with a bundle
)

bundles: Final = Table(
    "bundles",
    metadata,
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("token", Text, nullable=False),  # JWS, eyelid-bundle
    Column("added_at", BigInteger, nullable=False),
)

# Never for a PC: what the store hands out is a bundle's token alone.
governance: Final = Table(
    "governance",
    metadata,
    Column("hash", String(64), primary_key=True),  # as bundles name it
    Column("carried", Text, nullable=False),  # protocol.carried
    Column("added_at", BigInteger, nullable=False),
)

successors: Final = Table(
    "successors",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("token", Text, nullable=False),  # JWS, eyelid-successor
    Column("added_at", BigInteger, nullable=False),
)

locations: Final = Table(
    "locations",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("token", Text, nullable=False),  # JWS, eyelid-location
    Column("added_at", BigInteger, nullable=False),
)

alarms: Final = Table(
    "alarms",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("code", String(64), nullable=False),
    Column("device", ForeignKey("devices.id"), nullable=False),
    Column("recording", String(36), index=True),
    Column("stream", Integer),
    Column("sequence", BigInteger),  # of the chunk, or of the ledger entry where there is no recording
    Column("sha256", String(64)),
    Index(None, "device", "code"),
)

# What operators decided, by whom and why; nothing here is changed or taken away. An alarm with an entry is settled.
audit: Final = Table(
    "audit",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("operator", Text, nullable=False),  # the operating system's name of the user who ran the command
    Column("action", String(64), nullable=False),
    Column("alarm", ForeignKey("alarms.id"), index=True),
    Column("reason", Text, nullable=False),
)

# Recordings that were erased, or are being: nothing more is taken of them (store/catalog/erasure.py). Neither they nor
# their devices need be here: a catalog that was put back from a backup may be older than they are.
erasures: Final = Table(
    "erasures",
    metadata,
    Column("recording", String(36), primary_key=True),
    Column("device", String(36), nullable=False, index=True),
    Column("position", BigInteger, nullable=False),  # of the order's entry in the audit log
    Column("order", Text, nullable=False),  # JWS, eyelid-erasure
    Column("step", String(16), nullable=False, index=True),
    Column("found", Text, nullable=False),  # JSON: what there was to destroy
    Column("shredded_at", BigInteger),
    Column("certificate", Text),  # JWS, eyelid-erasure
)

# Legal holds, a row for each recording. What is held is not erased, whatever is asked.
holds: Final = Table(
    "holds",
    metadata,
    Column("hold", String(128), primary_key=True),
    Column("recording", String(36), primary_key=True),
    Column("why", Text, nullable=False),
    Column("owner", Text, nullable=False),  # a person, or their pseudonym in the audit log
    Column("review", String(10), nullable=False),  # day
    Column("placed_at", BigInteger, nullable=False),
    Column("released_at", BigInteger),
    Index(None, "recording"),
)

# What was asked to be erased and could not be yet: by whom the log says.
erasure_requests: Final = Table(
    "erasure_requests",
    metadata,
    Column("recording", String(36), primary_key=True),
    Column("reference", String(128), nullable=False),
)

# One row, where an audit log decides on erasure: its name and public key, and the number of the first entry that the
# catalog has not followed yet.
# `generation` also lies in a file beside the database that no backup has: a catalog without it was put back.
lifecycle: Final = Table(
    "lifecycle",
    metadata,
    Column("log", String(200), primary_key=True),
    Column("key", String(43), nullable=False),
    Column("applied", BigInteger, nullable=False),
    Column("generation", String(64), nullable=False),
)

# Who may send interactions, each with a key of its own: a telephone system, a mailbox, a chat.
integrations: Final = Table(
    "integrations",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("secret_sha256", String(64), nullable=False, unique=True),  # of what it is let in by
    Column("evidence_key", String(43), nullable=False),  # as of a device
    Column("house", Text, nullable=False),  # JSON: domains of the house's own addresses
    Column("country", String(3), nullable=False),  # "49", for numbers that are written without
    Column("created_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger),
)

# Calls, chats and mails. What customers said and go by is sealed, in a folder of the blobs like a recording's.
interactions: Final = Table(
    "interactions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("integration", ForeignKey("integrations.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("direction", String(16), nullable=False),
    Column("queue", String(64), nullable=False),
    Column("start", BigInteger, nullable=False, index=True),  # ns since 1970, as the integration has it
    Column("end", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),  # of packet and chunk
    Column("received_at", BigInteger, nullable=False),
    Column("statement", Text, nullable=False),  # JWS, eyelid-interaction: consent, agents, hashes
)

# What an interaction is found by: keyed hashes of what customers go by, and names of agents.
interaction_names: Final = Table(
    "interaction_names",
    metadata,
    Column("kind", String(8), primary_key=True),  # tag, person, user, host, device
    Column("name", String(200), primary_key=True),
    Column("interaction", ForeignKey("interactions.id"), primary_key=True, index=True),
)
