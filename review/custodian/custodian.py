"""What is decided, in this order: signature, single use, facts, rules, approvals, cap; the entry; the keys.

Nothing is believed of the process that hands requests in. Every refusal of what a person signed is an entry, too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

from protocol import base64url, bundle, jws, personal
from protocol.claims import MAX_INTEGER, Claims
from protocol.errors import ProtocolError
from protocol.folder import write_over
from protocol.keys import RecipientPrivate, chunk_key, comment_key, derived_key
from protocol.released import CHUNK_KEYS, COMMENTS, DERIVED, DERIVED_KEY, REPORT_KEY, STREAM_KEY, release, session_key
from review import extracts, reviews, samples
from review.audit import kinds
from review.audit.log import AuditLog
from review.commented import Comment
from review.consented import Consents, Statement
from review.custodian.facts import Facts, establish
from review.custodian.home import Latest, Settings, recording_key
from review.enrolled import Enrolled, People
from review.filed import SETS, Approved, Filed, Requests, approving, rules_of_approval, terms_of, waiting_for
from review.governance import model
from review.governance.decide import decide
from review.governance.model import Act, Decision, Governance, Question, Recording, Rendition
from review.hourly import Hourly
from review.leases import Lease, readable
from review.nonces import LENGTH, NONCE_LIVES, Nonces
from review.played import Watching
from review.refusal import Refusal, check_role, granting, rule_id
from review.rules import of_bundle
from review.sampled import Sampled

REFUSALS: Final = 600  # entries a person and hour, and as many for all unsigned ones
MOST_FILED: Final = 1000
_MAC: Final = 16
_KINDS: Final = {Act.PLAY: "open", Act.EXPORT: "export"}
UNPROVEN: Final = "unproven"  # who asks, until a signature has been found good
OPERATOR: Final = "operator"  # who has the custodian's machine


@dataclass
class _Said:
    """What an entry can say so far: what was not proven is not in it. `peer`: who handed it in."""

    kind: str
    peer: str
    facts: dict[str, object]
    who: str = UNPROVEN
    of: str = "unknown"


class Custodian:
    """`keys`: review keys by id. Every method takes what came over the socket; `peer`: who brought it, for the log.

    All raise ProtocolError, AuditError among them: then nothing was opened.
    """

    def __init__(
        self, home: Path, keys: Mapping[str, RecipientPrivate], log: AuditLog, *,
        clock: Callable[[], int] = time.time_ns, ticks: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.settings = Settings.read(home)
        self._home, self._keys, self._log, self._ticks = home, keys, log, ticks
        self._latest, self._nonces, self._lock = Latest(home / "clock", clock), Nonces(ticks), threading.RLock()
        self._requests = Requests(home / "requests")
        self._hourly = Hourly(ticks)
        self.people = People(
            home / "keys.jsonl",
            compliance=self.settings.compliance, custodian=self.settings.name, origin=self.settings.origin,
        )  # fmt: skip
        self.consents = Consents(home / "consent", self.people, NONCE_LIVES)
        self._sampled, self._watching = Sampled(home / "samples", log), Watching(home / "watching", ticks)
        kept = home / "bundle"
        self._newest = of_bundle(kept.read_text("ascii"), self.settings.compliance) if kept.exists() else None

    # -- what is asked ------------------------------------------------------------------------------------------------

    def nonce(self) -> dict[str, object]:
        return {"nonce": self._nonces.make(), "custodian": self.settings.name}

    def take_bundle(self, text: str, peer: str) -> dict[str, object]:
        """A bundle's file: the signed token, and the rules that it carries."""
        said = _Said("rules", peer, {"revision": 0, "hash": "-"}, of="bundle")
        with self._noting(said):
            made, rules = of_bundle(text, self.settings.compliance)
            said.facts = {"revision": made.revision, "hash": made.governance or "-"}
            with self._lock:
                old = self._newest[0] if self._newest else None
                if old is not None and made != old and made.revision <= old.revision:
                    message = f"a bundle older than the last: revision {made.revision}, and {old.revision} is in force"
                    raise Refusal("old-bundle", message)
                if made != old:
                    self._note(said)
                    write_over(self._home / "bundle", text.encode("ascii"))
                    self._newest = (made, rules)
        return {"revision": made.revision}

    def enrol(self, asked: Claims, peer: str) -> dict[str, object]:
        """Somebody's new key, by an invitation that compliance signed."""
        said = _Said("account", peer, {"change": "key-enrolled"})
        with self._noting(said), self._lock:
            now = self._latest.now()
            new = self.people.proven(asked, now)
            said.who, said.of = new.person, new.key.id
            self._note(said)
            self.people.enrol(asked, now)
        return {"person": new.person, "key": new.key.id}

    def remove(self, key: str, peer: str) -> dict[str, object]:
        said = _Said("account", peer, {"change": "key-removed"}, OPERATOR)
        with self._noting(said), self._lock:
            old = self.people.of(key)
            said.of, said.facts["person"] = key, old.person
            self._note(said)
            self.people.remove(key, self._latest.now())
        return {"person": old.person, "key": key}

    def open(self, asked: Claims, peer: str) -> dict[str, object]:
        """Keys of the streams that were asked for, each wrapped to the session, signed. A Refusal may say `filed`."""
        said = _Said("open", peer, {"purpose": "none", "rule": "-", "rendition": "none"})
        with self._noting(said):
            signed, by, now = self._signed(personal.REQUEST, asked.text("request"), said)
            terms, act = terms_of(signed.claims), Act(signed.claims.text("act"))
            said.of = terms.get("recording", said.of)
            said.facts |= {"purpose": terms["purpose"] or "none", "rendition": terms.get("rendition", "none")}
            if act not in _KINDS:
                raise Refusal("not-here", f"to {act} is not this custodian's: it releases keys to play and to export")
            session, recording = session_key(terms["session"]), UUID(terms["recording"])
            said.kind = _KINDS[act]
            rules, facts, consents = self._established(asked, recording, terms["purpose"])
            streams = self._streams(signed.claims, terms, facts)
            chunks = extracts.sequences(asked, terms, facts.evidence, streams)
            filed = signed.claims.text("filed") if signed.claims.has("filed") else ""
            # One person at a time opens, approves or denies what was approved: what counts is what is noted.
            with self._lock if filed else nullcontext():
                question = self._question(rules, by.person, terms, facts.recording, (now, filed))
                decision = decide(rules, question)
                if not decision.granted:
                    raise self._refused(rules, question, decision, said, signed)
                self._cap(by.person)
                key = recording_key(self._home, self._keys, facts.packet)
                said.facts |= {"rule": rule_id(decision.reasons[0].where), "rendition": str(decision.rendition)}
                said.facts |= extracts.facts_of(terms)
                if question.approvals:
                    said.facts["approvals"] = [one.person.id for one in question.approvals]
                if act is Act.PLAY:
                    said.facts |= {"lanes": [str(one) for one in streams], "until": min(decision.until, MAX_INTEGER)}
                if filed:  # before its entry: killed in between, it opens never, not twice
                    self._still(signed, rules, recording, consents)  # approvals are not used up for a refusal
                    self._requests.drop(filed)
                entry = self._note(said)
                with self._lock:
                    self._still(signed, rules, recording, consents)
            seal = partial(release, session, request=signed.id, recording=recording)

            def keys_of(stream: int) -> bytes:
                own, part = facts.packet.stream_key(key, stream), chunks.get(stream, ())
                return b"".join(chunk_key(own, recording, stream, one) for one in part) if "case" in terms else own

            more: dict[str, object] = {"chunks": {str(n): c for n, c in chunks.items()}} if "case" in terms else {}
            if act is Act.PLAY:
                of, beside = partial(derived_key, key, recording), partial(seal, stream=DERIVED, label=DERIVED_KEY)
                labels = readable(decision.rendition, streams, facts.streams)
                more["derived"] = {one: base64url.encode(beside(of(one))) for one in labels}
                more["workers"] = self.people.workers(rules)
                length, lasts = facts.recording.end - facts.packet.start, (now, decision.until)
                reports = self._watching.begin(signed.id, by.person, recording, entry, streams, length, lasts)
                more["reports"] = base64url.encode(seal(reports, stream=COMMENTS, label=REPORT_KEY))
            label, given = (CHUNK_KEYS, list(chunks)) if "case" in terms else (STREAM_KEY, streams)
            return {"release": self._log.sign(jws.RELEASE, {
                "request": signed.id,
                "recording": str(recording),
                "evidence_key": facts.evidence,
                "entry": entry,
                "at": now,
                "until": min(decision.until, MAX_INTEGER),
                "keys": {str(n): base64url.encode(seal(keys_of(n), stream=n, label=label)) for n in given},
                "comments": base64url.encode(seal(comment_key(key, recording), stream=COMMENTS)),
                **more,
            })}  # fmt: skip

    def lease(self, asked: Claims, peer: str) -> dict[str, object]:
        """Keys for a worker's lease of one job, each wrapped to its session, signed."""
        said = _Said("lease", peer, {"kind": "none", "rule": "-"})
        with self._noting(said):
            signed, by, now = self._signed(personal.LEASE, asked.text("lease"), said)
            new = Lease.read(signed)
            said.of, said.facts = str(new.recording), said.facts | new.facts
            rules, facts, consents = self._established(asked, new.recording, "")
            needs = new.needs(facts.streams, now)
            decision = new.decided(rules, rules.person(by.person), now, facts.recording)
            most = rules.roles[decision.role].analyses[new.kind]
            if not self._hourly.counts(("lease", f"{decision.role} {new.kind}"), most):
                raise Refusal("too-many", f"{most} recordings an hour are allowed to role {decision.role}")
            key = recording_key(self._home, self._keys, facts.packet)
            said.facts |= new.noted(decision, needs)
            entry = self._note(said)
            with self._lock:
                self._still(signed, rules, new.recording, consents)
        return {"leased": self._log.sign(jws.LEASED, {
            "request": signed.id, "recording": said.of, "evidence_key": facts.evidence, "entry": entry, "at": now,
            "until": said.facts["until"], **new.keys(facts.packet, key, needs, self.people.workers(rules)),
        })}  # fmt: skip

    def watched(self, asked: Claims, peer: str) -> dict[str, object]:
        """What a page says that it played of what was released to it; nothing is opened by it."""
        found = self._watching.take(asked, self._latest.now())
        return {"entry": self._note(_Said("watched", peer, found.facts, found.person, found.recording))}

    def consent(self, asked: Claims, peer: str) -> dict[str, object]:
        """Consent that was given, or taken back, as a person signed it; what it opens, the rules say."""
        said = _Said("consent", peer, {"channel": "none", "state": "none", "rule": "-"})
        with self._noting(said):
            signed, by, now = self._signed(personal.CONSENT, asked.text("consent"), said)
            new = Statement.read(signed.claims)
            said.of, said.facts = str(new.recording), said.facts | new.facts
            rules, facts, _ = self._established(asked, new.recording, new.purpose)
            if new.channel not in facts.recording.consent:
                raise Refusal("unknown-channel", f"its device signed no {new.channel}")
            said.facts["rule"] = granting(rules, new.question(rules.person(by.person), now, facts.recording))
            with self._lock:
                self._still(signed, rules)
                made = self._nonces.made(signed.claims.raw("nonce"))
                entry = self.consents.take(new, signed.token, made, self._ticks(), lambda: self._note(said))
        return {"entry": entry, "recording": said.of, "channel": said.facts["channel"], "state": said.facts["state"]}

    def comment(self, asked: Claims, peer: str) -> dict[str, object]:
        """A sealed comment, as a person signed it; signed: whose it is, and when it came."""
        said = _Said("comment", peer, {"comment": "-", "rule": "-"})
        with self._noting(said):
            signed, by, now = self._signed(personal.COMMENT, asked.text("comment"), said)
            new = Comment.read(signed)
            said.of, said.facts = str(new.recording), said.facts | new.facts
            rules, facts, _ = self._established(asked, new.recording, new.purpose)
            said.facts["rule"] = granting(rules, new.question(rules.person(by.person), now, facts.recording))
            with self._lock:
                self._still(signed, rules)
                entry = self._note(said)
        return {"commented": self._log.sign(jws.COMMENTED, new.statement(by.person, entry, now))}

    def drawn(self, asked: Claims, _peer: str) -> dict[str, object]:
        """The sample of a month for a purpose; None while none is drawn."""
        return {"drawn": samples.sample(self._home / "samples", asked.text("purpose"), asked.text("month"))}

    def sampled(self, asked: Claims, _peer: str) -> dict[str, object]:
        """What is left of a sample, of the agent and month of a recording, for a person; signed for their page."""
        rules, facts, _ = self._established(asked, asked.uuid("recording"), asked.text("purpose"))
        return {"sampled": self._log.sign(jws.SAMPLED, self._sampled.left(rules, facts.recording, asked))}

    def review(self, asked: Claims, peer: str) -> dict[str, object]:
        """What became of a month's sample, as a person signed it; signed again, after its entry."""
        said = _Said("review", peer, {"step": "signed", "month": "-"})
        with self._noting(said):
            signed, by, now = self._signed(personal.REVIEW, asked.text("review"), said)
            new = reviews.Statement.read(signed.claims)
            said.of, said.facts = new.review, said.facts | {"month": new.month.name, "rule": "-"}
            _, rules = self._in_force()
            said.facts["rule"] = reviews.check_person(rules, new.review, by.person, now)
            with self._lock:
                self._still(signed, rules)
                drawn = samples.sample(self._home / "samples", new.review, new.month.name)
                said.facts |= new.check(asked.text("list"), drawn)
                entry = self._note(said)
        return {"reviewed": self._log.sign(jws.REVIEWED, new.said(by.person, signed.id, entry, now))}

    def file(self, asked: Claims, peer: str) -> dict[str, object]:
        """An erasure, or a legal hold's beginning or end; the lifecycle carries it out, and knows the recordings."""
        said = _Said("request", peer, {"act": "none", "request": "-"})
        with self._noting(said):
            signed, by, now = self._signed(personal.REQUEST, asked.text("request"), said)
            terms = terms_of(signed.claims)
            said.of, said.facts["act"] = terms.get("recordings", said.of), terms["act"]
            _, rules = self._in_force()
            if terms["act"] not in SETS:
                raise Refusal("not-here", "nothing but erasures and legal holds is filed")
            check_role(rules, by.person, Act(terms["act"]), now)
            with self._lock:
                self._still(signed, rules)
                self._file(rules, said, signed.id, Filed(by.person, terms, now, signed.token))
        return {"filed": signed.id}

    def filed(self, asked: Claims, _peer: str) -> dict[str, object]:
        """What waits, for who is to approve it."""
        found = self._requests.get(asked.text("filed"))
        if found is None:
            raise Refusal("unknown-request", "no request of this id waits")
        # The id is a hash of what was signed: with that, the way between can name no other person or purpose.
        return {
            "person": found.person, "terms": found.terms, "asked": found.asked, "request": found.token,
            "approved_by": [one.person for one in found.approvals],
        }  # fmt: skip

    def waiting(self, asked: Claims, _peer: str) -> dict[str, object]:
        """Openings and exports that this person asked for, or may approve; what ends first comes first."""
        (_, rules), now, person = self._in_force(), self._latest.now(), asked.text("person")
        waits = self._requests.waiting(rules, now).items()
        kept = {filed: replace(one, approvals=tuple(self._counted(one))) for filed, one in waits}
        shown = {filed: waiting_for(rules, person, one, now) for filed, one in kept.items()}
        found = [{"filed": filed} | said for filed, said in shown.items() if said]
        return {"waiting": sorted(found, key=lambda one: int(str(one["until"])))}

    def approve(self, asked: Claims, peer: str) -> dict[str, object]:
        said = _Said("approve", peer, {"act": "none", "verdict": "none", "role": "none"})
        with self._noting(said):
            signed, by, now = self._signed(personal.APPROVAL, asked.text("approval"), said)
            terms, verdict = terms_of(signed.claims), signed.claims.text("verdict")
            request = said.of = signed.claims.hex256("filed")
            said.facts["act"] = terms["act"]
            if verdict not in {"approve", "deny"}:
                raise signed.claims.refuse("verdict", "approve or deny")
            said.facts["verdict"] = verdict
            _, rules = self._in_force()
            with self._lock:
                self._still(signed, rules)
                filed = self._requests.get(request)
                if filed is None or filed.terms != terms:
                    raise Refusal("unknown-request", "no request that waits says what was signed here")
                if by.person == filed.person:
                    raise Refusal("own-request", "who asks cannot approve it")
                said.facts["role"] = approving(rules, by.person, terms, now)
                if verdict == "approve" and by.person in {one.person for one in self._counted(filed)}:
                    raise Refusal("approved-before", "this person has approved it, and counts once")
                self._note(said)
                if verdict == "deny":
                    self._requests.drop(request)
                else:
                    made = (*filed.approvals, Approved(by.person, by.key.id, now, signed.token))
                    self._requests.put(request, replace(filed, approvals=made))
        return {"filed": request, "verdict": verdict}

    def commit_seeds(self) -> None:
        """Of samples, before their months begin. Raises ProtocolError, OSError."""
        samples.commit(self._home / "samples", self._log, self._latest.now())
        self._sampled.catch_up()  # so that no person waits for it

    # -- who and what -------------------------------------------------------------------------------------------------

    def _signed(self, typ: str, token: str, said: _Said) -> tuple[personal.Signed, Enrolled, int]:
        """Signed by a key of the person it names, for this custodian, once; and what time it is."""
        signed = personal.read(typ, token)
        by = self.people.of(signed.key)
        personal.check(signed, by.key)
        said.who = by.person
        self.people.check_said(signed, by)
        with self._lock:
            now = self._latest.now()
            self._nonces.spend(signed.claims.raw("nonce", LENGTH))
        return signed, by, now

    def _still(self, signed: personal.Signed, rules: Governance, of: UUID | None = None, kept: object = ()) -> None:
        """Papers take time: meanwhile a key is removed, other rules come, consent is changed. Raises Refusal."""
        self.people.of(signed.key)
        if self._in_force()[1] is not rules:
            raise Refusal("rules-changed", "other rules came meanwhile: ask again")
        if of and self.consents.kept(of) != kept:
            raise Refusal("consent-changed", "its consent was changed meanwhile: ask again")

    def _established(self, asked: Claims, recording: UUID, purpose: str) -> tuple[Governance, Facts, tuple[str, ...]]:
        """The rules in force, what is known by them, and what people signed of its consent."""
        made, rules = self._in_force()
        kept = self.consents.kept(recording)
        consents = {channel: one.state for channel, one in self.consents.of(recording, kept).items()}
        facts = establish(asked.object("papers"), recording, self.settings.store_key, rules, consents)
        if facts.packet.bundle_revision > made.revision:
            raise Refusal("stale-bundle", f"its PC has bundle {facts.packet.bundle_revision} already: bring it here")
        drawn = samples.drawn(self._home / "samples", rules, purpose, recording, facts.recording.start)
        return rules, replace(facts, recording=replace(facts.recording, drawn=drawn)), kept

    def _streams(self, claims: Claims, terms: Mapping[str, str], facts: Facts) -> list[int]:
        there = {str(one): one for one in facts.streams}
        asked = terms["streams"].split() if "case" in terms else claims.texts("streams")
        if not asked or not there.keys() >= set(asked):
            raise Refusal("unknown-stream", f"streams that the device signed: {', '.join(sorted(there))}")
        return sorted({there[one] for one in asked})

    # -- rules and approvals ------------------------------------------------------------------------------------------

    def _in_force(self) -> tuple[bundle.Bundle, Governance]:
        made, rules = self._newest or (None, None)
        if made is None or rules is None:
            raise Refusal("no-rules", "no signed rules are in force: what opens is the recovery key alone, offline")
        if lost := {one.key_id for one in made.recipients} & set(self.settings.compromised):
            raise Refusal("compromised", f"bundle {made.revision} still seals to a stolen key, {min(lost)}")
        return made, rules

    def _question(
        self, rules: Governance, person: str, terms: Mapping[str, str], recording: Recording, asked: tuple[int, str]
    ) -> Question:
        """`asked`: when, and the request that was filed before."""
        now, filed = asked
        act, rendition = Act(terms["act"]), Rendition(terms["rendition"])
        question = Question(rules.person(person), act, now, recording, terms["purpose"], rendition)
        if not filed:
            return question
        kept = self._requests.get(filed)
        if kept is None or (kept.person, kept.terms) != (person, terms):
            raise Refusal("unknown-request", "no request that waits asks for this")
        approvals = [model.Approval(rules.person(one.person), one.at) for one in self._counted(kept)]
        return replace(question, asked=kept.asked, approvals=tuple(approvals))

    def _counted(self, filed: Filed) -> list[Approved]:
        """Those by keys that are still their people's."""
        keys = self.people.keys
        return [one for one in filed.approvals if one.key in keys and not keys[one.key].removed]

    def _refused(
        self, rules: Governance, question: Question, decision: Decision, said: _Said, signed: personal.Signed
    ) -> Refusal:
        """It is filed where approvals are what is missing, and nothing else is."""
        terms = terms_of(signed.claims)
        lines = {rule.where for rule in rules_of_approval(rules, terms)}
        if question.asked is not None or not lines >= {reason.where for reason in decision.reasons}:
            return Refusal.by(decision.reasons)
        then = decide(rules, replace(question, asked=question.now))
        with self._lock:
            self._file(rules, said, signed.id, Filed(question.person.id, terms, question.now, signed.token))
        return Refusal.by(then.reasons, filed=signed.id)

    def _file(self, rules: Governance, said: _Said, id: str, filed: Filed) -> None:  # noqa: A002 - what it is
        waits = [one.person for one in self._requests.waiting(rules, filed.asked).values()]
        if len(waits) >= MOST_FILED or waits.count(filed.person) >= MOST_FILED // 20:
            raise Refusal("too-many", "too many requests wait for approvals")
        facts: dict[str, object] = {"act": filed.terms["act"], "request": id}
        facts["purpose"] = filed.terms["purpose"] or "none"
        self._note(replace(said, kind="request", facts=facts))
        self._requests.put(id, filed)

    # -- how often, and the log ---------------------------------------------------------------------------------------

    def _cap(self, person: str) -> None:
        if not self._hourly.counts(("open", person), self.settings.cap):
            raise Refusal("too-many", f"{self.settings.cap} openings an hour are allowed to a person")

    def _note(self, said: _Said, reason: str | None = None) -> int:
        outcome = kinds.FAILURE if reason else kinds.SUCCESS
        return self._log.append(kinds.Act(said.kind, said.who, said.peer, [said.of], said.facts, outcome, reason))

    @contextmanager
    def _noting(self, said: _Said) -> Iterator[None]:
        try:
            yield
        except ProtocolError as error:
            if isinstance(error, Refusal) and "rule" in said.facts:
                said.facts["rule"] = rule_id(error.line)
            if self._hourly.counts(("refused", said.who), REFUSALS):
                self._note(said, error.code)
            raise
