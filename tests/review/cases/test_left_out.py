"""A case of one lane: the other is not in its folder, no key in it opens the other, and both readers say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from protocol.envelope import AUDIO, SCREEN, Header, lane_of, open_by_chunk_key
from protocol.errors import EnvelopeError
from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate
from review import cli
from review.cases import reading
from review.cases.sealing import Content
from review.cases.spans import Case, CaseError, Span
from testkit.player_page import READY, Page, played_case, until
from tests.review.cases.conftest import Archive, said
from tests.store.conftest import PASSPHRASE

LANES = (AUDIO, SCREEN)


@pytest.fixture(scope="session")
def reader(archive: Archive) -> RecipientPrivate:
    return RecipientPrivate.from_bytes(load_private(archive.reader, PASSPHRASE).raw)


@pytest.fixture(scope="session")
def alone(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A case of this lane, of two spans of one recording."""
    made: dict[str, Path] = {}

    def of(lane: str) -> Path:
        if lane not in made:
            folder = tmp_path_factory.mktemp("alone") / lane
            whom = ("--to", archive.folder / "lawyer.pub", "--only", lane)
            made[lane] = archive.export(folder, f"{archive.ids[0]}:5-8", f"{archive.ids[0]}:20.5-22", to=whom)
        return made[lane]

    return of


def content_of(folder: Path, reader: RecipientPrivate) -> Content:
    statement = reading.statement_of(folder)
    return reading.content_of(folder, statement, reading.by_key(statement, reader))


@pytest.mark.parametrize("lane", LANES)
def test_what_is_left_out_is_not_in_the_folder_and_opens_with_nothing_in_it(
    archive: Archive, alone: Callable[[str], Path], reader: RecipientPrivate, lane: str
) -> None:
    folder = alone(lane)
    content = content_of(folder, reader)
    here = b"".join(one.read_bytes() for one in folder.iterdir())
    given = [key for part in content.parts for of in part.keys.values() for key in of.values()]
    assert given
    opened = muted = 0
    for sealed in archive.made[0].sealed:
        header = Header.parse(sealed)
        if lane_of(header.stream) == lane:
            opened += sealed in here
            continue
        assert sealed not in here
        muted += 1
        for key in given:
            with pytest.raises(EnvelopeError):
                open_by_chunk_key(key, sealed)
    assert opened
    assert muted > 5
    assert {lane_of(stream) for part in content.parts for stream in {**part.rows, **part.keys}} == {lane}


@pytest.mark.parametrize("lane", LANES)
def test_the_command_says_what_is_left_out_and_not_that_it_is_missing(
    archive: Archive, alone: Callable[[str], Path], capsys: pytest.CaptureFixture[str], lane: str
) -> None:
    folder, [other] = alone(lane), [one for one in LANES if one != lane]
    capsys.readouterr()
    assert cli.main(archive.verify(folder)) == 0
    facts = said(capsys)
    [one] = facts["recordings"]
    assert (facts["findings"], one["left_out"]) == ([], [other])
    assert list(one["lanes"]) == [lane]
    assert one["lanes"][lane]["kept"] == 4_500_000_000
    assert cli.main([word for word in archive.verify(folder) if word != "--json"]) == 0
    assert f"{other}: left out for the rights of others" in capsys.readouterr().out


@pytest.mark.parametrize("lane", LANES)
def test_the_page_says_what_is_left_out_and_plays_the_rest(
    page: Page, alone: Callable[[str], Path], reader: RecipientPrivate, lane: str
) -> None:
    with played_case(alone(lane), reader) as address:
        page.open(address)
        until(page, READY)
        assert page.run("Object.keys(eyelid.about.lanes)") == [lane]
        assert page.run("eyelid.about.findings") == []
        assert page.run("document.querySelector('#badge').dataset.state") == "good"
        shown = page.run("document.querySelector('#case-left-out').textContent")
        other = "screens are" if lane == AUDIO else "sound is"
        assert shown == f"The {other} left out for the rights of others."
        assert not page.run("document.querySelector('#case-left-out').hidden")
        streams = page.run("eyelid.about.streams.map(({stream}) => stream)")
        assert {lane_of(one) for one in streams} == {lane}
        assert page.run("(eyelid.player.sound !== null)") == (lane == AUDIO)
        page.run("eyelid.player.seek(6)")
        assert page.run("eyelid.player.time") == pytest.approx(6)


def test_a_case_that_has_what_it_says_to_leave_out_is_refused(exported: Path, reader: RecipientPrivate) -> None:
    content = content_of(exported, reader)
    made = Content(replace(content.case, only=AUDIO), content.parts)
    with pytest.raises(CaseError, match="says to leave out"):
        Content.read(made.write())


@pytest.mark.parametrize("only", ["video", "scene", " ", "Audio"])
def test_a_lane_that_there_is_not_is_refused(archive: Archive, only: str) -> None:
    span = Span(archive.made[0].recording.id, 0, 1)
    case = Case(archive.made[0].recording.id, "t", (span,), AUDIO)
    assert Case.read(case.write()) == case
    assert b'"only"' not in replace(case, only="").write()
    with pytest.raises(CaseError, match="one lane"):
        replace(case, only=only)


def test_the_consoles_choice_and_that_of_the_command_are_not_mixed(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = Case(archive.made[0].recording.id, "t", (Span(archive.made[0].recording.id, 0, 10**9),), AUDIO)
    (tmp_path / "case.json").write_bytes(case.write())
    whom = ("--to", archive.folder / "lawyer.pub", "--only", SCREEN)
    archive.export(tmp_path / "case", str(tmp_path / "case.json"), to=whom, code=2)
    assert "leave out --only" in capsys.readouterr().err
