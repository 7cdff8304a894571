"""The process that tries a policy: it reads what it was sent, drops all its other rights, and only then looks at it.

Its job comes on stdin, a line of JSON and then the body as the browser sent it; what it says goes to stdout, a line of
JSON each (review/policy_trial/apart.py). Policy and scenes are whatever somebody sent.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Final

from protocol.language.characters import printable
from review import policies
from review.policy_trial.form import Form, FormError, TooManyParts, read_form
from store.evidence.film.confined import confine, end_with

MEMORY: Final = 2 * 10**9  # bytes of address space: a working day of scenes (3 MB) takes 0.1 GB
CPU: Final = 60  # s: 4,800 looks of a working day, no two alike, take 12 s with 30 rules, 36 s with 100
LARGEST: Final = 8 * 2**20  # bytes of an answer
MOST_SCENES: Final = 20  # files
PASTED: Final = "policy.yaml"  # what is pasted without a name


class Refused(Exception):
    """The code of why it is not tried, for which the page has a sentence."""


def main() -> None:
    job = json.loads(sys.stdin.buffer.readline())
    body = sys.stdin.buffer.read()
    end_with(job["parent"])
    _warm()
    _say(confined=confine(memory=MEMORY, seconds=CPU, size=0))
    try:
        answer = json.dumps(_printable(judged(job, body))).encode("ascii")
        if len(answer) > LARGEST:
            raise Refused("too-much")  # noqa: TRY301 - as what is refused on the way
    except Refused as refused:
        _say(why_not=str(refused))
    except MemoryError:
        _say(why_not="memory")
    except Exception:  # noqa: BLE001 - an error's text may quote what was sent
        _say(why_not="failed")
    else:
        _write(answer)


def judged(job: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """Raises Refused."""
    try:
        form = read_form(body, job["boundary"])
    except TooManyParts:
        raise Refused("many-parts") from None
    except FormError:
        raise Refused("no-form") from None
    scenes = form.files.get("scenes", [])
    if len(scenes) > MOST_SCENES:
        raise Refused("many-scenes")
    asked = policies.TrialInput(
        in_force={name: text.encode() for name, text in job["in_force"].items()},
        shown_in=job["shown_in"],
        sent=_policy(form),
        scenes=scenes,
        rest="rest" in form.texts,
        own=form.texts.get("against") == "own",
    )
    return policies.tried(asked)


def _policy(form: Form) -> dict[str, bytes]:
    """Raises Refused."""
    sent = form.files.get("policy", [])
    if pasted := form.texts.get("text", "").strip():
        # A field of a page has line ends of its own, and none at its end.
        text = pasted.replace("\r\n", "\n") + "\n"
        sent = [*sent, (form.texts.get("name", "").strip() or PASTED, text.encode())]
    if not sent:
        raise Refused("no-policy")
    if len({name for name, _ in sent}) < len(sent):
        raise Refused("twice")
    return dict(sent)


def _printable(value: Any) -> Any:
    """A title may hold halves of signs, which no other reader of JSON takes, and marks that turn a line round."""
    match value:
        case str():
            return printable(value)
        case dict():
            return {_printable(name): _printable(one) for name, one in value.items()}
        case list() | tuple():
            return [_printable(one) for one in value]
        case _:
            return value


def _warm() -> None:
    """What is imported or read only when it is first needed: then it could not."""
    rules = "rules:\n  - {id: a, why: w, any: [url: [bücher.example/*]]}\n"
    policy = f"schema: 1\nrevision: 1\nname: n\nrulez: [a]\n{rules}".encode()
    head = {"eyelid_scenes": 1, "recording": "", "start": "", "host": "", "length_ns": 1, "policy": "",
            "policy_files": {}, "lanes": {"screen": []}}  # fmt: skip
    scenes = (
        json.dumps(head).encode()
        + b'\n{"at":0,"witness":"window","windows":[],"pages":[],"accounted":[],"pages_only":false}\n'
    )
    for sent in (policy + b"...\n", policy.replace(b"rulez: [a]\n", b"") + b"...\n", b"\xff", b"a: [", b"a: &b [*b]\n"):
        policies.tried(policies.TrialInput({"a.yaml": policy}, "x", {"a.yaml": sent}, [("s", scenes)], own=True))


def _say(**what: object) -> None:
    _write(json.dumps(what).encode("ascii"))


def _write(line: bytes) -> None:
    left = memoryview(line + b"\n")
    while left:
        left = left[os.write(1, left) :]


if __name__ == "__main__":
    main()
