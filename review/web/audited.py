"""The auditor's pages: the audit log, one entry with its proof, and the signed report of a period."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from review.audit.kinds import pseudonym
from review.people.routes import origin_of, posted, session_of
from review.people.service import Session
from review.report import html, signing
from review.web import asked, auditor
from review.web.pages import Console, console_of, not_here, page, reporting, words_of

_POSITION: Final = re.compile(r"0|[1-9][0-9]{0,14}")

# -- the audit log ----------------------------------------------------------------------------------------------------


async def _audit(request: Request) -> Response:
    session, console, spoken = await session_of(request), console_of(request), words_of(request)
    question, said = asked.read_log(request.query_params, auditor.CHOICES, spoken)

    def read() -> Any:
        reader = console.log_reader(session)
        if not auditor.may_read(reader.finder.governance, reader.finder.person, reader.finder.now):
            return None
        who = pseudonym(question.who, console.entries.key) if question.who else ""
        found, head = reader.page(replace(question, who=who)), reader.head()
        first, end = _span([one.position for one in found.rows])
        query = {"query": urlencode(said)} if said else {}
        console.note(request, session, "read-log", first=first, end=end, **query)
        return reader, found, head

    answer = await run_sync(read)
    if answer is None:
        raise not_here()
    reader, found, head = answer
    days = [(day, list(rows)) for day, rows in groupby(found.rows, lambda one: spoken.day(one.time * 1_000_000))]
    further = urlencode(said | ({"before": str(found.following)} if found.following is not None else {}))
    return page(
        request, "audit.html", session=session, reader=reader, page=found, head=head, days=days, asked=said,
        kinds=auditor.CHOICES, before=question.before, place="audit",
        next=f"/audit?{further}", first=f"/audit?{urlencode(said)}",
    )  # fmt: skip


def _span(positions: Sequence[int]) -> tuple[int, int]:
    """First and end."""
    return (min(positions), max(positions) + 1) if positions else (0, 0)


def _entry(console: Console, session: Session, position: int) -> tuple[auditor.LogReader, auditor.Entry | None]:
    """One that this person may read, published: before that it has no proof."""
    reader = console.log_reader(session)
    found = reader.entry(position)
    if found is not None and position >= found.size:
        console.log.publish()
        found = reader.entry(position)
    return reader, found


def _position(request: Request) -> int:
    """Refusals: 404."""
    text = request.path_params["position"]
    if not _POSITION.fullmatch(text):
        raise not_here()
    return int(text)


async def _audit_entry(request: Request) -> Response:
    session, console = await session_of(request), console_of(request)
    position = _position(request)

    def read() -> Any:
        reader, found = _entry(console, session, position)
        if found is not None:
            console.note(request, session, "read-log", first=position, end=position + 1)
        return found and (reader, found)

    answer = await run_sync(read)
    if answer is None:
        raise not_here()
    reader, entry = answer
    return page(request, "audit-entry.html", session=session, reader=reader, entry=entry, place="audit")


async def _audit_proof(request: Request) -> Response:
    session, console = await session_of(request), console_of(request)
    position = _position(request)

    def read() -> str | None:
        reader, found = _entry(console, session, position)
        if found is None:
            return None
        console.note(request, session, "read-log", first=position, end=position + 1)
        return reader.proof(position)

    proof = await run_sync(read)
    if proof is None:
        raise not_here()
    return _download(proof.encode(), "application/json", f"entry-{position}.json")


def _download(content: bytes, kind: str, name: str) -> Response:
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


# -- the report of a period -------------------------------------------------------------------------------------------


async def _report(request: Request) -> Response:
    session, console = await reporting(request)
    job = console.reports.of(session.person)
    shown = await run_sync(html.part, job.shown) if job and job.shown else ""
    first, last = asked.last_month(console.sign_in.people.clock())
    return page(
        request, "report.html", session=session, job=job, shown=shown, files=(*signing.FILES, signing.SIGNATURE),
        first=first, last=last, place="report",
    )  # fmt: skip


async def _report_file(request: Request) -> Response:
    session, console = await reporting(request)
    job, name = console.reports.of(session.person), request.path_params["name"]
    if job is None or job.signed is None or name not in job.signed.files:
        raise not_here()
    kind = {"json": "application/json", "html": "text/html; charset=utf-8", "pdf": "application/pdf"}
    content = job.signed.files[name]
    return _download(content, kind.get(name.rpartition(".")[2], "application/jose"), name)


async def _make_report(request: Request) -> Response:
    """By the page of the report alone: says where it stands."""
    claims, spoken = await posted(request), words_of(request)
    session, console = await reporting(request)
    period = asked.period(claims.text("from"), claims.text("to"), spoken)
    verify = claims.flag("verify")
    start = partial(
        console.reports.start, session.person, origin_of(request), period, verify=verify, language=spoken.language,
        names=console.names,
    )  # fmt: skip
    job = await run_sync(start)
    return JSONResponse(job.progress)


async def _report_progress(request: Request) -> Response:
    """The page asks each second while the report is made."""
    session, console = await reporting(request, acts=False)
    job = console.reports.of(session.person)
    return JSONResponse(job.progress if job else {"state": "none"})


ROUTES: Final = (
    Route("/audit", _audit),
    Route("/audit/{position}", _audit_entry),
    Route("/audit/{position}/proof", _audit_proof),
    Route("/report", _report),
    Route("/report/{name}", _report_file),
    Route("/v1/reports", _make_report, methods=["POST"]),
    Route("/v1/reports", _report_progress, methods=["GET"]),
)
