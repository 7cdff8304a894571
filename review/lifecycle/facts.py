"""What a recording is, for the rules: out of what its device signed, and of the store's own clock.

A fact that only the catalog says is none. Where one is not certain every class counts, so that nothing dies sooner than
any class would have it; what goes beyond what was signed has no period. docs/lifecycle.md has the list of all facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Row

from protocol.envelope import AUDIO
from protocol.errors import ProtocolError
from protocol.interaction import Interaction, check_packet
from protocol.keys import public_to_text
from protocol.numbers import is_integer
from protocol.packet import KeyPacket
from review.governance.model import Channel, Consent, Governance, Recording
from review.governance.retention import Because, Disposal, disposal
from review.governance.times import DAY, FOR_EVER, day_of
from review.lifecycle.ends import end_of, ended_at
from review.lifecycle.pinned import Senders
from review.lifecycle.signed import Signed, read_signed
from store.catalog import erasure, interactions, queries
from store.catalog.blobs import BlobMissing, BlobStore, folder_of, is_sealed, packets_of
from store.catalog.database import Database
from store.errors import StoreError
from store.evidence.account import Closed
from store.evidence.earlier import MOST_EACH, Earlier, TooManyEntries
from store.evidence.evidence import MOST_POLICIES, Evidence, gather, policy_texts
from store.evidence.isolation import Unreadable, isolated
from store.evidence.rules import UNREAD, PolicyNames, at_most, name_of, read_names
from store.evidence.verify.ledger import SignedLines

# A recording lasts an hour. What is open for so long after its last byte goes on no more: its PC is gone.
GONE: Final = 7 * DAY
OF_MINIMUM: Final = "minimum of class "  # how `why` begins where that is the reason
# Characters of policies' text that are read because of one PC, which may send any: some four seconds of them at most.
# A policy has a few thousand, and is read once for all PCs.
MOST_TEXT: Final = 4 * 2**20
MOST_CHUNKS: Final = MOST_EACH  # of a recording, though its account is not read
_LEAST_TEXT: Final = 4096  # what a policy counts as, however short it is


class Names(NamedTuple):
    """Whose a recording is. `person`: by the rules; "" where none says it. `device`: an interaction's agent's."""

    host: str
    user: str
    person: str
    teams: frozenset[str]
    device: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """`os_user`, `recording`: by its key packet, into which a PC may write any name. `names`: by that packet, and as
    its device enrolled, which may have been renamed since; of an interaction, its agents. `since`: ns, no part of it is
    older. `unsure`: why not all of it is certain. `ended`: no more of it comes. `request`: that asked for its erasure.
    `whose`: why nothing signed says whose it is; `suspect`: what of it its sender did not sign. "" where all is well.
    """

    id: str
    device: str
    os_user: str
    names: tuple[Names, ...]
    bytes: int
    recording: Recording
    since: int
    ended: bool
    unsure: tuple[str, ...]
    holds: tuple[str, ...]
    request: str
    whose: str = ""
    suspect: str = ""

    def disposal(self, governance: Governance, now: int, *, asked: bool = False, without: str = "") -> Disposal:
        """`asked`: as if it were. `without`: as if that hold were off."""
        held = any(hold != without for hold in self.holds)
        recording = replace(self.recording, held=held, erasure_asked=asked or bool(self.request))
        found = disposal(strictest(governance) if self.unsure else governance, recording, now)
        return found if self.ended or not found.deletes else replace(found, deletes=False, at=now + GONE)


def strictest(governance: Governance) -> Governance:
    """With every class for every recording."""
    return replace(governance, retention=tuple(replace(one, any=None) for one in governance.retention))


class _Account(NamedTuple):
    """`foreign`: why its sender's key is not believed; `not_signed`: that, or why the account is not the sender's."""

    evidence: Evidence
    foreign: str
    not_signed: str
    closed_by: frozenset[str]


@dataclass
class Facts:
    """Reads many recordings of one store. `senders`: whose keys were seen before; None for who decides nothing."""

    database: Database
    blobs: BlobStore
    governance: Governance
    senders: Senders | None = None
    # device, first entry of a run -> entry and words of the first mistake that is known of it
    _mistakes: dict[tuple[str, int], tuple[int, str]] = field(default_factory=dict)
    _runs: Earlier = field(default_factory=Earlier)
    _policies: dict[str, PolicyNames] = field(default_factory=dict)
    _text: dict[str, int] = field(default_factory=dict)  # device -> characters of policies that were read because of it

    def of(self, recording: UUID, now: int, *, whole: bool = False) -> Known | str:
        """Why not, in words, where it cannot be read at all or was erased: then nothing is done to it.

        `whole`: for who destroys it, also whether its chunks are its sender's. It takes reading some of them.
        """
        found = isolated(lambda: self._read(recording, now, whole=whole))
        return str(found) if isinstance(found, Unreadable) else found

    def _read(self, recording: UUID, now: int, *, whole: bool) -> Known | str:
        unsure: list[str] = []
        with self.database.reading() as connection:
            if (sent := interactions.find(connection, str(recording))) is not None:
                found = self._sealed(connection, sent)
                if isinstance(found, Interaction):
                    return self._interaction(connection, sent, found, now)
                if queries.find_recording(connection, recording) is None:
                    return found
                unsure.append(f"a row says that it is an interaction: {found}")
            account = self._account(connection, recording, unsure)
            holds = erasure.held(connection, [str(recording)]).get(str(recording), [])
            request = erasure.asked(connection, [str(recording)]).get(str(recording), "")
            others = queries.others_accounts(connection, account.evidence.device.id, recording)
        evidence, not_signed = account.evidence, account.not_signed
        if evidence.erased is not None:
            return str(evidence.erased)
        signed, suspect = self._folder(account, unsure, whole=whole, others=others)
        whose = suspect
        if signed.packet is None:
            whose = suspect or next(iter(signed.unsure), "") or "it has no sound key packet"
        group, own, enrolled = self._names(evidence, signed.packet, unsure)
        by_signature = replace(evidence, stored=signed.stored)
        if not_signed:  # what its entries say is not the device's
            by_signature = replace(by_signature, lines=None, earlier=(), entries=(), later_entries=())
        length = by_signature.length
        end, doubt, since = ended_at(evidence, signed.packet, self.blobs, length=length, signed=not not_signed, now=now)
        end = self._not_before(evidence.device.id, end, now)
        unsure += [doubt] if doubt else []
        if sent is not None:
            end = max(end, sent.received_at, sent.end)
        over = (evidence.ended and not not_signed) or now - end > GONE
        if suspect:
            end, since, over = max(end, now), 0, over or evidence.ended
        channels = (Channel.SCREEN, Channel.VOICE) if AUDIO in by_signature.lanes else (Channel.SCREEN,)
        return Known(
            id=str(recording),
            device=evidence.device.id,
            os_user=own.user,
            names=(own, enrolled),
            bytes=sum(one.size for one in evidence.stored),
            recording=Recording(
                person=own.person,
                group=group,
                teams=own.teams,
                start=end - length,
                end=end,
                closed_by=account.closed_by,
                consent=dict.fromkeys(channels, Consent.MISSING),
            ),
            since=since,
            ended=over,
            unsure=tuple(unsure),
            holds=tuple(sorted(holds)),
            request=request,
            whose=whose,
            suspect=suspect,
        )

    def _account(self, connection: Connection, recording: UUID, unsure: list[str]) -> _Account:
        read, lines = partial(gather, connection, recording, whole=True, policies=False), SignedLines(self.database)
        too_many = False
        try:
            evidence = read(runs=self._runs, most=MOST_EACH, read=lines.read)
        except TooManyEntries:
            evidence, too_many = read(entries=False, most=MOST_CHUNKS), True
            unsure.append("it has more entries or chunks than are read")
        closings = list(_closings(evidence))
        names_of = at_most(MOST_POLICIES, partial(self._names_of, connection, evidence.device.id))
        names = {policy: names_of(policy) for policy in dict.fromkeys(closed.policy for closed in closings)}
        foreign = self._foreign(evidence.device.id, evidence.device.evidence_key)
        not_signed = foreign or ("" if too_many else self._not_signed(evidence, lines))
        unsure += [not_signed] if not_signed else []
        if any(names[closed.policy] == UNREAD and any(map(is_integer, closed.rules)) for closed in closings):
            unsure.append("the names of its rules are not here, or are too many to be read")
        rules = (name_of(rule, names[closed.policy].rules).id for closed in closings for rule in closed.rules)
        return _Account(evidence, foreign, not_signed, frozenset(rules))

    def _folder(self, account: _Account, unsure: list[str], *, whole: bool, others: bool) -> tuple[Signed, str]:
        """What lies there, and why some of it is not its sender's. `others`: whether another's account names it."""
        if account.foreign:
            return Signed(), account.foreign
        signed = read_signed(account.evidence, self.blobs, signed=not account.not_signed, whole=whole)
        suspect = [*signed.suspect, *(["the account of another PC names it, too"] if others else [])]
        unsure += [*signed.unsure, *suspect]
        return signed, next(iter(suspect), "")

    def _names(self, evidence: Evidence, packet: KeyPacket | None, unsure: list[str]) -> tuple[str, Names, Names]:
        """(its group, whose it is by its key packet, and as its device enrolled)."""
        device, rules = evidence.device, self.governance
        host, user = evidence.recording.host, evidence.recording.os_user
        if packet is not None:
            host, user = packet.host, packet.os_user
        group, *own = device.group, device.host, device.user
        if self.senders is not None and (first := self.senders.first(device.id)) is not None:
            if first.group != group:
                unsure.append("its PC is in another group than when it was first seen")
            group, *own = first.group, first.host, first.user
        own[1] = own[1] or user  # one that enrolled before users were asked has none
        # Names that differ in case alone are one: in small letters, as the rules compare them. Folded case is wider.
        if [*map(str.lower, own)] == [*map(str.lower, (host, user))]:
            own = [host, user]
        named = [
            Names(*one, rules.person_of(one[1]), rules.teams_of(group, one[1]))
            for one in ((host, user), (own[0], own[1]))
        ]
        if named[0].teams != named[1].teams:
            unsure.append("its key packet and its PC name users of different teams")
        return group, named[0], named[1]

    def _names_of(self, connection: Connection, device: str, policy: str) -> PolicyNames:
        if (known := self._policies.get(policy)) is not None:
            return known
        left = MOST_TEXT - self._text.get(device, 0)
        texts = policy_texts(connection, policy, left) if left > 0 else {}
        if not texts:
            return UNREAD  # and not remembered: another PC may have room for it
        self._text[device] = MOST_TEXT - left + max(sum(map(len, texts.values())), _LEAST_TEXT)
        self._policies[policy] = read_names(texts)
        return self._policies[policy]

    def _sealed(self, connection: Connection, row: Row[Any]) -> Interaction | str:
        """What its integration signed of it, or why it is none. The integration's key is a row's, and the row's owner
        may have put another there: the key packet lies on the disk, and must be by that key, and no recording's.
        """
        try:
            about, whose = interactions.said(connection, row)
            own, chunk = interactions.names_of(about)
            if list(self.blobs.names(packets_of(about.id))) != [own]:
                return "in its folder is no key packet, or another one"
            if not {one for one in self.blobs.names(folder_of(about.id)) if is_sealed(one)} <= {own, chunk}:
                return "its folder has something that its integration did not sign"
            if foreign := self._foreign(whose.id, whose.evidence_key):
                return foreign
            check_packet(about, self.blobs.get(own), whose.evidence_key)
        except (BlobMissing, ProtocolError, StoreError) as error:
            return f"what was signed of it does not fit its key packet: {error}"
        return about

    def _foreign(self, sender: str, key: Ed25519PublicKey) -> str:
        return "" if self.senders is None else self.senders.mistake(sender, public_to_text(key))

    def _not_before(self, sender: str, end: int, now: int) -> int:
        """Who owns the database can write a sender into it, and make a recording that sender's."""
        return end if self.senders is None else max(end, min(self.senders.since(sender), now))

    def _interaction(self, connection: Connection, row: Row[Any], about: Interaction, now: int) -> Known:
        """It ends when it comes, by the store's clock, or when its integration says, if that is later."""
        rules = self.governance
        agents = tuple(
            Names(agent.host, agent.user, agent.person or rules.person_of(agent.user), rules.teams_of("", agent.user),
                  agent.device)
            for agent in about.agents
        )  # fmt: skip
        channel = Channel.VOICE if about.kind == "call" else Channel(about.kind)
        said = {Channel(name): Consent(state) for name, state in about.consent.items()}
        length = about.end - about.start
        end, doubt, since = end_of(row.received_at, about.start, about.end, length)
        end = self._not_before(about.integration, end, now)
        return Known(
            id=row.id,
            device=about.integration,
            os_user="",
            names=agents,
            bytes=row.size,
            recording=Recording(
                person=next((one.person for one in agents if one.person), ""),
                teams=frozenset[str]().union(*(one.teams for one in agents)),
                start=end - length,
                end=end,
                consent={channel: Consent.MISSING} | said,
            ),
            since=since,
            ended=True,
            unsure=(doubt,) if doubt else (),
            holds=tuple(sorted(erasure.held(connection, [row.id]).get(row.id, []))),
            request=erasure.asked(connection, [row.id]).get(row.id, ""),
        )

    def _not_signed(self, evidence: Evidence, read: SignedLines) -> str:
        """Why the account is not what the device signed; "" where it is. `read`: the lines that were compared."""
        if (lines := evidence.lines) is None:
            return "its account has not come"
        # What a run's first lines say is remembered, and not read again for a later recording of it. A mistake after
        # this recording's end is none of its own, in whatever order they are read.
        run = evidence.device.id, lines.start
        known = [self._mistakes[run]] if run in self._mistakes else []
        if read.mistake:
            self._mistakes[run] = min([(read.mistake_at, read.mistake), *known])
            return read.mistake
        earlier = next((words for at, words in known if at <= lines.last), "")
        return earlier or ("" if evidence.ended else "its account does not say that it is over")


def _closings(evidence: Evidence) -> Iterator[Closed]:
    for lane in evidence.lanes:
        for state in evidence.stated(lane):
            if isinstance(state.cause, Closed):
                yield state.cause


def why_line(found: Disposal) -> str:
    """Of the rules, what keeps it; "" for a legal hold."""
    classes = found.retention
    one = classes.minimum_of if found.because is Because.MINIMUM else classes.keeps
    return "" if found.because is Because.HOLD or one is None else one.where


def why(known: Known, found: Disposal) -> str:
    """In a few words, for a list."""
    classes = found.retention
    if found.because is Because.HOLD:
        return f"legal hold {', '.join(known.holds)}"
    if found.because is Because.MINIMUM and classes.minimum_of is not None:
        return f"{OF_MINIMUM}{classes.minimum_of.name}"
    if found.because is Because.ERASURE:
        return f"request {known.request}" if known.request else "request"
    return f"class {classes.keeps.name}"


def when(found: Disposal) -> str:
    """As `why`: now, a day, or kept."""
    kept = "kept" if found.at is None or found.at >= FOR_EVER else f"{day_of(found.at)}"
    return "now" if found.deletes else kept
