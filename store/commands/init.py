"""`init` and `keys`: a store comes into being, and which keys it has."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from store.admin import passphrase
from store.admin.ca import check_address, check_name
from store.admin.home import Home, url_of
from store.admin.init import COMPLIANCE, RECIPIENT, RECOVERY, Plan, check_free, found
from store.admin.signing import read_policies
from store.commands.options import Subcommands, add_command, home_of
from store.commands.siblings import check_policies
from store.commands.values import port
from store.evidence.show import console, print_json, print_table

PORT = 8443


def add(commands: Subcommands[ArgumentParser]) -> None:
    init = add_command(
        commands,
        "init",
        "make a store: its folder, certificates, keys and first bundle",
        "  eyelid-store init --name store.example.com --policies policies/ \\\n      --keys /media/stick\n"
        "  eyelid-store init --home /srv/eyelid --address 10.0.0.5 \\\n      --passphrase-file pass.txt --json",
        _init,
    )
    init.add_argument("--name", action="append", default=[], metavar="HOST", help="a host name PCs reach the store by")
    init.add_argument("--address", action="append", default=[], metavar="IP", help="an IP address they reach it by")
    init.add_argument("--port", type=port, default=PORT, help="the port they reach it by (%(default)s)")
    init.add_argument(
        "--keys",
        type=Path,
        default=Path("eyelid-keys"),
        metavar="DIR",
        help="where the private keys of people go, never into the store's folder: best a USB stick (%(default)s, here)",
    )
    init.add_argument(
        "--recipient-here",
        action="store_true",
        help="leave recipient.key in the store's folder, to export and verify on this machine",
    )
    init.add_argument("--policies", type=Path, metavar="DIR", help="sign the *.yaml files of DIR into the first bundle")
    passphrase.add_options(init)
    add_command(
        commands, "keys", "list the store's keys and where their private halves lie", "  eyelid-store keys", _keys
    )


def _init(options: Namespace) -> int:
    names = [check_name(name) for name in options.name]
    addresses = [check_address(address) for address in options.address]
    first = names[0] if names else addresses[0] if addresses else "localhost"
    check_free(options.home)
    policies = read_policies(options.policies) if options.policies else {}
    if policies:
        check_policies(policies)
    plan = Plan(
        folder=options.home.absolute(),
        address=url_of(first, options.port),
        names=tuple(names),
        addresses=tuple(addresses),
        policies=policies,
        keys=options.keys,
        recipient_here=options.recipient_here,
    )
    home = found(plan, passphrase.new(options))
    if options.json:
        print_json({"home": str(home.folder), "address": home.address, "keys": _facts(home)})
        return 0
    console().print(
        f"A store was made in {home.folder}; PCs reach it at {home.address}.\n", soft_wrap=True, markup=False
    )
    _print_keys(home)
    _say_where_keys_go(home)
    if not plan.policies:
        console().print("The first bundle holds no policy (--policies): each PC needs its own policy folder.")
    console().print("\nNext:  eyelid-store serve     and then     eyelid-store enroll-token")
    return 0


_PLACES = {
    RECIPIENT: "to those who export and verify",
    RECOVERY: "into a safe: it opens every recording, should the recipient key be lost",
    COMPLIANCE: "to compliance: it decides who may read and what the eye closes for,\n      "
    "and those who run the store must not have it",
}


def _say_where_keys_go(home: Home) -> None:
    out = console()
    out.print(
        "\n[bold]Now take these files off this machine[/bold], each on a USB stick of its own, and delete them here:"
    )
    for name, where in _PLACES.items():
        path = home.folder / home.key(name).file
        if not path.is_relative_to(home.folder):
            out.print(f"  {path}\n      {where}", markup=False, soft_wrap=True)
    out.print(
        "They are sealed under the passphrase you gave; without it they stay sealed,\n"
        "and it cannot be restored.\n"
        f"{home.store_key_path} stays: the server signs receipts with it unattended,\n"
        "so it lies open, readable by its owner alone.",
        markup=False,
        soft_wrap=True,
    )


def _keys(options: Namespace) -> int:
    home = home_of(options)
    if options.json:
        print_json({"keys": _facts(home)})
    else:
        _print_keys(home)
    return 0


def _facts(home: Home) -> list[dict[str, object]]:
    return [
        {
            "name": record.name,
            "id": record.id,
            "purpose": record.purpose,
            "private_half": str(home.folder / record.file),
            "here": (home.folder / record.file).exists(),
        }
        for record in home.keys
    ]


def _print_keys(home: Home) -> None:
    print_table(
        ["key", "id", "private half", "what for"],
        [
            (
                record.name,
                record.id,
                str(home.folder / record.file) if (home.folder / record.file).exists() else "not here",
                record.purpose,
            )
            for record in home.keys
        ],
        below=(2, 3),
    )
