"""Whose name it is, and what a sign-in leaves of what the signed rules give them; values only."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from protocol.language.characters import first_odd
from review.governance.model import Person

LONGEST: Final = 200  # characters, as in the audit log


def person_id(text: str) -> str:
    """The id as the rules compare it, in small letters. ValueError for a name that could be taken for another.

    A sign that becomes another one (the Kelvin sign is a k in small letters), or letters of two alphabets, would let
    one person sign in as another or look like them.
    """
    alphabets = {unicodedata.name(sign, "?").split(" ")[0] for sign in text if sign.isalpha()}
    if (
        not 0 < len(text) <= LONGEST
        or not text.isprintable()
        or " " in text
        or first_odd(text) is not None
        or unicodedata.normalize("NFKC", text) != text
        or unicodedata.normalize("NFKC", text.lower()) != text.lower()
        or len(text.lower()) != len(text)
        or len(alphabets) > 1
    ):
        raise ValueError("no name of a person")
    return text.lower()


@dataclass(frozen=True, slots=True)
class Narrowing:
    """These roles and teams at most; None takes nothing away."""

    roles: frozenset[str] | None = None
    teams: frozenset[str] | None = None


def narrowed(person: Person, *by: Narrowing) -> Person:
    """What is left when each of them is heard. It never gives what `person` has not: it only intersects."""
    roles = frozenset(grant.role for grant in person.grants)
    teams = frozenset[str]().union(*(grant.teams for grant in person.grants))
    for one in by:
        roles = roles if one.roles is None else roles & one.roles
        teams = teams if one.teams is None else teams & one.teams
    return person.narrowed(roles, teams)
