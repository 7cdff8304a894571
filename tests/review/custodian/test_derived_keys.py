"""Who plays a recording is given the keys of what was made of those streams alone, and the names of who may make it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import base64url
from protocol.envelope import SOUND_STREAM
from protocol.errors import KeyProblem
from protocol.keys import derived_key, public_to_text
from protocol.released import COMMENTS, DERIVED, DERIVED_KEY, STREAM_KEY, receive
from review.custodian.custodian import Custodian
from review.governance.model import Rendition
from review.leases import readable
from testkit.custody import RULES, House, Kept
from tests.review.custodian.test_leases import ALLOWED, ANN, ONE, SCENES, TWO, furnished, recording

SPEECH, SCREENS, PERSONAL = "speech/original", "screen-text/original", "personal/original"
STREAMS: Final = (0, 1, SOUND_STREAM, SCENES)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return furnished(tmp_path / "house")


@pytest.fixture
def custodian(house: House) -> Custodian:
    return house.ready()


def played(house: House, custodian: Custodian, kept: Kept, *streams: int) -> dict[str, Any]:
    """By a supervisor, whom the rules give the original where there is no redacted rendition."""
    return house.open(custodian, ANN, kept, streams=[str(one) for one in streams])


def keys(house: House, kept: Kept, answer: dict[str, Any]) -> dict[str, bytes]:
    place = {"request": answer["request"], "recording": kept.id, "stream": DERIVED, "label": DERIVED_KEY}
    return {
        name: receive(house.sessions[ANN], base64url.decode(sealed), **place)
        for name, sealed in answer["derived"].items()
    }


@pytest.mark.parametrize(
    ("streams", "labels"),
    [
        ((0, 1, SOUND_STREAM), {SPEECH, SCREENS, PERSONAL}),  # which tells of both
        ((SOUND_STREAM,), {SPEECH}),
        ((0, 1), {SCREENS}),
        ((0,), set()),  # the words of both screens would tell of the other
        ((SCENES,), set()),
    ],
)
def test_who_plays_some_streams_reads_what_is_made_of_no_others(
    house: House, custodian: Custodian, streams: tuple[int, ...], labels: set[str]
) -> None:
    kept = recording(house)
    answer = played(house, custodian, kept, *streams)
    assert keys(house, kept, answer) == {name: derived_key(kept.key, kept.id, name) for name in labels}


@given(st.sets(st.sampled_from(STREAMS)), st.sets(st.sampled_from(STREAMS)), st.sampled_from(Rendition))
def test_no_stream_that_is_not_opened_tells_anything(asked: set[int], there: set[int], rendition: Rendition) -> None:
    streams = asked & there
    made_of = {f"speech/{rendition}": {SOUND_STREAM}, f"screen-text/{rendition}": {0, 1}}
    made_of[f"personal/{rendition}"] = {SOUND_STREAM, 0, 1}
    wanted = {name for name, of in made_of.items() if of & there and of & there <= streams}
    assert set(readable(rendition, streams, there)) == wanted
    assert readable(None, streams, there) == []


def test_the_key_opens_under_no_other_use_of_the_session(house: House, custodian: Custodian) -> None:
    """The key of comments is released with the same number in place of a stream."""
    kept = recording(house)
    answer = played(house, custodian, kept, SOUND_STREAM)
    place = {"request": answer["request"], "recording": kept.id, "stream": COMMENTS}
    for sealed, label in ((answer["derived"][SPEECH], STREAM_KEY), (answer["comments"], DERIVED_KEY)):
        with pytest.raises(KeyProblem):
            receive(house.sessions[ANN], base64url.decode(sealed), label=label, **place)


def test_the_workers_are_those_whom_the_rules_and_their_keys_make_it(house: House, custodian: Custodian) -> None:
    def workers() -> set[str]:
        return set(played(house, custodian, recording(house), SOUND_STREAM)["workers"])

    one, two = (public_to_text(house.people[name].public_key()) for name in (ONE, TWO))
    assert workers() == {one, two}
    key = next(key for key, enrolled in custodian.people.keys.items() if enrolled.person == ONE)
    custodian.remove(key, "test")
    assert workers() == {two}
    ended = ALLOWED.replace(
        "roles: [all-screens], since: 2026-01-01", "roles: [all-screens], since: 2026-01-01, until: 2026-02-01"
    )
    assert ended != ALLOWED
    custodian.take_bundle(house.bundle(2, ended), "test")
    assert workers() == {two}  # what it made then is read on
    custodian.take_bundle(house.bundle(3, RULES), "test")
    assert workers() == set()


def test_an_export_releases_none_of_it(house: House, custodian: Custodian) -> None:
    rules = ALLOWED.replace("approvals:\n  - { act: [export], by: [compliance, privacy], need: 2, within: 24h }\n", "")
    assert rules != ALLOWED
    custodian.take_bundle(house.bundle(2, rules), "test")
    asked = {"rendition": "original", "streams": [str(SOUND_STREAM)], "act": "export"}
    answer = house.open(custodian, "cleo@example.com", recording(house), **asked)
    assert not {"derived", "workers"} & answer.keys()
