"""`eyelid config show · check`: which settings are in force, who said so, and what is wrong in a file of them.

What `show` prints is a file of settings itself, so that it can be kept, compared and sent on; only passwords are not
in it.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent import config
from agent.config import Key, Layer, Resolved, Setting, keys
from protocol.language.findings import finding_as_json

PLAIN = re.compile(r"[A-Za-z0-9/][\w./+@=%-]*( [\w./+-]+)*|[a-z]+://[\w.:/*@-]+")  # needs no quotes in YAML


def add_to(commands: Any) -> None:
    parser = commands.add_parser(
        "config", help="which settings are in force, and who said so", epilog="example: eyelid config show --origin"
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    show = verbs.add_parser(
        "show",
        help="the settings in force, as a file of settings",
        description="The machine's policy counts before the file, the file before the environment, that before the "
        "default. Passwords in an address are not shown.",
        epilog="example: eyelid config show --origin",
    )
    show.add_argument("--origin", action="store_true", help="also where each value comes from, and what it overrules")
    show.add_argument("--json", action="store_true", help="print one JSON object, origins included")
    show.set_defaults(work=_show)

    check = verbs.add_parser(
        "check",
        help="every mistake of a file at once, with its place",
        description="Exit code 0: all of it can come into force. 1: it has mistakes, and Eyelid would not start.",
        epilog="example: eyelid config check /etc/xdg/eyelid/agent.yaml",
    )
    check.add_argument("file", type=Path, metavar="FILE", help="a file of settings, or a managed.yaml")
    check.add_argument("--json", action="store_true", help="print one JSON object")
    check.set_defaults(work=_check)


def _show(asked: argparse.Namespace) -> int:
    resolved = config.resolve()
    if asked.json:
        print(json.dumps(as_json(resolved)))
        return 0
    source = "no file was read" if resolved.file is None else f"the file is {resolved.file}"
    print(f"# The settings in force; {source}.")
    for line in _lines(resolved, origin=asked.origin):
        print(line)
    return 0


def as_json(resolved: Resolved) -> dict[str, Any]:
    """Every setting by name with its origin, passwords masked: also what a support archive carries."""
    return {
        "file": None if resolved.file is None else str(resolved.file),
        "settings": {
            name: {
                "value": keys()[name].kind.write(said[0].value),
                "origin": said[0].layer.value,
                "place": said[0].place,
                "overrules": [
                    {"value": keys()[name].kind.write(one.value), "origin": one.layer.value, "place": one.place}
                    for one in said[1:]
                    if one.layer is not Layer.DEFAULT
                ],
            }
            for name, said in resolved.settings.items()
        },
    }


def _lines(resolved: Resolved, *, origin: bool) -> Iterator[str]:
    section = ""
    rows: list[tuple[str, str]] = []
    for name, said in resolved.settings.items():
        within, _, last = name.rpartition(".")
        if within != section and within:
            rows.append((f"{within}:", ""))
        section = within
        indent = "  " if within else ""
        rows.append((f"{indent}{last}: {_in_yaml(keys()[name], said[0].value)}", _origin(said[0])))
        rows += [
            ("", f"overrules {keys()[name].kind.write(one.value)}, {_origin(one)}")
            for one in said[1:]
            if one.layer is not Layer.DEFAULT
        ]
    width = max(len(line) for line, comment in rows if comment)
    for line, comment in rows:
        if not comment or not origin:
            if line:
                yield line
        else:
            yield f"{line:{width}}  # {comment}"


def _origin(said: Setting) -> str:
    return f"{said.layer} {said.place}".rstrip()


def _in_yaml(key: Key, value: Any) -> str:
    if key.kind.several and value:
        return json.dumps([str(one) for one in value])
    text = key.kind.write(value)
    return text if PLAIN.fullmatch(text) else json.dumps(text)


def _check(asked: argparse.Namespace) -> int:
    mistakes = config.check(asked.file)
    if asked.json:
        print(json.dumps({"ok": not mistakes, "mistakes": [finding_as_json(one) for one in mistakes]}))
    elif mistakes:
        for mistake in mistakes:
            print(mistake)
        print(f"{len(mistakes)} {'mistake' if len(mistakes) == 1 else 'mistakes'}; Eyelid would not start with this.")
    else:
        print(f"{asked.file}: no mistake.")
    return 1 if mistakes else 0
