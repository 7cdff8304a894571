"""The word index on its own: places, pages, spelling, versions, and what a stranger may write."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.search.words.folding import tokens
from review.search.words.grammar import parse
from review.search.words.model import (
    Channel,
    DocumentRefused,
    Passage,
    QueryRefused,
    Reach,
    Rendition,
    Timed,
    Wanted,
)
from review.search.words.shards import Shards
from tests.review.search.words.worlds import BEGAN, document, recording

KEY = bytes(range(32))
ALL = [Reach(None)]


@pytest.fixture
def shards(tmp_path: Path) -> Iterator[Shards]:
    with Shards(tmp_path / "words", KEY) as opened:
        yield opened


def test_a_hit_says_where_to_play_from(shards: Shards) -> None:
    shards.add([document("guten Tag", "ich möchte den Fonds kündigen, bitte")])
    (hit,) = shards.search('"fonds kundigen"', ALL).hits
    assert (hit.recording, hit.channel, hit.at) == ("r1", Channel.AGENT, 5 * 400)
    assert [hit.snippet[a:b] for a, b in hit.marked] == ["Fonds kündigen,"]


def test_a_snippet_is_cut_around_the_first_word_found(shards: Shards) -> None:
    shards.add([document(" ".join(f"wort{number}" for number in range(100)))])
    (hit,) = shards.search("wort50 OR wort55", ALL).hits
    assert hit.snippet.split()[0] == "wort38"
    assert hit.snippet.split()[-1] == "wort62"
    assert [hit.snippet[a:b] for a, b in hit.marked] == ["wort50", "wort55"]


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Straße", "STRASSE"), ("Strasse", "straße"), ("Müller", "muller"), ("Ärger", "ärger"), ("café", "CAFE"),
        ("E-Mail", '"e mail"'), ("e mail", "E-Mail"), ("4711", "4711"), ("12.500,00", "12.500,00"), ("Łódź", "łodz"),
        ("naïve", "naive"), ("Москва", "москва"), ("x\0y", "x"), ("a\u0308rger", "ärger"), ("GROẞ", "gross"),
        ("Kündigungsfrist", "kündig*"),
    ],
)  # fmt: skip
def test_spellings_that_are_one(shards: Shards, said: str, asked: str) -> None:
    shards.add([document(said)])
    assert shards.search(asked, ALL).count == 1


@pytest.mark.parametrize(("said", "asked"), [("Müller", "mueller"), ("Häuser", "Haus"), ("Stromrechnung", "rechnung")])
def test_spellings_that_are_not(shards: Shards, said: str, asked: str) -> None:
    shards.add([document(said)])
    assert shards.search(asked, ALL).count == 0


def test_no_phrase_reaches_over_two_passages(shards: Shards) -> None:
    shards.add([document("guten", "tag")])
    assert shards.search('"guten tag"', ALL).count == 0
    assert shards.search("guten tag", ALL).count == 0


def test_another_version_takes_the_place_of_the_one_before(shards: Shards) -> None:
    assert shards.add([document("alt")]) == 1
    assert shards.add([document("neu")]) == 0  # the same version
    assert shards.search("alt", ALL).count == 1
    assert shards.add([document("neu", version="2")]) == 1
    assert [shards.search(one, ALL).count for one in ("alt", "neu")] == [0, 1]


def test_pages_go_on_where_the_one_before_ended(shards: Shards) -> None:
    month = 31 * 86_400 * 10**9
    shards.add(
        document("wort", of=recording(f"r{at}-{number}", BEGAN + at * month + number * 10**9))
        for at in range(3)
        for number in range(15)
    )
    seen, after = list[str](), None
    while True:
        page = shards.search("wort", ALL, Wanted(after=after))
        assert page.count == 45
        assert page.coverage.indexed == 45
        seen += [hit.recording for hit in page.hits]
        after = page.following
        if after is None:
            break
    assert seen == [f"r{at}-{number}" for at in (2, 1, 0) for number in range(14, -1, -1)]


def test_what_one_may_not_see_is_in_no_count_and_no_coverage(shards: Shards) -> None:
    shards.add(
        document("geheim", of=recording(f"r{number}", whose=whose))
        for number, whose in enumerate(["north", "north", "south"])
    )
    shards.expect([recording("r9", whose="south")])
    found = shards.search("geheim", [Reach(frozenset({"north"}))])
    assert (found.count, found.coverage.indexed, found.coverage.missing) == (2, 2, 0)
    assert shards.search("geheim", []).count == 0
    assert shards.search("geheim", [Reach(frozenset())]).count == 0
    assert shards.search("geheim", ALL, Wanted(rendition=Rendition.ORIGINAL)).count == 0


def test_many_tokens_of_rights_find_the_same_as_few(shards: Shards) -> None:
    shards.add(document("wort", of=recording(f"r{number}", whose=f"w{number}")) for number in range(100))
    some = frozenset(f"w{number}" for number in range(0, 100, 50))
    many = frozenset(f"w{number}" for number in range(90))
    assert shards.search("wort", [Reach(some)]).count == 2
    assert shards.search("wort", [Reach(many)]).count == 90


def test_two_recordings_of_one_second_have_places_of_their_own(shards: Shards) -> None:
    shards.add(document("wort", of=recording(f"r{number}")) for number in range(300))
    assert shards.search("wort", ALL, Wanted(since=BEGAN, until=BEGAN + 1)).count == 300
    assert shards.search("wort", ALL, Wanted(since=BEGAN + 1)).count == 0
    assert shards.search("wort", ALL, Wanted(until=BEGAN)).count == 0


def test_a_long_recording_takes_several_places(shards: Shards) -> None:
    of = recording()
    shards.add([document(*(f"w{number}" for number in range(10_000)), of=of), document("anderes", of=recording("r2"))])
    assert shards.search("w9999", ALL).hits[0].at == 9_999 * 400
    assert shards.forget("r1").documents == 1
    assert [shards.search(one, ALL).count for one in ("w9999", "anderes")] == [0, 1]


@pytest.mark.parametrize(
    ("passages", "code"),
    [
        ([Passage([Timed("a", 5), Timed("b", 4)], 9)], "out-of-order"),
        ([Passage([Timed("a", 5)], 4)], "out-of-order"),
        ([Passage([Timed("a", -1)], 4)], "out-of-order"),
        ([Passage([Timed("a", 2**40)], 2**41)], "out-of-order"),
        ([Passage([], 0)] * 300_000, "too-long"),
    ],
)
def test_a_document_that_cannot_be_is_refused(shards: Shards, passages: list[Passage], code: str) -> None:
    one = document("gut", of=recording("r2"))
    bad = document(of=recording())
    object.__setattr__(bad, "passages", passages)
    with pytest.raises(DocumentRefused) as refused:
        shards.add([one, bad])
    assert refused.value.code == code
    assert shards.search("gut", ALL).count == 0


def test_a_recording_of_no_time_is_refused(shards: Shards) -> None:
    with pytest.raises(DocumentRefused, match="1970"):
        shards.add([document("a", of=recording(began=-1))])


@pytest.mark.parametrize(
    ("asked", "code", "at"),
    [
        ("", "nothing", 0), ("   ", "nothing", 3), ('gut "guten tag', "not-closed", 4), ("(a OR b", "not-closed", 0),
        ("a)", "not-opened", 1), ("a OR", "nothing", 4), ("OR a", "nothing", 0), ("AND a", "nothing-before", 0),
        ("a AND", "nothing-after", 5), ("-a", "only-not", 0), ("a NOT", "nothing", 5), ("ku*", "short-prefix", 0),
        ("...", "no-letters", 0), ("a -", "no-letters", 2), ('""', "no-letters", 0), ("NEAR(a)", "near-one", 0),
        ("NEAR(a b, 1000)", "bad-number", 10), ("NEAR(a b", "not-closed", 0), ("NEAR(abcd* b)", "prefix-near", 5),
        ("NEAR(a b, x)", "bad-number", 10), ("a " * 40, "too-many", 64), ("a" * 501, "too-long", 500),
        ("(" * 9 + "a" + ")" * 9, "too-deep", 8), ("a , b", "no-letters", 2), ("*", "no-letters", 0),
    ],
)  # fmt: skip
def test_what_is_wrong_and_where(asked: str, code: str, at: int) -> None:
    with pytest.raises(QueryRefused) as refused:
        parse(asked)
    assert (refused.value.code, refused.value.at) == (code, at)


@pytest.mark.parametrize(
    ("asked", "means"),
    [
        ("a b", '("a" AND "b")'), ("a AND b OR c", '(("a" AND "b") OR "c")'), ("a -b", '("a" NOT "b")'),
        ('a -"b c"', '("a" NOT "b c")'), ("a NOT (b OR c)", '("a" NOT ("b" OR "c"))'),
        ("NEAR(a b)", 'NEAR("a" "b", 10)'), ("NEAR(a b,5)", 'NEAR("a" "b", 5)'),
        ('NEAR("a b" c, 3)', 'NEAR("a b" "c", 3)'), ("rechn*", '"rechn" *'), ("and or", '("and" AND "or")'),
        ("3,50", '"3 50"'), ("rowid:1", '"rowid 1"'), ("{whose}:t1", '"whose t1"'),
    ],
)  # fmt: skip
def test_it_is_written_anew_for_fts5(asked: str, means: str) -> None:
    assert parse(asked) == means


hostile = st.lists(
    st.sampled_from([*"abß*^+:{}()\"'-,;\0\\ \ud800ä\u0308", "NEAR(", " OR ", " AND ", " NOT ", "whose:t1"]),
    max_size=30,
).map("".join)  # fmt: skip


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shards]:
    with Shards(tmp_path_factory.mktemp("words"), KEY) as opened:
        opened.add([document("a b ab whose t1 t2", of=recording("secret", whose="south")), document("a b", "ab")])
        yield opened


@settings(deadline=None, max_examples=400)
@given(hostile | st.text(max_size=60))
def test_nothing_that_is_typed_widens_what_one_sees(secret: Shards, asked: str) -> None:
    try:
        found = secret.search(asked, [Reach(frozenset({"north"}))])
    except QueryRefused:
        return
    assert {hit.recording for hit in found.hits} <= {"r1"}
    assert found.coverage.indexed == 1


@settings(deadline=None)
@given(st.text(max_size=40))
def test_a_word_is_read_as_it_was_written_by_the_same_tokenizer(text: str) -> None:
    made = tokens(text)
    assert all(tokens(token) == (token,) for token in made)
    assert tokens(" ".join(made)) == made


def test_nothing_of_a_query_is_logged(shards: Shards, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shards.add([document("geheimwort")])
    shards.search("geheimwort", ALL)
    with pytest.raises(QueryRefused) as refused:
        shards.search('geheimwort "offen', ALL)
    assert "geheim" not in caplog.text + str(refused.value)
