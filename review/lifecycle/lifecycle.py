"""Holds, requests and orders are entries of the audit log first; the catalog follows the log, entry by entry.

So one way serves them all: what is done now, what a killed process had begun, and what a catalog that was put back from
a backup has forgotten. An order is carried out by the store (store.catalog.erasure); here it is decided and signed.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, select

from protocol.claims import is_uuid
from protocol.erasure import Destroyed, Erasure, hash_of
from protocol.errors import ProtocolError
from protocol.keys import public_to_text
from review.audit.bodies import Body, bodies
from review.audit.entries import Entry, ReadingKey, is_shredded
from review.audit.kinds import FAILURE, SUCCESS, Act, pseudonym, read_body
from review.audit.log import AuditLog
from review.governance import model
from review.governance.model import Governance, Reason
from review.governance.retention import Because
from review.governance.times import DAY, HOUR, day_of
from review.lifecycle.approvals import Approvals, SignedBy, line_of
from review.lifecycle.clock import check_by_pcs
from review.lifecycle.decided import DECIDING, Decided, Decision, Rows, RowSigner, beside, unfitting
from review.lifecycle.facts import Facts, Known, why_line
from review.lifecycle.facts import why as why_kept
from review.lifecycle.places import Places
from review.refusal import Refusal, rule_id
from store.admin.home import Home
from store.admin.init import COMPLIANCE, STORE
from store.admin.operators import OperatorsLog
from store.catalog import erasure, schema
from store.catalog.blobs import BlobFault
from store.catalog.database import Database
from store.catalog.erasure import OnHoldError, Tombstone
from store.errors import StoreError
from store.files import lock, owned_as, write_over

ASKED: Final = "asked"  # the steps of an entry's `erase`
ORDERED: Final = "order"
CERTIFIED: Final = "certificate"
_MS: Final = 1_000_000  # ns
AT_ONCE: Final = 64
_REASONS: Final = {one: str(one).replace(" ", "-") for one in Because}  # as words of the log


class Houserules(NamedTuple):
    """`backups`: ns for which a backup lives. `replicas`: folders that are laid out as the store's blobs. `custodian`:
    the folder of the one that opens this store's recordings, None where there is none.
    """

    backups: int
    replicas: tuple[Path, ...]
    custodian: Path | None = None


@dataclass(frozen=True, slots=True)
class ErasureRun:
    """`erased`: with their certificates (JWS). `kept`: why not. `stuck`: begun, and why it could not be ended.

    `log_emptied`: not so where erased rows may still lie in the catalog's write-ahead log.
    `suspect`: what of those that are kept their sender did not sign.
    """

    erased: dict[str, str]
    kept: dict[str, str]
    stuck: dict[str, str]
    log_emptied: bool = True
    suspect: dict[str, str] = field(default_factory=dict)


@dataclass
class Lifecycle:
    """One store and the audit log that decides for it. `who` did it, on the machine `origin`.

    `clock_is_right`: a person has looked at the clock, whatever the PCs say of it.
    """

    home: Home
    database: Database
    log: AuditLog
    key: ReadingKey
    private: Ed25519PrivateKey
    house: Houserules
    who: str
    origin: str
    clock_is_right: bool = False

    def __post_init__(self) -> None:
        self._names: dict[str, str] = {}  # of people, by their pseudonyms
        self._exported: dict[str, list[str]] = {}  # recording -> days, by the entries of the log that were read for it
        self._read = 0
        self._rows = RowSigner(self.log.origin, self.home.key(STORE).id, self.private)
        self._checked = ""  # the signature that `_applied` and `decided` are of
        self._applied = 0
        self._compared = -HOUR  # ns, when the clock was last compared with the PCs'
        self.decided = Decided({}, {})
        self._places = Places(self.home.blobs_folder, self.house.replicas, self.house.custodian)

    # -- following the log ----------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self, *, put_back: bool = False) -> Iterator[None]:
        """No other process decides meanwhile, and all that was decided stands in the catalog.

        `put_back`: also of a backup. Its log may be one, too, without the newest holds.
        """
        with self._locked(put_back=put_back):
            self._follow()
            yield

    @contextmanager
    def _locked(self, *, put_back: bool = False) -> Iterator[None]:
        opened = os.open(
            self.home.folder / "lifecycle.lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600
        )
        try:
            owned_as(opened, self.home.folder)
            lock(opened, wait=True)
            if not put_back:
                self.home.check_not_put_back(self.database)
            yield
        finally:
            os.close(opened)

    def follow(self) -> None:
        """Bring the catalog to where the log is. Raises StoreError, AuditError."""
        with self._alone():
            pass

    def _follow(self) -> None:
        with self.database.reading() as connection:
            named = erasure.decider(connection)
        if named is None:
            raise StoreError("no audit log decides for this store yet: run `eyelid-review certificate init`")
        if (named.log, named.key) != (self.log.origin, public_to_text(self.private.public_key())):
            raise StoreError(f"this store follows the audit log {named.log} and its key, and this is another")
        if not named.decided:  # an earlier version wrote it: the log says what it must have
            self._derive()
            return
        if named.decided != self._checked:
            with self.database.reading() as connection:
                self._applied, self.decided = self._rows.check(connection, named.decided)
            self._checked = named.decided
        if self._applied > self.log.size:
            message = f"it has {self.log.size} entries, and the store followed {self._applied}"
            raise StoreError(f"{self.log.folder} is an old copy of the audit log: {message}")
        decisions, end = self._decisions(self._applied)
        if end > self._applied:
            with self.database.writing() as connection:
                self._rows.check(connection, named.decided)
                with beside(connection) as memory:
                    self._apply_all(connection, memory, decisions)
                    self._keep(connection, memory, end)

    def derive(self) -> tuple[int, int]:
        """Makes the rows of holds and requests anew from the whole log: how many were missing, how many foreign."""
        with self._locked():
            return self._derive(differing=True)

    def _derive(self, *, differing: bool = False) -> tuple[int, int]:
        """`differing`: also where others were there. Raises StoreError, and changes nothing then."""
        decisions, end = self._decisions(0)
        with self.database.writing() as connection, beside(None) as memory:
            before = Rows.read(connection)
            self._forget_decisions(connection)
            self._apply_all(connection, memory, decisions)
            missing, foreign = Rows.read(memory).difference(before)
            if (missing or foreign) and not differing:
                raise unfitting()
            self._keep(connection, memory, end)
        return missing, foreign

    def _keep(self, connection: Connection, memory: Connection, end: int) -> None:
        rows = Rows.read(memory)
        self._checked, self.decided = self._rows.keep(connection, end, rows), rows.decided
        self._applied = end

    def _forget_decisions(self, connection: Connection) -> None:
        self._learn(connection.scalars(select(schema.holds.c.owner).distinct()))
        erasure.forget_decisions(connection)

    def _decisions(self, first: int) -> tuple[list[Decision], int]:
        """Of the entries from `first` on, and the number of the first that is not there yet."""
        found: list[Decision] = []
        end = first
        for group in self.log.groups(first):
            for one in group.entries:
                end = one.position + 1
                entry = Entry.parse(one.raw)
                if entry.statement:
                    continue
                if is_shredded(one.rest):
                    message = "what people decided is no longer in the log, and the catalog does not have it"
                    raise StoreError(
                        f"this catalog is too old to be used: entry {one.position} was shredded, so {message}"
                    )
                body = read_body(self.key.open(self.log.origin, one.position, entry, one.rest)[0])
                if body["outcome"] == SUCCESS and body["kind"] in DECIDING:
                    found.append(Decision(one.position, entry.time * _MS, body))
        return found, end

    def _apply_all(self, connection: Connection, memory: Connection, decisions: Iterable[Decision]) -> None:
        for one in decisions:
            for kept in (connection, memory):
                self._note(kept, one)
            self._order_or_destroyed(connection, one)

    def _note(self, connection: Connection, one: Decision) -> None:
        """A hold or a request."""
        body, at = one.body, one.at
        facts, recordings = body["facts"], body["resource"]
        match body["kind"], facts:
            case "hold", _:
                # Also where the catalog says that one is gone: an unsigned row takes no hold off.
                who = facts.get("owner", body["who"])
                named = {"why": facts["why"], "owner": self._names.get(who, who), "review": facts["review"]}
                erasure.place(connection, facts["hold"], recordings, placed_at=at, **named)
            case "release", _:
                erasure.release(connection, facts["hold"], at)
            case "erase", {"step": "asked", "request": str(request)}:
                for recording in recordings:
                    erasure.ask(connection, recording, request)

    def _order_or_destroyed(self, connection: Connection, one: Decision) -> None:
        facts, recordings = one.body["facts"], one.body["resource"]
        match one.body["kind"], facts:
            case "erase", {"step": "order", "device": str(), "rule": str(), "rules": str()} if is_uuid(recordings[0]):
                self._order(connection, one.position, recordings[0], facts, one.at)
            case "erase", {"step": "certificate"}:
                erasure.was_destroyed(connection, recordings[0], self.private)

    def _order(self, connection: Connection, position: int, recording: str, facts: Mapping[str, str], at: int) -> None:
        said = Erasure(
            recording=UUID(recording),
            device=facts["device"],
            basis=facts["basis"],
            rule=facts["rule"],
            rules=facts["rules"],
            reference=facts.get("request", ""),
            log=self.log.origin,
            position=position,
            at=at,
        )
        try:
            erasure.order(connection, said, self.private)
        except OnHoldError:
            return  # a hold wins over every order

    def _act(self, kind: str, recordings: Sequence[str], **facts: object) -> Act:
        return Act(kind, self.who, self.origin, recordings, facts)

    def _learn(self, people: Iterable[str]) -> None:
        for person in people:
            self._names[pseudonym(person, self.key)] = person

    # -- holds ----------------------------------------------------------------------------------------------------

    def hold(
        self, hold: str, recordings: Sequence[str], *, why: str, owner: str, review: date, by: SignedBy | None = None
    ) -> None:
        """All of them or none. Raises StoreError where one was erased, or the name was used before; Refusal."""
        self._learn([owner])
        facts: dict[str, object] = {"hold": hold, "why": why, "owner": owner, "review": review.isoformat()}
        with self._alone():
            with self.database.reading() as connection:
                gone = erasure.among(connection, recordings)
                known = connection.execute(schema.holds.select().where(schema.holds.c.hold == hold)).first()
            if gone:
                raise StoreError(f"recording {min(gone)} is erased or being erased: nothing was put on hold")
            said = self._act("hold", recordings[:AT_ONCE], **facts)
            signed = self._by(model.Act.LEGAL_HOLD, by, recordings, hold, said)
            cut_short = known is not None and known.released_at is None and self._cut_short(facts | signed, recordings)
            if known is not None and not cut_short:
                raise StoreError(f"there was a hold {hold} already: give this one another name")
            self._note_all("hold", recordings, facts, signed)

    def _cut_short(self, facts: Mapping[str, object], recordings: Collection[str]) -> bool:
        """Whether just this hold was begun by the same person, and killed before its last entry."""
        if "person" not in facts:
            return False
        wanted = {name: facts[name] for name in ("hold", "why", "review")}
        wanted |= {name: pseudonym(str(facts[name]), self.key) for name in ("owner", "person")}
        holds = (one.said for one in self._bodies(0) if one.said["kind"] == "hold" and one.said["outcome"] == SUCCESS)
        begun = [one for one in holds if one["facts"]["hold"] == facts["hold"]]
        return bool(begun) and all(
            "approval" not in one["facts"]
            and wanted.items() <= one["facts"].items()
            and set(recordings).issuperset(one["resource"])
            for one in begun
        )

    def release(self, hold: str, *, why: str, dies: date | None, by: SignedBy | None = None) -> None:
        """Raises StoreError, Refusal."""
        with self._alone():
            recordings = self.held_by(hold)
            facts: dict[str, object] = {"hold": hold, "why": why}
            if dies is not None:
                facts["dies"] = dies.isoformat()
            said = self._act("release", recordings[:AT_ONCE], **facts)
            signed = self._by(model.Act.RELEASE_HOLD, by, recordings, hold, said)
            self.log.append(replace(said, facts={**facts, **signed}))
            self._follow()

    def held_by(self, hold: str) -> list[str]:
        """Raises StoreError for one that is off, or never was."""
        columns = schema.holds.c
        with self.database.reading() as connection:
            active = schema.holds.select().where(columns.hold == hold, columns.released_at.is_(None))
            found = [row.recording for row in connection.execute(active.order_by(columns.recording))]
        if not found:
            raise StoreError(f"there is no legal hold {hold} that is on: `eyelid-review holds list` shows them")
        return found

    # -- erasing --------------------------------------------------------------------------------------------------

    def erasing_clock(self) -> int:
        """What time it is, ns, for who decides what is over. Raises AuditError, StoreError where it may be wrong.

        The PCs are asked once a run, and again where the clock is an hour on.
        """
        now = self.log.checked_clock()
        if not (self.clock_is_right or 0 <= now - self._compared < HOUR):
            with self.database.reading() as connection:
                check_by_pcs(connection, now)
            self._compared = now
        return now

    def erase(self, facts: Facts, governance: Governance, recordings: Sequence[str], request: str = "") -> ErasureRun:
        """Those that may go now, of AT_ONCE at most; each is decided anew. What may not go yet and is asked for by a
        request is noted, and `due` erases it when it may. Raises AuditError, StoreError.
        """
        with self._alone():
            now = self.erasing_clock()
            acts: list[Act] = []
            later: list[str] = []
            kept: dict[str, str] = {}
            suspect: dict[str, str] = {}
            refused: dict[tuple[str, str], list[str]] = {}
            for recording in recordings[:AT_ONCE]:
                known = facts.of(UUID(recording), now, whole=True)
                if isinstance(known, str):
                    kept[recording] = known
                    continue
                known = self.decided.of(known)
                suspect |= {recording: known.suspect} if known.suspect else {}
                found = known.disposal(governance, now, asked=bool(request))
                if found.deletes:
                    acts.append(self._ordering(known, governance, found.because, found.retention.keeps.name, request))
                else:
                    until = "" if found.at is None else f" until {day_of(found.at)}"
                    line = why_line(found)
                    by_line = f" ({line})" if line else ""
                    kept[recording] = known.suspect or f"{why_kept(known, found)}{until}{by_line}"
                    later += [recording] if request and not known.request else []
                    refused.setdefault(("suspect" if known.suspect else _REASONS[found.because], line), []).append(
                        recording
                    )
            if request:
                self.log.append_all(
                    [self._kept(reason, line, some, request) for (reason, line), some in refused.items()]
                )
            if later:
                acts.append(self._act("erase", later, step=ASKED, basis="request", request=request))
            if acts:
                self.log.append_all(acts)
                self._follow()
            done = self._finish(now)
        return replace(done, kept=kept, suspect=suspect)

    def _kept(self, reason: str, line: str, recordings: Sequence[str], request: str) -> Act:
        """That somebody asked, and what stood against it."""
        said = {"step": ASKED, "basis": "request", "request": request, "rule": rule_id(line)}
        return replace(self._act("erase", recordings, **said), outcome=FAILURE, reason=reason)

    def approved(self, by: SignedBy, recordings: Sequence[str], request: str) -> None:
        """Notes that the erasure of exactly these was signed and approved: that counts once, and from then on each
        goes as soon as it may. Raises ProtocolError, Refusal among them, once an entry says so; StoreError.
        """
        with self._alone():
            asked: dict[str, object] = {"step": ASKED, "basis": "request", "request": request}
            said = self._act("erase", recordings[:AT_ONCE], **asked)
            signed = self._by(model.Act.ERASE, by, recordings, request, said)
            self._note_all("erase", recordings, asked, signed)

    def _note_all(
        self, kind: str, recordings: Sequence[str], facts: Mapping[str, object], signed: Mapping[str, object]
    ) -> None:
        """The approval in the last entry alone, so that what was cut short can be done again."""
        each = {name: value for name, value in signed.items() if name != "approval"}
        pages = [recordings[at : at + AT_ONCE] for at in range(0, len(recordings), AT_ONCE)]
        last = self._act(kind, pages.pop(), **facts, **signed)
        self.log.append_all([*(self._act(kind, some, **facts, **each) for some in pages), last])
        self._follow()

    def _by(
        self, act: model.Act, by: SignedBy | None, recordings: Sequence[str], request: str, said: Act
    ) -> dict[str, object]:
        """Who signed and approved it, for its entry; empty where no person has to. `said`: what a refusal's entry says.

        Raises StoreError; Refusal, once that entry is written.
        """
        if by is None:
            return {}
        # A hold destroys nothing: it need not wait for somebody who looks at the clock.
        now = self.log.now() if act is model.Act.LEGAL_HOLD else self.log.checked_clock()
        where = line_of(by.governance, act)
        try:
            approvals = self._approvals(by, where)
            known = {one: by.facts.of(UUID(one), now) for one in recordings}
            gone = next((one for one in known.values() if isinstance(one, str)), None)
            if gone and act is model.Act.ERASE:
                raise StoreError(gone)
            found = approvals.check(by.governance, act, by.filed, known, request=request, now=now)
        except ProtocolError as error:
            line = error.line if isinstance(error, Refusal) and error.reasons else where
            facts = {**said.facts, "rule": rule_id(line)}
            self.log.append(replace(said, facts=facts, outcome=FAILURE, reason=error.code))
            raise Refusal(error.code, str(error), [Reason(str(error), line)]) from None
        approved_by = sorted({one.person for one in found.approvals})
        return {"person": found.person, "approval": by.filed, **({"approvals": approved_by} if approved_by else {})}

    def _approvals(self, by: SignedBy, where: str) -> Approvals:
        """Those of the custodian, if this one was not used before."""
        if self.house.custodian is None:
            says = "no custodian is known here whom people sign for: `eyelid-review certificate init --custodian`"
            raise Refusal("no-custodian", says, [Reason(says, where)])
        if not by.filed:
            says = "a person signs it with their own key: say which request, with --approved"
            raise Refusal("not-signed", says, [Reason(says, where)])
        if by.filed in self._spent():
            says = "this approval was used before, and counts once"
            raise Refusal("replayed", says, [Reason(says, where)])
        return Approvals(self.house.custodian, self.home.key(COMPLIANCE).id)

    def _spent(self) -> set[object]:
        """Of approvals; what is older than bodies are kept has expired."""
        found = (one.said for one in self._bodies(0) if one.said["kind"] in DECIDING and one.said["outcome"] == SUCCESS)
        return {body["facts"]["approval"] for body in found if "approval" in body["facts"]}

    def _bodies(self, first: int) -> Iterator[Body]:
        """From entry `first` on, of those that have one."""
        return (one for one in bodies(self.log.folder, self.log.verifier, self.key, first) if one.said)

    def _ordering(self, known: Known, governance: Governance, because: Because, rule: str, request: str) -> Act:
        reference = request or known.request
        asked: dict[str, object] = {"request": reference} if because is Because.ERASURE else {}
        basis = "request" if because is Because.ERASURE else "period"
        said = {"step": ORDERED, "basis": basis, "device": known.device, "rule": rule, "rules": governance.hash}
        return self._act("erase", [known.id], **said, **asked)

    def finish(self) -> ErasureRun:
        """Go on with what was begun. Also removes what came back of erased recordings, as after a backup."""
        with self._alone():
            return self._finish(self.log.checked_clock())

    def _finish(self, now: int) -> ErasureRun:
        outcome = ErasureRun({}, {}, {})
        self._places.sweep_wraps(self.database)
        with self.database.reading() as connection:
            waiting = erasure.unfinished(connection)
        exports = self._exports({one.recording for one in waiting}) if waiting else {}
        ready: list[Tombstone] = []
        for one in waiting:
            try:
                if holds := self.decided.holds.get(
                    one.recording
                ):  # whatever the row says of its step, which is not signed
                    raise OnHoldError(f"it is under the legal hold {', '.join(holds)}")
                self._places.reach()
                self._places.shred_wrap(one.recording)
                found = erasure.carry_out(self.database, self._places.each, one, now, self.private)
            except (BlobFault, StoreError) as fault:
                outcome.stuck[one.recording] = str(fault)
            else:
                ready.append(replace(one, found=found))
        for at in range(0, len(ready), AT_ONCE):
            outcome.erased.update(self._certify(ready[at : at + AT_ONCE], exports, now))
        # Also where nothing is ready: what a run before left in the log goes with this one.
        return replace(outcome, log_emptied=self.database.settle())

    def _certify(self, ready: Sequence[Tombstone], exports: Mapping[str, Sequence[str]], now: int) -> dict[str, str]:
        """Of what was found to be gone everywhere just `now`."""
        tokens: dict[str, str] = {}
        for one in ready:
            if one.order is None or one.found is None:
                continue
            found = one.found
            absent = found.absent or ()
            destroyed = Destroyed(
                at=now,
                packets=found.packets,
                objects=found.objects,
                bytes=found.bytes,
                replicas=tuple(name for name, _ in self._places.each[1:] if name not in absent),
                backups_until=day_of(now + self.house.backups + DAY - 1).isoformat(),
                exports=tuple(exports.get(one.recording, ())),
                absent=absent,
            )
            tokens[one.recording] = replace(one.order, destroyed=destroyed).sign(self.private)
        acts = [
            self._act("erase", [one.recording], step=CERTIFIED, basis=one.order.basis, certificate=hash_of(token))
            for one in ready
            if one.order is not None and (token := tokens.get(one.recording))
        ]
        if acts:
            self.log.append_all(acts)
            with self.database.writing() as connection:
                for recording, token in tokens.items():
                    erasure.certify(connection, recording, token)
        return tokens

    def _exports(self, recordings: set[str]) -> dict[str, list[str]]:
        """When each was exported, by the operators' log of the store and by the audit log."""
        for one in self._bodies(self._read):
            self._read = one.position + 1
            for recording in one.said["resource"] if one.said["kind"] == "export" else ():
                self._exported.setdefault(recording, []).append(day_of(one.time * _MS).isoformat())
        found = {recording: list(self._exported.get(recording, ())) for recording in recordings}
        for line in OperatorsLog(self.home.folder).check().entries:
            named = line.get("recordings")
            if line.get("act") == "export" and isinstance(named, list):
                for recording in recordings & set(map(str, named)):
                    found[recording].append(str(line.get("at", ""))[:10])
        return found

    # -- after a backup -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """This log decides from now on. Raises StoreError where one does already."""
        with self.database.writing() as connection:
            if erasure.decider(connection) is not None:
                raise StoreError("an audit log decides for this store already")
            if any(one.said["kind"] in {"hold", "erase"} for one in self._bodies(0)):
                raise StoreError(
                    f"{self.log.folder} has decided before: a store that was put back from a backup is let to be used "
                    "by `eyelid-review restored`, and another store needs a log of its own"
                )
            # The file first: a catalog that names another is refused, and the same command puts it right.
            write_over(self.home.generation_path, self._appoint(connection, self.log.size).encode())

    def _appoint(self, connection: Connection, first: int) -> str:
        """Nothing is decided yet before entry `first`. Returns the generation."""
        self._forget_decisions(connection)
        signed = self._rows.sign(Rows((), Decided({}, {})), first)
        return erasure.appoint(connection, self.log.origin, self.private.public_key(), first, signed)

    def restored(self) -> ErasureRun:
        """For a catalog that was put back: follow the log, destroy again what came back, and let it be served.

        Whether the log is the newest its caller has checked.
        """
        with self.database.writing() as connection:
            named = erasure.decider(connection)
            if named is None or not named.decided:  # older than what decides now: it follows from the beginning
                self._appoint(connection, 0)
        with self._alone(put_back=True):
            outcome = self._finish(self.log.checked_clock())
        with self.database.reading() as connection:
            gone = erasure.certified(connection)
        self.sweep(gone)
        if outcome.stuck:
            return outcome
        with self._alone(put_back=True):
            self.log.append(self._act("erase", ["archive"], step="restored", basis="backup"))
            self._follow()
            with self.database.writing() as connection:
                self._rows.check(connection, self._checked)
                public = self.private.public_key()
                generation = erasure.appoint(connection, self.log.origin, public, self._applied, self._checked)
                # The file first: a catalog that names another is refused, and the same command puts it right.
                write_over(self.home.generation_path, generation.encode())
        return outcome

    def sweep(self, recordings: Collection[str]) -> int:
        """Destroys what lies there of recordings that were erased; how many files."""
        return self._places.destroy(recordings)
