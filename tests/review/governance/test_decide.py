"""Each reason of a decision: its words, its line, and the bound at which it begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from review.governance.decide import decide, open_seats
from review.governance.model import (
    OPENS,
    OVERVIEWS,
    Act,
    Approval,
    Channel,
    Consent,
    Governance,
    Grant,
    Kind,
    Person,
    Question,
    Reason,
    Recording,
    Rendition,
)
from review.governance.times import DAY, FOR_EVER, HOUR, end_of, start_of
from tests.review.governance.rules import rules

RULES = rules("""
    roles:
      lead:
        may: [list, play, comment, export]
        of: { team: own }
        from: 30d
        purposes: [coaching, complaint]
        sample: { coaching: 4 per agent per month }
      chief: { may: [play, export, erase], of: all, rendition: original, until: 2027-01-31, purposes: [legal] }
      agent: { may: [list, play], of: own, otherwise: original }
      auditor: { may: [list, play, read-audit, analyse, see-access], of: all }
      privacy: { may: [list], of: all }
    people:
      ann@x.org: { roles: [lead], teams: [north], since: 2026-02-01, until: 2026-12-31 }
      bob@x.org: { roles: [chief] }
      cem@x.org: { roles: [chief] }
      pia@x.org: { roles: [privacy] }
      old@x.org: { roles: [privacy], until: 2026-05-31 }
      dot@x.org: { roles: [agent] }
      eva@x.org: { roles: [auditor, agent] }
    teams:
      north: { groups: [desks] }
      south: { users: [sven] }
    approvals:
      - { act: [export, play-original], by: [chief, privacy], within: 24h, delay: 2h }
      - { act: [erase], by: [chief, privacy, privacy], need: 1, within: 24h }
    retention:
      - { class: law, any: [{ group: [desks] }], keep: 2y, minimum: 1y, why: MiFID }
      - { class: rest, keep: 180d }
    consent: { voice: required }
""")
NOW = start_of(date(2026, 6, 15)) + 12 * HOUR
SEEN = Recording(
    person="dot@x.org",
    group="desks",
    teams=frozenset({"north"}),
    start=NOW - 10 * DAY,
    end=NOW - 10 * DAY + HOUR,
    consent={Channel.VOICE: Consent.GIVEN, Channel.SCREEN: Consent.MISSING},
    has_redacted=True,
)
ANN = Question(RULES.person("ann@x.org"), Act.PLAY, NOW, SEEN, "complaint")
BOB = Question(RULES.person("bob@x.org"), Act.PLAY, NOW, SEEN, "legal", Rendition.ORIGINAL, asked=NOW - 3 * HOUR)
DOT = Question(RULES.person("dot@x.org"), Act.PLAY, NOW, SEEN)
EVA = Question(RULES.person("eva@x.org"), Act.PLAY, NOW, SEEN)


def test_what_a_role_names_is_made_of_recordings() -> None:
    of = rules("""
        roles:
          analyst: { may: [analyse], of: all, rendition: original, analyses: { speech: 60 per hour } }
          auditor: { may: [analyse], of: all }
        retention: [{ class: rest, keep: 180d }]
        consent: { voice: required }
    """)
    worker = Question(
        Person("worker", (Grant("analyst"),)), Act.ANALYSE, NOW, replace(SEEN, teams=frozenset()), kind=Kind.SPEECH
    )
    assert of.roles["analyst"].analyses == {Kind.SPEECH: 60}
    for kind in (Kind.SPEECH, None):
        decision = decide(of, replace(worker, kind=kind))
        assert (decision.granted, decision.role, decision.rendition) == (True, "analyst", Rendition.ORIGINAL)
    assert why(replace(worker, kind=Kind.INDEX), of) == [
        "2 no line of the signed rules lets index be made of recordings"
    ]
    assert why(replace(worker, person=Person("eva", (Grant("auditor"),))), of) == [
        "6 role auditor names no speech in analyses", "6 role auditor sees the redacted rendition alone"
    ]  # fmt: skip
    without = replace(SEEN, teams=frozenset(), consent={Channel.VOICE: Consent.MISSING})
    assert why(replace(worker, recording=without), of) == [
        "8 there is no consent to the voice, and these rules require it"
    ]


def why(asked: Question, of: Governance = RULES) -> list[str]:
    """Reasons of a refusal, each as its line, ~ where it is only missing, and its words."""
    decision = decide(of, asked)
    assert not decision.granted
    assert decision.missing == tuple(reason for reason in decision.reasons if reason.missing)
    return [f"{said.where.split(':')[1]} {'~' * said.missing}{said.says}" for said in decision.reasons]


def approvals(*people: str, at: int = NOW - HOUR) -> tuple[Approval, ...]:
    return tuple(Approval(RULES.person(f"{name}@x.org"), at) for name in people)


def test_groups_of_acts() -> None:
    assert {Act.PLAY, Act.EXPORT, Act.ANALYSE} == OPENS
    assert {Act.LIST, Act.READ_AUDIT, Act.SEE_ACCESS, Act.SEE_FLEET} == OVERVIEWS


def test_granted_says_by_which_lines_and_until_when() -> None:
    decision = decide(RULES, ANN)
    assert decision.granted
    assert decision.reasons == (
        Reason("role lead may play", "a.yaml:5:3"),
        Reason("ann@x.org has role lead", "a.yaml:16:3"),
    )
    assert (decision.role, decision.rendition) == ("lead", Rendition.REDACTED)
    assert decision.until == SEEN.start + 30 * DAY


def test_who_has_no_name_is_this_person() -> None:
    nameless = replace(EVA, act=Act.READ_AUDIT, recording=None, person=Person("", EVA.person.grants))
    assert decide(RULES, nameless).reasons[1].says == "this person has role auditor"


def test_who_asks_and_is_approved_at_once() -> None:
    at_once = approvals("pia", at=NOW)
    asked = replace(BOB, act=Act.ERASE, recording=replace(SEEN, group=""), asked=NOW, approvals=at_once)
    assert decide(RULES, asked).granted


def test_what_is_nobodys_is_not_the_nameless_ones_own() -> None:
    nameless = replace(DOT, person=Person("", DOT.person.grants), recording=replace(SEEN, person=""))
    assert why(nameless) == ["12 role agent does not cover this recording, which is of team north, and not one's own"]


def test_the_last_end_of_all_roles_counts() -> None:
    own = replace(SEEN, person="eva@x.org")
    assert decide(RULES, replace(EVA, recording=own)).role == "auditor"  # both without an end: by name
    assert decide(RULES, replace(EVA, recording=own)).until == FOR_EVER
    ending = replace(EVA.person, grants=(replace(EVA.person.grants[1], until=NOW + 1), EVA.person.grants[0]))
    assert decide(RULES, replace(EVA, recording=own, person=ending)).role == "agent"


def test_ends_of_roles_and_of_people() -> None:
    quick = replace(SEEN, start=end_of(date(2026, 12, 31)) - 2 * DAY, end=end_of(date(2026, 12, 31)) - DAY)
    late = replace(ANN, recording=quick, now=end_of(date(2026, 12, 31)) - 1)
    assert decide(RULES, late).until == end_of(date(2026, 12, 31))
    assert why(replace(late, now=late.now + 1)) == ["16 role lead ended with 2026-12-31"]
    january = start_of(date(2027, 2, 1))
    assert why(replace(BOB, now=january, rendition=Rendition.REDACTED)) == ["11 role chief ended with 2027-01-31"]
    assert decide(RULES, replace(BOB, now=january - 1, rendition=Rendition.REDACTED)).granted


def test_roles_begin() -> None:
    first = start_of(date(2026, 2, 1))
    new = replace(ANN, recording=replace(SEEN, start=first), now=first)
    assert decide(RULES, new).granted
    assert why(replace(new, now=first - 1)) == ["16 role lead was given only from 2026-02-01 on"]
    assert why(replace(new, recording=replace(SEEN, start=first - 1))) == [
        "16 it is from before role lead was given, on 2026-02-01"
    ]


REFUSED = [
    (replace(ANN, act=Act.ERASE, recording=replace(SEEN, group="")), ["5 role lead may not erase"]),
    (
        replace(ANN, recording=replace(SEEN, teams=frozenset({"south"}))),
        ["5 role lead does not cover this recording, which is of team south"],
    ),
    (
        replace(ANN, recording=replace(SEEN, teams=frozenset())),
        ["5 role lead does not cover this recording, which is of no team"],
    ),
    (
        replace(DOT, recording=replace(SEEN, person="", teams=frozenset({"south", "north"}))),
        ["12 role agent does not cover this recording, which is of team north and south, and not one's own"],
    ),
    (replace(ANN, recording=replace(SEEN, start=NOW - 30 * DAY)), ["5 it is older than role lead reaches back"]),
    (replace(ANN, purpose=""), ["5 ~a purpose must be named: coaching or complaint"]),
    (replace(ANN, purpose="legal"), ["5 role lead does not have the purpose legal"]),
    (replace(DOT, purpose="legal"), ["12 role agent does not have the purpose legal"]),
    (
        replace(ANN, purpose="coaching"),
        ["10 ~for coaching only what was drawn is opened, and this recording was not"],
    ),
    (replace(ANN, rendition=Rendition.ORIGINAL), ["5 role lead sees the redacted rendition alone"]),
    (
        replace(ANN, recording=replace(SEEN, has_redacted=False)),
        ["5 ~there is no redacted rendition yet, so that account and metadata alone are shown"],
    ),
    (replace(EVA, act=Act.ANALYSE), ["2 no line of the signed rules lets anything be made of recordings"]),
    (replace(ANN, recording=None), ["2 to play, a recording must be named"]),
    (
        replace(ANN, act=Act.LIST, recording=None),
        ["5 role lead covers single recordings, and this is about all of them"],
    ),
    (replace(ANN, person=Person("eve@x.org")), ["2 eve@x.org has no role"]),
    (replace(ANN, person=Person("")), ["2 this person has no role"]),
    (replace(ANN, purpose="complaints"), ["2 no role has a purpose complaints, did you mean complaint?"]),
    (replace(ANN, purpose="x"), ["2 no role has a purpose x"]),
    (
        replace(ANN, person=Person("ann@x.org", (Grant("leads"),))),
        ["2 no role is called leads, did you mean lead?"],
    ),
    (
        replace(ANN, person=Person("ann@x.org", (Grant("lead", frozenset({"nort"})),))),
        ["2 no team is called nort, did you mean north?"],
    ),
    (
        replace(ANN, recording=replace(SEEN, teams=frozenset({"north", "gone"}))),
        ["2 no team is called gone"],
    ),
    (
        replace(ANN, recording=replace(SEEN, consent={Channel.VOICE: Consent.MISSING})),
        ["32 there is no consent to the voice, and these rules require it"],
    ),
    (
        replace(
            ANN, recording=replace(SEEN, consent={Channel.VOICE: Consent.WITHDRAWN, Channel.CHAT: Consent.WITHDRAWN})
        ),
        ["2 the consent to the chat was withdrawn", "32 the consent to the voice was withdrawn"],
    ),
    (replace(BOB, act=Act.ERASE), ["30 the legal minimum of class law keeps it until 2027-06-05 (MiFID)"]),
    (
        replace(BOB, act=Act.ERASE, recording=replace(SEEN, held=True)),
        ["2 a legal hold keeps it, and wins over every erasure"],
    ),
    (replace(BOB, asked=None), ["27 ~approval by chief and privacy is needed, within 24 h of a request"]),
    (replace(BOB, asked=NOW + 1), ["27 ~approval by chief and privacy is needed, within 24 h of a request"]),
    (BOB, ["27 ~2 more approvals by chief or privacy are missing, within 21 h"]),
    (replace(BOB, approvals=approvals("pia")), ["27 ~1 more approval by chief is missing, within 21 h"]),
    (replace(BOB, approvals=approvals("pia", "bob")), ["27 ~1 more approval by chief is missing, within 21 h"]),
    (replace(BOB, approvals=approvals("pia", "old")), ["27 ~1 more approval by chief is missing, within 21 h"]),
    (replace(BOB, approvals=approvals("old", "cem")), ["27 ~1 more approval by privacy is missing, within 21 h"]),
    (
        replace(BOB, asked=NOW - 24 * HOUR, approvals=approvals("pia", at=NOW - HOUR)),
        ["27 ~1 more approval by chief is missing, within 24 h of a new request, as the time is over"],
    ),
    (
        replace(BOB, asked=NOW - 24 * HOUR + 1, approvals=approvals("pia", at=NOW - HOUR)),
        ["27 ~1 more approval by chief is missing, within 0 h 1 min"],
    ),
    (replace(BOB, asked=NOW - 26 * HOUR), ["27 ~the time of the request is over, file a new one"]),
    (
        replace(BOB, asked=NOW - HOUR // 2, approvals=approvals("pia", "cem", at=NOW)),
        ["27 ~the delay after the request is not over: 1 h 30 min are left"],
    ),
    (
        replace(BOB, act=Act.ERASE, recording=replace(SEEN, group=""), asked=None),
        ["28 ~approval by 1 of chief, privacy, privacy is needed, within 24 h of a request"],
    ),
    (
        replace(BOB, act=Act.ERASE, recording=replace(SEEN, group="")),
        ["28 ~1 more approval by chief or privacy is missing, within 21 h"],
    ),
]


@pytest.mark.parametrize(("asked", "reasons"), REFUSED)
def test_refused(asked: Question, reasons: list[str]) -> None:
    assert why(asked) == reasons


GRANTED = [
    (DOT, Rendition.REDACTED),
    (replace(ANN, purpose="coaching", recording=replace(SEEN, drawn=frozenset({"coaching"}))), Rendition.REDACTED),
    (replace(ANN, act=Act.LIST, purpose=""), None),
    (replace(ANN, act=Act.LIST, purpose="coaching"), None),
    (replace(ANN, act=Act.COMMENT, recording=replace(SEEN, has_redacted=False, consent={})), None),
    (replace(ANN, act=Act.COMMENT, recording=replace(SEEN, consent={Channel.VOICE: Consent.MISSING})), None),
    (replace(EVA, act=Act.READ_AUDIT, recording=None), None),
    (replace(BOB, rendition=Rendition.REDACTED, asked=None), Rendition.REDACTED),
    (replace(BOB, approvals=approvals("pia", "cem")), Rendition.ORIGINAL),
    (replace(BOB, approvals=approvals("pia", "cem", "bob", "old")), Rendition.ORIGINAL),
    (replace(BOB, act=Act.ERASE, recording=replace(SEEN, group=""), approvals=approvals("pia")), None),
    (
        replace(BOB, act=Act.ERASE, approvals=approvals("pia"), recording=replace(SEEN, start=0, end=NOW - 366 * DAY)),
        None,
    ),
]


@pytest.mark.parametrize(("asked", "rendition"), GRANTED)
def test_granted(asked: Question, rendition: Rendition | None) -> None:
    decision = decide(RULES, asked)
    assert decision.granted, decision.reasons
    assert decision.rendition is rendition


def test_the_original_stands_in_for_a_redacted_rendition_where_the_role_says_so() -> None:
    bare = replace(DOT, recording=replace(SEEN, has_redacted=False))
    assert decide(replace(RULES, approvals=()), bare).rendition is Rendition.ORIGINAL
    # What is released is the original, and so its approvals count.
    assert why(bare) == ["27 ~approval by chief and privacy is needed, within 24 h of a request"]


def test_a_request_has_its_time() -> None:
    both = approvals("pia", "cem", at=NOW)
    asked = replace(BOB, asked=NOW, approvals=both, now=NOW + 2 * HOUR)
    assert decide(RULES, asked).until == NOW + 26 * HOUR
    assert decide(RULES, replace(asked, now=NOW + 26 * HOUR - 1)).granted
    assert why(replace(asked, now=NOW + 26 * HOUR)) == ["27 ~the time of the request is over, file a new one"]
    assert why(replace(asked, now=NOW + 2 * HOUR - 1)) == [
        "27 ~the delay after the request is not over: 0 h 1 min are left"
    ]


@pytest.mark.parametrize(
    ("at", "counts"),
    [(NOW - 1, False), (NOW, True), (NOW + 24 * HOUR - 1, True), (NOW + 24 * HOUR, False)],
)
def test_an_approval_has_its_time(at: int, counts: bool) -> None:
    both = (*approvals("pia", at=at), *approvals("cem", at=NOW + HOUR))
    assert decide(RULES, replace(BOB, asked=NOW, approvals=both, now=NOW + 25 * HOUR)).granted is counts


def test_an_erasure_at_the_end_of_the_minimum() -> None:
    ended = replace(SEEN, start=0, end=start_of(date(2025, 6, 15)) + 12 * HOUR)  # a year before
    asked = replace(BOB, act=Act.ERASE, approvals=approvals("pia"), recording=ended)
    assert decide(RULES, asked).granted
    assert why(replace(asked, recording=replace(ended, end=ended.end + 1))) == [
        "30 the legal minimum of class law keeps it until 2026-06-15 (MiFID)"
    ]


def test_an_approval_of_later_does_not_count_yet() -> None:
    both = (*approvals("pia"), *approvals("cem", at=NOW + 1))
    assert not decide(RULES, replace(BOB, approvals=both)).granted
    assert decide(RULES, replace(BOB, approvals=(*approvals("pia"), *approvals("cem", at=NOW)))).granted


def test_who_approves_must_have_the_role_then() -> None:
    begins = replace(RULES.person("cem@x.org").grants[0], since=NOW)
    for at, counts in ((NOW - 1, False), (NOW, True)):
        cem = Approval(Person("cem@x.org", (begins,)), at)
        assert decide(RULES, replace(BOB, approvals=(*approvals("pia"), cem))).granted is counts
    for end, counts in ((NOW, False), (NOW + 1, True)):
        cem = Approval(Person("cem@x.org", (replace(begins, since=0, until=end),)), NOW)
        assert decide(RULES, replace(BOB, approvals=(*approvals("pia"), cem))).granted is counts
    unknown = Approval(Person("cem@x.org", (Grant("chiefs"),)), NOW)
    assert not decide(RULES, replace(BOB, approvals=(*approvals("pia"), unknown))).granted


def test_who_approves_twice_counts_with_the_roles_of_both_times() -> None:
    chief, privacy = Grant("chief", until=NOW), Grant("privacy", since=NOW)
    twice = tuple(Approval(Person("cem@x.org", (chief, privacy)), at) for at in (NOW - 1, NOW))
    assert decide(RULES, replace(BOB, approvals=(*approvals("pia"), *twice))).granted
    assert not decide(RULES, replace(BOB, approvals=twice)).granted


def test_a_clock_that_was_set_back() -> None:
    signed = replace(RULES, signed=NOW)
    assert decide(signed, ANN).granted
    assert why(replace(ANN, now=NOW - DAY), signed) == [
        "2 the clock says 2026-06-14, and these rules were signed on 2026-06-15: set it right"
    ]


def test_of_several_roles_those_that_nearly_allow_it_are_named() -> None:
    assert why(replace(EVA, recording=replace(SEEN, has_redacted=False))) == [
        "13 ~there is no redacted rendition yet, so that account and metadata alone are shown"
    ]
    two = Person("two@x.org", (Grant("lead", where="a:1:1"), Grant("agent", where="a:1:1")))
    assert why(replace(EVA, act=Act.READ_AUDIT, person=two)) == [
        "5 role lead may not read-audit",
        "5 role lead does not cover this recording, which is of team north",
        "12 role agent may not read-audit",
        "12 role agent does not cover this recording, which is of team north, and not one's own",
    ]


def test_nobody_is_two_people() -> None:
    with pytest.raises(ValueError, match="small letters"):
        Person("Ann@x.org")
    assert RULES.person("ANN@X.org") == RULES.person("ann@x.org")


@pytest.mark.parametrize(
    ("seats", "approvers", "still_open"),
    [
        ((), {}, []),
        (("a", "b"), {}, ["a", "b"]),
        (("a", "b"), {"1": "ab"}, ["b"]),
        (("a", "b"), {"1": "ab", "2": "a"}, []),  # who could be both takes the seat that is left
        (("a", "a"), {"1": "a"}, ["a"]),
        (("a", "a"), {"1": "a", "2": "a"}, []),
        (("a", "b", "c"), {"1": "abc", "2": "ab", "3": "a"}, []),
        (("a", "b", "c"), {"1": "ab", "2": "ab", "3": "ab"}, ["c"]),
        (("c", "a"), {"1": "b", "2": "b"}, ["c", "a"]),
    ],
)
def test_seats(seats: tuple[str, ...], approvers: dict[str, str], still_open: list[str]) -> None:
    assert open_seats(seats, {person: frozenset(roles) for person, roles in approvers.items()}) == still_open
