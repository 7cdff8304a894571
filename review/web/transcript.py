"""What the player asks of a recording's transcript and of personal data in it: sealed files, unchanged.

The console cannot open them. Their keys come from the custodian with the opening's others (docs/custodian.md).
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from protocol import base64url
from review.analysis.derived import Derived, DerivedError, Shelf
from review.analysis.job_states import JobState, Kind
from review.analysis.jobs import Job, Jobs, JobsUnusable
from review.governance.model import Rendition
from review.people.routes import session_of
from review.web import recording
from review.web.custody import listed_of, note_look
from review.web.wanted import wanted_id
from store.errors import Refusal

_WAITS: Final = frozenset({JobState.WAITING, JobState.LEASED})


async def _transcript(request: Request) -> Response:
    """For who may ask to open it, as its comments are."""
    session, console, wanted = await session_of(request), request.app.state.console, wanted_id(request)

    def look() -> dict[str, str | None]:
        finder = console.finder(session)
        if not recording.may_open(finder, listed_of(finder, console, wanted)):
            raise Refusal(403, "not-yours", "the signed rules do not let you open it, nor read its transcript")
        sealed, personal = _sealed(console.jobs, console.shelf, str(wanted))
        note_look(request, session, console, wanted, "transcript")  # of one that is given: a page asks again for others
        return {"sealed": base64url.encode(sealed), "personal": base64url.encode(personal) if personal else None}

    return JSONResponse(await run_sync(look))


def _sealed(jobs: Jobs | None, shelf: Shelf | None, wanted: str) -> tuple[bytes, bytes | None]:
    """The newest that was made of each kind; None where no personal data was looked for.

    Refusals: 404 not-transcribed, transcript-waits, transcript-failed; 503.
    """
    if jobs is None or shelf is None:
        raise Refusal(404, "not-transcribed", "this console keeps no transcripts")
    try:
        of_it = jobs.of(wanted)
    except JobsUnusable:
        raise Refusal(503, "unreadable", "the table of the analysis cannot be read") from None
    done = {one.kind: one for one in sorted(of_it, key=lambda one: one.fence) if one.state is JobState.DONE}
    if (spoken := _read(shelf, done.get(Kind.SPEECH))) is not None:
        return spoken, _read(shelf, done.get(Kind.PERSONAL))
    states = {one.state for one in of_it if one.kind is Kind.SPEECH}
    if states & _WAITS:
        raise Refusal(404, "transcript-waits", "its sound waits to be transcribed")
    if JobState.FAILED in states:
        raise Refusal(404, "transcript-failed", "its sound could not be transcribed")
    raise Refusal(404, "not-transcribed", "its sound was not transcribed")


def _read(shelf: Shelf, job: Job | None) -> bytes | None:
    """None where none was made, or its file is gone."""
    if job is None:
        return None
    made = Derived(UUID(job.recording), job.kind, Rendition.ORIGINAL, job.model, job.fence)
    try:
        return shelf.sealed(made)
    except DerivedError:
        return None
    except (OSError, ValueError):
        raise Refusal(503, "unreadable", "what was made of it cannot be read") from None


ROUTES: Final = [Route("/v1/recordings/{recording}/transcript", _transcript)]
