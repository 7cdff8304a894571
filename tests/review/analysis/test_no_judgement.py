"""The analysis draws no emotion from voices or words, and ranks no one: no name, key or value of it says so."""

from __future__ import annotations

import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from review.analysis.categories.keys import schema

FOLDER = Path(__file__).resolve().parents[3] / "review" / "analysis"
FILES = sorted(FOLDER.rglob("*.py"))
EMOTION = "emotion|sentiment|mood|feeling|anger|angry|stress|happ|sad|arousal|valence|polarity|satisf|frustrat"
RANKING = "rank|leaderboard|league|worst|percentile|rating"
JUDGES = re.compile(rf"(?:^|_)(?:{EMOTION}|{RANKING})", re.IGNORECASE)


def names_in(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            yield re.sub(r"(?<=[a-z])(?=[A-Z])", "_", token.string)


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_name_is_of_an_emotion_or_a_ranking(file: Path) -> None:
    named = {*names_in(file.read_text("utf-8")), file.stem}
    assert sorted(name for name in named if JUDGES.search(name)) == []


def test_no_key_is_of_an_emotion_or_a_ranking() -> None:
    words = re.findall(r'"([\w-]+)"', json.dumps(schema()))
    assert len(words) > 50
    assert sorted(word for word in words if JUDGES.search(word)) == []


@pytest.mark.parametrize("name", ["sentiment", "customer_mood", "rank_of", "WorstAgents"])
def test_such_names_are_found(name: str) -> None:
    assert [one for one in names_in(f"{name} = 1") if JUDGES.search(one)]
