"""The lists of labels in tests/browser/labels, as HTML, and what the extension's own scripts make of them in a browser.

`python -m tests.browser.labelled [chromium|firefox]` prints the recall of each half and language, and what was missed
of the half that may be looked at.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape, unescape
from itertools import starmap
from pathlib import Path
from typing import Final

import yaml

from agent.browser.manifests import EXTENSION
from tests.browser.extension_live import Live, browser

LISTS: Final = Path(__file__).parent / "labels"
SCRIPTS: Final = ("nodes.js", "words.js", "names.js", "labels.js", "fields.js")  # what names a control
LISTED: Final = ("cards", "lookalikes", "checkouts", "forms", "later", "variants")
HALVED: Final = ("cards", "lookalikes")  # of these the half that is held back is not looked at
CARD_NAMES: Final = ("cc-number", "cc-csc", "cc-exp")

LONGEST: Final = 120  # characters of a text that is written in all ways

_SAID: Final = re.compile(r"""(?:name|placeholder|aria-label|title|label)=["']([^"']+)["']|>([^<>]+)<""")
_ATTRIBUTES: Final = {"name": "name", "placeholder": "placeholder", "aria": "aria-label", "title": "title"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list. `want` is empty for what must not close; `half` is "tune" or "held"."""

    language: str
    want: str
    html: str
    half: str
    line: str

    @property
    def texts(self) -> list[str]:
        """What its page says, piece by piece: texts, and what is in the attributes that are read."""
        return [text for pieces in _SAID.findall(self.html) for text in map(unescape, pieces) if text.strip()]


def entries(name: str) -> list[Entry]:
    """Those of labels/`name`.yaml."""
    rows = yaml.safe_load((LISTS / f"{name}.yaml").read_text(encoding="utf-8"))
    return [_entry(dict(row)) for row in rows]


def _entry(row: dict[str, object]) -> Entry:
    language, want, _ = str(row.pop("lang", "")), str(row.pop("want", "")), row.pop("from")
    line = json.dumps(row, ensure_ascii=False, sort_keys=True)
    return Entry(language, want, _html(row), half(line), line)


def half(line: str) -> str:
    """Fixed before anything was looked at: an even first byte of the hash may be tuned on, an odd one is held back."""
    return "held" if hashlib.sha256(line.encode()).digest()[0] % 2 else "tune"


def _html(row: dict[str, object]) -> str:
    """The fragment that says it in the ways which the keys of `row` name."""
    if "html" in row:
        return str(row["html"])
    own = [str(row.get("attrs", "")), f"id='{row.get('id', 'f')}'"]
    own += [f'{name}="{escape(str(row[key]))}"' for key, name in _ATTRIBUTES.items() if key in row]
    before, after = "", ""
    text = {key: escape(str(value)) for key, value in row.items()}
    if "by" in row:
        parts = row["by"]
        assert isinstance(parts, list)
        before += "".join(f"<span id=by{n}>{escape(part)}</span>" for n, part in enumerate(parts))
        own.append("aria-labelledby='" + " ".join(f"by{n}" for n in range(len(parts))) + "'")
    if "about" in row:
        after += f"<small id=about>{text['about']}</small>"
        own.append("aria-describedby=about")
    if "label" in row:
        before += f"<label for='{row.get('id', 'f')}'>{text['label']}</label>"
    if "stray" in row:
        before += f"<label>{text['stray']}</label>"
    if "before" in row:
        before += f"{text['before']} "
    if "after" in row:
        after += f"<span>{text['after']}</span>"
    tag = str(row.get("tag", "input"))
    control = f"<{tag} {' '.join(own)}>" + ("" if tag == "input" else f"</{tag}>")
    if "wrap" in row:
        control = f"<label>{text['wrap']} {control}</label>"
    return _around(f"{before}{control}{after}", text)


def _around(control: str, text: dict[str, str]) -> str:
    """The control in the table that says it, and that in its group."""
    inside = _in_table(control, text)
    if "legend" in text:
        return f"<fieldset><legend>{text['legend']}</legend>{inside}</fieldset>"
    if "group" in text:
        return f'<div role=group aria-label="{text["group"]}">{inside}</div>'
    return inside


def _in_table(control: str, text: dict[str, str]) -> str:
    if "column" in text:
        first = f"<th>{text['row']}</th>" if "row" in text else "<td>A. Person</td>"
        return (
            f"<table><thead><tr><th>Customer</th><th>{text['column']}</th></tr></thead>"
            f"<tbody><tr>{first}<td>{control}</td></tr></tbody></table>"
        )
    if "cell" in text:
        return f"<table><tr><td>{text['cell']}</td><td>{control}</td></tr></table>"
    if "row" in text:
        return f"<table><tr><th>{text['row']}</th><td>{control}</td></tr></table>"
    return f"<p>{control}</p>"


# -- in a browser -----------------------------------------------------------------------------------------------------

# One character for each fragment, of which each bit is a name: cc-number, cc-csc, cc-exp, and cc-exp beside a card.
_JUDGE: Final = """
if (document.readyState === "loading") await new Promise((done) => addEventListener("DOMContentLoaded", done));
const place = document.body.appendChild(document.createElement("main"));
const {namesOf, CONTROLS} = eyelid;
let found = "";
for (const html of JSON.parse(document.getElementById("fragments").textContent)) {
  place.innerHTML = html;
  let bits = 0;
  for (const control of place.querySelectorAll(CONTROLS)) {
    const {sure, beside} = namesOf(control);
    ["cc-number", "cc-csc", "cc-exp"].forEach((name, bit) => { if (sure.includes(name)) bits |= 1 << bit; });
    if (beside.includes("cc-exp")) bits |= 8;
  }
  found += bits.toString(16);
}
place.remove();
throw new Error(found);
"""


def scripts() -> str:
    """The extension's own that name a control, for a page."""
    return "".join(f"<script>{(EXTENSION / name).read_text()}</script>" for name in SCRIPTS)


def judge(live: Live, listed: Iterable[Entry]) -> list[set[str]]:
    """What each is found as, by the extension's own scripts in a page. An expiry date that counts only beside a card's
    number or code is "beside".
    """
    fragments = [entry.html for entry in listed]
    data = json.dumps(fragments).replace("<", "\\u003c")
    body = f"<script type=application/json id=fragments>{data}</script>{scripts()}"
    with live.opened("labels", body):
        answer = live.site.attempt("labels", _JUDGE)
    found = answer.removeprefix("Error: ")
    assert len(found) == len(fragments), answer
    names = (*CARD_NAMES, "beside")
    return [{name for bit, name in enumerate(names) if int(digit, 16) >> bit & 1} for digit in found]


# A text as authors and forms write it, and what begins and ends with it: each that the first search drops although
# the patterns know it.
_DROP: Final = """
const {plain, speaksOfCards, judgeWords} = eyelid;
const nothing = {attributes: [], labels: [], near: [], hints: [], groups: [], raw: [], kind: "input"};
const capital = (word) => word.slice(0, 1).toUpperCase() + word.slice(1);
const bare = (text) => text.normalize("NFKD").replace(/[\\u0300-\\u036f]/g, "");
const written = new Set();
for (const text of JSON.parse(document.getElementById("texts").textContent)) {
  written.add(text);
  const words = bare(text).split(/[^\\p{L}\\p{N}#²]+/u).filter(Boolean);
  for (let from = 0; from < words.length; from += 1) {
    for (const some of [words.slice(from), words.slice(0, words.length - from)]) {
      for (const all of [some, ["billing", ...some], ["x", ...some, "y"]]) {
        for (const gap of [" ", "_", "-", ".", " / "]) written.add(all.join(gap));
        written.add(all.map((word, place) => (place ? capital(word) : word)).join(""));
        written.add(all.map(capital).join(""));
      }
    }
  }
}
const dropped = [...written].filter((text) => !speaksOfCards(text));
const isKnown = (text, place) => {
  const {sure, beside} = judgeWords({...nothing, [place]: [plain(text)], raw: place === "labels" ? [text] : []});
  return sure !== "" || beside !== "";
};
const places = ["attributes", "labels", "hints", "groups"];
const known = dropped.filter((text) => places.some((place) => isKnown(text, place)));
throw new Error(JSON.stringify([written.size, dropped.length, known.slice(0, 50)]));
"""


def dropped(live: Live, listed: Iterable[Entry]) -> tuple[int, int, list[str]]:
    """How many ways to write the texts of these there are, how many of them the first search of words.js drops, and
    those of the dropped that its patterns know.
    """
    texts = sorted({text for entry in listed for text in entry.texts if len(text) <= LONGEST})
    data = json.dumps(texts).replace("<", "\\u003c")
    with live.opened("texts", f"<script type=application/json id=texts>{data}</script>{scripts()}"):
        answer = live.site.attempt("texts", _DROP)
    written, without, known = json.loads(answer.removeprefix("Error: "))
    return int(written), int(without), list(known)


def is_found(entry: Entry, names: set[str]) -> bool:
    """Whether it would close beside the other fields of its form."""
    return entry.want in names or (entry.want == "cc-exp" and "beside" in names)


def is_closing(names: set[str]) -> bool:
    """Whether it would close alone."""
    return not names.isdisjoint(CARD_NAMES)


def main() -> int:
    name = sys.argv[1] if len(sys.argv) > 1 else "chromium"
    lists = {title: entries(title) for title in LISTED}
    with tempfile.TemporaryDirectory() as folder, browser(name, Path(folder)) as live:
        found = {title: judge(live, listed) for title, listed in lists.items()}
    for title, listed in lists.items():
        for entry, names in zip(listed, found[title], strict=True):
            wrong = not is_found(entry, names) if entry.want else is_closing(names)
            if wrong and (entry.half == "tune" or title not in HALVED):
                print(f"{'missed' if entry.want else 'closes'}: {entry.language} {entry.line} is {sorted(names)}")
    print(f"{'found':6}" + "".join(f"{part:>22}" for part in ("tune", "held")))
    for language in ("all", *dict.fromkeys(entry.language for entry in lists["cards"])):
        print(
            f"{language:6}"
            + "".join(_share(lists["cards"], found["cards"], part, language) for part in ("tune", "held"))
        )
    for title, listed in lists.items():
        other = [names for entry, names in zip(listed, found[title], strict=True) if not entry.want]
        wanted = [(entry, names) for entry, names in zip(listed, found[title], strict=True) if entry.want]
        if wanted:
            print(f"{title}: found {sum(starmap(is_found, wanted))} of {len(wanted)}")
        if other:
            print(f"{title}: {sum(map(is_closing, other))} of {len(other)} look-alikes close")
    return 0


def _share(listed: list[Entry], found: list[set[str]], part: str, language: str) -> str:
    hits = [
        is_found(entry, names)
        for entry, names in zip(listed, found, strict=True)
        if entry.half == part and language in ("all", entry.language)
    ]
    return f"{sum(hits):>10} of {len(hits):>3}  {sum(hits) / len(hits):.3f}"


if __name__ == "__main__":
    sys.exit(main())
