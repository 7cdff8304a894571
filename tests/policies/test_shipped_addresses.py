"""Every address in the shipped packs: what it closes for, what only looks like it, and where it comes from."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.matching.decide import Verdict, decide
from agent.core.matching.match import PageSight, any_of
from agent.core.matching.ternary import Ternary
from agent.core.matching.url import UrlPattern, parse_pattern
from agent.core.model.rules import Attribute, Matcher, Rule
from agent.core.model.seen import Page, Scene
from tests.policies.shipped import ALL, FOR_USE, ROOT, SHOP, judged, matchers, pack

Address = tuple[str, Rule, UrlPattern]  # the pack that has it, the rule, the pattern


@cache
def addresses() -> tuple[Address, ...]:
    """Read by who asks: each of a run's workers imports this file."""
    return tuple(
        (name, rule, parse_pattern(written))
        for name in FOR_USE
        for rule in pack(name).rules
        for matcher in matchers(rule)
        if matcher.attribute is Attribute.URL
        for written in matcher.patterns
    )


def of_a_host() -> list[Address]:
    return [address for address in addresses() if address[2].host and not address[2].scheme]


def of_any_host() -> list[Address]:
    return [address for address in addresses() if not address[2].host and not address[2].scheme]


def example(pattern: UrlPattern, host: str, scheme: str = "https") -> str:
    """An address that the pattern fits, but for its host."""
    fragment = f"#{pattern.fragment.replace('*', 'anything&')}" if pattern.fragment else ""
    query = "?" + "&".join(token.replace("*", "anything") for token in sorted(pattern.query)) if pattern.query else ""
    return f"{scheme}://{host}{pattern.path.replace('*', 'anything/') or '/'}{query}{fragment}"


def closed_by(page: Page, by: str) -> set[str]:
    return {reason.id for reason in judged(page, by=by).screen}


def excused(rule: Rule, page: Page) -> bool:
    return any_of(rule.unless, PageSight.of(page).own_address_only()) is Ternary.YES


def test_every_address_is_of_a_host_of_a_path_or_of_a_browser() -> None:
    browsers = {"chrome", "edge", "about", "chrome-extension"}
    assert {pattern.scheme for _, _, pattern in addresses()} == {None, *browsers}
    assert {name for name, _, pattern in addresses() if pattern.query} == {"crm"}  # an entity of Dynamics 365
    assert [pattern.host for _, _, pattern in of_a_host() if "." not in pattern.host] == []
    assert {name for name, _, _ in of_any_host()} == {"medical-records", "banking", "hr", "webmail", "sap"}


def test_no_address_stands_there_twice() -> None:
    patterns = [pattern for _, _, pattern in addresses()]
    assert len(patterns) == len(set(patterns)) > 300


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_every_address_of_a_host_closes_as_a_page_and_as_a_frame(scheme: str) -> None:
    for (name, rule, pattern), subdomain in product(of_a_host(), ("", "www.", "a.b-2.")):
        url = example(pattern, subdomain + pattern.host, scheme)
        assert rule.id in closed_by(Page((url,)), by=name) or excused(rule, Page((url,))), url
        assert rule.id in closed_by(Page((SHOP, url)), by=name), url


def test_every_address_of_a_path_closes_on_any_host() -> None:
    for (name, rule, pattern), host in product(of_any_host(), ("emr.example", "10.0.0.7", "[fd00::7]", "localhost")):
        url = example(pattern, host)
        for page in (Page((url,)), Page((SHOP, url))):
            assert rule.id in closed_by(page, by=name), url


def test_every_address_of_a_browser_closes_also_where_such_pages_are_let_pass() -> None:
    """A person who lets all of chrome: pass excuses from Eyelid's own rules, never from the pack's."""
    careless = replace(pack("passwords"), allow_unseen=(Matcher(Attribute.URL, ("chrome:*", "edge:*", "about:*")),))
    for _, rule, pattern in (address for address in addresses() if address[2].scheme):
        colon = ":" if pattern.scheme == "about" else "://"
        page = Page((f"{pattern.scheme}{colon}{pattern.host}{pattern.path}",), unread=True)
        assert rule.id in {reason.id for reason in decide(careless, Scene(pages=(page,))).screen}, page


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


@pytest.mark.slow(reason="every host of the shipped policies, in every way that looks like it")
def test_a_host_that_looks_alike_closes_nothing() -> None:
    for name, _, pattern in of_a_host():
        for host in mutations(pattern.host):
            url = example(pattern, host)
            assert judged(Page((url,)), Page((SHOP, url)), by=name) == Verdict(), url


def test_a_path_that_stands_further_behind_closes_nothing() -> None:
    for _, _, pattern in of_any_host():
        for before in ("/blog", "/2026/11", "/de/hilfe"):
            url = example(pattern, f"news.example{before}")
            assert judged(Page((url,)), Page((SHOP, url)), by=ALL) == Verdict(), url


LABEL = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)


@pytest.mark.slow(reason="each example is judged by the rules of all packs together")
@given(st.deferred(lambda: st.sampled_from([pattern for _, _, pattern in of_a_host()])), LABEL, LABEL)
def test_a_host_is_not_one_that_it_begins_or_ends(pattern: UrlPattern, before: str, after: str) -> None:
    for host in (f"{before}{pattern.host}", f"{before}-{pattern.host}", f"{pattern.host}.{after}.example"):
        assert judged(Page((SHOP, example(pattern, host))), by=ALL) == Verdict()


@given(st.deferred(lambda: st.sampled_from([pattern for _, _, pattern in (*of_a_host(), *of_any_host())])))
def test_an_address_inside_another_ones_path_query_or_fragment_closes_nothing(pattern: UrlPattern) -> None:
    inner = example(pattern, pattern.host or "emr.example").removeprefix("https://")
    pages = [Page((f"https://news.example/{sign}{inner}",)) for sign in ("", "?to=https://", "#https://", "r/https://")]
    assert judged(*pages, by=ALL) == Verdict()


# -- where entries come from --------------------------------------------------------------------------------------

NAMED = re.compile(r"- (url|app|title): ")


def says_where_from(comment: str, abbreviations: set[str]) -> bool:
    """`doc:` with an address or what the file calls one; `seen`, `unverified`. Nothing else is a source."""
    if re.search(r"\b(seen|unverified)\b", comment):
        return True
    documented = re.search(r"\bdoc: ([\w.-]+)", comment)
    return documented is not None and (
        re.search(r"\w\.\w", documented[1]) is not None or documented[1] in abbreviations
    )


def without_source(text: str) -> list[int]:
    """The numbers of lines with an entry that neither its own comment nor the block right above explains."""
    abbreviations = set(re.findall(r"(?m)^# doc: (\w+) means \S+\.\S+", text))
    rules = text.partition("\nrules:\n")[2].partition("\ntests:\n")[0]
    first = text[: text.index("\nrules:\n")].count("\n") + 3
    source = in_comment = False
    found = []
    for number, line in enumerate(rules.splitlines(), start=first):
        says = says_where_from(line.partition("#")[2], abbreviations)
        if line.strip().startswith("#"):
            source = says or (in_comment and source)
        elif NAMED.match(line.strip()) and not (source or says):
            found.append(number)
        in_comment = line.strip().startswith("#")
    return found


@pytest.mark.parametrize("name", FOR_USE)
def test_every_entry_says_where_it_comes_from(name: str) -> None:
    files = {path.name: path.read_text("utf-8") for path in (ROOT / name).glob("*.yaml") if path.name != "policy.yaml"}
    missing = {file: without_source(text) for file, text in files.items()}
    assert [file for file in missing if missing[file]] == [], missing


@pytest.mark.parametrize(
    ("entry", "sourced"),
    [
        ("- url: [a.example] # seen: A", True),
        ("- url: [a.example] # unverified", True),
        ("- url: [a.example] # doc: docs.a.example/csp", True),
        ("- url: [a.example] # doc: somewhere", False),
        ("- url: [a.example] # unseen", False),
        ("- url: [a.example]", False),
        ("- app: [a]", False),
        ("# seen\n      - app: [a]", True),
        ("# seen\n      - app: [b]\n      # others\n      - app: [a]", False),
    ],
)
def test_an_entry_without_a_source_is_found(entry: str, sourced: bool) -> None:
    assert (without_source(f"schema: 1\n\nrules:\n  - id: a\n      {entry}\n\ntests:\n") == []) is sourced
