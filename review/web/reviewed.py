"""Periodic reviews in the console: which are due, the drawn recordings of a month, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from protocol.claims import is_uuid
from review.people.routes import origin_of, posted, session_of
from review.people.service import Session
from review.requests.reviews import Drawn, may_see_reviews
from review.reviews import DONE, FINE, MISSING, OUTCOMES, UNFINISHED
from review.search.find import Finder
from review.web import custody
from review.web.pages import Console, console_of, not_here, page, words_of
from review.web.wanted import NOT_HERE
from store.errors import Refusal

SIZE: Final = 100  # recordings of a page
CALLED: Final[Mapping[str, str]] = {
    FINE: "fine", "finding": "a finding", "escalated": "escalated", MISSING: "not looked at yet",
}  # fmt: skip
SIGNED: Final[Mapping[str, str]] = {DONE: "signed as done", UNFINISHED: "signed as unfinished"}


async def _may(request: Request) -> tuple[Session, Console]:
    """Refusals: 404, for who has nothing to do with reviews."""
    session, console = await session_of(request), console_of(request)
    finder = await run_sync(console.finder, session)
    reports = custody.reports(finder)
    if not may_see_reviews(finder.governance, finder.person, finder.now, reports=reports):
        raise not_here()
    return session, console


async def _list(request: Request) -> Response:
    session, console = await _may(request)

    def read() -> Any:
        finder = console.finder(session)
        return console.reviews.every(finder, console.custody.draws, reports=custody.reports(finder))

    found = await run_sync(read, limiter=console.custody.limit)
    return page(request, "reviews.html", session=session, found=found, signed=SIGNED, place="reviews")


async def _month(request: Request) -> Response:
    session, console = await _may(request)
    name, month = (request.path_params[one] for one in ("review", "month"))
    after = request.query_params.get("after", "")
    if after and not is_uuid(after):
        raise Refusal(400, "bad-question", words_of(request)("this is no place in a list"))

    def look() -> Any:
        finder = console.finder(session)
        seen = console.reviews.get(finder, console.custody.draws, name, month, reports=custody.reports(finder))
        shown = [one for one in seen.drawn if one.id > after]
        rows = [(one, _agent(finder, one)) for one in shown[:SIZE]]
        console.reviews.note_looked(finder, seen, [one.id for one, _ in rows], origin_of(request))
        return seen, rows, len(shown) > SIZE

    seen, rows, more = await run_sync(look, limiter=console.custody.limit)
    following = f"/reviews/{name}/{month}?{urlencode({'after': rows[-1][0].id})}" if more else None
    return page(
        request, "review.html", session=session, seen=seen, of=seen.of, rows=rows, next=following, later=bool(after),
        outcomes=OUTCOMES, called=CALLED, signed=SIGNED, player=console.sign_in.people.settings.player,
        here_only=f"/reviews/{name}/{month}", place="reviews",
    )  # fmt: skip


def _agent(finder: Finder, one: Drawn) -> str:
    return "" if one.listed is None else finder.governance.person_of(one.listed.whose.user) or one.listed.whose.user


async def _judge(request: Request) -> Response:
    body, (session, console) = await posted(request), await _may(request)
    name, month = (request.path_params[one] for one in ("review", "month"))
    recording, outcome, note = (body.text(one) for one in ("recording", "outcome", "note"))
    if not is_uuid(recording):
        raise Refusal(404, "no-such-path", NOT_HERE)

    def judge() -> None:
        finder = console.finder(session)
        seen = console.reviews.get(finder, console.custody.draws, name, month, reports=custody.reports(finder))
        with console.signing:
            console.reviews.judge(finder, seen, recording, outcome, note, origin_of(request))

    await run_sync(judge, limiter=console.custody.limit)
    return JSONResponse({"outcome": outcome}, headers={"Cache-Control": "no-store"})


ROUTES: Final = (
    Route("/reviews", _list),
    Route("/reviews/{review}/{month}", _month),
    Route("/v1/reviews/{review}/{month}", _judge, methods=["POST"]),
)
