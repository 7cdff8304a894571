"""What is left of a sample: by the custodian's draw and log alone, compared with an oracle that saw every opening."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import base64url, jws
from protocol.claims import Claims
from protocol.errors import ProtocolError
from review.custodian.custodian import Custodian
from review.refusal import Refusal
from testkit.custody import Kept
from tests.review.custodian.test_samples import Season, at

NONCE = base64url.encode(bytes(16))
USERS = ("bert", "dora", "emil")
PEOPLE = ("ann@example.com", "sam@example.com")


def left(season: Season, custodian: Custodian, person: str, kept: Kept, /, **changed: Any) -> dict[str, Any]:
    asked = {"recording": str(kept.id), "purpose": "coaching", "person": person, "nonce": NONCE} | changed
    answer = custodian.sampled(Claims(asked | {"papers": kept.papers}, "request", ProtocolError), "test")
    found = jws.verify(jws.SAMPLED, str(answer["sampled"]), season.house.signer.key.public)
    assert {name: found[name] for name in asked} == asked
    return {name: value for name, value in found.items() if name not in asked and name != "v"}


WHAT = st.tuples(st.integers(0, 11), st.sampled_from(PEOPLE), st.sampled_from(["coaching", "complaint"]), st.booleans())


@settings(max_examples=15, deadline=None)
@given(recorded=st.sets(st.tuples(st.integers(20, 23), st.sampled_from(USERS))), opening=st.lists(WHAT, max_size=12))
def test_the_figures_are_those_of_what_was_drawn_and_opened(
    recorded: set[tuple[int, str]], opening: list[tuple[int, str, str, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    season = Season(tmp_path_factory.mktemp("season"))
    of: dict[str, list[Kept]] = {user: [] for user in USERS}
    for day, user in sorted(recorded):
        group = "south desk" if user == "emil" else "north desk"
        of[user].append(season.record(f"2026-11-{day}T09:00", user, group=group))
    drawn = season.draw(empty=True)["coaching"]
    custodian = season.house.start()
    season.house.clock.now = at("2026-12-04T12:00")
    opened: dict[str, set[str]] = defaultdict(set)
    for place, who, purpose, anew in opening if season.kept else ():
        one = season.kept[place % len(season.kept)]
        custodian = season.house.start() if anew else custodian
        try:
            season.house.open(custodian, who, one, purpose=purpose)
        except Refusal:
            continue
        if purpose == "coaching":
            opened[who].add(str(one.id))
    for user, kept in of.items():
        sample = drawn.get(f"{user}@example.com", [])
        for who in PEOPLE if kept else ():
            seen = len(opened[who] & set(sample))
            assert left(season, custodian, who, kept[0]) == {
                "month": "2026-11", "candidates": len(kept), "drawn": len(sample), "opened": seen,
                "left": len(sample) - seen, "among": str(kept[0].id) in sample,
            }  # fmt: skip
            assert left(season, custodian, who.title(), kept[0])["opened"] == seen  # whatever the case of their name


@pytest.fixture
def season(tmp_path_factory: pytest.TempPathFactory) -> Season:
    made = Season(tmp_path_factory.mktemp("season"))
    made.fill()
    return made


def test_of_a_month_that_is_not_drawn_nothing_is_said_of_numbers(season: Season) -> None:
    custodian = season.house.start()
    assert left(season, custodian, "ann@example.com", season.kept[0]) == {"month": "2026-11", "drawn": None}
    season.draw()
    assert left(season, custodian, "ann@example.com", season.kept[0])["candidates"] == 13
    assert left(season, custodian, "ann@example.com", season.kept[0], purpose="complaint")["drawn"] is None


def test_candidates_that_a_killed_draw_noted_count_once(season: Season) -> None:
    fixed = season.samples / "2026-11"
    before = fixed.read_bytes()
    season.draw()
    (season.samples / "2026-11.drawn").unlink()
    fixed.write_bytes(before)
    season.draw()
    assert left(season, season.house.start(), "ann@example.com", season.kept[0])["candidates"] == 13


def test_an_earlier_month_that_is_drawn_later_counts_as_well(season: Season) -> None:
    """The log was read from November on; October's sample is there only then."""
    early = season.record("2026-10-28T09:00")
    season.draw()
    custodian = season.house.start()
    left(season, custodian, "ann@example.com", season.kept[0])
    (season.samples / "2026-10.drawn").write_text(f'{{"coaching": {{"bert@example.com": ["{early.id}"]}}}}')
    season.house.clock.now = at("2026-11-20T12:00")
    season.house.open(season.house.start(), "ann@example.com", early, purpose="coaching")
    found = left(season, custodian, "ann@example.com", early)
    assert (found["month"], found["opened"], found["left"], found["among"]) == ("2026-10", 1, 0, True)


@pytest.mark.parametrize(("name", "value"), [("nonce", ""), ("nonce", "A" * 23), ("nonce", 5), ("person", None),
                                             ("person", "a\n"), ("purpose", 1)])  # fmt: skip
def test_what_is_no_question_is_refused(season: Season, name: str, value: object) -> None:
    season.draw()
    with pytest.raises(ProtocolError):
        left(season, season.house.start(), "ann@example.com", season.kept[0], **{name: value})
