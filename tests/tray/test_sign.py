"""Which lid and which topic follow from what the recorder says."""

from __future__ import annotations

from typing import Any

import pytest

from agent.core.model import Hold
from agent.status import State
from agent.tray.sign import AWAY, FAULTY, MOMENT, Lid, sign_of
from bench.played import held, status

SOUND = {"state": "recording"}


@pytest.mark.parametrize(
    ("said", "lid", "topic"),
    [
        (None, Lid.GONE, "gone"),
        (status("stopping"), Lid.GONE, "stopping"),
        (status("recording"), Lid.OPEN, "open"),
        (status("recording", sound=SOUND), Lid.OPEN, "open.sound"),
        (status("recording", sound={"state": "closed"}), Lid.OPEN, "open"),
        (status("closed", rules=("card-forms",)), Lid.SHUT, "shut.rule"),
        (status("closed", rules=("unlisted", "card-forms")), Lid.SHUT, "shut.rule"),
        (status("closed", rules=("unlisted",)), Lid.SHUT, "shut.unlisted"),
        (status("closed", rules=("not-recorded",)), Lid.SHUT, "shut.not-recorded"),
        (status("closed"), Lid.SHUT, "shut.moment"),
        (status("blind", rules=("blind",), since_s=MOMENT - 0.1), Lid.SHUT, "shut.moment"),
        (status("blind", rules=("blind",)), Lid.FAULT, "blind.blind"),
        (status("blind", rules=("web-engine", "blind")), Lid.FAULT, "blind.web-engine"),
        (status("blind"), Lid.FAULT, "blind.blind"),
        (status("stalled"), Lid.FAULT, "stalled"),
        (held(60.0), Lid.HELD, "user"),
        (status("held", holds=("locked", "user")), Lid.HELD, "user"),
        (status("held", holds=("locked",)), Lid.SHUT, "locked"),
        (status("held", holds=("spool-full", "user")), Lid.FAULT, "spool-full"),
        (status("held", holds=("no-policy", "spool-full")), Lid.FAULT, "no-policy"),
    ],
)
def test_a_state_has_a_sign(said: dict[str, Any] | None, lid: Lid, topic: str) -> None:
    sign = sign_of(said)
    assert (sign.lid, sign.topic, sign.offline) == (lid, topic, False)
    assert sign.needs_a_person is (lid in {Lid.FAULT, Lid.GONE})


def test_the_way_to_the_store_is_a_mark_of_its_own() -> None:
    for state in State:
        assert sign_of(status(state.value, offline_s=12.0)).offline


def test_every_state_and_every_hold_of_the_recorder_is_known_here() -> None:
    assert {sign_of(status(state.value)).lid for state in State} == {Lid.OPEN, Lid.SHUT, Lid.FAULT, Lid.GONE}
    assert {*FAULTY, *AWAY, "user", "blind"} == {hold.value for hold in Hold}
