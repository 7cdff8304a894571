"""The extension in real browsers: fields in places that no observer tells of, and what must not pass for "nothing"."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.browser.extension_live import CSS, FIELDS, Live, fields, read, tabs_at, titles
from tests.browser.extension_pages import CARD, page

pytestmark = pytest.mark.desktop

HOST = "<div id=host></div>"
# Milliseconds: by then the extension has looked at the page as it was before, and says nothing of it.
LATER = "await new Promise((done) => setTimeout(done, 300));"
# Opens documents: the name of the one that acts, its way to the other's window, the path of the other's tab.
Reached = Callable[[Live], AbstractContextManager[tuple[str, str, str]]]
FRAME = "const frame = document.createElement('iframe'); document.body.append(frame);"


# -- roots --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        f"{FRAME} const {{attachShadow}} = frame.contentWindow.Element.prototype; {LATER} const element = host;",
        (
            f"{FRAME} const {{attachShadow}} = frame.contentWindow.Element.prototype; frame.remove(); {LATER}"
            "const element = host;"
        ),
        (
            f"{FRAME} const element = frame.contentDocument.createElement('div'); const {{attachShadow}} = element;"
            f"document.body.append(element); {LATER}"
        ),
    ],
    ids=["borrowed", "borrowed from one that is gone", "of an element from there"],
)
def test_a_root_attached_by_another_documents_function_is_found(live: Live, script: str) -> None:
    with live.opened("borrowing", HOST):
        attach = f"attachShadow.call(element, {{mode: 'closed'}}).innerHTML = '{CARD}'"
        live.site.order("borrowing", f"const host = document.getElementById('host'); {script} {attach}")
        live.look_until_tab("/borrowing", lambda tab: read(tab) and fields(tab) == {"cc-number"})


@contextmanager
def siblings(live: Live) -> Iterator[tuple[str, str, str]]:
    """Two frames of one site side by side in a page of another."""
    live.site.serve({"/left": page("left", ""), "/right": page("right", HOST)})
    with live.opened(
        "around", f"<iframe src={live.site.other}/left></iframe><iframe src={live.site.other}/right></iframe>"
    ):
        live.look_until_tab("/around", lambda tab: read(tab) and len(tab["frames"]) == 3)
        live.site.order("right", "")  # it is there to its end
        yield "left", "parent.frames[1]", "/around"


@contextmanager
def sandwich(live: Live) -> Iterator[tuple[str, str, str]]:
    """The frame of another site between two documents of one."""
    live.site.serve({"/within": page("within", HOST)})
    live.site.serve({"/between": page("between", f"<iframe src={live.site.here}/within></iframe>")})
    with live.opened("around", f"<iframe src={live.site.other}/between></iframe>"):
        live.look_until_tab("/around", lambda tab: read(tab) and len(tab["frames"]) == 3)
        live.site.order("within", "")
        yield "around", "frames[0].frames[0]", "/around"


@contextmanager
def popup(live: Live) -> Iterator[tuple[str, str, str]]:
    """The popup no longer knows who opened it."""
    live.site.serve({"/popup": page("popup", f"{HOST}<script>opener = null</script>")})
    live.site.order("desk", "window.popup = window.open('/popup')")
    live.look_until_tab("/popup", read)
    live.site.order("popup", "")
    yield "desk", "window.popup", "/popup"
    live.site.order("desk", "window.popup.close()")
    live.line.look_until(lambda look: not tabs_at(look, "/popup"))


@contextmanager
def opener(live: Live) -> Iterator[tuple[str, str, str]]:
    """The popup, too small to cover it, writes into the page that opened it."""
    live.site.serve({"/small": page("small", ""), "/large": page("large", HOST)})
    live.site.order("desk", "window.open('/large', '_blank', 'noopener')")
    live.look_until_tab("/large", read)
    live.site.order("large", "window.small = window.open('/small', '', 'popup,width=200,height=200,left=0,top=500')")
    live.look_until_tab("/small", read)
    yield "small", "opener", "/large"
    live.site.order("large", "window.small.close()")
    live.site.send("large", "window.close()")
    live.line.look_until(lambda look: not tabs_at(look, "/large") and not tabs_at(look, "/small"))


ELEMENTS = {
    "of the page": "window.element = view.document.getElementById('host')",
    "its own": "element = document.createElement('div'); view.document.body.append(element)",
    "its own custom one": (
        "customElements.define('late-root', class extends HTMLElement {});"
        "element = document.createElement('late-root'); view.document.body.append(element)"
    ),
}


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("reached", [siblings, sandwich, popup, opener])
def test_a_root_attached_by_a_document_from_anywhere_is_found(live: Live, reached: Reached, element: str) -> None:
    with reached(live) as (name, view, path):
        # The desk stays for the next test: what it defined once is defined.
        make = ELEMENTS[element].replace("late-root", f"late-root-{reached.__name__}")
        live.site.order(name, f"const view = {view}; {make}")
        live.look_until_tab(path, read)
        live.site.order(name, f"Element.prototype.attachShadow.call(element, {{mode: 'closed'}}).innerHTML = '{CARD}'")
        live.look_until_tab(path, lambda tab: read(tab) and fields(tab) == {"cc-number"})


LOOKS = 4  # hosts.js
MANY = (
    f"document.querySelector('main').innerHTML = '<div></div>'.repeat(20_000); {FRAME}"
    "window.attachShadow = frame.contentWindow.Element.prototype.attachShadow;"
)
ATTACH = f"attachShadow.call(element, {{mode: 'closed'}}).innerHTML = '{CARD}'"


def test_where_elements_are_many_a_late_root_is_found_within_some_looks(live: Live) -> None:
    with live.opened("many", f"<main hidden></main>{HOST}"):
        live.site.order("many", MANY)
        live.look_until_tab("/many", read)
        for element, name in (
            ("document.querySelector('main').lastElementChild", "cc-number"),
            ("document.getElementById('host')", "cc-csc"),
        ):
            live.site.order("many", f"const element = {element}; {ATTACH.replace('cc-number', name)}")
            assert any(name in fields(tabs_at(live.line.look(), "/many")[0]) for _ in range(LOOKS))


@pytest.mark.parametrize("looked", [True, False], ids=["looked at", "hidden between two looks"])
def test_a_root_that_came_while_the_page_was_not_in_view_is_found_at_once(live: Live, looked: bool) -> None:
    live.site.serve({"/cover": page("cover", "")})
    until = "while (document.hidden !== {}) await new Promise((then) => setTimeout(then, 10));"
    with live.opened("behind", f"<main hidden></main>{HOST}"):
        live.site.order("behind", MANY)
        live.look_until_tab("/behind", read)
        live.site.order("behind", f"window.cover = window.open('/cover'); {until.format('true')}")
        if looked:
            live.look_until_tab("/behind", lambda tab: read(tab) and not tab["visible"])
        live.site.order("behind", f"const element = document.querySelector('main').lastElementChild; {ATTACH}")
        live.site.order("behind", f"cover.close(); {until.format('false')}")
        assert fields(live.look_until_tab("/behind", read)) == {"cc-number"}


@pytest.mark.parametrize(
    "body",
    [
        (
            "<div><script>document.body.append(document.createElement('p'))</script><script src=/slow.css></script>"
            f"<template shadowrootmode=open>{CARD}</template></div>"
        ),
        f"<table><div><script src=/slow.css></script><template shadowrootmode=closed>{CARD}</template></div></table>",
    ],
    ids=["behind another", "put before its table"],
)
def test_a_declarative_root_of_an_element_that_is_not_the_last_is_found(live: Live, body: str) -> None:
    with live.opened("declaring", body):
        live.look_until_tab("/declaring", lambda tab: read(tab) and fields(tab) == {"cc-number"})


# -- what goes wrong ----------------------------------------------------------------------------------------------

IN_THE_WAY = f"<form id=way><input name=textContent></form><input aria-labelledby=way>{CARD}"


def test_a_control_that_names_another_stands_in_nobodys_way(live: Live) -> None:
    with live.opened("named", ""):
        live.site.order("named", f"document.body.insertAdjacentHTML('beforeend', `{IN_THE_WAY}`)")
        assert fields(live.look_until_tab("/named", read)) == {"cc-number"}


DEEP = """let inner = document.createElement('p');
for (let depth = 0; depth < 5000; depth += 1) {
  const host = document.createElement('div');
  host.attachShadow({mode: 'open'}).append(inner);
  inner = host;
}
inner.id = 'deep';
inner.style.display = 'none';
document.body.append(inner);"""


def test_a_page_that_cannot_be_searched_is_unread_until_it_can_be_and_no_other_is(live: Live) -> None:
    """Roots within roots, more than there is room for on a script's stack."""
    with live.opened("deep", ""):
        live.site.order("deep", f"{DEEP} document.body.insertAdjacentHTML('beforeend', '{CARD}')")
        answer = live.line.look_until(
            lambda look: not read(tabs_at(look, "/deep")[0]) and read(tabs_at(look, "/desk")[0])
        )
        assert answer["policy"] == "P1"
        live.line.policy("P1", FIELDS, CSS)  # searched anew as a whole
        assert not read(live.look_until_tab("/deep"))
        live.site.order("deep", "document.getElementById('deep').remove()")
        live.look_until_tab("/deep", lambda tab: read(tab) and fields(tab) == {"cc-number"})


# -- the page itself ----------------------------------------------------------------------------------------------


def test_a_page_that_began_anew_is_read_again_when_it_comes_back(live: Live) -> None:
    """document.open() takes all listeners away, also those that tell of the way back."""
    anew = (
        f"<title>anew</title>{CARD}<script>const go = () => setTimeout(() => {{ location.href = '/second' }}, 1000);"
        "go(); onpageshow = ({persisted}) => { if (persisted) { document.title = 'back'; go() } }<@>"
    )
    begin = f"document.open(); document.write(`{anew}`.replace('<@>', '</' + 'script>')); document.close()"
    live.site.serve({"/first": f"<title>first</title><script>setTimeout(() => {{ {begin} }}, 500)</script>"})
    live.site.serve({"/second": page("second", "")})
    live.site.order("desk", "window.open('/first', '_blank', 'noopener')")
    live.look_until_tab("/second", read)
    live.site.send("second", "history.back()")
    live.line.look_until(
        lambda look: any(read(tab) and fields(tab) == {"cc-number"} for tab in tabs_at(look, "/first"))
    )
    # The window has the title a moment after the page. Where it never comes, the browser has loaded the page anew.
    live.line.look_until(lambda look: "back" in titles(look))
    live.look_until_tab("/second", read)


def test_a_web_archive_is_unread(live: Live, tmp_path: Path) -> None:
    if live.name == "firefox":
        pytest.skip("Firefox opens no web archives")
    archive = tmp_path / "page.mht"
    parts = {"http://archive.example/": "<title>archived</title><iframe src='cid:f1@mhtml.blink'></iframe>", "": CARD}
    lines = ["MIME-Version: 1.0", 'Content-Type: multipart/related; type="text/html"; boundary="between"', ""]
    for place, text in parts.items():
        where = f"Content-Location: {place}" if place else "Content-ID: <f1@mhtml.blink>"
        lines += ["--between", "Content-Type: text/html", where, "", text]
    archive.write_bytes("\r\n".join([*lines, "--between--", ""]).encode())
    live.run(archive.as_uri())
    live.look_until_tab("/page.mht", lambda tab: "archived" in titles(live.line.look()) and not read(tab))
