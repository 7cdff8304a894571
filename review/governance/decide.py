"""May this person do this: granted, or refused with every reason, each with the line that it comes from.

What no role allows is refused. Each role is judged by itself, and what is granted is what one single role grants:
two roles together never give what neither gives alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from review.governance.model import (
    OPENS,
    OVERVIEWS,
    PLAY_ORIGINAL,
    Act,
    ApprovalRule,
    Consent,
    Decision,
    Governance,
    Grant,
    Person,
    Question,
    Reason,
    Recording,
    Rendition,
    Role,
)
from review.governance.retention import disposal
from review.governance.times import DAY, FOR_EVER, SECOND, day_of


def decide(governance: Governance, question: Question) -> Decision:
    """The answer holds for these facts alone, and until its `until`."""
    against = [*_unknown(governance, question), *_forbidden(governance, question)]
    if against:
        return Decision(False, tuple(against))
    judged = [_judge(governance, question, grant, governance.roles[grant.role]) for grant in question.person.grants]
    granted = [one for one in judged if one.granted]
    if granted:
        return max(granted, key=lambda one: (one.until, one.role))
    if not judged:
        return Decision(False, (Reason(f"{question.person.id or 'this person'} has no role", governance.where),))
    # What nearly allows it says more than what has nothing to do with it.
    nearest = min(sum(not reason.missing for reason in one.reasons) for one in judged)
    near = [one for one in judged if sum(not reason.missing for reason in one.reasons) == nearest]
    return Decision(False, tuple(dict.fromkeys(reason for one in near for reason in one.reasons)))


# -- what speaks against it for every role ---------------------------------------------------------------------------


def _unknown(governance: Governance, question: Question) -> Iterator[Reason]:
    """What these rules do not know is refused: it was said by other rules than those in force."""
    of_person = {grant.role for grant in question.person.grants}
    teams = {team for grant in question.person.grants for team in grant.teams}
    if question.recording is not None:
        teams |= question.recording.teams
    for role in sorted(of_person - governance.roles.keys()):
        yield Reason(f"no role is called {role}{_close(role, governance.roles)}", governance.where)
    for team in sorted(teams - governance.teams.keys()):
        yield Reason(f"no team is called {team}{_close(team, governance.teams)}", governance.where)
    if question.purpose and question.purpose not in governance.purposes:
        close = _close(question.purpose, governance.purposes)
        yield Reason(f"no role has a purpose {question.purpose}{close}", governance.where)
    if question.now < governance.signed:
        yield Reason(
            f"the clock says {day_of(question.now)}, and these rules were signed on {day_of(governance.signed)}: "
            "set it right",
            governance.where,
        )


def _close(word: str, known: Collection[str]) -> str:
    close = next(iter(get_close_matches(word, sorted(known))), None)
    return f", did you mean {close}?" if close else ""


def _forbidden(governance: Governance, question: Question) -> Iterator[Reason]:
    recording = question.recording
    if recording is None:
        if question.act not in OVERVIEWS:
            yield Reason(f"to {question.act}, a recording must be named", governance.where)
        return
    if question.act in OPENS:
        for channel, consent in sorted(recording.consent.items()):
            line = governance.consent.required.get(channel, "")
            if consent is Consent.WITHDRAWN:
                yield Reason(f"the consent to the {channel} was withdrawn", line or governance.where)
            elif line and consent is not Consent.GIVEN:
                yield Reason(f"there is no consent to the {channel}, and these rules require it", line)
    if question.act is Act.ANALYSE and not any(_makes(role, question) for role in governance.roles.values()):
        made = question.kind or "anything"
        yield Reason(f"no line of the signed rules lets {made} be made of recordings", governance.where)
    if question.act is Act.ERASE:
        yield from _kept(governance, recording, question.now)


def _makes(role: Role, question: Question) -> bool:
    return Act.ANALYSE in role.may and (question.kind in role.analyses if question.kind else bool(role.analyses))


def _kept(governance: Governance, recording: Recording, now: int) -> Iterator[Reason]:
    kept = disposal(governance, recording, now)
    if recording.held:
        yield Reason("a legal hold keeps it, and wins over every erasure", governance.where)
    elif now < kept.retention.minimum_ends and kept.retention.minimum_of is not None:
        one = kept.retention.minimum_of
        until = day_of(kept.retention.minimum_ends)
        yield Reason(f"the legal minimum of class {one.name} keeps it until {until} ({one.why})", one.where)


# -- one role -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Judged:
    """`until` only ever falls."""

    reasons: list[Reason]
    until: int = FOR_EVER

    def against(self, says: str, where: str, *, missing: bool = False) -> None:
        self.reasons.append(Reason(says, where, missing))

    def ends(self, at: int) -> None:
        self.until = min(self.until, at)


def _judge(governance: Governance, question: Question, grant: Grant, role: Role) -> Decision:
    judged = _Judged([])
    if question.act not in role.may:
        judged.against(f"role {role.name} may not {question.act}", role.where)
    elif question.act is Act.ANALYSE and not _makes(role, question):
        judged.against(f"role {role.name} names no {question.kind or 'kind'} in analyses", role.where)
    _check_validity(judged, question, grant, role)
    _check_reach(judged, question, grant, role)
    _check_purpose(judged, question, role)
    rendition = _rendition(judged, question, role) if question.act in OPENS else None
    possible = all(reason.missing for reason in judged.reasons)
    for rule in governance.approvals if possible else ():  # no approval helps where the role refuses
        if question.act in rule.acts or (
            PLAY_ORIGINAL in rule.acts and question.act is Act.PLAY and rendition is Rendition.ORIGINAL
        ):
            _check_approvals(governance, judged, question, rule)
    if judged.reasons:
        return Decision(False, tuple(judged.reasons), role.name)
    by = Reason(f"role {role.name} may {question.act}", role.where)
    holds = Reason(f"{question.person.id or 'this person'} has role {role.name}", grant.where)
    return Decision(True, (by, holds), role.name, judged.until, rendition)


def _check_validity(judged: _Judged, question: Question, grant: Grant, role: Role) -> None:
    if question.now < grant.since:
        judged.against(f"role {role.name} was given only from {day_of(grant.since)} on", grant.where)
    for end, where in ((grant.until, grant.where), (role.until, role.where)):
        if question.now >= end:
            judged.against(f"role {role.name} ended with {day_of(end - DAY)}", where)
        judged.ends(end)


def _check_reach(judged: _Judged, question: Question, grant: Grant, role: Role) -> None:
    recording = question.recording
    if recording is None:
        if not role.of.everything:
            judged.against(f"role {role.name} covers single recordings, and this is about all of them", role.where)
        return
    own = role.of.own and recording.person != "" and recording.person == question.person.id
    teams = role.of.teams | (grant.teams if role.of.own_teams else frozenset())
    if not (role.of.everything or own or teams & recording.teams):
        whose = f"of team {' and '.join(sorted(recording.teams))}" if recording.teams else "of no team"
        other = ", and not one's own" if role.of.own else ""
        judged.against(f"role {role.name} does not cover this recording, which is {whose}{other}", role.where)
    if role.oldest is not None:
        ends = role.oldest.after(recording.start)
        if question.now >= ends:
            judged.against(f"it is older than role {role.name} reaches back", role.where)
        judged.ends(ends)
    if role.since_grant and recording.start < grant.since:
        judged.against(f"it is from before role {role.name} was given, on {day_of(grant.since)}", grant.where)


def _check_purpose(judged: _Judged, question: Question, role: Role) -> None:
    if question.act in OVERVIEWS:
        return
    if not question.purpose:
        if role.purposes:
            named = " or ".join(sorted(role.purposes))
            judged.against(f"a purpose must be named: {named}", role.where, missing=True)
        return
    if question.purpose not in role.purposes:
        judged.against(f"role {role.name} does not have the purpose {question.purpose}", role.where)
    sample = role.sample.get(question.purpose)
    drawn = question.recording.drawn if question.recording is not None else frozenset()
    if sample is not None and question.purpose not in drawn:
        judged.against(
            f"for {question.purpose} only what was drawn is opened, and this recording was not",
            sample.where,
            missing=True,
        )


def _rendition(judged: _Judged, question: Question, role: Role) -> Rendition:
    """What the role would release for what was asked."""
    redacted = question.recording is not None and question.recording.has_redacted
    if question.rendition is Rendition.ORIGINAL or question.act is Act.ANALYSE:
        if role.rendition is not Rendition.ORIGINAL:
            judged.against(f"role {role.name} sees the redacted rendition alone", role.where)
        return Rendition.ORIGINAL
    if redacted:
        return Rendition.REDACTED
    if role.otherwise_original:
        return Rendition.ORIGINAL
    judged.against(
        "there is no redacted rendition yet, so that account and metadata alone are shown",
        role.where,
        missing=True,
    )
    return Rendition.REDACTED


# -- approvals --------------------------------------------------------------------------------------------------------


def _check_approvals(governance: Governance, judged: _Judged, question: Question, rule: ApprovalRule) -> None:
    asked = question.asked
    hours = f"within {_spoken(rule.within)}"
    if asked is None or asked > question.now:
        names = " and ".join(rule.by) if rule.need == len(rule.by) else f"{rule.need} of {', '.join(rule.by)}"
        judged.against(f"approval by {names} is needed, {hours} of a request", rule.where, missing=True)
        return
    opens = asked + rule.delay
    closes = opens + rule.within
    if question.now >= closes:
        judged.against("the time of the request is over, file a new one", rule.where, missing=True)
        return
    judged.ends(closes)
    lacking, roles = lacks(governance, question, asked, rule)
    if lacking > 0:
        by = " or ".join(dict.fromkeys(roles))
        more = f"{lacking} more approval{'s' if lacking > 1 else ''} by {by}"
        left = asked + rule.within - question.now
        when = f"within {_spoken(left)}" if left > 0 else f"{hours} of a new request, as the time is over"
        judged.against(f"{more} {'are' if lacking > 1 else 'is'} missing, {when}", rule.where, missing=True)
    if question.now < opens:
        wait = _spoken(opens - question.now)
        judged.against(f"the delay after the request is not over: {wait} are left", rule.where, missing=True)


def lacks(governance: Governance, question: Question, asked: int, rule: ApprovalRule) -> tuple[int, list[str]]:
    """How many approvals are missing (none: 0 or less), and by which roles one would count.

    `asked`: when the request was filed, ns.
    """
    counted: dict[str, frozenset[str]] = {}
    for approval in question.approvals:
        id, at = approval.person.id, approval.at  # noqa: A001 - what it is
        if id != question.person.id and asked <= at <= question.now and at < asked + rule.within:
            counted[id] = counted.get(id, frozenset()) | _roles_of(governance, approval.person, at)
    still_open = open_seats(rule.by, counted)
    return rule.need - (len(rule.by) - len(still_open)), still_open


def _roles_of(governance: Governance, person: Person, at: int) -> frozenset[str]:
    """The roles by which they can approve at this time."""
    return frozenset(
        grant.role
        for grant in person.grants
        if grant.role in governance.roles and grant.since <= at < min(grant.until, governance.roles[grant.role].until)
    )


def open_seats(seats: tuple[str, ...], approvers: dict[str, frozenset[str]]) -> list[str]:
    """The roles in `seats` that no approval fills, when as many as possible are filled, by one person each.

    Augmenting paths (Kuhn): a seat may take the place of one whose holder can sit elsewhere.
    """
    taken: dict[str, int] = {}

    def seat(number: int, tried: set[str]) -> bool:
        for person in sorted(approvers):
            if seats[number] in approvers[person] and person not in tried:
                tried.add(person)
                if person not in taken or seat(taken[person], tried):
                    taken[person] = number
                    return True
        return False

    for number in range(len(seats)):
        seat(number, set())
    filled = set(taken.values())
    return [role for number, role in enumerate(seats) if number not in filled]


def _spoken(ns: int) -> str:
    hours, minutes = divmod(-(-ns // (60 * SECOND)), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
