"""Searches that people keep: a name, and what Find was asked. Each has their own, and both are sealed.

A search that is kept grants as little as its address: it is asked anew, by the rights of that moment.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import delete, func, insert, select

from review.cases.spans import LONGEST_TITLE
from review.people import schema
from review.people.service import People
from store.errors import Refusal

MOST: Final = 50  # of a person: a list that is still read
_FIELDS: Final = 20  # of an address; Find knows seven
_KEPT: Final = schema.searches.c


@dataclass(frozen=True, slots=True)
class Search:
    """`query`: as an address has it behind `/find?`."""

    id: str
    name: str
    query: str


class Searches:
    def __init__(self, people: People) -> None:
        self.people = people

    def of(self, person: str) -> list[Search]:
        """By name."""
        with self.people.database.reading() as connection:
            rows = connection.execute(select(schema.searches).where(_KEPT.person == person)).all()
        opened = ((row.id, self.people.sealer.open(_bound(row.id, person), row.text)) for row in rows)
        kept = (Search(id, said.text("name"), said.text("query")) for id, said in opened)  # noqa: A001
        return sorted(kept, key=lambda one: (one.name.casefold(), one.id))

    def keep(self, person: str, name: str, asked: Mapping[str, str]) -> str:
        """Its id. Refusals: 422 bad-title; 429 searches-full."""
        name, made = name.strip(), secrets.token_hex(8)
        if not 0 < len(name) <= LONGEST_TITLE or not name.isprintable():
            raise Refusal(422, "bad-title", f"a name has 1 to {LONGEST_TITLE} characters that can be printed")
        text = self.people.sealer.seal(_bound(made, person), {"name": name, "query": urlencode(asked)})
        with self.people.database.writing() as connection:
            count = connection.scalar(select(func.count()).where(_KEPT.person == person)) or 0
            if count >= MOST:
                raise Refusal(429, "searches-full", f"{MOST} searches are kept already: remove one")
            values = {"id": made, "person": person, "at": self.people.clock(), "text": text}
            connection.execute(insert(schema.searches).values(values))
        return made

    def remove(self, person: str, id: str) -> None:  # noqa: A002
        """One that is not there, or is another's, is removed already."""
        with self.people.database.writing() as connection:
            connection.execute(delete(schema.searches).where(_KEPT.id == id, _KEPT.person == person))


def asked_by(query: str) -> dict[str, str]:
    """What an address asks, by name; of a name that is there twice the last counts. Refusals: 400."""
    try:
        return dict(parse_qsl(query, max_num_fields=_FIELDS))
    except ValueError:
        raise Refusal(400, "bad-question", f"a search has {_FIELDS} parts at most") from None


def _bound(id: str, person: str) -> str:  # noqa: A002
    return f"search {id} of {person}"
