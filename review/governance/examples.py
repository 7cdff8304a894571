"""Examples in the words of the rules: the tests that live in governance files, and the scenes that are explained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from protocol.language.marks import Node, Table
from protocol.language.reading import Entries, Reading
from review.governance.decide import decide
from review.governance.keys import EXPECTED, QUESTION, TEST, WHAT, WHO
from review.governance.model import (
    Act,
    Approval,
    Channel,
    Consent,
    Decision,
    Governance,
    GovernanceTest,
    Grant,
    Kind,
    Person,
    Question,
    Recording,
    Rendition,
)
from review.governance.reading import Files, choices_of, lower, read_day, read_period, read_wait, read_words, word_set
from review.governance.retention import Retention, disposal, retention_of
from review.governance.times import DAY, FOR_EVER, HOUR, SECOND, Period, day_of, start_of

SOMEBODY: Final = "somebody"  # who has the role that a test names
OWN: Final = "own"
NOT_BEFORE: Final = start_of(date(2026, 1, 1))


def noon_of_tests(governance: Governance) -> int:
    """When a test without a day is asked: 90 days after the last role was given, but before the first one ends."""
    until = [FOR_EVER, *(role.until for role in governance.roles.values()), *(rule.until for rule in governance.people)]
    since = [NOT_BEFORE, *(rule.since for rule in governance.people)]
    return min(max(since) + 90 * DAY, min(until) - DAY) + 12 * HOUR


def read_test(files: Files, governance: Governance, node: Node) -> GovernanceTest:
    reading = files.reading
    table = reading.table(node, TEST, "a test")
    expect = reading.value(table, "expect", _read_expect, "granted")
    if ("do" in table) != (expect in ("granted", "refused")):
        how = "add do: with the act" if "do" not in table else "write granted or refused, or leave do out"
        reading.wrong(
            node.mark, f"a test that expects {expect} {'names no act' if 'do' not in table else 'names an act'}, {how}"
        )
    if "do" in table and "who" not in table:
        reading.wrong(node.mark, "a test without who, add who: { role: … } or who: { person: … }")
    retention_class = reading.value(table, "class", Reading.text, "")
    if "class" in table and files.whole and retention_class not in {one.name for one in governance.retention}:
        reading.wrong(table["class"][1].mark, f'there is no class "{retention_class}", name one of retention:')
    return GovernanceTest(
        name=reading.value(table, "name", Reading.text, ""),
        question=_read_question(files, governance, table, noon_of_tests(governance)),
        expect=expect,
        retention_class=retention_class,
        where=str(node.mark),
    )


def _read_expect(reading: Reading, node: Node, name: str) -> str:
    return reading.choice(node, name, EXPECTED)


def _read_act(reading: Reading, node: Node, name: str) -> Act:
    return Act(reading.choice(node, name, list(Act)))


def _read_asked_for(reading: Reading, node: Node, name: str) -> Rendition:
    return Rendition(reading.choice(node, name, list(Rendition)))


def _read_kind(reading: Reading, node: Node, name: str) -> Kind:
    return Kind(reading.choice(node, name, list(Kind)))


def _read_consent(reading: Reading, node: Node, name: str) -> Consent:
    return Consent(reading.choice(node, name, list(Consent)))


def read_question(files: Files, governance: Governance, node: Node, now: int) -> Question:
    return _read_question(files, governance, files.reading.table(node, QUESTION, "a question"), now)


def _read_question(files: Files, governance: Governance, table: Entries, now: int) -> Question:
    reading = files.reading
    day = reading.value(table, "day", read_day, None)
    now = now if day is None else start_of(day) + 12 * HOUR
    person = _read_who(files, governance, table["who"][1]) if "who" in table else Person(SOMEBODY)
    approved_by = read_words(reading, table["approved_by"][1], "approved_by") if "approved_by" in table else ()
    ago = reading.value(table, "asked", read_wait, HOUR if approved_by else 0)
    asked = now - ago if ago else None
    approvals = []
    for number, word in enumerate(approved_by):
        of_person = governance.person(word.text)
        if word.text in governance.roles:
            of_person = Person(f"approver {number}", (Grant(word.text),))
        elif not of_person.grants:
            files.known(word, "role", governance.roles)
        approvals.append(Approval(of_person, now - ago + SECOND))
    purpose = reading.value(table, "purpose", Reading.text, "")
    if "purpose" in table and files.whole and purpose not in governance.purposes:
        reading.wrong(table["purpose"][1].mark, f'no role has the purpose "{purpose}", name one of a role\'s purposes')
    return Question(
        person=person,
        act=reading.value(table, "do", _read_act, Act.LIST),
        now=now,
        recording=_read_recording(files, governance, table["what"][1], person.id, now) if "what" in table else None,
        purpose=purpose,
        rendition=reading.value(table, "rendition", _read_asked_for, Rendition.REDACTED),
        asked=asked,
        approvals=tuple(approvals),
        kind=reading.value(table, "kind", _read_kind, None),
    )


def _read_who(files: Files, governance: Governance, node: Node) -> Person:
    reading = files.reading
    table = reading.table(node, WHO, "who")
    if isinstance(node, Table) and ("person" in table) == ("role" in table):
        reading.wrong(node.mark, "who is a person or a role, write one of them")
    teams = read_words(reading, table["team"][1], "team") if "team" in table else ()
    for word in teams:
        files.known(word, "team", files.teams)
    if "role" in table:
        roles = read_words(reading, table["role"][1], "role")
        for word in roles:
            files.known(word, "role", files.roles)
        own = frozenset(word.text for word in teams)
        return Person(SOMEBODY, tuple(Grant(word.text, own, where=str(word.mark)) for word in roles))
    if teams:
        reading.wrong(table["team"][0], "the teams of a person are in people, leave team out")
    return governance.person(reading.value(table, "person", lower, ""))


def _read_recording(files: Files, governance: Governance, node: Node, who: str, now: int) -> Recording:
    """What a scene says of a recording; `who` asks."""
    reading = files.reading
    table = reading.table(node, WHAT, "what")
    user = reading.value(table, "user", lower, "")
    group = reading.value(table, "group", Reading.text, "")
    person = reading.value(table, "person", lower, governance.person_of(user))
    named = read_words(reading, table["team"][1], "team") if "team" in table else ()
    for word in named:
        files.known(word, "team", files.teams)
    teams = frozenset(word.text for word in named) if named else governance.teams_of(group, user)
    age = reading.value(table, "age", read_period, Period(ns=DAY))
    end = now - age.ns if not age.years else _years_before(now, age.years)
    analysed = reading.value(table, "analysed", Reading.truth, "category" in table)
    if not analysed and "category" in table:
        reading.wrong(table["category"][0], "category is what the analysis found, leave it out or analysed: false")
    channels = (
        choices_of(reading, table["channel"][1], "channel", list(Channel))
        if "channel" in table
        else ("voice", "screen")
    )
    consent = reading.value(table, "consent", _read_consent, Consent.GIVEN)
    return Recording(
        person=who if person == OWN else person,
        group=group,
        teams=teams,
        start=end - reading.value(table, "length", read_wait, HOUR // 12),
        end=end,
        closed_by=word_set(reading, table, "closed_by"),
        categories=word_set(reading, table, "category") if analysed else None,
        consent={Channel(channel): consent for channel in channels},
        has_redacted=reading.value(table, "redacted", Reading.truth, True),
        drawn=word_set(reading, table, "drawn"),
        held=reading.value(table, "held", Reading.truth, False),
        erasure_asked=reading.value(table, "erasure", Reading.truth, False),
    )


def _years_before(now: int, years: int) -> int:
    day = day_of(now)
    return start_of(day.replace(year=day.year - years, day=min(day.day, 28))) + now % DAY


# -- running them ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test expected, and what the rules say: `decision` of an act, `retention` of a recording."""

    test: GovernanceTest
    got: str
    decision: Decision | None
    retention: Retention | None

    @property
    def passed(self) -> bool:
        other_class = (
            self.test.retention_class
            and self.retention is not None
            and self.retention.keeps.name != self.test.retention_class
        )
        return self.got == self.test.expect and not other_class


def run_test(governance: Governance, test: GovernanceTest) -> Tested:
    """A test that names no purpose tries each one: else it would be refused for that, and show nothing else."""
    question = test.question
    recording = question.recording or Recording()
    of_time = test.expect in ("kept", "deleted")
    retention = retention_of(governance, recording) if question.recording or test.retention_class or of_time else None
    if of_time:
        deletes = disposal(governance, recording, question.now).deletes
        return Tested(test, "deleted" if deletes else "kept", None, retention)
    purposes = [question.purpose] if question.purpose else ["", *sorted(governance.purposes)]
    decisions = [decide(governance, replace(question, purpose=purpose)) for purpose in purposes]
    decision = min(decisions, key=_distance)
    return Tested(test, "granted" if decision.granted else "refused", decision, retention)


def _distance(decision: Decision) -> tuple[bool, int, int]:
    """How far it is from granted: what is only missing, such as an approval, is nearer than what is forbidden."""
    forbidden = sum(not reason.missing for reason in decision.reasons)
    return not decision.granted, forbidden, len(decision.reasons)


def failed_tests(governance: Governance) -> tuple[str, ...]:
    """The tests that do not hold, as mistakes: `file:line:column what is wrong, what was meant`."""
    found = []
    for test in governance.tests:
        tested = run_test(governance, test)
        if not tested.passed:
            why = "; ".join(reason.says for reason in tested.decision.reasons) if tested.decision else ""
            by = tested.retention.keeps.name if tested.retention else ""
            says = why or f"class {by} counts"
            expected = f"{test.expect}{f' by class {test.retention_class}' if test.retention_class else ''}"
            found.append(
                f"{test.where} the test expects {expected}, the rules say {tested.got} ({says}), correct one of them"
            )
    return tuple(found)
