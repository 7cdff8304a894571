"""What Prometheus may know of a console: numbers of the analysis, without a recording's or a person's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from review.analysis.job_report import failures
from review.analysis.job_states import SECOND, Failure, JobState, Kind
from review.analysis.jobs import Jobs, Status
from store.clock import MINUTE, Clock, wall

_NAME: Final = "eyelid_review_analysis_"


class Analysis(Collector):
    """The table is gone through at a scrape, at most once a minute."""

    def __init__(self, jobs: Jobs, clock: Clock = wall) -> None:
        self._jobs, self._clock = jobs, clock
        self._known: tuple[int, Status] | None = None

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing is asked before the first scrape."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = self._clock()
        if self._known is None or not 0 <= now - self._known[0] < MINUTE:  # the clock may be set back
            self._known = now, self._jobs.status()
        status = self._known[1]
        jobs = GaugeMetricFamily(f"{_NAME}jobs", "Jobs of the analysis, by kind and state", labels=("kind", "state"))
        oldest = GaugeMetricFamily(f"{_NAME}oldest_seconds", "How long the oldest job waits, by kind", labels=("kind",))
        done = GaugeMetricFamily(f"{_NAME}done_last_hour", "Jobs done in the last hour, by kind", labels=("kind",))
        spent = GaugeMetricFamily(f"{_NAME}mean_seconds", "Mean time of these, by kind; NaN for none", labels=("kind",))
        for kind in Kind:
            for state in JobState:
                jobs.add_metric((kind, state), status.count(kind, state))
            oldest.add_metric((kind,), (status.at - status.oldest.get(kind, status.at)) / SECOND)
            number, seconds = status.speed.get(kind, (0, float("nan")))
            done.add_metric((kind,), number)
            spent.add_metric((kind,), seconds)
        failed = GaugeMetricFamily(f"{_NAME}failed", "Jobs that failed for good, by code", labels=("code",))
        for code in Failure:
            failed.add_metric((code,), failures(status).get(code, {"failed": 0})["failed"])
        yield from (jobs, oldest, done, spent, failed)


def app(jobs: Jobs) -> Starlette:
    """Answers at /metrics; for an address of this machine alone, as asking needs no secret."""
    registry = CollectorRegistry()
    registry.register(Analysis(jobs))

    async def scraped(_: Request) -> Response:
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    return Starlette(routes=[Route("/metrics", scraped)])
