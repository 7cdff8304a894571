"""One spelling for every address: what a browser would open as the same page is the same here."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.core.matching.address import (
    Address,
    BadAddressError,
    parse_address,
    read_address,
    spell,
    spell_host,
    spell_path,
)
from agent.core.model.seen import Blind

PAY = parse_address("https://pay.example.com/pay")


@pytest.mark.parametrize(
    "url",
    [
        "https://pay.example.com/pay",
        "HTTPS://PAY.Example.COM/Pay",
        "https://pay.example.com./pay",
        "https://pay.example.com..:443/pay",
        "https://pay.example.com:443/pay",
        "https://pay.example.com:/pay",
        "https://user:p%40ss@pay.example.com/pay",
        "https://a@b@pay.example.com/pay",
        "https://pay.example.com/%70ay",
        "https://pay.example.com/%50AY",
        "https://pay.example.com//pay",
        "https://pay.example.com/./x/../pay",
        "https://pay.example.com/%2e%2E/pay",
        "https://pay.example.com/../../pay",
        "https://p%61y.example.com/pay",
        "https://pay\u3002example\uff0ecom/pay",
        "https://\uff50\uff41\uff59.example.com/pay",
        r"https:\\pay.example.com\pay",
        "https:pay.example.com/pay",
        "https:////pay.example.com/pay",
        "  https://pay.example.com/pay\x00",
        "ht\ntps://pay.exa\tmple.com/p\ray",
        "view-source:https://pay.example.com/pay",
        "View-Source:view-source:https://pay.example.com/pay",
    ],
)
def test_spellings_of_one_page(url: str) -> None:
    assert parse_address(url) == PAY


@pytest.mark.parametrize(
    "url",
    [
        "https://!pay.example.com/pay",
        "https://pay.example.com!/pay",
        "https://pay.example.com/pay!",
        "https://pay.example.com/p.ay",
        "https://pay.example.com/pay/",
        "https://pay.example.com/pay#!",
        "https://pay.example.com:65535/pay",
        "ftp://pay.example.com:443/pay",
    ],
)
def test_another_page_has_another_address(url: str) -> None:
    assert parse_address(url) != PAY


@pytest.mark.parametrize(
    ("scheme", "port"), [("ftp", 21), ("http", 80), ("https", 443), ("ws", 80), ("wss", 443)]
)  # WHATWG URL, special schemes
def test_a_scheme_of_the_web_has_a_port_of_its_own(scheme: str, port: int) -> None:
    assert parse_address(f"{scheme}:pay.example.com/pay") == Address(scheme, "pay.example.com", port, "/pay")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://example.com", Address("http", "example.com", 80, "/")),
        ("ws://example.com:81/a/", Address("ws", "example.com", 81, "/a/")),
        ("https://example.com/a/..", Address("https", "example.com", 443, "/")),
        ("https://example.com/a/.", Address("https", "example.com", 443, "/a/")),
        ("https://example.com/a/b/..", Address("https", "example.com", 443, "/a/")),
        (
            "https://example.com/a?b=1&c&&b=1#/Pay?x",
            Address("https", "example.com", 443, "/a", frozenset({"b=1", "c"}), "/pay?x"),
        ),
        ("https://example.com/#%2Fpay", Address("https", "example.com", 443, "/", fragment="%2fpay")),
        ("https://example.com/a%2Fb%zz%25", Address("https", "example.com", 443, "/a%2fb%25zz%25")),
        ("https://example.com/%C3%9Cber%FF", Address("https", "example.com", 443, "/über%ff")),
        ("https://example.com/%41%2d%2E%5f%7E%21", Address("https", "example.com", 443, "/a-._~%21")),
        ("https://example.com/%7f%80%C3%28", Address("https", "example.com", 443, "/%7f%80%c3%28")),
        ("https://example.com/a b|c", Address("https", "example.com", 443, "/a%20b%7cc")),
        ("https://müller.example/", Address("https", "xn--mller-kva.example", 443, "/")),
        ("https://faß.example/", Address("https", "xn--fa-hia.example", 443, "/")),
        ("https://a_b.müller.example/", Address("https", "a_b.xn--mller-kva.example", 443, "/")),
        ("https://a%21b.example/", Address("https", "a!b.example", 443, "/")),
        ("https://1.example.com/", Address("https", "1.example.com", 443, "/")),
        ("https://1.2.3.4/", Address("https", "1.2.3.4", 443, "/")),
        ("https://255.255.255.255/", Address("https", "255.255.255.255", 443, "/")),
        ("https://0.0.1.0/", Address("https", "0.0.1.0", 443, "/")),
        ("https://127.0.0.0x1/", Address("https", "127.0.0.1", 443, "/")),
        ("https://127.1/", Address("https", "127.0.0.1", 443, "/")),
        ("https://0x7f.0.0.1./", Address("https", "127.0.0.1", 443, "/")),
        ("https://017700000001/", Address("https", "127.0.0.1", 443, "/")),
        ("https://1/", Address("https", "0.0.0.1", 443, "/")),
        ("https://0x.1/", Address("https", "0.0.0.1", 443, "/")),
        ("https://[::0001]:8443/", Address("https", "[::1]", 8443, "/")),
        ("https://[fe80::1%25eth0]/", Address("https", "[fe80::1]", 443, "/")),
        ("chrome://newtab/", Address("chrome", "newtab", None, "/")),
        ("chrome-extension://abcdef/x.html", Address("chrome-extension", "abcdef", None, "/x.html")),
        ("file:///home/x/Card.pdf", Address("file", "", None, "/home/x/card.pdf")),
        (r"file:C:\card.pdf", Address("file", "", None, "/c:/card.pdf")),
        ("mailto:jane@example.com", Address("mailto", "", None, "/jane@example.com")),
        ("about:blank#x", Address("about", "", None, "blank")),
        ("data:text/html,<p>", Address("data", "", None, "text/html,<p>")),
        ("blob:null/9115d58c", Address("data", "", None, "")),
        (
            "blob:https://pay.example.com/9115d58c",
            Address("https", "pay.example.com", 443, "/9115d58c", pathless=True),
        ),
        (
            "filesystem:https://pay.example.com/temporary/x",
            Address("https", "pay.example.com", 443, "/temporary/x", pathless=True),
        ),
    ],
)
def test_addresses(url: str, address: Address) -> None:
    assert parse_address(url) == address
    assert read_address(url) == address


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "it has no scheme such as https://"),
        ("localhost", "it has no scheme such as https://"),
        ("pay.example.com/pay", "it has no scheme such as https://"),
        ("1https://example.com", "it has no scheme such as https://"),
        ("blob:9115d58c", "it has no scheme such as https://"),
        ("https://", "it has no host"),
        ("https://:443/", "it has no host"),
        ("https://example.com:65536/", "65536 is not a port from 0 to 65535"),
        ("https://example.com:x/", "x is not a port from 0 to 65535"),
        ("https://exa mple.com/", "a sign in the host cannot stand there"),
        ("https://exa%00mple.com/", "a sign in the host cannot stand there"),
        ("https://exa%ffmple.com/", "a sign in the host cannot stand there"),
        ("https://\U0001f4b3.example/", "the host is not an internationalised name; write it in its xn-- form"),
        ("https://256.0.0.1/", "it is not an IPv4 address"),
        ("https://1.2.256.1/", "it is not an IPv4 address"),
        ("https://1.2.3.256/", "it is not an IPv4 address"),
        ("https://1.2.3.4.0/", "it is not an IPv4 address"),
        ("https://1.2.3.4.5/", "it is not an IPv4 address"),
        ("https://a.1/", "it is not an IPv4 address"),
        ("https://08.1/", "it is not an IPv4 address"),
        ("https://4294967296/", "it is not an IPv4 address"),
        ("https://[::1/", "a sign in the host cannot stand there"),
        ("https://::1]/", "a sign in the host cannot stand there"),
        ("https://[::g]/", "it is not an IPv6 address between the brackets"),
    ],
)  # fmt: skip
def test_what_is_no_address_cannot_be_judged(url: str, problem: str) -> None:
    with pytest.raises(BadAddressError) as caught:
        parse_address(url)
    assert str(caught.value) == problem
    assert read_address(url) is Blind.NO_ADDRESS


def test_what_has_no_address_of_its_own() -> None:
    assert [
        parse_address(url).own for url in ("about:blank", "data:,x", "javascript:x", "https://a", "chrome://x")
    ] == [
        False,
        False,
        False,
        True,
        True,
    ]


@given(st.text())
@example("%%370ay")  # the first decoding must not make a second one possible
@example("/%2e./x")
@example("\u0345\u0345")
def test_spelling_twice_changes_nothing_more(text: str) -> None:
    assert spell(spell(text)) == spell(text)
    assert spell_path(spell_path(text)) == spell_path(text)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("a\x7f", "a%7f"),  # DEL, the last sign that no address has plain
        ("\x80", "\x80"),
        ("\ud800 b", "\ud800%20b"),  # half of a character, as a page's script can write one
    ],
)
def test_what_no_address_has_plain_is_encoded(text: str, spelled: str) -> None:
    assert spell(text) == spelled


@given(st.text())
def test_a_host_spelled_twice_is_the_same(text: str) -> None:
    try:
        host = spell_host(text)
    except BadAddressError:
        return
    assert spell_host(host) == host


@given(st.text())
def test_nothing_that_calls_itself_an_address_breaks_the_reader(text: str) -> None:
    for url in (text, f"https://{text}", f"blob:{text}", f"https://example.com/{text}"):
        assert isinstance(read_address(url), Address | Blind)
