"""`eyelid-review case show`: a case of the console whose export is granted, for `case export` (docs/console.md)."""

from __future__ import annotations

from argparse import Namespace
from contextlib import closing
from uuid import UUID

from protocol.claims import VERSION
from review.cases.spans import Case, Span
from review.commands.open_log import operator
from review.commands.people import INDEX, opened
from review.commands.shared import answer
from review.requests.cases import Cases, CaseSeen
from review.search import schema
from review.search.find import Finder, Meanings
from review.web import recording
from review.web.comments import Comments
from store.admin import passphrase
from store.errors import Refusal, StoreError, WrongUsage
from store.evidence.show import iso


def show(asked: Namespace) -> int:
    secret, id = passphrase.existing(asked, str(asked.home / "keys")), str(asked.case)  # noqa: A001 - what it is
    with opened(asked.home, asked.store, secret) as console, closing(schema.opened(asked.home / INDEX)) as index:
        people, cases = console.people, Cases(console.people)
        if (asker := cases.asker(id)) is None:
            raise WrongUsage(f"the console has no case {id}, or its export was not asked for")
        rules = people.rules()
        finder = Finder(index, console.catalog, rules, people.left(asker), people.clock(), Meanings())
        try:
            seen = cases.get(finder, id)
        except Refusal:
            raise StoreError(f"{asker}, who asked for the export of case {id}, may not see it any more") from None
        if seen.export is None or seen.export.missing or seen.hidden:
            reasons = [] if seen.export is None else [one.says for one in seen.export.missing]
            listed = "".join(f"\n  {one}" for one in reasons or ["not all of its recordings are in the index"])
            raise StoreError(f"the export of case {id} is not granted:{listed}")
        kept = Comments(people.database)
        comments = [
            {"comment": row.token, "commented": row.commented}
            for one in seen.recordings if recording.may_open(finder, one)
            for row in kept.sealed(one.recording) if _is_on(row.start, row.end, one.recording, seen)
        ]  # fmt: skip
        case = Case(asked.case, seen.title, tuple(
            Span(UUID(one.recording.recording), one.start, one.until) for one in seen.spans
        ), seen.only)  # fmt: skip
        cases.note_shown(id, seen, operator())
    export = seen.export
    approved = [who for who, _ in export.approvals]
    facts = {"v": VERSION, **case.facts(), "asked_by": export.person, "asked_at": iso(export.at),
             "purpose": export.purpose, "approved_by": approved, "comments": comments}  # fmt: skip
    return answer(
        asked, facts, f"case {id}: {case.title}",
        *(f"  {one.recording}  {one.start / 10**9:.1f} s to {one.until / 10**9:.1f} s" for one in case.spans),
        f"{export.person} asked for its export{f' for {export.purpose}' if export.purpose else ''} "
        f"on {iso(export.at)}; approved by {', '.join(approved) or 'no one, as no rule wants it'}.",
        f"Comments on its spans, sealed: {len(comments)}.",
    )  # fmt: skip


def _is_on(start: int, end: int, of: str, seen: CaseSeen) -> bool:
    """Whether these times of a recording meet a span of the case."""
    return any(one.recording.recording == of and start < one.until and end > one.start for one in seen.spans)
