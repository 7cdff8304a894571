"""What a PC that lies can write into its packet and account, and a store takes: the page opens, and names it."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from protocol import api, base64url
from protocol.bundle import verify as verify_bundle
from protocol.keys import RecipientPrivate
from protocol.packet import KeyPacket
from protocol.policyhash import policy_hash
from store.admin.home import Home
from store.admin.init import COMPLIANCE, RECIPIENT, RECOVERY, Plan, found
from store.catalog.statements import newest_bundle
from store.clock import wall
from store.evidence.opening import load_recipient
from store.server.enrolment import make_secret
from store.server.serving import open_services
from testkit.fakes.pc import SECOND, FakeRecording, Pc
from testkit.lifecycle import govern
from testkit.reading_room import MARKUP
from tests.review.player import made as made_recording
from tests.review.player.conftest import READY, Page, played, until
from tests.review.player.made import LENGTH, make
from tests.store import recorded
from tests.store.conftest import COST, PASSPHRASE, serving
from tests.store.recorded import ZERO

FAR: int = 2**62  # ns: 146 years
GAPS = "[...document.querySelectorAll('#gaps .what')].map((one) => one.textContent)"
FOUND = "[...document.querySelectorAll('#findings li')].map((one) => [one.dataset.check, one.dataset.code])"


HOSTILE: dict[str, str] = {
    "p.yaml": "rules:\n"
    f"  - {{id: {json.dumps(MARKUP)}, why: {json.dumps(MARKUP)}}}\n"
    f"user_hold: {{reasons: [{json.dumps(MARKUP)}]}}\n...\n"
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str]:
    """A PC whose policy, host and user have markup for names."""
    home = found(Plan(tmp_path_factory.mktemp("hostile") / "home", "https://localhost:8443", cost=COST), PASSPHRASE)
    policy = policy_hash({name: text.encode() for name, text in HOSTILE.items()})
    with closing(open_services(home, wall)) as services, pytest.MonkeyPatch.context() as patched:
        with services.database.writing() as connection:
            newest = newest_bundle(connection)
            secret = make_secret(connection, uses=1, expires_at=wall() + 60 * SECOND, group="", now=wall())
        assert newest is not None
        patched.setattr(made_recording, "POLICY", policy)
        patched.setattr(made_recording, "POLICY_FILES", HOSTILE)
        patched.setattr(recorded, "POLICY", policy)
        patched.setattr(FakeRecording, "os_user", MARKUP)
        with serving(home, services) as client:
            pc = Pc(client)
            asked = pc.application(secret, host=MARKUP, user=MARKUP)
            pc.device = client.post(api.ENROLL, json=asked).json()["device"]
            assert pc.ask_token(wall() // SECOND).is_success
            write = pc.ledger.write

            def held(kind: str, **facts: object) -> object:
                if facts.get("rules") == ["unreadable"]:
                    write("hold", at=facts["at"], hold="user", reason=0, policy=policy)
                elif kind == "heads":
                    write("release", at=facts["at"], hold="user")
                return write(kind, **facts)

            patched.setattr(pc.ledger, "write", held)
            made = make(pc, verify_bundle(newest[1], home.key(COMPLIANCE).id))
            made.send()
            assert pc.put_health(pc.report()).is_success
    return home, str(made.recording.id)


def test_markup_of_a_pc_stays_text(page: Page, hostile: tuple[Home, str]) -> None:
    """Rule, its reason, the person's reason, host and user: shown, and nothing of them runs or is an element."""
    home, recording = hostile
    with played(home, recording) as address:
        page.open(address)
        until(page, READY)
        assert page.run("document.querySelector('#title').textContent") == f"{MARKUP} · {MARKUP}"
        assert f"Closed by rule {MARKUP}" in page.run(GAPS)
        assert any(MARKUP in one and "Closed" not in one for one in page.run(GAPS))
        whys = page.run("[...document.querySelectorAll('#gaps .why')].map((one) => one.textContent)")
        assert MARKUP in whys
        page.run("new Promise((done) => { eyelid.player.addEventListener('time', done); eyelid.player.seek(10); })")
        slates = "[...document.querySelectorAll('.slate:not([hidden])')].map((one) => one.textContent).join()"
        assert MARKUP in page.run(slates)
        assert page.run("[...document.images].filter((one) => one.getAttribute('src') === 'x').length") == 0
        assert page.run("document.querySelectorAll('[onerror]').length") == 0


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str]:
    """Two readers are one name, a hold has a name that JavaScript's objects have, and its end is far away."""
    home = found(Plan(tmp_path_factory.mktemp("odd") / "home", "https://localhost:8443", cost=COST), PASSPHRASE)
    own = load_recipient(home.folder / home.key(RECIPIENT).file, PASSPHRASE).public.key_id
    ids = {own, home.key(RECOVERY).id}
    while sorted({*ids, (third := RecipientPrivate.generate().public).key_id})[1] == own:
        pass  # the other two must stand beside each other
    govern(home, readers=[third])
    with closing(open_services(home, wall)) as services, pytest.MonkeyPatch.context() as patched:
        with services.database.writing() as connection:
            newest = newest_bundle(connection)
            secret = make_secret(connection, uses=1, expires_at=wall() + 60 * SECOND, group="", now=wall())
        assert newest is not None
        given = KeyPacket.payload

        def joined(packet: KeyPacket) -> dict[str, object]:
            said = given(packet)
            wrapped = {name: base64url.encode(one) for name, one in packet.wrapped.items()}
            others = sorted(packet.wrapped.keys() - {own})
            return said | {"wrapped": {own: wrapped[own], ",".join(others): wrapped[others[0]]}}

        patched.setattr(KeyPacket, "payload", joined)  # no honest packet has such a name
        with serving(home, services) as client:
            pc = Pc(client)
            assert pc.enrol(secret).is_success
            assert pc.ask_token(wall() // SECOND).is_success
            made = make(pc, verify_bundle(newest[1], home.key(COMPLIANCE).id))
            pc.ledger.lines.pop()
            recording = str(made.recording.id)
            for hold, policy in (("user", "constructor"), ("toString", "")):
                pc.ledger.write("hold", at=ZERO + LENGTH, hold=hold, reason=0, policy=policy)
            heads = made.recording.heads()
            pc.ledger.write("recording-closed", at=FAR, recording=recording, heads=heads, why="constructor")
            made.send()
            assert pc.put_health(pc.report()).is_success
    return home, recording


def test_the_page_opens_and_names_what_is_wrong(page: Page, odd: tuple[Home, str]) -> None:
    home, recording = odd
    with played(home, recording) as address:
        page.open(address)
        until(page, READY)
        assert page.run(FOUND) == [["key-packet", "other-readers"]]
        assert page.run("document.querySelector('#badge').dataset.state") == "wrong"
        assert any("toString" in one for one in page.run(GAPS))
        assert not [one for one in page.run(GAPS) if "function" in one]
        assert page.run("document.querySelectorAll('#timeline .tick').length") < 100
        claimed = "[{ start: 0, end: 1e10, kind: 1 }]"  # seconds
        made = 'import("./waves.js").then(({ Waves }) => new Waves({ rows: ' + claimed + " }).known.length)"
        assert page.run(made) < 100_000
