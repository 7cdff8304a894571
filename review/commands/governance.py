"""`governance`: who may see what, and how long it is kept, as reviewed documents: check, test, explain, diff, init,
schema.
"""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from protocol import bundle
from protocol.carried import LARGEST_FILE, read_carried, split
from protocol.language.errors import MistakesError
from protocol.language.findings import counted, finding_as_json, line_at, page, print_with_line
from protocol.language.folder import read_files
from protocol.language.marks import Mark, Node, Scalar, Series, Table
from protocol.language.yaml_marks import read_marks
from review.commands import governance_init
from review.commands.shared import SOCKET, Subcommands, command, day, group, option
from review.governance.cautions import Caution, cautions
from review.governance.decide import decide
from review.governance.diff import GRAVE, Change, Weight, changes
from review.governance.examples import Tested, run_test
from review.governance.keys import WHAT, schema
from review.governance.model import Governance, Question, Reason
from review.governance.words import Explained, disposal_in_words, explained, moment
from review.rules import in_force, parse_files, question_of, read_folder
from store.commands.values import count
from store.errors import WrongUsage

FOLDER: Final = "governance"  # where the rules lie unless another folder is named
LISTS: Final = frozenset({"team", "closed_by", "category", "channel", "drawn"})  # facts with several words


def add(commands: Subcommands[ArgumentParser]) -> None:
    verbs = group(
        commands, "governance", "write, check, test and understand who may see what, and how long it is kept",
        "eyelid-review governance init --template small", "eyelid-review governance check governance/",
        "eyelid-review governance test governance/",
        "eyelid-review governance explain --as anna@example.com --do play --fact team=north",
        "eyelid-review governance diff governance.before/ governance/",
    )  # fmt: skip
    folder = option("folder", "the rules (now: %(default)s)", "FOLDER", nargs="?", type=Path, default=Path(FOLDER))
    command(verbs, "governance check", "every mistake at once, with its place", "governance/", _check, folder,
            option("--strict", "take warnings for mistakes (exit code 1)", action="store_true"),
            says="Reads the folder and runs the tests inside its files. Exit code 0: it would come into force. 1: it "
            "has mistakes; with --strict, or warnings. 2: wrong usage.")  # fmt: skip
    command(verbs, "governance test", "run the tests inside the files", "governance/", _test, folder,
            says="Says of each test what was expected and what the rules say. Exit code 0: all hold. 1: not "
            "all.")  # fmt: skip
    command(verbs, "governance explain", "who may do this, by which line, until when, and what is missing",
            "--as supervisor@example.com --do play --recording 0193a1b2\n  eyelid-review governance explain "
            "--as anna@example.com --do play \\\n      --purpose complaint --fact team=north --fact age=10d", _explain,
            option("--recording", "one of the store's, or the beginning of its id", "REC"),
            option("--store", "its folder (EYELID_STORE_HOME)", "DIR", type=Path),
            option("--socket", "of the custodian, which knows consent (%(default)s)", "FILE", type=Path,
                   default=SOCKET),
            option("--rules", f"the rules ({FOLDER}; with --recording those that the store has)", "DIR", type=Path),
            option("--bundle", "the rules that this signed bundle carries", "FILE", type=Path),
            option("--signer", "with --bundle: of the compliance key that signed it", "FINGERPRINT"),
            _add_who,
            option("--team", "with --role: their own team", "TEAM"),
            option("--do", "such as play, export or erase", "ACT", required=True),
            option("--purpose", "the purpose that is named", "WORD"),
            option("--rendition", "redacted (the default) or original", "WHICH"),
            option("--what", "what the recording is, as YAML or JSON", "FILE", type=Path),
            option("--fact", f"one of its facts: {', '.join(WHAT)}", "KEY=VALUE", action="append", default=[]),
            option("--asked", "how long ago the request was filed, such as 2h", "AGO"),
            option("--approved-by", "a role or a person that approved it", "WHO", action="append", default=[]),
            option("--day", "the day on which it is asked (default: now)", "DAY"),
            says="Asks the rules one question and answers in sentences, each with the line that it comes from. What "
            "the recording is comes from the store, or from --what and --fact in a test's words.")  # fmt: skip
    command(verbs, "governance diff", "what changes when one set of rules follows another, in words",
            "governance.before/ governance/", _diff,
            option("old", "the folder that is in force", "OLD", type=Path),
            option("new", "the folder that is to follow it", "NEW", type=Path),
            says="Compares two folders by what they open and delete, not by their letters. Exit code 0: nothing is "
            "opened more, and nothing deleted sooner. 1: something is. 2: one of them has mistakes.")  # fmt: skip
    command(verbs, "governance try", "what these rules would open and delete in the archive, before they count",
            "governance/ --until 2027-06-30\n  eyelid-review governance try governance/ --days 30", _try, folder,
            option("--store", "the store's folder (EYELID_STORE_HOME)", "DIR", type=Path),
            option("--until", "what would be deleted up to this day (in 30 days)", "DAY", type=day),
            option("--days", "only over what came in the last N days", "N", type=count),
            says="Compares them with those that the store has, over every recording there. Exit code 0: nothing is "
            "opened more, and nothing deleted sooner. 1: something is. 2: they have mistakes.")  # fmt: skip
    governance_init.add_to(verbs)
    command(verbs, "governance schema", "print the JSON Schema that editors complete from", "> governance/schema.json",
            _schema, says="An editor that has it shows keys and what they mean while you write.")  # fmt: skip


def _add_who(parser: ArgumentParser) -> None:
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--as", dest="person", metavar="PERSON", help="one whom people: names")
    who.add_argument("--role", metavar="ROLE", help="anybody who has this role")


def _try(asked: Namespace) -> int:
    from review.commands import trial  # noqa: PLC0415 - and so the store

    return trial.run(asked)


def _schema(_: Namespace) -> int:
    print(json.dumps(schema(), indent=2))
    return 0


# -- check ----------------------------------------------------------------------------------------------------------


def _check(asked: Namespace) -> int:
    mistakes, governance = _read_with_mistakes(asked.folder)
    warnings = cautions(governance) if governance is not None else ()
    good = not mistakes and not (asked.strict and warnings)
    if asked.json:
        found: dict[str, object] = {
            "ok": good,
            "mistakes": [finding_as_json(mistake) for mistake in mistakes],
            "warnings": [finding_as_json(str(warning), "warning") for warning in warnings],
            "hash": governance.hash if governance and not mistakes else None,
            "notice": governance.notice if governance and not mistakes else None,
        }
        print(json.dumps(found))
    else:
        _print_check(page(), mistakes, warnings, governance)
    return 0 if good else 1


def _read_with_mistakes(folder: Path) -> tuple[tuple[str, ...], Governance | None]:
    """(mistakes, what can be read of the rules)."""
    try:
        return (), read_folder(folder)
    except MistakesError as error:
        mistakes = error.mistakes
    try:
        return mistakes, read_folder(folder, tested=False)
    except MistakesError:
        return mistakes, None


def _print_check(
    out: Console, mistakes: Sequence[str], warnings: Sequence[Caution], governance: Governance | None
) -> None:
    for mistake in mistakes:
        print_with_line(out, mistake, style="red")
    for warning in warnings:
        print_with_line(out, str(warning), style="yellow", prefix="warning: ")
    warned = f", {counted(len(warnings), 'warning')}" if warnings else ""
    if mistakes or governance is None:
        out.print(f"\n[red]{counted(len(mistakes), 'mistake')}{warned}[/red]: these rules would not come into force.")
    else:
        rules = f"{counted(len(governance.roles), 'role')}, {counted(len(governance.tests), 'test')}"
        out.print(f"{governance.name}, revision {governance.revision}: {rules}, no mistake{warned}.", markup=False)


# -- test -----------------------------------------------------------------------------------------------------------


def _test(asked: Namespace) -> int:
    governance = read_folder(asked.folder, tested=False)
    tried = [run_test(governance, test) for test in governance.tests]
    failed = [tested for tested in tried if not tested.passed]
    if asked.json:
        print(json.dumps({"ok": not failed, "tests": [_test_as_json(tested) for tested in tried]}))
        return 1 if failed else 0
    out = page()
    out.print(f"{governance.name}, revision {governance.revision}\n", style="bold", markup=False)
    grid = Grid(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "test", "the rules say", "because"):
        grid.add_column(heading, overflow="fold")
    for tested in tried:
        test = tested.test
        name = test.name or _asked_in_words(test.question, test.expect)
        grid.add_row(
            Text("ok", style="green") if tested.passed else Text("NOT", style="bold red"),
            Text(name) if tested.passed else Text(f"{name}\n{test.where}", style="red"),
            Text(
                tested.got if tested.passed else f"{tested.got}, expected {test.expect} {test.retention_class}".rstrip()
            ),
            Text("; ".join(_because(tested)), style="dim"),
        )
    out.print(grid)
    style = "red" if failed else "green"
    out.print(f"\n{len(tried) - len(failed)} of {counted(len(tried), 'test')} hold.", style=style)
    return 1 if failed else 0


def _asked_in_words(question: Question, expect: str) -> str:
    if expect in ("kept", "deleted"):
        return expect
    return f"{', '.join(grant.role for grant in question.person.grants) or question.person.id}: {question.act}"


def _because(tested: Tested) -> list[str]:
    said = [reason.says for reason in tested.decision.reasons] if tested.decision is not None else []
    return said if said or tested.retention is None else [f"class {tested.retention.keeps.name}"]


def _test_as_json(tested: Tested) -> dict[str, object]:
    return {
        "name": tested.test.name,
        "where": tested.test.where,
        "expected": tested.test.expect,
        "got": tested.got,
        "passed": tested.passed,
        "class": tested.retention.keeps.name if tested.retention is not None else None,
        "because": _because(tested),
    }


# -- explain --------------------------------------------------------------------------------------------------------


def _explain(asked: Namespace) -> int:
    if (asked.bundle is None) != (asked.signer is None):
        raise WrongUsage("--bundle and --signer go together: a bundle counts by the fingerprint of compliance's key")
    if asked.recording and (asked.what or asked.fact or asked.bundle):
        raise WrongUsage("what --recording is stands in the store: leave --what, --fact and --bundle out")
    found = None
    now = time.time_ns()
    if asked.recording:
        from review.commands import trial  # noqa: PLC0415

        found = trial.find(asked.store, asked.recording, now, asked.rules, asked.socket)
        files, governance = found.files, found.governance
    elif asked.bundle:
        files, governance = _read_bundle(asked.bundle, asked.signer)
    else:
        files, governance = _read_folder(asked.rules or Path(FOLDER))
    question = question_of(files, governance, _scene(asked), now)
    if found is not None:
        question = replace(question, recording=found.recording)
    decision = decide(governance, question)
    said = explained(governance, question, decision)
    if found is not None:
        said = replace(said, kept=tuple(disposal_in_words(found.known.disposal(governance, question.now))))
    if asked.json:
        facts: dict[str, object] = {
            "granted": decision.granted,
            "answer": said.answer,
            "role": decision.role or None,
            "until": moment(decision.until) if decision.granted else None,
            "rendition": decision.rendition,
            "why": [_reason_as_json(reason) for reason in said.why],
            "missing": [_reason_as_json(reason) for reason in said.missing],
            "kept": [_reason_as_json(reason) for reason in said.kept],
            "recording": found and {"id": found.known.id, "is": list(found.sentences())},
        }
        print(json.dumps(facts))
    else:
        shown_in = found.shown_in if found else asked.bundle or asked.rules or Path(FOLDER)
        held = {str(shown_in / name): content for name, content in files.items()}
        _print_explained(page(), said, held, found.sentences() if found else (), granted=decision.granted)
    return 0


def _read_folder(folder: Path) -> tuple[Mapping[str, bytes], Governance]:
    files = read_files(folder, "set of governance rules")
    return files, parse_files(files, tested=False, shown_in=str(folder))


def _read_bundle(path: Path, signer: str) -> tuple[Mapping[str, bytes], Governance]:
    """What `eyelid-store bundle sign` wrote; believed if the key with this fingerprint signed it."""
    try:
        with path.open(encoding="ascii") as file:
            token, behind = split(file.read(LARGEST_FILE))
    except OSError as failure:
        raise WrongUsage(f"{path} cannot be read: {failure.strerror}") from None
    except UnicodeDecodeError:
        raise WrongUsage(f"{path} is no bundle: `eyelid-store bundle show --save FILE` writes one") from None
    signed = bundle.verify(token, signer)
    if not signed.governance:
        raise WrongUsage(f"{path} has no governance: nothing is opened but by a reader's key, offline")
    files = read_carried(behind, signed.governance)
    return files, in_force(signed, files, shown_in=str(path))


def _reason_as_json(reason: Reason) -> dict[str, str | None]:
    return {"says": reason.says, "where": reason.where or None}


def _print_explained(
    out: Console, said: Explained, held: Mapping[str, bytes], what: Iterable[str], *, granted: bool
) -> None:
    out.print(said.answer, style="green" if granted else "bold yellow", markup=False)
    is_it = tuple(Reason(one) for one in what)
    for heading, reasons in (
        ("What it is:", is_it),
        ("Why:", said.why),
        ("What is missing:", said.missing),
        ("How long:", said.kept),
    ):
        if reasons:
            out.print(f"\n{heading}", style="bold")
        for reason in reasons:
            out.print(Text(f"  {_sentence(reason.says)}"))
            if reason.where:
                line = line_at(reason.where, held).strip()
                out.print(Text.assemble((f"    {reason.where}  {line}".rstrip(), "dim")))


def _sentence(says: str) -> str:
    return f"{says if '@' in says.split(maxsplit=1)[0] else says[0].upper() + says[1:]}."


def _scene(asked: Namespace) -> Node:
    """The question in the words of a test."""
    who = {"person": asked.person} if asked.person is not None else {"role": asked.role, "team": asked.team}
    table: dict[str, Node | None] = {
        "who": _table({key: _word(f"--{key}", value) for key, value in who.items()}),
        "do": _word("--do", asked.do),
        "purpose": _word("--purpose", asked.purpose),
        "rendition": _word("--rendition", asked.rendition),
        "what": _what(asked),
        "asked": _word("--asked", asked.asked),
        "approved_by": _words("--approved-by", asked.approved_by) if asked.approved_by else None,
        "day": _word("--day", asked.day),
    }
    return _table(table)


def _what(asked: Namespace) -> Node | None:
    facts: dict[str, Node | None] = {}
    if asked.what is not None:
        try:
            content = asked.what.read_bytes()
        except OSError as failure:
            raise WrongUsage(f"{asked.what} cannot be read: {failure.strerror}") from None
        marked = read_marks(str(asked.what), content.rstrip().removesuffix(b"\n...") + b"\n...\n")
        if marked.document is None or marked.mistakes:
            raise MistakesError(tuple(f"{mark} {mistake}" for mark, mistake in marked.mistakes))
        if not asked.fact or not isinstance(marked.document.root, Table):
            return marked.document.root
        facts = {key.text: value for key, value in marked.document.root.entries}
    for fact in asked.fact:
        key, _, value = fact.partition("=")
        name = f"--fact {key}"
        facts[key] = _words(name, value.split(",")) if key in LISTS else _word(name, value)
    return _table(facts) if facts else None


def _word(name: str, text: str | None) -> Node | None:
    reads_as = text if text in ("true", "false") else ""
    return None if text is None else Scalar(Mark(name, 1, 1), text, reads_as or "")


def _words(name: str, texts: Sequence[str]) -> Node:
    return Series(Mark(name, 1, 1), tuple(Scalar(Mark(name, 1, 1), text) for text in texts))


def _table(entries: dict[str, Node | None]) -> Table:
    mark = Mark("command line", 1, 1)
    return Table(mark, tuple((Scalar(mark, key), value) for key, value in entries.items() if value is not None))


# -- diff -----------------------------------------------------------------------------------------------------------

MARKS: Final = {
    Weight.MORE: ("-", "bold red", "OPENS MORE: somebody may do what they could not"),
    Weight.SOONER: ("-", "bold red", "DELETES SOONER: something may be kept for less time"),
    Weight.REVIEWS_LESS: ("-", "bold red", "REVIEWS LESS: something need not be looked at, or later"),
    Weight.LESS: ("+", "green", "Opens less"),
    Weight.LONGER: ("+", "green", "Keeps longer"),
    Weight.OTHER: ("·", "dim", "Neither"),
}


def _diff(asked: Namespace) -> int:
    old, new = read_folder(asked.old, tested=False), read_folder(asked.new, tested=False)
    found = changes(old, new)
    grave = any(change.weight in GRAVE for change in found)
    if asked.json:
        listed = [{"weight": change.weight.value, "says": change.says, "where": change.where} for change in found]
        print(json.dumps({"opens_more": grave, "revisions": [old.revision, new.revision], "changes": listed}))
        return 1 if grave else 0
    out = page()
    names = [f"{rules.name}, revision {rules.revision}" for rules in (old, new)]
    out.print("  →  ".join(names), style="bold", markup=False)
    _print_changes(out, found)
    if old.hash != new.hash and new.revision <= old.revision:
        out.print(f"\nIts revision is not higher: write {old.revision + 1} to put it in force.", style="yellow")
    return 1 if grave else 0


def _print_changes(out: Console, found: Sequence[Change]) -> None:
    if not found:
        out.print("\nNothing that these rules do has changed.")
    for weight, (mark, style, heading) in MARKS.items():
        group = [change for change in found if change.weight is weight]
        if group:
            out.print(f"\n{heading}", style=style)
        for change in group:
            out.print(Text.assemble((f"  {mark} ", style), change.says, (f"  {change.where}", "dim")))
