"""Periodic reviews of a period: which months were due in it, and what people signed of them, by the logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from review.governance.model import Governance
from review.report.model import Model, ReviewRow
from review.reviews import DONE, STATES, due, months, named, sums
from review.samples import Month

CUSTODIAN: Final = "custodian"  # as its log is called
MOST_MONTHS: Final = 1200  # of a review: a hundred years


def demand(model: Model, rules: Governance) -> None:
    """A row for each month that is due in the period."""
    for rule in rules.reviews:
        for month in months(rule, model.end, MOST_MONTHS):
            if model.start < due(rule, month) <= model.end:
                model.reviews.append(ReviewRow(rule.name, month.name, due(rule, month)))


def begins(model: Model) -> int:
    """From when on a log can tell of them; ns."""
    return min([model.start, *(Month.named(one.month).end for one in model.reviews)])


def signed(model: Model, log: str, entry: int, at: int, who: str, said: Mapping[str, Any]) -> None:  # noqa: PLR0917
    """`said`: a body. What is signed of another month than those that are due counts where it was signed in the
    period. Of what both logs have, the custodian's counts: it has checked the signature.
    """
    if said["outcome"] != "success" or (read := _read(said)) is None:
        return
    name, month, state, counts = read
    row = next((one for one in model.reviews if (one.review, one.month) == (name, month)), None)
    if row is None:
        if at < model.start:
            return
        row = ReviewRow(name, month, 0)
        model.reviews.append(row)
    # Of several that are done the first counts: who signs again later makes no month late.
    known, new = (row.log == CUSTODIAN, row.state == DONE), (log == CUSTODIAN, state == DONE)
    if row.state and (new < known or (new == known and state == DONE)):
        return
    row.state, row.who, row.at, row.log, row.entry, row.sums = state, who, at, log, entry, counts


def _read(said: Mapping[str, Any]) -> tuple[str, str, str, dict[str, int]] | None:
    """Review, month, state and sums; None for another step, and for what no console or custodian writes."""
    facts = said["facts"]
    try:
        if facts["step"] != "signed" or facts["state"] not in STATES:
            return None
        counts = {one: int(facts.get(one, 0)) for one in sums({})}
        return str(said["resource"][0]), Month.named(str(facts["month"])).name, str(facts["state"]), counts
    except (LookupError, TypeError, ValueError):
        return None


def finish(model: Model, rules: Governance | None) -> None:
    """Once all logs are read. Where the custodian's was, what the console's alone says is signed is not."""
    if any(one.log == CUSTODIAN and not one.why_not for one in model.logs):
        for row in model.reviews:
            if row.log != CUSTODIAN:
                row.state, row.who, row.at, row.log, row.entry, row.sums = "", "", 0, "", 0, {}
        model.reviews = [row for row in model.reviews if row.due or row.log]
    for row in model.reviews:
        rule = named(rules, row.review) if rules is not None else None
        if not row.due and rule is not None:
            row.due = due(rule, Month.named(row.month))
        until = row.at if row.state == DONE else min(model.made, model.end)
        row.late = bool(row.due) and until >= row.due
    model.reviews.sort(key=lambda one: (one.month, one.review))
