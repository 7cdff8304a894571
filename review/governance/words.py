"""Governance in words that a lawyer can read: periods, reach, and what a decision means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from review.governance.model import Act, Decision, Governance, Question, Reach, Reason, Rendition, Review
from review.governance.retention import Because, Disposal, disposal
from review.governance.times import DAY, FOR_EVER, HOUR, NONE, SECOND, Period, day_of

SPOKEN_ACT = {
    Act.LIST: "list",
    Act.PLAY: "play",
    Act.COMMENT: "comment on",
    Act.EXPORT: "export",
    Act.ANALYSE: "analyse",
    Act.REQUEST_LEGAL_HOLD: "ask for a legal hold on",
    Act.LEGAL_HOLD: "put a legal hold on",
    Act.RELEASE_HOLD: "take the legal hold off",
    Act.ERASE_REQUEST: "ask for the erasure of",
    Act.ERASE: "erase",
    Act.SUBJECT_ACCESS: "answer a request for access with",
    Act.READ_AUDIT: "read the audit log about",
    Act.SEE_ACCESS: "see who opened",
    Act.CONSENT: "sign the consent to",
    Act.SEE_FLEET: "see the computers of",
}


GOES = "it is to be deleted now"


@dataclass(frozen=True, slots=True)
class Explained:
    """`answer` in one sentence, why, what is missing, and how long the recording is kept; each with its line."""

    answer: str
    why: tuple[Reason, ...]
    missing: tuple[Reason, ...]
    kept: tuple[Reason, ...]


def explained(governance: Governance, question: Question, decision: Decision) -> Explained:
    who = question.person.id or "this person"
    thing = "this recording" if question.recording is not None else "recordings"
    act = f"{SPOKEN_ACT[question.act]} {thing}"
    purpose = f" for the purpose {question.purpose}" if question.purpose else ""
    if not decision.granted:
        others = sorted(name for name, role in governance.roles.items() if question.act in role.may)
        held = {grant.role for grant in question.person.grants}
        why = [reason for reason in decision.reasons if not reason.missing]
        if why and (able := [name for name in others if name not in held]):
            why.append(Reason(f"roles that may {question.act}: {listed(able)}", governance.where))
        answer = f"{who} may not {act}{purpose}{' yet' if not why else ''}."
        return Explained(answer, tuple(why), decision.missing, _kept(governance, question))
    until = "without an end" if decision.until >= FOR_EVER else f"until {moment(decision.until)}"
    shown = f" What is released is the {decision.rendition} rendition." if decision.rendition else ""
    answer = f"{who} may {act}{purpose} as {decision.role}, {until}.{shown}"
    demanded = (Reason(review_in_words(one), one.where) for one in governance.reviews if one.name == question.purpose)
    return Explained(answer, (*decision.reasons, *demanded), (), _kept(governance, question))


def review_in_words(one: Review) -> str:
    within = f"within {one.within // DAY} days of its end, from {day_of(one.since)} on"
    return f"{one.by} reviews what is drawn for {one.name} of each month {within} ({one.why})"


def _kept(governance: Governance, question: Question) -> tuple[Reason, ...]:
    if question.recording is None or not governance.retention:
        return ()
    return tuple(disposal_in_words(disposal(governance, question.recording, question.now)))


def disposal_in_words(found: Disposal) -> list[Reason]:
    """When it is deleted and why, each with the line of its class."""
    keeps, minimum_of = found.retention.keeps, found.retention.minimum_of
    why = f" ({keeps.why})" if keeps.why else ""
    says = [Reason(f"class {keeps.name} keeps it until {day_of(found.retention.ends)}{why}", keeps.where)]
    if minimum_of is not None:
        until = day_of(found.retention.minimum_ends)
        worm = ", unchanged" if minimum_of.worm else ""
        says.append(
            Reason(
                f"it cannot be erased before {until}{worm}: class {minimum_of.name} ({minimum_of.why})",
                minimum_of.where,
            )
        )
    if found.retention.waits_for_analysis:
        says.append(Reason("it was not analysed, and so it is kept as long as any category could ask for", keeps.where))
    if found.because is Because.HOLD:
        says.append(Reason("a legal hold keeps it as long as the hold is there"))
    elif found.because is Because.ERASURE:
        says.append(Reason(f"an erasure was asked for, and nothing stands against it: {GOES}"))
    elif found.deletes:
        says.append(Reason(f"its period is over: {GOES}"))
    return says


def moment(at: int) -> str:
    minutes = at % DAY // (60 * SECOND)
    return f"{day_of(at)} {minutes // 60:02}:{minutes % 60:02} UTC"


def listed(words: Iterable[str]) -> str:
    *most, last = sorted(words)
    return f"{', '.join(most)} and {last}" if most else last


def period_in_words(period: Period) -> str:
    if period == NONE:
        return "nothing"
    number, unit = (period.years, "year") if period.years else (period.ns // DAY, "day")
    return f"{number} {unit}{'s' if number != 1 else ''}"


def wait_in_words(ns: int) -> str:
    return f"{ns // HOUR} h" if ns % HOUR == 0 else f"{ns // (60 * SECOND)} min"


def reach_in_words(reach: Reach) -> str:
    if reach.everything:
        return "all recordings"
    parts = ["one's own"] if reach.own else []
    parts += ["those of one's own teams"] if reach.own_teams else []
    parts += [f"those of team {listed(reach.teams)}"] if reach.teams else []
    return " and ".join(parts) or "no recordings"


def sees(rendition: Rendition, otherwise_original: bool) -> str:
    if rendition is Rendition.ORIGINAL:
        return "the original"
    return f"the redacted rendition{', or the original until there is one' if otherwise_original else ''}"
