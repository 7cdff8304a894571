"""Whether what should happen is seen to happen: by seals and receipts, each with its time."""

from __future__ import annotations

import pytest

from agent.core.account.evidence import (
    GRAB_SLACK,
    RECEIPT_WITHIN,
    RECEIPT_WITHIN_LIMIT,
    SCREEN_SLACK,
    SLACK,
    SOUND_WAITS,
    UNBROKEN,
    Deaf,
    Ear,
    Evidence,
    Hearing,
    Promise,
)

PROMISE = Promise(sealed=90, grabbed=200, receipt=40, heard=60, sound=50)


@pytest.mark.parametrize(
    ("open_since", "sealed_at", "now", "stalled"),
    [
        (None, None, 1000, False),  # closed: nothing should be sealed
        (None, 5, 1000, False),
        (100, None, 190, False),
        (100, None, 191, True),
        (100, 5, 190, False),  # sealed before it opened: the chunk now open has its time still
        (100, 5, 191, True),
        (100, 150, 240, False),
        (100, 150, 241, True),
    ],
)
def test_an_open_eye_must_seal(open_since: int | None, sealed_at: int | None, now: int, stalled: bool) -> None:
    assert Evidence(open_since=open_since, sealed_at=sealed_at).stalled(PROMISE, now) is stalled


@pytest.mark.parametrize(
    ("open_since", "grabbed_at", "now", "stalled"),
    [
        (None, 5, 1000, False),  # closed: nothing should be grabbed
        (100, None, 150, False),
        (100, None, 151, True),
        (100, 5, 151, True),
        (100, 140, 190, False),
        (100, 140, 191, True),  # although a picture was sealed just now
    ],
)
def test_an_open_eye_must_grab_whatever_is_still_being_sealed(
    open_since: int | None, grabbed_at: int | None, now: int, stalled: bool
) -> None:
    promise = Promise(sealed=90, grabbed=50)
    evidence = Evidence(open_since=open_since, grabbed_at=grabbed_at, sealed_at=now, lead=1000)
    assert evidence.stalled(promise, now) is stalled
    if open_since is not None and not stalled:
        assert evidence.due(promise, now) == now + 1


def test_a_picture_that_waits_longer_for_a_title_or_a_lead_is_sealed_later_after_an_opening_and_only_then() -> None:
    waits = Evidence(open_since=100, sealed_at=5, lead=30)
    assert not waits.stalled(PROMISE, 220)
    assert waits.stalled(PROMISE, 221)
    assert waits.due(PROMISE, 200) == 221
    assert Evidence(open_since=100, sealed_at=150, lead=30).stalled(PROMISE, 241)


@pytest.mark.parametrize(
    ("waiting_since", "receipt_at", "now", "unheard"),
    [
        (None, None, 1000, None),
        (None, 5, 1000, None),  # nothing waits: nothing can be missed
        (100, None, 140, None),
        (100, None, 141, 41),
        (100, 5, 141, 41),
        (100, 130, 170, None),  # much waits, but it moves
        (100, 130, 171, 41),
    ],
)
def test_what_waits_must_be_receipted(
    waiting_since: int | None, receipt_at: int | None, now: int, unheard: int | None
) -> None:
    assert Evidence(waiting_since=waiting_since, receipt_at=receipt_at).unheard(PROMISE, now) == unheard


@pytest.mark.parametrize(
    ("evidence", "now", "due"),
    [
        (Evidence(), 1000, None),
        (Evidence(sealed_at=5, receipt_at=5), 1000, None),
        (Evidence(open_since=100), 150, 191),
        (Evidence(open_since=100, sealed_at=130), 150, 221),
        (Evidence(open_since=100), 191, None),  # it is noticed already
        (Evidence(waiting_since=100), 110, 141),
        (Evidence(waiting_since=100, receipt_at=105), 110, 146),
        (Evidence(open_since=100, waiting_since=120), 125, 161),
        (Evidence(open_since=100, waiting_since=120), 161, 191),
    ],
)
def test_what_will_be_missed_next_is_known_beforehand(evidence: Evidence, now: int, due: int | None) -> None:
    assert evidence.due(PROMISE, now) == due
    if due is not None:
        before, at = [
            (evidence.stalled(PROMISE, when), evidence.unheard(PROMISE, when) is not None) for when in (due - 1, due)
        ]
        assert before != at


def test_the_promise_follows_from_the_settings() -> None:
    whole = Promise(79 + SCREEN_SLACK, 39 + GRAB_SLACK, RECEIPT_WITHIN, sound=40 + SOUND_WAITS + SLACK)
    assert Promise.of(40, 39) == whole
    assert Promise.of(40, 39, limited=True).receipt == RECEIPT_WITHIN_LIMIT


# -- the call ---------------------------------------------------------------------------------------------------------

NOT_WANTED = Ear(wanted=False)
GONE = Ear(wanted=True)


def gave(at: int | None) -> Ear:
    return Ear(wanted=True, device=True, captured_at=at)


@pytest.mark.parametrize(
    ("microphone", "far_end", "now", "deaf"),
    [
        (gave(150), gave(155), 160, None),
        (gave(None), gave(None), 160, None),  # they were opened at 100, and have their time
        (GONE, GONE, 160, None),
        (gave(90), gave(90), 160, None),  # before the hold that ended at 100
        (gave(90), gave(90), 161, Deaf.SILENT),
        (GONE, GONE, 161, Deaf.NO_DEVICE),
        (gave(None), GONE, 161, Deaf.SILENT),
        (gave(155), GONE, 161, Deaf.FAR_END),
        (gave(100), gave(155), 161, Deaf.MICROPHONE),
        (NOT_WANTED, gave(155), 161, None),
        (gave(155), NOT_WANTED, 161, None),
        (NOT_WANTED, GONE, 161, Deaf.NO_DEVICE),
        (gave(None), NOT_WANTED, 161, Deaf.SILENT),
        (NOT_WANTED, NOT_WANTED, 999, None),
    ],
)
def test_both_ends_of_a_call_must_give_sound(microphone: Ear, far_end: Ear, now: int, deaf: Deaf | None) -> None:
    assert Hearing(microphone, far_end, listening_since=100).deaf(PROMISE, now) is deaf


def test_in_a_hold_nobody_listens_and_nothing_is_missed() -> None:
    assert Hearing(GONE, GONE).deaf(PROMISE, 10_000) is None
    assert not Hearing(gave(10_000), gave(10_000)).unbroken(PROMISE, 10_000)


@pytest.mark.parametrize(
    ("open_since", "sealed_at", "now", "unsealed"),
    [
        (None, None, 1000, False),  # closed by a rule
        (900, None, 957, False),
        (900, None, 958, True),  # a chunk of it, and the 7 that wait for the lead
        (900, 890, 958, True),
        (900, 905, 957, False),  # a chunk of before, which waited: the present one is not late
        (900, 905, 958, True),
        (900, 940, 990, False),
        (900, 940, 991, True),
    ],
)
def test_what_is_heard_must_be_sealed(open_since: int | None, sealed_at: int | None, now: int, unsealed: bool) -> None:
    hearing = Hearing(gave(now), gave(now), 0, open_since, sealed_at, lead=7)
    assert (hearing.deaf(PROMISE, now) is Deaf.UNSEALED) is unsealed


def test_the_worst_is_told() -> None:
    assert Hearing(gave(1000), GONE, 0, 100).deaf(PROMISE, 1000) is Deaf.UNSEALED
    assert Hearing(GONE, GONE, 0, 100).deaf(PROMISE, 1000) is Deaf.NO_DEVICE


def test_a_break_of_one_end_begins_its_chunk_anew_and_an_end_that_is_gone_does_not_count() -> None:
    now = 100 * UNBROKEN
    promise = Promise(sealed=90, grabbed=90, heard=4 * UNBROKEN)
    fresh, late, lost = gave(now - UNBROKEN), gave(now - UNBROKEN - 1), gave(now - 9 * UNBROKEN)
    for microphone, far_end, unbroken in (
        (fresh, fresh, True),
        (fresh, late, False),
        (late, fresh, False),
        (fresh, lost, True),
        (lost, late, False),
        (lost, lost, False),
        (NOT_WANTED, fresh, True),
        (fresh, NOT_WANTED, True),
    ):
        assert Hearing(microphone, far_end, 0).unbroken(promise, now) is unbroken
    assert not Hearing(gave(None), NOT_WANTED, now).unbroken(promise, now)


def test_one_end_that_is_missing_is_a_part() -> None:
    assert [deaf for deaf in Deaf if deaf.part] == [Deaf.MICROPHONE, Deaf.FAR_END]
    assert {deaf.trouble for deaf in Deaf if deaf.part} == {"call-recorded-in-part"}


def test_the_account_has_all_that_is_deaf_by_a_code() -> None:
    whole = [deaf.trouble for deaf in Deaf if not deaf.part]
    assert whole == ["no-sound", "sound-died", "call-not-recorded", "call-not-recorded", "call-not-recorded"]
