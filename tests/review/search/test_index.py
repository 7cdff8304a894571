"""The index follows what PCs send and what is erased, and goes through all of it again at each start."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from review.search import index as index_module
from review.search import schema
from review.search.index import UNREADABLE, SearchIndex
from store.catalog import schema as catalog
from store.clock import MINUTE, SECOND
from testkit.lifecycle import Pcs, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.found(tmp_path)


@pytest.fixture
def opened(world: World, tmp_path: Path) -> Iterator[tuple[SearchIndex, Pcs]]:
    with ExitStack() as stack:
        pcs = stack.enter_context(world.serving())
        database = stack.enter_context(closing(world.home.database()))
        found = stack.enter_context(closing(schema.opened(tmp_path / "find.db")))
        yield SearchIndex(database, world.home.blobs(), found, clock=world.days), pcs


def rows(index: SearchIndex) -> list[tuple[object, ...]]:
    columns = schema.found.c
    with index.index.reading() as connection:
        asked = select(columns.recording, columns.rules, columns.length, columns.state).order_by(columns.id)
        return [tuple(row) for row in connection.execute(asked)]


def test_new_ones_come_in_with_what_closed_them(
    opened: tuple[SearchIndex, Pcs], monkeypatch: pytest.MonkeyPatch
) -> None:
    index, pcs = opened
    monkeypatch.setattr(index_module, "PAGE", 2)  # the real page takes long to fill
    pc = pcs.pc()
    made = [str(pcs.record(pc, kind)[0].id) for kind in ("cards", "rest", "calls")]
    while index.pass_once():
        pass
    found = {str(row[0]): row[1:] for row in rows(index)}
    assert set(found) == set(made)
    assert found[made[0]] == ('["card-forms"]', 10 * SECOND, "closed")
    later = str(pcs.record(pc, "rest")[0].id)
    assert not index.pass_once()
    assert {row[0] for row in rows(index)} == {*made, later}
    before = rows(index)
    again = SearchIndex(index.catalog, index.blobs, index.index, clock=index.clock)
    while again.pass_once():  # a new start finds nothing new
        pass
    assert rows(index) == before


def test_a_console_that_began_before_the_first_recording_finds_it(opened: tuple[SearchIndex, Pcs]) -> None:
    index, pcs = opened
    assert not index.pass_once()
    made = str(pcs.record(pcs.pc(), "rest")[0].id)
    assert not index.pass_once()
    assert [row[0] for row in rows(index)] == [made]


def test_a_standstill_that_is_made_up_for_minds_erasures_and_the_end(
    opened: tuple[SearchIndex, Pcs], monkeypatch: pytest.MonkeyPatch
) -> None:
    index, pcs = opened
    pc = pcs.pc()
    made = [str(pcs.record(pc, "rest")[0].id)]
    while index.pass_once():
        pass
    monkeypatch.setattr(index_module, "PAGE", 1)  # the real page takes long to fill
    made += [str(pcs.record(pc, "rest")[0].id) for _ in range(3)]
    stop, read, seen = threading.Event(), SearchIndex._read, set()

    def reading(self: SearchIndex, recording: str) -> object:
        found = read(self, recording)
        seen.add(recording)
        if len(seen) == 1:  # meanwhile one is ordered to go
            values = {"device": pc.device, "position": 7, "order": "", "step": "ordered", "found": "{}"}
            with index.catalog.writing() as connection:
                connection.execute(insert(catalog.erasures).values(values | {"recording": made[0]}))
        else:
            assert made[0] not in {row[0] for row in rows(index)}
            stop.set()
        return found

    monkeypatch.setattr(SearchIndex, "_read", reading)  # acts between two pages
    assert not index.pass_once(stop)
    assert len(seen) == 2
    assert {row[0] for row in rows(index)} == seen


def test_one_that_goes_on_is_looked_at_again(opened: tuple[SearchIndex, Pcs], world: World) -> None:
    index, pcs = opened
    pc = pcs.pc()
    made = pc.open_recording(pcs.bundle, start=world.days())
    assert pc.put_sealed(made.seal()).is_success
    index.pass_once()
    assert [row[3] for row in rows(index)] == ["open"]
    assert pc.put_sealed(made.seal(length=9 * SECOND)).is_success
    index.pass_once()
    assert [row[2] for row in rows(index)] == [4 * SECOND]  # not yet
    world.days.now += 2 * MINUTE
    index.pass_once()
    assert [row[2] for row in rows(index)] == [13 * SECOND]


def test_one_pc_that_opens_many_and_ends_none_delays_its_own_alone(
    opened: tuple[SearchIndex, Pcs], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, pcs = opened
    hostile, honest = pcs.pc(), pcs.pc()
    made: dict[str, list[str]] = {pc.device: [] for pc in (hostile, honest)}
    for pc in (*[hostile] * 4, honest):
        recording = pc.open_recording(pcs.bundle, start=world.days())
        assert pc.put_sealed(recording.seal()).is_success
        made[pc.device].append(str(recording.id))
    index.pass_once()
    world.days.now += 2 * MINUTE
    read, looked_at = SearchIndex._read, list[str]()

    def reading(self: SearchIndex, recording: str) -> object:
        looked_at.append(recording)
        return read(self, recording)

    monkeypatch.setattr(SearchIndex, "_read", reading)  # says which
    monkeypatch.setattr(index_module, "OF_ONE", 2)  # the real bounds take long to reach
    monkeypatch.setattr(index_module, "PAGE", 3)  # likewise
    index.pass_once()
    assert (len(looked_at), made[honest.device][0] in looked_at) == (3, True)
    index.pass_once()
    assert sorted(looked_at) == sorted([*made[hostile.device], *made[honest.device]])


def test_what_is_being_erased_goes_also_with_others_of_its_order(opened: tuple[SearchIndex, Pcs]) -> None:
    index, pcs = opened
    pc = pcs.pc()
    made = [str(pcs.record(pc, "rest")[0].id) for _ in range(3)]
    while index.pass_once():
        pass
    order = {"device": pc.device, "position": 7, "order": "", "step": "ordered", "found": "{}"}
    for one in made[:2]:  # of one order, one after the other
        with index.catalog.writing() as connection:
            connection.execute(insert(catalog.erasures).values(order | {"recording": one}))
        index.pass_once()
        assert one not in {row[0] for row in rows(index)}
    assert [row[0] for row in rows(index)] == made[2:]


def test_what_is_being_erased_is_told_to_who_forgets_it_and_all_of_it_at_each_start(
    opened: tuple[SearchIndex, Pcs],
) -> None:
    index, pcs = opened
    pc, forgotten = pcs.pc(), list[str]()
    made = [str(pcs.record(pc, "rest")[0].id) for _ in range(3)]
    for at, one in enumerate(made[:2]):
        with index.catalog.writing() as connection:
            order = {"device": pc.device, "position": at, "order": "", "step": "ordered", "found": "{}"}
            connection.execute(insert(catalog.erasures).values(order | {"recording": one}))
    for _ in range(2):
        forgotten.clear()
        again = SearchIndex(index.catalog, index.blobs, index.index, clock=index.clock, forgets=forgotten.extend)
        again.forget()
        assert set(forgotten) == set(made[:2])


def test_what_cannot_forget_holds_up_nothing_and_is_asked_again(
    opened: tuple[SearchIndex, Pcs], monkeypatch: pytest.MonkeyPatch
) -> None:
    index, pcs = opened
    pc = pcs.pc()
    gone, kept = (str(pcs.record(pc, "rest")[0].id) for _ in range(2))
    with index.catalog.writing() as connection:
        order = {"device": pc.device, "position": 0, "order": "", "step": "ordered", "found": "{}"}
        connection.execute(insert(catalog.erasures).values(order | {"recording": gone}))
    stop, failures, asked = threading.Event(), list[str](), list[object]()

    def forgets(recordings: Collection[str]) -> None:
        asked.append(recordings)
        if len(asked) == 1:
            raise OSError("the disk is full")
        stop.set()

    index.forgets = forgets
    monkeypatch.setattr(index_module, "EVERY", 0.0)  # of 5 s, until it is tried again
    index.follow(stop, failures.append)
    assert (failures, asked) == (["OSError"], [[gone], [gone]])
    assert [row[0] for row in rows(index)] == [kept]


def test_one_that_cannot_be_read_says_so_and_hides_no_other(opened: tuple[SearchIndex, Pcs]) -> None:
    index, pcs = opened
    pc = pcs.pc()
    bad, good = (str(pcs.record(pc, "rest")[0].id) for _ in range(2))
    with index.catalog.writing() as connection:
        connection.exec_driver_sql("update sealed set start = 'x' where recording = ?", (bad,))
    while index.pass_once():
        pass
    found = {str(row[0]): row[3] for row in rows(index)}
    assert found == {bad: UNREADABLE, good: "closed"}


def test_a_packet_that_its_pc_did_not_sign_makes_it_nobodys(opened: tuple[SearchIndex, Pcs], world: World) -> None:
    index, pcs = opened
    made = pcs.record(pcs.pc(), "rest")[0]
    for name in world.packets(made.id):
        path = world.home.blobs_folder / name
        signed, _, signature = path.read_bytes().rpartition(b".")
        path.write_bytes(signed + b"." + signature[::-1])
    while index.pass_once():
        pass
    with index.index.reading() as connection:
        assert connection.scalars(select(schema.owners.c.os_user)).all() == [""]
