"""The `url` patterns of a policy: Chrome's URLBlocklist filter format, which IT already writes, and a little more.

    [scheme://][.]host[:port][/path][?query][#fragment]

A host covers its subdomains unless a dot stands before it, `*` is any host, a path is a prefix, query tokens come in
any order and a `*` at a token's end makes it a prefix. Scheme and port are ignored unless given. More than Chrome's:
`*` in a path and in a fragment, a fragment that counts (hash routers), nothing that depends on case.
Source: https://www.chromium.org/administrators/url-blocklist-filter-format/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from agent.core.matching.address import (
    WITHOUT_ADDRESS,
    Address,
    BadAddressError,
    spell,
    spell_host,
    spell_path,
    spell_query,
    split_port,
    unwrap,
)
from agent.core.matching.ternary import Ternary, ternary
from agent.core.model.seen import Blind

_SCHEME_FIRST = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.IGNORECASE)
# `about:blank` or `mailto:*`, but not `localhost:8080`.
_SCHEME_ONLY = re.compile(r"([a-z][a-z0-9+-]*):(?!//|[0-9]+(?:[/?#]|$))(.*)", re.IGNORECASE)


class BadPatternError(ValueError):
    """Not a pattern of the format; says what is wrong and what may have been meant."""


@dataclass(frozen=True, slots=True)
class UrlPattern:
    """One pattern in the spelling of `Address`. None and the empty string ask for nothing."""

    scheme: str | None
    host: str
    exact: bool
    port: int | None
    path: str
    query: frozenset[str]
    fragment: str

    def fits(self, address: Address | Blind) -> Ternary:
        """DOUBT where the address cannot be judged, or where only its path cannot be known."""
        if isinstance(address, Blind):
            return Ternary.DOUBT
        if not address.own:
            return self._fits_without_address(address)
        if self.scheme not in (None, address.scheme) or not self._fits_host(address.host):
            return Ternary.NO
        if self.port not in (None, address.port):
            return Ternary.NO
        if address.pathless and (self.path or self.query or self.fragment):
            return Ternary.DOUBT
        return ternary(
            _begins(address.path if address.path.endswith("/") else address.path + "/", self.path)
            and all(_has_token(address.query, token) for token in self.query)
            and _begins(address.fragment, self.fragment)
        )

    def _fits_without_address(self, address: Address) -> Ternary:
        """What is shown there is unsaid, so that only a pattern of this very scheme answers with yes or no."""
        if self.scheme == address.scheme:
            return ternary(_begins(address.path, self.path))
        return Ternary.NO if self.scheme in WITHOUT_ADDRESS else Ternary.DOUBT

    def _fits_host(self, host: str) -> bool:
        if not self.host or host == self.host:
            return True
        return not self.exact and host.endswith("." + self.host)


def _begins(text: str, pattern: str) -> bool:
    """Whether the text begins with the pattern, in which `*` is any signs; each piece is taken where it comes first."""
    first, *pieces = pattern.split("*")
    if not text.startswith(first):
        return False
    at = len(first)
    for piece in pieces:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _has_token(tokens: frozenset[str], wanted: str) -> bool:
    if wanted.endswith("*"):
        return any(token.startswith(wanted[:-1]) for token in tokens)
    return wanted in tokens


@lru_cache(maxsize=4096)
def url_patterns(patterns: tuple[str, ...]) -> tuple[UrlPattern, ...]:
    """Raises BadPatternError; a parsed policy holds none that would."""
    return tuple(parse_pattern(pattern) for pattern in patterns)


def parse_pattern(pattern: str) -> UrlPattern:
    """Raises BadPatternError."""
    if re.search(r"\s", pattern):
        raise BadPatternError("it has a space in it; an address writes one as %20")
    bare, _ = unwrap(pattern)
    with_slashes = _SCHEME_FIRST.fullmatch(bare)
    if with_slashes and with_slashes[1].lower() in WITHOUT_ADDRESS:
        return _parse_scheme_only(with_slashes[1].lower(), with_slashes[2])
    if with_slashes:
        return _parse_rest(with_slashes[1].lower(), with_slashes[2])
    if scheme_only := _SCHEME_ONLY.fullmatch(bare):
        return _parse_scheme_only(scheme_only[1].lower(), scheme_only[2])
    if "://" in bare:
        raise BadPatternError("its scheme is not one; leave it out to match every scheme")
    return _parse_rest(None, bare)


def _parse_scheme_only(scheme: str, rest: str) -> UrlPattern:
    if rest != "*" and scheme not in WITHOUT_ADDRESS:
        raise BadPatternError(f"after {scheme}: comes //, or * for all of that scheme, or a port number")
    return UrlPattern(scheme, "", False, None, spell(rest.partition("#")[0]) if rest != "*" else "", frozenset(), "")


def _parse_rest(scheme: str | None, rest: str) -> UrlPattern:
    rest, hash_sign, fragment = rest.partition("#")
    rest, question_mark, query = rest.partition("?")
    if (hash_sign and not fragment) or (question_mark and not query):
        raise BadPatternError(f"nothing follows its {'#' if hash_sign and not fragment else '?'}; leave that out")
    authority, slash, path = rest.replace("\\", "/").partition("/")
    try:
        written, port = split_port(authority.rpartition("@")[2])
        host, exact = _parse_host(scheme, written)
    except BadAddressError as problem:
        raise BadPatternError(str(problem)) from None
    return UrlPattern(
        scheme,
        host,
        exact,
        port,
        spell_path(slash + path) if path else "",
        spell_query(query),
        spell(fragment),
    )


def _parse_host(scheme: str | None, written: str) -> tuple[str, bool]:
    """(host, whether it covers no subdomain). Raises BadPatternError, BadAddressError."""
    if written == "*" or (not written and scheme == "file"):
        return "", False
    if written.startswith("*."):
        raise BadPatternError(f"a host covers its subdomains by itself; write {written[2:][:60]}")
    if "*" in written:
        raise BadPatternError("a host has no * inside it; write the whole host, or * alone for every host")
    host = spell_host(written.removeprefix("."))
    if not host:
        raise BadPatternError("it has no host; for a path on every host write */path")
    if "" in host.split("."):
        raise BadPatternError("its host has two dots in a row")
    return host, written.startswith(".")
