"""The console's pages, each as a person sees it who may, in a house that has something to show on each: for axe."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from review.people import schema
from review.people.routes import SESSION
from store.catalog import schema as catalog
from store.catalog.alarms import acknowledge
from testkit.devtools import DevTools
from testkit.looks import LOOKS, faults
from testkit.marionette import Marionette
from testkit.reading_room import NUMBER, PEOPLE, RULES
from testkit.waits import until
from tests.review.web.conftest import Served, today

PARTS: Final = 4  # in which they are looked at
PAGES: Final = {
    "sign-in": ("", "/sign-in"),
    "join": ("", "/join"),
    "enrol": ("enrolling", "/enrol"),
    "find": ("cleo", "/find"),
    "what changed": ("cleo", "/since"),
    "what changed, on an empty day": ("lena", "/since?from=2199-01-01T00:00"),
    "find, filtered": ("cleo", "/?rule=card-forms&length=1"),
    "find, nothing": ("kim", "/"),
    "recording": ("cleo", "/recordings/{held}"),
    "recording, closed": ("cleo", "/recordings/{closed}"),
    "access": ("cleo", "/recordings/{held}/access"),
    "sessions": ("cleo", "/sessions"),
    "my recordings": ("anna", "/"),
    "requests": ("cleo", "/requests"),
    "requests, one's own": ("lena", "/requests"),
    "requests, answered": ("anna", "/requests?ended=1"),
    "requests, none": ("carl", "/requests"),
    "find, by a call": ("cleo", "/find?call={call}"),
    "notice": ("", "/notice"),
    "recording, to ask of": ("anna", "/recordings/{closed}"),
    "computers": ("cleo", "/fleet"),
    "computers, none that fits": ("lena", "/fleet?text=nothing&level=broken"),
    "one computer": ("cleo", "/fleet/{pc}"),
    "alarms": ("cleo", "/alarms?state=alarm&from=2026-01-01T08:30"),
    "gaps": ("cleo", "/gaps"),
    "gaps, none that fits": ("lena", "/gaps?kind=contradicted"),
    "use of the rules": ("cleo", "/rules/uses"),
    "audit log": ("cleo", "/audit"),
    "audit log, filtered": ("cleo", "/audit?kind=list&who=cleo@example.com&outcome=success"),
    "audit log, nothing": ("cleo", "/audit?kind=erase"),
    "audit entry": ("cleo", "/audit/{about_anna}"),
    "report": ("cleo", "/report"),
    "rules, explained": ("cleo", "/rules?who=sam@example.com&recording={closed}"),
    "a policy to try": ("cleo", "/rules/policy"),
    "retention, holds": ("cleo", "/retention"),
    "retention, preview": ("cleo", "/retention?agent=anna@example.com"),
    "cases": ("cleo", "/cases"),
    "a case, export granted": ("cleo", "/cases/{case_both}"),
    "a case, open": ("lena", "/cases/{case_anna}"),
    "privacy requests": ("paula", "/privacy"),
    "privacy requests, answered": ("kim", "/privacy?answered=1"),
    "a privacy request, access": ("paula", "/privacy/{privacy_access}"),
    "a privacy request, erasure": ("paula", "/privacy/{privacy_erasure}"),
    "a privacy request, late": ("paula", "/privacy/{privacy_late}"),
    "not found": ("cleo", "/nothing"),
    "not so": ("cleo", "/?length=9"),
}


def furnish_requests(served: Served, recordings: list[str]) -> str:
    """One of each kind, one of them answered; a search by a call."""

    def post(who: str, path: str, **body: str) -> dict[str, str]:
        with served.client(who, Origin=served.room.address) as client:
            answer = client.post(path, json=body)
            assert answer.status_code in {200, 409}  # asked before, in the other language
            return dict(answer.json())

    of = f"/v1/recordings/{recordings[2]}/requests"
    words = "The customer disputes what was agreed.\nPlease keep it until the letter of 3 May is answered."
    post("lena", of, subject="legal-hold", purpose="complaint", reason=words)
    post("anna", of, subject="correction", purpose="", reason="This was another desk.")
    asked = post("anna", of, subject="erasure", purpose="", reason="It shows a private call.")
    if "request" in asked:
        post(
            "paula", f"/v1/requests/{asked['request']}", step="refuse", reason="The legal minimum keeps it until 2027."
        )
    case = f"/v1/cases/{served.cases['both']}"
    reason = "The customer's lawyer asks for both moments."
    post("cleo", case, step="ask-export", asked="", purpose="audit", reason=reason)
    return post("cleo", "/v1/find/call", caller=NUMBER)["call"]


@pytest.fixture(scope="module")
def call(served: Served, held: list[str]) -> str:
    """An interaction of a house that has something on each page."""
    assert held
    served.sessions |= {who: served.sign_in(who) for who in PEOPLE}  # other tests ended some
    came = {"came": (today() - timedelta(days=60)).isoformat(), "caller": "", "agent": "anna@example.com"}
    late = served.post("paula", "/v1/privacy", kind="restriction", **came, note="By letter")
    assert late.status_code == 200, late.text
    served.privacy["late"] = late.json()["privacy"]
    recordings = served.room.recordings["anna"]
    with served.client("cleo", Origin=served.room.address) as client:
        client.get(f"/recordings/{recordings[0]}")
        span = {"from": f"{today():%Y}-01-01", "to": f"{today()}", "verify": True}
        assert client.post("/v1/reports", json=span).status_code == 200
        until(lambda: client.get("/v1/reports").json()["state"] == "made", "the report is made")
        sent = {"files": {"0.yaml": RULES.replace("own }", "north }", 1).replace("180d", "30d")}, "days": "0"}
        assert client.post("/v1/rules/trial", json=sent).status_code == 200
        until(lambda: client.get("/v1/rules/trial").json()["state"] == "made", "the rules were tried")
    said = {
        "start": 12 * 10**9,
        "end": 15 * 10**9,
        "at": 1,
        "token": "x",
        "commented": "x",
        "person": "lena@example.com",
    }
    with served.console.people.database.writing() as connection:
        connection.execute(schema.comments.insert().values(said | {"id": "1", "recording": recordings[-1]}))
    with served.console.catalog.writing() as connection:
        about = {"device": served.room.computers["anna"], "recording": recordings[-1], "stream": 0, "sequence": 2}
        alarm = catalog.alarms.insert().values(at=served.console.people.clock(), code="chain-broken", **about)
        acknowledged = connection.scalar(alarm.returning(catalog.alarms.c.id)) or 0
        connection.execute(alarm)
        acknowledge(connection, [acknowledged], operator="root", reason="ticket 4711", at=served.console.people.clock())
    return furnish_requests(served, recordings)


def look_at(
    browser: DevTools | Marionette,
    served: Served,
    call: str,
    axe: str,
    to: Callable[[str], None],
    language: str,
    part: int,
    looks: tuple[tuple[str, int], ...] = LOOKS,
) -> list[Any]:
    """What axe finds on a part of the pages. `to`: shows one. Fails where one is not in that language, or has to be
    moved sideways."""
    recordings = served.room.recordings["anna"]
    about = {
        "held": recordings[0],
        "closed": recordings[2],
        "call": call,
        "pc": served.room.computers["anna"],
        **served.about,
        **{f"case_{name}": case for name, case in served.cases.items()},
        **{f"privacy_{kind}": made for kind, made in served.privacy.items()},
    }
    browser.asks_for(language)
    found: list[Any] = []
    for name, (who, path) in list(PAGES.items())[part::PARTS]:
        browser.forget()
        if who:
            browser.remember(served.room.address, SESSION, served.session(who))
        to(served.room.address + path.format(**about))
        assert browser.run("document.documentElement.lang") == language
        browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        found += faults(browser, axe, name, looks)
    return found
