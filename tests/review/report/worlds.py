"""Stores with recordings that chance made, and hostile names wherever a PC or a person may write one."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from protocol import api
from protocol.envelope import SOUND_STREAM
from protocol.policyhash import policy_hash
from testkit.fakes.pc import SECOND, Pc
from testkit.lifecycle import Days, Pcs, World

HOSTILE = (
    "=cmd|'/c calc'!A1", "+1+1", "@SUM(1)", "<script>alert(1)</script>", "\"'&{{7*7}}", "\u202elive", "\u2066iso\u2069",
    "日本", "(paren\\", "a" * 180, "%PDF-1.7",
)  # fmt: skip
DAY = 86_400 * SECOND
NOON = 1_795_953_600 * SECOND  # 29 November 2026, 12:00 UTC


def policy(number: int) -> tuple[str, dict[str, str]]:
    names = [f"rule-{number}-{place}" for place in range(3)] + [HOSTILE[number % len(HOSTILE)]]
    rules = [{"id": one, "why": f"why {one}"} for one in names]
    files = {"p.yaml": f"rules: {json.dumps(rules)}\nuser_hold: {{reasons: [Break]}}\n...\n"}
    return policy_hash({name: text.encode() for name, text in files.items()}), files


def _one(pcs: Pcs, pc: Pc, user: str, start: int, random: Random) -> str:
    """States in any order, with or without an end, whole or with chunks that never came."""
    number, files = policy(random.randrange(4))
    put = pc.client.put(api.policy_path(number), json={"files": files}, headers=pc.bearer)
    assert put.is_success
    made = pc.open_recording(pcs.bundle, policy=number, start=start, os_user=user)
    at = (len(pc.ledger.lines) + 1) * 4000 * SECOND
    pc.ledger.wall = start - at
    if not pc.ledger.lines:
        pc.ledger.write("start", at=at)
    pc.ledger.write("recording-open", at=at + 1, recording=str(made.id), policy=number, zero=at)
    now, sealed, last = at, [], random.randrange(2, 7)
    for place in range(last):
        length = random.randrange(1, 90 * SECOND)
        chunk = made.seal(length=length, gap=0)
        if random.random() < 0.8 or place == 0:
            sealed.append(chunk)
        now += length
        kind, gap = random.choice(["closed", "both", "hold", "blind", "none"]), random.randrange(1, 60 * SECOND)
        sound = random.random() < 0.5
        if kind in ("closed", "both"):
            rules = random.sample(range(4), 2 if kind == "both" else 1)
            lane = "audio" if sound else "screen"
            pc.ledger.write("lane-closed", at=now, lane=lane, rules=rules, policy=number)
            pc.ledger.write("lane-open", at=now + gap, lane=lane)
        elif kind == "hold":
            hold: dict[str, Any] = random.choice([{"hold": "user", "reason": 0, "policy": number}, {"hold": "locked"}])
            pc.ledger.write("hold", at=now, **hold)
            pc.ledger.write("release", at=now + gap, hold=hold["hold"])
        elif kind == "blind":
            pc.ledger.write("blind-since", at=now + gap, **{"from": now, "to": now + gap, "why": "died"})
        chunk = made.seal(length=random.randrange(1, 5 * SECOND), gap=gap)
        sealed.append(chunk)
        now += gap + 5 * SECOND
    if random.random() < 0.6:
        sealed.append(made.seal(stream=SOUND_STREAM, length=random.randrange(1, now - at)))
    if random.random() < 0.8:
        pc.ledger.write("recording-closed", at=now, recording=str(made.id), heads=made.heads(), why="stop")
    for body in sealed:
        assert pc.put_sealed(body).status_code == 200
    assert pc.send_ledger().status_code == 200
    return str(made.id)


def random_world(folder: Path, seed: int, recordings: int = 10) -> tuple[World, list[str]]:
    """The world, and every recording in it: of two PCs, on several days before `NOON`."""
    random, world = Random(seed), World.found(folder)
    world.days = Days(NOON)
    made = []
    with world.serving() as pcs:
        for place in range(2):
            pc = Pc(pcs.client)
            host = HOSTILE[(seed + place) % len(HOSTILE)]
            enrolled = pcs.client.post(api.ENROLL, json=pc.application(pcs.secret, user="ann", host=host[:60]))
            pc.device = enrolled.json()["device"]
            assert pc.ask_token(world.days() // SECOND).status_code == 200
            starts = sorted(NOON - random.randrange(0, 9 * DAY) for _ in range(recordings // 2))
            made += [_one(pcs, pc, HOSTILE[random.randrange(5)], start, random) for start in starts]
    return world, made
