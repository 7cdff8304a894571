"""`eyelid-review custodian`: make, start and look after the one process that opens recordings (docs/custodian.md)."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url, enrolment, local_socket
from protocol.dumps import lock_memory
from protocol.errors import ProtocolError
from protocol.keyfile import load_private, save_private
from protocol.keys import public_to_text, signing_key
from protocol.terminal import Wrapped
from review.commands.audit import make_log, open_log_in
from review.custodian import home
from review.custodian.custodian import Custodian
from review.custodian.people import invite, take_up
from review.custodian.service import Service, ask
from store.admin import passphrase
from store.admin.home import Home
from store.catalog.queries import recordings_after
from store.commands.audit import catalog_of
from store.commands.options import Subcommands, count, duration
from store.errors import StoreError, WrongUsage
from store.evidence.evidence import gather
from store.evidence.opening import Unsound, load_recipient, read_packet
from store.evidence.show import console, iso, print_json, print_table
from store.files import write_new

_SOCKET: Final = Path("/run/eyelid-custodian/socket")
_PAGE: Final = 500  # recordings that are asked for at once


def add(commands: Subcommands[ArgumentParser]) -> None:
    top = commands.add_parser(
        "custodian", help="the process that opens recordings: make, start and look after it", formatter_class=Wrapped,
        epilog="examples:\n  eyelid-review custodian serve --key-file /run/operator/key\n"
        "  eyelid-review custodian keys",
    )  # fmt: skip
    group = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    one = _command(group, "init", "make its folder, review key and log",
                   "--name review.example.com/custodian --token enrolment.token \\\n"
                   "    --origin https://review.example.com --console eyelid-review", _init)  # fmt: skip
    for name, words in (
        ("name", "its name and its log's, for good, as an address without https"),
        ("token", "a file from `eyelid-store enroll-token`: it names the store's key and compliance's"),
        ("origin", "the page that people's passkeys sign for"),
        ("console", "the user that the console runs as"),
    ):
        one.add_argument(f"--{name}", required=True, metavar=name.upper(), help=words)
    one.add_argument("--cap", type=count, default=60, metavar="N", help="openings a person and hour (%(default)s)")

    one = _command(group, "serve", "answer the console; the unit eyelid-custodian.service does this", "", _serve)
    _add_socket(one)

    one = _command(group, "bundle", "bring the newest bundle, as `eyelid-store bundle sign` wrote it", "next.bundle",
                   _bundle, secret=False)  # fmt: skip
    one.add_argument("file", type=Path, metavar="FILE")
    _add_socket(one)

    one = _command(group, "invite", "invite a person to enrol a key; needs the compliance key and no custodian",
                   "ann@example.com --to review.example.com/custodian --key compliance.key -o ann.invitation",
                   _invite, own=False)  # fmt: skip
    one.add_argument("person", metavar="PERSON", help="by the name they sign in with")
    one.add_argument("--to", required=True, metavar="NAME", help="the custodian's name")
    one.add_argument("--key", type=Path, required=True, metavar="FILE", help="the compliance key")
    one.add_argument("--for", dest="lasts", type=duration, default=duration("7d"), metavar="TIME", help="7d")
    one.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a file that is not there yet")

    one = _command(group, "enrol-key", "make a key for who is invited, and enrol it",
                   "ann.invitation --secret Zk3... -o ann.key", _enrol_key, own=False)  # fmt: skip
    one.add_argument("invitation", type=Path, metavar="FILE")
    one.add_argument("--secret", required=True, metavar="SECRET", help="what `invite` printed")
    one.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the new private key")
    _add_socket(one)

    one = _command(group, "keys", "list people's keys, or remove one", "--remove 9vQz...", _keys, secret=False)
    one.add_argument("--remove", metavar="ID", help="what it signs counts no longer; the person enrols another")
    _add_socket(one)

    _command(group, "rotate", "make the next review key; the one before goes on opening what it opens", "", _rotate)

    one = _command(group, "compromised", "a review key was stolen: a bundle that seals to it opens nothing",
                   "ydSJD3dI...", _compromised)  # fmt: skip
    one.add_argument("key", metavar="ID")

    one = _command(group, "adopt", "take over recordings from before the review key, with a key that opens them",
                   "/var/lib/eyelid-store --recipient recovery.key", _adopt)  # fmt: skip
    one.add_argument("store", type=Path, metavar="DIR", help="the store's folder")
    one.add_argument("--recipient", type=Path, required=True, metavar="FILE", help="the private key that opens them")
    one.add_argument(
        "--recipient-passphrase-file", type=Path, metavar="F", help="its passphrase is the first line of F"
    )


def _command(
    group: Subcommands[ArgumentParser], name: str, summary: str, example: str, run: Callable[[Namespace], int], *,
    own: bool = True, secret: bool = True,
) -> ArgumentParser:  # fmt: skip
    """`own`: it works in the custodian's folder. `secret`: it asks for a passphrase."""
    parser = group.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + ".", formatter_class=Wrapped,
        epilog=f"examples:\n  eyelid-review custodian {name} {example}",
    )  # fmt: skip
    parser.set_defaults(run=lambda options: _run(run, options))
    if own and secret:
        base = Path(os.environ.get("EYELID_CUSTODIAN_HOME", "/var/lib/eyelid-custodian"))
        parser.add_argument("--home", type=Path, default=base, metavar="DIR", help="its folder (%(default)s)")
    if secret:
        passphrase.add_options(parser)
    parser.add_argument("--json", action="store_true", help="print facts as one JSON object on stdout")
    return parser


def _add_socket(parser: ArgumentParser) -> None:
    parser.add_argument("--socket", type=Path, default=_SOCKET, metavar="FILE", help="where it listens (%(default)s)")


def _run(run: Callable[[Namespace], int], options: Namespace) -> int:
    try:
        return run(options)
    except (OSError, ValueError) as error:
        if isinstance(error, BrokenPipeError) or hasattr(error, "code"):
            raise
        where = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else error
        raise StoreError(f"the custodian: {where}") from None


def _say(options: Namespace, facts: dict[str, Any], *lines: str) -> int:
    if options.json:
        print_json(facts)
    for line in () if options.json else lines:
        console().print(line, markup=False, soft_wrap=True)
    return 0


def _secret(options: Namespace) -> bytes:
    """systemd's credential `key` counts where nothing else is given."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and not passphrase.given(options):
        options.key_file = Path(folder) / "key"
    return passphrase.existing(options, str(options.home))


def _init(options: Namespace) -> int:
    import pwd  # noqa: PLC0415 - Windows has none

    token = enrolment.parse(Path(options.token).read_text("utf-8"))
    try:
        user = pwd.getpwnam(options.console).pw_uid
    except KeyError:
        raise WrongUsage(f"this machine has no user {options.console}") from None
    folder, secret = options.home, passphrase.new(options)
    made = make_log(folder / "audit", folder / "keys", options.name, secret)
    for name in ("adopted", "requests"):
        (folder / name).mkdir(mode=0o700)
    store_key = public_to_text(token.store_key)
    home.Settings(options.name, token.compliance, store_key, options.origin, user, options.cap).write(folder)
    return _new_key(options, secret, "made", {"log": str(made.key)}, f"{made.key}\nis its log's public key")


def _new_key(options: Namespace, secret: bytes, use: str, facts: dict[str, Any], *lines: str) -> int:
    log = open_log_in(options.home / "audit", options.home / "keys", secret)  # first: it knows a wrong secret
    review = home.new_review_key(options.home, secret)
    public = options.home / "keys" / f"review-{review.key_id}.pub"
    write_new(public, base64url.encode(review.public.to_bytes()).encode() + b"\n", 0o644)
    log.note("key", review.key_id, use=use)
    says = f"{public}  for compliance: `eyelid-store bundle sign --add-reader`, or nothing new is sealed to it"
    return _say(options, {**facts, "review": review.key_id, "public": str(public)}, *lines, says)


def _serve(options: Namespace) -> int:
    lock_memory()  # before there is anything in it
    secret = _secret(options)
    os.umask(0o077)
    log = open_log_in(options.home / "audit", options.home / "keys", secret).log
    custodian = Custodian(options.home, home.review_keys(options.home, secret), log)
    with local_socket.listen(options.socket) as listening:
        _say(options, {"socket": str(options.socket)}, f"the custodian listens at {options.socket}")
        Service(custodian, log, listening).run()
    return 0


def _bundle(options: Namespace) -> int:
    answer = ask(options.socket, "bundle", bundle=options.file.read_text("ascii"))
    return _say(options, answer, f"bundle {answer['revision']} is in force")


def _invite(options: Namespace) -> int:
    key = load_private(options.key, passphrase.existing(options, str(options.key)))
    expires = time.time_ns() + options.lasts
    invitation, secret = invite(options.person, options.to, expires, signing_key(key.raw))
    write_new(options.output, invitation.encode() + b"\n", 0o644)
    facts = {"invitation": str(options.output), "secret": secret, "expires": iso(expires)}
    way = "by another way than through the console, which could enrol a key of its own with it"
    return _say(options, facts, f"{options.output}  for {options.person}, until {facts['expires']}",
                 f"{secret}\nis its secret: give it to them {way}")  # fmt: skip


def _enrol_key(options: Namespace) -> int:
    private = Ed25519PrivateKey.generate()
    taken = take_up(options.invitation.read_text("ascii").strip(), options.secret, private)
    save_private(options.output, "person", private.private_bytes_raw(), passphrase.new(options))
    answer = ask(options.socket, "enrol", **taken)
    return _say(options, answer, f"{options.output}  signs for {answer['person']}, key {answer['key']}")


def _keys(options: Namespace) -> int:
    if options.remove:
        gone = ask(options.socket, "remove", key=options.remove)
        return _say(options, gone, f"key {gone['key']} of {gone['person']} was removed")
    answer = ask(options.socket, "keys")
    if options.json:
        print_json(answer)
        return 0
    rows = [
        [
            str(one["person"]),
            str(one["signs"]),
            *(str(iso(one[at]) or "-") for at in ("at", "removed")),
            str(one["key"]),
        ]
        for one in answer["keys"]
    ]
    print_table(["person", "signs", "enrolled", "removed", "key"], rows, below=(4,))
    return 0


def _rotate(options: Namespace) -> int:
    secret = _secret(options)
    home.Settings.read(options.home)
    return _new_key(options, secret, "rotated", {}, "start the custodian again, which reads its keys at its start")


def _compromised(options: Namespace) -> int:
    secret, settings = _secret(options), home.Settings.read(options.home)
    if options.key not in home.review_keys(options.home, secret):
        raise WrongUsage(f"{options.home} has no review key {options.key}")
    open_log_in(options.home / "audit", options.home / "keys", secret).note("key", options.key, use="compromised")
    replace(settings, compromised=(*settings.compromised, options.key)).write(options.home)
    says = "start the custodian again: until compliance signs a bundle without this key, it opens nothing"
    return _say(options, {"compromised": options.key}, says, "its thief opens what was sealed to it until today")


def _adopt(options: Namespace) -> int:
    secret = _secret(options)
    *_, review = home.review_keys(options.home, secret).values()
    of_reader = Namespace(key_file=None, passphrase_file=options.recipient_passphrase_file)
    reader = load_recipient(options.recipient, passphrase.existing(of_reader, str(options.recipient)))
    note = open_log_in(options.home / "audit", options.home / "keys", secret).note
    store = Home.open(options.store)
    adopted, left, after = 0, list[str](), ""
    with catalog_of(store) as connection:
        while page := recordings_after(connection, after, _PAGE):
            after = str(page[-1].id)
            note("key", review.key_id, use="adopt", recordings=len(page))
            for one in page:
                try:
                    evidence = gather(connection, one.id, policies=False)
                    if evidence.chosen.packet is not None:
                        packet = read_packet(store.blobs(), evidence.chosen.packet, evidence.device)
                        adopted += home.adopt(options.home, packet, reader, review)
                except (StoreError, ProtocolError, Unsound) as error:
                    left.append(f"{one.id}: {error}")
    says = f"{adopted} recordings were taken over"
    _say(options, {"adopted": adopted, "left": left}, says, *(f"! {one}" for one in left))
    return 1 if left else 0
