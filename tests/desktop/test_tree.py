"""The tree of top levels as events tell it."""

from __future__ import annotations

import pytest

from agent.core.model.seen import Box
from agent.desktop.x11.tree import (
    Circulated,
    Created,
    Destroyed,
    Entered,
    Left,
    Mapped,
    Moved,
    Shifted,
    Top,
    Tree,
    TreeEvent,
    Unmapped,
)

HERE, THERE = Box(0, 0, 10, 10), Box(50, 50, 10, 10)


@pytest.fixture
def tree() -> Tree:
    tree = Tree()
    tree.start([Top(window, HERE, mapped=True) for window in (1, 2, 3)])
    tree.looked()
    return tree


@pytest.mark.parametrize(
    ("event", "order"),
    [
        (Moved(1, HERE, above=3, override=False), [2, 3, 1]),
        (Moved(3, HERE, above=1, override=False), [1, 3, 2]),
        (Moved(2, HERE, above=0, override=False), [2, 1, 3]),
        (Circulated(1, to_top=True), [2, 3, 1]),
        (Circulated(3, to_top=True), [1, 2, 3]),
        (Circulated(3, to_top=False), [3, 1, 2]),
        (Created(4, HERE, override=False), [1, 2, 3, 4]),
        (Entered(4, 0, 0, override=False), [1, 2, 3, 4]),
        (Entered(1, 0, 0, override=False), [2, 3, 1]),
        (Destroyed(2), [1, 3]),
        (Left(2, parent=9), [1, 3]),
        (Destroyed(7), [1, 2, 3]),
    ],
)
def test_order(tree: Tree, event: TreeEvent, order: list[int]) -> None:
    tree.apply(event)
    assert tree.order == order
    assert set(tree.tops) == set(order)


def test_what_was_not_touched_says_nothing(tree: Tree) -> None:
    assert tree.touched == {}
    assert not tree.looked()


def test_every_place_that_a_mapped_window_had_is_kept_until_the_next_look(tree: Tree) -> None:
    tree.apply(Moved(1, THERE, above=0, override=False))
    tree.apply(Shifted(1, 70, 70))
    tree.apply(Unmapped(1))
    tree.apply(Moved(1, Box(90, 90, 10, 10), above=0, override=False))
    assert tree.touched == {1: [HERE, THERE, Box(70, 70, 10, 10)]}
    assert tree.was_mapped(tree.tops[1])
    assert tree.looked()
    assert not tree.was_mapped(tree.tops[1])


def test_a_window_that_never_was_mapped_has_no_place(tree: Tree) -> None:
    tree.apply(Created(4, HERE, override=True))
    tree.apply(Moved(4, THERE, above=3, override=True))
    assert tree.touched[4] == []
    assert not tree.was_mapped(tree.tops[4])
    tree.apply(Mapped(4, override=True))
    assert tree.touched[4] == [THERE]


def test_a_destroyed_window_was_where_it_was(tree: Tree) -> None:
    tree.apply(Destroyed(2))
    assert tree.touched == {2: [HERE]}


def test_a_disturbed_window_counts_as_touched(tree: Tree) -> None:
    tree.disturb(1)
    tree.disturb(99)
    assert tree.touched == {1: [HERE]}


def test_a_place_that_was_read_replaces_what_events_said(tree: Tree) -> None:
    tree.apply(Entered(4, 5, 5, override=False))
    tree.apply(Mapped(4, override=False))
    tree.place(4, THERE)
    assert tree.tops[4].box == THERE
    assert THERE in tree.touched[4]


def test_starting_anew_touches_everything_before_and_after(tree: Tree) -> None:
    tree.start([Top(3, HERE, mapped=True), Top(5, THERE, mapped=False)])
    assert tree.order == [3, 5]
    assert tree.touched == {1: [HERE], 2: [HERE], 3: [HERE], 5: []}
