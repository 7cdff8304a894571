"""The bench of hostile clients: its account of made-up windows."""

from __future__ import annotations

from rich.console import Console

from bench.hostile import Window, said

NONE = Window(rate=25.0, p99_ms=20.0, rss_mb=100.0)


def test_the_worst_of_all_attacks_is_the_figure() -> None:
    came = said(NONE, {"health": Window(24.5, 30.0, 120.0, 7), "ledger": Window(23.75, 80.0, 110.5)})
    assert came.facts["attacks"]["health"] == {"honest_ratio": 0.98, "rss_mb_max": 120.0, "refused": 7}
    assert (came.facts["worst_honest_ratio"], came.facts["rss_mb_max"]) == (0.95, 120.0)
    assert came.wrong == came.short == []


def test_what_is_beyond_a_bound_fails_a_whole_run_and_a_lost_receipt_every_run() -> None:
    slow = said(NONE, {"health": Window(10.0, 14_000.0, 400.0)})
    assert slow.short == ["health: the fleet kept 0.40 of its rate", "health: the store grew to 400 MB"]
    assert (slow.tell(console := Console(quiet=True)), slow.tell(console, quick=True)) == (1, 0)
    lost = said(NONE, {"chunks": Window(25.0, 20.0, 100.0, 0, ("no row",))})
    assert (lost.wrong, lost.tell(console, quick=True)) == (["no row"], 1)
