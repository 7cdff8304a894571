"""The question before counts: what the agent asks for opens a window over the customer's channel, and over what the
agent repeats of it. The agent's next turn that is neither a prompt nor a repetition closes it, or time does.

In a window everything is masked, and sound without a word, too: what the recogniser made of the answer is not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from review.analysis.personal import lexicon
from review.analysis.personal.lexicon import Kind
from review.analysis.personal.matching import Hit, Text, alike, slack
from review.analysis.personal.runs import explained_places
from review.analysis.personal.tokens import Token
from review.analysis.words import SECOND, Call, Channel, Interval, Turn

NUMBERS_LAST: Final = 45 * SECOND  # after the question; who looks for a card needs a while
OTHERS_LAST: Final = 25 * SECOND
_EARLY: Final = SECOND // 5  # a customer's word that begins so shortly before the question may be its answer
_TAIL: Final = 8  # a name of a datum within so many words of a turn's end is a question without a request
_NEAR: Final = 12  # words between a request and what is requested
_PROMPT: Final = 4  # words of a prompt
_ANSWERED: Final = 12  # words without a digit that are no answer to a question for a number


@dataclass(frozen=True, slots=True)
class Window:
    """`answer`: what is masked of the customer's channel; `repeats`: places of the agent's words that repeat it."""

    kind: Kind
    phrase: str
    start: int
    end: int
    answer: Interval | None
    repeats: tuple[tuple[int, int], ...]


def windows(call: Call, said: Mapping[Channel, Text]) -> Iterator[Window]:
    if Channel.AGENT not in said:
        return
    agents = said[Channel.AGENT]
    turns = [turn for turn in call.turns if turn.channel is Channel.AGENT]
    asked = [_questions(agents, turn) for turn in turns]
    for number, turn in enumerate(turns):
        for kind, hit in asked[number].items():
            start = agents.tokens[hit.first].start - _EARLY
            latest = turn.end + (NUMBERS_LAST if kind in lexicon.NUMERIC else OTHERS_LAST)
            following = ((turns[other], bool(asked[other])) for other in range(number + 1, len(turns)))
            end, repeats = _until(said, following, kind, start, latest)
            answer = _answer(call, said, turn, start, _last_turn(call, start, end, latest), closed=end < latest)
            yield Window(kind, hit.phrase, start, end, answer, tuple(repeats))


def _questions(text: Text, turn: Turn) -> Mapping[Kind, Hit]:
    """What is asked for in a turn, by the first words that ask for it."""
    requests = [token.place for token in text.of(turn) if token.plain in lexicon.REQUESTS]
    found: dict[Kind, Hit] = {}
    for hit in text.tagged(*Kind, turn=turn):
        near = any(hit.first - _NEAR <= place <= hit.last + _NEAR for place in requests)
        if near or turn.last - hit.last < _TAIL:
            found.setdefault(Kind(hit.tag), hit)
    return found


def _until(
    said: Mapping[Channel, Text],
    following: Iterable[tuple[Turn, bool]],
    kind: Kind,
    start: int,
    latest: int,
) -> tuple[int, list[tuple[int, int]]]:
    """When the window closes, and what the agent repeats until then."""
    repeats = []
    for turn, asks in following:
        if turn.start >= latest:
            break
        words = said[Channel.AGENT].of(turn)
        answer = said[Channel.CUSTOMER].between(start, turn.start) if Channel.CUSTOMER in said else ()
        again = echo(words, answer, digits=kind in lexicon.NUMERIC)
        if again is not None and answer:
            repeats.append(again)
        if asks:
            return turn.start, repeats
        if again is None and _answered(kind, answer) and not _prompt(words):
            return turn.start, repeats
    return latest, repeats


def _answered(kind: Kind, answer: Sequence[Token]) -> bool:
    if kind in lexicon.NUMERIC:
        return sum(token.digits for token in answer) >= 2 or len(answer) >= _ANSWERED
    return any(token.plain not in lexicon.PROMPTS | lexicon.FILLERS for token in answer)


def _prompt(words: Sequence[Token]) -> bool:
    return len(words) <= _PROMPT and all(token.plain in lexicon.PROMPTS for token in words)


def echo(words: Sequence[Token], answer: Sequence[Token], *, digits: bool) -> tuple[int, int] | None:
    """Places of the first and the last word that repeat an answer; with `digits`, any two that nothing explains do."""
    telling = {token.plain for token in answer if len(token.plain) > 3 and token.plain not in lexicon.COMMON}
    places = [
        token.place
        for token in words
        if len(token.plain) > 3
        and token.plain not in lexicon.COMMON
        and any(alike(token.plain, other, slack(len(other))) for other in telling)
    ]
    explained = {words[place].place for place in explained_places([*_renumbered(words)])} if words else set()
    figures = [token for token in words if token.digits and token.place not in explained]
    if figures and digits and sum(token.digits for token in figures) >= 2:
        places += [token.place for token in figures]
    if not places:
        return None
    first, last = min(places), max(places)
    by_place = {token.place: token for token in words}
    while first - 1 in by_place and _of_a_number(by_place[first - 1]):
        first -= 1
    while last + 1 in by_place and _of_a_number(by_place[last + 1]):
        last += 1
    return first, last


def _of_a_number(token: Token) -> bool:
    return bool(token.digits) or token.plain in lexicon.MONTHS or token.plain in lexicon.HOMOPHONES


def _renumbered(words: Sequence[Token]) -> Iterator[Token]:
    for place, token in enumerate(words):
        yield Token(place, token.plain, token.start, token.end, token.digits, token.capital, token.ends)


def _last_turn(call: Call, start: int, end: int, latest: int) -> int:
    """The end, or that of the customer's turn that the agent broke into: the datum may go on."""
    for turn in call.turns:
        if turn.channel is Channel.CUSTOMER and turn.end > start and turn.start < end < turn.end:
            return min(turn.end, latest)
    return end


def _answer(
    call: Call, said: Mapping[Channel, Text], question: Turn, start: int, end: int, *, closed: bool
) -> Interval | None:
    """From the question's end to the window's, silence included: a recogniser's voice detection drops spoken digits.

    Nothing where the customer is not heard at all; and where no turn of the agent closed it, no longer than they are.
    """
    heard = call.channels.get(Channel.CUSTOMER)
    if heard is None:
        return None
    sounds = [Interval(word.start, word.end) for word in said[Channel.CUSTOMER].between(start, end)]
    sounds += [
        Interval(max(gap.start, start), min(gap.end, end))
        for gap in heard.wordless
        if gap.start < end and gap.end > start
    ]
    if not sounds:
        return None
    last = max(one.end for one in sounds)
    return Interval(min([question.end, *(one.start for one in sounds)]), max(last, end) if closed else last)
