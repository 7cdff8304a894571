"""`bundle`: who may read, what the eye closes for and who may see what, signed on compliance's laptop and taken over by
the store.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import base64url
from protocol.carried import carried
from protocol.errors import BundleError
from protocol.keyfile import load_private, save_private
from protocol.keys import RecipientPrivate, signing_key, thumbprint
from protocol.language.errors import MistakesError
from protocol.language.folder import read_files
from protocol.os_user import os_user
from protocol.terminal import Wrapped, printable
from store.admin import passphrase, signing
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECIPIENT
from store.admin.signing import Said
from store.catalog.database import explained
from store.catalog.queries import ahead_of
from store.catalog.statements import governance_of, newest_bundle
from store.clock import wall
from store.commands.options import Subcommands, add_command, home_of
from store.commands.siblings import check_governance, check_policies
from store.errors import StoreError, WrongUsage
from store.evidence.show import console, iso, print_json, print_table, when
from store.files import write_new

_NAMED = 10  # PCs
OPENS_NOTHING = "nothing is opened but by a reader's key, offline"

_EXAMPLE = """\
a change, start to end:
  # on the store; carry the file to the laptop that has the compliance key
  eyelid-store bundle show --save current.bundle
  # on the laptop
  eyelid policy check policies/ && eyelid policy test policies/
  eyelid-review governance check governance/
  eyelid-store bundle sign --key compliance.key --from current.bundle \\
      --policies policies/ --governance governance/ -o next.bundle
  # on the store: every PC has it within a minute
  eyelid-store bundle put next.bundle
"""


def add(commands: Subcommands[ArgumentParser]) -> None:
    bundle = commands.add_parser(
        "bundle",
        help="show, sign and take over who may read recordings and what the eye closes for",
        description="Shows, signs and takes over who may read recordings and what the eye closes for.",
        epilog=_EXAMPLE,
        formatter_class=Wrapped,
    )
    parts = bundle.add_subparsers(title="commands", metavar="COMMAND", required=True)

    show = add_command(
        parts,
        "show",
        "say what a bundle says: revision, signer, readers, policy and its rules, governance",
        "  eyelid-store bundle show\n  eyelid-store bundle show next.bundle --signer 4Yk2... --json",
        _show,
    )
    show.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="a bundle's file; by default what the store has"
    )
    show.add_argument("--signer", metavar="FINGERPRINT", help="refuse one that another key signed")
    show.add_argument("--save", type=Path, metavar="FILE", help="also write it to a new file, to sign the next from it")
    show.add_argument(
        "--save-governance",
        type=Path,
        metavar="DIR",
        help="also write the governance files that it carries to a new folder",
    )

    sign = add_command(
        parts,
        "sign",
        "sign the next bundle; needs the compliance key and no store",
        "  eyelid-store bundle sign --key compliance.key --from current.bundle \\\n"
        "      --policies policies/ -o next.bundle\n"
        "  eyelid-store bundle sign --key compliance.key --from current.bundle \\\n"
        "      --add-reader audit.pub -o next.bundle",
        _sign,
        home=False,
    )
    sign.add_argument("--key", type=Path, required=True, metavar="FILE", help="the compliance key")
    sign.add_argument(
        "--from", dest="before", type=Path, required=True, metavar="FILE", help="the bundle in force (`show --save`)"
    )
    policy = sign.add_mutually_exclusive_group()
    policy.add_argument(
        "--policies", type=Path, metavar="DIR", help="the *.yaml files of DIR are the policy from now on"
    )
    policy.add_argument(
        "--no-policy", action="store_true", help="sign none: each PC's own policy folder counts from now on"
    )
    rules = sign.add_mutually_exclusive_group()
    rules.add_argument(
        "--governance", type=Path, metavar="DIR", help="the *.yaml files of DIR say who may see what from now on"
    )
    rules.add_argument(
        "--no-governance", action="store_true", help="carry none: nothing is opened but by a reader's key, offline"
    )
    for name, metavar, words in (
        ("--add-reader", "FILE", "a reader's public key; recordings that begin from now on are sealed to them too"),
        ("--remove-reader", "ID", "the key id of a reader, or its beginning; they keep what they can open already"),
    ):
        reads: Any = Path if metavar == "FILE" else str
        sign.add_argument(name, action="append", default=[], type=reads, metavar=metavar, help=words)
    sign.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a file that is not there yet")
    passphrase.add_options(sign)

    put = add_command(
        parts,
        "put",
        "take over a signed bundle; every PC has it within a minute",
        "  eyelid-store bundle put next.bundle",
        _put,
    )
    put.add_argument("file", type=Path, metavar="FILE", help="what `bundle sign` wrote")

    reader = add_command(
        parts,
        "reader",
        "make the keys of a new reader: a private one to keep, and a public one for `sign --add-reader`",
        "  eyelid-store bundle reader -o audit      # writes audit.key and audit.pub",
        _reader,
        home=False,
    )
    reader.add_argument(
        "-o", "--output", type=Path, required=True, metavar="NAME", help="the files' name without ending"
    )
    passphrase.add_options(reader)


# -- show ---------------------------------------------------------------------------------------------------------


def _show(options: Namespace) -> int:
    home: Home | None = None
    if options.file is None:
        home = home_of(options)
        shown = _newest(home, options.signer or home.key(COMPLIANCE).id)
    else:
        shown = signing.read_bundle(options.file, options.signer)
    if options.save_governance is not None:
        _write_governance(options.save_governance, shown)
    if options.save is not None:
        _write(options.save, shown.text)
    names = {} if home is None else {record.id: record.name for record in home.keys}
    if options.json:
        print_json(_facts(shown, names))
    else:
        _print(shown, names, checked=home is not None or options.signer is not None)
    return 0


def _newest(home: Home, signer: str) -> Said:
    with (
        closing(home.database()) as database,
        explained(str(home.database_path)),
        database.reading() as connection,
    ):
        newest = newest_bundle(connection)
        if newest is None:
            raise StoreError(f"{home.folder} has no bundle: put its database back from a backup")
        shown = signing.said(newest[1], signer=signer)
        behind = governance_of(connection, shown.bundle.governance)
    with suppress(BundleError):  # damaged files are as none: the rest of the bundle must be had all the same
        shown = signing.said(newest[1], behind, signer)
    return shown


def _facts(shown: Said, names: dict[str, str]) -> dict[str, Any]:
    made = shown.bundle
    return {
        "revision": made.revision,
        "created": iso(made.created),
        "signer": shown.signer,
        "readers": [{"id": one.key_id, "name": names.get(one.key_id)} for one in made.recipients],
        "policy": shown.policy or None,
        "files": {name: len(text.encode("utf-8")) for name, text in made.policy_files.items()},
        "rules": [{"id": rule.id, "why": rule.why} for rule in shown.rules],
        "governance": _governance_facts(shown) if made.governance else None,
        "notice": made.notice or None,
    }


def _governance_facts(shown: Said) -> dict[str, Any]:
    """`files` is None where they are not here, or are not those that were signed."""
    sizes = {name: len(content) for name, content in shown.governance.items()}
    return {"hash": shown.bundle.governance, "revision": shown.governance_revision, "files": sizes or None}


def _print(shown: Said, names: dict[str, str], *, checked: bool) -> None:
    out, made = console(), shown.bundle
    rows = [
        ("revision", f"{made.revision}, signed {when(made.created)}"),
        ("signer", shown.signer + ("" if checked else "  (compare it with the fingerprint that you know)")),
        *(("reader", f"{one.key_id}  {names.get(one.key_id, '')}".strip()) for one in made.recipients),
        ("policy", shown.policy or "none: the policy folder of each PC counts"),
        *(
            ("file", f"{printable(name)}, {len(text.encode('utf-8'))} bytes")
            for name, text in made.policy_files.items()
        ),
        ("governance", _governance(shown)),
        *(("file", f"{printable(name)}, {len(content)} bytes") for name, content in shown.governance.items()),
        *(("notice", printable(line)) for line in made.notice.splitlines()),
    ]
    for heading, value in rows:
        out.print(f"{heading:10} {value}", markup=False, soft_wrap=True)
    if shown.rules:
        out.print()
        print_table(["rule", "why"], [(rule.id, rule.why) for rule in shown.rules])


def _governance(shown: Said) -> str:
    if not shown.bundle.governance:
        return f"none: {OPENS_NOTHING}"
    if not shown.whole:
        return f"{shown.bundle.governance}, and its files are not here: put the file that `bundle sign` wrote once more"
    return f"{shown.bundle.governance}, revision {shown.governance_revision}"


# -- sign ---------------------------------------------------------------------------------------------------------


def _sign(options: Namespace) -> int:
    key = _compliance_key(options)
    before = signing.read_bundle(options.before, thumbprint(key.public_key()))
    policies = {} if options.no_policy else signing.read_policies(options.policies) if options.policies else None
    if policies:
        check_policies(policies)
    change = signing.Change(
        policies=policies,
        governance=_governance_of(options),
        add=[signing.read_reader(path) for path in options.add_reader],
        remove=options.remove_reader,
    )
    made, carries = signing.next_bundle(before, change, wall())
    signed = signing.said(signing.sign(made, key), carried(carries) if carries else "")
    _write(options.output, signed.text)
    gone = signing.vanished(before.bundle, made)
    if options.json:
        print_json({"file": str(options.output), "vanished": list(gone), **_facts(signed, {})})
        return 0
    _print(signed, {}, checked=True)
    if gone:
        warning = (
            f"\nRULES THAT ARE GONE: {printable(', '.join(gone))}. PCs raise an alarm at that, also where it is meant."
        )
        console().print(warning, style="bold red", markup=False, soft_wrap=True)
    if before.bundle.governance and not made.governance:
        console().print(f"\nGOVERNANCE IS GONE: {OPENS_NOTHING}.", style="bold red", markup=False, soft_wrap=True)
    console().print(f"\nOn the store:  eyelid-store bundle put {options.output}", markup=False, soft_wrap=True)
    return 0


def _governance_of(options: Namespace) -> signing.CheckedGovernance | None:
    if options.no_governance:
        return signing.CheckedGovernance()
    if options.governance is None:
        return None
    try:
        return check_governance(read_files(options.governance, "set of governance rules"))
    except MistakesError as error:
        raise WrongUsage("\n".join(error.mistakes)) from None


def _compliance_key(options: Namespace) -> Ed25519PrivateKey:
    try:
        private = load_private(options.key, passphrase.existing(options, str(options.key)))
    except OSError as error:
        raise StoreError(f"{options.key} cannot be read: {error.strerror or error}") from None
    if private.kind != COMPLIANCE:
        raise WrongUsage(f"{options.key} is a {private.kind} key: a bundle is signed with the compliance key")
    return signing_key(private.raw)


def _write(path: Path, text: str) -> None:
    try:
        write_new(path, text.encode("ascii") + b"\n", 0o644)
    except FileExistsError:
        raise WrongUsage(f"{path} is there already: name a new file") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from None


def _write_governance(folder: Path, shown: Said) -> None:
    if not shown.governance:
        raise StoreError(f"this bundle carries no governance files: {_governance(shown)}")
    try:
        folder.mkdir()
        for name, content in shown.governance.items():
            write_new(folder / name, content, 0o644)
    except FileExistsError:
        raise WrongUsage(f"{folder} is there already: name a new folder") from None
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror}") from None


# -- put ----------------------------------------------------------------------------------------------------------


def _put(options: Namespace) -> int:
    home = home_of(options)
    offered = signing.read_bundle(options.file, home.key(COMPLIANCE).id)
    if not offered.whole:
        raise StoreError(
            f"{options.file} is refused: its bundle has governance, and the governance files are not in it: put the "
            "file that `bundle sign` wrote, whole"
        )
    with (
        closing(home.database()) as database,
        explained(str(home.database_path)),
        database.writing() as connection,
    ):
        again = offered.token == (newest_bundle(connection) or (0, ""))[1]
        refused = signing.take(connection, offered, operator=os_user(), at=wall())
        ahead = [] if again else ahead_of(connection, offered.bundle.revision)
    if refused:
        raise StoreError(f"{options.file} is refused: {refused}")
    names = {record.id: record.name for record in home.keys}
    if options.json:
        print_json({**_facts(offered, names), "refused_by": ahead})
        return 0
    _print(offered, names, checked=True)
    if ahead:
        # As after a database was put back from a backup. No refusal here: it is the PC's word alone, and it may be
        # that very bundle that is put again.
        many = f"{len(ahead)} PC{'s have' if len(ahead) > 1 else ' has'}"
        warning = (
            f"\n{many} revision {offered.bundle.revision} or a newer one already and will refuse this one, unless it "
            "is the very same: sign one with a higher revision, from the newest bundle there is. "
            f"{printable(', '.join(ahead[:_NAMED]))}{' ...' if len(ahead) > _NAMED else ''}"
        )
        console().print(warning, style="bold red", markup=False, soft_wrap=True)
    console().print(
        "\nThe store hands it out from now on: PCs that are on have its policy within a minute, and its readers from "
        "their next recording on. `eyelid-store devices` says which have it.",
        soft_wrap=True,
    )
    return 0


# -- reader -------------------------------------------------------------------------------------------------------


def _reader(options: Namespace) -> int:
    private, public = (options.output.with_name(f"{options.output.name}.{ending}") for ending in ("key", "pub"))
    if public.exists():
        raise WrongUsage(f"{public} is there already: name another")
    made = RecipientPrivate.generate()
    try:
        save_private(private, RECIPIENT, made.to_bytes(), passphrase.new(options))
    except OSError as error:
        raise StoreError(f"{private} cannot be written: {error.strerror}") from None
    _write(public, base64url.encode(made.public.to_bytes()))
    if options.json:
        print_json({"id": made.key_id, "private": str(private), "public": str(public)})
        return 0
    console().print(f"reader {made.key_id}", markup=False, soft_wrap=True)
    console().print(f"{private}  opens recordings: keep it, under its passphrase", markup=False, soft_wrap=True)
    console().print(f"{public}  for compliance: `bundle sign --add-reader`", markup=False, soft_wrap=True)
    return 0
