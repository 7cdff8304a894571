"""Which lid and which topic follow from what the recorder says."""

from __future__ import annotations

from typing import Any

import pytest

from agent.control.recorder_state import RecorderState
from agent.core.account.evidence import Deaf
from agent.core.model.rules import Hold
from agent.tray.icon_state import AWAY, FAULTY, MOMENT, NOT_UNDERSTOOD, PARTS, STATES, Call, Lid, Mark, icon_state_of
from testkit.played import held, sound, status


@pytest.mark.parametrize(
    ("said", "lid", "topic"),
    [
        (None, Lid.GONE, "gone"),
        (status("stopping"), Lid.GONE, "stopping"),
        (status("recording"), Lid.OPEN, "open"),
        (status("recording", sound=sound()), Lid.OPEN, "open"),
        (status("closed", rules=("card-forms",)), Lid.SHUT, "shut.rule"),
        (status("closed", rules=("unlisted", "card-forms")), Lid.SHUT, "shut.rule"),
        (status("closed", rules=("unlisted",)), Lid.SHUT, "shut.unlisted"),
        (status("closed", rules=("not-allowed",)), Lid.SHUT, "shut.not-allowed"),
        (status("closed", rules=("not-allowed", "card-forms")), Lid.SHUT, "shut.rule"),
        (status("closed", rules=("not-recorded",)), Lid.SHUT, "shut.not-recorded"),
        (status("closed"), Lid.SHUT, "shut.moment"),
        (status("blind", rules=("blind",), since_s=MOMENT - 0.1), Lid.SHUT, "shut.moment"),
        (status("blind", rules=("blind",)), Lid.FAULT, "blind.blind"),
        (status("blind", rules=("web-engine", "blind")), Lid.FAULT, "blind.web-engine"),
        (status("blind", rules=("card-forms", "unseen-page")), Lid.FAULT, "blind.unseen-page"),
        (status("blind", rules=("card-forms", "blind")), Lid.FAULT, "blind.blind"),
        (status("blind"), Lid.FAULT, "blind.blind"),
        (status("stalled"), Lid.FAULT, "stalled"),
        (held(60.0), Lid.HELD, "user"),
        (status("held", holds=("locked", "user")), Lid.HELD, "user"),
        (status("held", holds=("locked",)), Lid.SHUT, "locked"),
        (status("held", holds=("spool-full", "user")), Lid.FAULT, "spool-full"),
        (status("held", holds=("no-policy", "spool-full")), Lid.FAULT, "no-policy"),
        (status("held", holds=("seat-unknown", "user")), Lid.FAULT, "seat-unknown"),
        (status("held", holds=("no-signature",)), Lid.FAULT, "no-signature"),
    ],
)
def test_a_state_has_a_sign(said: dict[str, Any] | None, lid: Lid, topic: str) -> None:
    icon = icon_state_of(said)
    assert (icon.lid, icon.topic, icon.offline) == (lid, topic, False)
    assert icon.needs_a_person is (lid in {Lid.FAULT, Lid.GONE})


@pytest.mark.parametrize(
    "said", [NOT_UNDERSTOOD, status("dreaming", sound=sound()), status("closed", rules=("r",), sound=sound("dreaming"))]
)
def test_who_is_not_understood_may_be_recording_and_is_never_shown_as_if_not(said: dict[str, Any]) -> None:
    icon = icon_state_of(said)
    assert (icon.lid, icon.mark, icon.topic, icon.needs_a_person) == (Lid.OPEN, Mark.WARNING, "unclear", True)


CLOSED = {"rules": ("card-forms",), "since_s": 60.0}


@pytest.mark.parametrize(
    ("said", "call", "topic", "mark"),
    [
        (status(), Call.NOT_WANTED, "not-wanted", Mark.NONE),
        (status(sound=sound()), Call.ON, "on", Mark.NONE),
        (status("closed", **CLOSED, sound=sound()), Call.ON, "on", Mark.CALL),
        (status("closed", **CLOSED, sound=sound("closed", rules=("card-forms",))), Call.OFF, "off", Mark.NONE),
        (status("closed", **CLOSED, sound=sound("closed", rules=("charts",))), Call.OFF, "rule", Mark.NONE),
        (status(sound=sound("closed", rules=("charts", "unlisted"))), Call.OFF, "rule", Mark.NONE),
        (status(sound=sound("closed", rules=("unlisted",))), Call.OFF, "because", Mark.NONE),
        (status(sound=sound("closed")), Call.OFF, "moment", Mark.NONE),
        (status(sound=sound("blind", rules=("blind",), since_s=MOMENT - 0.1)), Call.OFF, "moment", Mark.NONE),
        (status(sound=sound("blind", rules=("unreadable",))), Call.OFF, "because", Mark.NONE),
        (status("blind", rules=("web-engine",), sound=sound()), Call.ON, "on", Mark.NONE),
        (status(sound=sound("stalled", fault="no-device")), Call.DEAF, "deaf.no-device", Mark.WARNING),
        (status(sound=sound(fault="microphone")), Call.PART, "deaf.microphone", Mark.WARNING),
        (status("closed", **CLOSED, sound=sound("closed", fault="silent")), Call.DEAF, "deaf.silent", Mark.WARNING),
        # One end is missing of what is closed all the same.
        (status(sound=sound("closed", fault="microphone", rules=("charts",))), Call.OFF, "rule", Mark.NONE),
        (status("stalled", sound=sound("stalled", fault="unsealed")), Call.DEAF, "deaf.unsealed", Mark.NONE),
        (held(60.0, sound=sound("held", fault="sound-died")), Call.OFF, "off", Mark.NONE),
        (status("held", holds=("locked",), sound=sound("held")), Call.OFF, "off", Mark.NONE),
        (status("stopping", sound=sound("stopping")), Call.OFF, "off", Mark.NONE),
    ],
)
def test_the_call_has_a_sign_of_its_own(said: dict[str, Any], call: Call, topic: str, mark: Mark) -> None:
    icon = icon_state_of(said)
    assert (icon.call, icon.call_topic, icon.mark) == (call, topic, mark)
    assert icon.needs_a_person is (icon.lid in {Lid.FAULT, Lid.GONE} or call in {Call.DEAF, Call.PART})


@pytest.mark.parametrize(
    ("said", "marked"),
    [
        (status(troubles={"store-lies": ""}), Mark.WARNING),
        (status(troubles={"of-another-version": ""}), Mark.WARNING),
        (status("closed", **CLOSED, sound=sound(), troubles={"chunk-damaged": "7"}), Mark.WARNING),
        (status(troubles={"rule-flaps": "cards"}), Mark.NONE),  # for whoever wrote it; all is kept as it says
        (status("closed", **CLOSED, sound=sound(), troubles={"rule-flaps": "cards"}), Mark.CALL),
        (status("stalled", troubles={"store-lies": ""}), Mark.NONE),  # its lid has the triangle already
        (held(60.0, troubles={"store-lies": ""}), Mark.NONE),
    ],
)
def test_what_it_must_mend_is_marked_beside_an_eye_that_is_well(said: dict[str, Any], marked: Mark) -> None:
    icon = icon_state_of(said)
    assert icon.mark is marked
    assert icon.needs_a_person is (marked is Mark.WARNING or icon.lid is Lid.FAULT)


def test_a_trouble_of_the_call_is_told_by_the_call_alone() -> None:
    for deaf in Deaf:
        said = status(sound=sound(fault=deaf.value), troubles={deaf.trouble: ""})
        assert icon_state_of(said).troubles == ()


def test_what_a_recorder_of_another_version_says_of_the_call_is_enough() -> None:
    assert icon_state_of(status(sound={"state": "recording", "rules": ()})).call is Call.ON
    assert icon_state_of(status(sound={"state": "blind", "rules": ("blind",)})).call_topic == "because"


def test_the_faults_of_one_end_are_known_here() -> None:
    assert set(PARTS) == {deaf.value for deaf in Deaf if deaf.part}


def test_the_way_to_the_store_is_a_mark_of_its_own() -> None:
    for state in RecorderState:
        assert icon_state_of(status(state.value, offline_s=12.0)).offline


def test_every_state_and_every_hold_of_the_recorder_is_known_here() -> None:
    assert set(STATES) == {state.value for state in RecorderState}
    assert {icon_state_of(status(state.value)).lid for state in RecorderState} == {
        Lid.OPEN,
        Lid.SHUT,
        Lid.FAULT,
        Lid.GONE,
    }
    assert {*FAULTY, *AWAY, "user", "blind"} == {hold.value for hold in Hold}
