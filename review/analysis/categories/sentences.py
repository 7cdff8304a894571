"""A condition in a sentence that compliance people can compare with what they meant."""

from __future__ import annotations

from review.analysis.categories.model import (
    AllOf,
    AnyOf,
    CallLength,
    ClosedBy,
    Condition,
    Lasts,
    Not,
    Phrase,
    Phrases,
    Said,
    Window,
)
from review.analysis.spans import MILLISECOND, MINUTE, SECOND

SHOWN = 3  # phrases of a list


def in_words(condition: Condition) -> str:
    match condition:
        case Said():
            who = f"the {condition.by} says" if condition.by else "somebody says"
            within = f"at most {condition.within} word{'' if condition.within == 1 else 's'} from"
            near = f" {within} {one_of(condition.near)}" if condition.near else ""
            return f"{who} {one_of(condition.phrases)}{near}{_window(condition.window)}"
        case Lasts():
            what = "a silence" if condition.silence else "an overlap"
            return f"{what} of over {time_in_words(condition.over)}{_window(condition.window)}"
        case CallLength():
            return f"the call is {'over' if condition.over else 'under'} {time_in_words(condition.ns)} long"
        case ClosedBy():
            return f"closed by {' or '.join(sorted(condition.rules))}"
        case Not():
            return f"not ({in_words(condition.condition)})"
        case AnyOf() | AllOf():
            between = " or " if isinstance(condition, AnyOf) else " and "
            return between.join(f"({in_words(one)})" for one in condition.conditions)


def one_of(phrases: Phrases) -> str:
    shown = [quoted(phrase) for phrase in phrases[:SHOWN]]
    more = [f"{len(phrases) - SHOWN} more"] if len(phrases) > SHOWN else []
    return " or ".join(shown + more)


def quoted(phrase: Phrase) -> str:
    return f'"{" ".join(map(str, phrase))}"'


def time_in_words(ns: int) -> str:
    for unit, name in ((MINUTE, "min"), (SECOND, "s")):
        if ns % unit == 0:
            return f"{ns // unit} {name}"
    return f"{ns // MILLISECOND} ms"


def _window(window: Window | None) -> str:
    if window is None:
        return ""
    return f" in the {'first' if window.first else 'last'} {time_in_words(window.ns)}"
