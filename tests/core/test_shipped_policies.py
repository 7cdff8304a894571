"""The packs in policies/: tested from inside, closed for strangers' payment pages, never for hosts that look alike."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.decide import decide
from agent.core.match import attributes
from agent.core.model import AllOf, Attribute, Effect, Lane, Page, Policy, Rule, Scene, Verdict
from agent.core.policy_tests import run_tests
from agent.core.policy_url import UrlPattern, parse_pattern
from agent.witness.policies import parse_files, read_files, read_folder

ROOT = Path(__file__).parents[2] / "policies"
PACKS = sorted({file.parent.name for file in ROOT.glob("*/*.yaml")})

SHOP = "https://shop.example.com/checkout"
STRIPE_CARD = "https://js.stripe.com/v3/elements-inner-card-28d1a5db68bc8cd3492fc1f7b0717035.html"


@cache
def pack(name: str) -> Policy:
    """Reading it also runs the tests inside it: one that does not hold is a PolicyError."""
    return read_folder(ROOT / name)


def judged(*pages: Page, by: str = "payments") -> Verdict:
    return decide(pack(by), Scene(pages=pages))


# -- every pack ---------------------------------------------------------------------------------------------------


def test_there_are_packs() -> None:
    assert {"demo", "payments"} <= set(PACKS)


@pytest.mark.parametrize("name", PACKS)
def test_every_rule_closes_each_of_its_lanes_in_a_test_of_the_pack(name: str) -> None:
    policy = pack(name)
    closed = {
        (rule, outcome.lane)
        for outcome in run_tests(policy)
        if outcome.expected is Effect.PAUSE
        for rule in outcome.spoke
    }
    paused = {(rule.id, lane) for rule in policy.rules for lane in Lane if rule.on(lane).effect is Effect.PAUSE}
    assert paused - closed == set()


@pytest.mark.parametrize("name", PACKS)
def test_every_pack_shows_what_looks_alike_and_stays_open(name: str) -> None:
    policy = pack(name)
    open_throughout = [test for test in policy.tests if set(test.expect.values()) == {Effect.RECORD}]
    assert len(open_throughout) >= len(policy.rules)


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_closes_no_screen_and_no_sound_of_a_plain_page(name: str) -> None:
    assert judged(Page(("https://example.com/",)), by=name) == Verdict()


# -- a pack and what somebody adds to it ---------------------------------------------------------------------------


def test_a_file_of_ones_own_goes_beside_a_pack() -> None:
    """As README.md shows it, with the pack's two files as they are."""
    [example] = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    together = parse_files({**read_files(ROOT / "payments"), "ours.yaml": example.encode()})
    assert [rule.id for rule in together.rules] == ["our-payment-page", *(rule.id for rule in pack("payments").rules)]


# -- payments: what must close ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "rule"),
    [
        (Page((SHOP, STRIPE_CARD)), "hosted-card-fields"),
        (Page((SHOP, "https://shop.example.com/frame", STRIPE_CARD)), "hosted-card-fields"),
        (Page((SHOP, "about:srcdoc", STRIPE_CARD)), "hosted-card-fields"),
        (Page((SHOP, "https://js.stripe.com/v3/controller-1.html", STRIPE_CARD)), "hosted-card-fields"),
        (Page(("view-source:https://checkout.stripe.com/c/pay/1",)), "payment-pages"),
        (Page((SHOP,), frozenset({"cc-number"})), "card-forms"),
        (Page((SHOP,), frozenset({"name", "CC-CSC"})), "card-forms"),
        (Page((SHOP, "https://cards.example.net/form"), frozenset({"cc-exp-month"})), "card-forms"),
        (Page((SHOP,), selectors=frozenset({'[data-cse="encryptedCardNumber"]'})), "card-forms"),
        (Page((SHOP, "https://www.rsa3dsauth.co.uk/3ds2/cReqWebBased?issuer=1")), "card-confirmation"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_strangers_page_closes(page: Page, rule: str) -> None:
    verdict = judged(Page(("https://news.example/",)), page)
    assert [[reason.id for reason in verdict.on(lane)] for lane in Lane] == [[rule], [rule]]


def test_in_a_window_behind_others_it_closes_the_sound_alone() -> None:
    verdict = judged(Page(("https://news.example/",)), Page((SHOP, STRIPE_CARD), shown=False))
    assert [reason.id for reason in verdict.audio] == ["hosted-card-fields"]
    assert verdict.screen == ()


def test_in_a_tab_behind_another_it_closes_both() -> None:
    """Its picture is in the tab's preview, and nothing in the pack says that previews are off."""
    verdict = judged(Page(("https://news.example/",)), Page((SHOP, STRIPE_CARD), parked=True))
    assert [[reason.id for reason in verdict.on(lane)] for lane in Lane] == [["hosted-card-fields"]] * 2


def test_it_stays_closed_while_a_number_may_be_read_back() -> None:
    assert {rule.stay_closed for rule in pack("payments").rules} == {3_000_000_000}
    assert {rule.on(Lane.AUDIO).lead for rule in pack("payments").rules} == {3_000_000_000}


@pytest.mark.parametrize("url", ["chrome://newtab/", "chrome://new-tab-page/", "edge://newtab/", "about:newtab"])
def test_a_new_tab_into_which_nobody_may_look_closes_nothing(url: str) -> None:
    assert judged(Page((url,), unread=True)) == Verdict()


@pytest.mark.parametrize(
    "url",
    [
        "chrome://settings/payments",
        "chrome://newtab.example/",
        "edge://wallet/",
        "about:preferences",
        "about:blank",
        "https://newtab/",
        SHOP,
    ],
)
def test_any_other_page_into_which_nobody_may_look_closes_both(url: str) -> None:
    verdict = judged(Page((url,), unread=True))
    assert verdict.screen
    assert verdict.audio


# -- payments: addresses, one by one ------------------------------------------------------------------------------


def addresses() -> tuple[tuple[Rule, UrlPattern], ...]:
    found = []
    for rule in pack("payments").rules:
        matchers = [m for any_of in rule.any for m in (any_of.matchers if isinstance(any_of, AllOf) else (any_of,))]
        for matcher in matchers:
            if matcher.attribute is Attribute.URL:
                found += [(rule, parse_pattern(written)) for written in matcher.patterns]
    return tuple(found)


ADDRESSES = addresses()


def example(pattern: UrlPattern, host: str, scheme: str = "https") -> str:
    """An address that the pattern fits, but for its host."""
    fragment = f"#{pattern.fragment.replace('*', 'anything&')}" if pattern.fragment else ""
    return f"{scheme}://{host}{pattern.path.replace('*', 'anything/') or '/'}{fragment}"


def test_every_address_is_of_a_host_and_of_any_scheme() -> None:
    assert [pattern for _, pattern in ADDRESSES if not pattern.host or pattern.scheme or pattern.query] == []
    assert [pattern.host for _, pattern in ADDRESSES if "." not in pattern.host] == []


def test_no_address_stands_there_twice() -> None:
    patterns = [pattern for _, pattern in ADDRESSES]
    assert len(patterns) == len(set(patterns)) > 100


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_every_address_closes_as_a_page_and_as_a_frame(scheme: str) -> None:
    for (rule, pattern), subdomain in product(ADDRESSES, ("", "www.", "a.b-2.")):
        url = example(pattern, subdomain + pattern.host, scheme)
        for page in (Page((url,)), Page((SHOP, url))):
            assert rule.id in {reason.id for reason in judged(page).screen}, url


def mutations(host: str) -> tuple[str, ...]:
    """Hosts of somebody else, which a comparison by substring would take for this one."""
    name, _, tld = host.rpartition(".")
    return (
        f"not{host}",
        f"my-{host}",
        f"{host}.example",
        f"{host}.evil.com.example",
        f"{name}.{tld}x",
        f"{name}-secure.{tld}x",
        f"{name}.example",
        f"{host.replace('.', '-')}.example",
        f"{host[:-1]}",
    )


def test_a_host_that_looks_alike_closes_nothing() -> None:
    for _, pattern in ADDRESSES:
        for host in mutations(pattern.host):
            url = example(pattern, host)
            assert judged(Page((url,)), Page((SHOP, url))) == Verdict(), url


LABEL = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)


@given(st.sampled_from([pattern for _, pattern in ADDRESSES]), LABEL, LABEL)
def test_a_host_is_not_one_that_it_begins_or_ends(pattern: UrlPattern, before: str, after: str) -> None:
    for host in (f"{before}{pattern.host}", f"{before}-{pattern.host}", f"{pattern.host}.{after}.example"):
        assert judged(Page((SHOP, example(pattern, host)))) == Verdict()


@given(st.sampled_from([pattern for _, pattern in ADDRESSES]))
def test_an_address_inside_another_ones_path_query_or_fragment_closes_nothing(pattern: UrlPattern) -> None:
    inner = example(pattern, pattern.host).removeprefix("https://")
    pages = [Page((f"https://news.example/{sign}{inner}",)) for sign in ("", "?to=https://", "#https://", "r/https://")]
    assert judged(*pages) == Verdict()


def test_every_address_says_where_it_comes_from() -> None:
    source: bool = False
    without = []
    in_comment = False
    for number, line in enumerate((ROOT / "payments" / "payments.yaml").read_text().splitlines(), start=1):
        text = line.strip()
        says = any(word in line.partition("#")[2] for word in ("doc:", "seen", "unverified"))
        if text.startswith("#"):
            source = says or (in_comment and source)
        elif text.startswith("- url:") and not (source or says):
            without.append(f"payments.yaml:{number}")
        in_comment = text.startswith("#")
    assert without == []


def test_the_pack_asks_for_nothing_that_a_window_alone_could_answer() -> None:
    asked = {attribute for rule in pack("payments").rules for any_of in rule.any for attribute in attributes(any_of)}
    assert asked == {Attribute.URL, Attribute.FIELD, Attribute.CSS}
