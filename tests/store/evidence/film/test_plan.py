"""What a film shows when: every moment is a picture or a gap with a reason, and a cut takes nothing that is kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.envelope import AUDIO, SCREEN, SOUND_STREAM
from store.clock import SECOND
from store.evidence.account import BlindCause, Closed, Held, Interval, Kept, Missing, Part, account
from store.evidence.film.plan import BRIEF, LEFT_OUT, Gap, Plan, make_plan
from store.evidence.rules import PolicyNames, RuleName, words_of

POLICY = "p" * 64
CARDS = Closed(POLICY, (0,))


def words(cause: object) -> str:
    names = PolicyNames((RuleName("card-forms", "PCI"), RuleName("notes", "")))
    return words_of(cause, lambda _: names)  # type: ignore[arg-type]


def span(start: float, end: float) -> Interval:
    return Interval(round(start * SECOND), round(end * SECOND))


def part(start: float, end: float, cause: object, *, margin: bool = False) -> Part:
    return Part(round(start * SECOND), round(end * SECOND), cause, margin)  # type: ignore[arg-type]


def plan(
    kept: dict[int, list[Interval]], accounts: dict[str, list[Part]], length: float = 10, *, cut: bool = False
) -> Plan:
    return make_plan(round(length * SECOND), kept, accounts, words, cut=cut)


def told(gaps: tuple[Gap, ...]) -> list[tuple[float, float, str]]:
    return [(gap.start / SECOND, gap.end / SECOND, gap.words) for gap in gaps]


def test_a_gap_says_its_rule_and_takes_the_margins_with_it() -> None:
    accounts = [
        part(0, 3, Kept()),
        part(3, 3.3, CARDS, margin=True),
        part(3.3, 6, CARDS),
        part(6, 7, CARDS, margin=True),
        part(7, 10, Kept()),
    ]
    made = plan({0: [span(0, 3), span(7, 10)]}, {SCREEN: accounts})
    assert told(made.gaps[SCREEN]) == [(3, 7, "closed: card-forms")]
    assert made.shown == (span(0, 10),)


def test_what_has_another_reason_is_another_gap_unless_it_is_too_brief_to_read() -> None:
    accounts = [
        part(0, 1, Kept()),
        part(1, 1.2, BlindCause("unproven")),
        part(1.2, 4, Closed(POLICY, (0, "unreadable"))),
        part(4, 4.3, BlindCause("blind")),
        part(4.3, 6, Held(("user", "locked"))),
        part(6, 8, Missing("lost")),
        part(8, 10, Kept()),
    ]
    made = plan({0: [span(0, 1), span(8, 10)]}, {SCREEN: accounts})
    assert told(made.gaps[SCREEN]) == [
        (1, 4.3, "closed: card-forms, unreadable"),
        (4.3, 6, "held: by the person, locked"),
        (6, 8, "chunks were not received"),
    ]


def test_a_brief_gap_alone_is_told_all_the_same() -> None:
    made = plan(
        {0: [span(0, 5), span(5.1, 10)]}, {SCREEN: [part(0, 5, Kept()), part(5, 5.1, CARDS), part(5.1, 10, Kept())]}
    )
    assert told(made.gaps[SCREEN]) == [(5, 5.1, "closed: card-forms")]


def test_what_the_account_has_and_the_export_has_not_is_said_to_be_left_out() -> None:
    made = plan({0: [span(0, 4), span(8, 10)]}, {SCREEN: [part(0, 10, Kept())]})
    assert told(made.gaps[SCREEN]) == [(4, 8, LEFT_OUT)]


def test_one_screen_goes_on_while_the_other_has_nothing_and_that_is_no_gap() -> None:
    made = plan({0: [span(0, 4)], 1: [span(0, 10)]}, {SCREEN: [part(0, 10, Kept())]})
    assert made.gaps[SCREEN] == ()
    assert made.streams(SCREEN) == (0, 1)


def test_a_cut_takes_only_time_of_which_no_lane_has_anything() -> None:
    kept = {0: [span(0, 3), span(6, 10)], SOUND_STREAM: [span(0, 4), span(8, 10)]}
    accounts = {
        SCREEN: [part(0, 3, Kept()), part(3, 6, CARDS), part(6, 10, Kept())],
        AUDIO: [part(0, 4, Kept()), part(4, 8, Held(("user",))), part(8, 10, Kept())],
    }
    made = plan(kept, accounts, cut=True)
    assert made.shown == (span(0, 4), span(6, 10))
    assert made.length == 8 * SECOND
    assert [made.film_time(round(at * SECOND)) / SECOND for at in (0, 3.5, 4, 5, 6, 9, 10, 99)] == [
        0, 3.5, 4, 4, 4, 7, 8, 8,
    ]  # fmt: skip
    gap = made.gap_at(SCREEN, round(3.5 * SECOND))
    assert gap is not None
    assert gap.words == "closed: card-forms"
    assert made.gap_at(SCREEN, 6 * SECOND) is None
    assert made.gap_at(SCREEN, 0) is None


def test_nothing_kept_is_one_slate_and_cut_is_nothing() -> None:
    accounts = {SCREEN: [part(0, 10, Held(("user",)))]}
    assert told(plan({}, accounts).gaps[SCREEN]) == [(0, 10, "held: by the person")]
    assert plan({}, accounts, cut=True).shown == ()
    assert plan({}, {SCREEN: []}, 0).gaps[SCREEN] == ()


def test_spans_beyond_the_length_are_not_in_the_film() -> None:
    made = plan({0: [span(9, 12), span(13, 14)]}, {SCREEN: [part(0, 9, CARDS), part(9, 10, Kept())]})
    assert made.kept[0] == (span(9, 10),)


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30)), max_size=12),
    st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30)), max_size=12),
    st.booleans(),
)
def test_gaps_and_kept_time_are_the_whole_and_film_time_never_goes_back(
    first: list[tuple[int, int]], second: list[tuple[int, int]], cut: bool
) -> None:
    tenth = SECOND // 10
    kept = {
        stream: [Interval(start * tenth, (start + length) * tenth) for start, length in spans]
        for stream, spans in ((0, first), (SOUND_STREAM, second))
    }
    length = 110 * tenth
    accounts = {
        lane: account(length, kept[stream], [], otherwise=CARDS)
        for lane, stream in ((SCREEN, 0), (AUDIO, SOUND_STREAM))
    }
    made = make_plan(length, kept, accounts, words, cut=cut)
    for lane, stream in ((SCREEN, 0), (AUDIO, SOUND_STREAM)):
        pieces = sorted([*made.kept[stream], *((gap.start, gap.end) for gap in made.gaps[lane])])
        assert [start for start, _ in pieces] == [0, *(end for _, end in pieces[:-1])]
        assert pieces[-1][1] == length
        assert all(gap.length >= BRIEF or gap.words for gap in made.gaps[lane])
    times = [made.film_time(at) for at in range(0, length + 1, tenth)]
    assert times == sorted(times)
    assert times[-1] == made.length
    if not cut:
        assert made.length == length
