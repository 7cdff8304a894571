"""Rules over the recordings of the archive: what one of them is, and what other rules would open and delete."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from uuid import UUID

from protocol.claims import Claims
from protocol.errors import ProtocolError
from protocol.keys import public_to_text
from protocol.language.folder import read_files
from protocol.terminal import printable
from review.commands.choosing import each_known, only
from review.commands.lifecycle import when
from review.commands.opening import opened_store, signed_rules
from review.commands.shared import say
from review.custodian.facts import establish
from review.exchange import ask
from review.governance.decide import decide
from review.governance.model import OPENS, Act, Channel, Consent, Governance, Question, Recording, Rendition
from review.governance.times import DAY, FOR_EVER, day_of, end_of
from review.governance.words import listed, moment
from review.lifecycle.facts import Facts, Known, why
from review.rules import parse_files, read_folder
from store.admin.home import default_folder
from store.errors import StoreError
from store.evidence.evidence import gather
from store.evidence.papers import papers
from store.evidence.show import print_json, print_table

_PEOPLE: Final = ("person", "act", "rendition", "now", "then", "more", "less")
_GOES: Final = ("now", "then", "because")
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
        teams = f", which is of team {listed(one.teams)}" if one.teams else ", which is of no team"
        yield f"it is recording {known.id}, from {moment(one.start)} on"
        yield f"its PC signed that it is over, and what it has: {listed(map(str, one.consent))}"
        yield printable(f"it was recorded by OS user {known.os_user} in group {one.group or '-'}{teams}")
        yield printable(f"it is the work of {one.person}") if one.person else "no rule says whose work it is"
        yield from self.consent
        for doubt in known.unsure:
            yield printable(f"not all of it is certain, so that it is kept longer: {doubt}")


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
    said, consents = _consents(custodian, recording)
    facts = establish(Claims(shown, "papers", ProtocolError), recording, store_key, governance, consents).recording
    whole = replace(
        facts, closed_by=known.recording.closed_by, end=known.recording.end, held=bool(known.holds),
        erasure_asked=bool(known.request),
    )  # fmt: skip
    return Found(known, whole, files, governance, shown_in, said)


def _consents(custodian: Path, recording: UUID) -> tuple[tuple[str, ...], dict[Channel, Consent]]:
    """(what is said of it, by channel)."""
    try:
        answered = ask(custodian, "consent-of", recording=str(recording))["consent"]
    except OSError as error:
        return (f"the custodian cannot be asked for consent, so none counts: {custodian}: {error.strerror}",), {}
    signed = (
        f"the consent to its {one} was {said['state']}, as {said['person']} signed" for one, said in answered.items()
    )
    return tuple(map(printable, signed)), {Channel(one): Consent(said["state"]) for one, said in answered.items()}


# -- all of them ----------------------------------------------------------------------------------------------------


def run(asked: Namespace) -> int:
    now = time.time_ns()
    until = end_of(asked.until) if asked.until else now + 30 * DAY
    new = read_folder(asked.folder)
    with opened_store(asked.store or default_folder(os.environ)) as (home, database):
        _, old, _ = signed_rules(home, database)
        each = each_known(database, Facts(database, home.blobs(), new), now)
        every = list(_by_both(Facts(database, home.blobs(), old), each, now))
    opens = list(_opens(old, new, every, now))
    goes = list(_goes(old, new, every, now, until))
    more = any(one["more"] for one in opens)
    sooner = any(one["sooner"] for one in goes)
    last = day_of(until - 1).isoformat()
    if asked.json:
        print_json({"recordings": len(every), "opens_more": more, "deletes_sooner": sooner, "until": last,
                    "opens": opens, "deletes": goes})  # fmt: skip
        return int(more or sooner)
    say(f"{len(every)} recordings, by {new.name}, revision {new.revision}, in place of "
        f"{f'{old.name}, revision {old.revision}' if old.hash else 'none'}:", "")  # fmt: skip
    print_table(_PEOPLE, [[printable(str(one[name])) for name in _PEOPLE] for one in opens], numbers=(3, 4, 5, 6))
    changed = (one for one in goes if one["now"] != one["then"] or one["deleted"])
    rows = Counter(tuple(printable(str(one[name])) for name in _GOES) for one in changed)
    print_table(("goes now", "would go", "because of", "recordings"),
                [(*row, str(count)) for row, count in sorted(rows.items())], numbers=(3,))  # fmt: skip
    gone = sum(bool(one["deleted"]) for one in goes)
    say(f"{gone} would be deleted up to {last}, {sum(bool(one['sooner']) for one in goes)} sooner than now.")
    return int(more or sooner)


Both = tuple[Known, Known]
"""One by the rules in force, and by the new ones."""


def _by_both(facts: Facts, new: Iterable[Known], now: int) -> Iterator[Both]:
    for known in new:
        one, rules = known.recording, facts.governance
        if known.os_user and {names.user for names in known.names} == {known.os_user}:
            person, teams = rules.person_of(known.os_user), rules.teams_of(one.group, known.os_user)
            yield replace(known, recording=replace(one, person=person, teams=teams)), known
        # An interaction has agents, and a PC may have changed its user: then rules decide more than that, and it is
        # read once more. What was erased meanwhile does not count.
        elif isinstance(before := facts.of(UUID(known.id), now), Known):
            yield before, known


def _kind(both: Both) -> tuple[object, ...]:
    """What decides of it: by both, whose it is and of which teams; channels with consent, and its first day."""
    before, after = (known.recording for known in both)
    consent = tuple(sorted(after.consent.items()))
    return before.person, before.teams, after.person, after.teams, consent, after.start // DAY


def _opens(old: Governance, new: Governance, every: list[Both], now: int) -> Iterator[dict[str, object]]:
    """Who could open how many more, or fewer; with approvals, where rules ask for them."""
    kinds = Counter(map(_kind, every))
    one_of = {_kind(both): both for both in reversed(every)}
    people = {rule.person for rules in (old, new) for rule in rules.people}
    people |= {known.recording.person for both in one_of.values() for known in both} - {""}
    # With all approvals that may be asked for.
    old, new = (replace(rules, approvals=()) for rules in (old, new))
    for person in sorted(people):
        for act in sorted(OPENS):
            counts: dict[Rendition, Counter[str]] = defaultdict(Counter)
            for kind, both in one_of.items():
                before, after = (
                    _renditions(rules, person, act, known.recording, now)
                    for rules, known in zip((old, new), both, strict=True)
                )
                for one in before | after:
                    counts[one]["now"] += kinds[kind] * (one in before)
                    counts[one]["then"] += kinds[kind] * (one in after)
                    counts[one]["more"] += kinds[kind] * (one in after - before)
                    counts[one]["less"] += kinds[kind] * (one in before - after)
            for rendition, found in sorted(counts.items()):
                if found["more"] or found["less"]:
                    yield {"person": person, "act": str(act), "rendition": str(rendition),
                           **{name: found[name] for name in ("now", "then", "more", "less")}}  # fmt: skip


def _renditions(rules: Governance, person: str, act: Act, recording: Recording, now: int) -> set[Rendition]:
    """What they could be given, for some purpose."""
    of = rules.person(person)
    found = set()
    for wanted in Rendition if any(act in rules.roles[one.role].may for one in of.grants) else ():
        for purpose in ("", *rules.purposes):
            decision = decide(rules, Question(of, act, now, recording, purpose, wanted))
            if decision.granted and decision.rendition is not None:
                found.add(decision.rendition)
    return found


def _goes(old: Governance, new: Governance, every: list[Both], now: int, until: int) -> Iterator[dict[str, object]]:
    for was, known in every:
        before, after = was.disposal(old, now), known.disposal(new, now)
        at, then = (now if one.deletes else FOR_EVER if one.at is None else one.at for one in (before, after))
        yield {"recording": known.id, "now": when(before), "then": when(after), "because": why(known, after),
               "deleted": then < until, "sooner": then < at}  # fmt: skip
