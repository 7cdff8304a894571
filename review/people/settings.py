"""`people.yaml`: where the console is, and whom it asks who somebody is. Every mistake at once, with its place."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from protocol.language.joined import LANGUAGE
from protocol.language.keys import WORD, WORDS, Key, Keys
from protocol.language.marks import Node, Table
from protocol.language.reading import HOUR, Reading, quoted
from protocol.language.yaml_marks import read_marks
from review.people.names import Narrowing
from store.clock import MINUTE
from store.errors import StoreError

NAME: Final = "people.yaml"
LARGEST: Final = 2**20  # bytes
IDLE: Final = 15 * MINUTE  # PCI DSS 8.2.8

FILE: Final[Keys] = {
    "schema": Key("The version of this language. Always 1.", {"const": LANGUAGE}, True),
    "address": Key("Where browsers find the console, such as https://review.example.com.", WORD, True),
    "player": Key("Where the player stands: another port of that host, such as https://review.example.com:8443.", WORD),
    "idle": Key("A session ends after so long without a request: 15m unless it says otherwise.", WORD),
    "providers": Key("OpenID providers that say who somebody is, by names of yours.", {"type": "object"}),
}
PROVIDER: Final[Keys] = {
    "issuer": Key("Its address, exactly as its tokens say it.", WORD, True),
    "client": Key("The console's client id there.", WORD, True),
    "secret_file": Key("A file beside this one with the client's secret; none for a public client.", WORD),
    "people": Key("Of whom it may speak: anna@example.com, or *@example.com for all of them.", WORDS, True),
    "claim": Key("Which claim names them: email (must be verified) unless it says otherwise.", WORD),
    "acr": Key("One of these must be its token's acr.", WORDS),
    "amr": Key("One of these must be in its token's amr, such as mfa.", WORDS),
    "groups": Key("The claim that roles and teams go by: groups unless it says otherwise.", WORD),
    "roles": Key("What each value of that claim leaves of their roles. Without a value that is here: none.", {}),
    "teams": Key("The same for their teams.", {}),
}

_OURS: Final = ("address", "player")
Leaves = Mapping[str, frozenset[str]]
"""Value of a claim -> the roles, or teams, that it leaves."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    issuer: str
    client: str
    people: tuple[str, ...]
    secret: str = ""
    claim: str = "email"
    acr: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()
    groups: str = "groups"
    roles: Leaves | None = None
    teams: Leaves | None = None

    def speaks_for(self, person: str) -> bool:
        return any(
            one == person or (one.startswith("*@") and len(person) >= len(one) and person.endswith(one[1:]))
            for one in self.people
        )

    def narrowing(self, claims: Mapping[str, object]) -> Narrowing:
        """A claim that is missing, or of another shape, leaves nothing."""
        value = claims.get(self.groups)
        groups = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
        left = [
            None if leaves is None else frozenset[str]().union(*(leaves.get(one, frozenset()) for one in groups))
            for leaves in (self.roles, self.teams)
        ]
        return Narrowing(*left)


@dataclass(frozen=True, slots=True)
class Settings:
    """`player`: the origin of the page that plays; "" without one."""

    address: str
    idle: int = IDLE
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    player: str = ""

    @property
    def host(self) -> str:
        """What passkeys are bound to."""
        return urlsplit(self.address).hostname or ""


def is_safe(url: str) -> bool:
    """Encrypted, or within this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        parts.port  # noqa: B018 - raises
        if parts.username is not None or parts.fragment or not host:
            return False
        if parts.scheme == "https":
            return True
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def read_settings(folder: Path) -> Settings:
    """Of the console's folder. Raises StoreError with every mistake."""
    path = folder / NAME
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        sample = "`schema: 1`, `address: https://review.example.com` and `...`"
        raise StoreError(f"{path} is missing: write three lines into it, {sample}") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise StoreError(f"{path} is larger than {LARGEST} bytes: is it the right file?")
    marked = read_marks(str(path), content)
    reading = Reading()
    reading.mistakes += marked.mistakes
    settings = _read(reading, marked.document.root, folder) if marked.document else None
    if reading.mistakes or settings is None:
        raise StoreError("\n".join(f"{mark} {mistake}" for mark, mistake in sorted(reading.mistakes)))
    return settings


def _read(reading: Reading, root: Node, folder: Path) -> Settings:
    table = reading.table(root, FILE, "a file of settings")
    if reading.value(table, "schema", Reading.whole_number, 1) != LANGUAGE:
        reading.wrong(table["schema"][0], f"this version reads schema {LANGUAGE}")
    address, player = (reading.value(table, name, _safe_address, "") for name in _OURS)
    for name, one in zip(_OURS, (address, player), strict=True):
        if one and urlsplit(one).path:
            reading.wrong(table[name][0], f"{name} ends with the host or the port, leave out what follows")
    if player and (urlsplit(player).hostname != urlsplit(address).hostname or player == address):
        reading.wrong(table["player"][0], "player is another port of address's host, such as https://…:8443")
    idle = reading.value(table, "idle", lambda one, node, name: one.duration(node, name, HOUR), IDLE)
    if "idle" in table and idle < MINUTE:
        reading.wrong(table["idle"][0], "idle is a minute or more, such as 15m")
    providers = {}
    for name, node in _entries(reading, table["providers"][1], "providers") if "providers" in table else ():
        if not re.fullmatch(r"[a-z0-9-]{1,32}", name):
            reading.wrong(node.mark, f"{quoted(name)} is no name, write small letters, digits and hyphens")
        providers[name] = _provider(reading, node, folder)
    return Settings(address, idle, providers, player)


def _safe_address(reading: Reading, node: Node, name: str) -> str:
    text = reading.text(node, name)
    if text and (not is_safe(text) or "?" in text):
        reading.wrong(node.mark, f"{name} cannot be {quoted(text)}, write https://… (http:// on this machine alone)")
        return ""
    # As a browser writes it in Origin.
    return text.lower().rstrip("/").removesuffix(":443") if name in _OURS else text


def _provider(reading: Reading, node: Node, folder: Path) -> ProviderSettings:
    table = reading.table(node, PROVIDER, "a provider")

    def words(key: str) -> tuple[str, ...]:
        return tuple(word.text for word in reading.texts(table[key][1], key)) if key in table else ()

    secret = ""
    if "secret_file" in table:
        secret_file = folder / reading.text(table["secret_file"][1], "secret_file")
        try:
            secret = secret_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            reading.wrong(table["secret_file"][0], f"{secret_file} cannot be read")
    people = tuple(one.lower() for one in words("people"))
    for one in people:
        if "*" in one.removeprefix("*@"):
            reading.wrong(table["people"][0], f"{quoted(one)} names no people, write *@example.com for all of them")
    return ProviderSettings(
        issuer=reading.value(table, "issuer", _safe_address, ""),
        client=reading.value(table, "client", Reading.text, ""),
        people=people,
        secret=secret,
        claim=reading.value(table, "claim", Reading.text, "email"),
        acr=words("acr"),
        amr=words("amr"),
        groups=reading.value(table, "groups", Reading.text, "groups"),
        roles=reading.value(table, "roles", _leaves, None),
        teams=reading.value(table, "teams", _leaves, None),
    )


def _leaves(reading: Reading, node: Node, name: str) -> Leaves:
    left = _entries(reading, node, name)
    return {value: frozenset(word.text for word in reading.texts(words, value)) for value, words in left}


def _entries(reading: Reading, node: Node, key: str) -> tuple[tuple[str, Node], ...]:
    if not isinstance(node, Table):
        reading.wrong(node.mark, f"{key} is names with what each has, write for example name: …")
        return ()
    for place, (name, _) in enumerate(node.entries):
        if name.text in {before.text for before, _ in node.entries[:place]}:
            reading.wrong(name.mark, f"{quoted(name.text)} stands twice here, leave one out")
    return tuple((name.text, value) for name, value in node.entries)
