"""Requests in the console: the page that shows them, and the routes by which they are asked, answered and withdrawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from review.people.routes import origin_of, posted, session_of
from review.requests.requests import Wish
from review.requests.states import RequestState, Step
from review.search.facts import Listed
from review.search.find import Finder
from review.web import recording
from review.web.asked import place_by_id
from review.web.pages import Console, console_of, not_here, page, words_of
from review.web.waiting import ACTS, Waiting, waiting
from review.web.wanted import wanted_id
from store.errors import Refusal

SUBJECTS: Final[Mapping[str, str]] = {
    "legal-hold": "Legal hold", "erasure": "Erasure", "correction": "Correction",
}  # fmt: skip
ASKING: Final[Mapping[str, str]] = {
    "legal-hold": "Ask for a legal hold", "erasure": "Ask for its erasure", "correction": "Ask for a correction",
}  # fmt: skip
STATES: Final[Mapping[RequestState, str]] = {
    RequestState.ASKED: "not answered yet", RequestState.ANSWERED: "granted", RequestState.REFUSED: "refused",
    RequestState.WITHDRAWN: "withdrawn",
}  # fmt: skip
STEPS: Final[Mapping[Step, str]] = {Step.ANSWER: "Grant it", Step.REFUSE: "Refuse it", Step.WITHDRAW: "Withdraw it"}
# Where what was asked is done: not here, as its keys are on the store's machine (docs/lifecycle.md).
DONE_BY: Final[Mapping[str, str]] = {
    "legal-hold": "eyelid-review holds place NAME {recording} --why request-{request} --owner PERSON --review DAY",
    "erasure": "eyelid-review erase {recording} --request {request} --apply",
}
_ID: Final = re.compile(r"[0-9a-f]{16}")


async def requests_page(request: Request) -> Response:
    session, console = await session_of(request), console_of(request)
    ended = request.query_params.get("ended") == "1"
    after = place_by_id(request.query_params.get("after", ""), _ID, words_of(request))

    def read() -> Any:
        finder = console.finder(session)
        return console.requests.page(finder, ended=ended, after=after), console.requests.may_answer_any(finder), finder

    found, answers, finder = await run_sync(read)
    waits = Waiting()
    if not ended and after is None:
        waits = await run_sync(waiting, console, session, finder, limiter=console.custody.limit)
    following = None
    if found.following is not None:
        asked = ({"ended": "1"} if ended else {}) | {"after": f"{found.following[0]}.{found.following[1]}"}
        following = f"/requests?{urlencode(asked)}"
    return page(
        request, "requests.html", session=session, found=found, answers=answers, ended=ended, next=following,
        later=after is not None, waits=waits, acts=ACTS, player=console.sign_in.people.settings.player,
        place="requests", **TEXTS,
    )  # fmt: skip


TEXTS: Final[dict[str, Any]] = {
    "subjects": SUBJECTS, "states": STATES, "steps": STEPS, "done_by": DONE_BY, "asking": ASKING,
}  # fmt: skip


def of_recording(console: Console, finder: Finder, listed: Listed) -> dict[str, Any]:
    """What its page shows: requests of it, and what may be asked, each with the purposes of which one is named."""
    requests = console.requests.of_recording(finder, listed.recording)
    waiting = {one.subject for one in requests if one.own and one.state is RequestState.ASKED}
    asks = ((name, console.requests.purposes(finder, name, listed)) for name in SUBJECTS if name not in waiting)
    return TEXTS | {"requests": requests, "asks": {name: purposes for name, purposes in asks if purposes}}


async def _ask(request: Request) -> Response:
    body, session, console = await posted(request), await session_of(request), console_of(request)
    wanted = wanted_id(request)
    wish = Wish(body.text("subject"), body.text("purpose"), body.text("reason"))

    def ask() -> str:
        finder = console.finder(session)
        shown = recording.shown(finder, console.index, wanted)
        if shown is None:
            raise not_here()
        return console.requests.ask(finder, shown.listed, wish, origin_of(request))

    return _json({"request": await run_sync(ask), "state": RequestState.ASKED})


async def _step(request: Request) -> Response:
    body, session, console = await posted(request), await session_of(request), console_of(request)
    wanted, said, reason = request.path_params["request"], body.text("step"), body.text("reason")
    if said not in set(Step):
        raise Refusal(422, "no-such-step", "a request is answered, refused or withdrawn")
    if not _ID.fullmatch(wanted):
        raise Refusal(404, "no-such-request", "there is no such request, or it is not yours to answer")

    def step() -> str:
        finder = console.finder(session)
        return console.requests.step(finder, wanted, Step(said), reason, origin_of(request))

    return _json({"request": wanted, "state": await run_sync(step)})


def _json(answer: dict[str, str]) -> Response:
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


ROUTES: Final = (
    Route("/requests", requests_page),
    Route("/v1/recordings/{recording}/requests", _ask, methods=["POST"]),
    Route("/v1/requests/{request}", _step, methods=["POST"]),
)
