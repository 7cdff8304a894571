"""A pause policy that somebody tries before it is signed: what it would close and open of recorded scenes.

Nothing that is sent is kept: the form's answer is the page itself. What it says is the commands' (review.policies).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from anyio.to_thread import run_sync
from jinja2 import UndefinedError
from sqlalchemy import select
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from review.people.routes import refuse_foreign
from review.people.service import Session
from review.policy_trial.apart import NotTried
from review.search import pc_find, pc_index, pc_schema
from review.search.pc_find import AskedRules
from review.web import bundles
from review.web.bundles import Shown
from review.web.lines import WIDE, Tick, ticks
from review.web.pages import WAITING, Console, page, reporting
from store.catalog.queries import devices
from store.errors import Refusal
from store.server.routes.bodies import read_body

LARGEST: Final = 24 * 2**20  # bytes of all that is sent
WITHIN: Final = 120.0  # s for it to arrive: meanwhile others wait
QUEUED: Final = 4  # who wait for their turn; nothing of theirs is read before
MOST_RULES: Final = 1000  # that closed something, of a page
LEFT: Final = 130  # of the drawing, for words
# Why there is no answer, and its status.
WRONG: Final = {
    "busy": (503, "Others are trying policies. Try again in a minute."),
    "receiving": (503, "The console is receiving as much as it can. Try again in a minute."),
    "no-process": (503, "The trial could not be started. Try again, or tell who runs this console."),
    "oversized": (413, "This is more than 24 MiB together. Send fewer scenes."),
    "slow-body": (408, "The files did not arrive in time. Try again."),
    "cut-short": (400, "The files did not arrive in time. Try again."),
    "no-form": (400, "This did not come from the form of this page. Load it again."),
    "no-policy": (422, "Choose the files of a policy, or paste one."),
    "twice": (422, "Two files have the same name."),
    "many-parts": (422, "Send 200 files and fields together at most."),
    "many-scenes": (422, "Send 20 files of scenes at most."),
    "too-much": (422, "This would say more than a page holds. Send fewer scenes."),
    "memory": (422, "This needs more memory than it may have. Send fewer scenes."),
    "slow": (422, "This takes longer than it may. Send fewer scenes, or a shorter policy."),
    "failed": (503, "The trial ended before it was done. Try again, or tell who runs this console."),
    "ended": (503, "The trial ended before it was done. Try again, or tell who runs this console."),
}  # fmt: skip
# Why no body came, as the server says it.
_RECEIVING: Final = {"busy": "receiving", "oversized": "oversized", "slow-body": "slow-body"}
KINDS: Final = {
    "kept": "recorded", "closed": "closed", "blind": "not judged", "missing": "newly open: closed until now",
    "held": "newly closed: recorded until now",
}  # fmt: skip
LANES: Final = {"screen": "Screen", "audio": "Sound"}
BECOMES: Final = {
    "kept": "stays", "tried": "closes no more: it is only tried (dry_run)", "gone": "gone, or called otherwise",
    "renamed": "now called {name}",
}  # fmt: skip
SUMS: Final = {
    "newly_open": "Newly open", "newly_closed": "Newly closed", "closed": "Closed by both",
    "open": "Recorded by both", "not_judged": "Not judged",
}  # fmt: skip
_NEWLY: Final = {"open": "missing", "closed": "held", None: ""}


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of the drawing. `kind`: one of KINDS."""

    row: int
    kind: str
    x: float
    width: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lane:
    """`spans`: as `eyelid replay --json` has them. `left_out`: how many more it has."""

    name: str
    sums: Mapping[str, int]
    spans: tuple[Mapping[str, Any], ...]
    left_out: int
    bars: tuple[Bar, ...]

    @property
    def differing(self) -> list[Mapping[str, Any]]:
        return [one for one in self.spans if one["newly"]]


@dataclass(frozen=True, slots=True)
class Tried:
    """A recording. `said`: as `eyelid replay --json` has it, with its file; `wrong`: why it cannot be tried."""

    said: Mapping[str, Any]
    wrong: str
    lanes: tuple[Lane, ...] = ()
    ticks: tuple[Tick, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One that closed something. `devices`: PCs that have it; `times`, `ns`: how often, and for how long in all."""

    id: str
    devices: int
    times: int
    ns: int


@dataclass(frozen=True, slots=True)
class Used:
    """A rule that closed something in the last seven days. `became`: of BECOMES, "" where nothing was tried."""

    rule: Rule
    became: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """`looked`: at how many PCs of `all`; what some say cannot be read."""

    rules: tuple[Rule, ...]
    looked: int
    all: int
    unread: int


# -- the page ---------------------------------------------------------------------------------------------------------


async def _page(request: Request) -> Response:
    session, console = await reporting(request)
    return _shown(request, session, await run_sync(_in_force, console))


async def _try(request: Request) -> Response:
    """A form without a script: what it answers is kept nowhere, neither here nor by a script."""
    _refuse_foreign(request)
    try:
        session, console = await reporting(request)
    except Refusal as refusal:  # before so large a body is read
        if refusal.status == 401:
            return RedirectResponse("/sign-in?back=/rules/policy", 303)
        if refusal.code == "not-enrolled":
            return RedirectResponse("/enrol", 303)
        raise
    bundle = await run_sync(_in_force, console)
    try:
        found = await _judged(request, console, bundle)
    except NotTried as error:
        return _shown(request, session, bundle, wrong=str(error))
    usage = await run_sync(partial(_usage, console), limiter=WAITING) if "ids" in found else None
    try:
        recordings = tuple(map(_recording, found.get("recordings", ())))
        answer = _shown(request, session, bundle, answer=found, recordings=recordings, usage=usage)
    except (UndefinedError, LookupError, TypeError, ValueError, AttributeError):  # no process of ours says this
        return _shown(request, session, bundle, wrong="ended")
    await run_sync(partial(console.note, request, session, "list", of="policy-trial", results=len(recordings)))
    return answer


def _refuse_foreign(request: Request) -> None:
    """As for all that is sent. Of a page that sends no referrer a browser names no origin of its form: then it counts
    what the browser says of where it came from, which no page can write."""
    headers = request.headers
    if headers.get("Origin") != "null" or headers.get("Sec-Fetch-Site") != "same-origin":
        refuse_foreign(request)


async def _judged(request: Request, console: Console, bundle: Shown) -> dict[str, Any]:
    """Raises NotTried."""
    if console.trying.statistics().tasks_waiting >= QUEUED:
        raise NotTried("busy")
    async with console.trying:
        try:
            async with asyncio.timeout(WITHIN):
                body = await read_body(request, LARGEST)
        except TimeoutError:
            raise NotTried("slow-body") from None
        except ClientDisconnect:
            raise NotTried("cut-short") from None
        except Refusal as refusal:
            raise NotTried(_RECEIVING.get(refusal.code, "no-form")) from None
        kind = request.headers.get("Content-Type", "")
        ask = partial(console.judge.try_policy, bundle.policy, bundle.name, kind, body)
        try:
            return await run_sync(ask, abandon_on_cancel=True)  # the console ends: so does the judge
        except OSError:
            raise NotTried("no-process") from None


def _shown(
    request: Request, session: Session, bundle: Shown, *, wrong: str = "", answer: Mapping[str, Any] | None = None,
    recordings: tuple[Tried, ...] = (), usage: Usage | None = None,
) -> Response:  # fmt: skip
    status, says = WRONG[wrong] if wrong else (200, "")
    used = [] if usage is None or answer is None or "ids" not in answer else [_used(one, answer) for one in usage.rules]
    return page(
        request, "policy-tried.html", status, session=session, bundle=bundle, wrong=says, answer=answer,
        recordings=recordings, usage=usage, used=used, kinds=KINDS, becomes=BECOMES, sums=SUMS, left=LEFT,
        weights={"weaker": "Weaker: what was closed will be recorded",
                 "stronger": "Stronger: what was recorded will be closed", "other": "Other change"},
        here="/rules/policy", place="rules",
    )  # fmt: skip


def _in_force(console: Console) -> Shown:
    with console.index.catalog.reading() as connection:
        [newest] = bundles.newest(connection, console.custody.compliance, 1)
    return newest


# -- what it says -----------------------------------------------------------------------------------------------------


def _recording(said: Mapping[str, Any]) -> Tried:
    if "wrong" in said:
        return Tried(said, said["wrong"])
    length = said["length"]
    lanes = tuple(_lane(LANES[name], lane, length) for name, lane in said["lanes"].items())
    places = tuple(Tick(_x(one.at, length), one.at) for one in ticks(length))
    return Tried(said, "", lanes, places)


def _lane(name: str, said: Mapping[str, Any], length: int) -> Lane:
    sums = {kind: said[f"{kind}_ns"] for kind in SUMS}
    bars = tuple(bar for span in said["spans"] for bar in _bars(span, length))
    return Lane(name, sums, tuple(said["spans"]), said["left_out"], bars)


def _bars(span: Mapping[str, Any], length: int) -> list[Bar]:
    start, end = span["from"], span["to"]
    x = _x(start, length)
    width = max(round(_x(end, length) - x, 2), 0.5)  # a narrower one would not be seen
    judged = [("closed" if span[which] else "kept") if span["judged"] else "blind" for which in ("then", "with")]
    rows = [*judged, *([_NEWLY[span["newly"]]] if span["newly"] else [])]
    return [Bar(row, kind, x, width, start, end) for row, kind in enumerate(rows)]


def _x(at: int, length: int) -> float:
    return round(LEFT + (WIDE - LEFT) * at / max(length, 1), 2)


# -- the rules that closed something ----------------------------------------------------------------------------------


def _usage(console: Console) -> Usage:
    """What `eyelid-store rules --since 7d` counts, as the lists of the computers have it."""
    lists, now = console.lists, console.sign_in.people.clock()
    lists.ask()
    with console.index.catalog.reading() as connection:
        known = frozenset(one.id for one in devices(connection))
    asked = AskedRules(pc_index.day_of(now - pc_index.WEEK), pc_index.day_of(now), pc_find.CLOSED)
    found: list[Rule] = []
    with lists.index.index.reading() as connection:
        while len(found) < MOST_RULES:
            rows, after = pc_find.used(connection, pc_find.Reach(known, every=True), asked, now)
            found += (Rule(row.rule, row.devices, row.times, row.ns) for row in rows)
            if not after:
                break
            asked = replace(asked, after=after)
        why = pc_schema.pcs.c.why
        looked = [one for one in connection.execute(select(pc_schema.pcs.c.device, why)) if one.device in known]
    closed = sorted(found, key=lambda one: (-one.ns, one.id))
    return Usage(tuple(closed), len(looked), len(known), sum(bool(one.why) for one in looked))


def _used(rule: Rule, answer: Mapping[str, Any]) -> Used:
    became = answer["becomes"].get(rule.id) or ["kept" if rule.id in answer["ids"] else "gone"]
    return Used(rule, became[0], became[1] if len(became) > 1 else "")


ROUTES: Final = (
    Route("/rules/policy", _page),
    Route("/v1/rules/policy", _try, methods=["POST"]),
)
