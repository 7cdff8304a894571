"""Governance files: what they say, and each mistake in them at its place, all at once."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.language.errors import MistakesError
from review.governance.keys import (
    APPROVAL,
    CLASS,
    CONDITION,
    CONSENT,
    FACTS,
    FILE,
    OF,
    OS_USER,
    PERSON,
    QUESTION,
    ROLE,
    TEAM,
    TEST,
    WHAT,
    WHO,
)
from review.governance.model import (
    Act,
    AllOf,
    ApprovalRule,
    Channel,
    Consents,
    Fact,
    Length,
    PersonRule,
    Reach,
    Rendition,
    RetentionClass,
    Sample,
    Team,
    UserRule,
)
from review.governance.times import DAY, HOUR, NONE, Period, end_of, start_of
from review.rules import parse_files
from tests.review.governance.rules import HEAD, REST, ROLES, rules, wrong

WHOLE = """
roles:
  lead:
    may: [list, play]
    of: { team: [own, south] }
    from: 30d
    until: 2027-01-31
    otherwise: original
    purposes: [coaching]
    sample: { coaching: "4 per agent per month, drawn" }
  chief: { may: [export], of: all, rendition: original, from: grant }
  agent: { may: [list], of: own }
people:
  Ann@X.org: { roles: [lead, chief], teams: [north], since: 2026-01-01, until: 2026-12-31 }
  "*@x.org": { roles: [agent] }
os_users:
  - { user: 'CORP\\*', person: "*@x.org" }
teams:
  north: { groups: [desks], users: [Sven] }
  south: { groups: [hall] }
approvals:
  - { act: [export, play-original], by: [lead, chief], within: 24h }
  - { act: [erase], by: [lead, lead, chief], need: 2, within: 30m, delay: 2d }
retention:
  - class: long
    any:
      - closed_by: [cards]
      - all: [{ length: over 10m }, { length: under 1h }, { channel: [chat, mail] }, { team: [north] }]
    keep: 2y
    minimum: 1y
    why: law
    worm: true
  - { class: rest, keep: 26w }
consent: { voice: required, screen: where-written }
notice: We record.
"""


def test_what_files_say() -> None:
    read = rules(WHOLE)
    lead, chief = read.roles["lead"], read.roles["chief"]
    assert (read.revision, read.name, read.notice, read.where) == (3, "House", "We record.", "a.yaml:2:1")
    assert len(read.hash) == 64
    assert (lead.name, lead.may, lead.where) == ("lead", {Act.LIST, Act.PLAY}, "a.yaml:5:3")
    assert lead.of == Reach(own_teams=True, teams=frozenset({"south"}))
    assert (lead.oldest, lead.since_grant, lead.until) == (Period(ns=30 * DAY), True, end_of(date(2027, 1, 31)))
    assert (lead.rendition, lead.otherwise_original, lead.purposes) == (Rendition.REDACTED, True, {"coaching"})
    assert lead.sample == {"coaching": Sample(4, "a.yaml:12:15")}
    assert (chief.of, chief.rendition, chief.oldest, chief.since_grant) == (
        Reach(everything=True),
        "original",
        None,
        True,
    )
    assert (read.roles["agent"].of, read.roles["agent"].since_grant) == (Reach(own=True), False)
    since, until = start_of(date(2026, 1, 1)), end_of(date(2026, 12, 31))
    assert read.people[0] == PersonRule(
        "ann@x.org", frozenset({"lead", "chief"}), frozenset({"north"}), since, until, "a.yaml:16:3"
    )
    assert read.people[1].person == "*@x.org"
    assert read.users == (UserRule("corp\\*", "*@x.org", "a.yaml:19:5"),)
    assert read.teams["north"] == Team(frozenset({"desks"}), frozenset({"sven"}), "a.yaml:21:3")
    assert read.approvals == (
        ApprovalRule(frozenset({"export", "play-original"}), ("lead", "chief"), 2, 24 * HOUR, 0, "a.yaml:24:5"),
        ApprovalRule(frozenset({"erase"}), ("lead", "lead", "chief"), 2, HOUR // 2, 2 * DAY, "a.yaml:25:5"),
    )
    assert read.retention == (
        RetentionClass(
            "long",
            (
                Fact("closed_by", frozenset({"cards"})),
                AllOf(
                    (
                        Length(True, HOUR // 6),
                        Length(False, HOUR),
                        Fact("channel", frozenset({Channel.CHAT, Channel.MAIL})),
                        Fact("team", frozenset({"north"})),
                    )
                ),
            ),
            Period(years=2),
            Period(years=1),
            "law",
            True,
            "a.yaml:27:5",
        ),
        RetentionClass("rest", None, Period(ns=182 * DAY), NONE, where="a.yaml:35:5"),
    )
    assert read.consent == Consents({Channel.VOICE: "a.yaml:36:12"})
    assert read.purposes == {"coaching"}


def test_what_a_role_reaches_and_shows() -> None:
    text = "roles: { a: { may: [list], of: %s, otherwise: %s } }\nteams: { south: { groups: [g] } }\n" + REST
    south, own = frozenset({"south"}), frozenset[str]()
    for of, reach in {
        "{ team: south }": Reach(teams=south),
        "{ team: [south, own] }": Reach(own_teams=True, teams=south),
        "{ team: own }": Reach(own_teams=True, teams=own),
        "own": Reach(own=True),
        "all": Reach(everything=True),
    }.items():
        for otherwise in ("nothing", "original"):
            role = rules(text % (of, otherwise)).roles["a"]
            assert (role.of, role.otherwise_original) == (reach, otherwise == "original")


def test_what_is_left_out_says_nothing() -> None:
    read = rules(ROLES + REST)
    assert (read.notice, read.roles["clerk"].otherwise_original) == ("", False)


def test_the_notice_is_text_that_a_menu_can_show() -> None:
    written = rules(f"{ROLES}{REST}notice: |\n  We record.\n\n  Ask us.\n\n")
    assert written.notice == "We record.\n\nAsk us."
    assert len(rules(f"{ROLES}{REST}notice: {'x' * 4000}\n").notice) == 4000
    assert wrong(f"notice: {'x' * 4001}\n") == ("a.yaml:4:9 notice is text of 1 to 4000 characters",)
    said = "a.yaml:4:9 notice is text without control characters and marks of direction, save line feeds"
    assert wrong('notice: "We\\trecord."\n') == (said,)
    assert wrong('notice: "We \\u202edrocer."\n') == (said,)
    assert wrong("notice: ''\n") == ("a.yaml:4:9 notice is empty, write a word",)


def test_several_files_are_one_set() -> None:
    assert sorted(rules(ROLES, f"schema: 1\n{REST}", "schema: 1\nteams: { n: { groups: [g] } }").teams) == ["n"]


def test_what_is_missing_is_said_once_for_all_files() -> None:
    assert wrong("notice: n\n", whole=True) == (
        (
            "a.yaml:1:1 no class is without any:, and exactly one has to be for the rest, "
            "write - { class: rest, keep: 180d }"
        ),
        "a.yaml:1:1 no file has roles, so that everything is refused, add roles:",
    )
    with pytest.raises(MistakesError) as caught:
        parse_files({"a.yaml": b"schema: 2\n...\n"})
    assert [said.split(",")[0] for said in caught.value.mistakes] == [
        "a.yaml:1:1 no class is without any:",
        "a.yaml:1:1 no file has name",
        "a.yaml:1:1 no file has revision",
        "a.yaml:1:1 no file has roles",
        'a.yaml:1:9 schema cannot be "2"',
    ]
    with pytest.raises(MistakesError, match="no governance file"):
        parse_files({})


def test_where_a_file_cannot_be_read_what_is_missing_may_stand_there() -> None:
    with pytest.raises(MistakesError) as caught:
        parse_files(
            {"a.yaml": b"people: { a@x.org: { roles: [lead] } }\nschema: 1\n...\n", "b.yaml": b"roles: [\n...\n"}
        )
    assert [said.partition(" ")[0] for said in caught.value.mistakes] == ["b.yaml:1:8"]


A_ROLE = "roles: { lead: { may: [list], of: own%s } }\n"
AN_ANALYST = "roles: { lead: { may: [analyse], of: all, rendition: original, analyses: { %s }%s } }\n"
MISTAKES = [
    ("rolls: {}\n", '4:1 "rolls" is not a key of a governance file, did you mean roles?'),
    ("roles: [a]\n", "4:8 roles is names with what each has, write for example name: { … }"),
    (
        "roles: { Lead: { may: [list], of: own } }\n",
        '4:10 a name cannot be "Lead", write small letters, digits and single hyphens',
    ),
    (
        "roles:\n  lead: { may: [list], of: own }\n  lead: { may: [play], of: all }\n",
        '6:3 "lead" is there already, in a.yaml:5:3, leave one out',
    ),
    (
        "roles: { lead: { may: [list] } }\n",
        "4:16 a role without of, add of: … (Of which recordings: own, all, or { team: … } with own or teams by name)",
    ),
    ("roles: { lead: { of: own } }\n", "4:16 a role without may, add may: … (The acts)"),
    ("roles: { lead: { may: [lst], of: own } }\n", '4:24 an entry of may cannot be "lst", did you mean list?'),
    ("roles: { lead: { may: list, of: own } }\n", "4:23 may is a list, write [list]"),
    (A_ROLE % ", from: 30", '4:46 from cannot be "30", write days, weeks or years up to 100y, such as 180d, 26w or 2y'),
    (
        A_ROLE % ", from: 101y",
        '4:46 from cannot be "101y", write days, weeks or years up to 100y, such as 180d, 26w or 2y',
    ),
    (
        A_ROLE % ", from: [x]",
        "4:46 from cannot be a list or keys, write days, weeks or years up to 100y, such as 180d, 26w or 2y",
    ),
    (
        A_ROLE % ", until: 31.1.2027",
        '4:47 until cannot be "31.1.2027", write a day as year-month-day, such as 2027-01-31',
    ),
    (
        A_ROLE % ", until: 2027-02-30",
        '4:47 until cannot be "2027-02-30", write a day as year-month-day, such as 2027-01-31',
    ),
    (A_ROLE % ", until: [1]", "4:47 until cannot be a list or keys, write a day as year-month-day, such as 2027-01-31"),
    (A_ROLE % ", rendition: orginal", '4:51 rendition cannot be "orginal", did you mean original?'),
    (
        A_ROLE % ", rendition: original, otherwise: original",
        "4:61 otherwise says nothing beside rendition: original, leave one of them out",
    ),
    (
        A_ROLE % ", purposes: [Coaching]",
        '4:40 a purpose cannot be "Coaching", write small letters, digits and single hyphens',
    ),
    (
        A_ROLE % ", purposes: [coaching], sample: { choaching: 4 per agent per month }",
        '4:72 "choaching" is not one of the role\'s purposes, did you mean coaching?',
    ),
    (
        A_ROLE % ", sample: { coaching: 4 per agent per month }",
        '4:50 "coaching" is not one of the role\'s purposes, and none are there',
    ),
    (
        A_ROLE % ", purposes: [coaching], sample: { coaching: 4 per agent per month, drawn }",
        '4:105 "drawn" is not one of the role\'s purposes, a sample is always drawn, leave it out',
    ),
    (
        A_ROLE % ", purposes: [coaching], sample: { coaching: 4 a month }",
        '4:82 a sample cannot be "4 a month", write for example 4 per agent per month',
    ),
    (
        A_ROLE % ", rendition: original, analyses: { speech: 60 per hour }",
        "4:61 analyses says nothing without the act analyse, add it to may:",
    ),
    (
        A_ROLE.replace("list", "analyse") % ", analyses: { speech: 60 per hour }",
        "4:43 only the original can be analysed, add rendition: original",
    ),
    (
        AN_ANALYST % ("speech: 60 per hour", ", purposes: [coaching]"),
        "4:99 a worker names no purpose, leave purposes out of a role with analyses",
    ),
    (AN_ANALYST % ("speech: 60 a day", ""), '4:84 speech cannot be "60 a day", write for example 60 per hour'),
    (AN_ANALYST % ("speech: 0 per hour", ""), '4:84 speech cannot be "0 per hour", write for example 60 per hour'),
    (AN_ANALYST % ("speach: 60 per hour", ""), '4:76 "speach" is not a key of analyses, did you mean speech?'),
    (
        AN_ANALYST % ("speech: 60 per hour", "") + "people: { '*@x.org': { roles: [lead] } }\n",
        '5:11 "*@x.org" names several, and keys go to a worker by its own name, write that',
    ),
    (A_ROLE % ", otherwise: orginal", '4:51 otherwise cannot be "orginal", did you mean original?'),
    (A_ROLE % ", otherwise: x", '4:51 otherwise cannot be "x", write nothing or original'),
    (A_ROLE % ", sample: []", "4:48 sample is names with what each has, write for example name: { … }"),
    ("roles: { lead: { may: [list], of: [own] } }\n", "4:35 of is keys with values, not a list, write team: …"),
    ("roles: { lead: { may: [list], of: { team: '' } } }\n", "4:43 team is empty, write a word"),
    ("roles: { lead: { may: [list], of: alle } }\n", '4:35 of cannot be "alle", did you mean all?'),
    (
        "roles: { lead: { may: [list], of: { team: nort } } }\nteams: { north: { groups: [g] } }\n",
        '4:43 there is no team "nort", did you mean north?',
    ),
    ("roles: { lead: { may: [list], of: { team: x } } }\n", '4:43 there is no team "x", there is own'),
    ("roles: { lead: { may: [list], of: { team: yes } } }\n", '4:43 YAML reads yes as true, write it in quotes: "yes"'),
    ("people: { a@x.org: { roles: [clark] } }\n", '4:30 there is no role "clark", did you mean clerk?'),
    ("people: { a@x.org: { roles: [clerk], teams: [x] } }\n", '4:46 there is no team "x", and none are there'),
    (
        "people: { a*@x.org: { roles: [clerk] } }\n",
        '4:11 "a*@x.org" names no people, write anna@example.com, or *@example.com for all of them',
    ),
    (
        'people: { "*x.org": { roles: [clerk] } }\n',  # which would be those of evilx.org, too
        '4:11 "*x.org" names no people, write anna@example.com, or *@example.com for all of them',
    ),
    (
        'people: { " ": { roles: [clerk] } }\n',
        '4:11 " " names no people, write anna@example.com, or *@example.com for all of them',
    ),
    (
        'people: { "*": { roles: [clerk] } }\n',
        '4:11 "*" names no people, write anna@example.com, or *@example.com for all of them',
    ),
    (
        A_ROLE % ", from: 30d" + "people: { a@x.org: { roles: [lead] } }\n",
        "5:11 role lead reaches back to when it was given at most (from), and this entry says no day, add since:",
    ),
    (
        "people: { a@x.org: { roles: [clerk], since: 2026-02-01, until: 2026-01-31 } }\n",
        "4:57 until is before since, so that the roles are never there, correct one of them",
    ),
    (
        "people: { ann\u200b@x.org: { roles: [clerk] } }\n",
        '4:11 character 4 of "ann?@x.org" is a zero width space (U+200B), write the plain one or delete it',
    ),
    (
        "os_users: [{ user: a\u2013b, person: a@x.org }]\n",
        '4:20 character 2 of "a\u2013b" is an en dash (U+2013), write the plain one or delete it',
    ),
    (
        "teams: { north: { users: [a\u2013b] } }\n",
        '4:19 character 2 of "a\u2013b" is an en dash (U+2013), write the plain one or delete it',
    ),
    ("teams: { north: {} }\n", "4:10 this team is empty, add groups: or users: with a list"),
    (
        'os_users: [{ user: "a*", person: a@x.org }]\n',
        "4:12 user and person have one * each, for the same text, or none, write for example *@example.com",
    ),
    (
        'os_users: [{ user: "*a*", person: "*a*" }]\n',
        "4:12 user and person have one * each, for the same text, or none, write for example *@example.com",
    ),
    (
        "approvals: [{ act: [exprt], by: [clerk], within: 1h }]\n",
        '4:21 an entry of act cannot be "exprt", did you mean export?',
    ),
    ("approvals: [{ act: [export], by: [clrk], within: 1h }]\n", '4:35 there is no role "clrk", did you mean clerk?'),
    (
        "approvals: [{ act: [export], by: [clerk], need: 2, within: 1h }]\n",
        "4:43 2 of 1 cannot be: each role in by counts for one person, name one twice for two",
    ),
    (
        "approvals: [{ act: [export], by: [clerk], within: 1w }]\n",
        '4:51 within cannot be "1w", write minutes, hours or days up to 31d, such as 30m, 24h or 3d',
    ),
    (
        "approvals: [{ act: [export], by: [clerk], within: 32d }]\n",
        '4:51 within cannot be "32d", write minutes, hours or days up to 31d, such as 30m, 24h or 3d',
    ),
    (
        "approvals: [{ act: [export], by: [clerk], within: [] }]\n",
        "4:51 within cannot be a list or keys, write minutes, hours or days up to 31d, such as 30m, 24h or 3d",
    ),
    ("consent: { voice: needed }\n", '4:19 voice cannot be "needed", write required or where-written'),
    ("consent: { video: required }\n", '4:12 "video" is not a key of consent, write voice or screen or chat or mail'),
    (
        "retention: [{ class: a, keep: 1y }, { class: b, keep: 1y }]\n",
        "4:1 a and b are without any:, and exactly one has to be for the rest, write - { class: rest, keep: 180d }",
    ),
    (
        "retention: [{ class: a, keep: 1y }, { class: a, keep: 1y, any: [{ group: [g] }] }]\n",
        '4:37 another class is called "a", in a.yaml:4:13, rename one',
    ),
    (
        "retention: [{ class: rest, keep: 1y, minimum: 366d, why: w }]\n",
        "4:28 keep is below the minimum, which the law wants, write at least as much (a year has 366 days)",
    ),
    (
        "retention: [{ class: rest, keep: 1y, minimum: 1y }]\n",
        "4:38 a minimum without why, name the law that wants it",
    ),
    ("retention: [{ class: rest, keep: 1y, worm: true }]\n", "4:38 worm holds until the minimum is over, add minimum:"),
    (
        "retention: [{ class: Rest, keep: 1y }]\n",
        '4:22 class cannot be "Rest", write small letters, digits and single hyphens',
    ),
    (
        "retention: [{ class: rest, keep: 1y }, { class: a, keep: 1y, any: [{ lenght: over 1m }] }]\n",
        '4:70 "lenght" is not a key of an entry of any, did you mean length?',
    ),
    (
        "retention: [{ class: rest, keep: 1y }, { class: a, keep: 1y, any: [{ length: 10m }] }]\n",
        '4:78 length cannot be "10m", write for example over 10m or under 1h',
    ),
    (
        "retention: [{ class: rest, keep: 1y }, { class: a, keep: 1y, any: [{ length: over 10 }] }]\n",
        '4:78 length cannot be "over 10", write for example over 10m or under 1h',
    ),
    (
        "retention: [{ class: rest, keep: 1y }, { class: a, keep: 1y, any: [{ channel: [fax] }] }]\n",
        '4:80 an entry of channel cannot be "fax", write voice or screen or chat or mail',
    ),
    (
        "retention: [{ class: rest, keep: 1y }, { class: a, keep: 1y, any: [{ team: [x] }] }]\n",
        '4:77 there is no team "x", and none are there',
    ),
    (
        "retention: [{ class: rest, keep: 1y }, { class: a, keep: 1y, any: [{ all: [{ all: [] }] }] }]\n",
        '4:78 "all" is not a key of an entry of all, write group or team or closed_by or category or channel or length',
    ),
    ("tests: [{ do: play, expect: granted }]\n", "4:9 a test without who, add who: { role: … } or who: { person: … }"),
    (
        "tests: [{ who: { role: clerk }, expect: granted }]\n",
        "4:9 a test that expects granted names no act, add do: with the act",
    ),
    (
        "tests: [{ who: { role: clerk }, do: play, expect: kept }]\n",
        "4:9 a test that expects kept names an act, write granted or refused, or leave do out",
    ),
    ("tests: [{ who: {}, do: play, expect: refused }]\n", "4:16 who is a person or a role, write one of them"),
    (
        "tests: [{ who: { person: a@x.org, team: x }, do: play, expect: refused }]\n",
        '4:41 there is no team "x", and none are there',
        "4:35 the teams of a person are in people, leave team out",
    ),
    (
        "tests: [{ who: { role: clark }, do: play, expect: refused }]\n",
        '4:24 there is no role "clark", did you mean clerk?',
    ),
    (
        "tests: [{ who: { role: clerk }, do: play, purpose: x, expect: refused }]\n",
        '4:52 no role has the purpose "x", name one of a role\'s purposes',
    ),
    (
        "tests: [{ who: { role: clerk }, do: play, approved_by: [x], expect: refused }]\n",
        '4:57 there is no role "x", there is clerk',
    ),
    ("tests: [{ what: {}, expect: kept, class: rst }]\n", '4:42 there is no class "rst", name one of retention:'),
    (
        "tests: [{ what: { category: [a], analysed: false }, expect: kept }]\n",
        "4:19 category is what the analysis found, leave it out or analysed: false",
    ),
    ("tests: [{ what: { team: x }, expect: kept }]\n", '4:25 there is no team "x", and none are there'),
    ("tests: [{ what: { channel: voice }, expect: kept }]\n", "4:28 channel is a list, write [voice]"),
]


@pytest.mark.parametrize(("text", "said"), [(text, said) for text, *said in MISTAKES])
def test_each_mistake_has_its_place_and_what_was_meant(text: str, said: list[str]) -> None:
    assert wrong(text) == tuple(
        sorted((f"a.yaml:{one}" for one in said), key=lambda one: int(one.split(":")[2].split()[0]))
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("people: { a@x.org: { roles: [''] } }\n", "an entry of roles is empty, write a word"),
        ("people: { a@x.org: { roles: [clerk], teams: [''] } }\n", "an entry of teams is empty, write a word"),
        ("approvals: [{ act: [export], by: [''], within: 1h }]\n", "an entry of by is empty, write a word"),
        ("retention: [{ class: a, keep: 1y, any: [] }]\n", "any is empty and would never fit, name conditions or"),
        (
            "retention: [{ class: a, keep: 1y, any: [{ all: [] }] }]\n",
            "all is empty and would never fit, name conditions or",
        ),
        (
            A_ROLE % ", from: 1d }, boss: { may: [list], of: own, from: 1d"
            + "people: { a@x.org: { roles: [lead, boss] } }\n",
            "role lead reaches back",
        ),
    ],
)
def test_a_mistake_in_a_list_names_it(text: str, said: str) -> None:
    assert said in " ".join(wrong(text))


def test_all_mistakes_come_at_once() -> None:
    text = "".join(f"  r{number}: {{ may: [lst], of: own }}\n" for number in range(9))
    assert len(wrong(f"roles:\n{text}")) == 9


def test_tests_that_do_not_hold_are_mistakes() -> None:
    assert wrong("tests: [{ who: { role: clerk }, do: play, what: { person: own }, expect: granted }]\n") == (
        "a.yaml:4:9 the test expects granted, the rules say refused (role clerk may not play), correct one of them",
    )
    assert wrong("tests: [{ what: { age: 1d }, expect: deleted, class: rest }]\n") == (
        (
            "a.yaml:4:9 the test expects deleted by class rest, the rules say kept (class rest counts), "
            "correct one of them"
        ),
    )


TABLES = (APPROVAL, CLASS, CONDITION, CONSENT, FACTS, FILE, OF, OS_USER, PERSON, QUESTION, ROLE, TEAM, TEST, WHAT, WHO)
words = st.sampled_from(
    sorted({key for table in TABLES for key in table} | {"a", "own", "all", "1y", "over 1m", "*@x"})
)
values = st.recursive(
    words | st.sampled_from(("1", "~", "yes", "''")),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(words, inner, max_size=3).map(
            lambda table: "{" + ", ".join(f'"{key}": {value}' for key, value in table.items()) + "}"
        )
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(FILE)), values, max_size=5))
def test_whatever_stands_there_is_rules_or_mistakes_with_places(table: dict[str, str]) -> None:
    text = "".join(f"{key}: {value}\n" for key, value in table.items()) + "...\n"
    with suppress(MistakesError):
        parse_files({"a.yaml": text.encode()})
        return
    with pytest.raises(MistakesError) as caught:
        parse_files({"a.yaml": text.encode()})
    assert all(mistake.startswith("a.yaml:") for mistake in caught.value.mistakes)


def test_text_that_is_cut_off_is_no_rules() -> None:
    whole = (HEAD + WHOLE.lstrip() + "...\n").encode()
    parse_files({"a.yaml": whole})
    for length in range(0, len(whole) - 1, 37):
        with pytest.raises(MistakesError):
            parse_files({"a.yaml": whole[:length]})
