"""A retired name does not come back: one word for one thing, and the field's word (docs/glossary.md).

Names are read, not prose: what a comment or a text says is for people to judge.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT: Final = ("agent", "review", "store", "protocol")
ALL: Final = (*PRODUCT, "bench", "scripts", "testkit", "tests")

# In no name, not even as a part of one -> what to say.
PARTS: Final = {
    "afterimage": "StalePixelTracker",
    "bereave": "mark_orphaned",
    "bereft": "orphaned",
    "bout": "epoch",
    "debt": "unpainted",
    "depot": "Services of the store",
    "errand": "sync task",
    "fate": "Disposition",
    "ghost": "stale pixels",
    "glimpse": "page event",
    "haunted": "stale_until",
    "haunting": "attribution",
    "herald": "Notifier",
    "oversight": "PolicyMonitor",
    "owed": "unpainted, or what it is that is still to come",
    "studio": "Factories",
    "stubborn": "RetryState",
    "tally": "stats, or counts",
    "untold": "GapCause, or NullSeat",
}

# No name of its own -> what to say. As written: `Sign` was a class, and to sign is what a key does.
NAMES: Final = {
    "Absent": "DeviceGaps",
    "Answering": "ControlService",
    "AtRest": "FlushBarrier",
    "Binding": "WindowCorrelation",
    "Eye": "LaneProof, AccountedProof",
    "Fit": "Ternary",
    "Flights": "InFlight",
    "Keeping": "LanePipeline",
    "Landed": "Completion",
    "Maker": "Provenance",
    "Opened": "what it is that is open: OpenRecordings, OpenedRecording, Began",
    "Outcome": "whose: GateResult, DrainReport, Tested",
    "Questions": "WitnessPoller, Scan",
    "SILENCE": "what it is a bound of: ANSWERS_WITHIN, HANGS_AFTER, SILENT_BELOW",
    "Sign": "whose: IconState, Hit, LastReport",
    "Silence": "RuleUsage",
    "Standing": "whose: DeviceStatus, PolicyStatus, BrowserStatus, Enrolled",
    "State": "whose: RecorderState, DrainState",
    "Stretch": "KeptSpan, ReplaySpan, TimelineSpan",
    "Told": "callbacks, or what was reported",
    "View": "SceneMerger, IconView",
    "any_fits": "any_true",
    "all_fit": "all_true",
    "sign_of": "icon_state_of",
    "stands_at": "holds_until",
}

# No name in the product -> what to say.
OF_PRODUCT: Final = {"told": "what it is: event, fields, answer, report, line"}

# No module of the product -> what to call it.
MODULES: Final = {
    "absent": "gaps",
    "answering": "control_service",
    "asking": "timing",
    "binding": "window_correlation",
    "eye": "lane",
    "filled": "padding",
    "fit": "ternary",
    "flights": "in_flight",
    "founding": "init",
    "front": "fast_path",
    "held": "hold_file",
    "joining": "enrolment",
    "keeping": "lane_pipeline",
    "life": "device_timeline",
    "listening": "audio_loop",
    "questions": "witness_poller",
    "shapes": "openapi",
    "sign": "icon_state",
    "silence": "rule_usage",
    "silent": "rule_usage_file",
    "standing": "status",
    "stretch": "kept_span",
    "uses": "rule_usage",
    "view": "scene_merger",
    "watched": "sd_notify",
    "whole": "sweep",
}

# Defined in one place of the product alone.
ONCE: Final = ("Blind", "Finding", "PATIENCE", "LaneProof", "Clearance", "Gaps", "RuleUsage")

# (file, name) -> why it may stay.
EXCEPTIONS: Final[dict[tuple[str, str], str]] = {
    ("store/catalog/migrations/versions/0003_what_health_has_named.py", "told"): "a migration stays as it was released",
}


def files(kind: str, *folders: str) -> list[Path]:
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob(kind)))
    return [path for path in found if path != Path(__file__).resolve()]


def names_in_python(source: str) -> Iterator[str]:
    """Without names of tests, which are sentences."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and not token.string.startswith("test_"):
            yield token.string


def names_in_javascript(source: str) -> Iterator[str]:
    """Those that a script declares, or sets on itself."""
    for found in re.finditer(r"\b(?:const|let|function|class|this\.)\s*(\w+)", re.sub(r"//.*", "", source)):
        yield found[1]


def words_of(name: str) -> set[str]:
    """Its parts in lower case, a plural also as one: `_OwedPixels` has owed, pixels and pixel."""
    parts = {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}
    return parts | {part.removesuffix("s") for part in parts}


@cache
def retired(name: str) -> str | None:
    """What to say instead of the name; None for one that may stay."""
    instead = NAMES.get(name.lstrip("_"))
    return instead or next((PARTS[word] for word in sorted(words_of(name) & PARTS.keys())), None)


def mistakes(path: Path) -> Iterator[str]:
    source = path.read_text("utf-8")
    if not any(map(retired, set(re.findall(r"[A-Za-z_]\w*", source)))):
        return  # prose included: to read every file's tokens would take ten seconds
    place = path.relative_to(ROOT).as_posix()
    for name in sorted(set((names_in_javascript if path.suffix == ".js" else names_in_python)(source))):
        instead = retired(name)
        if instead is not None and (place, name) not in EXCEPTIONS:
            yield f"{place}: `{name}` is retired, say {instead}"


def test_no_retired_name_is_used() -> None:
    sources = [*files("*.py", *ALL), *files("*.js", "agent/browser/extension")]
    assert [found for path in sources for found in mistakes(path)] == []


def test_no_name_of_the_product_says_only_that_it_was_told() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in files("*.py", *PRODUCT)
        if "told" in (source := path.read_text("utf-8"))
        for name in names_in_python(source)
        if name.lstrip("_") in OF_PRODUCT
    }
    assert found - EXCEPTIONS.keys() == set()


def test_no_module_has_a_retired_name() -> None:
    modules = [path.relative_to(ROOT) for path in files("*.py", *PRODUCT)]
    assert [f"{path}: say {MODULES[path.stem]}" for path in modules if path.stem in MODULES] == []
    assert [f"{path}: say {retired(path.stem)}" for path in modules if retired(path.stem)] == []


@pytest.mark.parametrize("name", ONCE)
def test_one_name_is_one_thing(name: str) -> None:
    defined = re.compile(rf"^(?:class {name}\b|{name}(?:: Final)? = )", re.MULTILINE)
    assert len([path for path in files("*.py", *PRODUCT) if defined.search(path.read_text("utf-8"))]) == 1


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("_ghosts", "stale pixels"),
        ("GhostTracker", "stale pixels"),
        ("MAX_OWED", "unpainted, or what it is that is still to come"),
        ("_Tally", "stats, or counts"),
        ("View", "SceneMerger, IconView"),
        ("view", None),
        ("sign", None),
        ("borrowed", None),
        ("totally", None),
    ],
)
def test_a_retired_name_is_found_also_as_a_part_of_another(name: str, found: str | None) -> None:
    assert retired(name) == found


def test_exceptions_are_of_names_that_are_there() -> None:
    for place, name in EXCEPTIONS:
        assert name in set(names_in_python((ROOT / place).read_text("utf-8"))), (place, name)
