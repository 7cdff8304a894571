"""The table of states is whole, failures are spoken of in words, and versions follow from what a kind is made of."""

from __future__ import annotations

import pytest

from review.analysis.job_states import (
    DAY,
    HOUR,
    LIVE,
    LONGEST_WAIT,
    MADE_OF,
    MEANINGS,
    MINUTE,
    NEXT,
    SOURCES,
    Event,
    Failure,
    JobState,
    Kind,
    versions,
    wait,
    with_what_follows,
)


def test_what_is_done_stays_done_until_it_is_withdrawn() -> None:
    assert {after for (state, _), after in NEXT.items() if state is JobState.DONE} == {
        JobState.DONE,
        JobState.WITHDRAWN,
    }
    assert {event for state, event in NEXT if state is JobState.DONE} == {Event.ASK, Event.OFFER, Event.WITHDRAW}
    assert {state for (state, event) in NEXT if event in {Event.FINISH, Event.FAIL, Event.RENEW}} == {JobState.LEASED}
    assert {state for (state, event), after in NEXT.items() if after is JobState.LEASED and event is Event.LEASE} == {
        JobState.WAITING
    }
    assert frozenset(JobState) - {JobState.DONE, JobState.WITHDRAWN} == LIVE


def test_every_state_can_be_withdrawn_and_none_is_a_dead_end() -> None:
    for state in frozenset(JobState) - {JobState.WITHDRAWN}:
        assert NEXT[state, Event.WITHDRAW] is JobState.WITHDRAWN
    assert NEXT[JobState.WITHDRAWN, Event.OFFER] is JobState.WAITING
    assert NEXT[JobState.FAILED, Event.ASK] is JobState.WAITING
    assert (
        NEXT[JobState.FAILED, Event.OFFER] is JobState.FAILED
    )  # what is offered again at each start is not tried again


def test_a_kind_is_made_after_what_it_is_made_of() -> None:
    kinds = list(Kind)
    assert MADE_OF.keys() == set(Kind)
    assert all(kinds.index(of) < kinds.index(kind) for kind, several in MADE_OF.items() for of in several)
    assert {Kind.SPEECH, Kind.SCREEN_TEXT, Kind.TEXT} == SOURCES


def test_a_new_speech_model_is_a_new_version_of_all_that_is_made_of_it() -> None:
    before, after = versions({Kind.SPEECH: "base"}), versions({Kind.SPEECH: "small"})
    assert {kind for kind in Kind if before[kind] != after[kind]} == set(Kind) - {Kind.SCREEN_TEXT, Kind.TEXT}
    assert before[Kind.PERSONAL] == "0(0,base,0)"  # screen text, speech, text
    assert versions({Kind.INDEX: "2"})[Kind.PERSONAL] == versions({})[Kind.PERSONAL]


def test_a_recording_without_a_source_has_no_jobs() -> None:
    assert with_what_follows([]) == ()
    assert with_what_follows([Kind.SPEECH]) == (Kind.SPEECH, Kind.PERSONAL, Kind.RENDITION, Kind.INDEX)


@pytest.mark.parametrize("failure", Failure)
def test_a_failure_is_a_code_with_a_sentence(failure: Failure) -> None:
    meaning = MEANINGS[failure]
    assert meaning.says == meaning.says.strip().rstrip(".")
    waits = [wait(failure, times) for times in range(1, 100)]
    tried_again = [one for one in waits if one is not None]
    assert tried_again == sorted(tried_again)
    assert all(MINUTE <= one <= LONGEST_WAIT for one in tried_again)
    assert waits.index(None) + 1 == meaning.tries if meaning.tries else None not in waits


def test_the_waits_grow_to_a_limit() -> None:
    assert [wait(Failure.BROKEN, times) for times in range(1, 6)] == [
        MINUTE, 4 * MINUTE, 16 * MINUTE, 64 * MINUTE, None,
    ]  # fmt: skip
    assert wait(Failure.NO_ANSWER, 50) == HOUR
    assert wait(Failure.NOT_YET, 50) == DAY
