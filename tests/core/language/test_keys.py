"""The schema that editors complete from: committed as it is generated, and of one mind with the parser."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
import yaml

from agent.core.language.keys import CONDITION, EXPECT, LANE, POLICY, RECORD_WHEN, RULE, TEST, USER_HOLD, schema
from tests.core.language.test_policy import WHOLE
from tests.core.policies import HEAD, mistakes
from tests.core.policies import RULE as A_RULE

ROOT = Path(__file__).resolve().parents[3]
Judge = Callable[[Any], Any]


@pytest.fixture(scope="module")
def judge() -> Judge:
    judge: Judge = fastjsonschema.compile(schema())
    return judge


def test_the_committed_schema_is_current() -> None:
    committed = (ROOT / "policies" / "schema.json").read_text("utf-8")
    assert committed == json.dumps(schema(), indent=2) + "\n", "eyelid policy schema writes it anew"


@pytest.mark.parametrize("text", [WHOLE, *(path.read_text("utf-8") for path in (ROOT / "policies").rglob("*.yaml"))])
def test_what_the_parser_takes_the_schema_takes(judge: Judge, text: str) -> None:
    judge(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        HEAD + A_RULE + "rulez: 1\n",
        HEAD + A_RULE + "unlisted: closed\n",
        HEAD + "rules: []\n",
        HEAD + A_RULE.replace("    why: a reason\n", ""),
        HEAD + A_RULE.replace("app", "ap"),
        HEAD + A_RULE.replace("[any]", "any"),
        HEAD + A_RULE.replace("[any]", "[]"),
        HEAD + A_RULE.replace("[any]", '[""]'),
        HEAD + A_RULE + "    audio: off\n",
        HEAD + A_RULE + "    audio: { pause: now }\n",
        HEAD + A_RULE + "    stay_closed: 2\n",
        HEAD + A_RULE + "      - { app: [x], title: [y] }\n",
        HEAD + A_RULE + "      - field: [cc-cvc]\n",
        HEAD + A_RULE.replace("id: any", "id: Any"),
        HEAD.replace("12", "0") + A_RULE,
        HEAD.replace("schema: 1", "schema: 2") + A_RULE,
        HEAD + A_RULE + "tests: [{ name: n, app: a, expect: {} }]\n",
        HEAD + A_RULE + "allow_extensions: []\n",
        HEAD + A_RULE + "allow_extensions: [uBlock Origin]\n",
        HEAD + A_RULE + "allow_extensions: [cjpalhdlnbpafiamejdnhcphjbkeiag]\n",
        HEAD + A_RULE + "user_hold: no\n",
        HEAD + A_RULE + "user_hold: { allow: 1 }\n",
        HEAD + A_RULE + "user_hold: { max: 10 }\n",
        HEAD + A_RULE + "user_hold: { reasons: [] }\n",
        HEAD + A_RULE + "user_hold: { reasons: [0123456789012345678901234567890123456789x] }\n",
    ],
)
def test_what_an_editor_marks_the_parser_refuses(judge: Judge, text: str) -> None:
    with pytest.raises(fastjsonschema.JsonSchemaException):
        judge(yaml.safe_load(text))
    assert mistakes(text)


def test_the_guide_explains_every_key() -> None:
    guide = (ROOT / "docs" / "policy-guide.md").read_text("utf-8")
    keys = {key for keys in (POLICY, RULE, LANE, RECORD_WHEN, CONDITION, TEST, EXPECT, USER_HOLD) for key in keys}
    assert [key for key in sorted(keys) if f"`{key}" not in guide] == []
