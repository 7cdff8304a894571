"""That the leak bench still plays all that it ever played: a transition that is lost would never be missed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.leaks import main
from bench.leaks_cases import DIMENSIONS, as_text
from bench.leaks_transitions import FOUND, TRANSITIONS
from testkit.desktop_settings import SETTINGS

ROOT = Path(__file__).parents[2]
LISTING = Path(__file__).with_name("leaks_listing.txt").read_text("ascii").splitlines()
"""Name: its browsers, with a star where --quick plays it; the settings; of a clean one, the share to be kept.
Found: a case."""


def test_every_transition_is_played_where_it_was() -> None:
    now = {}
    for name in {one.name for one in TRANSITIONS}:
        those = [one for one in TRANSITIONS if one.name == name]
        browsers = " ".join(sorted(each + "*" * (each in one.quick) for one in those for each in one.browsers))
        ((stages, least),) = {(" ".join(one.stages), one.least) for one in those}
        now[name] = f"{name}: {browsers}; {stages}" + ("" if least is None else f"; clean, {least:g}")

    assert sorted(now.values()) == [line for line in LISTING if not line.startswith("found ")]


def test_every_setting_is_there() -> None:
    assert SETTINGS == {"plain": 1, "ticking": 1, "picom": 1, "monitors": 2}
    assert {stage for one in TRANSITIONS for stage in one.stages} == set(SETTINGS)


def test_the_grammar_composes_from_the_same_values() -> None:
    assert {name: " ".join(map(str, among)) for name, among in DIMENSIONS.items()} == {
        "browser": "chromium firefox",
        "document": "top shadow_root near_frame frame frame_in_frame srcdoc sandboxed",
        "sensitive": "token name label css address frame_address",
        "comes": "insert reveal replace written template navigate streamed transition history",
        "goes": "remove hide replace written navigate history transition named_transition crossing",
        "by": "document parent",
        "after": "nothing light svg layers busy canvas video",
        "meanwhile": "none scroll zoom tab window hang_gpu hang_renderer hang_extension",
        "stays": "1.0 0.5",
        "held": "0 1 2 3",
        "hung": "0 1 2 4",
        "load": "0 1 2 3 4 5",
    }


def test_what_was_found_stays_as_it_was_found() -> None:
    now = [f"found {name} {as_text(case)}" for name, cases in FOUND.items() for case in cases]
    assert now == [line for line in LISTING if line.startswith("found ")]


def test_every_option_and_transition_that_the_pages_name_is_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["leaks", "--help"])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr().out
    lines = [
        line
        for page in ("leaks.md", "browser-extension.md", "proof.md")
        for line in (ROOT / "docs" / page).read_text("utf-8").replace("\\\n", "").splitlines()
        if "bench leaks" in line
    ]

    assert lines
    for line in lines:
        for option in re.findall(r"--[a-z]+", line):
            assert option in told, line
        for names in re.findall(r"--only ([a-z_,]+)", line):
            assert {one.name for one in TRANSITIONS} >= set(names.split(",")), line
