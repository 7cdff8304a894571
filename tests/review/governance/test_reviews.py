"""Reviews in governance files: what is read, each mistake, what changes, what is said and what is hardly meant."""

from __future__ import annotations

from datetime import date

import pytest

from review.governance.cautions import cautions
from review.governance.decide import decide
from review.governance.diff import GRAVE, Weight, changes
from review.governance.model import Act, Person, Question, Recording, Review
from review.governance.times import DAY, start_of
from review.governance.words import explained, review_in_words
from tests.review.governance.rules import REST, rules, wrong

ROLE = "{ may: [list, play], of: all, rendition: original, purposes: [mifid, audit], sample: { mifid: 5 per agent per month } }"  # noqa: E501 - a role in one line
LINE = "{ review: mifid, by: compliance, since: 2026-12-01, within: 20d, why: MiFID II 16(7) }"
HEAD = f"roles:\n  compliance: {ROLE}\n"
WHOLE = f"{HEAD}reviews:\n  - {LINE}\n{REST}"
SAID = "compliance reviews what is drawn for mifid of each month within 20 days of its end, from 2026-12-01 on (MiFID II 16(7))"  # noqa: E501 - a sentence


def test_a_review_as_it_is_read() -> None:
    found = rules(WHOLE)
    since = start_of(date(2026, 12, 1))
    assert found.reviews == (Review("mifid", "compliance", since, 20 * DAY, "MiFID II 16(7)", "a.yaml:7:5"),)
    assert rules(HEAD + REST).reviews == ()


def test_weeks_are_days() -> None:
    assert rules(WHOLE.replace("20d", "3w")).reviews[0].within == 21 * DAY


@pytest.mark.parametrize(
    ("within", "fits"), [("4d", False), ("5d", True), ("92d", True), ("93d", False), ("1y", False)]
)
def test_what_is_drawn_is_there_when_a_review_is_due(within: str, fits: bool) -> None:
    found = wrong(WHOLE.replace("20d", within), whole=True)
    says = "within is the time from the month's end on, write 5d to 92d, as the sample is drawn on the fourth day"
    assert found == (() if fits else (f"a.yaml:7:{7 + LINE.index('20d') - 2} {says}",))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("review: mifid, ", "", "a review without review, add review: …"),
        ("by: compliance, ", "", "a review without by, add by: …"),
        ("since: 2026-12-01, ", "", "a review without since, add since: …"),
        ("within: 20d, ", "", "a review without within, add within: …"),
        (", why: MiFID II 16(7)", "", "a review without why, add why: …"),
        ("review: mifid", "review: Mi fid", 'review cannot be "Mi fid", write small letters'),
        ("review: mifid", "review: mifit", ('nothing is drawn for "mifit", add to role compliance sample: '
         "{ mifit: 5 per agent per month }")),
        ("by: compliance", "by: complianc", 'there is no role "complianc", did you mean compliance?'),
        ("by: compliance", "by: 5", 'YAML reads 5 as the number 5, write it in quotes: "5"'),
        ("by: compliance", 'by: ""', "by is empty, write a word"),
        ("by: compliance", "by: [compliance]", "by is a word or a sentence, not a list"),
        ("2026-12-01", "2026-12", "since cannot be"),
        ("20d", "20", "within cannot be"),
        ("20d", "24h", "within cannot be"),
        ("within", "wihtin", "wihtin"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_once_at_its_place(old: str, new: str, says: str) -> None:
    line = LINE.replace(old, new)
    found = wrong(f"{HEAD}reviews:\n  - {line}\n{REST}", whole=True)
    assert any(one.startswith("a.yaml:7:") and says in one for one in found), found
    twice = new in {"wihtin", "review: Mi fid"}  # no such key, and it lacks one; no name, and nothing is drawn for it
    assert len(found) == 1 + twice, found


def test_who_reviews_may_play() -> None:
    found = wrong(WHOLE.replace("[list, play]", "[list]"), whole=True)
    place = 7 + LINE.index("by") - 2
    assert found == (f"a.yaml:7:{place} role compliance may not play what is drawn, add play to its may:",)


def test_reviews_are_a_list() -> None:
    (found,) = wrong(f"{HEAD}reviews: mifid\n{REST}", whole=True)
    assert found.startswith("a.yaml:6:10 reviews is a list of reviews, not ")


def test_two_of_one_name() -> None:
    found = wrong(WHOLE.replace(f"  - {LINE}\n", f"  - {LINE}\n  - {LINE}\n"), whole=True)
    assert found == ('a.yaml:8:5 another review is called "mifid", in a.yaml:7:5, leave one out',)


# -- what changes -----------------------------------------------------------------------------------------------------

TWO = WHOLE.replace("  compliance:", f"  quality: {ROLE}\n  compliance:")


@pytest.mark.parametrize(
    ("old", "new", "weight", "says"),
    [
        (HEAD + REST, WHOLE, Weight.OTHER, SAID),
        (WHOLE, HEAD + REST, Weight.REVIEWS_LESS, "what is drawn for mifid need not be reviewed any more"),
        (WHOLE, WHOLE.replace("20d", "19d"), Weight.OTHER, SAID.replace("20 days", "19 days")),
        (WHOLE, WHOLE.replace("20d", "21d"), Weight.REVIEWS_LESS, SAID.replace("20 days", "21 days")),
        (WHOLE, WHOLE.replace("2026-12-01", "2026-11-01"), Weight.OTHER, SAID.replace("2026-12-01", "2026-11-01")),
        (WHOLE, WHOLE.replace("2026-12-01", "2027-01-01"), Weight.REVIEWS_LESS,
         SAID.replace("2026-12-01", "2027-01-01")),
        (WHOLE, WHOLE.replace("16(7)", "16(6)"), Weight.OTHER, SAID.replace("16(7)", "16(6)")),
        (TWO, TWO.replace("by: compliance", "by: quality"), Weight.REVIEWS_LESS, SAID.replace("compliance", "quality")),
    ],
)  # fmt: skip
def test_a_change_in_a_sentence(old: str, new: str, weight: Weight, says: str) -> None:
    (found,) = changes(rules(old), rules(new))
    assert (found.weight, found.says) == (weight, says)
    assert found.where == ("a.yaml:2:1" if says.endswith("any more") else rules(new).reviews[0].where)
    assert (weight in GRAVE) == (weight is Weight.REVIEWS_LESS)


def test_nothing_changes_without_a_change() -> None:
    assert changes(rules(WHOLE), rules(WHOLE)) == ()


@pytest.mark.parametrize(("number", "less"), [(4, True), (6, False)])
def test_fewer_drawn_ones_are_fewer_reviewed_ones(number: int, less: bool) -> None:
    found = changes(rules(WHOLE), rules(WHOLE.replace("mifid: 5", f"mifid: {number}")))
    says = [one.says for one in found if one.weight is Weight.REVIEWS_LESS]
    assert says == (["compliance reviews 4 per agent per month for mifid (before: 5)"] if less else [])


def test_another_roles_smaller_sample_is_a_smaller_review() -> None:
    """Of a purpose so many are drawn as the role with the fewest says."""
    found = changes(rules(TWO), rules(TWO.replace("mifid: 5", "mifid: 1", 1)))
    says = [one.says for one in found if one.weight is Weight.REVIEWS_LESS]
    assert says == ["compliance reviews 1 per agent per month for mifid (before: 5)"]


# -- what is said -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("purpose", "named"), [("mifid", True), ("audit", False)])
def test_who_opens_a_drawn_one_is_told_what_demands_it(purpose: str, named: bool) -> None:
    text = WHOLE + "people: { cleo@x.org: { roles: [compliance] } }\n"
    found = rules(text)
    asked = Question(
        found.person("cleo@x.org"), Act.PLAY, start_of(date(2027, 1, 10)),
        Recording(start=start_of(date(2026, 12, 5)), drawn=frozenset({"mifid"}), has_redacted=True), purpose,
    )  # fmt: skip
    said = explained(found, asked, decide(found, asked))
    assert [(one.says, one.where) for one in said.why[2:]] == ([(SAID, "a.yaml:7:5")] if named else [])
    other = Question(Person("eve@x.org"), Act.PLAY, asked.now, asked.recording, purpose)
    assert SAID not in {one.says for one in explained(found, other, decide(found, other)).why}
    assert review_in_words(found.reviews[0]) == SAID


@pytest.mark.parametrize(
    ("reach", "enough"), [("from: 50d", False), ("from: 51d", True), ("from: grant", True), ("", True)]
)
def test_a_role_that_no_longer_reaches_what_is_due(reach: str, enough: bool) -> None:
    text = WHOLE.replace("of: all,", f"of: all, {reach},") if reach else WHOLE
    found = [str(one) for one in cautions(rules(text)) if "reaches" in one.says]
    says = "role compliance reaches less far back than review mifid needs, write from: 51d or more"
    assert found == ([] if enough else [f"a.yaml:7:5 {says}"])
