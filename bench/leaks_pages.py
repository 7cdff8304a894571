"""The pages on which bench/leaks plays: a shop with its sensitive pages, and the documents of cases.

What is sensitive lies under /pay (or behind #pay) and is magenta over the whole page. The documents of a case are
written from the case that their address carries.
"""

from __future__ import annotations

import html
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Final

from bench.leaks_cases import DEPTHS, Case, comes_at, goes_at

HOME: Final = "127.0.0.1"
AWAY: Final = "127.0.0.2"
SITE: Final = Path(__file__).with_name("leaks_site")
PARTS: Final = ("/part", "/pay/part")  # the latter's address is sensitive

PAGE: Final = """<!doctype html><html class="{kind}"><meta charset="utf-8"><title>{title}</title>{slow}
<style>
  body {{ margin: 0; font: 16px sans-serif; color: #1f2933; background: #fafaf7 }}
  h1, p {{ margin: 24px 40px }}
  .secret body {{ background: rgb(255,0,255) }}
  .secret body > * {{ visibility: hidden }}
  .secret body > #put {{ visibility: visible }}
</style>
<script src="/scene.js"></script><script src="/lingering.js"></script>
<body><h1>{title}</h1>{body}</body></html>
"""

# Long enough for Firefox to offer its reader mode, which undresses a page: a picture stays.
ARTICLE: Final = (
    "<article><h2>Payment</h2>"
    + "<p>Your card will be charged, and your invoice comes by mail. Read this, for it is what you pay for. </p>" * 12
    + '<img src="/magenta.svg" width="900" height="500"></article>'
)


def page(path: str, query: dict[str, list[str]], port: int) -> str:
    """The HTML of a path: /pay... is sensitive, /frames has off-screen frames of the other site, /logged writes to its
    console what is sensitive, all else is a shop.

    `title`: instead of the shop's; `untitled`: none. `slow`: seconds that its style sheet takes; until it is there
    nothing of the page is drawn. `then`: where it goes by itself, after `after` seconds.
    """
    items = 60 if "long" in query else 40 if path == "/frames" else 12
    body = "".join(f"<p>Item {number}: desk lamp, grey, {number * 3 + 9} EUR</p>" for number in range(1, items + 1))
    kind, title = "", html.escape(query.get("title", ["Shop"])[0])
    if path.startswith("/pay"):
        kind, title = "secret", "Payment"
        body = ARTICLE if path.startswith("/pay/article") else "<p>Card number</p>"
    elif path == "/logged":
        body = "<script>scene.log()</script>"
    elif path == "/frames":
        body += f'<iframe src="http://{AWAY}:{port}/advert" style="width:90%;height:300px"></iframe>' * 24
    elif path == "/advert":
        title, body = "Advert", "<p>Chairs, too.</p>"
    elif "untitled" in query:
        title = ""
    elif "then" in query:
        after = 1000 * float(query["after"][0])
        body += f"<script>setTimeout(() => location.assign({json.dumps(query['then'][0])}), {after})</script>"
    seconds = query.get("slow", [""])[0]
    # Another address each time, or the second time it would come from the cache.
    slow = f'<link rel="stylesheet" href="/slow.css?slow={seconds}&{time.monotonic_ns()}">' if seconds else ""
    return PAGE.format(kind=kind, title=title, slow=slow, body=body)


# -- the documents of a case ------------------------------------------------------------------------------------------

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
    form = BOX.format(mark=MARKS[case.sensitive])
    hosts = [HOME, AWAY if case.document in {"frame", "frame_in_frame"} else HOME, HOME]
    given = {  # what part.js is told
        "case": asdict(case),
        "box": form,
        "style": STYLE,
        "script": f"http://{HOME}:{port}/part.js",
        "hosts": [f"{host}:{port}" for host in hosts],
        "target": DEPTHS[case.document],
        "comes_at": comes_at(case),
        "goes_at": goes_at(case),
        "depth": depth,
        "state": state,
    }
    head = f"<!doctype html>{STYLE}<title>{'Payment' if path.startswith('/pay') else 'Shop'}</title>"
    script = f'<script src="/part.js" data-given="{html.escape(json.dumps(given))}"></script>'
    first = f"{head}{script}<body><p>Desk lamps</p>"
    if state not in ("sensitive", "streamed"):
        return first, ""
    if case.document == "shadow_root":
        form = f'<div id="put"><template shadowrootmode="closed">{form}</template></div>'
    return (first, form) if state == "streamed" else (first + form, "")
