"""Moments to listen to: what is one, with the time of each, and that nothing sorts calls or people by them."""

from __future__ import annotations

from review.analysis.hints import Hint, Kind, Limits, hints_of
from review.analysis.measures import measures_of
from review.analysis.spans import MINUTE, SECOND, Span
from review.analysis.spoken import Party, Speech

START = 7 * MINUTE


def hints(agent: list[tuple[int, int]], customer: list[tuple[int, int]] | None, limits: Limits) -> tuple[Hint, ...]:
    channels = [
        None if one is None else tuple(Span(START + a * SECOND, START + b * SECOND) for a, b in one)
        for one in (agent, customer)
    ]
    return hints_of("X", measures_of(Speech(START, START + 10 * MINUTE, *channels), {}), limits)


def test_interruptions_with_the_time_of_each() -> None:
    turns = [(at * 60, at * 60 + 10) for at in range(9)]
    found = hints([(end - 1, end + 5) for _, end in turns], turns, Limits(silence=10 * MINUTE))
    assert [one.kind for one in found] == [Kind.INTERRUPTIONS]
    assert found[0].by is Party.AGENT
    assert found[0].in_words(START) == (
        "9 interruptions by the agent in call X, at 0:09, 1:09, 2:09, 3:09, 4:09, 5:09, 6:09, 7:09, 8:09"
    )


def test_monologues_silences_and_overlaps() -> None:
    found = hints([(0, 200)], [(197, 200), (230, 600)], Limits())
    assert [(one.kind, one.by, one.in_words(START)) for one in found] == [
        (Kind.MONOLOGUE, Party.AGENT, "1 long monologue by the agent in call X, at 0:00"),
        (Kind.MONOLOGUE, Party.CUSTOMER, "1 long monologue by the customer in call X, at 3:50"),
        (Kind.SILENCES, None, "1 long silence in call X, at 3:20"),
        (Kind.OVERLAPS, None, "1 long overlap in call X, at 3:17"),
    ]


def test_what_is_unknown_or_within_the_limits_gives_none() -> None:
    assert hints([(0, 600)], None, Limits()) == ()
    assert hints([(0, 119)], [(119, 120), (139, 150), (169, 250), (251, 260)], Limits(silence=400 * SECOND)) == ()
