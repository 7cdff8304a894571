"""`eyelid-review consent`: consent to recordings, signed by a person at the custodian (docs/custodian.md)."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from functools import partial
from typing import Any
from uuid import UUID

from protocol import personal
from protocol.envelope import LONGEST_CHUNK
from protocol.errors import ProtocolError
from review.commands.choosing import only
from review.commands.custodian import LISTENS, SIGNS, signed
from review.commands.interactions import recordings_of, shut_by
from review.commands.opening import opened_store, with_store
from review.commands.shared import Subcommands, answer, command, group, option
from review.exchange import ask
from review.governance.model import Consent
from store.admin import passphrase
from store.admin.home import Home
from store.catalog import interactions
from store.catalog.database import Database
from store.errors import StoreError
from store.evidence.evidence import gather
from store.evidence.papers import papers


def add(commands: Subcommands[ArgumentParser]) -> None:
    verbs = group(commands, "consent", "consent to recordings, as people signed it at the custodian",
                  "eyelid-review consent show 0193a1b2")  # fmt: skip
    chosen = option("chosen", "ids of recordings, or of interactions for all of theirs; or their beginnings", "REC",
                    nargs="+")  # fmt: skip
    more = (
        *SIGNS, chosen, with_store, LISTENS, passphrase.add_options,
        option("--channel", "voice or screen", choices=("voice", "screen"), default="voice"),
        option("--purpose", "the purpose that is named, where a role wants one", "WORD", default=""),
        option("--reference", "where it is written down; no name, no text (an interaction's id)", "ID", default=""),
    )  # fmt: skip
    for name, state, says in (
        ("give", Consent.GIVEN, "sign that consent was given"),
        ("withdraw", Consent.WITHDRAWN, "sign that consent was taken back: nothing is opened then, whatever rules say"),
    ):
        example = "0193a1b2 --as paula@example.com --key paula.key"
        command(verbs, f"consent {name}", says, example, partial(_sign, state), *more)
    command(verbs, "consent show", "what was signed of recordings", "0193a1b2", _show, chosen, with_store, LISTENS)


def _sign(state: Consent, asked: Namespace) -> int:
    done = list[dict[str, Any]]()
    with opened_store(asked.home) as (home, database):
        found, failed = _recordings(asked, home, database, state)
        for recording, reference in found.items():
            said = {"recording": str(recording), "channel": asked.channel, "state": state, "purpose": asked.purpose,
                    "reference": asked.reference or reference}  # fmt: skip
            try:
                with database.reading() as connection:
                    evidence = gather(connection, recording, policies=False)
                    which = (str(recording), evidence.recording.start, LONGEST_CHUNK)
                    if state is Consent.GIVEN and (why := shut_by(home, connection, *which)):
                        failed[str(recording)] = why
                        continue
                    shown = papers(connection, evidence, home.blobs(), home.store_key())
                done.append(ask(asked.socket, "consent", consent=signed(asked, personal.CONSENT, said), papers=shown))
            except (StoreError, ProtocolError) as error:
                failed[str(recording)] = str(error)
    lines = [f"{one['recording']}: consent to the {one['channel']} {one['state']}" for one in done]
    lines += [f"! {recording}: {why}" for recording, why in failed.items()]
    answer(asked, {"signed": done, "failed": failed}, *lines)
    return 1 if failed else 0


def _recordings(
    asked: Namespace, home: Home, database: Database, state: Consent | None = None
) -> tuple[dict[UUID, str], dict[str, str]]:
    """With the interaction that each is of, "" where it was named itself; and interactions without any, with why that
    is a failure. Raises StoreError, WrongUsage.
    """
    found, without = dict[UUID, str](), dict[str, str]()
    for one in [only(database, text) for text in asked.chosen]:
        with database.reading() as connection:
            if (row := interactions.find(connection, str(one))) is None:
                found.setdefault(one, "")
                continue
            about = interactions.said(connection, row)[0]
            if state is Consent.GIVEN and about.consent.get(asked.channel) != state:
                raise StoreError(
                    f"interaction {one}: its system does not say that consent to the {asked.channel} was given"
                )
            there = {UUID(other.id): str(one) for other in recordings_of(home, connection, about)}
        found |= there
        if not there:
            without[f"interaction {one}"] = "no recording of it is here yet: ask again when it has come"
    return found, without


def _show(asked: Namespace) -> int:
    with opened_store(asked.home) as (home, database):
        chosen, failed = _recordings(asked, home, database)
    answered = {str(one): ask(asked.socket, "consent-of", recording=str(one))["consent"] for one in chosen}
    lines = []
    for recording, channels in answered.items():
        lines += [f"{recording}: {on} {said['state']}, by {said['person']}" for on, said in channels.items()]
        lines += [] if channels else [f"{recording}: nothing was signed, so consent is missing"]
    lines += [f"! {one}: {why}" for one, why in failed.items()]
    answer(asked, {"recordings": answered, "failed": failed}, *lines)
    return 1 if failed else 0
