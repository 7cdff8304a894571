"""Sentences: who may do what, until when, what is missing, how long it is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from review.governance.decide import decide
from review.governance.model import Act, Governance, Question, Reach, Recording, Rendition
from review.governance.retention import disposal
from review.governance.times import DAY, HOUR, Period, start_of
from review.governance.words import (
    SPOKEN_ACT,
    Explained,
    disposal_in_words,
    explained,
    moment,
    period_in_words,
    reach_in_words,
    sees,
    wait_in_words,
)
from tests.review.governance.test_decide import ANN, BOB, EVA, NOW, RULES, SEEN


def said(asked: Question, of: Governance = RULES) -> Explained:
    return explained(of, asked, decide(of, asked))


def test_granted() -> None:
    assert said(ANN).answer == (
        "ann@x.org may play this recording for the purpose complaint as lead, until 2026-07-05 12:00 UTC. "
        "What is released is the redacted rendition."
    )
    assert said(replace(EVA, act=Act.READ_AUDIT, recording=None)) == Explained(
        "eva@x.org may read the audit log about recordings as auditor, without an end.",
        decide(RULES, replace(EVA, act=Act.READ_AUDIT, recording=None)).reasons,
        (),
        (),
    )


def test_refused_and_who_may_instead() -> None:
    found = said(replace(ANN, act=Act.ANALYSE))
    assert found.answer == "ann@x.org may not analyse this recording for the purpose complaint."
    assert [reason.says for reason in found.why][-1] == "roles that may analyse: auditor"
    refused = said(replace(ANN, act=Act.LEGAL_HOLD))
    assert [reason.says for reason in refused.why] == ["role lead may not legal-hold"]


def test_missing() -> None:
    found = said(BOB)
    assert found.answer == "bob@x.org may not play this recording for the purpose legal yet."
    assert found.why == ()
    assert [reason.says for reason in found.missing] == [
        "2 more approvals by chief or privacy are missing, within 21 h"
    ]


def kept(recording: Recording, of: Governance = RULES, now: int = NOW) -> list[str]:
    return [f"{said.where} {said.says}" for said in disposal_in_words(disposal(of, recording, now))]


def test_how_long() -> None:
    law = [
        "a.yaml:30:5 class law keeps it until 2028-06-05 (MiFID)",
        "a.yaml:30:5 it cannot be erased before 2027-06-05: class law (MiFID)",
    ]
    assert [f"{reason.where} {reason.says}" for reason in said(ANN).kept] == law
    assert kept(replace(SEEN, held=True)) == [*law, " a legal hold keeps it as long as the hold is there"]
    rest = replace(SEEN, group="")
    assert kept(rest) == ["a.yaml:31:5 class rest keeps it until 2026-12-02"]
    over = ["a.yaml:31:5 class rest keeps it until 2026-12-02", " its period is over: it is to be deleted now"]
    assert kept(rest, now=start_of(date(2026, 12, 3))) == over
    assert kept(replace(rest, erasure_asked=True))[1:] == [
        " an erasure was asked for, and nothing stands against it: it is to be deleted now"
    ]
    one = RULES.retention[0]
    worm = replace(RULES, retention=(replace(one, worm=True), RULES.retention[1]))
    assert kept(SEEN, worm)[1] == "a.yaml:30:5 it cannot be erased before 2027-06-05, unchanged: class law (MiFID)"


def test_what_was_not_analysed_waits() -> None:
    by_category = replace(RULES.retention[0], any=(replace(RULES.retention[0].any[0], key="category"),))  # type: ignore[index,arg-type]
    waits = replace(RULES, retention=(by_category, RULES.retention[1]))
    assert kept(SEEN, waits)[2] == (
        "a.yaml:30:5 it was not analysed, and so it is kept as long as any category could ask for"
    )


def test_every_act_has_its_words() -> None:
    assert ", ".join(f"{act}: {SPOKEN_ACT[act]}" for act in Act) == (
        "list: list, play: play, comment: comment on, export: export, analyse: analyse, "
        "request-legal-hold: ask for a legal hold on, legal-hold: put a legal hold on, "
        "release-hold: take the legal hold off, erase-request: ask for the erasure of, erase: erase, "
        "subject-access: answer a request for access with, read-audit: read the audit log about, "
        "see-access: see who opened, consent: sign the consent to, see-fleet: see the computers of"
    )


def test_moments_and_waits() -> None:
    day = start_of(date(2026, 11, 30))
    minute = HOUR // 60
    times = {0: "00:00", 1: "00:01", 59: "00:59", 60: "01:00", 9 * 60 + 7: "09:07", 24 * 60 - 1: "23:59"}
    assert [moment(day + minutes * minute) for minutes in times] == [
        f"2026-11-30 {said} UTC" for said in times.values()
    ]
    waits = {HOUR: "1 h", 24 * HOUR: "24 h", 30 * minute: "30 min", 90 * minute: "90 min", minute: "1 min"}
    assert [wait_in_words(wait) for wait in waits] == list(waits.values())


def test_what_is_seen() -> None:
    assert [sees(Rendition.ORIGINAL, otherwise) for otherwise in (False, True)] == ["the original"] * 2
    assert sees(Rendition.REDACTED, otherwise_original=False) == "the redacted rendition"
    assert sees(Rendition.REDACTED, otherwise_original=True) == (
        "the redacted rendition, or the original until there is one"
    )


@pytest.mark.parametrize(
    ("reach", "words"),
    [
        (Reach(everything=True, own=True), "all recordings"),
        (Reach(), "no recordings"),
        (
            Reach(own=True, own_teams=True, teams=frozenset({"b", "a"})),
            "one's own and those of one's own teams and those of team a and b",
        ),
    ],
)
def test_reach(reach: Reach, words: str) -> None:
    assert reach_in_words(reach) == words


def test_periods() -> None:
    found = [
        period_in_words(period)
        for period in (Period(), Period(years=1), Period(years=2), Period(ns=DAY), Period(ns=3 * DAY))
    ]
    assert found == ["nothing", "1 year", "2 years", "1 day", "3 days"]
    assert HOUR * 24 == DAY
