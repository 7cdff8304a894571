"""The pages of the cases of bench/leaks: one document each, written from the case that its address carries."""

from __future__ import annotations

import json
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any, Final

from bench.leaks_cases import DEPTHS, Case, comes_at, goes_at

HOME: Final = "127.0.0.1"
AWAY: Final = "127.0.0.2"
SCRIPT: Final = Path(__file__).with_name("leaks_site").joinpath("part.js").read_text("utf-8")
PATHS: Final = ("/part", "/pay/part")  # the latter's address is sensitive
LATE: Final = 0.6  # seconds until the second half of a streamed page

STYLE: Final = (
    "<meta charset=utf-8><style>body{margin:0;min-height:200vh;font:16px sans-serif;background:#fafaf7}"
    "p{margin:24px 40px}</style>"
)
BOX: Final = (
    '<div id="put" style="position:absolute;left:0;top:0;width:100%;height:200vh;z-index:8;background:rgb(255,0,255)">'
    "{mark}</div>"
)
PLACED: Final = 'style="margin:300px 60%"'
MARKS: Final = {
    "address": "",
    "frame_address": "",
    "token": f'<input autocomplete="cc-number" {PLACED}>',
    "name": f'<input name="cardnumber" {PLACED}>',
    "label": f"<label {PLACED}>Card number <input></label>",
    "css": '<div id="pan">4111</div>',
}
"""What is sensitive -> what of the form says so; an address says it for itself."""


def part(path: str, query: dict[str, list[str]], port: int) -> tuple[str, str]:
    """The HTML in two halves: the second one comes late where the page is streamed, or is empty."""
    case = Case(**json.loads(query["case"][0]))
    depth, state = int(query["depth"][0]), query["state"][0]
    head = f"<!doctype html>{STYLE}<title>{'Payment' if path.startswith('/pay') else 'Shop'}</title>"
    script = f'<script src="/part.js" data-given="{escape(json.dumps(given(case, depth, state, port)))}"></script>'
    first = f"{head}{script}<body><p>Desk lamps</p>"
    if state not in ("sensitive", "streamed"):
        return first, ""
    form = BOX.format(mark=MARKS[case.sensitive])
    if case.document == "shadow_root":
        form = f'<div id="put"><template shadowrootmode="closed">{form}</template></div>'
    return (first, form) if state == "streamed" else (first + form, "")


def given(case: Case, depth: int, state: str, port: int) -> dict[str, Any]:
    """What part.js is told."""
    near = case.document not in {"frame", "frame_in_frame"}
    hosts = [HOME, HOME if near else AWAY, HOME]
    return {
        "case": asdict(case),
        "box": BOX.format(mark=MARKS[case.sensitive]),
        "style": STYLE,
        "script": f"http://{HOME}:{port}/part.js",
        "hosts": [f"{host}:{port}" for host in hosts],
        "target": DEPTHS[case.document],
        "comes_at": comes_at(case),
        "goes_at": goes_at(case),
        "depth": depth,
        "state": state,
    }
