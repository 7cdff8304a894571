"""A page's address in the one spelling that rules are compared with.

The same page has many spellings (`https://PAY.example.com.:443/%70ay`), and a rule that misses one of them fails open.
So both a rule and an address are brought here first. Follows the WHATWG URL standard where browsers do, and goes on
where comparing wants more: case, trailing dots, repeated slashes, wrappers.
"""

from __future__ import annotations

import re
import string
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

import idna

from agent.core.matching.text import fold_case
from agent.core.model.seen import Blind

DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
# Content that some page made up or was handed: no address of its own says what it shows.
WITHOUT_ADDRESS: Final = frozenset({"about", "data", "javascript"})

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE)
_WRAPPERS = re.compile(r"(?:view-source|blob|filesystem):", re.IGNORECASE)
_EDGES = "".join(map(chr, range(0x21)))  # control characters and space, which browsers strip at both ends
_FORBIDDEN_IN_HOST = re.compile(r"[\x00-\x20\x7f#%/:<>?@\[\\\]^|]")
_ESCAPED = re.compile(r"(?:%[0-9a-f]{2})+", re.IGNORECASE)
_LONE_PERCENT = re.compile(r"%(?![0-9a-f]{2})", re.IGNORECASE)
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")  # RFC 3986 2.3
_NEVER_PLAIN = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}]")  # no URI has them plain; browsers encode most of them
_NEVER_PLAIN_BYTES = bytes(code for code in range(0x80) if _NEVER_PLAIN.match(chr(code)))


class BadAddressError(ValueError):
    """Not an address that a browser could go to; says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address in its one spelling; a rule's pattern is brought to the same form.

    `host`: ASCII, lower case, without trailing dots; empty for schemes without one. `port`: the scheme's own where none
    is given, None where there is none. `path`, `query` and `fragment` without case, unreserved signs decoded.
    `pathless`: the host is that of the page that made the content, the path is not (blob:).
    """

    scheme: str
    host: str
    port: int | None
    path: str
    query: frozenset[str] = frozenset()
    fragment: str = ""
    pathless: bool = False

    @property
    def own(self) -> bool:
        """Whether the address says what is shown."""
        return self.scheme not in WITHOUT_ADDRESS


@lru_cache(maxsize=1024)
def read_address(url: str) -> Address | Blind:
    """The address, or Blind.NO_ADDRESS for what is none. Kept for as long as looks repeat it."""
    try:
        return parse_address(url)
    except BadAddressError:
        return Blind.NO_ADDRESS


def parse_address(url: str) -> Address:
    """Raises BadAddressError."""
    unwrapped, blob = unwrap(url)
    if blob and unwrapped.startswith("null/"):
        unwrapped = "data:"  # made by a page that has no address itself, such as a sandboxed frame
    scheme, colon, rest = unwrapped.partition(":")
    if not colon or not _SCHEME.fullmatch(scheme):
        raise BadAddressError("it has no scheme such as https://")
    scheme = scheme.lower()
    if scheme in WITHOUT_ADDRESS:
        return Address(scheme, "", None, fold_case(rest.partition("#")[0]))
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    authority, path = _split_authority(scheme, rest)
    host, port = split_port(authority)
    if not host and scheme in DEFAULT_PORTS:
        raise BadAddressError("it has no host")
    return Address(
        scheme,
        spell_host(host),
        DEFAULT_PORTS.get(scheme) if port is None else port,
        spell_path(path),
        spell_query(query),
        spell(fragment),
        pathless=blob,
    )


def unwrap(url: str) -> tuple[str, bool]:
    """The address inside view-source:, blob: or filesystem:, and whether a wrapper hides the path of the page."""
    url = url.strip(_EDGES).replace("\t", "").replace("\n", "").replace("\r", "")
    blob = False
    while wrapper := _WRAPPERS.match(url):
        blob = blob or not wrapper[0].lower().startswith("view-source")
        url = url[wrapper.end() :]
    return url, blob


def _split_authority(scheme: str, rest: str) -> tuple[str, str]:
    """(authority, path). Browsers take any number of slashes, in either direction, before the host of a web address."""
    if scheme in DEFAULT_PORTS or scheme == "file":
        rest = rest.replace("\\", "/")
    if scheme in DEFAULT_PORTS:
        rest = "//" + rest.lstrip("/")
    if not rest.startswith("//"):
        return "", rest
    authority, slash, path = rest[2:].partition("/")
    return authority.rpartition("@")[2], slash + path


def split_port(authority: str) -> tuple[str, int | None]:
    """(host, port); the port is None where none is given. Raises BadAddressError."""
    host, colon, port = authority.rpartition(":")
    if not colon or port.endswith("]"):
        return authority, None
    if not port:
        return host, None
    if not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise BadAddressError(f"{port[:20]} is not a port from 0 to 65535")
    return host, int(port)


@lru_cache(maxsize=1024)
def spell_host(host: str) -> str:
    """A host's one spelling: names in lower-case ASCII (UTS 46, nontransitional, as browsers do), addresses as
    `ipaddress` writes them. Raises BadAddressError.
    """
    if host.startswith("[") and host.endswith("]"):
        try:
            return f"[{IPv6Address(host[1:-1].partition('%')[0]).compressed}]"
        except AddressValueError:
            raise BadAddressError("it is not an IPv6 address between the brackets") from None
    host = _to_ascii(_decode(host, keep_reserved=False)).rstrip(".")
    if _FORBIDDEN_IN_HOST.search(host):
        raise BadAddressError("a sign in the host cannot stand there")
    return _spell_ipv4(host)


def _to_ascii(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        mapped = idna.uts46_remap(host, std3_rules=False, transitional=False)
        return ".".join(label if label.isascii() else idna.alabel(label).decode() for label in mapped.split("."))
    except idna.IDNAError:
        raise BadAddressError("the host is not an internationalised name; write it in its xn-- form") from None


def _spell_ipv4(host: str) -> str:
    """127.1, 0x7f.0.0.1 and 2130706433 are one host: browsers read them so (WHATWG URL, IPv4 parser)."""
    parts = host.split(".")
    if not re.fullmatch(r"[0-9]+|0x[0-9a-f]*", parts[-1]):
        return host
    numbers = [_ipv4_number(part) for part in parts]
    if len(numbers) > 4 or any(number > 255 for number in numbers[:-1]) or numbers[-1] >= 256 ** (5 - len(numbers)):
        raise BadAddressError("it is not an IPv4 address")
    return str(IPv4Address(sum(number << (24 - 8 * i) for i, number in enumerate(numbers[:-1])) + numbers[-1]))


def _ipv4_number(part: str) -> int:
    try:
        if part.startswith("0x"):
            return int(part[2:] or "0", 16)
        return int(part, 8 if part.startswith("0") else 10)
    except ValueError:
        raise BadAddressError("it is not an IPv4 address") from None


def spell_path(path: str) -> str:
    """Unreserved signs decoded, `//` one slash, `.` and `..` resolved, without case; begins with a slash."""
    kept: list[str] = []
    segments = [segment for segment in spell(path).split("/") if segment]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    folder = path.endswith("/") or segments[-1:] in (["."], [".."])
    return "/" + "/".join(kept) + ("/" if kept and folder else "")


def spell_query(query: str) -> frozenset[str]:
    """The query's tokens; their order says nothing."""
    return frozenset(spell(token) for token in query.split("&") if token)


def spell(text: str) -> str:
    """Unreserved and non-ASCII signs decoded, reserved ones left encoded in lower case, without case."""
    if "%" in text:
        text = _decode(_LONE_PERCENT.sub("%25", text), keep_reserved=True)
    # Quicker than a search by the expression: a page's addresses may have millions of signs.
    raw = text.encode(errors="surrogatepass")
    if len(raw.translate(None, _NEVER_PLAIN_BYTES)) < len(raw):
        text = _NEVER_PLAIN.sub(lambda sign: f"%{ord(sign[0]):02x}", text)
    return fold_case(text)


def _decode(text: str, *, keep_reserved: bool) -> str:
    def decoded(escaped: re.Match[str]) -> str:
        # Octets that are no UTF-8 come out as lone surrogates (PEP 383) and go back to %XX.
        signs = bytes.fromhex(escaped[0].replace("%", "")).decode(errors="surrogateescape")
        return "".join(_plain_or_escaped(sign, keep_reserved=keep_reserved) for sign in signs)

    return _ESCAPED.sub(decoded, text)


def _plain_or_escaped(sign: str, *, keep_reserved: bool) -> str:
    reserved = sign.isascii() and sign not in _UNRESERVED
    if unicodedata.category(sign) == "Cs" or (reserved and keep_reserved):
        return f"%{sign.encode(errors='surrogateescape').hex()}"
    return sign
