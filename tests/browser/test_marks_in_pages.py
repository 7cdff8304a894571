"""Pages made with what many pages are made with do not break by a mark, and it stays on them.

The real React, Turbo and idiomorph (tests/browser/libraries), in pages without anything of the tests' in them: the page
that opened them tells them what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from testkit.node_packages import installed
from tests.browser.extension_live import Live, read, tabs_at
from tests.browser.extension_marks import Marks, marks, places

pytestmark = pytest.mark.desktop

LIBRARIES = Path(__file__).with_name("libraries")

# React is published for programs that bundle it: each module gets what such a program would give it.
REQUIRE = """const known = {};
const define = (name, work) => { known[name] = {exports: {}, work}; };
const require = (name) => {
  const one = known[name], {work} = one;
  one.work = null;
  work?.(one, one.exports, require, {env: {NODE_ENV: "development"}});
  return one.exports;
};
"""
REACT = {
    "react": "react/cjs/react.development.js",
    "scheduler": "scheduler/cjs/scheduler.development.js",
    "react-dom": "react-dom/cjs/react-dom.development.js",
    "react-dom/client": "react-dom/cjs/react-dom-client.development.js",
}
WATCH = """window.errors = [];
addEventListener("error", ({message}) => errors.push(message));
addEventListener("unhandledrejection", ({reason}) => errors.push(String(reason)));
for (const level of ["error", "warn"]) console[level] = (...said) => errors.push(said.join(" "));
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(LIBRARIES, "pages", tmp_path_factory.mktemp("node")) / "node_modules"


@pytest.fixture
def screen(live: Live) -> Iterator[Marks]:
    with marks(live) as seen:
        yield seen


@contextmanager
def shown(live: Live, address: str) -> Iterator[dict[str, Any]]:
    live.site.order("desk", f"window.shown = window.open({address!r})")
    try:
        yield live.look_until_tab(address, lambda tab: tab["visible"] and read(tab) and tab["frames"][0]["doc"] != 0)
    finally:
        live.site.order("desk", "window.shown.close()")
        live.line.look_until(lambda look: not any(tabs_at(look, f"/{name}") for name in ("shown", "second")))


def run(live: Live, script: str) -> None:
    """A script on the desk that has the page as `page`, its document as `doc`, and may wait for what is to come."""
    soon = """const soon = async (fits) => {
      for (let tries = 0; !fits(); tries++) {
        if (tries > 500) throw new Error("not so: " + fits);
        await new Promise((done) => setTimeout(done, 20));
      }
    };"""
    live.site.order("desk", f"const page = window.shown, doc = page.document; {soon} {script}")


NO_ERRORS = "if (page.errors.length) throw new Error(page.errors.join());"

APP = """const {createElement: h, useState} = require("react");
const Counter = () => {
  const [count, setCount] = useState(0);
  return h("button", {onClick: () => setCount(count + 1)}, String(count));
};
const App = () => h("html", null,
  h("head", null, h("title", null, "react")),
  h("body", null, h("main", null, TEXT h(Counter), h("input", {defaultValue: ""})),
    h("script", {src: "/react.js"})));
window.begin = () => require("react-dom/client").hydrateRoot(document, h(App),
  {onRecoverableError: (error) => errors.push(String(error))});
"""


@pytest.mark.parametrize("text", [True, False], ids=["beside a text", "in the body"])
def test_react_takes_over_a_document_that_shows_a_mark(live: Live, screen: Marks, packages: Path, text: bool) -> None:
    modules = [
        f"define({name!r}, function (module, exports, require, process) {{{(packages / file).read_text()}\n}});\n"
        for name, file in REACT.items()
    ]
    app = APP.replace("TEXT", 'h("p", null, "Text."),' if text else "")
    paragraph = "<p>Text.</p>" if text else ""
    live.site.serve(
        {
            "/react.js": f"{WATCH}{REQUIRE}{''.join(modules)}{app}",
            "/shown": "<!DOCTYPE html><html><head><title>react</title></head><body><main>"
            f'{paragraph}<button>0</button><input value=""></main><script src="/react.js"></script></body></html>',
        }
    )
    with shown(live, "/shown") as tab:
        screen.seen(tab["id"], 0)
        prepare = "page.button = doc.querySelector('button'); doc.querySelector('input').value = 'typed';"
        run(live, f"await soon(() => page.begin); {prepare} page.begin();")
        click = (
            "doc.querySelector('button').click(); await soon(() => doc.querySelector('button').textContent === '%d');"
        )
        # React hydrates in slices of its own and says nothing when it is done.
        run(live, f"await new Promise((done) => page.setTimeout(done, 300)); {click % 1} {NO_ERRORS}")
        number, _ = screen.seen(tab["id"], 0)
        run(live, click % 2)
        live.line.tell(kind="mark", tab=tab["id"], marks={})
        screen.until(lambda picture: not places(picture, number))
        same = "doc.querySelector('button') === page.button && doc.querySelector('input').value === 'typed'"
        run(live, f"if (!({same})) throw new Error('drawn anew'); {click % 3} {NO_ERRORS}")


def test_turbo_goes_from_page_to_page_and_back(live: Live, screen: Marks, packages: Path) -> None:
    head = f"<script>{WATCH}</script><script src=/turbo.js></script>"
    live.site.serve(
        {
            "/turbo.js": (packages / "@hotwired/turbo/dist/turbo.es2017-umd.js").read_text(),
            "/shown": f"<!doctype html><title>one</title>{head}<body><p>One.</p>",
            "/second": f"<!doctype html><title>two</title>{head}<body><p>Two.</p>",
        }
    )
    text = "await soon(() => doc.body.innerText.trim() === '%s');"
    with shown(live, "/shown") as tab:
        screen.seen(tab["id"], 0)
        run(live, f"page.here = true; page.Turbo.visit('/second'); {text % 'Two.'}")
        screen.seen(tab["id"], 0)
        run(live, f"page.history.back(); {text % 'One.'}")
        number, _ = screen.seen(tab["id"], 0)
        # The text is the same before and after: nothing says that it was morphed.
        morph = "page.Turbo.session.refresh(page.location.href); await new Promise((done) => setTimeout(done, 300));"
        run(live, f"{morph} {text % 'One.'} if (!page.here) throw new Error('loaded anew'); {NO_ERRORS}")
        live.line.tell(kind="mark", tab=tab["id"], marks={})
        screen.until(lambda picture: not places(picture, number))


def test_idiomorph_changes_a_document_that_shows_a_mark(live: Live, screen: Marks, packages: Path) -> None:
    live.site.serve(
        {
            "/morph.js": (packages / "idiomorph/dist/idiomorph.js").read_text(),
            "/shown": f"<!doctype html><title>one</title><script>{WATCH}</script><script src=/morph.js></script>"
            "<body><p>One.</p><input id=typed>",
        }
    )
    with shown(live, "/shown") as tab:
        screen.seen(tab["id"], 0)
        wanted = "doc.documentElement.outerHTML.replace('One.', 'Two.').replace('<input', '<b>new</b><input')"
        run(
            live,
            f"""const typed = doc.getElementById('typed'), wanted = {wanted};
            page.Idiomorph.morph(doc.documentElement, wanted);
            if (doc.documentElement.outerHTML !== wanted) throw new Error(doc.documentElement.outerHTML);
            if (doc.getElementById('typed') !== typed) throw new Error('drawn anew'); {NO_ERRORS}""",
        )
        number, picture = screen.seen(tab["id"], 0)
        assert places(picture, number)


DELETES = """window.deleted = 0;
new MutationObserver((records) => {
  for (const {addedNodes} of records) for (const node of addedNodes) { node.remove(); deleted += 1; }
}).observe(document, {subtree: true, childList: true});"""


@pytest.mark.parametrize("rooted", [False, True], ids=["by itself", "whose elements have roots of their own"])
def test_a_page_that_deletes_what_it_does_not_know(live: Live, screen: Marks, rooted: bool) -> None:
    own = "document.body.attachShadow({mode: 'open'}).append(document.createElement('slot'));" if rooted else ""
    live.site.serve({"/shown": f"<!doctype html><title>one</title><body><script>{WATCH}{own}{DELETES}</script>"})
    with shown(live, "/shown") as tab:
        if not rooted:
            screen.seen(tab["id"], 0)
            run(live, f"if (page.deleted) throw new Error(page.deleted); {NO_ERRORS}")
            return
        # Then it shows none, but neither does it and the page undo each other's work without end.
        since = len(live.line.heard)
        asked = [screen.ask(tab["id"], 0)[0] for _ in range(3)]
        screen.answer(asked[-1], "shown", since)
        run(live, f"if (!(page.deleted > 0 && page.deleted < 60)) throw new Error(page.deleted); {NO_ERRORS}")
