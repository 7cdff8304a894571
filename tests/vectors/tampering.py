"""What is done to a world by somebody with the store's disk, or by a PC that lies: both programs must name it alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import jws
from protocol.bundle import Bundle
from protocol.envelope import (
    COMMITMENT_SIZE,
    KEY_PACKET_STREAM,
    SIGNATURE_SIZE,
    Edition,
    Flag,
    Header,
    Kind,
    digest,
    seal,
    sign_digest,
)
from protocol.keys import RecipientPrivate
from protocol.ledger import Batch, line, line_hash
from testkit.fakes.pc import SECOND, FakeRecording
from tests.vectors.worlds import Disk, Row, World, make_world, put_report


def _flipped(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def _row(world: World, column: str, value: object, body: bytes | None = None) -> None:
    where = world.where(body or world.chunk())
    statement = f'UPDATE sealed SET "{column}" = ? WHERE recording = ? AND stream = ? AND sequence = ?'  # noqa: S608 - ours
    world.disk.run(statement, value, *where)


def blob_removed(world: World) -> None:
    world.blob(world.chunk()).unlink()


def blob_changed(world: World) -> None:
    path = world.blob(world.chunk())
    body = bytearray(path.read_bytes())
    body[world.chance.randrange(len(body))] ^= 1
    path.write_bytes(body)


def blob_unreadable(world: World) -> None:
    path = world.blob(world.chunk())
    path.unlink()
    path.mkdir()


def packet_blob_removed(world: World) -> None:
    world.disk.blob(world.recording.id, KEY_PACKET_STREAM, 0, world.recording.packet).unlink()


def packet_removed(world: World) -> None:
    world.disk.run("DELETE FROM sealed WHERE recording = ? AND stream = ?", world.id, KEY_PACKET_STREAM)


def packet_changed(world: World) -> None:
    token = world.recording.packet.decode()
    world.replace_packet(_flipped(token, world.chance.randrange(len(token) - 1)).encode())


def packet_is_no_text(world: World) -> None:
    world.replace_packet(b"\xff" + world.recording.packet)


def packet_of_another_device(world: World) -> None:
    world.pc.evidence_key = Ed25519PrivateKey.generate()
    world.repack()


def packet_of_another_recording(world: World) -> None:
    world.repack(recording=uuid4())


def packet_names_another_device(world: World) -> None:
    world.repack(device=str(uuid4()))


def second_packet(world: World) -> None:
    """Beside the true one; a world without a chunk of sequence 0 cannot decide."""
    world.disk.put(world.recording.id, KEY_PACKET_STREAM, 0, world.recording.make_packet(), world.chance.choice((1, 9)))
    if world.chance.random() < 0.5:
        world.disk.run("DELETE FROM sealed WHERE recording = ? AND stream != ?", world.id, KEY_PACKET_STREAM)


def recording_row_changed(world: World) -> None:
    column, value = world.chance.choice((("host", "pc-8"), ("start", 7), ("os_user", "byron"), ("policy", "d" * 64)))
    world.disk.run(f"UPDATE recordings SET {column} = ? WHERE id = ?", value, world.id)  # noqa: S608 - ours


def packet_of_another_policy(world: World) -> None:
    world.repack(policy="d" * 64)
    world.disk.run("UPDATE recordings SET policy = ? WHERE id = ?", "d" * 64, world.id)


def bundle_unknown(world: World) -> None:
    world.repack(bundle_revision=99)


def bundle_swapped(world: World) -> None:
    """Under a revision of its own stands the first one again, or one that compliance never signed."""
    revision = world.chance.randrange(1000, 2**40)
    [[token]] = world.disk.run("SELECT token FROM bundles WHERE revision = 1")
    if world.chance.random() < 0.5:
        token = _flipped(token, len(token) // 2)
    world.disk.insert("bundles", revision=revision, token=token, added_at=1)
    world.repack(bundle_revision=revision)


def other_readers(world: World) -> None:
    world.recording.recipients = world.recording.recipients[:1]
    world.repack()


def wrapped_changed(world: World) -> None:
    """By a device that lies."""
    _resigned(world, "wrapped", lambda wrapped: {name: _flipped(text, 1500) for name, text in wrapped.items()})


def commitment_changed(world: World) -> None:
    _resigned(world, "commitment", lambda text: _flipped(text, 5))


def _resigned(world: World, name: str, change: Callable[[Any], object]) -> None:
    payload = jws.verify(jws.PACKET, world.recording.packet.decode(), world.pc.evidence_key.public_key())
    world.replace_packet(
        jws.sign(jws.PACKET, payload | {name: change(payload.get(name))}, world.pc.evidence_key).encode()
    )


def packet_has_another_shape(world: World) -> None:
    name, value = world.chance.choice(
        (("v", 2), ("envelope", 3), ("suite", {"kem": 1, "kdf": 1, "aead": 2}), ("wrapped", {}), ("start", -1),
         ("policy", "C" * 64), ("commitment", "AA"), ("recording", "x"), ("monitors", 5), ("device", 7),
         ("monitors", [{"stream": 0}]), ("wrapped", {"me": "AAAA"}))
    )  # fmt: skip
    _resigned(world, name, lambda _: value)


def row_changed(world: World) -> None:
    column, value = world.chance.choice(
        (("kind", 0), ("kind", 1), ("kind", 9), ("flags", 3), ("start", 77), ("end", 10**12))
    )
    _row(world, column, value)


def previous_changed(world: World) -> None:
    _row(world, "previous", "a" * 64)


def row_removed(world: World) -> None:
    where = world.where(world.chunk())
    world.disk.run("DELETE FROM sealed WHERE recording = ? AND stream = ? AND sequence = ?", *where)


def size_changed(world: World) -> None:
    _row(world, "size", 12)


def bodies_swapped(world: World) -> None:
    """A chunk under the name of another, of its own stream or not: hash, blob and row fit each other."""
    one, other = world.chunk(), world.chunk()
    _, stream, sequence = world.where(other)
    header = Header.parse(other)
    world.disk.run("DELETE FROM sealed WHERE recording = ? AND stream = ? AND sequence = ?", *world.where(other))
    said = {"kind": int(header.kind), "flags": int(header.flags), "start": header.start, "end": header.end}
    world.disk.put(world.recording.id, stream, sequence, one, **said, previous=header.previous.hex())


def chunk_under_another_stream(world: World) -> None:
    body = world.chunk()
    header = Header.parse(body)
    said = {"kind": int(header.kind), "flags": int(header.flags), "start": header.start, "end": header.end}
    world.disk.put(world.recording.id, 2, header.sequence, body, **said, previous=header.previous.hex())


def chunk_of_another_recording(world: World) -> None:
    body = world.chunk()
    other = FakeRecording(world.pc, world.bundle.recipients, key=world.recording.key, edition=world.recording.edition)
    _, stream, sequence = world.where(body)
    world.disk.run("DELETE FROM sealed WHERE recording = ? AND stream = ? AND sequence = ?", *world.where(body))
    foreign = other.seal(stream=stream, length=SECOND)
    header = Header.parse(foreign)
    said = {"kind": int(header.kind), "flags": int(header.flags), "start": header.start, "end": header.end}
    world.disk.put(world.recording.id, stream, sequence, foreign, **said, previous=header.previous.hex())


def chunk_is_garbage(world: World) -> None:
    body = bytearray(world.chunk())
    where = world.where(body)
    match world.chance.randrange(5):
        case 0:
            del body[60:]
        case 1:
            body[0] ^= 1
        case 2:
            body[4] = 9
        case 3:
            body[5] |= 0x80
        case _:
            body[32:48] = b"\0" * 7 + b"\2" + b"\0" * 7 + b"\1"
    row = world.disk.run(
        'SELECT kind, flags, start, "end", previous FROM sealed WHERE recording = ? AND stream = ? AND sequence = ?',
        *where,
    )[0]
    world.disk.run("DELETE FROM sealed WHERE recording = ? AND stream = ? AND sequence = ?", *where)
    said = dict(zip(("kind", "flags", "start", "end", "previous"), row, strict=True))
    world.disk.put(world.recording.id, where[1], where[2], bytes(body), **said)


def chunk_lasts_too_long(world: World) -> None:
    stream = Header.parse(world.chunk()).stream
    place = world.recording.streams[stream]
    header = Header(
        Kind.MEDIA, Flag.NONE, stream, world.recording.id, place.next, place.at, place.at + 7201 * SECOND, place.head,
        edition=world.recording.edition,
    )  # fmt: skip
    signer = world.pc.evidence_key if world.recording.edition.is_signed else None
    world.disk.put_chunk(seal(world.recording.stream_key(stream), header, b"", signer))


def chunk_does_not_open(world: World) -> None:
    """By a device that lies: signed, and sealed with another key."""
    stream = Header.parse(world.chunk()).stream
    world.recording.key = bytes(32)
    world.seal(stream, length=SECOND)
    world.disk.put_chunk(world.sealed[-1])


def chunk_commits_to_another_key(world: World) -> None:
    """By a device that lies: in the third edition to those who are given the chunk's own key alone."""
    world.seal(Header.parse(world.chunk()).stream, length=SECOND)
    body, edition = world.sealed[-1], world.recording.edition
    if edition.is_signed:
        lie = body[: -SIGNATURE_SIZE - COMMITMENT_SIZE] + bytes(COMMITMENT_SIZE)
        body = lie + sign_digest(digest(lie), world.pc.evidence_key, edition)
    world.disk.put_chunk(body)


def chunk_forged(world: World) -> None:
    """With a reader's key: behind the end, or in the place of a true one."""
    _, stream, sequence = world.where(world.chunk())
    behind = world.recording.streams[stream].next
    before = [body for body in world.sealed if Header.parse(body).stream == stream]
    edition = world.chance.choice(tuple(Edition))
    if world.chance.random() < 0.5:
        world.forge(stream, behind, edition=edition, before=before[-1])
    else:
        world.disk.run(
            "DELETE FROM sealed WHERE recording = ? AND stream = ? AND sequence = ?", world.id, stream, sequence
        )
        world.forge(stream, sequence, edition=edition, before=before[sequence - 1] if sequence else b"")


def another_body(world: World) -> None:
    """Beside the true one; also where nothing signed says which is which."""
    _, stream, sequence = world.where(world.chunk())
    if world.chance.random() < 0.6:
        sequence = world.recording.streams[stream].next - 1
    before = [body for body in world.sealed if Header.parse(body).stream == stream]
    at = world.chance.choice((1, 9))
    known = before[sequence - 1] if sequence else b""
    world.forge(stream, sequence, edition=world.recording.edition, at=at, before=world.chance.choice((known, b"x")))


def tail_cut(world: World) -> None:
    _, stream, sequence = world.where(world.chunk())
    world.disk.run(
        "DELETE FROM sealed WHERE recording = ? AND stream = ? AND sequence >= ?", world.id, stream, sequence
    )


def line_changed(world: World) -> None:
    seq = world.chance.randrange(len(world.pc.ledger.lines))
    line = world.pc.ledger.lines[seq].decode()
    value = world.chance.choice(
        (line.replace('"at":', '"at":1'), line + " ", "[]", line[:-1], line.replace('"wall":', '"wall":-'),
         line.replace('"seq":', '"seq":2'), line[:-1] + ',"deep":' + "[" * 17 + "]" * 17 + "}",
         line[:-1] + ',"at":1}', line[:-1] + ',"more":"' + "x" * 65_536 + '"}',
         line[:-1] + ',"more":[' + "0," * 4_100 + "0]}", line[:-1] + ',"more":"' + "," * 4_100 + '"}')
    )  # fmt: skip
    world.disk.run("UPDATE ledger_lines SET line = ? WHERE device = ? AND seq = ?", value, world.pc.device, seq)


def line_removed(world: World) -> None:
    seq = world.chance.randrange(len(world.pc.ledger.lines))
    world.disk.run("DELETE FROM ledger_lines WHERE device = ? AND seq = ?", world.pc.device, seq)


def batch_removed(world: World) -> None:
    last = "SELECT id FROM ledger_batches WHERE device = ? ORDER BY first DESC LIMIT 1"
    world.disk.run(f"DELETE FROM ledger_batches WHERE id IN ({last})", world.pc.device)  # noqa: S608 - ours


def batch_changed(world: World) -> None:
    """By its device, or by somebody else."""
    [identity, token] = world.chance.choice(
        world.disk.run("SELECT id, token FROM ledger_batches WHERE device = ?", world.pc.device)
    )
    batch = Batch.verify(token, world.pc.evidence_key.public_key())
    claims = {"device": batch.device, "first": batch.first, "last": batch.last}
    lines = [line.decode() for line in batch.lines]
    new = world.chance.choice(
        (
            _flipped(token, len(token) // 2),
            batch.sign(Ed25519PrivateKey.generate()),
            jws.sign(jws.LEDGER, claims | {"lines": lines, "last": batch.last + 1}, world.pc.evidence_key),
            jws.sign(jws.LEDGER, claims | {"lines": [*lines[:-1], "{}"]}, world.pc.evidence_key),
            jws.sign(jws.LEDGER, claims | {"lines": 5}, world.pc.evidence_key),
            jws.sign(jws.REPORT, claims, world.pc.evidence_key),
        )
    )
    world.disk.run("UPDATE ledger_batches SET token = ? WHERE id = ?", new, identity)


def batch_of_another_device(world: World) -> None:
    """By the same key, as where the rows of two devices were exchanged."""
    [identity, token] = world.chance.choice(
        world.disk.run("SELECT id, token FROM ledger_batches WHERE device = ?", world.pc.device)
    )
    batch = Batch.verify(token, world.pc.evidence_key.public_key())
    new = replace(batch, device=str(uuid4())).sign(world.pc.evidence_key)
    world.disk.run("UPDATE ledger_batches SET token = ? WHERE id = ?", new, identity)
    if world.chance.random() < 0.5:
        put_report(world, device=str(uuid4()))


def opening_hidden(world: World) -> None:
    """By a column, and then the end is cut off: no run of it is found, and so no head."""
    column, value = world.chance.choice((("kind", "policy"), ("recording", None), ("recording", str(uuid4()))))
    statement = f"UPDATE ledger_lines SET {column} = ? WHERE kind = 'recording-open' AND recording = ?"  # noqa: S608 - ours
    world.disk.run(statement, value, world.id)
    tail_cut(world)


def opening_blanked(world: World) -> None:
    """Every line that names the recording becomes another, so that no column is left to find one by."""
    statement = "UPDATE ledger_lines SET line = '{}', kind = 'policy', recording = NULL WHERE recording = ?"
    world.disk.run(statement, world.id)
    tail_cut(world)


def line_column_changed(world: World) -> None:
    column, value = world.chance.choice((("hash", "a" * 64), ("kind", "stop"), ("recording", world.pc.device)))
    seq = world.chance.randrange(len(world.pc.ledger.lines))
    statement = f"UPDATE ledger_lines SET {column} = ? WHERE device = ? AND seq = ?"  # noqa: S608 - ours
    world.disk.run(statement, value, world.pc.device, seq)


def _invented(world: World, seq: float, kind: str, **fields: object) -> None:
    """A row that no device signed, under a batch that one did."""
    claims = {"seq": 0, "prev": "0" * 64, "at": world.at, "wall": 0, "kind": kind, "recording": world.id, **fields}
    [[batch]] = world.disk.run("SELECT max(id) FROM ledger_batches WHERE device = ?", world.pc.device)
    world.disk.insert(
        "ledger_lines", device=world.pc.device, seq=seq, hash="0" * 64, kind=kind, recording=world.id, batch=batch,
        line=json.dumps(claims),
    )  # fmt: skip


def end_invented(world: World) -> None:
    """After a cut: by rows that lie between two entries, before all of them, or after the last."""
    body = world.sealed[0]
    tail_cut(world)
    heads = {str(Header.parse(body).stream): [1, digest(body).hex()]}
    seq = world.chance.choice((-3, 1.5, len(world.pc.ledger.lines) - 0.5, len(world.pc.ledger.lines)))
    _invented(world, seq, world.chance.choice(("start", "recording-open", "recording-closed")), heads=heads)
    _invented(world, seq + 0.25, "heads", heads=heads, final=True)


def kind_changed(world: World) -> None:
    """Of a true line, so that a run begins or ends there, or the recording is closed."""
    kind = world.chance.choice(("start", "blind-since", "recording-closed", "recording-open"))
    statement = "UPDATE ledger_lines SET kind = ?, recording = ? WHERE device = ? AND seq = ?"
    world.disk.run(statement, kind, world.id, world.pc.device, world.chance.randrange(len(world.pc.ledger.lines)))


def later_line_changed(world: World) -> None:
    """What came after the run, so that it tells of an end."""
    last = len(world.pc.ledger.lines) - 1
    world.disk.run("UPDATE ledger_lines SET kind = 'start' WHERE device = ? AND seq = ?", world.pc.device, last)
    line = json.loads(world.pc.ledger.lines[last]) | {"kind": "heads", "recording": world.id, "final": True}
    statement = "UPDATE ledger_lines SET line = ? WHERE device = ? AND seq = ?"
    world.disk.run(statement, json.dumps(line), world.pc.device, last)


def ledger_contradicted(world: World) -> None:
    """By the device's last report, and by a batch that was not taken."""
    put_report(world, ledger=(len(world.pc.ledger.lines), "a" * 64))
    token = _flipped(world.pc.ledger.batch(0, 0), 400)
    row = {"device": world.pc.device, "first": 0, "last": 0, "received_at": 1, "accepted": 0}
    world.disk.insert("ledger_batches", token=token, sha256=digest(token.encode()).hex(), **row)
    world.disk.insert("alarms", at=1, code="fork", device=world.pc.device, sequence=0)


def account_signed_twice(world: World) -> None:
    """No alarm tells of it. The second account is beside the first, or an entry of it in the first one's place."""
    lines, chance = world.pc.ledger.lines, world.chance
    seq = chance.randrange(len(lines) + 1)
    said = json.loads(lines[min(seq, len(lines) - 1)])
    prev = "a" * 64 if seq == len(lines) else said["prev"]
    other = line(seq, prev, at=said["at"], wall=said["wall"] + 1, kind="hold", hold="user")
    token = Batch(world.pc.device, seq, seq, (other,)).sign(world.pc.evidence_key)
    row = {"device": world.pc.device, "first": seq, "last": seq, "received_at": 1, "accepted": chance.choice((0, 1))}
    world.disk.insert("ledger_batches", token=token, sha256=digest(token.encode()).hex(), **row)
    if chance.random() < 0.5:
        statement = (
            "UPDATE ledger_lines SET line = ?, hash = ?, kind = 'hold', recording = NULL, batch = "
            "(SELECT max(id) FROM ledger_batches) WHERE device = ? AND seq = ?"
        )
        world.disk.run(statement, other.decode(), line_hash(other), world.pc.device, seq)


def text_padded(world: World) -> None:
    """By what some readers of a text leave out."""
    column = world.chance.choice(("line", "line", "hash", "kind"))
    padded = world.chance.choice(("char(65279) || {}", "{} || char(0)", "{} || char(0) || 'x'")).format(column)
    seq = world.chance.randrange(len(world.pc.ledger.lines))
    statement = f"UPDATE ledger_lines SET {column} = {padded} WHERE device = ? AND seq = ?"  # noqa: S608 - ours
    world.disk.run(statement, world.pc.device, seq)


def health_damaged(world: World) -> None:
    """Whatever it is, another finding is named as well."""
    bodies = (
        "", "[]", "null", "{}", '{"report":', '{"a":1,"a":2}', '{"report":5}', '{"report":"x"}', '{"ledger":null}',
        '{"ledger":{"next":1,"head":"x"}}', '{"ledger":{"next":1.5,"head":"' + "a" * 64 + '"}}',
        '{"ledger":{"next":1,"head":"' + "a" * 64 + '"}}', "\ufeff{}", "{}\0",
    )  # fmt: skip
    world.disk.run("UPDATE health SET body = ? WHERE device = ?", world.chance.choice(bodies), world.pc.device)
    line_column_changed(world)


def ledger_cut(world: World) -> None:
    first = world.chance.randrange(1, len(world.pc.ledger.lines))
    world.disk.run("DELETE FROM ledger_lines WHERE device = ? AND seq >= ?", world.pc.device, first)


def report_changed(world: World) -> None:
    report = world.pc.report(world.recording)
    payload = jws.verify(jws.REPORT, report.sign(world.pc.evidence_key), world.pc.evidence_key.public_key())
    put_report(
        world,
        world.chance.choice(
            (
                report.sign(Ed25519PrivateKey.generate()),
                jws.sign(jws.REPORT, payload | {"confirmed": -1}, world.pc.evidence_key),
                jws.sign(jws.REPORT, payload | {"heads": {"00": {"next": 1, "head": "a" * 64}}}, world.pc.evidence_key),
                jws.sign(jws.REPORT, payload | {"recording": "x"}, world.pc.evidence_key),
            )
        ),
    )


def report_removed(world: World) -> None:
    """Of a PC that has recorded for more than ten minutes."""
    world.seal(Header.parse(world.chunk()).stream, gap=700 * SECOND)
    world.disk.put_chunk(world.sealed[-1])
    world.disk.run("DELETE FROM health WHERE device = ?", world.pc.device)


def report_names_more(world: World) -> None:
    """Than came: chunks, receipts, another body."""
    stream = Header.parse(world.chunk()).stream
    place = world.recording.streams[stream]
    more = place.next + world.chance.randint(0, 2)
    heads = {stream: (more, world.chance.choice(("a" * 64, place.head.hex())))}
    receipted = world.chance.choice(({stream: more}, {more: more}, {}))  # of a stream without a head, too
    put_report(world, heads=heads, receipted=receipted)


def recording_removed(world: World) -> None:
    """Whole; its PC has signed that it had receipts for its chunks. One that the ledger tells of, or not yet."""
    entries = [json.loads(line) for line in world.pc.ledger.lines]
    opened = [one["recording"] for one in entries if one["kind"] == "recording-open" and one["recording"] != world.id]
    receipted = world.chance.choice(({0: 2}, {0: 0, 1: 1}, {0: 0}))
    gone = UUID(world.chance.choice([*opened, str(uuid4())]))
    report = replace(world.pc.report(receipted=receipted), recording=gone)
    put_report(world, report.sign(world.pc.evidence_key))


def health_names_more(world: World) -> None:
    _, stream, sequence = world.where(world.chunk())
    world.disk.insert(
        "reported_heads", device=world.pc.device, recording=world.id, stream=stream,
        sequence=sequence + world.chance.choice((0, 0, 9)), sha256="b" * 64, at=1,
    )  # fmt: skip


def alarm_raised(world: World) -> None:
    where: Row = {"stream": 0, "sequence": 3} if world.chance.random() < 0.5 else {}
    for _ in range(2):
        world.disk.insert("alarms", at=1, code="wrong-head", device=world.pc.device, recording=world.id, **where)
    world.disk.insert("alarms", at=1, code="doubled", device=world.pc.device, recording=world.id)
    [[alarm]] = world.disk.run("SELECT max(id) FROM alarms")
    world.disk.insert("audit", at=1, operator="me", action="acknowledge-alarm", alarm=alarm, reason="looked into")


def signature_exchanged(world: World) -> None:
    body = world.chunk()
    forged = body[:-SIGNATURE_SIZE] + world.chunk()[-SIGNATURE_SIZE:] if world.recording.edition.is_signed else body
    world.disk.run("DELETE FROM sealed WHERE recording = ? AND stream = ? AND sequence = ?", *world.where(body))
    world.disk.put_chunk(forged)


def nothing(world: World) -> None:
    del world


TAMPERING: Final[tuple[Callable[[World], None], ...]] = (
    nothing, blob_removed, blob_changed, blob_unreadable, packet_blob_removed, packet_removed, packet_changed,
    packet_is_no_text, packet_of_another_device, packet_of_another_recording, packet_names_another_device,
    second_packet,
    recording_row_changed, packet_of_another_policy, bundle_unknown, bundle_swapped, other_readers, wrapped_changed,
    commitment_changed, packet_has_another_shape, row_changed, previous_changed, row_removed, size_changed,
    bodies_swapped, chunk_under_another_stream,
    chunk_of_another_recording, chunk_is_garbage, chunk_lasts_too_long, chunk_does_not_open,
    chunk_commits_to_another_key, chunk_forged, another_body,
    tail_cut, line_changed, line_removed, batch_removed, batch_changed,
    batch_of_another_device, opening_hidden,
    line_column_changed, end_invented, kind_changed, later_line_changed, ledger_contradicted, ledger_cut,
    report_changed, report_names_more, health_names_more, alarm_raised, signature_exchanged,
    recording_removed, opening_blanked, report_removed,
)  # fmt: skip
BESIDE: Final[tuple[Callable[[World], None], ...]] = (account_signed_twice, text_padded, health_damaged)


def tampered(
    seeds: Iterable[int],
    disk: Disk,
    bundle: Bundle,
    reader: RecipientPrivate,
    ways: Sequence[Callable[[World], None]] = TAMPERING,
) -> dict[str, str]:
    """Recording -> its seed and what was done to it."""
    found = {}
    for seed in seeds:
        world = make_world(seed, disk, bundle, reader)
        tamper = ways[seed % len(ways)]
        tamper(world)
        found[world.id] = f"seed {seed}: {tamper.__name__.replace('_', ' ')}"
    return found


# A recording's own rows alone: garbage elsewhere would make the worlds depend on each other.
_CELLS: Final = (
    *(("sealed", name) for name in ("stream", "sequence", "sha256", "size", "kind", "flags")),
    *(("sealed", name) for name in ("start", "end", "previous")),
    *(("ledger_lines", name) for name in ("seq", "hash", "kind", "recording", "batch", "line")),
    *(("ledger_batches", name) for name in ("first", "token")),
    *(("recordings", name) for name in ("device", "start", "host", "policy")),
    ("devices", "evidence_key"), ("health", "body"),
)  # fmt: skip
_GARBAGE: Final = (b"\xff\0", "", "😀", -1, 2**63 - 1, 1.5, "../../x", "[" * 10_000)


def garbled(seeds: Iterable[int], disk: Disk, bundle: Bundle, reader: RecipientPrivate) -> list[str]:
    """Recordings of which one cell of the catalog holds anything at all."""
    found = []
    for seed in seeds:
        world = make_world(seed, disk, bundle, reader)
        table, column = _CELLS[seed % len(_CELLS)]
        name = {"sealed": "recording", "recordings": "id", "devices": "id"}.get(table, "device")
        owner = world.id if table in ("sealed", "recordings") else world.pc.device
        statement = f'UPDATE OR IGNORE "{table}" SET "{column}" = ? WHERE {name} = ?'  # noqa: S608 - ours
        disk.run(statement, world.chance.choice(_GARBAGE), owner)
        found.append(world.id)
    return found
