"""`eyelid-review custodian`: make, start and look after the one process that opens recordings (docs/custodian.md)."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url, enrolment, local_socket, personal
from protocol.dumps import lock_memory
from protocol.keyfile import load_private, save_private
from protocol.keys import public_to_text, signing_key
from review.commands.open_log import PUBLIC, READ, READS, OpenLog, make_log, open_log_in, private, public_key
from review.commands.shared import SOCKET, Subcommands, answer, command, group, option
from review.custodian import home
from review.custodian.custodian import Custodian
from review.custodian.service import Service
from review.enrolled import invite, take_up
from review.exchange import ask
from review.governance.model import Act
from store.admin import passphrase
from store.commands.values import count, duration
from store.errors import WrongUsage
from store.evidence.show import iso, print_table
from store.files import write_new

LISTENS: Final = option("--socket", "where it listens (%(default)s)", "FILE", type=Path, default=SOCKET)
SIGNS: Final = (
    option("--as", "whose key it is, by the name they sign in with", "PERSON", dest="person", required=True),
    option("--key", "their private key, as `enrol-key` made it", "FILE", type=Path, required=True),
)


def add(commands: Subcommands[ArgumentParser]) -> None:
    verbs = group(commands, "custodian", "the process that opens recordings: make, start and look after it",
                  "eyelid-review custodian serve --key-file /run/operator/key",
                  "eyelid-review custodian keys")  # fmt: skip
    folder = with_home
    listens = LISTENS
    secret: Any = passphrase.add_options
    needed = {
        "name": "its name and its log's, for good, as an address without https",
        "token": "a file from `eyelid-store enroll-token`: it names the store's key and compliance's",
        "origin": "the page that people's passkeys sign for",
        "console": "the user that the console runs as",
    }

    command(verbs, "custodian init", "make its folder, review key and log",
            "--name review.example.com/custodian --token enrolment.token \\\n"
            "    --origin https://review.example.com --console eyelid-review", _init, folder, secret,
            *(option(f"--{name}", says, name.upper(), required=True) for name, says in needed.items()),
            option("--cap", "openings a person and hour (%(default)s)", "N", type=count, default=60))  # fmt: skip
    command(verbs, "custodian serve", "answer the console; the unit eyelid-custodian.service does this", "", _serve,
            folder, secret, listens)  # fmt: skip
    command(verbs, "custodian bundle", "bring the newest bundle, as `eyelid-store bundle sign` wrote it", "next.bundle",
            _bundle, listens, option("file", "the bundle", "FILE", type=Path))  # fmt: skip
    command(verbs, "custodian invite", "invite a person to enrol a key; needs the compliance key and no custodian",
            "ann@example.com --to audit.pub --key compliance.key -o ann.invitation", _invite, secret,
            option("person", "by the name they sign in with", "PERSON"),
            option("--to", "the public key of the custodian's log, or a file with it", "KEY", required=True),
            option("--key", "the compliance key", "FILE", type=Path, required=True),
            option("--for", "7d", "TIME", dest="lasts", type=duration, default=duration("7d")),
            option("--player", "the player's origin: prints the link by which they enrol in their browser", "URL",
                   default=""),
            option("-o --output", "a file that is not there yet", "FILE", type=Path, required=True))  # fmt: skip
    command(verbs, "custodian enrol-key", "make a key for who is invited, and enrol it",
            "ann.invitation --secret Zk3... -o ann.key", _enrol_key, secret, listens,
            option("invitation", "the file that compliance made", type=Path),
            option("--secret", "what `invite` printed", "SECRET", required=True),
            option("-o --output", "the new private key", "FILE", type=Path, required=True))  # fmt: skip
    signs = SIGNS
    asks = (
        option("--purpose", "the purpose that is named", "WORD", required=True),
        option("--for", "it expires after so long (48h)", "TIME", dest="lasts", type=duration, default=duration("48h")),
    )
    number = option("--request", "the request's number", "ID", required=True)
    hold = option("--hold", "its name", "NAME", dest="request", required=True)
    command(verbs, "custodian ask-erasure", "sign that recordings are to be erased, for others to approve",
            "SET --request DSR-2026-18 --purpose request --as paula@example.com --key paula.key",
            partial(_ask, Act.ERASE), secret, listens, *signs,
            option("recordings", "their set, as `erase` without --apply prints it", "SET"), number, *asks)  # fmt: skip
    command(verbs, "custodian ask-hold", "sign that recordings are put on legal hold",
            "SET --hold case-17 --purpose legal --as carla@example.com --key carla.key",
            partial(_ask, Act.LEGAL_HOLD), secret, listens, *signs,
            option("recordings", "their set, as `holds place` without --approved prints it", "SET"), hold,
            *asks)  # fmt: skip
    command(verbs, "custodian ask-release", "sign that a legal hold is taken off",
            "SET --hold case-17 --purpose legal --as carla@example.com --key carla.key",
            partial(_ask, Act.RELEASE_HOLD), secret, listens, *signs,
            option("recordings", "their set, as `holds release` without --apply prints it", "SET"), hold,
            *asks)  # fmt: skip
    command(verbs, "custodian approve", "show an erasure or a hold that waits; with --verdict sign it",
            "6f1c... --as carla@example.com --key carla.key --verdict approve", _approve, secret, listens, *signs,
            option("filed", "what `ask-erasure`, `ask-hold` or `ask-release` printed", "ID"),
            option("--verdict", "sign this", choices=("approve", "deny")))  # fmt: skip
    command(verbs, "custodian keys", "list people's keys, or remove one", "--remove 9vQz...", _keys, listens,
            option("--remove", "what it signs counts no longer; the person enrols another", "ID"))  # fmt: skip
    command(verbs, "custodian share-log", "let the console show who opened what: its log's reading key, under "
            "the console's passphrase", "-o /var/lib/eyelid-console/openings --console-key-file console.key",
            _share_log, folder, secret,
            option("--console-key-file", "the file whose bytes are the console's passphrase", "FILE", type=Path),
            option("--console-passphrase-file", "the console's passphrase is its first line", "FILE", type=Path),
            option("-o --output", "a folder for the console, which gets a copy of `audit` as well", "DIR", type=Path,
                   required=True))  # fmt: skip
    command(verbs, "custodian rotate", "make the next review key; the one before goes on opening what it opens", "",
            _rotate, folder, secret)  # fmt: skip
    command(verbs, "custodian compromised", "a review key was stolen: a bundle that seals to it opens nothing",
            "ydSJD3dI...", _compromised, folder, secret, option("key", "which", "ID"))  # fmt: skip
    command(verbs, "custodian adopt", "take over recordings from before the review key, with a key that opens them",
            "/var/lib/eyelid-store --recipient recovery.key", _adopt, folder, secret,
            option("store", "the store's folder", "DIR", type=Path),
            option("--recipient", "the private key that opens them", "FILE", type=Path, required=True),
            option("--recipient-passphrase-file", "its passphrase is the first line of F", "F", type=Path))  # fmt: skip


def with_home(parser: ArgumentParser) -> None:
    base = Path(os.environ.get("EYELID_CUSTODIAN_HOME", "/var/lib/eyelid-custodian"))
    option("--home", "the custodian's folder (%(default)s)", "DIR", type=Path, default=base)(parser)


def _secret(asked: Namespace) -> bytes:
    """systemd's credential `key` counts where nothing else is given."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and not passphrase.given(asked):
        asked.key_file = Path(folder) / "key"
    return passphrase.existing(asked, str(asked.home))


def log_of(asked: Namespace, secret: bytes = b"") -> OpenLog:
    """The custodian's own."""
    return open_log_in(asked.home / "audit", asked.home / "keys", secret or _secret(asked))


def _init(asked: Namespace) -> int:
    import pwd  # noqa: PLC0415 - Windows has none

    token = enrolment.parse(Path(asked.token).read_text("utf-8"))
    try:
        user = pwd.getpwnam(asked.console).pw_uid
    except KeyError:
        raise WrongUsage(f"this machine has no user {asked.console}") from None
    folder, secret = asked.home, passphrase.new(asked)
    made = make_log(folder / "audit", folder / "keys", asked.name, secret)
    for name in ("adopted", "requests"):
        (folder / name).mkdir(mode=0o700)
    store_key = public_to_text(token.store_key)
    home.Settings(asked.name, token.compliance, store_key, asked.origin, user, asked.cap).write(folder)
    return _new_key(asked, secret, "made", {"log": str(made.key)}, str(made.key), "is its log's public key")


def _new_key(asked: Namespace, secret: bytes, use: str, facts: dict[str, Any], *lines: str) -> int:
    log = log_of(asked, secret)  # first: it knows a wrong secret
    review = home.new_review_key(asked.home, secret)
    public = asked.home / "keys" / f"review-{review.key_id}.pub"
    write_new(public, base64url.encode(review.public.to_bytes()).encode() + b"\n", 0o644)
    log.note("key", review.key_id, use=use)
    says = f"{public}  for compliance: `eyelid-store bundle sign --add-reader`, or nothing new is sealed to it"
    return answer(asked, {**facts, "review": review.key_id, "public": str(public)}, *lines, says)


def _serve(asked: Namespace) -> int:
    lock_memory()  # before there is anything in it
    secret = _secret(asked)
    os.umask(0o077)
    log = log_of(asked, secret).log
    custodian = Custodian(asked.home, home.review_keys(asked.home, secret), log)
    with local_socket.listen(asked.socket) as listening:
        answer(asked, {"socket": str(asked.socket)}, f"the custodian listens at {asked.socket}")
        Service(custodian, log, listening).run()
    return 0


def _bundle(asked: Namespace) -> int:
    given = ask(asked.socket, "bundle", bundle=asked.file.read_text("ascii"))
    return answer(asked, given, f"bundle {given['revision']} is in force")


def _invite(asked: Namespace) -> int:
    key = load_private(asked.key, passphrase.existing(asked, str(asked.key)))
    expires, to = time.time_ns() + asked.lasts, public_key(asked.to)
    invitation, secret = invite(asked.person, to.name, to.public, expires, signing_key(key.raw))
    write_new(asked.output, invitation.encode() + b"\n", 0o644)
    facts: dict[str, Any] = {"invitation": str(asked.output), "secret": secret, "expires": iso(expires)}
    way = "by another way than through the console, which could enrol a key of its own with it"
    lines = [secret, f"is its secret: give it to them {way}"]
    if asked.player:
        facts["link"] = f"{asked.player.rstrip('/')}/#enrol={invitation}.{secret}"
        lines = [facts["link"], f"makes and enrols their key in the browser that opens it: give it to them {way}"]
    return answer(asked, facts, f"{asked.output}  for {asked.person}, until {facts['expires']}", *lines)


def _enrol_key(asked: Namespace) -> int:
    private = Ed25519PrivateKey.generate()
    taken = take_up(asked.invitation.read_text("ascii").strip(), asked.secret, private)
    save_private(asked.output, "person", private.private_bytes_raw(), passphrase.new(asked))
    given = ask(asked.socket, "enrol", **taken)
    return answer(asked, given, f"{asked.output}  signs for {given['person']}, key {given['key']}")


def signed(asked: Namespace, typ: str, said: dict[str, Any]) -> str:
    key = signing_key(private(asked.key, "person", passphrase.existing(asked, str(asked.key))))
    return personal.sign(typ, {**said, **ask(asked.socket, "nonce"), "person": asked.person.lower()}, key)


def _ask(act: Act, asked: Namespace) -> int:
    terms = {"act": str(act), "recordings": asked.recordings, "request": asked.request, "purpose": asked.purpose,
             "expires": str(time.time_ns() + asked.lasts)}  # fmt: skip
    given = ask(asked.socket, "file", request=signed(asked, personal.REQUEST, terms))
    says = "is its id. Where the rules want approval, others run `custodian approve` with it."
    return answer(asked, given, given["filed"], says, "Then repeat the command with --approved and this id.")


def _approve(asked: Namespace) -> int:
    found = ask(asked.socket, "filed", filed=asked.filed)
    if asked.verdict:
        said = {**found["terms"], "filed": asked.filed, "verdict": asked.verdict}
        given = ask(asked.socket, "approve", approval=signed(asked, personal.APPROVAL, said))
        return answer(asked, given, f"{given['verdict']}: {asked.filed}")
    lines = (f"  {name} {value}" for name, value in found["terms"].items())
    return answer(asked, found, f"{found['person']} asks, at {iso(found['asked'])}:", *lines)


def _keys(asked: Namespace) -> int:
    if asked.remove:
        gone = ask(asked.socket, "remove", key=asked.remove)
        return answer(asked, gone, f"key {gone['key']} of {gone['person']} was removed")
    given = ask(asked.socket, "keys")
    if asked.json:
        return answer(asked, given)
    rows = [
        (
            str(one["person"]),
            str(one["signs"]),
            *(str(iso(one[at]) or "-") for at in ("at", "removed")),
            str(one["key"]),
        )
        for one in given["keys"]
    ]
    print_table(["person", "signs", "enrolled", "removed", "key"], rows, below=(4,))
    return 0


def _rotate(asked: Namespace) -> int:
    secret = _secret(asked)
    home.Settings.read(asked.home)
    return _new_key(asked, secret, "rotated", {}, "start the custodian again, which reads its keys at its start")


def _share_log(asked: Namespace) -> int:
    given = Namespace(passphrase_file=asked.console_passphrase_file, key_file=asked.console_key_file)
    if (given.passphrase_file is None) == (given.key_file is None):
        raise WrongUsage("say under which passphrase: --console-key-file or --console-passphrase-file")
    secret, under = _secret(asked), passphrase.existing(given, "the console")
    opened, reading = log_of(asked, secret), private(asked.home / "keys" / READ, READS, secret)
    opened.note("key", READ, use="shared")
    asked.output.mkdir(mode=0o700, parents=True, exist_ok=True)
    save_private(asked.output / READ, READS, reading, under)
    write_new(asked.output / PUBLIC, f"{opened.log.verifier}\n".encode(), 0o644)
    says = "Keep a copy of the folder `audit` beside them, and start the console with --openings."
    return answer(asked, {"folder": str(asked.output)}, f"{asked.output}  {READ}, {PUBLIC}", says)


def _compromised(asked: Namespace) -> int:
    secret, settings = _secret(asked), home.Settings.read(asked.home)
    if asked.key not in home.review_keys(asked.home, secret):
        raise WrongUsage(f"{asked.home} has no review key {asked.key}")
    log_of(asked, secret).note("key", asked.key, use="compromised")
    replace(settings, compromised=(*settings.compromised, asked.key)).write(asked.home)
    says = "start the custodian again: until compliance signs a bundle without this key, it opens nothing"
    return answer(asked, {"compromised": asked.key}, says, "its thief opens what was sealed to it until today")


def _adopt(asked: Namespace) -> int:
    from review.commands import adopting  # noqa: PLC0415 - needs a store, and the custodian that serves has none

    return adopting.adopt(asked, _secret(asked))
