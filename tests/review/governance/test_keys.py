"""The schema that editors complete from is of one mind with the reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
import yaml

from review.governance.keys import schema
from tests.review.governance.rules import HEAD, REST, ROLES, wrong
from tests.review.governance.test_parse import WHOLE

LANGUAGE = Path(__file__).with_name("language.txt")
TEMPLATES = Path(__file__).resolve().parents[3] / "review" / "templates"
Judge = Callable[[Any], Any]


def lines(where: str, table: Mapping[str, Any]) -> Iterator[str]:
    """A table of the schema, a key on each line, without what editors show beside it."""
    rest = {name: value for name, value in table.items() if name not in ("properties", "definitions", "description")}
    yield f"{where} {json.dumps(rest)}"
    for name, shape in table["properties"].items():
        yield f"{where} {name}: {json.dumps({key: value for key, value in shape.items() if key != 'description'})}"


def test_the_language_is_the_one_that_houses_have_written_rules_in() -> None:
    """A key, a word or a bound that changes here makes rules unreadable that are in force somewhere."""
    found = [*lines("file", schema())]
    for name, table in sorted(schema()["definitions"].items()):  # type: ignore[attr-defined]
        found += lines(name, table)
    assert found == LANGUAGE.read_text("utf-8").splitlines()


@pytest.fixture(scope="module")
def judge() -> Judge:
    judge: Judge = fastjsonschema.compile(schema())
    return judge


def loaded(text: str) -> Any:
    """As an editor has it: a day is text."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [plain(inner) for inner in value]
        return value.isoformat() if isinstance(value, date) else value

    return plain(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text", [HEAD + WHOLE, *(path.read_text("utf-8") for path in sorted(TEMPLATES.glob("*/*.yaml")))]
)
def test_what_the_reader_takes_the_schema_takes(judge: Judge, text: str) -> None:
    judge(loaded(text))


@pytest.mark.parametrize(
    "text",
    [
        ROLES.replace("list", "lst"),
        ROLES.replace("own", "mine"),
        ROLES.replace("of: own", "of: own, from: 30"),
        ROLES.replace("of: own", "of: { tem: own }"),
        "people: { a@x.org: { role: [clerk] } }\n",
        "approvals: [{ act: [export], by: [clerk], within: 1w }]\n",
        "consent: { voice: needed }\n",
        REST.replace("keep", "keeps"),
        REST.replace("180d", "180"),
        REST.replace("}]", "}, { class: a, keep: 1y, any: [{ group: [a], team: [b] }] }]"),
        "tests: [{ expect: allowed }]\n",
        "tests: [{ expect: kept, what: { channel: [fax] } }]\n",
    ],
)
def test_what_the_schema_refuses_the_reader_refuses(judge: Judge, text: str) -> None:
    with pytest.raises(fastjsonschema.JsonSchemaException):
        judge(loaded(HEAD + text))
    assert wrong(text)
