"""Single patterns that nothing can ever fit, and those that fit nearly everything."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from agent.core.linting.products import processes_of
from agent.core.matching.address import WITHOUT_ADDRESS
from agent.core.matching.text import fold, fold_app
from agent.core.matching.url import UrlPattern, parse_pattern
from agent.core.model.rules import Attribute

# What a tab or a frame can have before its colon. Browsers have schemes of their own for their own pages.
SHOWN_SCHEMES: Final = frozenset({
    "http", "https", "file", "ftp", "about", "data", "blob", "javascript", "view-source", "filesystem", "chrome",
    "chrome-error", "chrome-extension", "chrome-untrusted", "chrome-search", "devtools", "edge", "extension",
    "moz-extension", "resource", "brave", "opera", "vivaldi", "isolated-app",
})  # fmt: skip
# Beside all of two letters: what a single word in a `url` is more likely to mean than a host of the own network.
LARGE_DOMAINS: Final = frozenset({
    "com", "net", "org", "info", "biz", "edu", "gov", "mil", "int", "app", "dev", "io", "cloud", "online", "shop",
    "site", "store", "tech", "health", "bank", "pro", "name", "mobi", "xyz",
})  # fmt: skip
SHARED_SECOND: Final = frozenset(
    {"co", "com", "net", "org", "gov", "edu", "ac", "go", "or", "ne", "gob", "govt", "nhs"}
)
COMMON_FIELDS: Final = frozenset({"name", "email", "url", "language"})
COMMON_ELEMENTS: Final = frozenset({
    "a", "body", "button", "div", "form", "head", "iframe", "img", "input", "label", "li", "p", "script", "select",
    "span", "style", "svg", "table", "textarea", "title", "ul",
})  # fmt: skip
# Quotes that word processors write for "" and '', in several languages.
OPENING: Final = "\u201c\u201e\u2018\u201a"
CLOSING: Final = "\u201c\u201d\u2018\u2019"
FEW_SIGNS: Final = 2  # a name or title of which no more is given fits much that was not meant


@dataclass(frozen=True, slots=True)
class Reach:
    """`what` it reaches, after "closes for"; `instead`: what to write."""

    what: str
    instead: str


# -- never --------------------------------------------------------------------------------------------------------


def never(attribute: Attribute, pattern: str) -> str:
    """Why nothing can ever fit the pattern, and what was meant; empty where something can."""
    if re.fullmatch(f"[{OPENING}].*[{CLOSING}]", pattern, re.DOTALL):
        bare = pattern[1:-1]
        return f"a word processor's quotes are part of the word to YAML, so that nothing fits, write '{bare}'"
    check = _NEVER.get(attribute)
    return "" if check is None else check(pattern)


def _never_app(pattern: str) -> str:
    if re.search(r"\.(lnk|app|desktop|msi|bat)$", fold(pattern)):
        return f"no process is called {pattern}: that is a file, write the name that `eyelid windows` shows"
    if processes := processes_of(pattern):
        return (
            f"no process is called {pattern}: that is a product, write its process, which may be {processes}: "
            "`eyelid windows` shows it"
        )
    if fold(pattern).startswith("www."):
        return f"no process is called {pattern}: that is an address, write url: instead of app:"
    return ""


def _never_title(pattern: str) -> str:
    if re.match(r"https?://|www\.", fold(pattern)):
        return "browsers do not write an address into the window's title, write url: instead of title:"
    return ""


def no_scheme(scheme: str) -> str:
    """Why no page can be of this scheme, and what was meant; empty where one can."""
    if scheme in SHOWN_SCHEMES:
        return ""
    close = get_close_matches(scheme, SHOWN_SCHEMES, n=1, cutoff=0.7)
    return f"no page's address begins with {scheme}:, {f'did you mean {close[0]}?' if close else 'leave it out'}"


def _never_url(pattern: str) -> str:
    url = parse_pattern(pattern)
    if url.scheme is not None and (problem := no_scheme(url.scheme)):
        return problem
    if any("*" in token[:-1] for token in url.query):
        return "a * counts only at the end of a part of the query, so that this one never fits, write ?name=begin*"
    if url.host.endswith(".invalid") or url.host == "invalid":
        return "no host is called so: .invalid is reserved for what does not exist, write the real address"
    return ""


_NEVER: Final[Mapping[Attribute, Callable[[str], str]]] = {
    Attribute.APP: _never_app,
    Attribute.TITLE: _never_title,
    Attribute.URL: _never_url,
}


# -- too wide -----------------------------------------------------------------------------------------------------


def too_wide(attribute: Attribute, pattern: str, *, opening: bool) -> Reach | None:
    """What the pattern reaches that can hardly be meant. `opening`: what fits it is let pass, not closed for."""
    return _WIDE[attribute](pattern, opening)


def _wide_app(pattern: str, _: bool) -> Reach | None:
    return _wide_text(fold_app(pattern), "program", "whose name", "name the programs")


def _wide_title(pattern: str, _: bool) -> Reach | None:
    return _wide_text(fold(pattern), "window", "in whose title", "write more of the title")


def _wide_text(folded: str, thing: str, whose: str, instead: str) -> Reach | None:
    given = re.sub(r"[*? ]", "", folded)
    if not given:
        return Reach(f"every {thing}", instead)
    if "*" in folded and len(given) <= FEW_SIGNS:
        has = "stands" if whose.startswith("in") else "has"
        return Reach(f'every {thing} {whose} {has} "{given}"', instead)
    return None


def _wide_url(pattern: str, opening: bool) -> Reach | None:
    url = parse_pattern(pattern)
    if url.scheme in WITHOUT_ADDRESS:
        return _wide_without_address(url) if opening else None
    narrowed = len(re.sub(r"[*/]", "", url.path + url.fragment)) > FEW_SIGNS or url.query
    if not url.host and not narrowed:
        return _wide_scheme(url, opening)
    if url.host and not narrowed and _is_shared(url.host):
        return Reach(f"every site whose address ends in .{url.host}", "write the whole host")
    return None


def _wide_scheme(url: UrlPattern, opening: bool) -> Reach | None:
    if url.scheme in (None, "http", "https"):
        return Reach("every page", "write the host")
    if opening and url.scheme == "file":
        return Reach("every file that a browser can show", "write the path of the one that is meant")
    if opening:
        return Reach(
            f"all of the browser's own pages, saved cards in its settings among them ({url.scheme}:)",
            f"write the one that is meant, such as {url.scheme}://newtab",
        )
    return None


def _wide_without_address(url: UrlPattern) -> Reach | None:
    """Harmless are only the browser's own pages that have a name, such as about:newtab."""
    if url.scheme == "about" and url.path not in ("", "blank", "srcdoc"):
        return None
    return Reach("what any other page can write itself into", "leave this out")


def _is_shared(host: str) -> bool:
    labels = host.split(".")
    if len(labels) == 1:
        return labels[0] in LARGE_DOMAINS or re.fullmatch("[a-z]{2}", labels[0]) is not None
    return len(labels) == 2 and labels[0] in SHARED_SECOND and len(labels[1]) == 2


def _wide_field(pattern: str, _: bool) -> Reach | None:
    if pattern not in COMMON_FIELDS:
        return None
    return Reach(f"every form that asks for {pattern}, most of them harmless", "name a field that only such forms have")


def _wide_css(pattern: str, _: bool) -> Reach | None:
    if pattern in {"*", ":root", "html"}:
        return Reach("every page", "name something that only such pages have")
    if pattern.lower() in COMMON_ELEMENTS:
        return Reach(f"every page with a <{pattern.lower()}>", 'name one of them: "#its-id" or ".its-class"')
    return None


_WIDE: Final[Mapping[Attribute, Callable[[str, bool], Reach | None]]] = {
    Attribute.APP: _wide_app,
    Attribute.TITLE: _wide_title,
    Attribute.URL: _wide_url,
    Attribute.FIELD: _wide_field,
    Attribute.CSS: _wide_css,
}
