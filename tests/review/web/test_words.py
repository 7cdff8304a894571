"""Every text of the pages is in German, and the table has none that no page says; numbers and times in both."""

from __future__ import annotations

import ast
import re
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from jinja2.ext import extract_from_ast

from review.governance.model import Act
from review.languages import local
from review.people.states import Use
from review.report import words as report_words
from review.search.schema import LENGTHS
from review.web import cased, fleet, governed, pc_lists, policy_tried, privacies, requested, reviewed, waiting, words
from review.web.access import DID
from review.web.asked import LENGTHS as LABELS
from review.web.fleet import LEVELS
from review.web.lines import HELD
from review.web.pages import TEMPLATES
from review.web.recording import ACTS
from review.web.routes import BY, DIRECTIONS, KINDS
from review.web.words import GERMAN, TABLES, Words, chosen
from store.evidence.rules import OWN

WEB = Path(words.__file__).parent
METHODS = ("passkey", "password", "link", "oidc")
UNREAD = "no text of this policy is here that can be read"  # as store.evidence.rules says it
STATES = ("goes on", "broken off", "cannot be read", "ended")


def said() -> set[str]:
    """What templates and code give to `_` and to `words`, and what is shown of tables."""
    found: set[str] = set()
    for path in (WEB / "templates").glob("*.html"):
        for _, _, message in extract_from_ast(TEMPLATES.parse(path.read_text("utf-8")), ("_",)):
            found |= {message} if isinstance(message, str) else {one for one in message or () if one}
    for path in WEB.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"words", "spoken"}:
                found |= {one.value for one in node.args if isinstance(one, ast.Constant)}
    shown = (DID, BY, DIRECTIONS, cased.STATES, cased.STEPS, requested.SUBJECTS, requested.ASKING,
             requested.STATES, requested.STEPS, waiting.ACTS, ACTS, LEVELS, reviewed.CALLED, reviewed.SIGNED,
             cased.ONLY, privacies.KINDS, privacies.STATES, privacies.OUTCOMES, privacies.GROUNDS, privacies.LANES,
             pc_lists.STATES, pc_lists.KINDS, pc_lists.USES, fleet.CHANGES,
             governed.DAYS, governed.RENDITIONS, governed.WEIGHTS, governed.JOB_KINDS, policy_tried.KINDS,
             policy_tried.BECOMES, policy_tried.SUMS, policy_tried.LANES,
             {code: says for code, (_, says) in policy_tried.WRONG.items()})  # fmt: skip
    tables = (*KINDS, *(one for table in (*shown, KINDS) for one in table.values()))
    tables += (
        "Audit log",
        "Cases",
        "Computers",
        "What changed",
        "Privacy",
        "My recordings",
        "My sessions",
        "Recordings",
        "Report",
        "Requests",
        "Retention",
        "Reviews",
        "Rules",
        "success",
        "failure",
        "yes",
        "not yet",
        "no",
        *METHODS,
        *STATES,
        *LABELS,
    )
    return found | {str(one) for one in (*tables, *OWN.values(), *HELD.values())}


def test_every_text_is_in_german_and_none_too_many() -> None:
    spoken = said()
    assert len(spoken) > 100
    assert sorted(spoken - GERMAN.keys()) == []
    assert sorted(GERMAN.keys() - spoken - {UNREAD}) == []


def test_no_text_stands_in_two_tables() -> None:
    """The one that is read last would be shown where the other was meant."""
    counts = Counter(english for table in TABLES for english in table)
    assert [english for english, number in counts.items() if number > 1] == []
    for path in WEB.glob("words*.py"):
        keys = [key.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Dict)
                for key in node.keys if isinstance(key, ast.Constant)]  # fmt: skip
        assert [one for one, number in Counter(keys).items() if number > 1 and one not in words.LANGUAGES] == []


@pytest.mark.parametrize(
    ("english", "german", "never"),
    [("approv", "zu(ge)?stimm", "freig[ae]b|freigegeb|genehmig"), ("chunk", "bl[oö]ck", ""),
     ("ledger", "journal", "protokoll des computers")],
)  # fmt: skip
def test_one_thing_has_one_german_word(english: str, german: str, never: str) -> None:
    for text, said in (GERMAN | report_words.GERMAN).items():
        if english in text.lower() and "`" not in text:
            assert re.search(german, said.lower()), (text, said)
        if never and "releas" not in text:  # what the custodian releases is another thing
            assert not re.search(never, said.lower()), (text, said)


@pytest.mark.parametrize("english", GERMAN)
def test_both_name_the_same_values(english: str) -> None:
    assert sorted(re.findall(r"\{\w*\}", english)) == sorted(re.findall(r"\{\w*\}", GERMAN[english]))


def test_the_lengths_have_each_a_label() -> None:
    assert len(LABELS) == len(LENGTHS)
    assert set(ACTS) <= set(Act)
    assert Use.CONSOLE


@pytest.mark.parametrize(
    ("kept", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "de", "de"),
        ("", "fr-FR,de;q=0.3,en;q=0.8", "en"),
        ("", "de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en", "de", "en"),
        ("xx", "de", "de"),
        ("", "de;q=x, " * 1000, "en"),
        ("", "\x00,;;==", "en"),
    ],
)
def test_the_language_is_the_persons_choice_or_the_browsers(kept: str, accepted: str, language: str) -> None:
    assert chosen(kept, accepted) == language


def test_times_and_numbers() -> None:
    at = int(datetime(2026, 11, 29, 15, 4, 5).astimezone().timestamp()) * 10**9
    assert Words("en").moment(at) == "Sunday, 29 Nov 2026, 15:04:05"
    assert Words("de").moment(at) == "Sonntag, 29.11.2026, 15:04:05"
    assert (Words("en").number(10_000), Words("de").number(10_000)) == ("10,000", "10.000")
    assert words.lasting(3_723 * 10**9) == "1:02:03"
    assert words.exactly(61_250_000_000) == "1:01.2"
    assert words.start_of(date(2026, 11, 29)) <= at
    assert local(2**63 - 1).tzinfo is not None
    assert local(-(2**63)) < datetime(1970, 1, 2, tzinfo=UTC)
