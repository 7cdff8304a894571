"""`python -m testkit.transcripts [--misses KIND LANGUAGE]`: the table of docs/analysis.md, of both families.

Misses are shown of the tuning family alone: who writes rules does not read those of the held-out one.
"""

from __future__ import annotations

import argparse

from review.analysis.personal.find import find
from review.analysis.personal.spans import mask
from review.analysis.words import Call
from testkit.transcripts.calls import EACH, HELD_OUT, TUNING, calls, harmless
from testkit.transcripts.score import Count, Mask, beside, misses, rows, share


def masked(call: Call) -> Mask:
    return mask(call, find(call))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m testkit.transcripts", description=__doc__)
    parser.add_argument("--misses", nargs=2, metavar=("KIND", "LANGUAGE"))
    parser.add_argument("--most", type=int, default=8, help="misses that are shown")
    parser.add_argument("--only", choices=(TUNING, HELD_OUT))
    given = parser.parse_args()
    if given.misses:
        kind, language = given.misses
        show_misses(kind, language, given.most)
        return
    for name in (given.only,) if given.only else (HELD_OUT, TUNING):
        show_table(name)


def show_table(name: str) -> None:
    print(f"Family {name}, {EACH} calls of each kind and language")
    print("\n| kind | language | asked | unasked | repeated by the agent | recall |\n|---|---|---|---|---|---|")
    spoken = calls(name)
    for (kind, language), row in rows(spoken, masked).items():
        cells = " | ".join(_cell(count) for count in (row.asked, row.unasked, row.repeated))
        print(f"| {kind} | {language} | {cells} | {row.recall:.3f} |")
    quiet = harmless(name)
    print(
        f"\nMasked of {len(quiet)} calls without personal data: {share(quiet, masked):.1%} of the time, "
        f"{share(quiet, masked, of_words=True):.1%} of the words' time.\n"
        f"Masked of the other words in calls with a datum: {beside(spoken, masked):.1%} of their time\n"
    )


def _cell(count: Count) -> str:
    return f"{count.found}/{count.of}"


def show_misses(kind: str, language: str, most: int) -> None:
    chosen = [one for one in calls(TUNING, kinds=(kind,)) if one.language == language]
    for spoken, number in list(misses(chosen, masked))[:most]:
        datum = spoken.data[number]
        words, gaps = spoken.channels[datum.channel]
        near = [word for word in words if datum.at.start - 3 * 10**9 < word.start < datum.at.end + 10**9]
        hidden = masked(spoken.call())[datum.channel]
        line = " ".join(
            f"[{w.text}]" if any(m.start <= w.start and w.end <= m.end for m in hidden) else w.text for w in near
        )
        print(f"{datum.channel} {'asked' if datum.asked else 'unasked'} {datum.at}: {line}  gaps {len(gaps)}  {hidden}")


if __name__ == "__main__":
    main()
