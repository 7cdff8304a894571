"""`enroll-token`, `devices` and `revoke`: which PCs may send."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from contextlib import closing
from functools import partial
from importlib.metadata import version
from uuid import uuid4

from sqlalchemy import update

from protocol.enrolment import Enrolment, make
from protocol.errors import EnrolmentError
from store.admin.init import COMPLIANCE
from store.catalog import schema
from store.catalog.database import explained
from store.catalog.queries import devices, last_health, stored_bytes
from store.clock import wall
from store.commands.options import Subcommands, add_command, choose_device, home_of
from store.commands.roster import print_devices
from store.commands.values import count, duration
from store.errors import WrongUsage
from store.evidence.evidence import Policies
from store.evidence.isolation import Unreadable, each
from store.evidence.show import console, iso, print_json, progress, when
from store.evidence.timeline.device_status import DeviceStatus, device_status, unreadable
from store.server.enrolment import make_secret


def add(commands: Subcommands[ArgumentParser]) -> None:
    token = add_command(
        commands,
        "enroll-token",
        "print a token that lets PCs enrol",
        "  eyelid-store enroll-token\n"
        "  eyelid-store enroll-token --uses 50 --expires 30d --group leeds |\n"
        "      install -m 600 /dev/stdin token.txt",
        _enroll_token,
    )
    token.add_argument("--uses", type=count, default=1, metavar="N", help="PCs that may enrol with it (%(default)s)")
    token.add_argument("--expires", type=duration, default="7d", metavar="TIME", help="30m, 12h, 7d (%(default)s)")
    token.add_argument("--group", default="", help="a word that the PCs are listed under")
    token.add_argument("--address", metavar="URL", help="where these PCs reach the store (that of `init`)")
    listed = add_command(
        commands,
        "devices",
        "list every PC, broken ones first: state, version, blind share, last receipt, alarms, what to do next",
        "  eyelid-store devices\n  eyelid-store devices --json | jq '.devices[] | select(.level == \"broken\")'",
        _devices,
    )
    listed.add_argument("--all", action="store_true", help="also those that left or were enrolled anew")
    listed.add_argument("--wide", action="store_true", help="one line a PC, however narrow the terminal is")
    revoke = add_command(
        commands,
        "revoke",
        "shut a PC out, at once and for good; what it sent stays",
        "  eyelid-store revoke 3f2c91d0",
        _revoke,
    )
    revoke.add_argument("device", metavar="DEVICE", help="its id, or the beginning of it")


def _enroll_token(options: Namespace) -> int:
    home = home_of(options)
    address = options.address or home.address
    if not address.startswith(("https://", "http://")):
        raise WrongUsage(f"--address {address}: it must begin with https://")
    if len(options.group) > 200:
        raise WrongUsage("--group has more than 200 characters")
    now, enrolment = wall(), str(uuid4())
    with (
        closing(home.database()) as database,
        explained(str(home.database_path)),
        database.writing() as connection,
    ):
        secret = make_secret(
            connection,
            uses=options.uses,
            expires_at=now + options.expires,
            group=options.group,
            now=now,
            enrolment=enrolment,
        )
    try:
        token = make(
            Enrolment(
                address=address,
                ca=home.ca_certificate.read_text("ascii") if address.startswith("https://") else "",
                store_key=home.store_key().public_key(),
                compliance=home.key(COMPLIANCE).id,
                secret=secret,
                group=options.group,
            )
        )
    except EnrolmentError as error:
        raise WrongUsage(str(error)) from None
    if options.json:
        facts = {"token": token, "id": enrolment, "uses": options.uses, "group": options.group}
        facts["compliance"] = home.key(COMPLIANCE).id
        print_json(facts | {"expires": iso(now + options.expires)})
        return 0
    console(stderr=True).print(
        f"Good for {options.uses} enrolment{'s' if options.uses > 1 else ''} until {when(now + options.expires)}; "
        "a PC that has it can enrol, so send it as you would a password. `eyelid enroll` asks for it; "
        f"`eyelid-store tokens --withdraw {enrolment[:8]}` takes it back. A PC that has it believes what "
        f"compliance's key {home.key(COMPLIANCE).id} signs: compare that fingerprint with compliance's first:"
    )
    print(token)
    return 0


def _devices(options: Namespace) -> int:
    home = home_of(options)
    now = wall()
    with closing(home.database()) as database, explained(str(home.database_path)):
        with database.reading() as connection:
            known = devices(connection)
        ask = partial(device_status, database, now=now, store_version=version("eyelid"), policies=Policies())
        listed = []
        with progress("looking", len(known)) as advance:
            for one in each(known, ask, unreadable):
                listed.append(one)
                advance(1)
        with database.reading() as connection:
            asked = ((device.id, last_health(connection, device.id)) for device in known)
            health = {device: last for device, last in asked if last is not None}
            stored = stored_bytes(connection)
    if options.json:
        facts_of = partial(_facts, health=health, stored=stored)
        print_json({"devices": list(each(listed, facts_of, partial(_facts_without, stored=stored)))})
        return 0
    if not listed:
        console().print("No PC is enrolled: `eyelid-store enroll-token` prints the token for one.")
        return 0
    print_devices(console(), listed, now, wide=options.wide, gone=options.all)
    return 0


def _facts_without(one: DeviceStatus, why: Unreadable, *, stored: dict[str, int]) -> dict[str, object]:
    """Of a PC whose last health is no JSON."""
    return _facts(unreadable(one.device, why), {}, stored)


def _facts(one: DeviceStatus, health: dict[str, tuple[int, str]], stored: dict[str, int]) -> dict[str, object]:
    device, last = one.device, health.get(one.device.id)
    return {
        "device": device.id,
        "host": device.host,
        "user": device.user,
        "os": device.os,
        "agent_version": one.version,
        "group": device.group,
        "enrolled": iso(device.enrolled_at),
        "revoked": iso(device.revoked_at),
        "level": one.level.name.lower(),
        "gone": one.gone,
        "state": one.state,
        "words": one.words,
        "others": list(one.others),
        "next_step": one.next_step,
        "heard": iso(one.heard),
        "last_receipt": iso(one.receipt),
        "blind_share": round(one.blind_share, 6),
        "pending_chunks": one.pending_chunks,
        "pending_bytes": one.pending_bytes,
        "holds": list(one.holds),
        "alarms": list(one.alarms),
        "alarms_told": list(one.reported),
        "bundle_revision": one.bundle_revision,
        "health": json.loads(last[1]) if last else None,
        "stored": stored.get(device.id, 0),
    }


def _revoke(options: Namespace) -> int:
    home = home_of(options)
    with (
        closing(home.database()) as database,
        explained(str(home.database_path)),
        database.writing() as connection,
    ):
        device = choose_device(options.device, devices(connection), home)
        new = device.revoked_at is None
        if new:
            connection.execute(update(schema.devices).where(schema.devices.c.id == device.id).values(revoked_at=wall()))
    if options.json:
        print_json({"device": device.id, "host": device.host, "revoked": True, "was_revoked": not new})
    else:
        console().print(f"{device.id} is shut out{'' if new else ' already'}; its recordings stay.", soft_wrap=True)
    return 0
