"""Openings and exports that wait are on the console's page of requests: for who may approve them, and for who asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from review.exchange import ask
from review.people.names import Narrowing
from testkit.console_browser import to, wait_for
from testkit.devtools import DevTools
from testkit.keyboard import press, tab_to
from testkit.looks import faults
from tests.review.opening.conftest import APPROVED, PEOPLE, House, Page, reach
from tests.review.opening.test_by_keyboard import CALLED
from tests.review.opening.test_case_export import EXPORTING, export
from tests.review.opening.test_narrowed import CLEO, of_both
from tests.review.opening.test_playing import keyed, ready, waiting

__all__ = ["keyed", "ready"]
pytestmark = pytest.mark.slow(reason="a house of four processes, and a browser")
FILED = re.compile(r"#approve=([0-9a-f]{64})")


@pytest.fixture
def asked(plain: House) -> Iterator[str]:
    """What Ann asked and both roles are to approve, and nothing else waits; nothing is left of it."""
    plain.govern(APPROVED)
    for who in ("cleo", "pia"):
        for left in shown(plain, who):  # of other tests in this house
            plain.approve(who, left, "deny")
    filed = waiting(plain)
    yield filed
    plain.open_console.people.narrow(CLEO, Narrowing(), "root@host", "host")
    plain.govern(APPROVED)
    if filed in shown(plain, "ann"):
        plain.approve("pia", filed, "deny")


def page_of(house: House, who: str, path: str = "/requests") -> str:
    with house.client(who) as client:
        answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def shown(house: House, who: str) -> list[str]:
    return FILED.findall(page_of(house, who))


def who_sees(house: House, filed: str) -> set[str]:
    return {who for who in PEOPLE if filed in shown(house, who)}


def test_each_sees_what_they_may_approve_and_who_asked_sees_their_own(plain: House, asked: str) -> None:
    assert who_sees(plain, asked) == {"ann", "cleo", "pia"}
    for who, said in (("cleo", "waits for you"), ("ann", "waits for others")):
        text = page_of(plain, who)
        assert said in text
        assert f'href="/recordings/{plain.recording}"' in text  # both may list it
        for part in ("ann@example.com", "complaint", "2 by compliance, privacy", "no person yet"):
            assert part in text
    assert f'href="{plain.page}/#approve={asked}"' not in page_of(plain, "ann")  # they hand it on
    assert asked not in page_of(plain, "cleo", "/requests?ended=1")
    assert "wartet auf Sie" in page_of_german(plain, "cleo")


def page_of_german(house: House, who: str) -> str:
    with house.client(who, **{"Accept-Language": "de"}) as client:
        return client.get("/requests").text


def test_what_one_approved_is_gone_for_them_and_what_is_denied_for_all(plain: House, asked: str) -> None:
    plain.approve("cleo", asked)
    assert who_sees(plain, asked) == {"ann", "pia"}
    assert "1 by privacy" in page_of(plain, "pia")
    plain.approve("pia", asked, "deny")
    assert who_sees(plain, asked) == set()


def test_who_may_approve_and_not_list_gets_its_number_alone(plain: House, asked: str) -> None:
    rules = APPROVED.replace("privacy: { may: [list], of: all }", "privacy: { may: [list], of: own }")
    plain.govern(rules)
    assert asked in shown(plain, "pia")
    text = page_of(plain, "pia")
    assert plain.recording in text
    assert f"/recordings/{plain.recording}" not in text


def test_what_narrowing_took_is_not_shown(plain: House, asked: str) -> None:
    plain.govern(of_both(APPROVED))
    assert asked in shown(plain, "cleo")
    for left in ("privacy", "compliance"):  # the custodian would count an approval as the other role's
        plain.open_console.people.narrow(CLEO, Narrowing(roles=frozenset({left})), "root@host", "host")
        assert shown(plain, "cleo") == []
    plain.open_console.people.narrow(CLEO, Narrowing(), "root@host", "host")
    assert asked in shown(plain, "cleo")


def test_an_export_of_a_case_is_shown_with_its_case(plain: House, tmp_path: Path) -> None:
    plain.govern(EXPORTING)
    with export(plain, tmp_path) as made:
        assert who_sees(plain, made.filed) == {"ann", "sam", "cleo", "pia"}
        case = ask(plain.socket, "filed", filed=made.filed)["terms"]["case"]
        text = page_of(plain, "pia")
        assert "Export: " in text
        assert case in text
        plain.approve("pia", made.filed, "deny")
        assert made.ended()[0] != 0
    assert who_sees(plain, made.filed) == set()


def test_what_changed_counts_them(plain: House, asked: str) -> None:
    plain.govern(APPROVED.replace("may: [list, play, consent]", "may: [list, play, consent, read-audit]"))
    line = "to approve in the player, under Requests"
    assert line in page_of(plain, "cleo", "/since")
    plain.approve("cleo", asked)
    assert line not in page_of(plain, "cleo", "/since")


def test_a_custodian_that_does_not_answer_is_said(plain: House, asked: str) -> None:
    plain.govern(APPROVED.replace("may: [list, play, consent]", "may: [list, play, consent, read-audit]"))
    plain.custodian.kill()
    plain.custodian.wait()
    try:
        assert "The custodian does not answer, so openings" in page_of(plain, "cleo")
        assert "The custodian does not answer: openings" in page_of(plain, "cleo", "/since")
    finally:
        plain.restart_custodian()
    assert asked in shown(plain, "cleo")


def test_from_the_list_to_the_approval_by_keyboard_alone(keyed: House, page: Page, asked: str, axe: str) -> None:
    if not isinstance(page, DevTools):
        pytest.skip("languages are asked for by DevTools; the pages are the same")
    found = []
    keyed.enter(page, "cleo")
    page.call("Network.enable")
    for language, who in (("en", "cleo"), ("de", "ann"), ("de", "cleo"), ("en", "ann")):
        page.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})
        keyed.enter_beside(page, who)
        to(page, keyed.console + "/requests")
        assert page.run("document.documentElement.lang") == language
        found += faults(page, axe, f"waiting-{who}")
    assert not found, "\n".join(map(str, found))
    page.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": "en"})
    keyed.enter_beside(page, "cleo")
    to(page, keyed.console + "/requests")
    tab_to(page, "Look at it in the player", CALLED)
    press(page, "Enter")
    wait_for(page, "document.documentElement.dataset.custody === 'approve' && document.readyState === 'complete'")
    reach(page, "approve")
    page.run("""(() => {
      const whose = document.querySelector('#whose');
      whose.value = 'cleo@example.com';
      whose.dispatchEvent(new Event('change'));
    })()""")
    tab_to(page, "Approve", CALLED)
    press(page, "Enter")
    wait_for(page, "document.querySelector('#custody h2').textContent === 'You approved it'")
    assert ask(keyed.socket, "filed", filed=asked)["approved_by"] == ["cleo@example.com"]
    to(page, keyed.console + "/requests")
    assert asked not in page.run("document.body.innerHTML")
