"""Signed bundles by the commands alone: signed without a store, taken over once, never put back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from protocol import api, bundle, jws
from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate
from protocol.policyhash import policy_hash
from store import cli
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECIPIENT, RECOVERY
from store.catalog import schema
from testkit.fakes.pc import Pc
from tests.store.conftest import PASSPHRASE

Bundles = Callable[..., Any]
"""Runs `eyelid-store bundle ...`: its JSON, or the words and the exit code of a failure."""


def policy(revision: int, *rules: str) -> str:
    listed = "".join(f"  - {{ id: {rule}, why: because, any: [app: [{rule}]] }}\n" for rule in rules)
    return f"schema: 1\nrevision: {revision}\nname: Test\nrules:\n{listed}...\n"


FAILS = "tests: [{ name: a till, app: till, title: Till, expect: { screen: record } }]\n...\n"  # it would be closed


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bundles:
    monkeypatch.setenv("EYELID_PASSPHRASE", PASSPHRASE.decode())
    monkeypatch.setenv("EYELID_STORE_HOME", str(tmp_path / "home"))

    def command(*words: object) -> Any:
        capsys.readouterr()
        code = cli.main(["bundle", *map(str, words), "--json"])
        told = capsys.readouterr()
        return json.loads(told.out) if not code else (code, told.err)

    return command


@pytest.fixture
def laptop(home: Home, tmp_path: Path) -> Path:
    """What compliance has: the key, which is no longer on the store, and no store."""
    folder = tmp_path / "laptop"
    folder.mkdir()
    (home.folder / home.key(COMPLIANCE).file).rename(folder / "compliance.key")
    return folder


@pytest.fixture
def signed(run: Bundles, laptop: Path, monkeypatch: pytest.MonkeyPatch) -> Bundles:
    """Signs the next bundle after `current.bundle` into a file of this name, with these flags."""
    run("show", "--save", laptop / "current.bundle")
    monkeypatch.delenv("EYELID_STORE_HOME")

    def sign(name: str, *flags: object, before: str = "current.bundle") -> Any:
        own = ("--key", laptop / "compliance.key", "--from", laptop / before, "-o", laptop / name)
        return run("sign", *own, *flags)

    return sign


def policies(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "cards.yaml").write_text(text)
    return folder


def test_show_says_all_that_the_stores_bundle_says(run: Bundles, home: Home) -> None:
    told = run("show")
    assert (told["revision"], told["policy"], told["rules"]) == (1, None, [])
    assert told["signer"] == home.key(COMPLIANCE).id
    assert told["readers"] == [{"id": home.key(name).id, "name": name} for name in (RECIPIENT, RECOVERY)]


def test_a_policy_is_signed_on_a_laptop_and_handed_out_by_the_store(
    run: Bundles, signed: Bundles, laptop: Path, home: Home, pc: Pc
) -> None:
    text = policy(1, "till", "chart")
    told = signed("next.bundle", "--policies", policies(laptop / "policies", text))
    assert (told["revision"], told["vanished"]) == (2, [])
    assert told["rules"] == [{"id": "till", "why": "because"}, {"id": "chart", "why": "because"}]
    assert told["policy"] == policy_hash({"cards.yaml": text.encode()})
    assert run("put", laptop / "next.bundle", "--home", home.folder)["revision"] == 2
    assert run("put", laptop / "next.bundle", "--home", home.folder)["revision"] == 2  # once more changes nothing
    answer = pc.client.get(api.BUNDLE, headers=pc.bearer).json()["bundle"]
    assert bundle.verify(answer, home.key(COMPLIANCE).id).policy_files == {"cards.yaml": text}
    database = home.database()
    with database.reading() as connection:
        kept = connection.execute(select(schema.policies.c.hash)).scalars().all()
        trail = connection.execute(select(schema.audit.c.action, schema.audit.c.reason)).all()
    database.close()
    assert kept == [told["policy"]]
    assert trail == [("bundle-put", f"revision 2, policy {told['policy']}")]


def test_an_older_bundle_is_refused_and_that_is_on_record(
    run: Bundles, signed: Bundles, laptop: Path, home: Home
) -> None:
    folder = policies(laptop / "policies", policy(1, "till"))
    signed("two.bundle", "--policies", folder)
    policies(folder, policy(2, "till"))
    signed("three.bundle", "--policies", folder, before="two.bundle")
    policies(folder, policy(3, "nothing"))
    told = signed("other-three.bundle", "--policies", folder, before="two.bundle")
    assert told["vanished"] == ["till"]
    at = ("--home", home.folder)
    assert run("put", laptop / "three.bundle", *at)["revision"] == 3
    for older in ("current.bundle", "two.bundle", "other-three.bundle"):
        code, words = run("put", laptop / older, *at)
        assert code == 1
        assert "the store hands out 3 already" in words
    assert run("show", *at)["revision"] == 3
    database = home.database()
    with database.reading() as connection:
        trail = connection.execute(select(schema.audit.c.action)).scalars().all()
    database.close()
    assert trail == ["bundle-put", *["bundle-refused"] * 3]


def test_readers_come_and_go_and_the_last_stays(run: Bundles, signed: Bundles, laptop: Path, home: Home) -> None:
    made = run("reader", "-o", laptop / "audit")
    private = RecipientPrivate.from_bytes(load_private(laptop / "audit.key", PASSPHRASE).raw)
    assert private.key_id == made["id"]
    told = signed("more.bundle", "--add-reader", laptop / "audit.pub")
    assert [reader["id"] for reader in told["readers"]][-1] == made["id"]
    code, words = signed("twice.bundle", "--add-reader", laptop / "audit.pub", before="more.bundle")
    assert (code, "is a reader already" in words) == (2, True)
    first, second = (home.key(name).id for name in (RECIPIENT, RECOVERY))
    fewer = signed("fewer.bundle", "--remove-reader", first[:12], "--remove-reader", second, before="more.bundle")
    assert [reader["id"] for reader in fewer["readers"]] == [made["id"]]
    for flags, why in (
        (("--remove-reader", made["id"]), "without a reader no recording"),
        (("--remove-reader", "zzz"), "0 readers"),
        (("--remove-reader", "-o2"), "--remove-reader -o2: 0 readers"),  # one id in 64 begins with a dash
        (("--add-reader", laptop / "audit.key"), "is no reader's public key"),
        (("--add-reader", laptop / "nobody.pub"), "cannot be read"),
    ):
        code, words = signed("none.bundle", *flags, before="fewer.bundle")
        assert why in words
        assert code in (1, 2)
        assert not (laptop / "none.bundle").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (policy(1, "other"), "its `revision:` is 1, after 1 in the bundle before: write 2"),
        ("schema: 1\nname: x\n...\n", "revision"),
        (policy(2, "till").replace("app:", "ap:"), '"ap" is not a key of'),
        (f"{policy(2, 'till').removesuffix('...' + chr(10))}{FAILS}", "the policy says pause (till)"),
        ("schema: 1\nrevision: 2\n", "the last line must be ..."),
        ("a: [\n...\n", "is not YAML"),
    ],
)
def test_a_policy_that_no_pc_would_take_is_not_signed(signed: Bundles, laptop: Path, text: str, why: str) -> None:
    signed("one.bundle", "--policies", policies(laptop / "policies", policy(1, "till")))
    code, words = signed("two.bundle", "--policies", policies(laptop / "policies", text), before="one.bundle")
    assert (code, why in words) == (2, True), words
    assert not (laptop / "two.bundle").exists()


def test_signing_can_be_given_up_by_compliance_alone(signed: Bundles, laptop: Path) -> None:
    signed("one.bundle", "--policies", policies(laptop / "policies", policy(1, "till")))
    told = signed("none.bundle", "--no-policy", before="one.bundle")
    assert (told["policy"], told["files"], told["vanished"]) == (None, {}, ["till"])


def test_what_changes_nothing_or_is_signed_by_another_is_refused(
    run: Bundles, signed: Bundles, laptop: Path, home: Home
) -> None:
    code, words = signed("same.bundle")
    assert (code, "nothing would change" in words) == (2, True)
    code, words = run(
        "sign", "--key", home.folder / home.key(RECIPIENT).file, "--from", laptop / "current.bundle", "-o", "x.bundle"
    )
    assert (code, "is a recipient key" in words) == (2, True)
    theirs = Ed25519PrivateKey.generate()
    known = bundle.verify((laptop / "current.bundle").read_text().strip(), home.key(COMPLIANCE).id)
    (laptop / "theirs.bundle").write_text(bundle.sign(bundle.Bundle(9, known.recipients, 0), theirs))
    code, words = run("put", laptop / "theirs.bundle", "--home", home.folder)
    assert (code, "not signed by the compliance key" in words) == (1, True)
    code, words = signed("after-theirs.bundle", "--no-policy", before="theirs.bundle")
    assert (code, "not signed by the compliance key" in words) == (1, True)
    for signer in (home.key(COMPLIANCE).id, f"-{'a' * 42}", f"--{'a' * 41}"):  # one id in 64 begins with a dash
        code, words = run("show", laptop / "theirs.bundle", "--signer", signer)
        assert (code, "not signed by" in words) == (1, True), signer
    code, words = run("put", laptop / "gone.bundle", "--home", home.folder)
    assert (code, "cannot be read" in words) == (1, True)
    (laptop / "odd.bundle").write_bytes(b"\xff\xfe")
    code, words = run("put", laptop / "odd.bundle", "--home", home.folder)
    assert (code, "is no bundle" in words) == (1, True)
    code, words = signed("current.bundle", "--add-reader", laptop / "x.pub")
    assert code == 1


def test_nothing_is_written_over(run: Bundles, signed: Bundles, laptop: Path) -> None:
    folder = policies(laptop / "policies", policy(1, "till"))
    code, words = signed("current.bundle", "--policies", folder)
    assert (code, "is there already" in words) == (2, True)
    run("reader", "-o", laptop / "audit")
    code, words = run("reader", "-o", laptop / "audit")
    assert (code, "is there already" in words) == (2, True)
    assert jws.read_header(jws.BUNDLE, (laptop / "current.bundle").read_text().strip(), with_key=True)


def test_people_are_told_what_is_gone_and_what_to_compare(
    signed: Bundles, laptop: Path, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    signed("one.bundle", "--policies", policies(laptop / "policies", policy(1, "till", "chart")))
    policies(laptop / "policies", policy(2, "till"))
    own = ["--key", str(laptop / "compliance.key"), "--from", str(laptop / "one.bundle")]
    assert cli.main(["bundle", "sign", *own, "--policies", str(laptop / "policies"), "-o", str(laptop / "two")]) == 0
    told = capsys.readouterr().out
    assert "RULES THAT ARE GONE: chart" in told
    assert f"eyelid-store bundle put {laptop / 'two'}" in told
    assert cli.main(["bundle", "show", str(laptop / "two")]) == 0
    told = capsys.readouterr().out
    assert "compare it with the fingerprint that you know" in told
    assert "till  because" in told
    assert cli.main(["bundle", "put", str(laptop / "two"), "--home", str(home.folder)]) == 0
    assert "within a minute" in capsys.readouterr().out


@pytest.mark.parametrize(("told", "refused"), [(1, False), (2, True), (7, True)])
def test_whoever_puts_a_bundle_that_pcs_will_refuse_is_told(
    run: Bundles, signed: Bundles, laptop: Path, home: Home, pc: Pc, client: httpx.Client,
    capsys: pytest.CaptureFixture[str], told: int, *, refused: bool,
) -> None:  # fmt: skip
    """As after the store's database was put back from a backup: the PCs have seen more than it remembers."""
    health = {
        "wall": 0, "agent_version": "0.1.0", "heads": {}, "ledger": {"next": 0, "head": "0" * 64}, "holds": [],
        "pending_chunks": 0, "pending_bytes": 0, "bundle_revision": told,
    }  # fmt: skip
    assert client.put(api.device_health_path(pc.device), json=health, headers=pc.bearer).is_success
    signed("next.bundle", "--policies", policies(laptop / "policies", policy(1, "till")))
    assert cli.main(["bundle", "put", str(laptop / "next.bundle"), "--home", str(home.folder)]) == 0
    assert ("1 PC has revision 2 or a newer one already and will refuse" in capsys.readouterr().out) is refused
    assert run("put", laptop / "next.bundle", "--home", home.folder)["refused_by"] == []  # nothing was put


def test_a_store_serves_what_was_put_while_it_runs(
    run: Bundles, signed: Bundles, laptop: Path, home: Home, pc: Pc, client: httpx.Client
) -> None:
    signed("next.bundle", "--policies", policies(laptop / "policies", policy(1, "till")))
    run("put", laptop / "next.bundle", "--home", home.folder)
    health = {
        "wall": 0, "agent_version": "0.1.0", "heads": {}, "ledger": {"next": 0, "head": "0" * 64}, "holds": [],
        "pending_chunks": 0, "pending_bytes": 0, "bundle_revision": 1,
    }  # fmt: skip
    answer = client.put(api.device_health_path(pc.device), json=health, headers=pc.bearer)
    assert answer.json()["bundle_revision"] == 2
