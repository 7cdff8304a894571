"""Rules over the recordings of the archive: what one of them is, and what other rules would open and delete."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from protocol.claims import Claims
from protocol.errors import ProtocolError
from protocol.keys import public_to_text
from protocol.language.folder import read_files
from protocol.terminal import printable
from review.commands.choosing import each_known, only
from review.commands.opening import opened_store, signed_rules
from review.commands.shared import say
from review.custodian.facts import establish
from review.governance.model import Governance, Recording
from review.governance.times import DAY, FOR_EVER, day_of, end_of
from review.governance.words import listed, moment
from review.lifecycle.facts import Facts, Known
from review.lifecycle.trial import by_both, consents_of, goes, opens, summed, what_it_is
from review.rules import parse_files, read_folder
from store.admin.home import default_folder
from store.errors import StoreError
from store.evidence.evidence import gather
from store.evidence.papers import papers
from store.evidence.show import print_json, print_table

_PEOPLE: Final = ("person", "act", "rendition", "now", "then", "more", "less")
NO_RULES: Final = "the store's newest bundle has no governance: nothing is opened but by a reader's key, offline"


# -- one recording --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """`recording`: of what the custodian would verify. `known`: what the lifecycle knows of it besides."""

    known: Known
    recording: Recording
    files: Mapping[str, bytes]
    governance: Governance
    shown_in: Path
    consent: tuple[str, ...]

    def sentences(self) -> Iterator[str]:
        one, known = self.recording, self.known
        yield f"it is recording {known.id}, from {moment(one.start)} on"
        yield f"its PC signed that it is over, and what it has: {listed(map(str, one.consent))}"
        yield from what_it_is(known, one, self.consent)


def find(store: Path | None, text: str, now: int, rules: Path | None, custodian: Path) -> Found:
    """`custodian`: where it listens. Raises StoreError, MistakesError; ProtocolError as the custodian refuses it."""
    with opened_store(store or default_folder(os.environ)) as (home, database):
        if rules is None:
            files, governance, revision = signed_rules(home, database)
            shown_in = Path(f"bundle {revision}")
            if not governance.hash:
                raise StoreError(NO_RULES)
        else:
            files, shown_in = read_files(rules, "set of governance rules"), rules
            governance = parse_files(files, tested=False, shown_in=str(rules))
        recording = only(database, text)
        known = Facts(database, home.blobs(), governance).of(recording, now)
        if isinstance(known, str):
            raise StoreError(f"recording {recording}: {known}")
        with database.reading() as connection:
            evidence = gather(connection, recording, policies=False)
            shown = papers(connection, evidence, home.blobs(), home.store_key())
        store_key = public_to_text(home.store_key().public_key())
    said, consents = consents_of(custodian, recording)
    facts = establish(Claims(shown, "papers", ProtocolError), recording, store_key, governance, consents).recording
    whole = replace(
        facts, closed_by=known.recording.closed_by, end=known.recording.end, held=bool(known.holds),
        erasure_asked=bool(known.request),
    )  # fmt: skip
    return Found(known, whole, files, governance, shown_in, said)


# -- all of them ----------------------------------------------------------------------------------------------------


def run(asked: Namespace) -> int:
    now = time.time_ns()
    until = end_of(asked.until) if asked.until else now + 30 * DAY
    new = read_folder(asked.folder)
    with opened_store(asked.store or default_folder(os.environ)) as (home, database):
        _, old, _ = signed_rules(home, database)
        first = now - asked.days * DAY if asked.days else 0
        each = each_known(database, Facts(database, home.blobs(), new), now, range(first, FOR_EVER))
        every = list(by_both(Facts(database, home.blobs(), old), each, now))
    opened = list(opens(old, new, every, now))
    gone = list(goes(old, new, every, now, until))
    more = any(one["more"] for one in opened)
    sooner = any(one["sooner"] for one in gone)
    last = day_of(until - 1).isoformat()
    if asked.json:
        print_json({"recordings": len(every), "opens_more": more, "deletes_sooner": sooner, "until": last,
                    "opens": opened, "deletes": gone})  # fmt: skip
        return int(more or sooner)
    say(f"{len(every)} recordings, by {new.name}, revision {new.revision}, in place of "
        f"{f'{old.name}, revision {old.revision}' if old.hash else 'none'}:", "")  # fmt: skip
    print_table(_PEOPLE, [[printable(str(one[name])) for name in _PEOPLE] for one in opened], numbers=(3, 4, 5, 6))
    rows = [(*map(printable, row), str(count)) for row, count in summed(gone)]
    print_table(("goes now", "would go", "because of", "recordings"), rows, numbers=(3,))
    deleted = sum(bool(one["deleted"]) for one in gone)
    say(f"{deleted} would be deleted up to {last}, {sum(bool(one['sooner']) for one in gone)} sooner than now.")
    return int(more or sooner)
