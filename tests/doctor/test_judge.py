"""Each check says what is right and what is wrong, by its facts alone, and names a next step for what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.core.model.seen import Blind
from agent.doctor.checks import CHECKS, EXIT_CODES, as_json, judge_all, worst
from agent.doctor.facts import BrowserFacts, Display, EndFacts, Facts, KeyFile, UnitsFacts
from agent.doctor.findings import Mark, Unasked
from tests.doctor.facts import CHROMIUM, DAY, GOOD, NOW, STATUS

GOOD_, BESIDE, WARNING, WRONG = Mark


def browser(**changes: Any) -> tuple[BrowserFacts, ...]:
    return (replace(CHROMIUM, **changes),)


OF_FOLDER: dict[str, Any] = {"policy.bundle": None}

# check, what is changed, the mark, and words of what is found. `of` is in the words where a check looks at several.
CASES: list[tuple[str, dict[str, Any], Mark, str]] = [
    ("settings", {}, GOOD_, "agent.yaml"),
    ("settings", {"settings.file": ""}, GOOD_, "defaults"),
    ("settings", {"settings.mistakes": ("a.yaml:1:1 `x` is no setting",)}, WRONG, "one mistake"),
    ("settings", {"settings.open_password": "/etc/xdg/eyelid/agent.yaml"}, WARNING, "password"),
    ("keys", {}, GOOD_, "enrolled as device-1 in group sales"),
    ("keys", {"keys.enrolled": False}, WRONG, "not enrolled"),
    ("keys", {"keys.files": (KeyFile("/h/identity.json", 0o644, True),)}, WRONG, "others may look"),
    ("keys", {"keys.files": (KeyFile("/h/identity.json", 0o600, False),)}, WRONG, "another user"),
    ("keys", {"keys.trouble": "identity.json is damaged"}, WRONG, "damaged"),
    ("pins", {}, GOOD_, "0123456789abcdef"),
    ("pins", {"keys.trouble": "damaged"}, BESIDE, "no keys"),
    ("policy", OF_FOLDER, GOOD_, "revision 7, 12 rules, hash abababababab; changed"),
    ("policy", {**OF_FOLDER, "policy.memory": "policy-in-force.json is damaged"}, WRONG, "damaged"),
    ("policy", {**OF_FOLDER, "policy.revision": None, "policy.places": ("/p/a.yaml:3:4",)}, WRONG,
     "one mistake at /p/a.yaml:3:4"),
    ("policy", {**OF_FOLDER, "policy.revision": None, "policy.last": None, "policy.places": ("/etc/eyelid/policies",)},
     WRONG, "has no policy in it, or cannot be read, and nothing is recorded"),
    ("policy", {**OF_FOLDER, "policy.last": (8, "cd" * 32)}, WRONG, "revision 8 with another content"),
    ("policy", {**OF_FOLDER, "policy.last": (6, "cd" * 32)}, WARNING, "not in force yet"),
    ("policy", {**OF_FOLDER, "policy.age": 400.0 * DAY}, WARNING, "400 days"),
    ("policy", {"policy.bundle": 9}, GOOD_, "signed 3 days ago"),
    ("policy", {"policy.bundle": 9, "policy.age": 400.0 * DAY}, WARNING, "signed 400 days ago"),
    ("policy", {"policy.bundle": 9, "policy.last": (8, "cd" * 32)}, WRONG, "signed policy of bundle 9 has revision 7"),
    ("policy", {"policy.bundle": 9, "policy.last": (6, "cd" * 32)}, WARNING, "of bundle 9 is not in force yet"),
    ("policy", {"policy.bundle": 9, "policy.revision": None, "policy.places": ("bundle-9/a.yaml:3:4",)}, WRONG,
     "bundle 9 has one mistake at bundle-9/a.yaml:3:4; revision 7 stays"),
    ("policy-signed", OF_FOLDER, BESIDE, "no policy came signed"),
    ("policy-signed", {"policy.bundle": 9, "policy.signer": "0123"}, GOOD_,
     "bundle 9, signed by the compliance key 0123, in force here since 2027-01-1"),
    ("policy-signed", {"policy.bundle": 9, "policy.beside": "older", "policy.beside_revision": 3}, GOOD_,
     "an older one (revision 3) lies"),
    ("policy-signed", {"policy.bundle": 9, "policy.beside": "another", "policy.beside_revision": 12}, WARNING,
     "another policy (revision 12) without a signature: it does not count"),
    ("policy-signed", {"policy.bundle": 9, "policy.beside": "another"}, WARNING, "files with mistakes"),
    ("policy-owner", {"policy.bundle": 9, "policy.mine": True}, GOOD_, "it is signed"),
    ("policy-owner", {**OF_FOLDER, "policy.pinned": True}, GOOD_, "cannot be changed"),
    ("policy-owner", OF_FOLDER, WARNING, "the agent who is recorded can name another folder"),
    ("policy-owner", {**OF_FOLDER, "policy.mine": True}, WARNING, "the agent who is recorded can change it"),
    ("policy-owner", {**OF_FOLDER, "policy.root": True}, BESIDE, "not as root"),
    ("policy-owner", {"policy.revision": None}, BESIDE, "no policy"),
    ("recorder", {}, GOOD_, "it records"),
    ("recorder", {"recorder.status": STATUS | {"state": "closed", "rules": ["cards"]}}, GOOD_, "closed by cards"),
    ("recorder", {"recorder.status": None, "recorder.words": "Eyelid is not running here; so"}, WRONG, "none runs"),
    ("recorder", {"recorder.status": STATUS | {"version": "0.0.9"}}, WARNING, "0.0.9 runs, 0.1.0 is installed"),
    ("recorder", {"recorder.status": STATUS | {"troubles": {"store-lies": ""}}}, WARNING, "troubles: store-lies"),
    ("recorder", {"recorder.status": STATUS | {"state": "held", "holds": ["user"]}}, WARNING, "on hold: user"),
    ("recorder", {"recorder.status": STATUS | {"state": "blind", "rules": ["web-engine"]}}, WARNING, "web-engine"),
    ("recorder", {"recorder.status": STATUS | {"state": "stalled"}}, WARNING, "nothing of the screen reaches the disk"),
    ("recorder", {"recorder.status": STATUS | {"state": "stopping"}}, WARNING, "it is ending"),
    ("recorder", {"recorder.status": STATUS | {"sound": {"fault": ""}}}, GOOD_, "it records"),
    ("recorder", {"recorder.status": STATUS | {"sound": {"fault": "no-device"}}}, WARNING, "not recorded: no-device"),
    ("other-recorders", {}, GOOD_, "no other"),
    ("other-recorders", {"recorder.others": (12, 13)}, WARNING, "process 12,13"),
    ("display", {}, GOOD_, "X11 on :0: one monitor, 1920x1080"),
    ("display", {"screen.display": Display.WAYLAND}, WRONG, "Wayland"),
    ("display", {"screen.display": Display.MISSING}, WRONG, "DISPLAY is not set"),
    ("display", {"screen.display": Display.REFUSED}, WRONG, "does not let this user in"),
    ("display", {"screen.display": Display.UNVOUCHED}, WRONG, "nothing on this system"),
    ("screen-permission", {}, GOOD_, "one picture"),
    ("screen-permission", {"screen.no_picture": "no RANDR"}, WRONG, "no RANDR"),
    ("screen-permission", {"screen.pictures": 0}, WRONG, "no monitor"),
    ("screen-permission", {"screen.display": Display.WAYLAND}, BESIDE, "not tried"),
    ("window-witness", {}, GOOD_, "sees 5 windows"),
    ("window-witness", {"windows.blind": Blind.EMPTY.value}, WRONG, "no window could be listed"),
    ("window-witness", {"windows.blind": Blind.CANNOT_VOUCH.value}, WRONG, "cannot say"),
    ("window-witness", {"windows.unreadable": 2}, WARNING, "2 windows cannot be read"),
    ("window-witness", {"windows.remote": 1}, WARNING, "one window shows another machine"),
    ("cross-check", {}, GOOD_, "4 windows, and the recorder sees the same"),
    ("cross-check", {"windows.listed": None}, BESIDE, "PyWinCtl lists no window"),
    ("cross-check", {"windows.blind": Blind.EMPTY.value}, BESIDE, "not made"),
    ("cross-check", {"windows.overlooked": 1}, WRONG, "one window that the recorder does not see"),
    ("cross-check", {"windows.differing": 2}, WARNING, "of 2 windows"),
    ("compositor", {}, GOOD_, "none runs"),
    ("compositor", {"screen.composited": True}, GOOD_, "one runs: a window counts as shown for 1 s"),
    ("compositor", {"screen.display": Display.MISSING}, BESIDE, "no display"),
    ("seat", {}, GOOD_, "locks, sleep"),
    ("seat", {"seat.deaf_to": ("logind",)}, WARNING, "logind"),
    ("seat", {"seat.holds": ("locked",)}, BESIDE, "locked"),
    ("browsers", {}, GOOD_, "Chromium"),
    ("browsers", {"browsers": ()}, BESIDE, "no browser"),
    ("sandboxed-browser", {"browsers": browser(sandbox="snap")}, WARNING, "as well"),
    ("sandboxed-browser", {"browsers": browser(program="", sandbox="flatpak")}, WRONG, "only as a flatpak"),
    ("browser-relay", {}, GOOD_, "may start"),
    ("browser-relay", {"browsers": browser(ready=False, next=("eyelid browser install",))}, WRONG, "cannot"),
    ("browser-extension", {}, GOOD_, "by policy"),
    ("browser-extension", {"browsers": browser(connected=0)}, WRONG, "does not answer"),
    ("browser-extension", {"browsers": browser(private=False)}, WARNING, "private windows"),
    ("browser-extension", {"browsers": browser(forced=False)}, WARNING, "its user can remove it"),
    ("browser-extension", {"browsers": browser(forced=False, carrying=0, connected=None)}, WRONG, "in 0 of one"),
    ("browser-extension", {"browsers": browser(forced=False, carrying=0, connected=0, profiles=0)}, WRONG, "elsewhere"),
    ("browser-extension", {"browsers": browser(forced=False, carrying=0, connected=0, profiles=0, running=False)},
     WARNING, "never started"),
    ("browser-others", {}, GOOD_, "no other switched on, all named"),
    ("browser-others", {"browsers": browser(extensions=None)}, GOOD_, "only those that IT names"),
    ("browser-others", {"browsers": browser(extensions=("a@x",)), "policy.extensions": ("a@x",)}, GOOD_, "one other"),
    ("browser-others", {"browsers": browser(extensions=("a@x",))}, WRONG, "closes wherever one may be showing"),
    ("browser-others", {"browsers": browser(extensions=("a@x", "b@x"))}, WRONG, "2 extensions are switched on"),
    ("browser-others", {"browsers": browser(extensions=("a@x", "b@x")), "policy.extensions": ("a@x",)}, WRONG,
     "something: b@x"),
    ("browser-others", {"browsers": browser(others_blocked=False)}, WARNING, "no browser policy blocks"),
    ("browser-previews", {}, GOOD_, "are off"),
    ("browser-previews", {"browsers": browser(previews_off=False)}, BESIDE, "nothing depends on it"),
    ("browser-previews", {"browsers": browser(previews_off=False), "policy.parked_tabs": True}, WRONG,
     "shows pictures of parked tabs"),
    ("browser-previews", {"browsers": browser(previews_off=None), "policy.parked_tabs": True}, WARNING,
     "not known yet"),
    ("browser-marks", {}, GOOD_, "12 pages seen to have left the picture, 0 of them"),
    ("browser-marks", {"recorder.status": None}, BESIDE, "while the recorder runs"),
    ("browser-marks", {"recorder.status": STATUS | {"marks": {"seen": 12, "late": 2, "waiting": False}}}, WARNING,
     "12 pages seen to have left the picture, 2 of them"),
    ("browser-marks", {"recorder.status": STATUS | {"marks": {"seen": 12, "late": 0, "waiting": True}}}, WARNING,
     "not seen to have left the picture yet"),
    ("sound", {}, GOOD_, "Headset: -20 dBFS"),
    ("sound", {"sound.wanted": False}, BESIDE, "not recorded"),
    ("sound", {"sound.fault": "libpulse.so.0 is missing"}, WRONG, "libpulse"),
    ("sound", {"sound.microphone": EndFacts("*Jabra*", "", None)}, WRONG, "agent.yaml says *Jabra*"),
    ("sound", {"sound.microphone": EndFacts("default", "Headset", None)}, WARNING, "silence"),
    ("sound", {"sound.microphone": EndFacts("default", "Headset", -80.0)}, WARNING, "-80 dBFS"),
    ("sound", {"sound.far_end": EndFacts("none", "", None)}, BESIDE, "none in agent.yaml"),
    ("disk", {}, GOOD_, "100.0 GB of 250.0 GB free"),
    ("disk", {"disk.refused": "Read-only file system"}, WRONG, "Read-only"),
    ("disk", {"disk.files_free": 3}, WRONG, "inodes"),
    ("disk", {"disk.free": 900_000_000}, WRONG, "recording holds"),
    ("disk", {"disk.free": 3_000_000_000}, WARNING, "has room for 2.0 GB more"),
    ("file-system", {}, GOOD_, "ext4"),
    ("file-system", {"disk.kind": "tmpfs"}, WRONG, "gone when the PC ends"),
    ("file-system", {"disk.kind": "nfs4"}, WARNING, "the server decides"),
    ("file-system", {"disk.kind": ""}, BESIDE, "does not say"),
    ("spool", {}, GOOD_, "nothing waits"),
    ("spool", {"disk.chunks": 3, "disk.waiting": 5_000_000}, GOOD_, "3 chunks waiting, 5.0 MB of 4.0 GB"),
    ("spool", {"disk.set_aside": 1}, WARNING, "one chunk for good"),
    ("spool", {"disk.waiting": 3 * 10**9}, WARNING, "half full"),
    ("spool", {"disk.waiting": 4 * 10**9}, WRONG, "full and recording holds"),
    ("swap", {}, GOOD_, "encrypted: /dev/dm-1"),
    ("swap", {"memory.swaps": ()}, GOOD_, "none"),
    ("swap", {"memory.swaps": (("/dev/sda2", False),)}, WARNING, "/dev/sda2 is not encrypted"),
    ("hibernation", {}, GOOD_, "off"),
    ("hibernation", {"memory.hibernates": True}, GOOD_, "to an encrypted swap"),
    ("hibernation", {"memory.hibernates": True, "memory.swaps": ()}, WARNING, "writes all memory"),
    ("unit", {}, GOOD_, "enabled and active"),
    ("unit", {"units": UnitsFacts(manager=False)}, BESIDE, "no systemd manager"),
    ("unit", {"units.enabled": "not-found"}, WARNING, "not installed"),
    ("unit", {"units.enabled": "disabled"}, WARNING, "is disabled"),
    ("unit", {"units.session": "inactive"}, WARNING, "graphical-session.target"),
    ("unit", {"units.active": "failed"}, WRONG, "enabled and failed"),
    ("drain", {}, GOOD_, "enabled"),
    ("drain", {"units.drain": ""}, BESIDE, "does not answer"),
    ("drain", {"units.drain": "not-found"}, WARNING, "next logon"),
    ("drain", {"units.drain": "disabled"}, WARNING, "is disabled"),
    ("store", {}, GOOD_, "answers"),
    ("store", {"store.trouble": "the store did not answer in time"}, WRONG, "in time"),
    ("store", {"store.proxy": "http://***@proxy:3128", "store.trouble": "refused"}, WRONG, "through the proxy"),
    ("certificate", {}, GOOD_, "from the CA that the enrolment named, until 2029"),
    ("certificate", {"store.ca_ends": None}, GOOD_, "a CA that this PC trusts"),
    ("certificate", {"store.trouble": "gone"}, BESIDE, "cannot be reached"),
    ("certificate", {"store.begins": None, "store.ends": None}, BESIDE, "plain http"),
    ("certificate", {"store.ends": NOW - 5 * DAY}, WRONG, "5 days ago"),
    ("certificate", {"store.begins": NOW + 5 * DAY}, WRONG, "not valid for another 5 days"),
    ("certificate", {"store.ends": NOW + 5 * DAY}, WARNING, "in 5 days"),
    ("certificate", {"store.ca_ends": NOW + 5 * DAY}, WARNING, "the CA that the enrolment named ends"),
    ("clock", {}, GOOD_, "agrees"),
    ("clock", {"store.ahead": -7300.0}, WARNING, "2 hours behind"),
    ("clock", {"store.ahead": 90.0}, WARNING, "90 s ahead"),
    ("clock", {"store.trouble": "gone"}, BESIDE, "cannot be reached"),
    ("let-in", {}, GOOD_, "knows this PC"),
    ("let-in", {"store.trouble": "gone"}, BESIDE, "cannot be reached"),
    ("let-in", {"store.refused": "device-revoked"}, WRONG, "revoked"),
    ("let-in", {"store.refused": "unknown-device"}, WRONG, "does not know"),
    ("let-in", {"store.refused": "agent-unsupported"}, WRONG, "another version"),
    ("let-in", {"store.refused": "not-let-in"}, WRONG, "not-let-in"),
    ("bundle", {}, GOOD_, "revision 3"),
    ("bundle", {"store.bundle_there": None}, BESIDE, "none"),
    ("bundle", {"store.bundle_there": 2}, WRONG, "revision 2"),
    ("bundle", {"store.bundle_there": 4}, WARNING, "revision 4"),
]  # fmt: skip


def changed(changes: dict[str, Any]) -> Facts:
    facts = GOOD
    for path, value in changes.items():
        about, _, field = path.partition(".")
        facts = replace(facts, **{about: replace(getattr(facts, about), **{field: value}) if field else value})
    return facts


@pytest.mark.parametrize(("check", "changes", "mark", "words"), CASES, ids=[f"{c[0]}-{c[3]}" for c in CASES])
def test_a_check(check: str, changes: dict[str, Any], mark: Mark, words: str) -> None:
    found = [said.finding for said in judge_all(changed(changes)) if said.check.id == check]
    [finding] = [one for one in found if words in one.found]
    assert finding.mark is mark
    assert bool(finding.next) is (mark in {Mark.WARNING, Mark.WRONG}) or finding.found.endswith(
        ("cannot say what is in view, so nothing is recorded", "damaged")
    )


def test_every_check_has_a_case_that_is_right_and_one_that_is_not() -> None:
    for check in CHECKS:
        marks = {mark for id_, _, mark, _ in CASES if id_ == check.id}
        assert len(marks) > 1 or check.id == "compositor", check.id


def test_a_pc_without_fault_has_no_warning() -> None:
    said = judge_all(GOOD)
    assert {one.check.id: one.finding for one in said if one.finding.mark in {Mark.WARNING, Mark.WRONG}} == {}
    assert worst(said) is Mark.GOOD
    assert EXIT_CODES[worst(said)] == 0


def test_the_worst_counts() -> None:
    assert EXIT_CODES[worst(judge_all(changed({"units.drain": "disabled"})))] == 1
    assert EXIT_CODES[worst(judge_all(changed({"units.drain": "disabled", "keys.enrolled": False})))] == 3


def test_what_nobody_answered_is_said() -> None:
    said = judge_all(
        replace(GOOD, seat=Unasked("it did not answer within 25 s"), store=Unasked("no keys", follows=True))
    )
    by_id = {one.check.id: one.finding for one in said}
    assert (by_id["seat"].mark, by_id["seat"].found) == (
        Mark.WARNING, "it could not be asked: it did not answer within 25 s",
    )  # fmt: skip
    assert (by_id["store"].mark, by_id["clock"].mark) == (Mark.BESIDE, Mark.BESIDE)


def test_all_of_one_browser_comes_together() -> None:
    two = changed({"browsers": (CHROMIUM, replace(CHROMIUM, name="edge", title="Edge"))})
    titles = [said.title for said in judge_all(two) if said.check.group == "Browsers"]
    assert titles == [
        "browsers", "old pictures",
        "Chromium: relay", "Chromium: extension", "Chromium: add-ons", "Chromium: tab previews",
        "Edge: relay", "Edge: extension", "Edge: add-ons", "Edge: tab previews",
    ]  # fmt: skip


def test_json_is_flat_and_stable() -> None:
    told = as_json(judge_all(GOOD))
    assert told["worst"] == "good"
    checks: Any = told["checks"]
    assert {tuple(one) for one in checks} == {("id", "group", "of", "mark", "found", "next")}
    assert len({check.id for check in CHECKS}) == len(CHECKS)
