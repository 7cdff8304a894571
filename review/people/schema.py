"""The tables of people and sessions, in a database of the console's own (docs/decisions/0051).

Times are ns since 1970. Of what a browser holds (session, link, used challenge) only SHA-256 is here.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, Text

from store.catalog.database import Database, explained
from store.errors import StoreError

VERSION: Final = 1
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


def prepare(database: Database, what: str) -> None:
    """Makes the tables where there are none. Raises StoreError for a database that is foreign, damaged or newer."""
    with explained(what), database.writing() as connection:
        tables = set(sa.inspect(connection).get_table_names())
        if tables and version.name not in tables:
            raise StoreError(f"{what} holds tables of another program: give the console a database of its own")
        if not tables:
            metadata.create_all(connection)
            connection.execute(sa.insert(version).values(version=VERSION))
        elif connection.scalar(sa.select(version.c.version)) != VERSION:
            raise StoreError(f"{what} was written by another version of eyelid-review: install that one")
