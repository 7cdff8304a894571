"""What it costs to judge 2,000 controls of a page by the extension's own scripts: `python -m tests.browser.label_cost
[chromium|firefox]` prints the least of nine runs over each kind of page, and of twenty over one control of it alone.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.browser.extension_live import browser
from tests.browser.labelled import scripts

# Each kind of page: what is repeated, how often, and what is around all of it.
PAGES: Final = {
    "each with a label": ("<p><label for=f$>Customer field $</label><input id=f$ name=field_$></p>", 2000, "form"),
    "in the cells of a table": ("<tr><td>Row $</td>" + "<td><input name=amount></td>" * 4 + "</tr>", 500, "table"),
    "without any label": ("<div><div><input name=x$></div></div>", 2000, "div"),
    "without any, nine elements deep": ("<div>" * 9 + "<input>" + "</div>" * 9, 2000, "div"),
    "in rows of four boxes": ("<div>Part $</div><div>" + "<input maxlength=4>" * 4 + "</div>", 500, "div"),
    "called Number, below headings": (
        "<section><h3>Order $</h3>" + "<p><label>Number <input></label></p>" * 4 + "</section>",
        500,
        "div",
    ),
}

_MEASURE: Final = """
const {namesOf, newPass, CONTROLS} = eyelid;
const least = (times, run) => Math.min(...Array.from({length: times}, () => {
  const begun = performance.now();
  run();
  return performance.now() - begun;
}));
const place = document.body.appendChild(document.createElement("main"));
const found = {};
for (const [name, [part, times, around]] of Object.entries(JSON.parse(document.getElementById("pages").textContent))) {
  const parts = Array.from({length: times}, (_, number) => part.replaceAll("$", number)).join("");
  place.innerHTML = `<${around}>${parts}</${around}>`;
  const controls = [...place.querySelectorAll(CONTROLS)];
  const all = () => {
    const pass = newPass(() => {});
    for (const control of controls) namesOf(control, pass);
  };
  found[name] = [controls.length, least(9, all), least(20, () => namesOf(controls.at(-1)))];
}
throw new Error(JSON.stringify(found));
"""


def main() -> int:
    name = sys.argv[1] if len(sys.argv) > 1 else "chromium"
    data = json.dumps(PAGES).replace("<", "\\u003c")
    body = f"<script type=application/json id=pages>{data}</script>{scripts()}"
    with tempfile.TemporaryDirectory() as folder, browser(name, Path(folder)) as live, live.opened("cost", body):
        answer = live.site.attempt("cost", _MEASURE)
    for page, (controls, whole, one) in json.loads(answer.removeprefix("Error: ")).items():
        print(f"{controls:,} {page:34} {whole:6.1f} ms, one alone {one:4.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
