"""URL patterns: Chrome's URLBlocklist syntax and our additions; a miss would record what it should not."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.core.matching.address import read_address
from agent.core.matching.ternary import Ternary
from agent.core.matching.url import BadPatternError, parse_pattern, url_patterns
from agent.core.model.seen import Blind


def ternary(pattern: str, url: str) -> Ternary:
    return parse_pattern(pattern).fits(read_address(url))


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        # a host covers its subdomains, whatever the scheme and the port
        ("stripe.com", "https://stripe.com/"),
        ("stripe.com", "http://js.stripe.com:8080/v3/"),
        ("stripe.com", "https://a.b.STRIPE.com./"),
        ("Stripe.COM.", "https://js.stripe.com/"),
        ("stripe.com/", "https://js.stripe.com/v3"),
        ("com", "https://stripe.com/"),
        ("intranet", "http://intranet/pay"),
        (".stripe.com", "https://stripe.com/"),
        ("müller.example", "https://shop.xn--mller-kva.example/"),
        ("xn--mller-kva.example", "https://müller.example/"),
        ("user@stripe.com", "https://stripe.com/"),
        ("https://user:pass@stripe.com", "https://stripe.com/"),
        ("127.0.0.1", "http://127.1:3000/"),
        ("[::1]:3000", "http://[0::1]:3000/"),
        ("*", "https://anything.example/"),
        ("*", "chrome://settings/"),
        # scheme and port where they are given
        ("https://stripe.com", "https://stripe.com/"),
        ("https://*", "https://anything.example/"),
        ("https://*/pay", "https://anything.example/pay"),
        ("localhost:8080", "http://localhost:8080/"),
        ("localhost:8080/pay", "http://localhost:8080/pay"),
        ("stripe.com:443", "https://stripe.com/"),
        ("chrome://newtab", "chrome://newtab/"),
        ("chrome:*", "chrome://settings/"),
        ("mailto:*", "mailto:x@example.com"),
        ("file://*", "file:///home/x"),
        ("file:///home/x", "file:///home/x/card.pdf"),
        # a path is a prefix, and * in it is anything
        ("example.com/pay", "https://example.com/PAY"),
        ("example.com/pay", "https://example.com/payment"),
        ("example.com/pay", "https://example.com/pay/1?x#y"),
        ("example.com/pay/", "https://example.com/pay"),
        ("example.com/pay/", "https://example.com/pay/1"),
        (r"example.com\pay", "https://example.com/pay"),
        ("example.com/%70ay", "https://example.com/pay"),
        ("example.com//pay", "https://example.com/pay"),
        ("example.com/*/checkout", "https://example.com/en/shop/checkout/2"),
        ("example.com/a*b*c", "https://example.com/a-b-c-d"),
        ("example.com/*/", "https://example.com/en"),
        ("*/checkout", "https://anything.example/checkout"),
        ("example.com/zahlung/ü", "https://example.com/zahlung/%C3%9C"),
        # query tokens in any order
        ("example.com/?step=pay", "https://example.com/x?lang=en&step=pay"),
        ("example.com?step=pay&lang=en", "https://example.com/?lang=en&x&step=pay"),
        ("example.com?step=*", "https://example.com/?lang=en&step=pay"),
        ("example.com?debug", "https://example.com/?debug"),
        # a fragment counts
        ("example.com/#/pay", "https://example.com/#/pay/1"),
        ("example.com#/pay", "https://example.com/app#/Pay"),
        ("example.com/#/*/pay", "https://example.com/#/en/pay?x"),
        ("example.com/#!/a?b", "https://example.com/#!/a?bc"),
        ("example.com/#*pay", "https://example.com/#pay"),
        # wrappers
        ("stripe.com", "view-source:https://stripe.com/x"),
        ("stripe.com", "blob:https://stripe.com/0a1b"),
        ("view-source:https://stripe.com", "https://stripe.com"),
        # what has no address of its own
        ("about:blank", "about:blank"),
        ("about:*", "about:srcdoc"),
        ("about://*", "about:blank"),
        ("about://blank", "about:blank"),
        ("data:*", "data:text/html,x"),
        ("about:blank#x", "about:blank"),
    ],
)
def test_what_fits(pattern: str, url: str) -> None:
    assert ternary(pattern, url) is Ternary.YES


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("stripe.com", "https://notstripe.com/"),
        ("stripe.com", "https://stripe.com.evil.example/"),
        ("stripe.com", "https://evil.example/stripe.com"),
        ("stripe.com", "https://evil.example/?u=https://stripe.com"),
        ("stripe.com", "https://stripe.com@evil.example/"),
        (".stripe.com", "https://js.stripe.com/"),
        ("127.0.0.1", "http://10.127.0.0.1.example/"),
        ("https://stripe.com", "http://stripe.com/"),
        ("localhost:8080", "http://localhost:8081/"),
        ("stripe.com:443", "http://stripe.com/"),
        ("chrome:*", "https://example.com/"),
        ("example.com/pay", "https://example.com/shop/pay"),
        ("example.com/pay/", "https://example.com/payment"),
        ("example.com/pay/!", "https://example.com/pay"),
        ("example.com/*/", "https://example.com/"),  # nothing stands where something has to
        ("example.com/a*b*c", "https://example.com/a-c-b"),
        ("example.com/a*b*b", "https://example.com/a-b"),
        ("example.com?step=pay", "https://example.com/?step=payment"),
        ("example.com?step=pay&x", "https://example.com/?step=pay"),
        ("example.com?ste*", "https://example.com/?x=step"),
        ("example.com?step=*", "https://example.com/?steps=1"),
        ("example.com/#/pay", "https://example.com/pay"),
        ("example.com/#/pay", "https://example.com/#/shop"),
        ("about:blank", "about:srcdoc"),
        ("about://blank", "about:srcdoc"),
        ("about:blank", "data:text/html,x"),
    ],
)
def test_what_does_not_fit(pattern: str, url: str) -> None:
    assert ternary(pattern, url) is Ternary.NO


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("stripe.com", ""),
        ("*", "https://exa mple.com"),
        ("stripe.com", "about:blank"),  # another window may have written anything into it
        ("https://stripe.com", "data:text/html,x"),
        ("example.com/pay", "blob:https://example.com/0a1b"),  # a blob says who made it, not on which page
        ("example.com?pay", "blob:https://example.com/0a1b"),
        ("example.com#pay", "blob:https://example.com/0a1b"),
    ],
)
def test_what_cannot_be_judged(pattern: str, url: str) -> None:
    assert ternary(pattern, url) is Ternary.DOUBT


def test_a_blob_of_another_host_is_no_doubt() -> None:
    assert ternary("example.com/pay", "blob:https://example.org/0a1b") is Ternary.NO


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("exam ple.com", "it has a space in it; an address writes one as %20"),
        ("", "it has no host; for a path on every host write */path"),
        ("/pay", "it has no host; for a path on every host write */path"),
        ("https://", "it has no host; for a path on every host write */path"),
        ("...", "it has no host; for a path on every host write */path"),
        ("*.example.com", "a host covers its subdomains by itself; write example.com"),
        ("https://*.example.com", "a host covers its subdomains by itself; write example.com"),
        ("pay*.example.com", "a host has no * inside it; write the whole host, or * alone for every host"),
        ("http*://example.com", "its scheme is not one; leave it out to match every scheme"),
        ("example.com:http", "http is not a port from 0 to 65535"),
        ("a..b.example", "its host has two dots in a row"),
        ("chrome:settings", "after chrome: comes //, or * for all of that scheme, or a port number"),
        ("example.com/#", "nothing follows its #; leave that out"),
        ("example.com?", "nothing follows its ?; leave that out"),
        ("exa<mple.com", "a sign in the host cannot stand there"),
        ("1.2.3.999", "it is not an IPv4 address"),
    ],
)
def test_what_is_no_pattern(pattern: str, problem: str) -> None:
    with pytest.raises(BadPatternError) as caught:
        parse_pattern(pattern)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("pattern", "same"),
    [
        ("chrome:*", "chrome://*"),
        ("about:*", "about://*"),
        ("Chrome:*", "chrome:*"),
        ("HTTPS://stripe.com", "https://stripe.com"),
        ("Stripe.com.", "stripe.com"),
        ("stripe.com/", "stripe.com"),
        ("user@stripe.com", "stripe.com"),
        ("view-source:https://stripe.com", "https://stripe.com"),
    ],
)
def test_two_ways_to_write_one_pattern(pattern: str, same: str) -> None:
    assert parse_pattern(pattern) == parse_pattern(same)


def test_patterns_are_read_once() -> None:
    assert url_patterns(("a.example",)) is url_patterns(("a.example",))


LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
HOST = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


@st.composite
def spelled(draw: st.DrawFn, host: str) -> str:
    """An address of the host, in one of the many ways to write it."""
    signs = [draw(st.sampled_from((sign, sign.upper(), f"%{ord(sign):02x}"))) for sign in host]
    scheme = draw(st.sampled_from(("http://", "https://", "HTTPS:////", "https:\\\\", "view-source:http://")))
    user = draw(st.sampled_from(("", "user@", "user:stripe.com@")))
    below = draw(st.sampled_from(("", "www.", "a.b.")))
    dot = draw(st.sampled_from(("", ".")))
    port = draw(st.sampled_from(("", ":", ":8443")))
    return f"{scheme}{user}{below}{''.join(signs)}{dot}{port}{draw(st.sampled_from(('', '/', '/x?y#z')))}"


@given(st.data(), HOST)
def test_a_host_matches_every_spelling_of_itself(data: st.DataObject, host: str) -> None:
    assert ternary(host, data.draw(spelled(host))) is Ternary.YES


@given(HOST, HOST)
def test_a_host_matches_nothing_but_itself_and_what_is_below_it(host: str, other: str) -> None:
    assume(other != host and not other.endswith("." + host))
    assert ternary(host, f"https://{other}/{host}?{host}#{host}") is Ternary.NO


@given(st.text())
def test_any_pattern_is_understood_or_explained(text: str) -> None:
    try:
        pattern = parse_pattern(text)
    except BadPatternError:
        return
    assert pattern.fits(Blind.NO_ADDRESS) is Ternary.DOUBT
