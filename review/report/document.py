"""The model as blocks of text, tables and bars: HTML and PDF draw these and nothing else, so both say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from protocol.envelope import SCREEN
from review.report.model import KINDS, Listed, LogRead, Model, Opening, Sums
from review.report.words import Words, lasting

DRAWN: Final = ("kept", "closed", "held", "blind", "missing")  # closed with its margin


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`numbers`: columns that stand to the right. `wide`: how much room each column wants."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    wide: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """`parts`: kind, share of the longest bar from 0 to 1, and what it says."""

    label: str
    parts: tuple[tuple[str, float, str], ...]


@dataclass(frozen=True, slots=True)
class Bars:
    caption: str
    bars: tuple[Bar, ...]
    legend: tuple[tuple[str, str], ...]


Block = Heading | Text | Facts | Table | Bars


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    language: str
    blocks: tuple[Block, ...]


def document(model: Model) -> Document:
    """In the language that the model names."""
    words = Words(model.language)
    made = _Blocks(model, words)
    title = f"{words('Report of a period')}: {words('{first} to {last}', first=model.first, last=model.last)}"
    return Document(title, model.language, tuple(made.blocks()))


class _Blocks:
    def __init__(self, model: Model, words: Words) -> None:
        self._model, self._ = model, words

    def blocks(self) -> Iterator[Block]:
        yield from self._head()
        yield from self._time()
        yield from self._rules()
        yield from self._policies()
        yield from self._who()
        yield from self._reviews()
        yield from self._ends()
        yield from self._alarms()
        yield from self._verified()
        yield Heading(self._("What this report does not know"))
        yield from map(Text, self._unknown())

    def _head(self) -> Iterator[Block]:
        model, _ = self._model, self._
        yield Facts((
            (_("Made"), _.moment(model.made)), (_("Asked for by"), model.by),
            (_("Signed by the audit log"), model.origin), (_("Recordings"), _.number(model.recordings)),
        ))  # fmt: skip
        yield Text(_("Days and times are of the zone {zone}.", zone=model.zone), soft=True)
        yield Text(_("A recording belongs whole to the day on which it began. Times are hours:minutes:seconds, cut to "
                     "the second; the JSON has them to the nanosecond."), soft=True)  # fmt: skip

    # -- time -----------------------------------------------------------------------------------------------------

    def _lane(self, lane: str) -> str:
        return self._("Screen") if lane == SCREEN else self._("Sound")

    def _time(self) -> Iterator[Block]:
        model, _ = self._model, self._
        yield Heading(_("What became of the time"))
        if not model.lanes:
            yield Text(_("No recording began in this period."))
            return
        yield self._sums(
            _("What became of the time"), _("Lane"), {self._lane(name): one for name, one in model.lanes.items()}
        )
        yield Text(_("Closed: by a rule. Around it: given up before and after. Held: nothing was to be recorded. "
                     "Blind: nothing could be proven. Missing: it should be here and is not, or it was erased."),
                   soft=True)  # fmt: skip
        for caption, column, several in (
            (_("By day"), _("Day"), model.days), (_("By group"), _("Group"), model.groups),
        ):  # fmt: skip
            yield Heading(caption)
            for lane in model.lanes:
                there = {name: lanes[lane] for name, lanes in sorted(several.items()) if lane in lanes}
                named = f"{caption}: {self._lane(lane)}"
                yield self._bars(named, there)
                yield self._sums(named, column, there)

    def _sums(self, caption: str, column: str, several: Mapping[str, Sums]) -> Table:
        _ = self._
        headings = (column, _("Recordings"), _("Whole"), _("Kept"), _("Closed"), _("Around it"), _("Held"), _("Blind"),
                    _("Missing"))  # fmt: skip
        rows = tuple(
            (name, _.number(one.recordings), lasting(one.whole), *(lasting(getattr(one, kind)) for kind in KINDS))
            for name, one in several.items()
        )
        return Table(caption, headings, rows, frozenset(range(1, 9)), (3, 2, 2, 2, 2, 2, 2, 2, 2))

    def _bars(self, caption: str, several: Mapping[str, Sums]) -> Bars:
        _ = self._
        called = dict(zip(DRAWN, (_("Kept"), _("Closed"), _("Held"), _("Blind"), _("Missing")), strict=True))
        longest = max((one.whole for one in several.values()), default=0) or 1
        bars = []
        for name, one in several.items():
            amounts = {kind: getattr(one, kind) for kind in DRAWN} | {"closed": one.closed + one.closed_margin}
            parts = tuple(
                (kind, ns / longest, f"{called[kind]} {lasting(ns)}") for kind, ns in amounts.items() if ns > 0
            )
            bars.append(Bar(name, parts))
        return Bars(caption, tuple(bars), tuple(called.items()))

    def _rules(self) -> Iterator[Block]:
        model, _ = self._model, self._
        yield Heading(_("Closed, by rule"))
        if not model.rules:
            yield Text(_("No rule closed anything."))
        else:
            rows = tuple(
                (one.rule, one.why, self._lane(one.lane), _.number(one.recordings), _.number(one.times),
                 lasting(one.closed), lasting(one.margin))
                for one in model.rules
            )  # fmt: skip
            headings = (_("Rule"), _("Reason"), _("Lane"), _("Recordings"), _("Times"), _("Closed"), _("Around it"))
            yield Table(_("Closed, by rule"), headings, rows, frozenset({3, 4, 5, 6}), (4, 5, 2, 2, 1, 2, 2))
            yield Text(
                _("Where several rules closed at once, each has the whole time: these do not add up."), soft=True
            )
        yield Heading(_("Held, blind and missing, by reason"))
        called = {"held": _("Held"), "blind": _("Blind"), "missing": _("Missing")}
        reasons = tuple(
            (self._lane(lane), called[kind], reason, lasting(ns))
            for lane, kinds in model.reasons.items()
            for kind, several in kinds.items()
            for reason, ns in sorted(several.items(), key=lambda item: (-item[1], item[0]))
        )
        if reasons:
            titles = (_("Lane"), _("What"), _("Reason"), _("Time"))
            yield Table(_("Held, blind and missing, by reason"), titles, reasons, frozenset({3}), (2, 2, 5, 2))
        else:
            yield Text(_("Nothing was."))

    def _policies(self) -> Iterator[Block]:
        model, _ = self._model, self._
        yield Heading(_("Policies"))
        if model.policies:
            rows = tuple(
                (one.hash, _.number(one.recordings), _.moment(one.first), _.moment(one.last),
                 _("yes") if one.readable else _("no"))
                for one in model.policies
            )  # fmt: skip
            headings = (_("Policy"), _("Recordings"), _("First recording"), _("Last recording"), _("Text here"))
            yield Table(_("Policies of the recordings"), headings, rows, frozenset({1}), (6, 2, 3, 3, 1))
        if model.bundles:
            bundles = tuple(
                (str(one.revision), _.moment(one.added), _("now") if one.until is None else _.moment(one.until),
                 one.policy or "-", one.governance or "-", _("yes") if one.signed else _("no"))
                for one in model.bundles
            )  # fmt: skip
            titles = (_("Revision"), _("In force from"), _("until"), _("Policy"), _("Governance"), _("Signed"))
            caption = _("Bundles that the store gave out")
            yield Table(caption, titles, bundles, frozenset({0}), (1, 2, 2, 4, 4, 2))

    # -- people ---------------------------------------------------------------------------------------------------

    def _who(self) -> Iterator[Block]:
        model, _ = self._model, self._
        yield Heading(_("Who looked"))
        if not model.named:
            yield Text(_("People stand here by their pseudonyms in the log."), soft=True)
        counts = tuple(
            (_(log.log), kind, outcome, _.number(many))
            for log in model.logs
            for kind, outcomes in sorted(log.counts.items())
            for outcome, many in sorted(outcomes.items())
        )
        if counts:
            headings = (_("Log"), _("Act"), _("Outcome"), _("Number"))
            yield Table(_("Acts in the period"), headings, counts, frozenset({3}), (2, 2, 2, 1))
        people = tuple(
            (who, _(log.log), kind, _.number(many))
            for log in model.logs
            for who, kinds in sorted(log.people.items())
            for kind, many in sorted(kinds.items())
        )
        if people:
            headings = (_("Person"), _("Log"), _("Act"), _("Number"))
            yield Table(_("By person"), headings, people, frozenset({3}), (4, 2, 2, 1))
        yield from self._acts(_("Openings and exports"), model.openings)
        yield from self._acts(_("Looks at an account"), model.looks)

    def _acts(self, caption: str, listed: Listed) -> Iterator[Block]:
        _ = self._
        rows = tuple(
            (_.moment(one.at), _(one.log), str(one.entry), one.who, one.kind, one.outcome,
             ", ".join(filter(None, (one.purpose, one.rule))), ", ".join(one.recordings), self._played(one))
            for one in listed.rows
        )  # fmt: skip
        yield Heading(caption, 3)
        titles = (_("When"), _("Log"), _("Entry"), _("Person"), _("Act"), _("Outcome"), _("Purpose"), _("Recording"),
                  _("Played"))  # fmt: skip
        table = Table(caption, titles, rows, frozenset({2, 8}), (3, 2, 1, 3, 2, 2, 2, 5, 2))
        yield from self._listed(listed, table, _("None was noted."))

    def _played(self, one: Opening) -> str:
        """As the page reported it: to play, from the custodian alone."""
        if one.kind != "open" or one.outcome != "success":
            return "-"
        return self._("not reported") if one.played is None else lasting(one.played)

    def _listed(self, listed: Listed, table: Table, none: str) -> Iterator[Block]:
        yield table if table.rows else Text(none)
        if listed.left_out:
            many = self._.number(listed.left_out)
            yield Text(self._("{count} more rows are in the logs and the store.", count=many))

    def _reviews(self) -> Iterator[Block]:
        model, _ = self._model, self._
        yield Heading(_("Periodic reviews"))
        if not model.rules_read:
            yield Text(_("The rules in force could not be read: which reviews they demand is not known."))
        if not model.reviews:
            yield Text(_("None was due, and none was signed."))
            return
        done = [one for one in model.reviews if one.state == "done"]
        late = [one for one in model.reviews if one.late]
        yield Text(_("{all} months: {done} signed as done, {late} late.", all=_.number(len(model.reviews)),
                     done=_.number(len(done)), late=_.number(len(late))))  # fmt: skip
        states = {"done": _("done"), "unfinished": _("unfinished"), "": _("not signed")}
        names = ("drawn", "fine", "finding", "escalated", "missing")
        rows = tuple(
            (one.review, one.month, _.moment(one.due) if one.due else "-",
             states[one.state] + (f", {_('late')}" if one.late else ""),
             *(_.number(one.sums[name]) if one.sums else "-" for name in names), one.who or "-",
             _.moment(one.at) if one.at else "-", f"{_(one.log)} {one.entry}" if one.log else "-")
            for one in model.reviews
        )  # fmt: skip
        headings = (_("Review"), _("Month"), _("Due before"), _("State"), _("Drawn"), _("Fine"), _("Finding"),
                    _("Escalated"), _("No outcome"), _("Signed by"), _("When"), _("Entry"))  # fmt: skip
        yield Table(_("Periodic reviews"), headings, rows, frozenset(range(4, 9)), (2, 2, 3, 2, 1, 1, 2, 2, 2, 3, 3, 2))

    def _ends(self) -> Iterator[Block]:
        model, _ = self._model, self._
        yield Heading(_("Legal holds and erasures"))
        holds = tuple(
            (_.moment(one.at), _(one.log), str(one.entry), one.act, one.hold, one.who, _.number(one.recordings))
            for one in model.holds.rows
        )
        headings = (_("When"), _("Log"), _("Entry"), _("Act"), _("Hold"), _("Person"), _("Recordings"))
        caption = _("Legal holds and erasures")
        yield from self._listed(model.holds, Table(caption, headings, holds, frozenset({2, 6}), (3, 2, 1, 2, 3, 3, 2)),
                                _("The logs that were read name no hold that was set or released."))  # fmt: skip
        for log in model.logs:
            if log.log == "lifecycle":  # no hold in the list is no news where the log that has them was not read
                yield from map(Text, self._unread(log))
        erased = tuple(
            (one.recording, one.day, one.basis, one.reference, str(one.position), one.certificate)
            for one in model.erasures.rows
        )
        titles = (_("Recording"), _("Destroyed"), _("Basis"), _("Reference"), _("Entry"), _("Certificate"))
        yield from self._listed(model.erasures, Table(caption, titles, erased, frozenset({4}), (4, 2, 2, 2, 1, 5)),
                                _("Nothing was erased."))  # fmt: skip

    def _alarms(self) -> Iterator[Block]:
        model, _ = self._model, self._
        yield Heading(_("Alarms"))
        rows = tuple((one.code, _.number(one.raised), _.number(one.settled)) for one in model.alarms)
        headings = (_("Alarm"), _("Raised"), _("Acknowledged"))
        yield (
            Table(_("Alarms"), headings, rows, frozenset({1, 2}), (4, 1, 1))
            if rows
            else Text(_("No alarm was raised."))
        )

    # -- what is known, and what is not ---------------------------------------------------------------------------

    def _verified(self) -> Iterator[Block]:
        model, _, found = self._model, self._, self._model.verified
        yield Heading(_("What was verified"))
        if found.asked:
            yield Text(_("The store's verify ran over {count} recordings from {moment} on: {sound} without a finding.",
                         count=_.number(found.recordings), moment=_.moment(found.at),
                         sound=_.number(found.sound)))  # fmt: skip
        for heading, counts in (
            (_("Finding"), found.findings), (_("Check that was left out"), found.not_checked),
        ):  # fmt: skip
            if counts:
                rows = tuple((name, _.number(many)) for name, many in sorted(counts.items()))
                yield Table(heading, (heading, _("Number")), rows, frozenset({1}), (4, 1))
        if found.unsound:
            unsound = tuple((one,) for one in found.unsound)
            yield Table(_("Recordings with findings"), (_("Recording"),), unsound)
        for log in model.logs:
            if not log.why_not:
                yield Text(_("The log of {log} was read whole: {count} entries, as they were signed.", log=_(log.log),
                             count=_.number(log.entries)))  # fmt: skip

    def _unknown(self) -> Iterator[str]:
        model, _ = self._model, self._
        if model.verified.asked:
            yield _("The accounts of PCs were not walked from their first entry: a recording whose every trace is gone "
                    "does not show. eyelid-store verify --all and gaps do that.")  # fmt: skip
        else:
            yield _("Nothing was verified: the figures are what PCs signed, unchecked. eyelid-store verify --all "
                    "checks them.")  # fmt: skip
        yield _("What PCs recorded in the period and have not sent yet is not in it.")
        yield _("Time in which no recording was open is in no figure: eyelid-store gaps has it.")
        yield _("No log here knows of copies that left the house, or who plays them.")
        if going := model.states.get("open", 0):
            yield _("{count} recordings go on: their figures will change.", count=_.number(going))
        if unreadable := model.states.get("unreadable", 0):
            yield _("{count} recordings could not be read; they are in no figure: {names}", count=_.number(unreadable),
                    names=", ".join(model.unreadable.rows))  # fmt: skip
        if gone := model.unexplained:
            yield _("{count} recordings are gone, and nothing signed says why.", count=_.number(gone))
        for log in model.logs:
            yield from self._unknown_of(log)
        for what in sorted(model.overflow):
            yield _("Of {what} there are more than this report lists: the rest is counted as others.", what=what)

    def _unread(self, log: LogRead) -> Iterator[str]:
        if log.why_not:
            yield self._("The log of {log} was not read: {why}", log=self._(log.log), why=self._(log.why_not))

    def _unknown_of(self, log: LogRead) -> Iterator[str]:
        _, called = self._, self._(log.log)
        yield from self._unread(log)
        if log.shredded:
            yield _("{count} entries of the log of {log} were shredded: what they said is not in here.",
                    count=_.number(log.shredded), log=called)  # fmt: skip
        if log.changed:
            yield _("{count} entries of the log of {log} were changed: eyelid-review audit verify names them.",
                    count=_.number(log.changed), log=called)  # fmt: skip
