"""`eyelid browser install · remove · status · pack · policy`: from a PC with a browser to a browser that tells."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from agent import config
from agent.browser import enterprise, install, manifests, pack, places
from agent.browser.places import Browser
from agent.browser.status import WHY_NOT_SANDBOXED, BrowserStatus, browser_status
from agent.control import control
from agent.errors import EnvironmentFault, UserError

ID = re.compile("[a-p]{32}")
KEY = "eyelid-extension.pem"


def add_to(commands: Any) -> None:
    browser = commands.add_parser(
        "browser", help="let the browsers tell which pages are open", epilog="example: eyelid browser status"
    )
    verbs = browser.add_subparsers(metavar="VERB", required=True)

    put = verbs.add_parser(
        "install",
        help="let the browsers start the relay",
        description="Writes the file by which a browser finds the relay: for you and the browsers that are installed, "
        "or with --system for everybody and all of them. Doing it again changes nothing.",
        epilog="example: sudo eyelid browser install --system --id kjfh... (the id that `eyelid browser pack` printed)",
    )
    _add_choice(put)
    put.add_argument("--system", action="store_true", help="for every user of this PC")
    put.add_argument(
        "--id", action="append", default=[], type=_id, metavar="ID",
        help="let in the extension with this id, for a package with a key of your own (default: the unpacked one's)",
    )  # fmt: skip
    put.add_argument("--json", action="store_true", help="print one JSON object")
    put.set_defaults(work=_install)

    take = verbs.add_parser(
        "remove",
        help="undo install",
        description="Takes away what install wrote, for you or with --system for everybody.",
        epilog="example: eyelid browser remove --browser firefox",
    )
    _add_choice(take)
    take.add_argument("--system", action="store_true", help="what was written for every user of this PC")
    take.add_argument("--json", action="store_true", help="print one JSON object")
    take.set_defaults(work=_remove)

    status = verbs.add_parser(
        "status",
        help="how each browser stands, and what is next",
        description="Exit code 0: every browser that is here would start the relay. 1: one would not.",
        epilog="example: eyelid browser status --json",
    )
    _add_choice(status)
    status.add_argument("--json", action="store_true", help="print one JSON object")
    status.set_defaults(work=_status)

    packing = verbs.add_parser(
        "pack",
        help="make the files that browsers install the extension from",
        description="Writes eyelid.crx, eyelid.xpi and update.xml into a folder that you put on a web server. The same "
        "source and key give the same bytes; the key decides the extension's id.",
        epilog="example: eyelid browser pack -o browser/ --url https://intranet.example.com/eyelid/",
    )
    packing.add_argument("--key", type=Path, default=Path(KEY), metavar="FILE", help=f"made when missing ({KEY})")
    packing.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="the folder to write into")
    packing.add_argument("--url", metavar="URL", help="where the folder will be served, for update.xml")
    packing.add_argument("--json", action="store_true", help="print one JSON object")
    packing.set_defaults(work=_pack)

    policy = verbs.add_parser(
        "policy",
        help="print the enterprise policy that makes browsers carry the extension",
        description="Prints, for each browser, the file that IT puts in force on Linux; installer/browser/README.md "
        "says where the same entries go with GPO and Intune. One --browser prints its JSON and nothing else.",
        epilog="example: eyelid browser policy --browser chrome --id kjfh... "
        "--crx-url https://intranet.example.com/eyelid/update.xml",
    )
    _add_choice(policy)
    policy.add_argument("--crx-url", metavar="URL", help="where update.xml of `pack` is served")
    policy.add_argument("--xpi-url", metavar="URL", help="where the signed XPI is served")
    policy.add_argument("--id", type=_id, metavar="ID", help="the id that `pack` printed (default: the unpacked one's)")
    policy.set_defaults(work=_policy)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--browser", nargs="+", action="extend", choices=places.NAMES, metavar="NAME", help=", ".join(places.NAMES)
    )


def _id(text: str) -> str:
    if ID.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"{text} is no id of an extension: 32 letters from a to p")
    return text


def _chosen(asked: argparse.Namespace) -> list[Browser]:
    names = dict.fromkeys(asked.browser or places.NAMES)
    return [places.named(name) for name in names]


# -- install, remove, status -------------------------------------------------------------------------------------------


def _install(asked: argparse.Namespace) -> int:
    scope: install.Scope = "system" if asked.system else "user"
    chosen = [browser for browser in _chosen(asked) if _worth(browser, asked)]
    if not chosen:
        raise UserError(f"no browser that could start the relay is installed; name one: --browser {places.NAMES[0]}")
    if "SUDO_UID" in os.environ and not asked.system:
        print("eyelid: this is for root's own browsers; run it without sudo for yours", file=sys.stderr)
    written = install.install(chosen, scope, config.load().home, asked.id)
    if asked.json:
        print(json.dumps({"written": [str(path) for path in written]}))
        return 0
    for path in written:
        print(f"wrote {path}")
    print("A browser that runs hears of it when its extension starts anew; `eyelid browser status` says what is next.")
    return 0


def _worth(browser: Browser, asked: argparse.Namespace) -> bool:
    """Whether to write for this browser. Raises UserError for one that was asked for by name and could never work."""
    here, sandbox = places.program(browser), places.sandboxed(browser)
    if here is None and sandbox is not None:
        why = f"{sandbox[1]}: {WHY_NOT_SANDBOXED.format(kind=sandbox[0], title=browser.title)}"
        if asked.browser:
            raise UserError(why)
        print(f"eyelid: passed over {why}.", file=sys.stderr)
        return False
    # Packages come in any order: what is written for everybody waits there for a browser.
    return bool(asked.browser) or asked.system or here is not None


def _remove(asked: argparse.Namespace) -> int:
    gone = install.remove(_chosen(asked), "system" if asked.system else "user", config.load().home)
    if asked.json:
        print(json.dumps({"removed": [str(path) for path in gone]}))
        return 0
    for path in gone:
        print(f"removed {path}")
    if not gone:
        print("There was nothing to remove" + ("." if asked.system else "; with --system, what is for everybody."))
    return 0


def _status(asked: argparse.Namespace) -> int:
    all_of_them = [browser_status(browser) for browser in _chosen(asked)]
    connected = _connected()
    if asked.json:
        print(json.dumps({"browsers": [_as_json(one, connected) for one in all_of_them]}))
    else:
        print("\n\n".join("\n".join(_lines(one, connected)) for one in all_of_them))
    return 0 if all(one.ready for one in all_of_them if one.here) else 1


def _connected() -> Mapping[str, int] | None:
    """How many profiles of each browser speak to the running recorder; None where none runs, or it does not say."""
    try:
        connected = control.request(config.load().home, "status").get("browsers")
    except control.NotRunning:
        return None
    if not isinstance(connected, list):
        return None
    names = [str(one.get("browser", "")).lower() for one in connected if isinstance(one, dict)]
    return {name: names.count(name) for name in places.NAMES}


def _as_json(one: BrowserStatus, connected: Mapping[str, int] | None) -> dict[str, Any]:
    fields = {
        "browser": one.browser.name,
        "program": None if one.program is None else str(one.program),
        "sandbox": None if one.sandbox is None else {"kind": one.sandbox[0], "path": str(one.sandbox[1])},
        "ready": one.ready,
        "manifests": [{**dataclasses.asdict(placed), "path": str(placed.path)} for placed in one.manifests],
        "policy": {
            **dataclasses.asdict(one.policy),
            "files": [str(path) for path in one.policy.files],
            "unread": [str(path) for path in one.policy.unread],
        },
        "next": list(one.next),
    }
    return fields if connected is None else {**fields, "connected": connected[one.browser.name]}


def _lines(one: BrowserStatus, connected: Mapping[str, int] | None) -> Iterable[str]:
    if not one.here:
        yield f"{one.browser.title}: not installed"
    elif one.program is None:
        yield f"{one.browser.title}: only as a {one.sandbox[0] if one.sandbox else ''}"
    else:
        yield f"{one.browser.title}: {one.program}"
    for placed in one.manifests:
        whose = "yours" if placed.scope == "user" else "everybody's"
        yield f"  manifest   {placed.path} ({whose}): {placed.trouble or 'right'}"
    if not one.here:
        return
    if not one.manifests:
        yield "  manifest   none: it cannot start the relay"
    if one.policy.files:
        marks = {
            "extension installed by force": one.policy.extension,
            "private windows covered": one.policy.private,
            "other extensions blocked": one.policy.others_blocked,
            "previews of tabs off": one.policy.previews_off,
        }
        said = [f"{what}: {'yes' if mark else 'no'}" for what, mark in marks.items() if mark is not None]
        yield f"  policy     {', '.join(str(path) for path in one.policy.files)}: {', '.join(said)}"
    else:
        yield "  policy     none: its user can remove the extension"
    if connected is not None:
        count = connected[one.browser.name]
        yield f"  connected  {'no' if not count else '1 profile' if count == 1 else f'{count} profiles'}"
    for step in one.next:
        yield f"  next       {step}"


# -- pack, policy ------------------------------------------------------------------------------------------------------


def _pack(asked: argparse.Namespace) -> int:
    folder: Path = asked.output
    if asked.key.absolute().parent.resolve() == folder.absolute().resolve():
        raise UserError(f"{asked.key} would lie in the folder that you publish: keep the key elsewhere")
    base = _url(asked.url, "--url") if asked.url else enterprise.EXAMPLE_UPDATE_URL.removesuffix(pack.UPDATE)
    base = base if base.endswith("/") else base + "/"
    made = not asked.key.exists()
    try:
        key = pack.make_key(asked.key) if made else pack.read_key(asked.key)
    except OSError as error:
        raise UserError(f"{asked.key} cannot be {'made' if made else 'read'}: {error.strerror}") from None
    packed = pack.pack(key)
    update = pack.update_xml(packed.chromium_id, packed.version, base + pack.CRX)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in ((pack.CRX, packed.crx), (pack.XPI, packed.xpi), (pack.UPDATE, update.encode())):
            manifests.place(folder / name, content, install.READABLE)
    except OSError as error:
        raise EnvironmentFault(f"{folder} cannot be written: {error.strerror}") from None
    if made:
        print(
            f"eyelid: made {asked.key}. Keep it, and keep it secret: only with it can a later version be the same "
            "extension, and a program that has it can pass for Eyelid in your browsers.",
            file=sys.stderr,
        )
    elif asked.key.stat().st_mode & 0o077:
        print(f"eyelid: others may read {asked.key}: chmod 600 {asked.key}", file=sys.stderr)
    if not asked.url:
        print(f"eyelid: {pack.UPDATE} names an example's address; give yours with --url", file=sys.stderr)
    packed_as = {"chromium_id": packed.chromium_id, "firefox_id": packed.firefox_id, "version": packed.version}
    if asked.json:
        print(json.dumps({**packed_as, "files": [str(folder / name) for name in (pack.CRX, pack.XPI, pack.UPDATE)]}))
        return 0
    print(f"version      {packed.version}")
    print(f"Chromium id  {packed.chromium_id}   {folder / pack.CRX}, {folder / pack.UPDATE}")
    print(f"Firefox id   {packed.firefox_id}   {folder / pack.XPI} (for Firefox to sign: installer/browser/README.md)")
    print(f"next         eyelid browser policy --id {packed.chromium_id} --crx-url {base}{pack.UPDATE}")
    return 0


def _policy(asked: argparse.Namespace) -> int:
    chosen = _chosen(asked)
    update = _url(asked.crx_url, "--crx-url") if asked.crx_url else enterprise.EXAMPLE_UPDATE_URL
    if update.endswith(".crx"):
        raise UserError("--crx-url: browsers ask for update.xml, which names the CRX; `eyelid browser pack` makes both")
    xpi = _url(asked.xpi_url, "--xpi-url") if asked.xpi_url else enterprise.EXAMPLE_XPI_URL
    id_ = asked.id or manifests.chromium_id()
    families = {browser.family for browser in chosen}
    if "chromium" in families and not asked.id:
        print("eyelid: the id is the unpacked extension's; a package has its key's: give --id", file=sys.stderr)
    given = {"--crx-url": ("chromium", asked.crx_url), "--xpi-url": ("firefox", asked.xpi_url)}
    missing = [option for option, (family, url) in given.items() if family in families and not url]
    if missing:
        print(f"eyelid: the addresses are an example's; give yours with {' and '.join(missing)}", file=sys.stderr)
    for browser in chosen:
        if len(chosen) > 1:
            name = "policies.json" if browser.family == "firefox" else "eyelid.json"
            print(f"# {browser.title}: /{browser.policies}/{name}")
        print(manifests.as_text(enterprise.policy(browser, id_, update, xpi)), end="")
    return 0


def _url(text: str, option: str) -> str:
    if re.fullmatch(r"(https?|file)://\S+", text) is None:
        raise UserError(f"{option}: a whole address, such as https://intranet.example.com/eyelid/")
    return text
