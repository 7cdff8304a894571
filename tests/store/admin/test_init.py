"""A store comes into being: whole or not at all, its private keys sealed, its certificate good for its names."""

from __future__ import annotations

import os
import random
import re
import shutil
import ssl
import stat
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from protocol import bundle as bundles
from protocol.bundle import Bundle
from protocol.errors import KeyProblem
from protocol.keyfile import load_private
from protocol.keys import RecipientPrivate, signing_key, thumbprint
from protocol.policyhash import policy_hash
from store.admin import ca, init, passphrase
from store.admin.home import Home, default_folder
from store.admin.init import COMPLIANCE, RECIPIENT, RECOVERY, STORE, Plan, found
from store.admin.signing import read_policies
from store.catalog.statements import newest_bundle, policy_files
from store.errors import StoreError, WrongUsage
from testkit.cheap_keys import COST
from tests.store.conftest import PASSPHRASE

NOW = 1_800_000_000 * 10**9


# -- found --------------------------------------------------------------------------------------------------------


def test_the_keys_lie_sealed_and_the_bundle_names_the_readers(home: Home, bundle: Bundle) -> None:
    readers = [
        RecipientPrivate.from_bytes(load_private(home.folder / home.key(name).file, PASSPHRASE).raw)
        for name in (RECIPIENT, RECOVERY)
    ]
    assert [recipient.key_id for recipient in bundle.recipients] == [reader.key_id for reader in readers]
    assert [home.key(RECIPIENT).id, home.key(RECOVERY).id] == [reader.key_id for reader in readers]
    assert bundle.revision == 1
    assert bundle.policy_files == {}
    compliance = load_private(home.folder / home.key(COMPLIANCE).file, PASSPHRASE)
    assert compliance.kind == COMPLIANCE
    assert thumbprint(signing_key(compliance.raw).public_key()) == home.key(COMPLIANCE).id
    assert thumbprint(home.store_key().public_key()) == home.key(STORE).id
    with pytest.raises(KeyProblem, match="passphrase"):
        load_private(home.folder / home.key(RECOVERY).file, b"another")


def test_no_private_file_can_be_read_by_others(home: Home) -> None:
    for path in home.folder.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.is_dir():
            assert mode == 0o700, path
        elif path.suffix != ".crt":
            assert mode == 0o600, path


def test_the_compliance_key_lies_nowhere_unsealed(home: Home) -> None:
    raw = load_private(home.folder / home.key(COMPLIANCE).file, PASSPHRASE).raw
    reader = load_private(home.folder / home.key(RECOVERY).file, PASSPHRASE).raw
    stored = b"".join(path.read_bytes() for path in home.folder.rglob("*") if path.is_file())
    assert raw not in stored
    assert reader not in stored


def test_policies_go_into_the_first_bundle_and_are_kept_by_hash(tmp_path: Path) -> None:
    files = {"a.yaml": "rules: []\n...\n"}
    home = found(Plan(tmp_path / "home", "https://s:1", policies=files, cost=COST), PASSPHRASE)
    database = home.database()
    with database.reading() as connection:
        newest = newest_bundle(connection)
        kept = policy_files(connection, policy_hash({"a.yaml": files["a.yaml"].encode()}))
    database.close()
    assert newest is not None
    assert bundles.verify(newest[1], home.key(COMPLIANCE).id).policy_files == files
    assert kept == '{"a.yaml": "rules: []\\n...\\n"}'


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    found(Plan(tmp_path / "home", "https://s:1", cost=COST), PASSPHRASE)
    assert Home.open(tmp_path / "home").address == "https://s:1"


def test_a_folder_that_is_there_stays_the_one_it_is(tmp_path: Path) -> None:
    """Its owner may be able to make nothing beside it, as below /var/lib."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    before = home.stat().st_ino
    found(Plan(home, "https://localhost:8443", cost=COST), PASSPHRASE)
    assert home.stat().st_ino == before
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert not [path for path in home.iterdir() if path.name.startswith(".")]
    assert Home.open(home).store_key()


def test_a_store_is_never_made_over_another(home: Home) -> None:
    before = (home.folder / "store.json").read_bytes()
    with pytest.raises(WrongUsage, match="store already"):
        found(Plan(home.folder, "https://s:1", cost=COST), PASSPHRASE)
    assert (home.folder / "store.json").read_bytes() == before


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(WrongUsage, match="not empty"):
        found(Plan(tmp_path, "https://s:1", cost=COST), PASSPHRASE)
    with pytest.raises(WrongUsage, match="not empty"):
        found(Plan(tmp_path / "notes.txt", "https://s:1", cost=COST), PASSPHRASE)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(init, "_write_catalog", fail)
    with pytest.raises(StoreError, match="No space left"):
        found(Plan(tmp_path / "home", "https://s:1", cost=COST), PASSPHRASE)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from store.admin import init
from testkit.cheap_keys import COST

calls, at = 0, int(sys.argv[3])
def traced(frame, event, _):
    global calls
    if event == "call" and frame.f_code.co_filename.endswith(("admin/init.py", "protocol/folder.py", "pathlib.py")):
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
sys.setprofile(traced)
plan = init.Plan(Path(sys.argv[1]), "https://s:1", keys=Path(sys.argv[2]), cost=COST)
init.found(plan, b"correct horse battery staple")
"""


@pytest.mark.slow(reason="five processes, each of which makes a store until it is killed")
@pytest.mark.parametrize("ready", [False, True])
def test_one_that_is_killed_leaves_a_store_or_what_the_next_names(tmp_path: Path, ready: bool) -> None:
    dice, outcomes = random.Random(int(ready)), Counter[str]()
    for number in range(5):
        where = tmp_path / str(number)
        home, keys = where / "home", where / "usb"
        where.mkdir()
        if ready:
            home.mkdir()
        at = str(dice.randrange(300, 4_800))  # calls: the whole has 4,700
        subprocess.run([sys.executable, "-P", "-c", KILLED, str(home), str(keys), at], check=False, stderr=sys.stderr)
        left = [path for path in where.rglob("*") if path not in {home, keys}]
        plan = Plan(home, "https://s:1", keys=keys, cost=COST)
        if (home / "store.json").exists():
            outcomes["a store"] += 1
            with pytest.raises(WrongUsage, match="store already"):
                found(plan, PASSPHRASE)
        elif left:
            outcomes["named"] += 1
            with pytest.raises(WrongUsage, match="did not come to its end") as refused:
                found(plan, PASSPHRASE)
            named = [Path(one) for one in re.findall(r"/[^\s,]*[^\s,.]", str(refused.value))]
            assert all(any(one.is_relative_to(path) for path in named) for one in left), (left, named)
            for path in named:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            found(plan, PASSPHRASE)
        else:
            found(plan, PASSPHRASE)
        assert Home.open(home).store_key()
    assert outcomes["named"]


# -- policies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "holds no policy"),
        ({"a.yml": b"...\n"}, "holds no policy"),
        ({"a.yaml": b""}, "last line must be"),
        ({"a.yaml": b"rules: []\n"}, "last line must be"),
        ({"a.yaml": b"\xff\n...\n"}, "UTF-8"),
        ({"a.yaml": b"a: [\n...\n"}, "not YAML"),
        ({"a.yaml": b"[" * 3000 + b"\n...\n"}, "not YAML"),
        ({"a.yaml": b"#" * 3 * 2**20 + b"\n...\n"}, "larger than"),
        ({f"{number}.yaml": b"...\n" for number in range(101)}, "more than 100 policy files"),
        ({"a.yaml": b"rules: [" + b"a," * 100_000 + b"]\n...\n"}, "longer than 100000 words"),
    ],
)
def test_what_cannot_be_a_policy(tmp_path: Path, files: dict[str, bytes], words: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(WrongUsage, match=words):
        read_policies(tmp_path)


def test_policies_from_nowhere(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="cannot be read"):
        read_policies(tmp_path / "gone")


# -- opening a home -----------------------------------------------------------------------------------------------


def test_a_folder_without_a_store_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="eyelid-store init"):
        Home.open(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'{"format":1,"address":7,"keys":[]}', b"\xff"])
def test_damaged_settings_are_named(home: Home, content: bytes) -> None:
    (home.folder / "store.json").write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        Home.open(home.folder)


def test_settings_of_a_later_version(home: Home) -> None:
    (home.folder / "store.json").write_bytes(b'{"format":2}')
    with pytest.raises(StoreError, match="another version"):
        Home.open(home.folder)


def test_a_database_that_is_gone_is_not_made_anew(home: Home) -> None:
    home.database_path.unlink()
    with pytest.raises(StoreError, match="missing"):
        home.database()


def test_the_store_s_key_must_be_private_and_a_key(home: Home) -> None:
    home.store_key_path.chmod(0o640)
    with pytest.raises(StoreError, match="chmod 600"):
        home.store_key()
    home.store_key_path.chmod(0o600)
    home.store_key_path.write_bytes(b"no key")
    with pytest.raises(StoreError, match="no private key"):
        home.store_key()
    home.store_key_path.write_bytes(home.server_key.read_bytes())
    with pytest.raises(StoreError, match="Ed25519"):
        home.store_key()
    home.store_key_path.unlink()
    with pytest.raises(StoreError, match="missing"):
        home.store_key()


def test_where_a_store_lies_unless_told() -> None:
    assert default_folder({"EYELID_STORE_HOME": "/srv/eyelid"}) == Path("/srv/eyelid")
    assert default_folder({"XDG_DATA_HOME": "/data"}) == Path("/data/eyelid-store")
    assert default_folder({}).name == "eyelid-store"


# -- certificates -------------------------------------------------------------------------------------------------


def test_the_certificate_is_for_its_names_and_this_machine(tmp_path: Path) -> None:
    authority = ca.make_authority(NOW)
    server = ca.make_server(authority, ["store.example.com", "localhost"], ["10.0.0.5", "2001:db8::1"], NOW)
    leaf = x509.load_pem_x509_certificate(server.certificate)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["store.example.com", "localhost"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == [
        "10.0.0.5",
        "2001:db8::1",
        "127.0.0.1",
        "::1",
    ]
    assert list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate))
    for name, content in (("c", server.certificate), ("k", server.private)):
        (tmp_path / name).write_bytes(content)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "c", tmp_path / "k")


def test_the_authority_signs_servers_and_nothing_beneath() -> None:
    certificate = x509.load_pem_x509_certificate(ca.make_authority(NOW).certificate)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)


def test_days_left() -> None:
    server = ca.make_server(ca.make_authority(NOW), [], [], NOW)
    assert ca.days_left(server.certificate, NOW) == ca.SERVER_LIFE.days - 1
    assert ca.days_left(server.certificate, NOW + ca.SERVER_LIFE.days * 86400 * 10**9) < 0


@pytest.mark.parametrize("name", ["", "-a", "a..b", "a b", "a_b", "x" * 64, "10.0.0.5/24", "ä.example", "*"])
def test_what_is_no_host_name(name: str) -> None:
    with pytest.raises(WrongUsage, match="no host name"):
        ca.check_name(name)


def test_names_and_addresses_in_their_one_spelling() -> None:
    assert ca.check_name("Store.Example.COM.") == "store.example.com"
    assert ca.check_address("2001:DB8:0::1") == "2001:db8::1"
    with pytest.raises(WrongUsage, match="--name"):
        ca.check_address("store.example.com")


# -- passphrases --------------------------------------------------------------------------------------------------


def options(*arguments: str) -> Namespace:
    parser = ArgumentParser()
    passphrase.add_options(parser)
    return parser.parse_args(arguments)


@pytest.fixture(autouse=True)
def _without_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(passphrase.VARIABLE, raising=False)


def test_a_passphrase_from_a_file_is_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_bytes("caf\u0065\u0301 au lait\r\nsecond line".encode())
    asked = options("--passphrase-file", str(path))
    assert passphrase.new(asked) == passphrase.existing(asked, "x") == "caf\u00e9 au lait".encode()


def test_a_passphrase_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(passphrase.VARIABLE, "from the outside")
    assert passphrase.new(options()) == b"from the outside"


def test_a_key_file_is_made_once_and_used_whole(tmp_path: Path) -> None:
    path = tmp_path / "key"
    asked = options("--key-file", str(path))
    with pytest.raises(WrongUsage, match="cannot be read"):
        passphrase.existing(asked, "x")
    made = passphrase.new(asked)
    assert len(made) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert passphrase.new(asked) == passphrase.existing(asked, "x") == path.read_bytes() == made


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "first line is empty"),
        (b"\nsecond", "first line is empty"),
        (b"short", "soon guessed"),
        (b"aaaaaaaa", "soon guessed \\(repeats"),
        (b"password1234", "soon guessed"),
        (b"x" * 300, "soon guessed"),
        (b"\xff" * 20, "not text"),
        (b"x" * 5000, "larger than"),
    ],
)
def test_what_is_no_passphrase(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(WrongUsage, match=words):
        passphrase.new(options("--passphrase-file", str(tmp_path / "p")))


def test_a_key_file_too_short(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(b"x" * 31)
    with pytest.raises(WrongUsage, match="at least 32"):
        passphrase.new(options("--key-file", str(tmp_path / "k")))


def test_without_a_terminal_it_says_how_to_give_one() -> None:
    with pytest.raises(WrongUsage, match="--passphrase-file"):
        passphrase.existing(options(), "x")


def test_a_person_is_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["a new secret", "a new secret", "a new secret", "a typing mistake"])
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda _: True})())
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    assert passphrase.new(options()) == b"a new secret"
    with pytest.raises(WrongUsage, match="differ"):
        passphrase.new(options())
