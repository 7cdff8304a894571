"""A call, a chat or a mail as the store keeps it: what of it is in clear, and what must hold before it is taken.

Content, numbers, names and addresses are one sealed chunk under a key packet, as of a recording. What stands beside it
is a closed list of names; customers are found by keyed hashes of what they go by.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol import base64url, jws
from protocol.claims import Claims
from protocol.envelope import Edition, Flag, Header, Kind, check_signature, digest, expect, open_sealed, seal
from protocol.errors import EnvelopeError, ProtocolError, SignatureError
from protocol.keys import RecipientPrivate, RecipientPublic, stream_key
from protocol.packet import KeyPacket, recording_id

TEXT_STREAM: Final = 0x8002  # the content of an interaction; no media
KINDS: Final = ("call", "chat", "mail")
DIRECTIONS: Final = ("inbound", "outbound", "internal")
CHANNELS: Final = ("voice", "screen", "chat", "mail")
CONSENTS: Final = ("given", "missing", "withdrawn")
# What identifies somebody: a number, an address (mail or SIP), a customer's or a ticket's id.
TEL, ADDRESS, ID = "tel", "address", "id"
MOST_TAGS: Final = 512
MOST_AGENTS: Final = 64
NO_POLICY: Final = "0" * 64  # none was in force when it was made
KEY_SIZE: Final = 32
# Of one: what was recorded meanwhile belongs to it, and is erased and given out with it.
_DAY: Final = 24 * 3600 * 10**9  # ns
LONGEST: Final[Mapping[str, int]] = {"call": _DAY, "chat": 31 * _DAY, "mail": 31 * _DAY}
MAX_SIGNED: Final = 256 * 2**10  # bytes of key packet, and of statement
_FINDING: Final = b"eyelid finding key v1"
_SOURCE: Final = b"source\0"
_NAME: Final = re.compile(r"[\w .$\\-]{1,64}")
_MOST_DIGITS: Final = 8  # of a name in clear: a number that somebody can be called at has more
_VERSION: Final = re.compile(r"[0-9a-z.+-]{1,24}")
_PERSON: Final = re.compile(r"[^@\s]{1,64}@([^@\s]{1,120})")
_TAG: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_MEMBERS: Final = frozenset({
    *("interaction", "integration", "kind", "direction", "queue", "start", "end", "consent", "agents", "tags"),
    *("packet", "sealed"),
})  # fmt: skip


def is_name(text: str) -> bool:
    """Whether a queue, a user or a PC may be called so in clear: letters in it, no address, and no telephone number."""
    digits = sum(char.isdigit() for char in text)
    return bool(_NAME.fullmatch(text)) and any(map(str.isalpha, text)) and digits <= _MOST_DIGITS


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody of the house, by any of these; "" where it is not known. `person`: as the governance rules name them.

    `user`, `host`, `device`: of the PC that they worked at, as in its recordings.
    """

    person: str = ""
    user: str = ""
    host: str = ""
    device: str = ""

    @property
    def names(self) -> dict[str, str]:
        """Those that are known."""
        named = {"person": self.person, "user": self.user, "host": self.host, "device": self.device}
        return {name: text for name, text in named.items() if text}


@dataclass(frozen=True, slots=True)
class Interaction:
    """What is in clear. `integration`: id of who sealed it. Times: ns since 1970. `consent`: channel -> state.

    `tags`: of what its customers go by (`tag`). `packet`, `sealed`: SHA-256 (hex) of key packet and chunk.
    """

    id: UUID
    integration: str
    kind: str
    direction: str
    queue: str
    start: int
    end: int
    consent: Mapping[str, str] = field(default_factory=dict)
    agents: tuple[Agent, ...] = ()
    tags: tuple[str, ...] = ()
    packet: str = ""
    sealed: str = ""

    def sign(self, key: Ed25519PrivateKey) -> str:
        names = ("integration", "kind", "direction", "queue", "start", "end", "packet", "sealed")
        payload = {
            "interaction": str(self.id),
            **{name: getattr(self, name) for name in names},
            "consent": dict(self.consent),
            "agents": [agent.names for agent in self.agents],
            "tags": list(self.tags),
        }
        return jws.sign(jws.INTERACTION, payload, key)

    @classmethod
    def verify(cls, token: str, key: jws.Keys) -> Interaction:
        """Raises SignatureError: as `jws.verify`; clear-text for any name beside those that are listed; bad-field."""
        claims = Claims(jws.verify(jws.INTERACTION, token, key), "interaction", SignatureError)
        _refuse_others(claims, _MEMBERS)
        tags = claims.texts("tags")
        if len(tags) > MOST_TAGS or not all(map(_TAG.fullmatch, tags)):
            raise claims.refuse("tags", f"at most {MOST_TAGS} keyed hashes")
        agents = claims.objects("agents")
        if len(agents) > MOST_AGENTS:
            raise claims.refuse("agents", f"at most {MOST_AGENTS}")
        consent = claims.text_map("consent")
        if not set(consent) <= set(CHANNELS) or not set(consent.values()) <= set(CONSENTS):
            raise claims.refuse("consent", f"of {', '.join(CHANNELS)}, each {', '.join(CONSENTS)}")
        queue, start = claims.text("queue"), claims.integer("start")
        if queue and not is_name(queue):
            raise claims.refuse("queue", "a queue's name, and no number or address")
        return cls(
            id=claims.uuid("interaction"),
            integration=claims.text("integration"),
            kind=_one_of(claims, "kind", KINDS),
            direction=_one_of(claims, "direction", DIRECTIONS),
            queue=queue,
            start=start,
            end=claims.integer("end", least=start),
            consent=consent,
            agents=tuple(map(_agent, agents)),
            tags=tags,
            packet=claims.hex256("packet"),
            sealed=claims.hex256("sealed"),
        )


def _refuse_others(claims: Claims, known: Collection[str]) -> None:
    if not set(claims.names()) <= set(known):
        message = "interaction: it has a name beside those that may be in clear: seal what is not among them"
        raise SignatureError("clear-text", message)


def _one_of(claims: Claims, name: str, words: Collection[str]) -> str:
    text = claims.text(name)
    if text not in words:
        raise claims.refuse(name, f"one of {', '.join(words)}")
    return text


def _agent(claims: Claims) -> Agent:
    _refuse_others(claims, ("person", "user", "host", "device"))
    named = {name: claims.text(name) for name in claims.names()}
    if "person" in named:
        named["person"] = named["person"].lower()  # as the rules read it
        if not _PERSON.fullmatch(named["person"]):
            raise claims.refuse("person", "an address, as the rules name people")
    for name in ("user", "host"):
        if name in named and not is_name(named[name]):
            raise claims.refuse(name, "the name of a user or a PC, and no number or address")
    if "device" in named:
        claims.uuid("device")
    return Agent(**named)


def check_length(about: Interaction) -> None:
    """Raises SignatureError (too-long). Not of what is in the store: an earlier version took any length."""
    longest = LONGEST[about.kind]
    if about.end - about.start > longest:
        message = (
            f"interaction: a {about.kind} lasts {longest // _DAY} days at the most: split it, or set its times right"
        )
        raise SignatureError("too-long", message)


def is_of_house(person: str, house: Collection[str]) -> bool:
    """`house`: the domains of the house's own addresses."""
    found = _PERSON.fullmatch(person)
    return found is not None and found[1] in house


def interaction_id(key: bytes, start: int, source: bytes) -> UUID:
    """The same for the same source, so that what is sent twice is kept once. `key`: the integration's finding key.

    `source`: SHA-256 of what it was read from. `start`: ns since 1970.
    """
    return recording_id(start, hmac.digest(key, _SOURCE + source, "sha256")[:10])


# -- sealing ------------------------------------------------------------------------------------------------------


def sealed(
    about: Interaction, content: bytes, readers: tuple[RecipientPublic, ...], key: bytes, signer: Ed25519PrivateKey,
    *, bundle_revision: int, version: str,
) -> bytes:  # fmt: skip
    """What is sent: key packet, statement and chunk. `key`: 32 bytes by chance, for this one alone.

    Raises EnvelopeError ("oversized"), KeyProblem.
    """
    packet = KeyPacket.build(
        key, readers, recording=about.id, bundle_revision=bundle_revision, policy=NO_POLICY, start=about.start,
        device=about.integration, host="", os_user="", monitors=(), agent_version=version, edition=Edition.SIGNED,
    ).sign(signer).encode("ascii")  # fmt: skip
    header = Header(Kind.MEDIA, Flag.KEY_FRAME, TEXT_STREAM, about.id, 0, 0, 0, digest(packet), edition=Edition.SIGNED)
    chunk = seal(stream_key(key, about.id, TEXT_STREAM), header, content, signer)
    said = replace(about, packet=digest(packet).hex(), sealed=digest(chunk).hex())
    return b"\n".join((packet, said.sign(signer).encode("ascii"), chunk))


@dataclass(frozen=True, slots=True)
class Received:
    """`statement`, `packet`: JWS."""

    about: Interaction
    statement: str
    packet: bytes
    chunk: bytes


def receive(
    body: bytes, integration: str, key: Ed25519PublicKey, house: Collection[str],
    readers: Callable[[int], frozenset[str] | None],
) -> Received:  # fmt: skip
    """What `sealed` made, everything checked that can be without opening it.

    `readers`: revision of a bundle -> key ids of its recipients, None for one that never came here. Raises
    SignatureError, EnvelopeError, KeyProblem: clear-body for what was not sealed; clear-party for an agent who is not
    of the house; too-long; misplaced, unknown-bundle, other-readers; wrong-digest; as the statement, the packet and the
    chunk.
    """
    packet, _, behind = body.partition(b"\n")
    statement, _, chunk = behind.partition(b"\n")
    if not (packet.isascii() and statement.isascii() and chunk) or packet.lstrip()[:1] in {b"{", b"["}:
        message = "an interaction is sealed before it is sent, and nothing else is taken: use `interactions import`"
        raise EnvelopeError("clear-body", message)
    if max(len(packet), len(statement)) > MAX_SIGNED:
        raise EnvelopeError("oversized", f"interaction: key packet or statement has more than {MAX_SIGNED} bytes")
    about = Interaction.verify(statement.decode("ascii"), key)
    payload = jws.verify(jws.PACKET, packet.decode("ascii"), key)
    wraps = KeyPacket.read(payload)
    check_length(about)
    if about.integration != integration:
        raise EnvelopeError("misplaced", "interaction: signed as another integration than the one that sends it")
    known_names = {name: value for name, value in wraps.payload().items() if name != "crit"}
    if _is_of_pc(wraps) or payload != known_names or not _VERSION.fullmatch(wraps.agent_version):
        raise SignatureError("clear-text", "interaction: its key packet says more than who can open it")
    known = readers(wraps.bundle_revision)
    if known is None:
        raise SignatureError("unknown-bundle", "interaction: sealed by a bundle that never came here")
    if known != wraps.wrapped.keys():
        raise SignatureError("other-readers", "interaction: sealed to others than the readers of its bundle")
    for agent in about.agents:
        if agent.person and not is_of_house(agent.person, house):
            message = "interaction: an agent has an address outside of the house's domains: seal it as a customer's"
            raise SignatureError("clear-party", message)
    _belong(about, wraps, packet, chunk, key)
    return Received(about, statement.decode("ascii"), packet, chunk)


def opened(
    statement: str, packet: bytes, chunk: bytes, key: Ed25519PublicKey, reader: RecipientPrivate
) -> tuple[Interaction, bytes]:
    """What it is, and its content. Raises SignatureError, EnvelopeError; KeyProblem as `KeyPacket.open_key`."""
    about = Interaction.verify(statement, key)
    wraps = KeyPacket.verify(packet.decode("ascii", "replace"), key)
    _belong(about, wraps, packet, chunk, key)
    return about, open_sealed(wraps.stream_key(wraps.open_key(reader), TEXT_STREAM), chunk)[1]


def check_packet(about: Interaction, packet: bytes, key: Ed25519PublicKey) -> None:
    """That it is the key packet of this interaction, and no recording's. Raises SignatureError, EnvelopeError,
    KeyProblem."""
    wraps = KeyPacket.verify(packet.decode("ascii", "replace"), key)
    if _is_of_pc(wraps):
        raise EnvelopeError("misplaced", "the key packet is a recording's")
    _belongs(about, wraps, packet)


def _is_of_pc(wraps: KeyPacket) -> bool:
    return bool(wraps.host or wraps.os_user or wraps.monitors or wraps.policy != NO_POLICY)


def _belong(about: Interaction, wraps: KeyPacket, packet: bytes, chunk: bytes, key: Ed25519PublicKey) -> None:
    """That all three are of one interaction, and by one integration."""
    _belongs(about, wraps, packet)
    if digest(chunk).hex() != about.sealed:
        raise _another()
    check_signature(chunk, key)
    expect(Header.parse(chunk), recording=about.id, stream=TEXT_STREAM, sequence=0, previous=digest(packet))


def _belongs(about: Interaction, wraps: KeyPacket, packet: bytes) -> None:
    if about.integration != wraps.device or wraps.recording != about.id or wraps.edition is not Edition.SIGNED:
        raise EnvelopeError("misplaced", "interaction: statement and key packet are not of one another")
    if digest(packet).hex() != about.packet:
        raise _another()


def _another() -> EnvelopeError:
    return EnvelopeError("wrong-digest", "interaction: key packet or chunk is not the one that was signed")


# -- finding ------------------------------------------------------------------------------------------------------


def finding_key(house: bytes, integration: str) -> bytes:
    """Of one integration, from the house's: who has one finds and guesses nothing among the others' interactions."""
    if len(house) != KEY_SIZE:
        raise ProtocolError("bad-key", f"a finding key is {KEY_SIZE} bytes, not {len(house)}")
    info = _FINDING + integration.encode()
    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=info).derive(house)


def plain(kind: str, text: str, country: str = "") -> tuple[str, str]:
    """(kind, its one spelling): one number is one tag, however it is written. `country`: "49" for numbers with one 0.

    ("", "") for what is none. A SIP address of a number is that number.
    """
    text = unicodedata.normalize("NFC", text).strip().casefold()
    if kind == ID:
        text = " ".join(text.split())
        return (ID, text) if text else ("", "")
    by_sip = text.startswith(("sip:", "sips:"))
    text = re.split(r"[;?]", re.sub(r"^(tel|mailto|sips?):", "", text))[0].strip()
    user, at, _ = text.partition("@")
    if kind == ADDRESS and at and not (by_sip and re.fullmatch(r"\+?[0-9]{5,15}", user)):
        return ADDRESS, text
    number = re.sub(r"[^0-9+]", "", user.replace("(0)", ""))
    if re.search(r"[^\W\d_]", user) or not re.fullmatch(r"\+?[0-9]{1,20}", number):
        return "", ""
    if number.startswith("00"):
        number = f"+{number[2:]}"
    elif number.startswith("0") and country:
        number = f"+{country}{number[1:]}"
    return TEL, number


def tag(key: bytes, kind: str, text: str, country: str = "") -> str | None:
    """HMAC-SHA256 of an identifier, base64url; None for what is no number, address or id. `key`: 32 bytes."""
    found, spelt = plain(kind, text, country)
    return base64url.encode(hmac.digest(key, f"{found}\0{spelt}".encode(), "sha256")) if found else None
