"""The extension in real browsers: fields in places that no observer tells of, and what must not pass for "nothing"."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.extension_live import CSS, FIELDS, Live, fields, read, tabs_at, titles
from tests.browser.extension_pages import CARD, page

pytestmark = pytest.mark.desktop

HOST = "<div id=host></div>"
LATER = "await new Promise((done) => setTimeout(done, 300));"
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
