"""What the job table says to people and programs: backlog, speed and failures, in words and as facts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from review.analysis.job_states import MEANINGS, SECOND, Failure, JobState, Kind
from review.analysis.jobs import Status

NOT_ALLOWED: Final = "No line of the signed rules lets anybody `analyse`: nothing is analysed."


def facts(status: Status, readers: Collection[Kind], *, allowed: bool) -> dict[str, Any]:
    """For --json. Times: s."""
    kinds = {
        kind: {state: status.count(kind, state) for state in JobState}
        | {
            "reader": kind in readers,
            "oldest_s": round((status.at - status.oldest[kind]) / SECOND, 1) if kind in status.oldest else None,
            "done_last_hour": status.speed.get(kind, (0, 0.0))[0],
            "mean_s": round(status.speed[kind][1], 3) if kind in status.speed else None,
        }
        for kind in Kind
    }
    leases = [
        {
            "worker": job.worker, "kind": job.kind, "recording": job.recording, "progress": job.progress,
            "left_s": round(((job.deadline or 0) - status.at) / SECOND, 1),
        }
        for job in status.leased
    ]  # fmt: skip
    return {"allowed": allowed, "kinds": kinds, "failures": failures(status), "leases": leases}


def failures(status: Status) -> dict[str, dict[str, int]]:
    """By code: how many jobs failed for good, and how many wait for another try."""
    found: dict[str, dict[str, int]] = {}
    for (_, state, why), number in status.states.items():
        if why in set(Failure) and state in {JobState.FAILED, JobState.WAITING}:
            of_it = found.setdefault(why, {"failed": 0, "waiting": 0})
            of_it["failed" if state is JobState.FAILED else "waiting"] += number
    return dict(sorted(found.items()))


def lines(said: Mapping[str, Any]) -> list[str]:
    """`said`: as `facts`."""
    made = [] if said["allowed"] else [NOT_ALLOWED]
    for kind, one in said["kinds"].items():
        parts = [
            f"{one[state]} {'failed for good' if state is JobState.FAILED else state}"
            for state in JobState
            if one[state]
        ]
        if one["oldest_s"] is not None:
            parts.append(f"the oldest for {_lasting(one['oldest_s'])}")
        if one["mean_s"] is not None:
            parts.append(f"{one['done_last_hour']} done in the last hour, {one['mean_s']:.1f} s each")
        made.append(f"{kind}: {', '.join(parts) or 'no jobs'}")
        if not one["reader"]:
            left = one[JobState.WAITING]
            made.append(f"  no reader is installed{f': {left} stay waiting until one is' if left else ''}")
    made += [
        f"{code}: {MEANINGS[Failure(code)].says} ({one['failed']} for good, {one['waiting']} are tried again)"
        for code, one in said["failures"].items()
    ]
    for one in said["leases"]:
        share = "" if one["progress"] is None else f", {100 * one['progress']:.0f} %"
        made.append(f"{one['worker']} is at {one['kind']} of {one['recording']}{share}")
    return made


def _lasting(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
