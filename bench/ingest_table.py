"""The figures of bench/ingest: medians over the windows of all runs, for a terminal, for programs and for docs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any, Final

from bench import tables

COLUMNS: Final = ("", "chunks/s", "MB/s", "p50, ms", "p99, ms", "CPU ms a chunk", "of the load")
Windows = Sequence[dict[str, Any]]


def _figures(windows: Windows) -> dict[str, float]:
    rates = [window["chunks"] / window["seconds"] for window in windows]
    rate = statistics.median(rates)
    return {
        "windows": len(windows),
        "chunks_s": round(rate, 1),
        "chunks_s_best": round(max(rates), 1),
        "mb_s": round(rate * windows[0]["size"] / 1e6, 1),
        **{
            name: round(statistics.median(float(window[name]) for window in windows), 3)
            for name in ("p50_ms", "p99_ms", "cpu_ms", "load_cpu_ms")
        },
    }


def slope(windows: Windows) -> float:
    """MB of resident memory for 10,000 chunks more: the line of least squares through the second half of a run.

    The first half fills caches that have a bound.
    """
    half = windows[len(windows) // 2 :]
    if len(half) < 2:
        return 0.0
    fitted = statistics.linear_regression(range(len(half)), [window["rss_mb"] for window in half])
    return round(float(fitted.slope) / float(half[0]["chunks"]) * 10_000, 3)


def total(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of all runs together. `memory`: resident MB of the store after each part of the newest run's small chunks."""
    windows, paced, small = ([one for run in runs for one in run[part]] for part in ("windows", "paced", "small"))
    loads = [one["load_average"] for one in (*windows, *paced, *small)]
    names = dict.fromkeys(one["server"] for one in windows)
    servers = {name: _figures([one for one in windows if one["server"] == name]) for name in names}
    for kind in ("", " http"):
        if f"bare{kind}" in servers and f"store{kind}" in servers:
            ratio = servers[f"store{kind}"]["chunks_s"] / servers[f"bare{kind}"]["chunks_s"]
            servers[f"store{kind}"]["of_bare"] = round(ratio, 3)
    found: dict[str, Any] = {
        "runs": len(runs),
        "agents": runs[-1]["agents"],
        "faults": sum(len(run["faults"]) for run in runs),
        "load_average": [min(loads), statistics.median(loads), max(loads)],
        "servers": servers,
    }
    if paced:
        found["paced"] = _figures(paced)
    if small:
        newest = next(run["small"] for run in reversed(runs) if run["small"])
        found["small"] = _figures(small)
        found["memory"] = {"rss_mb": [window["rss_mb"] for window in newest], "mb_per_10000": slope(newest)}
    return found


def _lines(found: dict[str, Any]) -> list[tuple[str, ...]]:
    words = {"bare": "reads only, TLS", "store": "store, TLS", "bare http": "reads only", "store http": "store"}
    rows = [(words[name], figures) for name, figures in found["servers"].items()]
    rows += [("store, TLS, a chunk of each in 4 s", found["paced"])] if "paced" in found else []
    rows += [("store, TLS, 2 KB", found["small"])] if "small" in found else []
    return [
        (
            name,
            *(f"{figures[one]:.0f}" for one in ("chunks_s", "mb_s", "p50_ms", "p99_ms")),
            *(f"{figures[one]:.2f}" for one in ("cpu_ms", "load_cpu_ms")),
        )
        for name, figures in rows
    ]


def summary(found: dict[str, Any]) -> str:
    least, middle, most = found["load_average"]
    said = (
        f"{found['agents']} agents, {found['runs']} {'run' if found['runs'] == 1 else 'runs'}: "
        f"{found['faults']} receipts or chunks missing or wrong. "
        f"Load average {middle:.1f} (from {least:.1f} to {most:.1f}), this load included."
    )
    best = found["servers"].get("store", {})
    if "of_bare" in best:
        said += f" Store to bare: {best['of_bare']:.2f}; its best window {best['chunks_s_best']:.0f} chunks/s."
    if "memory" in found:
        memory = found["memory"]
        said += (
            f" Resident memory after each part of the small chunks: {', '.join(f'{mb:.0f}' for mb in memory['rss_mb'])}"
            f" MB; {memory['mb_per_10000']:+.2f} MB for 10,000 chunks in the second half."
        )
    return said


def markdown(runs: Sequence[dict[str, Any]]) -> str:
    found = total(runs)
    return f"{summary(found)}\n\n{tables.markdown(COLUMNS, _lines(found))}"
