"""What changes from one pause policy to the next, for the people's side, in the words of `eyelid policy diff`.

The one place that knows the agent's core (docs/decisions/0074): a second wording would soon say something else.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.core.language.policy import parse
from agent.core.linting.diff import Change, changes
from agent.core.model.rules import Policy
from agent.errors import PolicyError
from protocol.language.errors import MistakesError
from protocol.language.folder import read_documents
from protocol.policyhash import policy_hash


def read(files: Mapping[str, bytes], shown_in: str) -> Policy:
    """Its own tests are not run. Raises MistakesError."""
    found = read_documents(files, shown_in)
    if found.mistakes:
        raise MistakesError(found.mistakes)
    try:
        return parse(found.documents, policy_hash(files))
    except PolicyError as error:
        raise MistakesError(error.mistakes) from None


__all__ = ["Change", "changes", "read"]
