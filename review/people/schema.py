"""The tables of people, sessions, requests, comments, cases and reviews: the console's own (docs/decisions/0051).

Times are ns since 1970. Of what a browser holds (session, link, used challenge) only SHA-256 is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from store.catalog.database import Database, explained
from store.errors import StoreError

VERSION: Final = 7
metadata: Final = sa.MetaData()

version: Final = Table("people_version", metadata, Column("version", Integer, nullable=False))

persons: Final = Table(
    "persons",
    metadata,
    Column("person", String(200), primary_key=True),  # as review.people.names has it
    Column("handle", String(43), nullable=False, unique=True),  # what passkeys call them: says nothing about them
    Column("created_at", BigInteger, nullable=False),
    Column("signed_in_at", BigInteger),
    Column("removed_at", BigInteger),
    Column("roles", Text),  # JSON: these at most; null: as the signed rules say
    Column("teams", Text),
    Column("password", Text),  # argon2id
    Column("totp", Text),  # sealed
    Column("totp_step", BigInteger, nullable=False, server_default="0"),  # the last that was used
)

# Who they are at a provider: who gets their address next is another person there.
identities: Final = Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("person", ForeignKey("persons.person"), primary_key=True),
    Column("subject", Text, nullable=False),
    sa.UniqueConstraint("issuer", "subject"),
)

passkeys: Final = Table(
    "passkeys",
    metadata,
    Column("id", String(1400), primary_key=True),  # base64url of at most 1,023 bytes
    Column("person", ForeignKey("persons.person"), nullable=False, index=True),
    Column("public_key", sa.LargeBinary, nullable=False),  # COSE
    Column("sign_count", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

links: Final = Table(
    "links",
    metadata,
    Column("secret_sha256", String(64), primary_key=True),
    Column("person", ForeignKey("persons.person"), nullable=False),
    Column("ends_at", BigInteger, nullable=False),
)

sessions: Final = Table(
    "sessions",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("id", String(16), nullable=False, unique=True),
    Column("person", ForeignKey("persons.person"), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("method", String(16), nullable=False),
    Column("origin", Text, nullable=False),
    Column("roles", Text),  # as in persons: what the provider's claims leave
    Column("teams", Text),
    Column("began_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
)

# Challenges and answers that were used, until they would have ended anyway.
spent: Final = Table(
    "spent",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("ends_at", BigInteger, nullable=False, index=True),
)

# What people asked of recordings (review.requests). What they wrote is sealed.
requests: Final = Table(
    "requests",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("recording", String(36), nullable=False),
    Column("subject", String(16), nullable=False),
    Column("person", String(200), nullable=False),  # who asked
    Column("state", String(16), nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("due", String(10)),  # the last day, as in 2027-01-31; null where none is demanded
    Column("text", Text, nullable=False),  # sealed: purpose and reason
    Column("ended_at", BigInteger),
    Column("ended_by", String(200)),
    Column("answer", Text),  # sealed: the reason
    Index("ix_requests_state", "state", "asked_at", "id"),
    Index("ix_requests_person", "person", "asked_at", "id"),
    Index("ix_requests_recording", "recording"),
)

# What people wrote on spans of recordings (review.web.comments), sealed under a key that the console never has.
comments: Final = Table(
    "comments",
    metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of what was signed
    Column("recording", String(36), nullable=False),
    Column("person", String(200), nullable=False),
    Column("start", BigInteger, nullable=False),  # ns since the recording's start
    Column("end", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("token", Text, nullable=False),  # what the person signed, with the sealed text in it
    Column("commented", Text, nullable=False),  # what the custodian signed of it
    Index("ix_comments_recording", "recording", "start"),
)

# Named sets of spans of recordings (review.requests.cases). What people wrote is sealed.
cases: Final = Table(
    "cases",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("person", String(200), nullable=False),  # who made it
    Column("state", String(16), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("text", Text, nullable=False),  # sealed: title and note
    Column("asked_by", String(200)),  # for its export; null where it is not, or was refused or withdrawn
    Column("asked_at", BigInteger),
    Column("asked", Text),  # sealed: purpose and reason
    Column("refused", Text),  # sealed: who refused the last request, and why
    Index("ix_cases_made", "made_at", "id"),
    Index("ix_cases_person", "person", "made_at", "id"),
)
case_spans: Final = Table(
    "case_spans",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("case_id", ForeignKey("cases.id"), nullable=False, index=True),
    Column("recording", String(36), nullable=False, index=True),
    Column("start", BigInteger, nullable=False),  # ns since the recording's start
    Column("until", BigInteger, nullable=False),
    Column("person", String(200), nullable=False),  # who added it
    Column("at", BigInteger, nullable=False),
)
# Of the export that is asked for now.
case_approvals: Final = Table(
    "case_approvals",
    metadata,
    Column("case_id", ForeignKey("cases.id"), primary_key=True),
    Column("person", String(200), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

# Months of periodic reviews (review.requests.reviews): one is here once its sample is known, which never changes then.
review_samples: Final = Table(
    "review_samples",
    metadata,
    Column("review", String(64), primary_key=True),
    Column("month", String(7), primary_key=True),  # such as 2026-11
    Column("drawn_at", BigInteger, nullable=False),  # when the console learned it
)
# What was drawn, and what became of it. Without an outcome there is no person and no time.
review_outcomes: Final = Table(
    "review_outcomes",
    metadata,
    Column("review", String(64), primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("recording", String(36), primary_key=True),
    Column("person", String(200)),
    Column("at", BigInteger),
    Column("outcome", String(16)),
    Column("note", Text),  # sealed
    Index("ix_review_outcomes_recording", "recording"),
)
review_signatures: Final = Table(
    "review_signatures",
    metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of what was signed
    Column("review", String(64), nullable=False),
    Column("month", String(7), nullable=False),
    Column("person", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("token", Text, nullable=False),  # what the person signed
    Column("reviewed", Text, nullable=False),  # what the custodian signed of it
    Index("ix_review_signatures_month", "review", "month"),
)

# What people ask about recordings of themselves (review.requests.privacy). What was written is sealed.
privacy_requests: Final = Table(
    "privacy_requests",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("person", String(200), nullable=False),  # who entered it
    Column("state", String(16), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("came", String(10), nullable=False),  # a day, as in 2027-01-31
    Column("due", String(10), nullable=False),
    Column("text", Text, nullable=False),  # sealed: whom it is about, and a note
    Column("longer", Text),  # sealed: why it takes two months more
    Column("outcome", String(16)),
    Column("answer", Text),  # sealed
    Column("decided_by", String(200)),
    Column("decided_at", BigInteger),
    Column("ended_by", String(200)),
    Column("ended_at", BigInteger),
    Column("cases", Text, nullable=False),  # ids of cases that were made for it
    Index("ix_privacy_due", "state", "due", "id"),
    Index("ix_privacy_person", "person", "made_at"),
)

# Searches that people keep (review.requests.searches). Name and question are sealed.
searches: Final = Table(
    "searches",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("person", String(200), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
)

# Version -> the tables that it added. A column that changes wants a step of its own here.
ADDED: Final[Mapping[int, tuple[Table, ...]]] = {
    2: (requests,), 3: (comments,), 4: (cases, case_spans, case_approvals),
    5: (review_samples, review_outcomes, review_signatures), 6: (privacy_requests,), 7: (searches,),
}  # fmt: skip


def prepare(database: Database, what: str) -> None:
    """Makes the tables where there are none, and those that a newer version added.

    Raises StoreError for a database that is foreign, damaged or newer."""
    with explained(what), database.writing() as connection:
        tables = set(sa.inspect(connection).get_table_names())
        if tables and version.name not in tables:
            raise StoreError(f"{what} holds tables of another program: give the console a database of its own")
        if not tables:
            metadata.create_all(connection)
            connection.execute(sa.insert(version).values(version=VERSION))
        else:
            _upgrade(connection, what)


def _upgrade(connection: sa.Connection, what: str) -> None:
    written = connection.scalar(sa.select(version.c.version)) or 0
    if not 1 <= written <= VERSION:
        raise StoreError(f"{what} was written by another version of eyelid-review: install that one")
    for number in range(written + 1, VERSION + 1):
        for table in ADDED[number]:
            table.create(connection)
    if written < VERSION:
        connection.execute(sa.update(version).values(version=VERSION))
