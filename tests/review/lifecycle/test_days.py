"""Days that a hold or an erasure asks for: what may overlap with them is held, what certainly lies in them erased."""

from __future__ import annotations

import pytest

from review.commands.choosing import _doubt
from review.governance.times import DAY, day_of
from testkit.lifecycle import BEGAN, World
from tests.review.lifecycle.test_lifecycle import founded, known, world

__all__ = ["founded", "world"]
IN, MAYBE, OUT = "in", "maybe", "out"


@pytest.mark.parametrize(
    ("ahead", "first", "last", "fits"),
    [
        (0, 0, 0, IN),
        (0, -9, -1, OUT),
        (0, 1, 9, OUT),
        # It waited on a PC that was away, or that PC's clock is late.
        (-5, -5, 0, IN),
        (-5, -5, -5, MAYBE),
        (-5, -3, -2, MAYBE),
        (-5, 0, 0, MAYBE),
        (-5, -9, -6, OUT),
        # Its PC's clock runs ahead: how long it waited there is unknown.
        (3, 0, 0, MAYBE),
        (3, 3, 3, MAYBE),
        (3, -9, -9, MAYBE),
        (3, 4, 9, OUT),
    ],
)
def test_what_is_not_certain_of_its_days_is_doubted(world: World, ahead: int, first: int, last: int, fits: str) -> None:
    with world.serving() as pcs:
        pcs.ahead = ahead * DAY
        recording = pcs.record(pcs.pc(), "rest")[0]
    asked = [("from", f"{day_of(BEGAN + first * DAY)}"), ("to", f"{day_of(BEGAN + last * DAY)}")]
    found = _doubt(known(world, recording), asked)
    assert {None: IN, "": OUT}.get(found, MAYBE) == fits
    if fits == MAYBE:
        since = "on an unknown day until" if ahead > 0 else f"between {day_of(BEGAN + ahead * DAY)} and"
        assert found == f"it was {since} {day_of(BEGAN + max(ahead, 0) * DAY)}"


def test_no_row_narrows_the_days(world: World) -> None:
    """Of what waited on its PC: a time of receipt that is changed makes it older, or leaves it so."""
    with world.serving() as pcs:
        pcs.ahead = -5 * DAY
        recording = pcs.record(pcs.pc(), "rest")[0]
    since = known(world, recording).since
    for change in ("set received_at = 1", "set received_at = received_at + 9000000000000000"):
        with world.opened() as (database, _), database.writing() as connection:
            connection.exec_driver_sql(f"update sealed {change}")
        assert known(world, recording).since <= since
