"""Periodic reviews of a period: which months were due in it, and what people signed of them, by the logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from review.governance.model import Governance
from review.report.model import Model, ReviewRow
from review.reviews import DONE, due, months, named
from review.samples import Month

MOST_MONTHS = 1200  # of a review: a hundred years


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
    facts = said["facts"]
    if facts["step"] != "signed" or said["outcome"] != "success" or "state" not in facts:
        return
    name, month = str(said["resource"][0]), str(facts["month"])
    row = next((one for one in model.reviews if (one.review, one.month) == (name, month)), None)
    if row is None:
        if at < model.start:
            return
        row = ReviewRow(name, month, 0)
        model.reviews.append(row)
    if row.state == DONE and (facts["state"] != DONE or row.log == log):
        return  # done is done: signed once more, it is not done later
    if row.log == "custodian" and log != "custodian" and row.state == facts["state"]:
        return
    row.state, row.who, row.at, row.log, row.entry = str(facts["state"]), who, at, log, entry
    row.sums = {one: int(facts.get(one, 0)) for one in ("drawn", "fine", "finding", "escalated", "missing")}


def finish(model: Model, rules: Governance | None) -> None:
    """Once all logs are read."""
    for row in model.reviews:
        rule = named(rules, row.review) if rules is not None else None
        if not row.due and rule is not None:
            row.due = due(rule, Month.named(row.month))
        until = row.at if row.state == DONE else min(model.made, model.end)
        row.late = bool(row.due) and until >= row.due
    model.reviews.sort(key=lambda one: (one.month, one.review))
