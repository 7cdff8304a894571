"""The index finds what is in the log, says nothing without the key, and is made anew where it does not fit."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from review.audit.entries import ReadingKey
from review.audit.errors import AuditError
from review.audit.kinds import Act, pseudonym
from review.audit.log import AuditLog
from review.search import log_index
from review.search.log_index import CHANGED, SHREDDED, Asked, LogIndex
from tests.review.audit.making import DAY, KEY, SIGNER, Clock, new_log, overwrite, unsay

PEOPLE = ("ann@example.com", "ben@example.com")
RECORDINGS = [f"00000000-0000-4000-8000-00000000000{one}" for one in range(4)]
YEAR = 365 * 86_400_000


def act(kind: str, who: str, recordings: list[str], *, good: bool) -> Act:
    facts: dict[str, dict[str, Any]] = {
        "open": {"purpose": "audit", "rule": "r", "rendition": "original"},
        "list": {"results": 1} | ({"recordings": recordings} if recordings else {}),
        "sign-in": {"method": "passkey"},
    }
    resource = recordings if kind == "open" and recordings else ["console"]
    return Act(kind, who, "192.0.2.1", resource, facts[kind], *(() if good else ("failure", "refused")))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LogIndex]:
    with closing(log_index.opened(tmp_path / "log.db")) as database:
        yield LogIndex(database, tmp_path / "audit", SIGNER.key, KEY)


acts = st.builds(
    act, st.sampled_from(["open", "list", "sign-in"]), st.sampled_from(PEOPLE),
    st.lists(st.sampled_from(RECORDINGS), max_size=2, unique=True), good=st.booleans(),
)  # fmt: skip
steps = st.one_of(acts, st.integers(-3 * DAY, 3 * DAY), st.just("asked"))


def fits(asked: Asked, one: log_index.Found) -> bool:
    return (
        (asked.since is None or one.time >= asked.since)
        and (asked.until is None or one.time < asked.until)
        and (asked.before is None or one.position < asked.before)
        and asked.kind in ("", one.kind)
        and asked.who in ("", one.said.get("who"))
        and asked.outcome in ("", one.said.get("outcome"))
        and (not asked.recording or asked.recording in one.recordings)
    )


@given(st.lists(steps, min_size=1, max_size=40), st.data())
@settings(deadline=None, max_examples=40)
def test_it_finds_what_a_look_through_all_would(
    tmp_path_factory: pytest.TempPathFactory, several: list[Any], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("log")
    clock = Clock()
    log = new_log(folder / "audit", clock)
    with closing(log_index.opened(folder / "log.db")) as database:
        index = LogIndex(database, folder / "audit", SIGNER.key, KEY)
        for one in several:
            if one == "asked":
                index.catch_up()
            elif isinstance(one, int):
                clock.now += one
            else:
                log.append(one)
        assert index.catch_up()
        every = list(index.read(range(log.size)))
        times = st.none() | st.sampled_from(sorted({one.time for one in every}) or [0])
        for _ in range(5):
            asked = Asked(
                since=data.draw(times), until=data.draw(times), before=data.draw(st.none() | st.integers(0, log.size)),
                who=data.draw(st.sampled_from(["", *(pseudonym(one, KEY) for one in PEOPLE)])),
                kind=data.draw(st.sampled_from(["", "open", "list", "sign-in", "clock"])),
                recording=data.draw(st.sampled_from(["", *RECORDINGS])),
                outcome=data.draw(st.sampled_from(["", "success", "failure"])),
            )  # fmt: skip
            wanted = [one.position for one in reversed(every) if fits(asked, one)]
            assert index.positions(asked, 100) == wanted
            assert index.positions(asked, 2) == wanted[:2]


def filled(log: AuditLog) -> None:
    log.append_all([act("open", PEOPLE[one % 2], [RECORDINGS[one % 4]], good=True) for one in range(8)])


def test_the_file_has_no_word_of_what_was_noted(index: LogIndex, tmp_path: Path) -> None:
    filled(new_log(tmp_path / "audit"))
    index.catch_up()
    index.index.settle()
    written = (tmp_path / "log.db").read_bytes()
    assert not any(word.encode() in written for word in (*RECORDINGS, *PEOPLE, pseudonym(PEOPLE[0], KEY), "success"))
    assert (tmp_path / "log.db").stat().st_mode & 0o077 == 0
    stranger = LogIndex(index.index, index.folder, index.log, ReadingKey(bytes(32)))
    assert stranger.positions(Asked(kind="open"), 10) == []


def test_what_is_shredded_is_found_by_nothing_that_it_said(index: LogIndex, tmp_path: Path) -> None:
    clock = Clock()
    log = new_log(tmp_path / "audit", clock)
    filled(log)
    index.catch_up()
    clock.now += 400 * DAY
    log.append(act("sign-in", PEOPLE[0], [], good=True))
    log.shred(log.to_shred(YEAR), YEAR)
    index.catch_up()
    assert index.positions(Asked(kind=SHREDDED), 100) == [*range(7, -1, -1)]
    assert index.positions(Asked(kind="open"), 100) == []
    assert index.positions(Asked(recording=RECORDINGS[1]), 100) == []
    assert [one.kind for one in index.read([0, 8])] == [SHREDDED, "sign-in"]
    tags = {KEY.tag("who", pseudonym(PEOPLE[1], KEY)), KEY.tag("recording", RECORDINGS[1])}
    with index.index.reading() as connection:
        assert not tags & set(connection.scalars(select(log_index.tagged.c.tag)))
    with closing(log_index.opened(tmp_path / "anew.db")) as database:  # made anew, it finds the same
        anew = LogIndex(database, index.folder, index.log, KEY)
        anew.catch_up()
        assert anew.positions(Asked(kind=SHREDDED), 100) == [*range(7, -1, -1)]


def test_a_body_that_was_changed_is_named_and_hides_no_other(index: LogIndex, tmp_path: Path) -> None:
    filled(new_log(tmp_path / "audit"))
    overwrite(tmp_path / "audit", 3)
    index.catch_up()
    found = list(index.read([4, 3, 2]))
    assert [one.kind for one in found] == ["open", CHANGED, "open"]
    assert "overwritten" in found[1].why


def test_an_entry_that_was_changed_is_refused(index: LogIndex, tmp_path: Path) -> None:
    log = new_log(tmp_path / "audit")
    filled(log)
    index.catch_up()
    log.publish()
    unsay(tmp_path / "audit", 3)
    with pytest.raises(AuditError):
        list(index.read([3]))


def test_another_history_or_another_log_is_taken_in_anew(index: LogIndex, tmp_path: Path) -> None:
    before = tmp_path / "before"
    log = new_log(tmp_path / "audit")
    filled(log)
    shutil.copytree(tmp_path / "audit", before)
    log.append(act("sign-in", PEOPLE[0], [], good=True))
    index.catch_up()
    assert index.positions(Asked(kind="sign-in"), 10) == [8]
    shutil.rmtree(tmp_path / "audit")
    shutil.copytree(before, tmp_path / "audit")  # as an old backup is put back
    index.catch_up()
    assert (index.end, index.positions(Asked(kind="sign-in"), 10)) == (8, [])
    log = AuditLog(tmp_path / "audit", SIGNER, KEY, clock=Clock())
    log.append(act("list", PEOPLE[1], [], good=True))
    index.catch_up()
    assert index.positions(Asked(), 2) == [8, 7]
    assert index.positions(Asked(kind="list"), 2) == [8]


def test_it_goes_on_group_by_group(index: LogIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_index, "GROUP", 3)  # the real one takes long to fill
    log = new_log(tmp_path / "audit")
    for one in range(300):
        log.append_all([act("list", PEOPLE[0], [RECORDINGS[one % 4]], good=True)])
    assert not index.catch_up(3)
    assert 3 <= index.end < 300
    assert index.catch_up()
    assert index.positions(Asked(recording=RECORDINGS[1]), 1000) == [*range(297, 0, -4)]
