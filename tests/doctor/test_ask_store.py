"""The store as the doctor asks it: real TLS with certificates of every date, clocks that disagree, and refusals."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.config import Config, load
from agent.doctor.ask import store
from agent.doctor.facts import StoreFacts
from agent.doctor.findings import Unasked
from agent.doctor.judge import store as judge
from agent.enrolment import enrol
from agent.state.identity import load as load_identity
from store.admin.ca import make_authority, make_server
from store.clock import SECOND
from testkit.fakes.store import FakeStore
from testkit.fleet import Founded, found_like, serving
from tests.doctor.facts import GOOD

DAY = dt.timedelta(days=1)
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load({"EYELID_HOME": str(tmp_path / "home")})


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[FakeStore]:
    (tmp_path / "tls").mkdir()
    with FakeStore(tls=tmp_path / "tls") as running_store:
        running_store.seconds = int(time.time())
        yield running_store


def asked(config: Config) -> StoreFacts:
    seen = store.ask(config)
    assert isinstance(seen, StoreFacts)
    return seen


def test_without_keys_nobody_is_asked(config: Config) -> None:
    seen = store.ask(config)
    assert isinstance(seen, Unasked)
    assert seen.follows


def test_a_store_that_is_well(shop: FakeStore, config: Config) -> None:
    enrol(shop.pasted(), config)
    seen = asked(config)
    assert (seen.trouble, seen.refused, seen.bundle_there) == ("", "", 1)
    assert abs(seen.ahead) < 5
    assert seen.ends is not None
    assert seen.ends > seen.now
    assert seen.ca_ends is not None
    for check in judge.CHECKS:
        assert check.judge(seen, GOOD).found  # none of them stumbles
    assert judge.reachable(seen, GOOD).mark == "good"
    assert judge.clock(seen, GOOD).mark == "good"
    assert judge.let_in(seen, GOOD).mark == "good"


@pytest.mark.parametrize("off", [7200, -7200])
def test_a_clock_that_disagrees_is_told_by_the_stores_date(shop: FakeStore, config: Config, off: int) -> None:
    enrol(shop.pasted(), config)
    shop.seconds = int(time.time()) + off
    seen = asked(config)
    assert abs(seen.ahead + off) < 5
    finding = judge.clock(seen, GOOD)
    assert finding.mark == "warning"
    assert finding.found.startswith("2 hours " + ("behind" if off > 0 else "ahead of"))


@pytest.mark.parametrize(
    ("since", "until", "mark", "words"),
    [
        (-30 * DAY, -3 * DAY, "wrong", "3 days ago"),
        (3 * DAY + DAY / 24, 30 * DAY, "wrong", "not valid for another 3 days"),
        (-30 * DAY, 90 * DAY, "good", "until"),
    ],
)
def test_the_dates_of_a_certificate(
    tmp_path: Path, config: Config, since: dt.timedelta, until: dt.timedelta, mark: str, words: str
) -> None:
    (tmp_path / "tls").mkdir()
    with FakeStore(tls=tmp_path / "tls", valid=(NOW + since, NOW + until)) as shop:
        shop.seconds = int(time.time())
        enrol(shop.pasted(), config)
        seen = asked(config)
    finding = judge.certificate(seen, GOOD)
    assert (finding.mark, words in finding.found) == (mark, True), finding.found


def test_a_real_store_whose_certificate_has_run_out(founded: Founded, tmp_path: Path, config: Config) -> None:
    """Recording and sending go on with it (decision 7), so the doctor is who must tell."""
    home, secret = found_like(founded, tmp_path)
    tls = home / "tls"
    six_years_ago = int((NOW - 6 * 365 * DAY).timestamp()) * SECOND
    authority = make_authority(six_years_ago)
    old = make_server(authority, [], ["127.0.0.1"], six_years_ago)
    (tls / "ca.crt").write_bytes(authority.certificate)
    (tls / "server.crt").write_bytes(old.certificate)
    (tls / "server.key").write_bytes(old.private)
    ends = x509.load_pem_x509_certificate(old.certificate).not_valid_after_utc
    assert ends < NOW
    with serving(home, secret, tmp_path, within=True) as (store, _):
        enrol(store.ask("enroll-token", "--address", store.address)["token"], config)
        seen = asked(config)
    assert seen.ends == int(ends.timestamp())
    finding = judge.certificate(seen, GOOD)
    assert finding.mark == "wrong"
    assert f"it ran out on {ends:%Y-%m-%d}" in finding.found
    assert judge.let_in(seen, GOOD).mark == "good"


def test_plain_http_on_the_loopback_has_no_certificate(config: Config) -> None:
    with FakeStore() as shop:
        shop.seconds = int(time.time())
        enrol(shop.pasted(), config)
        seen = asked(config)
    assert (seen.ends, seen.ca_ends, seen.trouble) == (None, None, "")


def test_a_store_that_is_gone(config: Config, tmp_path: Path) -> None:
    (tmp_path / "tls").mkdir()
    with FakeStore(tls=tmp_path / "tls") as shop:
        enrol(shop.pasted(), config)
    seen = asked(config)
    assert "cannot be reached" in seen.trouble
    assert judge.reachable(seen, GOOD).mark == "wrong"


def test_somebody_elses_certificate(shop: FakeStore, config: Config, tmp_path: Path) -> None:
    enrol(shop.pasted(), config)
    (tmp_path / "other").mkdir()
    with FakeStore(tls=tmp_path / "other") as stranger:
        path = config.home / "identity.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"address": stranger.address}))
        seen = asked(config)
    assert "is not the enrolled store's" in seen.trouble
    assert load_identity(config.home).address == stranger.address


def test_a_pc_that_was_revoked_or_forgotten(shop: FakeStore, config: Config) -> None:
    enrol(shop.pasted(), config)
    device = next(iter(shop.devices.values()))
    device.revoked = True
    assert asked(config).refused == "device-revoked"
    shop.devices.clear()
    seen = asked(config)
    assert seen.refused
    assert judge.let_in(seen, GOOD).mark == "wrong"


def test_a_bundle_that_compliance_did_not_sign(shop: FakeStore, config: Config) -> None:
    enrol(shop.pasted(), config)
    shop.bundle = shop.signed_bundle(2, Ed25519PrivateKey.generate())
    assert "not signed by the compliance key" in asked(config).refused
