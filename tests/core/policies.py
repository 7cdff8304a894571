"""Policies as their authors write them, for tests of the core: text in, policy or mistakes out."""

from __future__ import annotations

from textwrap import dedent, indent

from agent.core.language.policy import parse
from agent.core.model.rules import Policy
from agent.errors import PolicyError
from protocol.language.yaml_marks import read_marks

HEAD = "schema: 1\nrevision: 12\nname: Contact centre\n"
RULE = "rules:\n  - id: any\n    why: a reason\n    any:\n      - app: [any]\n"


def parsed(*texts: str) -> Policy:
    """The policy of files called a.yaml, b.yaml and so on; a text without its end mark gets one."""
    documents = []
    for letter, text in zip("abcdef", texts, strict=False):
        marked = read_marks(
            f"{letter}.yaml", (text if text.endswith("...\n") else text.rstrip("\n") + "\n...\n").encode()
        )
        assert marked.document is not None, marked.mistakes
        assert not marked.mistakes
        documents.append(marked.document)
    return parse(documents, "hash")


def mistakes(*texts: str) -> tuple[str, ...]:
    """What is wrong with the policy; empty when nothing is."""
    try:
        parsed(*texts)
    except PolicyError as error:
        return error.mistakes
    return ()


def policy(body: str) -> Policy:
    """A policy with a head of its own."""
    return parsed(HEAD + dedent(body).lstrip("\n"))


def rule(body: str) -> Policy:
    """A policy with one rule, `r`, of which the body is written without its id and reason."""
    return parsed(HEAD + "rules:\n  - id: r\n    why: a reason\n" + indent(dedent(body).lstrip("\n"), "    "))


def wrong_in_rule(body: str) -> tuple[str, ...]:
    """The mistakes of a rule, whose body begins in line 7, column 5."""
    try:
        rule(body)
    except PolicyError as error:
        return error.mistakes
    return ()


def case(text: str, *said: str) -> tuple[str, tuple[str, ...]]:
    return text, said
