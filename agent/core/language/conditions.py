"""Reads what a rule looks at: app, title, url, field, css, and `all:` of them; and the ids of extensions."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Final
from urllib.parse import quote

from agent.core.language.keys import (
    ALLOWED,
    AUTOFILL,
    CHROMIUM_EXTENSION,
    CONDITION,
    FIREFOX_EXTENSION,
    MATCHERS,
    UNSEEN,
)
from agent.core.language.selectors import first_open
from agent.core.matching.match import PAGE_ATTRIBUTES, WINDOW_ATTRIBUTES, attributes
from agent.core.matching.text import fold, fold_app
from agent.core.matching.url import BadPatternError, parse_pattern
from agent.core.model.rules import AllOf, Attribute, Condition, Matcher
from protocol.language.characters import first_odd, name_of, of_regular_expressions
from protocol.language.keys import Keys
from protocol.language.marks import Mark, Node, Scalar
from protocol.language.reading import Reading, quoted

# Characters of a word that is looked for. Some checks below take the square of it, and would hang on a longer one.
LONGEST_PATTERN: Final = 2000


def read_conditions(reading: Reading, node: Node, name: str) -> tuple[Condition, ...]:
    """The entries under `any:` or `unless:`."""
    return tuple(
        condition
        for item in reading.items(node, name, "conditions")
        for condition in _read_condition(reading, item, f"an entry of {name}", CONDITION, MATCHERS)
    )


def read_allowed(reading: Reading, node: Node) -> tuple[Condition, ...]:
    """None or one: an entry of `allow`."""
    return _read_condition(reading, node, "an entry of allow", ALLOWED, UNSEEN)


def _read_condition(reading: Reading, node: Node, what: str, keys: Keys, within: Keys) -> tuple[Condition, ...]:
    """None or one. `within`: the keys that may stand in an `all`."""
    entry = reading.one_entry(node, keys, what)
    if entry is None:
        return ()
    key, mark, value = entry
    if key != "all":
        return _read_patterns(reading, Attribute(key), mark, value)
    matchers = tuple(
        matcher
        for item in reading.items(value, key, "conditions")
        for matcher in read_matcher(reading, item, within, "an entry of all")
    )
    looked_at = attributes(AllOf(matchers))
    if looked_at & WINDOW_ATTRIBUTES and looked_at & PAGE_ATTRIBUTES:
        reading.wrong(
            mark,
            "all mixes app or title, which windows have, with url, field or css, which pages have: no one thing has "
            "both, write two rules or leave one out",
        )
    return (AllOf(matchers),) if matchers else ()


def read_matcher(reading: Reading, node: Node, keys: Keys, what: str) -> tuple[Matcher, ...]:
    """None or one; `keys`: those of the matchers that may stand here."""
    entry = reading.one_entry(node, keys, what)
    if entry is None:
        return ()
    key, mark, value = entry
    return _read_patterns(reading, Attribute(key), mark, value)


_EXTENSION_IDS: Final = (
    '32 letters from a to p (Chromium, Chrome, Edge), or as Firefox lists it: "name@maker", or "{…}" in quotes'
)


def read_extension(reading: Reading, node: Node) -> tuple[Matcher, ...]:
    """None or one: an entry of `allow_extensions`."""
    before = len(reading.mistakes)
    written = reading.text(node, "an entry of allow_extensions")
    if len(reading.mistakes) > before:
        return ()
    if not re.fullmatch(f"{CHROMIUM_EXTENSION}|{FIREFOX_EXTENSION}", written):
        # An address of a store or of an extension's own page has the id in it.
        inside = re.search(rf"(?<![a-z]){CHROMIUM_EXTENSION}(?![a-z])", written.lower())
        meant = inside[0] if inside else _EXTENSION_IDS
        reading.wrong(node.mark, f"allow_extensions names ids, not {quoted(written)}, write {meant}")
        return ()
    return (Matcher(Attribute.EXTENSION, (written,), str(node.mark), (str(node.mark),)),)


def _read_patterns(reading: Reading, attribute: Attribute, mark: Mark, node: Node) -> tuple[Matcher, ...]:
    words = reading.texts(node, attribute.value)
    for word in words:
        if len(word.text) > LONGEST_PATTERN:
            length = f"it has {len(word.text)} characters, and an entry {LONGEST_PATTERN} at most, shorten it"
            reading.wrong(word.mark, f"{attribute.value} cannot be {quoted(word.text)}: {length}")
        else:
            _CHECKS[attribute](reading, word)
    patterns, places = tuple(word.text for word in words), tuple(str(word.mark) for word in words)
    return (Matcher(attribute, patterns, str(mark), places),) if words else ()


# -- patterns -----------------------------------------------------------------------------------------------------


def _is_regular_expression(reading: Reading, attribute: Attribute, word: Scalar) -> bool:
    piece = of_regular_expressions(word.text)
    if piece is None and attribute is Attribute.APP and word.text.endswith(".*"):
        piece = ".*"
    if piece is None:
        return False
    itself = "%-escapes as in the address" if attribute is Attribute.URL else "? for a character that is really there"
    reading.wrong(
        word.mark,
        f"{attribute.value} cannot be {quoted(word.text)}: {piece} belongs to a regular expression, which this is not, "
        f"write * for any characters, an entry for each alternative, or {itself}",
    )
    return True


def _check_app(reading: Reading, word: Scalar) -> None:
    if _is_regular_expression(reading, Attribute.APP, word):
        return
    if "/" in word.text or "\\" in word.text:
        name = word.text.replace("\\", "/").rpartition("/")[2]
        meant = f"write {name}" if name else "leave the folder out"
        reading.wrong(word.mark, f"app is a process name without its folder, not {quoted(word.text)}, {meant}")
    elif not fold_app(word.text):
        reading.wrong(word.mark, f"app cannot be {quoted(word.text)}, write a process name")


def _check_title(reading: Reading, word: Scalar) -> None:
    if _is_regular_expression(reading, Attribute.TITLE, word):
        return
    if not fold(word.text):
        reading.wrong(word.mark, "title has only invisible characters, write what stands in the title")


def _check_url(reading: Reading, word: Scalar) -> None:
    if _is_regular_expression(reading, Attribute.URL, word):
        return
    place = first_odd(word.text)
    if place is not None:
        odd = word.text[place]
        reading.wrong(
            word.mark,
            f"character {place + 1} of this url is {name_of(odd)}, and addresses have none as such, delete it, or "
            f"write the plain one, or {quote(odd)} where the address has that",
        )
        return
    try:
        parse_pattern(word.text)
    except BadPatternError as problem:
        reading.wrong(word.mark, f"url cannot be {quoted(word.text)}: {problem}")


def check_field(reading: Reading, word: Scalar) -> None:
    if word.text not in AUTOFILL:
        close = get_close_matches(word.text.lower(), AUTOFILL, n=1)
        meant = f"did you mean {close[0]}?" if close else "write an HTML autofill name such as cc-number or cc-csc"
        reading.wrong(word.mark, f"field cannot be {quoted(word.text)}, {meant}")


def _check_css(reading: Reading, word: Scalar) -> None:
    """Only a browser knows every selector; what is cut off is seen here."""
    if (problem := first_open(word.text)) is not None:
        place, what = problem
        reading.wrong(word.mark, f"css cannot be {quoted(word.text)}, {what} (character {place + 1})")


_CHECKS: Final[dict[Attribute, Callable[[Reading, Scalar], None]]] = {
    Attribute.APP: _check_app,
    Attribute.TITLE: _check_title,
    Attribute.URL: _check_url,
    Attribute.FIELD: check_field,
    Attribute.CSS: _check_css,
}
