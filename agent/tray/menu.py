"""The menu as a value: what stands in it, what can be clicked, and what that asks of the recorder. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agent.config.values import LONGEST_NOTICE, is_address
from agent.tray.icon_state import IconState, Lid, Status
from agent.tray.words import Words

SHORT_HOLD: Final = 300.0  # seconds
# What help says, in this order. It stands in the menu, since a page in a browser closes the eye: one that starts is
# unseen until its extension has connected, and an extension that IT installs has no access to files' addresses.
HELP: Final = (
    ("about",),
    ("open", "shut", "call", "warning", "held", "fault", "gone", "offline"),
    ("pauses", "account", "terminal"),
)
LISTED: Final = 10  # pauses, the latest
WIDTH: Final = 100  # characters of a line of the notice
BRIEF: Final = 1.0  # seconds; briefer ones are a look that was asked again, and not counted


@dataclass(frozen=True, slots=True)
class Action:
    """`verb` and `arguments` of a request to the recorder; `notice` is the tray's own: it opens that page."""

    verb: str
    seconds: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """`key`: the same entry keeps it over time. A label of "" is a line between groups; without an action and children
    it only says something."""

    key: str
    label: str = ""
    action: Action | None = None
    children: tuple[Entry, ...] = ()


def menu_of(
    icon: IconState,
    status: Status | None,
    pauses: Sequence[Mapping[str, Any]] | None,
    words: Words,
    *,
    now: float,
    notice: str | None = None,
) -> tuple[Entry, ...]:
    """`pauses`: of today, as the recorder tells them, oldest first; None where they are not known. `now`: seconds
    since 1970. `notice`: of GDPR 13, an address or text."""
    groups = (
        _what_is(icon, status, words),
        (_pauses(pauses, words, now),) if status is not None else (),
        _holds(icon, status, words),
        (_help(notice, words), *((_notice("notice", notice, words),) if notice else ())),
    )
    return _apart(groups, "line")


def _apart(groups: Iterable[tuple[Entry, ...]], key: str) -> tuple[Entry, ...]:
    """With a line between groups, `key` its name."""
    entries: list[Entry] = []
    for number, group in enumerate(group for group in groups if group):
        entries += [Entry(f"{key}-{number}"), *group] if entries else group
    return tuple(entries)


def _help(notice: str | None, words: Words) -> Entry:
    said = [tuple(Entry(f"help-{name}", words.say(f"help.{name}")) for name in group) for group in HELP]
    return Entry(
        "help", words.say("menu.help"), children=_apart([*said, (_notice("help-notice", notice, words),)], "help")
    )


def _notice(key: str, notice: str | None, words: Words) -> Entry:
    if notice is None:
        return Entry(key, words.say("menu.notice.none"))
    if is_address(notice) and not any(map(str.isspace, notice)):
        return Entry(key, words.say("menu.notice"), Action("notice"))
    if len(notice) <= LONGEST_NOTICE and "\n" not in notice:
        return Entry(key, words.say("menu.notice.text", notice=notice))
    lines = [line for paragraph in notice.splitlines() for line in textwrap.wrap(paragraph, WIDTH)]
    said = tuple(Entry(f"{key}-{number}", line) for number, line in enumerate(lines))
    return Entry(key, words.say("menu.notice"), children=said)


def _what_is(icon: IconState, status: Status | None, words: Words) -> tuple[Entry, ...]:
    said = [*_lines("sentence", words.sentence(icon, status)), *_lines("advice", words.advice(icon))]
    said += [*_lines("troubled", words.troubled(icon)), *_lines("offline", words.offline(status))]
    if status is not None:
        said.append(Entry("evidence", words.evidence(status)))
        if status.get("scenes"):  # a recorder of another version may not say
            said.append(Entry("scenes", words.say("menu.scenes")))
        if others := [code for code in status["troubles"] if code not in icon.troubles]:
            said.append(Entry("troubles", words.say("menu.troubles", codes=", ".join(others))))
    return tuple(entry for entry in said if entry.label)


def _lines(key: str, text: str) -> list[Entry]:
    """A sentence each: menus do not wrap."""
    parts = text.replace(". ", ".\n").splitlines()
    return [Entry(f"{key}-{number}" if number else key, part) for number, part in enumerate(parts)]


def _pauses(pauses: Sequence[Mapping[str, Any]] | None, words: Words, now: float) -> Entry:
    if pauses is None:
        return Entry("pauses", words.say("menu.pauses.unknown"))
    counted = [pause for pause in pauses if pause["s"] >= BRIEF]
    if not counted:
        return Entry("pauses", words.say("menu.pauses.none"))
    total = sum(float(pause["s"]) for pause in counted)
    latest = enumerate(reversed(counted[-LISTED:]))
    listed = tuple(Entry(f"pause-{number}", words.pause(pause, now=now)) for number, pause in latest)
    return Entry("pauses", words.say("menu.pauses", count=len(counted), total=words.length(total)), children=listed)


def _holds(icon: IconState, status: Status | None, words: Words) -> tuple[Entry, ...]:
    if status is None or icon.lid is Lid.GONE:
        return ()
    if status["hold"] is not None:
        return (Entry("release", words.say("menu.release"), Action("release")),)
    offer = status["user_hold"]
    if not offer["allow"]:
        return (Entry("forbidden", words.say("menu.hold.forbidden")),)
    most = offer["max_s"]
    short = SHORT_HOLD if most is None else min(SHORT_HOLD, most)
    longest = (
        words.say("menu.hold.open-ended") if most is None else words.say("menu.hold.bounded", length=words.length(most))
    )
    return (
        _hold("hold", words.say("menu.hold", length=words.length(short)), short, offer, words),
        _hold("hold-on", longest, None, offer, words),
    )


def _hold(key: str, label: str, seconds: float | None, offer: Mapping[str, Any], words: Words) -> Entry:
    reasons = tuple(
        Entry(f"{key}-{number}", words.reason(reason, own=offer["own"]), Action("hold", seconds, reason))
        for number, reason in enumerate(offer["reasons"])
    )
    return Entry(key, label, children=reasons)
