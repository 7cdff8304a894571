"""Whole calls of a family: greeting, a datum that is asked for or volunteered, often repeated by the agent, an end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib import resources
from random import Random
from typing import Any, Final

import yaml

from review.analysis.words import Call, Channel, Heard, Interval, Word
from testkit.transcripts.errors import MS, spoken_at, transcribed, with_slips
from testkit.transcripts.values import MAKERS

TUNING: Final = "tuning"
HELD_OUT: Final = "held_out"
SEEDS: Final = {TUNING: 11, HELD_OUT: 4_242}
EACH: Final = 120  # calls of each kind and language


@dataclass(frozen=True)
class Datum:
    """`at`: when it is heard. `by_agent`: where the agent repeats it."""

    kind: str
    asked: bool
    channel: Channel
    at: Interval

    @property
    def by_agent(self) -> bool:
        return self.channel is Channel.AGENT


@dataclass
class Spoken:
    """A call with what is true of it. `kind`: None for one without personal data."""

    language: str
    kind: str | None
    channels: dict[Channel, tuple[list[Word], list[Interval]]] = field(default_factory=dict)
    data: list[Datum] = field(default_factory=list)
    end: int = 0

    def call(self) -> Call:
        return Call({channel: Heard(words, self.end, gaps) for channel, (words, gaps) in self.channels.items()})

    def lines(self) -> str:
        """To read: each channel's words as they were written."""
        return "\n".join(
            f"{channel}: {' '.join(word.text for word in words)}" for channel, (words, _) in self.channels.items()
        )


@cache
def family(name: str) -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load(
        resources.files("testkit.transcripts").joinpath(f"{name}.yaml").read_bytes()
    )
    return loaded


class _Scene:
    def __init__(self, random: Random, language: str, kind: str | None) -> None:
        self.random, self.language = random, language
        self.call = Spoken(language, kind)
        self.at = random.randrange(300, 2_000) * MS

    def say(self, channel: Channel, line: str, datum: Sequence[str] = (), asked: bool = True) -> None:
        tokens: list[tuple[str, bool]] = []
        for word in line.split():
            if "{v}" in word:
                tokens += [(token, True) for token in datum]
            else:
                tokens.append((word, False))
        pieces = spoken_at(self.random, self.at, tokens)
        written = transcribed(self.random, self.language, pieces)
        words, gaps = self.call.channels.setdefault(channel, ([], []))
        words += written.words
        gaps += written.wordless
        mine = [piece for piece in pieces if piece.of_datum]
        if mine and self.call.kind:
            self.call.data.append(Datum(self.call.kind, asked, channel, Interval(mine[0].start, mine[-1].end)))
        self.at = (pieces[-1].end if pieces else self.at) + self.random.randrange(400, 1_300) * MS
        self.call.end = self.at + 500 * MS

    def lines(self, lines: Sequence[Sequence[str]]) -> None:
        for who, line in lines:
            self.say(Channel(who), line)


def one(random: Random, lists: Mapping[str, Any], language: str, kind: str, asked: bool) -> Spoken:
    scene = _Scene(random, language, kind)
    carriers = lists["kinds"][kind]
    datum = MAKERS[kind](random, language, lists)
    slipped = with_slips(random, language, datum)
    scene.lines(lists["small"][:2])
    if asked:
        scene.say(Channel.AGENT, random.choice(carriers["ask"]))
        line = random.choice(carriers["answer"])
        if len(slipped) > 7 and random.random() < 0.3:
            half = len(slipped) // 2
            scene.say(Channel.CUSTOMER, line.split("{v}", maxsplit=1)[0] + "{v}", slipped[:half])
            scene.say(Channel.AGENT, random.choice(lists["prompt"]))
            scene.say(Channel.CUSTOMER, "{v}", slipped[half:])
        else:
            scene.say(Channel.CUSTOMER, line, slipped)
    else:
        scene.say(Channel.CUSTOMER, random.choice(carriers["unasked"]), slipped, asked=False)
    if random.random() < 0.35:
        scene.say(Channel.AGENT, random.choice(lists["repeat"]), datum, asked)
        scene.say(Channel.CUSTOMER, random.choice(lists["prompt"]))
    scene.say(Channel.AGENT, random.choice(lists["acknowledged"]))
    scene.lines(lists["small"][2:])
    return scene.call


def calls(name: str, each: int = EACH, kinds: Sequence[str] = ()) -> list[Spoken]:
    """Of both languages `each` of every kind, or of these; half of them are asked for."""
    found = []
    for language, lists in family(name).items():
        for kind in [one for one in lists["kinds"] if not kinds or one in kinds]:
            random = Random(f"{SEEDS[name]} {language} {kind}")
            found += [one(random, lists, language, kind, asked=number % 2 == 0) for number in range(each)]
    return found


def harmless(name: str, each: int = EACH // 2) -> list[Spoken]:
    found = []
    for language, lists in family(name).items():
        random = Random(f"{SEEDS[name]} {language} harmless")
        for _ in range(each):
            scene = _Scene(random, language, None)
            scene.lines(lists["small"])
            scene.lines(sorted(random.sample(lists["harmless"], 10), key=lists["harmless"].index))
            found.append(scene.call)
    return found


def digest(name: str) -> str:
    """SHA-256 of every word, time and truth of a family: what was frozen stays as it was."""
    hashed = sha256()
    for spoken in [*calls(name), *harmless(name)]:
        for channel, (words, gaps) in sorted(spoken.channels.items()):
            hashed.update(repr((channel.value, words, gaps)).encode())
        hashed.update(repr((spoken.language, spoken.kind, spoken.end, spoken.data)).encode())
    return hashed.hexdigest()
