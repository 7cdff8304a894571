"""The pages of the PCs: all of them with what is wrong, and one with its last seven days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from review.people.routes import session_of
from review.people.service import Session
from review.web import asked as questions
from review.web import fleet
from review.web.fleet import CHANGES, LEVELS, Level, Sees, Wanted
from review.web.pages import WAITING, Console, console_of, not_here, page, words_of
from review.web.words import Words
from store.errors import Refusal
from store.evidence.isolation import Unreadable
from store.evidence.timeline.days import Day
from store.evidence.timeline.device_timeline import What

# What a day was, as a recording's timeline draws it. What was off is left empty.
KINDS: Final[Mapping[What, str]] = {
    What.KEPT: "kept", What.CLOSED: "closed", What.HELD: "held", What.UNSEEN: "blind", What.BLIND: "blind",
    What.UNPROVEN: "missing", What.UNEXPLAINED: "missing",
}  # fmt: skip
_LEFT, _RIGHT = 160, 1000  # of the drawing


@dataclass(frozen=True, slots=True)
class Cell:
    kind: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class DayShown:
    """`sums`: kind -> ns."""

    name: str
    cells: tuple[Cell, ...]
    sums: Mapping[str, int]


def sees_some(console: Console, session: Session) -> Sees:
    """Refusals: 404 for who may see no PC, as for a page that there is not."""
    sees = console.sees(session)
    if not sees.some:
        raise not_here()
    return sees


async def _fleet(request: Request) -> Response:
    session, console = await session_of(request), console_of(request)
    sees = await run_sync(lambda: sees_some(console, session))
    wanted = _read(request.query_params, words_of(request))
    following = ""

    def look() -> fleet.Page | None:
        found = console.fleet.ask()
        shown = fleet.page(found, sees, wanted) if found else None
        console.note(request, session, "list", of="computers", results=shown.count if shown else 0)
        return shown

    found = await run_sync(look, limiter=WAITING)
    asked = _written(wanted)
    if found and found.following:
        following = f"/fleet?{urlencode(asked | {'after': _place(found.following)})}"
    return page(
        request, "fleet.html", session=session, found=found, wanted=wanted, asked=asked, levels=LEVELS, changes=CHANGES,
        next=following, first=f"/fleet?{urlencode(asked)}", place="fleet",
    )  # fmt: skip


async def _computer(request: Request) -> Response:
    session, console = await session_of(request), console_of(request)
    wanted = request.path_params["device"]

    def look() -> fleet.OnePc | None:
        found = fleet.one_pc(console.fleet.database, sees_some(console, session), wanted)
        if found is not None:
            console.note(request, session, "list", of="computer", results=1, devices=[wanted])
        return found

    pc = await run_sync(look)
    if pc is None:
        raise not_here()
    known = None if isinstance(pc.gaps, Unreadable) else pc.gaps
    days = [_shown(day, words_of(request)) for day in known.days] if known else []
    lost = sum(short.lost for short in known.recordings) if known else 0
    kinds = tuple(dict.fromkeys(KINDS.values()))
    return page(request, "pc.html", session=session, pc=pc, days=days, kinds=kinds, lost=lost, place="fleet")


def _shown(day: Day, words: Words) -> DayShown:
    sums: Counter[str] = Counter()
    for what, ns in day.sums.items():
        if what in KINDS:
            sums[KINDS[what]] += ns
    wide = (_RIGHT - _LEFT) / len(day.cells)
    cells = []
    for place, amounts in enumerate(day.cells):
        # What is missing is seen however short it was.
        what = (
            What.UNEXPLAINED
            if What.UNEXPLAINED in amounts
            else max(amounts, key=lambda one: amounts[one], default=What.OFF)
        )
        if what in KINDS:
            cells.append(Cell(KINDS[what], round(_LEFT + place * wide, 2), round(wide, 2)))
    return DayShown(words.day(day.start), tuple(cells), sums)


def _read(asked: Mapping[str, str], words: Words) -> Wanted:
    """Refusals: 400."""
    level = asked.get("level", "")
    if level and level.upper() not in Level.__members__:
        raise Refusal(400, "bad-question", words("the state is one of those in the list"))
    after, place = asked.get("after", ""), None
    if after:
        number, _, rest = after.partition(".")
        device, _, host = rest.partition(".")
        if number not in map(str, map(int, Level)) or len(after) > 1000:
            raise Refusal(400, "bad-question", words("this is no place in a list"))
        place = (int(number), host, device)
    text, change = questions.named(asked.get("text", ""), words), asked.get("change", "")
    if change and change not in CHANGES:
        raise Refusal(400, "bad-question", words("the kind is one of those in the list"))
    since = questions.span({"from": asked.get("from", "")}, words).get("since", 0)
    return Wanted(change, since, Level[level.upper()] if level else None, text, asked.get("gone", "") == "1", place)


def _written(wanted: Wanted) -> dict[str, Any]:
    level = wanted.level.name.lower() if wanted.level is not None else ""
    asked = {"level": level, "text": wanted.text, "gone": "1" if wanted.gone else ""}
    asked |= {"change": wanted.change, "from": questions.written_span(wanted.since, questions.LAST)["from"]}
    return {name: value for name, value in asked.items() if value}


def _place(key: fleet.Key) -> str:
    level, host, device = key
    return f"{level}.{device}.{host}"


ROUTES: Final = (Route("/fleet", _fleet), Route("/fleet/{device}", _computer))
