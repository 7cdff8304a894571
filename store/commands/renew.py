"""`renew` and `rename`: keys, certificates and the name of a store that PCs already know."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import closing
from dataclasses import replace
from urllib.parse import urlsplit

from sqlalchemy import Connection, insert

from protocol.os_user import os_user
from protocol.terminal import printable
from store.admin import passphrase, renew
from store.admin.ca import check_address, check_name
from store.admin.home import Home, url_of
from store.catalog import schema
from store.catalog.database import Database, explained
from store.clock import wall
from store.commands.options import Subcommands, add_command, home_of
from store.commands.values import port
from store.errors import WrongUsage
from store.evidence.show import console, print_json

_RESTART = "Restart the store: `systemctl restart eyelid-store`, or end `eyelid-store serve` and start it again."


def add(commands: Subcommands[ArgumentParser]) -> None:
    renewed = add_command(
        commands,
        "renew",
        "a new signing key, certificate or authority for the store; PCs follow by themselves",
        "  eyelid-store renew store-key\n  eyelid-store renew ca\n  eyelid-store renew tls\n"
        "  eyelid-store renew ca --drop-old",
        _renew,
    )
    renewed.add_argument(
        "what",
        choices=("store-key", "tls", "ca"),
        help="the key that signs receipts; the server's certificate; the authority that it comes from",
    )
    renewed.add_argument(
        "--drop-old",
        action="store_true",
        help="tls: for the store's present name alone; ca: the one before the newest is trusted no more",
    )
    _common(renewed)
    renamed = add_command(
        commands,
        "rename",
        "another name, address or port by which PCs reach the store; they follow while the old one still answers",
        "  eyelid-store rename --name records.example.com\n  eyelid-store rename --address 10.0.0.9 --port 9443",
        _rename,
    )
    where = renamed.add_mutually_exclusive_group(required=True)
    where.add_argument("--name", metavar="HOST", help="the new host name")
    where.add_argument("--address", metavar="IP", help="the new IP address")
    renamed.add_argument("--port", type=port, help="the new port (as before)")
    _common(renamed)


def _common(parser: ArgumentParser) -> None:
    parser.add_argument("--anyway", action="store_true", help="although some PCs have not heard of the last change yet")
    passphrase.add_options(parser)


def _renew(options: Namespace) -> int:
    home, now = home_of(options), wall()
    with closing(home.database()) as database, explained(str(home.database_path)):
        match options.what, options.drop_old:
            case "store-key", False:
                with database.writing() as connection:
                    new = renew.new_store_key(home, connection, now)
                    _note(connection, "renew-store-key", now)
                renew.put_store_key(home, new)
                done = "The store has a new signing key, signed by the one before."
            case "tls", drop:
                _refuse_early(database, home, options)
                issuer = renew.authority(home, passphrase.existing(options, str(home.ca_key)))
                names, addresses = _present(home) if drop else renew.names_of(home)
                renew.renew_certificate(home, issuer, names, addresses, now)
                with database.writing() as connection:
                    _note(connection, "renew-tls", now)
                done = f"The server has a new certificate, for {', '.join((*names, *addresses)) or 'this machine'}."
            # PCs are told before the files change: whichever step is the last one, the command can be given again.
            case "ca", True:
                _refuse_early(database, home, options)
                left = renew.without_old_authority(home)
                with database.writing() as connection:
                    renew.publish(home, connection, now, left)
                    _note(connection, "drop-old-ca", now)
                renew.drop_old_authority(home, left)
                done = "PCs are told to trust the newest authority alone."
            case "ca", False:
                with database.reading() as connection:
                    published = renew.is_published(home, connection)
                both = renew.new_authority(
                    home, passphrase.existing(options, str(home.ca_key)), now, published=published
                )
                with database.writing() as connection:
                    renew.publish(home, connection, now, both)
                    _note(connection, "renew-ca", now)
                if both is not None:
                    renew.put_authority(home, both)
                done = "PCs are told to trust a new authority beside the old one. When all have heard: renew tls."
            case _:
                raise WrongUsage("--drop-old is for tls and ca: an old signing key still proves old receipts")
    return _say(options, home, done, restart=options.what != "ca")


def _rename(options: Namespace) -> int:
    home, now = home_of(options), wall()
    host = check_name(options.name) if options.name else check_address(options.address)
    renamed = replace(home, address=url_of(host, options.port or urlsplit(home.address).port or 443))
    with closing(home.database()) as database, explained(str(home.database_path)):
        _refuse_early(database, home, options)
        issuer = renew.authority(home, passphrase.existing(options, str(home.ca_key)))
        names, addresses = renew.names_of(home)
        (names if options.name else addresses).append(host)
        # PCs come to the old name until they are told, and a certificate for both is good for either.
        renew.renew_certificate(home, issuer, names, addresses, now)
        with database.writing() as connection:
            renew.publish(renamed, connection, now)
            _note(connection, "rename", now)
        renamed.replace_settings()
    done = f"PCs are told to come to {renamed.address}; its certificate is good for the old name, too."
    return _say(options, renamed, done, restart=True)


def _refuse_early(database: Database, home: Home, options: Namespace) -> None:
    """While two authorities count, a PC that knows the old one alone would be shut out by the next step."""
    if options.anyway or not renew.has_two_authorities(home):
        return
    with database.reading() as connection:
        published, late = renew.is_published(home, connection), renew.not_followed(connection)
    if not published:
        raise WrongUsage(
            "the new authority was never published to the PCs: run `renew ca` again, which was cut short, and wait "
            "until they were on"
        )
    if late:
        raise WrongUsage(
            f"{len(late)} PCs have not said yet that they know the new authority ({printable(', '.join(late[:5]))}"
            f"{', ...' if len(late) > 5 else ''}): wait until they were on, or say --anyway and enrol them anew"
        )


def _present(home: Home) -> tuple[list[str], list[str]]:
    host = urlsplit(home.address).hostname or ""
    try:
        return [], [check_address(host)]
    except WrongUsage:
        return [host], []


def _note(connection: Connection, action: str, now: int) -> None:
    entry = {"at": now, "operator": os_user(), "action": action, "reason": ""}
    connection.execute(insert(schema.audit).values(**entry))


def _say(options: Namespace, home: Home, done: str, *, restart: bool) -> int:
    if options.json:
        print_json({"address": home.address, "done": done, "restart": restart})
    else:
        console().print(done, soft_wrap=True, markup=False)
        if restart:
            console().print(_RESTART, soft_wrap=True, markup=False)
    return 0
