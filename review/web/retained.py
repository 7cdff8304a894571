"""How long recordings stay: what the rules delete next, the legal holds, and the preview of an erasure.

Nothing is deleted here, nor put on hold: a preview ends in requests (review.requests), which others answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from anyio.to_thread import run_sync
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from protocol.claims import is_uuid
from review.governance.model import Act
from review.governance.times import FOR_EVER
from review.lifecycle.facts import Facts, Known, when, why
from review.people.routes import origin_of, posted, session_of
from review.people.service import Session
from review.requests.requests import Wish
from review.search import forecast
from review.search.facts import Listed
from review.search.find import SIZE, Finder
from review.web import asked, auditor, recording
from review.web.pages import Console, console_of, not_here, page, words_of
from review.web.wanted import wanted_ids
from store.catalog import schema
from store.errors import Refusal

SHOWN: Final = 200  # holds
_SUBJECT: Final = "erasure"


@dataclass(frozen=True, slots=True)
class Hold:
    """`name`, `why`: "" for who may not read them. `dies`: ns, when the first of it goes once this hold is off; None
    where none ever does. `at_once`: how many would go then and there.
    """

    name: str
    why: str
    owner: str
    review: str
    overdue: bool
    placed: int
    recordings: int
    at_once: int
    dies: int | None


@dataclass(frozen=True, slots=True)
class Tried:
    """A row of the preview. `goes`: now, a day, or kept. `purposes`: for which its erasure can be asked."""

    listed: Listed
    person: str
    goes: str
    because: str
    purposes: tuple[str, ...]


def of_all(finder: Finder, *acts: Act) -> bool:
    return auditor.may_of_all(finder.governance, finder.person, finder.now, *acts)


async def _may(request: Request) -> tuple[Session, Console]:
    """Refusals: 404, for who may not."""
    session, console = await session_of(request), console_of(request)
    finder = await run_sync(console.finder, session)
    if not auditor.may_see_retention(finder.governance, finder.person, finder.now):
        raise not_here()
    return session, console


async def _retention(request: Request) -> Response:
    session, console = await _may(request)
    wanted, one = asked.read(request.query_params, words_of(request)), _recording(request)
    said = asked.written(wanted) | ({"recording": one} if one else {})

    def read() -> Any:
        finder = console.finder(session)
        knows_holds = of_all(finder, *recording.HOLDING)
        held, asks = _held(finder) if knows_holds else [], _asked(finder)
        names = of_all(finder, Act.LEGAL_HOLD, Act.RELEASE_HOLD)
        holds = _holds(finder, held, console.names(), names=names)
        dying = forecast.forecast(finder, (row.recording for row in held), asks)
        found = tried = None
        if said:
            found = finder.page(wanted, [one] if one else None)
            ids = [row.recording for row in found.rows]
            console.note(request, session, "search", query=urlencode(said), results=found.count)
            console.note(request, session, "list", of="erasure", results=len(ids), recordings=ids)
            facts = Facts(finder.catalog, console.index.blobs, finder.governance)
            tried = [preview(console, finder, facts, row, knows_holds=knows_holds, names=names) for row in found.rows]
        return knows_holds, holds, dying, found, tried, finder.choices()

    knows_holds, holds, dying, found, tried, choices = await run_sync(read)
    purposes = [set(row.purposes) for row in tried or () if row.purposes]
    further = said | ({"after": asked.key(found.following)} if found and found.following else {})
    return page(
        request, "retention.html", session=session, knows_holds=knows_holds, holds=holds, shown=SHOWN, dying=dying,
        days=forecast.DAYS, most_dying=max((one.counts[-1] for one in dying), default=0) or 1, found=found, tried=tried,
        asked=said, choices=choices, purposes=sorted(set.intersection(*purposes)) if purposes else [],
        differ=bool(purposes),
        next=f"/retention?{urlencode(further)}#tried" if found and found.following else None, place="retention",
        many=SIZE,
    )  # fmt: skip


def _recording(request: Request) -> str:
    text = request.query_params.get("recording", "").strip().lower()
    if text and not is_uuid(text):
        raise Refusal(400, "bad-question", words_of(request)("a recording is named by its whole number"))
    return text


def _held(finder: Finder) -> list[Any]:
    """Rows of holds that are on."""
    columns = schema.holds.c
    with finder.catalog.reading() as connection:
        return list(connection.execute(schema.holds.select().where(columns.released_at.is_(None))))


def _asked(finder: Finder) -> list[str]:
    with finder.catalog.reading() as connection:
        return list(connection.scalars(select(schema.erasure_requests.c.recording)))


def _by_review(row: Any) -> tuple[str, str]:
    return row.review, row.hold


def _holds(finder: Finder, rows: list[Any], people: Mapping[str, str], *, names: bool) -> list[Hold]:
    """By the day of their review, so that those that are overdue come first."""
    after = forecast.without(finder, Counter(row.recording for row in rows))
    today = datetime.fromtimestamp(finder.now // 10**9, UTC).date().isoformat()  # as `eyelid-review holds list`
    made = []
    for (_, name), group in groupby(sorted(rows, key=_by_review), key=_by_review):
        own = list(group)
        gone = [after[row.recording] for row in own if row.recording in after]
        ends = [finder.now if one.deletes else one.at for one in gone if one.at is not None and one.at < FOR_EVER]
        made.append(Hold(
            name=name if names else "", why=own[0].why if names else "", owner=people.get(own[0].owner, own[0].owner),
            review=own[0].review, overdue=own[0].review < today, placed=min(row.placed_at for row in own),
            recordings=len(own), at_once=sum(one.deletes for one in gone), dies=min(ends, default=None),
        ))  # fmt: skip
    return made


def preview(console: Console, finder: Finder, facts: Facts, listed: Listed, *, knows_holds: bool, names: bool) -> Tried:
    """As `eyelid-review erase` shows it without --apply; without what a hold says, for who may not know of it."""
    rules = finder.governance
    known = facts.of(UUID(listed.recording), finder.now)
    goes, because = "kept", known if isinstance(known, str) else ""
    if isinstance(known, Known):
        known = known if knows_holds else replace(known, holds=())
        found = known.disposal(rules, finder.now, asked=True)
        named = known if names else replace(known, holds=("",))
        goes, because = when(found), why(named, found).strip()
    person = rules.person_of(listed.whose.user) or listed.whose.user
    return Tried(listed, person, goes, because, console.requests.purposes(finder, _SUBJECT, listed))


async def _ask(request: Request) -> Response:
    """One request for each recording of a preview; those that they asked for before stay as they are."""
    body, (session, console) = await posted(request), await _may(request)
    ids = wanted_ids(body)
    wish = Wish(_SUBJECT, body.text("purpose"), body.text("reason"))

    def ask() -> int:
        finder = console.finder(session)
        known, may_list = finder.listed(ids)
        for one in ids:
            if one not in may_list:
                raise not_here()
        return console.requests.ask_each(finder, [known[one] for one in ids], wish, origin_of(request))

    return JSONResponse({"asked": await run_sync(ask)}, headers={"Cache-Control": "no-store"})


ROUTES: Final = (Route("/retention", _retention), Route("/v1/retention/requests", _ask, methods=["POST"]))
