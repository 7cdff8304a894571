"""Marked files -> Governance, or MistakesError with every mistake at once.

Nothing is guessed: a role, team, purpose or act that is not there is refused at its place, with what was probably
meant. A mistake that passed here would open recordings, or delete them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from protocol.language.errors import MistakesError
from protocol.language.marks import Mark, MarkedDocument, Node, Scalar
from protocol.language.reading import Entries, Reading, quoted
from protocol.notice import mistake_in
from review.governance.examples import read_test
from review.governance.keys import (
    ANALYSES,
    APPROVAL,
    APPROVED,
    CLASS,
    CONDITION,
    CONSENT,
    FACTS,
    NAME,
    OF,
    OS_USER,
    REVIEW,
)
from review.governance.model import (
    NO_CONSENTS,
    Act,
    AllOf,
    ApprovalRule,
    Channel,
    Condition,
    Consents,
    Fact,
    Governance,
    Kind,
    Length,
    PersonRule,
    Reach,
    Rendition,
    RetentionClass,
    Review,
    Role,
    Sample,
    Team,
    UserRule,
)
from review.governance.reading import (
    Files,
    check_plain,
    choices_of,
    lower,
    meant,
    names_in,
    read_period,
    read_since,
    read_until,
    read_wait,
    read_words,
    wait_of,
    word_set,
)
from review.governance.times import DAY, FOR_EVER, HOUR, NONE, Period

SOONEST_REVIEW: Final = 5 * DAY
LATEST_REVIEW: Final = 92 * DAY


def parse(documents: Sequence[MarkedDocument], rules_hash: str, *, whole: bool) -> Governance:
    """`whole`: False where further files cannot be read as YAML; what comes out is then nothing to decide by.

    Raises MistakesError with every mistake, each as `file:line:column what is wrong, what was meant`.
    """
    if not documents:
        raise MistakesError(("there is no governance file, write one or more whose names end in .yaml",))
    files = Files(documents, whole=whole)
    roles = {name: read_role(files, name, *entry) for name, entry in files.roles.items()}
    governance = Governance(
        hash=rules_hash,
        revision=files.one("revision", Reading.whole_number, 1, required=True),
        name=files.one("name", Reading.text, "", required=True),
        roles=roles,
        teams={name: _read_team(files.reading, *entry) for name, entry in files.teams.items()},
        people=tuple(_read_person(files, roles, name, *entry) for name, entry in files.people.items()),
        users=tuple(_read_user(files.reading, entry) for entry in files.all("os_users")),
        approvals=tuple(_read_approval(files, entry) for entry in files.all("approvals")),
        retention=_read_retention(files),
        consent=files.one("consent", _read_consent, NO_CONSENTS),
        reviews=_read_reviews(files, roles),
        notice=files.one("notice", _read_notice, ""),
        where=str(files.place("revision")),
    )
    governance = replace(governance, tests=tuple(read_test(files, governance, entry) for entry in files.all("tests")))
    if files.whole and not files.has("roles"):
        files.reading.wrong(files.place("roles"), "no file has roles, so that everything is refused, add roles:")
    mistakes = sorted(files.reading.mistakes)
    if mistakes:
        raise MistakesError(tuple(f"{mark} {mistake}" for mark, mistake in mistakes))
    return governance


# -- roles ----------------------------------------------------------------------------------------------------------


def read_role(files: Files, name: str, mark: Mark, table: Entries) -> Role:
    reading = files.reading
    oldest = reading.value(table, "from", _read_from, None)
    purposes = word_set(reading, table, "purposes")
    for word in sorted(purposes):
        if not re.fullmatch(NAME, word):
            reading.wrong(
                table["purposes"][0],
                f"a purpose cannot be {quoted(word)}, write small letters, digits and single hyphens",
            )
    rendition = reading.value(table, "rendition", _read_rendition, Rendition.REDACTED)
    if rendition is Rendition.ORIGINAL and "otherwise" in table:
        reading.wrong(table["otherwise"][0], "otherwise says nothing beside rendition: original, leave one of them out")
    may = choices_of(reading, table["may"][1], "may", list(Act)) if "may" in table else ()
    return Role(
        name=name,
        may=frozenset(map(Act, may)),
        of=_read_reach(files, table["of"][1]) if "of" in table else Reach(),
        where=str(mark),
        oldest=oldest,
        since_grant="from" in table,
        until=reading.value(table, "until", read_until, FOR_EVER),
        rendition=rendition,
        otherwise_original=reading.value(table, "otherwise", _read_otherwise, False),
        purposes=purposes,
        sample=_read_sample(reading, table["sample"][1], purposes) if "sample" in table else {},
        analyses=_read_analyses(reading, table, may, rendition) if "analyses" in table else {},
    )


def _read_from(reading: Reading, node: Node, name: str) -> Period | None:
    is_grant = isinstance(node, Scalar) and node.text == "grant"
    return None if is_grant else read_period(reading, node, name)


def _read_rendition(reading: Reading, node: Node, name: str) -> Rendition:
    return Rendition(reading.choice(node, name, list(Rendition)))


def _read_otherwise(reading: Reading, node: Node, name: str) -> bool:
    return reading.choice(node, name, ("nothing", "original")) == "original"


def _read_reach(files: Files, node: Node) -> Reach:
    if isinstance(node, Scalar):
        scope = files.reading.choice(node, "of", ("own", "all", "{ team: … }"))
        return Reach(everything=scope == "all", own=scope == "own")
    table = files.reading.table(node, OF, "of")
    words = read_words(files.reading, table["team"][1], "team") if "team" in table else ()
    named = [word for word in words if word.text != "own"]
    for word in named:
        files.known(word, "team", [*files.teams, "own"])
    return Reach(own_teams=len(named) < len(words), teams=frozenset(word.text for word in named))


def _read_sample(reading: Reading, node: Node, purposes: frozenset[str]) -> Mapping[str, Sample]:
    samples = {}
    for purpose, value in names_in(reading, node, "sample"):
        if purpose.text not in purposes:
            reading.wrong(
                purpose.mark,
                f"{quoted(purpose.text)} is not one of the role's purposes, "
                + (
                    "a sample is always drawn, leave it out"
                    if purpose.text == "drawn"
                    else meant(purpose.text, purposes)
                ),
            )
            continue
        text = reading.text(value, purpose.text)
        written = re.fullmatch(r"([1-9][0-9]{0,3}) per agent per month(, drawn)?", text)
        if written is None:
            reading.wrong(value.mark, f"a sample cannot be {quoted(text)}, write for example 4 per agent per month")
        samples[purpose.text] = Sample(int(written[1]) if written else 1, str(purpose.mark))
    return samples


def _read_analyses(reading: Reading, table: Entries, may: Collection[str], sees: Rendition) -> Mapping[Kind, int]:
    """By kind: of how many recordings an hour."""
    mark, node = table["analyses"]
    if Act.ANALYSE not in may:
        reading.wrong(mark, "analyses says nothing without the act analyse, add it to may:")
    if sees is not Rendition.ORIGINAL:
        reading.wrong(mark, "only the original can be analysed, add rendition: original")
    if "purposes" in table:
        reading.wrong(table["purposes"][0], "a worker names no purpose, leave purposes out of a role with analyses")
    rates = {}
    for name, (_, value) in reading.table(node, ANALYSES, "analyses").items():
        text = reading.text(value, name)
        written = re.fullmatch(r"([1-9][0-9]{0,5}) per hour", text)
        if written is None:
            reading.wrong(value.mark, f"{name} cannot be {quoted(text)}, write for example 60 per hour")
        rates[Kind(name)] = int(written[1]) if written else 1
    return rates


# -- people and teams -----------------------------------------------------------------------------------------------


def _read_team(reading: Reading, mark: Mark, table: Entries) -> Team:
    if not table:
        reading.wrong(mark, "this team is empty, add groups: or users: with a list")
    users = frozenset(user.lower() for user in word_set(reading, table, "users"))
    for user in sorted(users):
        check_plain(reading, table["users"][0], user)
    return Team(word_set(reading, table, "groups"), users, str(mark))


def _read_person(files: Files, roles: Mapping[str, Role], name: str, mark: Mark, table: Entries) -> PersonRule:
    reading = files.reading
    if "*" in name[1:] or (name.startswith("*") and not name.startswith("*@")) or not name.strip():
        reading.wrong(mark, f"{quoted(name)} names no people, write anna@example.com, or *@example.com for all of them")
    listed = reading.texts(table["roles"][1], "roles") if "roles" in table else ()
    for word in listed:
        files.known(word, "role", roles)
    teams = reading.texts(table["teams"][1], "teams") if "teams" in table else ()
    for word in teams:
        files.known(word, "team", files.teams)
    if "*" in name and any(word.text in roles and roles[word.text].analyses for word in listed):
        reading.wrong(mark, f"{quoted(name)} names several, and keys go to a worker by its own name, write that")
    since_grant = [word.text for word in listed if word.text in roles and roles[word.text].since_grant]
    if since_grant and "since" not in table:
        reading.wrong(
            mark,
            f"role {since_grant[0]} reaches back to when it was given at most (from), and this entry says no day, "
            "add since:",
        )
    since = reading.value(table, "since", read_since, 0)
    until = reading.value(table, "until", read_until, FOR_EVER)
    if until <= since:
        reading.wrong(
            table["until"][0], "until is before since, so that the roles are never there, correct one of them"
        )
    return PersonRule(
        name.lower(),
        frozenset(word.text for word in listed),
        frozenset(word.text for word in teams),
        since,
        until,
        str(mark),
    )


def _read_user(reading: Reading, node: Node) -> UserRule:
    table = reading.table(node, OS_USER, "an entry of os_users")
    user = reading.value(table, "user", lower, "")
    person = reading.value(table, "person", lower, "")
    if user.count("*") != person.count("*") or user.count("*") > 1:
        reading.wrong(
            node.mark, "user and person have one * each, for the same text, or none, write for example *@example.com"
        )
    return UserRule(user, person, str(node.mark))


# -- approvals, consent ---------------------------------------------------------------------------------------------


def _read_approval(files: Files, node: Node) -> ApprovalRule:
    reading = files.reading
    table = reading.table(node, APPROVAL, "an approval")
    by = reading.texts(table["by"][1], "by") if "by" in table else ()
    for word in by:
        files.known(word, "role", files.roles)
    need = reading.value(table, "need", Reading.whole_number, len(by))
    if need > len(by) and by:
        reading.wrong(
            table["need"][0],
            f"{need} of {len(by)} cannot be: each role in by counts for one person, name one twice for two",
        )
    return ApprovalRule(
        acts=frozenset(choices_of(reading, table["act"][1], "act", APPROVED)) if "act" in table else frozenset(),
        by=tuple(word.text for word in by),
        need=need,
        within=reading.value(table, "within", read_wait, HOUR),
        delay=reading.value(table, "delay", read_wait, 0),
        where=str(node.mark),
    )


def _read_notice(reading: Reading, node: Node, name: str) -> str:
    """Without the ends of lines that YAML leaves behind it."""
    text = reading.text(node, name).strip()
    if text and (wanted := mistake_in(text)):
        reading.wrong(node.mark, f"{name} is {wanted}")
    return text


def _read_consent(reading: Reading, node: Node, name: str) -> Consents:
    table = reading.table(node, CONSENT, name)
    choices = ("required", "where-written")
    return Consents(
        {
            Channel(channel): str(mark)
            for channel, (mark, value) in table.items()
            if reading.choice(value, channel, choices) == "required"
        }
    )


# -- reviews --------------------------------------------------------------------------------------------------------


def _read_reviews(files: Files, roles: Mapping[str, Role]) -> tuple[Review, ...]:
    found: dict[str, Review] = {}
    for node in files.all("reviews"):
        one = _read_review(files, roles, node)
        if one.name in found:
            says = f"another review is called {quoted(one.name)}, in {found[one.name].where}, leave one out"
            files.reading.wrong(node.mark, says)
        found[one.name] = one
    return tuple(found.values())


def _read_review(files: Files, roles: Mapping[str, Role], node: Node) -> Review:
    reading = files.reading
    table = reading.table(node, REVIEW, "a review")
    one = Review(
        name=reading.value(table, "review", _read_name, ""),
        by=_read_by(files, table["by"][1]) if "by" in table else "",
        since=reading.value(table, "since", read_since, 0),
        within=reading.value(table, "within", _read_within, SOONEST_REVIEW),
        why=reading.value(table, "why", Reading.text, ""),
        where=str(node.mark),
    )
    role = roles.get(one.by)
    if role is not None and one.name and one.name not in role.sample:
        how = f"add to role {role.name} sample: {{ {one.name}: 5 per agent per month }}"
        reading.wrong(node.mark, f"nothing is drawn for {quoted(one.name)}, {how}")
    if role is not None and Act.PLAY not in role.may:
        reading.wrong(table["by"][0], f"role {role.name} may not play what is drawn, add play to its may:")
    return one


def _read_by(files: Files, node: Node) -> str:
    if not isinstance(node, Scalar):
        return files.reading.text(node, "by")  # says what it has to be
    for word in read_words(files.reading, node, "by"):
        files.known(word, "role", files.roles)
    return node.text


def _read_within(reading: Reading, node: Node, name: str) -> int:
    before = len(reading.mistakes)
    within = read_period(reading, node, name).ns
    if len(reading.mistakes) == before and not SOONEST_REVIEW <= within <= LATEST_REVIEW:
        how = f"write {SOONEST_REVIEW // DAY}d to {LATEST_REVIEW // DAY}d, as the sample is drawn on the fourth day"
        reading.wrong(node.mark, f"{name} is the time from the month's end on, {how}")
    return within


# -- retention ------------------------------------------------------------------------------------------------------


def _read_retention(files: Files) -> tuple[RetentionClass, ...]:
    nodes = files.all("retention")
    classes = tuple(_read_class(files, node) for node in nodes)
    if not files.whole:
        return classes
    first: dict[str, RetentionClass] = {}
    for node, one in zip(nodes, classes, strict=True):
        if one.name in first:
            files.reading.wrong(
                node.mark, f"another class is called {quoted(one.name)}, in {first[one.name].where}, rename one"
            )
        first.setdefault(one.name, one)
    rest = [one for one in classes if one.any is None]
    if len(rest) != 1:
        said = "no class is without any:" if not rest else f"{' and '.join(one.name for one in rest)} are without any:"
        files.reading.wrong(
            files.place("retention"),
            f"{said}, and exactly one has to be for the rest, write - {{ class: rest, keep: 180d }}",
        )
    return classes


def _read_class(files: Files, node: Node) -> RetentionClass:
    reading = files.reading
    table = reading.table(node, CLASS, "a class")
    keep = reading.value(table, "keep", read_period, Period(ns=DAY))
    minimum = reading.value(table, "minimum", read_period, NONE)
    if "keep" in table and not keep.covers(minimum):
        reading.wrong(
            table["keep"][0],
            "keep is below the minimum, which the law wants, write at least as much (a year has 366 days)",
        )
    if "minimum" in table and "why" not in table:
        reading.wrong(table["minimum"][0], "a minimum without why, name the law that wants it")
    worm = reading.value(table, "worm", Reading.truth, False)
    if worm and "minimum" not in table:
        reading.wrong(table["worm"][0], "worm holds until the minimum is over, add minimum:")
    return RetentionClass(
        name=reading.value(table, "class", _read_name, ""),
        any=_read_conditions(files, table["any"][1]) if "any" in table else None,
        keep=keep,
        minimum=minimum,
        why=reading.value(table, "why", Reading.text, ""),
        worm=worm,
        where=str(node.mark),
    )


def _read_name(reading: Reading, node: Node, name: str) -> str:
    before = len(reading.mistakes)
    text = reading.text(node, name)
    if len(reading.mistakes) == before and not re.fullmatch(NAME, text):
        reading.wrong(node.mark, f"{name} cannot be {quoted(text)}, write small letters, digits and single hyphens")
    return text


def _read_conditions(files: Files, node: Node) -> tuple[Condition, ...]:
    found: list[Condition] = []
    for item in files.reading.items(node, "any", "conditions"):
        entry = files.reading.one_entry(item, CONDITION, "an entry of any")
        if entry is None:
            continue
        key, _, value = entry
        if key != "all":
            found.append(_read_fact(files, key, value))
            continue
        parts = []
        for part in files.reading.items(value, "all", "conditions"):
            inner = files.reading.one_entry(part, FACTS, "an entry of all")
            if inner is not None:
                parts.append(_read_fact(files, inner[0], inner[2]))
        found.append(AllOf(tuple(parts)))
    return tuple(found)


def _read_fact(files: Files, key: str, node: Node) -> Fact | Length:
    reading = files.reading
    if key == "length":
        text = node.text if isinstance(node, Scalar) else ""
        over, _, wait = text.partition(" ")
        length = wait_of(wait)
        if over not in ("over", "under") or length is None:
            reading.wrong(node.mark, f"length cannot be {quoted(text)}, write for example over 10m or under 1h")
        return Length(over == "over", length or 0)
    if key == "channel":
        return Fact(key, frozenset(Channel(word) for word in choices_of(reading, node, key, list(Channel))))
    words = reading.texts(node, key)
    if key == "team":
        for word in words:
            files.known(word, "team", files.teams)
    return Fact(key, frozenset(word.text for word in words))
