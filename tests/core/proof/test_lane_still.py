"""One lane's eye, where a caller asks it what its parts know; the law of it is in the scenarios."""

from __future__ import annotations

from agent.core.account.lane import AccountedProof
from agent.core.model.media import Frame, Lane
from agent.core.model.rules import Policy
from agent.core.model.seen import WINDOWS, Box, Look, Scene, Window
from agent.core.model.times import MILLISECOND, SECOND, Span
from agent.core.proof.timing import timings

POLICY = Policy("hash-1", 1, "one", ())
NOTES = Scene((Window(1, "notes", "Notes", 10, Box(0, 0, 100, 100), shown=True),))


def test_a_picture_stands_as_far_as_looks_have_proven_less_the_hindsight() -> None:
    accounted: AccountedProof[Frame] = AccountedProof(Lane.SCREEN, (WINDOWS,), 2 * SECOND, 0)
    accounted.put_in_force(POLICY, timings(POLICY, Lane.SCREEN), 0)
    picture = Span(2 * SECOND + 10, 2 * SECOND + 20)
    accounted.proof.push(Frame(0, picture, 2, 2, bytes(6), whole=True))
    last = 0
    for tenth in range(1, 36):
        last = tenth * 100 * MILLISECOND
        accounted.see(Look(WINDOWS, last, last + 1, POLICY.hash, NOTES))
    for item in accounted.judge(last + 2).released:
        accounted.kept(item)
    hindsight = accounted.proof.hindsight
    assert hindsight == accounted.proof.timing(WINDOWS).hindsight > 0
    assert accounted.holds_until(last - hindsight - MILLISECOND)
    assert not accounted.holds_until(last)
