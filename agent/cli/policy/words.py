"""What a rule says of a window or a page, in sentences for people who write no programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from agent.core.linting.explain import Does, Hit, Word
from agent.core.matching.address import BadAddressError, parse_address
from agent.core.model.media import Lane
from agent.core.model.rules import Attribute, Effect, Matcher, Policy
from agent.core.model.seen import Blind, Page, Window

SPOKEN: Final = {Lane.SCREEN: "screen", Lane.AUDIO: "sound"}
LONGEST: Final = 90  # signs of an address or a title within a sentence

# Why each of Eyelid's own rules closes.
OWN: Final = {
    "blind": "no window could be seen at all",
    "unreadable": "a rule needs a name, a title or an address that cannot be read here",
    "web-engine": "it shows web pages, and no browser extension looks into it",
    "unseen-page": "the page, or a part of it, does not answer the extension",
    "remote-display": "it shows another machine, which cannot be looked into from here",
    "overview": "it shows pictures of other windows",
    "unlisted": "the policy says unlisted: close, and no rule names it",
    "not-allowed": "the policy keeps only what allow names, and this is not named there",
    "not-recorded": "nothing that record_when names is open",
}
EXCUSABLE: Final = frozenset({"unreadable", "web-engine", "unseen-page", "remote-display", "overview"})


def because(word: Word, thing: Window | Page) -> str:
    """Why it says so: what of the thing fits which words of the file."""
    if word.rule is None and isinstance(thing, Page) and thing.extension is not None:
        return "this extension of the browser may be showing something beside its pages, which no witness can look into"
    if word.rule is None:
        return OWN[word.id]
    hits = word.excuse if word.does is Does.EXCUSED else word.hits
    return " and ".join(dict.fromkeys(_hit(hit, thing) for hit in hits))


def _hit(hit: Hit, thing: Window | Page) -> str:
    if isinstance(thing, Page):
        if hit.frame is not None:
            whose = "the page's address" if hit.frame == 0 else f"the frame {shortened(thing.urls[hit.frame])}"
            return f'{whose} is one that "{hit.pattern}" names'
        kind = "a form field of the kind" if hit.attribute is Attribute.FIELD else "something that fits"
        return f'the page has {kind} "{hit.pattern}"'
    what = "the program is called" if hit.attribute is Attribute.APP else "the title is"
    seen = thing.app if hit.attribute is Attribute.APP else thing.title
    seen = "" if isinstance(seen, Blind) else seen
    if seen.casefold() == hit.pattern.casefold():
        return f'{what} "{shortened(seen)}"'
    return f'{what} "{shortened(seen)}", which fits "{hit.pattern}"'


def verdict(word: Word, lanes: str) -> str:
    """What it does, after the rule's name. `lanes`: "the screen", "the sound" or "both"."""
    return {
        Does.CLOSES: f"closes {lanes}",
        Does.TRIED: f"would close {lanes}, but is only tried (dry_run)",
        Does.EXCUSED: "keeps silent",
        Does.RECORDS: f"fits, and lets {lanes} be recorded",
        Does.OUT_OF_VIEW: f"closes {lanes} only while it is in view",
    }[word.does]


def undo(policy: Policy, word: Word, thing: Window | Page) -> str:
    """What would make it otherwise."""
    if word.rule is None:
        return _undo_own(policy, word, thing)
    match word.does:
        case Does.CLOSES | Does.TRIED:
            entry = _exception(thing)
            if not entry:
                return "It has no address of its own by which it could be left out."
            return f"To leave it out, add under unless: of {word.id}:  {entry}"
        case Does.EXCUSED:
            return f"To close for it, take that line out of unless: of {word.id}."
        case Does.RECORDS:
            return f"To close for it, write {word.lane}: pause in {word.id}."
        case Does.OUT_OF_VIEW:
            return f"To close also then, write {word.lane}: {{ pause: open }} in {word.id}."


def _undo_own(policy: Policy, word: Word, thing: Window | Page) -> str:
    extension = thing.extension if isinstance(thing, Page) else None
    if word.does is Does.EXCUSED:
        return f"To close for it, take that line out of {'allow_unseen' if extension is None else 'allow_extensions'}."
    if word.id in _UNDO_LEFT_OUT:
        return _UNDO_LEFT_OUT[word.id](policy, thing)
    if word.id == "not-recorded" and policy.record_when is not None:
        names = "; ".join(
            f"{matcher.attribute} {', '.join(matcher.patterns)}"
            for matcher in policy.record_when
            if isinstance(matcher, Matcher)
        )
        return f"It is recorded while this is open: {names or 'what record_when names'}."
    if extension is not None:
        how = "Only if a person has looked at it and found it harmless, add under allow_extensions:"
        return f"{how}  - {_quoted(extension)}" if extension else "Bring the browser extension up to date."
    entry = _unseen(thing)
    if word.id in EXCUSABLE and entry:
        return f"Only if a person has looked at it and found it harmless, add under allow_unseen:  {entry}"
    return ""


def _undo_not_allowed(policy: Policy, thing: Window | Page) -> str:
    entry = _unseen(thing)
    if not entry:
        return "It has no name that can be read, and so it cannot be allowed."
    files = [block[0].where.rsplit(":", 2)[0] for block in policy.allow]
    where = f" in each of these files: {', '.join(files)}" if files[1:] else ""
    return f"To record it, add under allow:{where}  {entry}"


_UNDO_LEFT_OUT: Final[Mapping[str, Callable[[Policy, Window | Page], str]]] = {
    "unlisted": lambda _policy, _thing: "To record it, name it in a rule with screen: record and audio: record.",
    "not-allowed": _undo_not_allowed,
}


def _exception(thing: Window | Page) -> str:
    """The narrowest entry of `unless` that names the thing."""
    if isinstance(thing, Page):
        address = _address(thing)
        return f"- url: [{_quoted(address)}]" if address else ""
    app, title = ("" if isinstance(fact, Blind) else fact for fact in (thing.app, thing.title))
    if app and title:
        return f"- all: [{{ app: [{_quoted(app)}] }}, {{ title: [{_quoted(title)}] }}]"
    return f"- app: [{_quoted(app)}]" if app else f"- title: [{_quoted(title)}]" if title else ""


def _quoted(text: str) -> str:
    """As YAML reads it back, which takes JSON's strings."""
    return json.dumps(text, ensure_ascii=False)


def _unseen(thing: Window | Page) -> str:
    if isinstance(thing, Page):
        address = _address(thing)
        return f"- url: [{_quoted(address)}]" if address else ""
    return "" if isinstance(thing.app, Blind) or not thing.app else f"- app: [{_quoted(thing.app)}]"


def _address(page: Page) -> str:
    """The page's own address as a rule would name it; empty for one that says nothing of what is shown."""
    try:
        address = parse_address(page.urls[0])
    except (BadAddressError, IndexError):
        return ""
    if not address.own:
        return page.urls[0] if address.path not in ("blank", "srcdoc") and address.scheme == "about" else ""
    port = "" if address.port in (None, 80, 443) else f":{address.port}"
    scheme = "" if address.scheme in ("http", "https") else f"{address.scheme}://"
    return f"{scheme}{address.host}{port}{'' if address.path == '/' else address.path}"


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def effect_of(words: tuple[Word, ...], lane: Lane) -> Effect:
    closes = any(word.does is Does.CLOSES for word in words if word.lane is lane)
    return Effect.PAUSE if closes else Effect.RECORD
