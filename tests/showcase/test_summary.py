"""What the demo says to a person at its end: what was closed, for how long and why, and what both counts found."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from scripts.showcase.summary import show
from testkit.detector import Count
from testkit.opened import OpenedRecording

SECOND = 1_000_000_000
RULES = [
    {"id": "card-forms", "closed_ns": 3 * SECOND, "margin_ns": SECOND // 2, "why": "PCI DSS: the code is never kept"},
    {"id": "patient-records", "closed_ns": 2 * SECOND, "margin_ns": 0, "why": "HIPAA: no [record] without a reason"},
]


def opened(leaked: tuple[float, ...], *, sound: bool = True) -> OpenedRecording:
    timeline: dict[str, Any] = {
        "whole_ns": 14 * SECOND,
        "kept_ns": 8 * SECOND,
        "closed_ns": 5 * SECOND,
        "closed_margin_ns": SECOND // 2,
        "rules": RULES,
        "parts": [],
    }
    findings = [] if sound else [{"message": "chunk 7 is not the one that was signed"}]
    verdict = {"sound": sound, "checked": ["seals", "heads"], "findings": findings}
    one = OpenedRecording({"recording": "one", "chunks": 9, "bytes": 120_000}, timeline, verdict, Path("opened"))
    one.__dict__["counted"] = Count(40, leaked)  # what decoding its film would have found
    return one


def said(kept: OpenedRecording, control: OpenedRecording) -> str:
    out = Console(file=io.StringIO(), width=140)
    show(out, kept, control, Path("opened/sheet.png"))
    return str(out.file.getvalue())  # type: ignore[attr-defined]


def test_it_says_what_was_closed_for_how_long_and_why() -> None:
    text = said(opened(()), opened((1.0, 2.0)))

    rows = {line.split()[1]: line for line in text.splitlines() if len(line.split()) > 1}
    assert "3.5" in rows["card-forms"]
    assert "PCI DSS: the code is never kept" in rows["card-forms"]
    assert "no [record] without a reason" in rows["patient-records"]
    assert "8.0 of 14.0 s" in text
    assert "0 of 40 frames show the sensitive colour" in rows["leaked"]
    assert "2 of 40 frames show the sensitive colour with the rules taken out" in rows["control"]
    assert "yes: 2 kinds of checks found nothing wrong" in rows["verified"]


def test_a_recording_that_does_not_verify_is_told_with_the_reason() -> None:
    assert "no: chunk 7 is not the one that was signed" in said(opened((), sound=False), opened((1.0,)))
