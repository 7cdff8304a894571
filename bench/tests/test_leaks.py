"""The account of the leak bench: a judge that is wrong about time would find every recorder innocent."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from agent.core.model.rules import Policy
from agent.witness.policies import parse_files
from bench.leaks import POLICY, control_policy
from bench.leaks_account import (
    HELD_UP,
    MS,
    Interval,
    Phase,
    Run,
    Span,
    charge,
    faults,
    intervals,
    lost,
    measure,
    percentiles,
    rows,
    share,
    total,
)
from bench.leaks_pages import page
from bench.leaks_scene import BOTH
from bench.leaks_table import of_runs
from bench.leaks_transitions import TRANSITIONS
from testkit.desk import SENSITIVE
from testkit.screen_watch import sensitive


def ms(start: float, end: float) -> Span:
    return Span(int(start * MS), int(end * MS))


PHASES = [Phase("a", 0, 10_000 * MS), Phase("b", 10_000 * MS, 20_000 * MS)]


def test_an_interval_belongs_to_the_transition_that_was_played() -> None:
    found = intervals([ms(3000, 3500), ms(12_000, 12_100)], PHASES)

    assert [(one.key, one.start, one.end) for one in found] == [
        ("a", 3000 * MS, 3500 * MS),
        ("b", 12_000 * MS, 12_100 * MS),
    ]


def test_what_comes_again_at_once_is_one_interval() -> None:
    assert len(intervals([ms(3000, 3500), ms(4000, 4100)], PHASES)) == 1
    assert len(intervals([ms(3000, 3500), ms(5100, 5200)], PHASES)) == 2


def test_presence_widens_what_is_shown_and_is_no_interval_alone() -> None:
    hidden = replace(PHASES[0], presences=((2000 * MS, 3600 * MS), (8000 * MS, 8500 * MS)))

    (found,) = intervals([ms(3000, 3500)], [hidden, PHASES[1]])

    assert (found.start, found.end) == (2000 * MS, 3600 * MS)


def test_over_pause_is_clean_time_between_what_was_kept_and_the_interval() -> None:
    found = intervals([ms(3000, 3500), ms(12_000, 12_100)], PHASES)

    measure(found, [ms(0, 2600), ms(3700, 11_500), ms(12_900, 20_000)])

    assert [(one.before, one.after) for one in found] == [(400, 200), (500, 800)]


def test_kept_time_inside_an_interval_gives_up_nothing() -> None:
    found = intervals([ms(3000, 3500)], PHASES)

    measure(found, [ms(0, 3200), ms(3300, 20_000)])

    assert (found[0].before, found[0].after) == (0, 0)


def test_nothing_is_measured_against_an_eye_that_never_opened() -> None:
    found = intervals([ms(3000, 3500), ms(12_000, 12_100)], PHASES)

    measure(found, [ms(12_900, 20_000)])

    assert [(one.before, one.after) for one in found] == [(None, None), (None, 800)]


def test_a_frame_is_charged_to_the_nearest_interval() -> None:
    found = intervals([ms(3000, 3500), ms(12_000, 12_100)], PHASES)

    charge(found, [2990 * MS, 3400 * MS, 11_000 * MS], control=False)
    charge(found, [12_050 * MS], control=True)

    assert [(one.leaked, one.control) for one in found] == [(2, 0), (1, 1)]


def test_what_the_account_calls_kept_while_it_was_seen_is_counted() -> None:
    found = intervals([ms(3000, 3500)], PHASES)
    measure(found, [ms(1000, 3040), ms(3490, 5000)], [ms(3010, 3480)])
    assert found[0].overlap == 30
    assert found[0].before == 0


def test_the_share_of_a_stretch_that_was_kept() -> None:
    assert share([ms(0, 500), ms(900, 5000)], ms(0, 1000)) == pytest.approx(0.6)
    assert share([], ms(0, 1000)) == 0


def test_percentiles_are_values_that_occurred() -> None:
    assert percentiles([]) == {"p50": None, "p95": None, "max": None}
    assert percentiles([float(value) for value in range(1, 101)]) == {"p50": 50.5, "p95": 95.0, "max": 100.0}
    assert percentiles([7.0]) == {"p50": 7.0, "p95": 7.0, "max": 7.0}


def sound_run(setting: str = "plain") -> Run:
    return Run(
        setting=setting,
        intervals=[Interval("chromium/a", 0, 1, before=300, after=100, control=2)],
        shares={"chromium/c": [(0.97, 0.95)]},
        cost_percent={"static": 0.5, "scrolling": 2.0},
        looks={"count": 9, "gap_p50": 2.5, "gap_p99": 5, "gap_max": 40},
    )


def test_a_run_that_kept_everything_out_and_whose_control_saw_it_passes() -> None:
    assert faults([sound_run()]) == []


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        ({"intervals": [Interval("chromium/a", 0, 1, leaked=1, control=2)]}, "leaked"),
        ({"intervals": [Interval("chromium/a", 0, 1)]}, "control"),
        ({"intervals": []}, "nothing was tried"),
        ({"shares": {"chromium/c": [(0.97, 0.95), (0.94, 0.95)]}}, "94.0%"),
        (
            {"shares": {"chromium/c": [(0.9, 0.95)]}, "lost": {"chromium/c": [{"closed card-forms": 500.0}]}},
            "at least 95% must be (0.5 s closed card-forms)",
        ),
        ({"faults": ["chromium/a: nothing was seen"]}, "nothing was seen"),
        ({"unplaced": 3}, "3 frames"),
    ],
)
def test_a_run_fails_for_each_of_these(spoil: dict[str, object], word: str) -> None:
    assert word in " ".join(faults([replace(sound_run(), **spoil)]))  # type: ignore[arg-type]


def test_what_was_not_kept_of_a_time_is_told_by_its_reason() -> None:
    parts = [(ms(0, 10), "blind"), (ms(10, 12), "closed r"), (ms(50, 60), "blind")]
    assert lost(parts, ms(8, 11)) == {"blind": 2.0, "closed r": 1.0}


def test_runs_add_up_and_keep_their_settings_apart() -> None:
    runs = [sound_run(), sound_run(), sound_run("plain busy")]

    summed = total([Run.from_json(json.loads(json.dumps(asdict(run)))) for run in runs])

    assert (summed["intervals"], summed["leaked_frames"], summed["control_leaked"]) == (3, 0, 6)
    assert summed["over_pause_ms"] == {"p50": 400, "p95": 400, "max": 400}
    assert summed["cost_percent"] == {"static": 0.5, "scrolling": 2.0}
    assert set(summed) == {
        *("intervals", "leaked_frames", "leaked_intervals", "control_leaked"),
        *("over_pause_ms", "held_up_ms", "overlap_ms_max", "cost_percent", "transitions"),
    }
    assert {key: row.get("intervals") for key, row in rows(runs).items()} == {
        "chromium/a": 2,
        "chromium/a (plain busy)": 1,
        "chromium/c": None,
        "chromium/c (plain busy)": None,
    }


def test_what_the_bench_itself_stopped_for_seconds_is_told_apart() -> None:
    """The eye has to be closed as long as nobody answers: that is no over-pause of a page's coming or going."""
    stopped = Interval("firefox/relay_stopped", 5, 6, before=100, after=1200)
    run = sound_run()
    run.intervals.append(stopped)

    summed = total([run])

    assert (summed["over_pause_ms"]["max"], summed["held_up_ms"]["max"]) == (400, 1300)
    assert "stopped a part for 2.5 s or more: 1300 / 1300 / 1300 ms" in of_runs([run]).markdown()
    assert total([sound_run()])["held_up_ms"]["p50"] is None
    assert {one.name for one in TRANSITIONS} >= HELD_UP


def test_the_table_for_the_docs_has_a_line_for_each_transition() -> None:
    lines = of_runs([sound_run(), sound_run()]).markdown().splitlines()

    assert lines[0].startswith("2 intervals in 2 runs: 0 frames leaked")
    assert "| chromium: a | 2 | 0 | 4 | 300 / 300 / 300 | 100 / 100 / 100 |" in lines


@pytest.mark.parametrize(("shade", "seen"), [(1.0, True), (0.4, True), (0.2, False)])
def test_the_watcher_sees_a_window_that_fades(shade: float, seen: bool) -> None:
    grey = np.full((800, 8, 4), 128, np.uint8)
    red, green, blue = SENSITIVE
    for channel, value in enumerate((blue, green, red)):
        grey[100:300, :, channel] = 128 + (value - 128) * shade

    assert sensitive(grey) is seen
    assert sensitive(grey[400:]) is False


def test_only_what_a_rule_names_is_magenta() -> None:
    assert 'class="secret"' in page("/pay/now", {}, 80)
    for path in ("/shop", "/frames", "/advert"):
        assert 'class="secret"' not in page(path, {}, 80)


def parsed(policy: dict[str, str]) -> Policy:
    return parse_files({name: text.encode() for name, text in policy.items()})


def test_both_policies_of_the_bench_are_policies() -> None:
    assert [rule.id for rule in parsed(POLICY).rules] == ["payment-pages"]
    assert parsed(control_policy()).allow_unseen


def test_both_browsers_play_a_dozen_transitions_quickly() -> None:
    quick = [one for one in TRANSITIONS if one.quick]

    assert len({one.name for one in quick}) >= 12
    assert {browser for one in quick for browser in one.quick} == set(BOTH)
