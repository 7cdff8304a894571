"""What is known of a conversation, out of a vCon (draft-ietf-vcon-vcon-core-04) or a mail, which becomes one.

The vCon is sealed whole. Each is bounded before it is read into objects: what it says comes from strangers, and so no
message quotes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any, Final
from uuid import UUID

from protocol import base64url
from protocol.claims import Claims, has_values, parse_object
from protocol.envelope import MAX_SEALED, Edition
from protocol.errors import ProtocolError
from protocol.interaction import ADDRESS, ID, TEL, Agent, is_of_house
from protocol.numbers import is_integer
from store.errors import StoreError

VERSION: Final = "0.4.0"
MAX_CONTENT: Final = MAX_SEALED - Edition.SIGNED.overhead  # bytes: it is sealed in one piece
_MOST_VALUES: Final = 500_000  # each may be an object of a hundred bytes in memory; two hours word by word have 120,000
# Of a mail.
_MOST_MAIL: Final = 12_000_000  # bytes: 16 million as base64url, and room for what stands in its headers
_MOST_LINES: Final = 500_000
_MOST_PARTS: Final = 20_000
_MOST_COMPARED: Final = 5_000_000  # lines with boundaries
_LONGEST_HEADERS: Final = 128 * 2**10  # bytes of its own
_LONGEST_HEADER: Final = 4096  # bytes of one that says what a part is
_CONTENT: Final = re.compile(rb"(?m)^content-[a-z-]+:[^\n]*(?:\n[ \t][^\n]*)*")
_GOES_BY: Final = (("tel", TEL), ("mailto", ADDRESS), ("sip", ADDRESS), ("did", ID), ("uuid", ID), ("id", ID))
_CHANNEL: Final = {"call": "voice", "chat": "chat", "mail": "mail"}
_STATUS: Final = {"granted": "given", "denied": "missing", "expired": "missing", "revoked": "withdrawn"}
_WORST: Final = ("given", "missing", "withdrawn")
_EXTENSION: Final = "eyelid"  # a member of the vCon: what we know better than the rest of it says
_EXTENDS: Final = ("kind", "direction", "queue", "consent", "agents")
_BROKEN: Final = (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError)  # of `email`


class Unreadable(StoreError):
    """A file, or a line of one, that no interaction can be made of."""


class TooLarge(Unreadable):
    """More than one interaction may have."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """`goes_by`: (kind, text) of every identifier of people in it. `vcon`: what is sealed; bytes as they came."""

    kind: str
    direction: str
    queue: str
    start: int
    end: int
    consent: Mapping[str, str]
    agents: tuple[Agent, ...]
    goes_by: tuple[tuple[str, str], ...]
    vcon: Mapping[str, Any] | bytes


def parsed(text: bytes) -> dict[str, Any]:
    """A JSON object, within bounds. Raises Unreadable."""
    if len(text) > MAX_CONTENT:
        raise TooLarge(f"more than the {MAX_CONTENT} bytes that one interaction may have")
    if not has_values(text, _MOST_VALUES):
        raise TooLarge(f"more than {_MOST_VALUES} values")
    try:
        return parse_object(text)
    except ValueError as error:
        raise Unreadable(str(error)) from None


def moment(text: object, what: str) -> int:
    """ns since 1970 of a date with its offset (RFC 3339). Raises Unreadable."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
        if found is not None and found.tzinfo is not None and found.timestamp() >= 0:
            return round(found.timestamp() * 1000) * 1_000_000
    except (ValueError, OverflowError):
        pass
    raise Unreadable(f"`{what}` must be a date such as 2026-06-15T09:30:00+02:00")


def written(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat(timespec="milliseconds")


def _list(vcon: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = vcon.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unreadable(f"`{name}` must be a list of objects")
    return found


def _parties(parties: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (kind, party[name]) for party in parties for name, kind in _GOES_BY if isinstance(party.get(name), str)
    )


def _person(party: Mapping[str, Any], house: Sequence[str]) -> str:
    """Their name in the rules, of somebody of the house; else ""."""
    address = party.get("mailto")
    found = address.removeprefix("mailto:").strip().casefold() if isinstance(address, str) else ""
    return found if is_of_house(found, house) else ""


# -- vCon ---------------------------------------------------------------------------------------------------------


def of_vcon(text: bytes, house: Sequence[str], queue: str = "") -> Conversation:
    """Of its unsigned form; the bytes are sealed as they are. `queue`: where it names none. Raises Unreadable."""
    vcon = parsed(text)
    if "payload" in vcon or "ciphertext" in vcon:
        raise Unreadable("a signed or encrypted vCon: bring its unsigned form, it is sealed and signed here")
    if vcon.get("critical"):
        raise Unreadable("this vCon asks for extensions (`critical`) that are not known here")
    parties, dialog = _list(vcon, "parties"), _list(vcon, "dialog")
    if not parties:
        raise Unreadable("no vCon, or one without parties")
    starts = [moment(one.get("start"), "start") for one in dialog] or [moment(vcon.get("created_at"), "created_at")]
    end = max([*starts, *(start + _duration(one) for start, one in zip(starts, dialog, strict=False))])
    first = dialog[starts.index(min(starts))] if dialog else {}
    persons = [_person(party, house) for party in parties]
    ours = [bool(person) or party.get("role") == "agent" for person, party in zip(persons, parties, strict=True)]
    known = [(ID, vcon["uuid"])] if isinstance(vcon.get("uuid"), str) else []
    read = Conversation(
        kind=_kind(dialog),
        direction=_direction(ours, _originator(first, len(parties))),
        queue=queue,
        start=min(starts),
        end=end,
        consent={},
        agents=tuple(Agent(person) for person in dict.fromkeys(persons) if person),
        goes_by=(*known, *_parties(parties)),
        vcon=text,
    )
    read = replace(read, **_extension(vcon))
    attached = _consent(_list(vcon, "attachments"), _CHANNEL.get(read.kind, ""), end)
    return replace(read, consent={**read.consent, **_worse(attached, read.consent)})


def _extension(vcon: Mapping[str, Any]) -> dict[str, Any]:
    """What it says as this product's extension, its shape alone checked: `Interaction` checks the words."""
    if _EXTENSION not in vcon:
        return {}
    said = Claims(vcon, "vCon", ProtocolError).object(_EXTENSION)
    if not set(said.names()) <= set(_EXTENDS):
        raise Unreadable(f"`{_EXTENSION}` has another name than {', '.join(_EXTENDS)}")
    found: dict[str, Any] = {name: said.text(name) for name in ("kind", "direction", "queue") if said.has(name)}
    if said.has("consent"):
        found["consent"] = said.text_map("consent")
    if said.has("agents"):
        names = ("person", "user", "host", "device")
        agents = said.objects("agents")
        found["agents"] = tuple(Agent(**{name: one.text(name) for name in names if one.has(name)}) for one in agents)
    return found


def _kind(dialog: Sequence[Mapping[str, Any]]) -> str:
    if any(one.get("type") in ("recording", "incomplete", "transfer") for one in dialog) or not dialog:
        return "call"
    mail = any("message_id" in one or str(one.get("mediatype", "")).startswith("message/") for one in dialog)
    return "mail" if mail else "chat"


def _duration(dialog: Mapping[str, Any]) -> int:
    found = dialog.get("duration", 0)
    usable = isinstance(found, int | float) and 0 <= found <= 31 * 86_400
    return round(found * 1000) * 1_000_000 if usable else 0


def _originator(dialog: Mapping[str, Any], many: int) -> int:
    """Place of the party that began: the first one listed, unless it says another."""
    found = dialog.get("originator", dialog.get("parties", 0))
    while isinstance(found, list) and found:
        found = found[0]
    return found if is_integer(found) and 0 <= found < many else 0


def _direction(ours: Sequence[bool], first: int) -> str:
    return "internal" if all(ours) else "outbound" if ours[first] else "inbound"


def _consent(attachments: Sequence[Mapping[str, Any]], channel: str, end: int) -> dict[str, str]:
    """Of attachments as draft-howe-vcon-consent has them; where parties differ, the worst of them."""
    states = [
        state
        for one in attachments
        if "consent" in (one.get("type"), one.get("purpose"))
        for state in _states(one.get("body"), end)
    ]
    return {channel: max(states, key=_WORST.index)} if states else {}


def _worse(states: Mapping[str, str], than: Mapping[str, str]) -> dict[str, str]:
    """Those that are not better. A state that is not known stays, and is refused."""
    return {
        channel: state
        for channel, state in states.items()
        if (known := than.get(channel, _WORST[0])) in _WORST and _WORST.index(state) >= _WORST.index(known)
    }


def _states(body: object, end: int) -> Iterator[str]:
    said = parsed(body.encode("utf-8")) if isinstance(body, str) else body if isinstance(body, dict) else {}
    over = said.get("expiration") is not None and moment(said["expiration"], "expiration") < end
    for one in _list(said, "consents"):
        if one.get("purpose", one.get("consent")) in ("recording", None):
            found = _STATUS.get(str(one.get("status")), "missing")
            yield "missing" if over and found == "given" else found


# -- mail ---------------------------------------------------------------------------------------------------------


def of_mail(raw: bytes, house: Sequence[str], queue: str = "") -> Conversation:
    """A message as it came (RFC 5322): its text for readers, and all of it as an attachment. Raises Unreadable."""
    if len(raw) > _MOST_MAIL:
        raise TooLarge(f"more than the {_MOST_MAIL} bytes that a mail may have")
    _check_bounds(raw)
    try:
        return _of_message(message_from_bytes(raw), raw, house, queue)
    except Unreadable:
        raise
    except _BROKEN:
        raise Unreadable("no mail, or one too broken to be read") from None


def _check_bounds(raw: bytes) -> None:
    """What takes `email` more than a few seconds: it compares each line with each boundary, and parameters with one
    another. Raises Unreadable."""
    text = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").lower()
    lines, begins = text.count(b"\n"), text.find(b"\n\n")
    many = lines > _MOST_LINES or text.count(b"\n--") > _MOST_PARTS or lines * text.count(b"boundary") > _MOST_COMPARED
    long = (len(text) if begins < 0 else begins) > _LONGEST_HEADERS
    if many or long or any(len(found[0]) > _LONGEST_HEADER for found in _CONTENT.finditer(text)):
        raise TooLarge("more lines, parts or headers than a mail has")


def _of_message(mail: Message, raw: bytes, house: Sequence[str], queue: str) -> Conversation:
    addresses = [address for name in ("From", "To", "Cc", "Bcc") for address in _addresses(mail, name)]
    if not addresses or not _addresses(mail, "From"):
        raise Unreadable("no mail: it has no sender that can be read")
    start = _date(mail)
    parties = [{"mailto": address, **({"name": name} if name else {})} for name, address in addresses]
    persons = [_person(party, house) for party in parties]
    subject, message_id = _text(mail.get("Subject", "")), str(mail.get("Message-ID", "")).strip()
    everyone = list(range(len(parties)))
    vcon: dict[str, Any] = {
        "vcon": VERSION,
        "created_at": written(start),
        "subject": subject,
        "parties": parties,
        "dialog": [
            {
                "type": "text", "start": written(start), "parties": everyone, "message_id": message_id,
                "mediatype": "text/plain", "encoding": "none", "body": _body(mail),
            }
        ],
        "attachments": [
            {
                "purpose": "original", "start": written(start), "party": 0, "dialog": 0,
                "mediatype": "message/rfc822", "encoding": "base64url", "body": base64url.encode(raw),
            }
        ],
    }  # fmt: skip
    return Conversation(
        kind="mail",
        direction=_direction([bool(person) for person in persons], 0),
        queue=queue,
        start=start,
        end=start,
        consent={},
        agents=tuple(Agent(person) for person in dict.fromkeys(persons) if person),
        goes_by=(*_parties(parties), *([(ID, message_id)] if message_id else [])),
        vcon=vcon,
    )


def _text(header: Any) -> str:
    """A header's words; what cannot be decoded stays as it is written."""
    try:
        return str(make_header(decode_header(str(header)[:_LONGEST_HEADER])))
    except _BROKEN:
        return str(header)


def _addresses(mail: Message, name: str) -> list[tuple[str, str]]:
    found = getaddresses([str(value) for value in mail.get_all(name, [])])
    return [(_text(words), address) for words, address in found if re.fullmatch(r"[^@\s]+@[^@\s]+", address)]


def _date(mail: Message) -> int:
    """As the sender dated it, UTC where no offset is said."""
    try:
        found = parsedate_to_datetime(str(mail["Date"]))
    except _BROKEN:
        raise Unreadable("it has no date that can be read") from None
    return moment((found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat(), "Date")


def _body(mail: Message) -> str:
    """The first plain text in it; else the first text of any kind, as it stands."""
    texts = [part for part in mail.walk() if part.get_content_maintype() == "text" and not part.get_filename()]
    texts.sort(key=lambda part: part.get_content_subtype() != "plain")
    for part in texts[:1]:
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            try:
                return content.decode(str(part.get_content_charset("utf-8")), "replace")
            except LookupError:
                return content.decode("utf-8", "replace")
    return ""


def as_bytes(conversation: Conversation, uuid: UUID) -> bytes:
    """What is sealed. `uuid`: of a vCon that is made here."""
    vcon = conversation.vcon
    if isinstance(vcon, bytes):
        return vcon
    made = _encoded({**vcon, "uuid": str(uuid)})
    if len(made) <= MAX_CONTENT:
        return made
    # Its text and the whole mail do not fit together: the text is in the mail.
    return _encoded({**vcon, "uuid": str(uuid), "dialog": [{**one, "body": ""} for one in vcon["dialog"]]})


def _encoded(vcon: Mapping[str, Any]) -> bytes:
    return json.dumps(vcon, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
