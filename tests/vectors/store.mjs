// Opens a whole store without any of Eyelid's code, from docs/envelope.md and docs/store-format.md alone: its answers
// show whether a stranger's program finds the same bodies, accounts, findings and media. Prints one line of JSON for
// each store: {store, recordings: [{id, state, length, lanes, bodies, findings, media}], ledgers: [{id, findings}]}.
//
//   node store.mjs HOME... [--key FILE --passphrase-file FILE] --json
//
// The packages of node/package.json have to lie beside it.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import initSqlJs from "sql.js";
import {
  checkPlace,
  checkSignature,
  committed,
  hex,
  isBeyond,
  isDigest,
  isObject,
  isStream,
  isText,
  isUint,
  isUuid,
  openChunk,
  openKey,
  openKeyFile,
  parseHeader,
  parseJson,
  parseObject,
  readBatch,
  readBundle,
  readLine,
  readPacket,
  readReport,
  recipientOf,
  refused,
  Refused,
  refuseIf,
  sha256,
  streamKey,
  verifyJws,
  walk,
} from "./envelope.mjs";

const PACKET = 65_535;
const AUDIO = 32_768;
const SCENES = 32_769;
const OVERRUN = 1_000_000_000n; // ns after its end that a recording's chunk may reach
const DAY = 86_400_000_000_000n;
const FIRST_REPORT = 600_000_000_000n;
const ZERO = "0".repeat(64);
const MAX_TEXT = 200;
const ACKNOWLEDGED = "SELECT alarm FROM audit WHERE alarm IS NOT NULL";
const MOST_HOLDS = 32; // at once
const LATER = 51n; // entries after the run that are looked at

const ENTRY = "device = ? AND seq >= 0 AND typeof(seq) = 'integer'"; // other rows are no entries

const laneOf = (stream) => (stream < AUDIO ? "screen" : stream === SCENES ? null : "audio");
const most = (values, least = 0n) => values.reduce((one, other) => (other > one ? other : one), least);

// -- the catalog -----------------------------------------------------------------------------------------------------

const { Database } = await initSqlJs();
// A text is read from its bytes: this SQLite's own way leaves out a byte order mark before it, and what follows a NUL.
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

class Store {
  constructor(home) {
    this.home = home;
    const file = readFileSync(join(home, "store.db"));
    file.fill(1, 18, 20); // as it lies without its log: this SQLite has no shared memory for one
    this.database = new Database(file);
    const about = parseJson(readFileSync(join(home, "store.json")));
    this.compliance = about.keys.find(({ name }) => name === "compliance")?.id;
  }

  rows(query, ...values) {
    const statement = this.database.prepare(query);
    statement.bind(values);
    const rows = [];
    while (statement.step()) {
      const cells = statement.get(null, { useBigInt: true });
      const exact = (cell, at) => (isText(cell) ? UTF8.decode(statement.getBlob(at)) : cell);
      const names = statement.getColumnNames();
      rows.push(Object.fromEntries(cells.map((cell, at) => [names[at], exact(cell, at)])));
    }
    statement.free();
    return rows;
  }

  /** The bytes of a blob. Throws `lost`, `damaged` or `unreadable`. */
  blob({ recording, stream, sequence, size, sha256: hash }) {
    const name = `${String(stream).padStart(5, "0")}-${String(sequence).padStart(10, "0")}-${hash}`;
    let bytes;
    try {
      bytes = readFileSync(join(this.home, "blobs", recording.slice(-2), recording, name));
    } catch (error) {
      throw new Refused(error.code === "ENOENT" ? "lost" : "unreadable");
    }
    refuseIf(BigInt(bytes.length) !== size || sha256(bytes).toString("hex") !== hash, "damaged");
    return bytes;
  }

  /** Whether any file lies in the folder of a recording. */
  hasFiles(recording) {
    try {
      const folder = join(this.home, "blobs", recording.slice(-2), recording);
      return readdirSync(folder, { recursive: true, withFileTypes: true }).some((one) => one.isFile());
    } catch {
      return false;
    }
  }

  /** {recording, device, step, explained, certified} of what was erased, by a column of theirs. A store of before has
   * no such table. */
  tombstones(column, value) {
    if (this.rows("SELECT 1 FROM sqlite_master WHERE name = 'erasures'").length === 0) return [];
    const [decider] = this.rows("SELECT key FROM lifecycle");
    return this.rows(`SELECT * FROM erasures WHERE ${column} = ?`, value).map((row) => {
      const [order, certificate] = [row.order, row.certificate].map((token) => erasureOf(token, decider?.key, row));
      const certified = certificate !== null && certificate.destroyed !== undefined;
      const explained = order !== null && certified === (row.step === "erased");
      return { recording: row.recording, device: row.device, step: row.step, explained, certified };
    });
  }

  lines(device, first, last) {
    const query =
      `SELECT seq, hash, kind, recording, line, batch FROM ledger_lines WHERE ${ENTRY} AND seq BETWEEN ? AND ? ORDER BY seq`;
    return this.rows(query, device, first, last);
  }

  /** The entries whose lines have the id of a recording in them. */
  naming(device, recording) {
    return this.rows(`SELECT * FROM ledger_lines WHERE ${ENTRY} AND instr(line, ?) ORDER BY seq`, device, recording);
  }

  /** Whether the device has one row for each entry up to the last, and no other. */
  isWhole(device) {
    const [{ rows }] = this.rows("SELECT count(*) AS rows FROM ledger_lines WHERE device = ?", device);
    return rows === this.entry("count", device, "TRUE") && rows === (this.entry("max", device, "TRUE") ?? -1n) + 1n;
  }

  /** Number of the entry that `choose` (min, max or count) finds, or null. */
  entry(choose, device, condition, ...values) {
    const query = `SELECT ${choose}(seq) AS seq FROM ledger_lines WHERE ${ENTRY} AND ${condition}`;
    return this.rows(query, device, ...values)[0].seq;
  }

  /** {lines, start, first, prev, later, next}: rows of the run, its first number and that of the opening, the hash before
   * the run, rows of what came later, the number after the last. */
  run(device, recording) {
    const next = (this.entry("max", device, "TRUE") ?? -1n) + 1n;
    const opening = this.entry("min", device, "kind = 'recording-open' AND recording = ?", recording);
    if (opening === null) return { lines: [], prev: ZERO, later: [], next };
    const start = this.entry("max", device, "kind = 'start' AND seq <= ?", opening) ?? 0n;
    const following = this.entry("min", device, "kind IN ('start', 'blind-since') AND seq > ?", opening);
    const closing = this.entry("min", device, "kind = 'recording-closed' AND recording = ? AND seq > ?", recording, opening);
    const last = following === null ? next - 1n : following - 1n;
    const lines = this.lines(device, start, closing === null || closing > last ? last : closing);
    const prev = this.lines(device, start - 1n, start - 1n)[0]?.hash ?? ZERO;
    return {
      lines,
      start,
      first: opening,
      prev,
      later: following === null ? [] : this.lines(device, following, following + LATER - 1n),
      next,
    };
  }
}

/** An order or certificate that the log's key signed about what this row names; null for any other. */
function erasureOf(token, key, row) {
  let said = null;
  refused(() => {
    refuseIf(!isText(key) || !isText(token), "malformed");
    const read = verifyJws("eyelid-erasure", token, key);
    const texts = ["device", "basis", "rule", "rules", "reference", "log"].map((name) => read[name]);
    refuseIf(!isUuid(read.recording) || !texts.every(isText) || ![read.position, read.at].every(isUint), "bad-field");
    const { destroyed: done } = read;
    if ("destroyed" in read) {
      refuseIf(!isObject(done) || ![done.at, done.objects, done.bytes].every(isUint), "bad-field");
      const lists = [done.packets, done.replicas, done.exports];
      refuseIf(!lists.every((list) => Array.isArray(list) && list.every(isText)), "bad-field");
      refuseIf(!isText(done.backups_until), "bad-field");
    }
    if (["recording", "device", "position"].every((name) => read[name] === row[name])) said = read;
  });
  return said;
}

// -- the entries of a recording --------------------------------------------------------------------------------------

function entriesOf(rows) {
  return rows.flatMap(({ seq, line }) => {
    let entry = [];
    refused(() => (entry = [{ ...readLine(line), seq }])); // the row's number: of a line that was put there it may lie
    return entry;
  });
}

/** Whether the catalog says of a line what it says; of one that cannot be read nothing can be said. */
function columnsAgree({ hash, kind, recording, line }) {
  const [entry] = entriesOf([{ line }]);
  if (!entry) return true;
  return same([hash, kind, recording], [sha256(line).toString("hex"), entry.kind, entry.recording ?? null]);
}

function factsOf({ lines, first, later: laterLines }, recording) {
  const [run, later] = [entriesOf(lines), entriesOf(laterLines)];
  const [before, own] = [run.filter(({ seq }) => seq < first), run.filter(({ seq }) => seq >= first)];
  const ofKind = (kind) => own.find((one) => one.kind === kind && one.recording === recording) ?? null;
  const [opening, closing] = [ofKind("recording-open"), ofKind("recording-closed")];
  const zero = isUint(opening?.zero) && opening.zero <= opening.at ? opening.zero : (opening?.at ?? 0n);
  const named = [...own, ...later].filter(
    (one) => ["heads", "recording-closed"].includes(one.kind) && one.recording === recording,
  );
  const ended = closing !== null || laterLines.length > 0;
  const died = later.find(({ seq }) => seq === laterLines[0].seq); // the first alone is about this run's end
  const heads = named.map((one) => headsOf(one.heads));
  return { before, own, later, died, opening, closing, zero, ended, named: heads };
}

/** [[stream, next, hash]]; members of another shape count as not told. */
function headsOf(heads) {
  const fits = ([stream, head]) =>
    isStream(stream) && Array.isArray(head) && head.length === 2 && isUint(head[0]) && head[0] > 0n && isText(head[1]);
  return isObject(heads)
    ? Object.entries(heads)
        .filter(fits)
        .map(([stream, [next, hash]]) => [Number(stream), next, hash])
    : [];
}

/** stream -> sequence -> the hash that was signed last for it. */
function signedHeads(named) {
  const heads = new Map();
  for (const [stream, next, hash] of named.flat()) {
    if (!heads.has(stream)) heads.set(stream, new Map());
    heads.get(stream).set(next - 1n, hash);
  }
  return heads;
}

const highest = (of) => most([...of.keys()]);

// -- which body counts -----------------------------------------------------------------------------------------------

function chooseBodies(rows, heads) {
  const bodies = (stream, sequence) => rows.filter((row) => row.stream === stream && row.sequence === sequence);
  const packets = rows.filter((row) => row.stream === PACKET);
  const streams = new Map();
  for (const stream of [...new Set(rows.map((row) => row.stream))]
    .filter((one) => one !== PACKET)
    .sort((a, b) => a - b)) {
    const sequences = [...new Set(rows.filter((row) => row.stream === stream).map((row) => row.sequence))].sort(
      (a, b) => (a < b ? 1 : -1),
    );
    const chosen = [];
    let next = null;
    for (const sequence of sequences) {
      const candidates = bodies(stream, sequence);
      const signed = heads.get(stream)?.get(sequence);
      const named = next?.sequence === sequence + 1n ? next.previous : null;
      const before = (sequence === 0n ? packets : bodies(stream, sequence - 1n)).map((row) => row.sha256);
      const proven = candidates.find((row) => row.sha256 === signed) ?? candidates.find((row) => row.sha256 === named);
      next = proven ?? candidates.find((row) => before.includes(row.previous)) ?? candidates[0];
      next.undecided = proven === undefined && candidates.length > 1;
      chosen.unshift(next);
    }
    streams.set(stream, chosen);
  }
  const firsts = [...streams.values()].map(([first]) => first).filter((first) => first.sequence === 0n);
  const packet = packets.find((row) => firsts.some((first) => first.previous === row.sha256)) ?? packets[0] ?? null;
  const rooted = firsts.some((first) => first.previous === packet?.sha256);
  if (packet) packet.undecided = packets.length > 1 && !rooted;
  return { packet, streams };
}

// -- the account -----------------------------------------------------------------------------------------------------

const FOREVER = 2n ** 70n;

/** The states of a lane from the entries of its run: [{from, to, cause}], in their order of precedence. */
function statesOf(lane, { before, own, died, zero }) {
  const slept = [];
  const states = [];
  const blind = [];
  const holds = new Map();
  let closing = null;
  let current = null;
  const span = (entry) => ["from", "to"].map((name) => (isUint(entry[name]) ? entry[name] : entry.at) - zero);
  for (const entry of [...before, ...own]) {
    const hold = textOf(entry, "hold", "unnamed");
    if (entry.kind === "hold" && (holds.has(hold) || holds.size < MOST_HOLDS)) holds.set(hold, entry);
    else if (entry.kind === "release") holds.delete(hold);
    else if (entry.kind === "lane-closed" && entry.lane === lane) closing = entry;
    else if (entry.kind === "lane-open" && entry.lane === lane) closing = null;
    else if (entry.kind === "slept") {
      const [from, to] = span(entry);
      slept.push({ from, to, cause: { what: "held", holds: ["suspended"] } });
    } else if (entry.kind === "blind-since") {
      const [from, to] = span(entry);
      blind.push({ from, to, cause: { what: "blind", why: textOf(entry, "why", "blind") } });
    }
    const cause = causeOf(holds, closing);
    if (same(cause, current?.cause ?? null)) continue;
    if (current) current.to = entry.at - zero;
    current = cause && { from: entry.at - zero, to: FOREVER, cause };
    if (current) states.push(current);
  }
  if (died?.kind === "blind-since") {
    blind.push({ from: span(died)[0], to: FOREVER, cause: { what: "blind", why: textOf(died, "why", "blind") } });
  }
  return [...slept, ...states, ...blind].filter(({ from, to }) => from < to);
}

const textOf = (entry, name, otherwise) =>
  isText(entry[name]) && [...entry[name]].length <= MAX_TEXT ? entry[name] : otherwise;
const policyOf = (entry) => (/^[ -~]{0,64}$/.test(textOf(entry, "policy", "")) ? textOf(entry, "policy", "") : "");

function causeOf(holds, closing) {
  const names = [...holds.keys()].filter((name) => name !== "blind");
  if (names.length > 0) return { what: "held", holds: names, ...(holds.has("user") && reasonOf(holds.get("user"))) };
  const rules = (Array.isArray(closing?.rules) ? closing.rules : []).filter(
    (one) => typeof one === "bigint" || (isText(one) && [...one].length <= MAX_TEXT),
  );
  const blind = rules.length === 1 && rules[0] === "blind";
  if (closing !== null && !blind) return { what: "closed", rules, policy: policyOf(closing) };
  return blind || holds.has("blind") ? { what: "blind", why: "blind" } : null;
}

/** Of the hold of the person in front: a number has its meaning in a policy, a text is Eyelid's own. */
function reasonOf(hold) {
  if (typeof hold.reason === "bigint") return { reason: hold.reason, policy: policyOf(hold) };
  return { reason: textOf(hold, "reason", "") || null };
}

const same = (one, other) => print(one) === print(other);

function partsOf(lane, length, facts, bodies, heads, states, gone) {
  const kept = [];
  const missing = [];
  const streams = [...bodies.streams].filter(([stream]) => laneOf(stream) === lane);
  for (const [, chunks] of streams) {
    let end = 0n;
    let sequence = 0n;
    for (const chunk of chunks) {
      const [from, to] = spanOf(chunk);
      if (chunk.sequence !== sequence) missing.push({ from: end, to: from, cause: { what: "missing", why: "lost" } });
      if (chunk.kind === 1) kept.push({ from, to, cause: { what: "kept" } });
      sequence = chunk.sequence + 1n;
      end = most([to], end);
    }
  }
  for (const [stream, signed] of heads) {
    const last = bodies.streams.get(stream)?.at(-1);
    if (laneOf(stream) !== lane || highest(signed) <= (last?.sequence ?? -1n)) continue;
    missing.push({
      from: last ? spanOf(last)[1] : 0n,
      to: length,
      cause: { what: "missing", why: facts.ended ? "lost" : "not-here-yet" },
    });
  }
  if (!facts.ended)
    missing.push({
      from: most(kept.map((one) => one.to)),
      to: length,
      cause: { what: "missing", why: "not-here-yet" },
    });

  if (gone) missing.splice(0, Infinity, ...gone);
  const cuts = [...kept, ...missing, ...states].flatMap(({ from, to }) => [from, to]);
  const edges = [...new Set([0n, ...cuts.filter((one) => one > 0n && one < length), length])].sort((a, b) =>
    a < b ? -1 : 1,
  );
  const parts = [];
  for (const [at, from] of edges.slice(0, -1).entries()) {
    const covers = (one) => one.from <= from && from < one.to;
    const lost = missing.find(covers);
    const cause = (!lost && kept.find(covers)?.cause) || (states.find(covers) ?? lost)?.cause || null;
    append(parts, { from, to: edges[at + 1], cause, margin: null });
  }
  return joined(parts.map((part, at) => filled(part, parts[at - 1], parts[at + 1], facts)));
}

function append(parts, part) {
  const last = parts.at(-1);
  if (last && last.margin === part.margin && same(last.cause, part.cause)) last.to = part.to;
  else parts.push({ ...part });
}

const isState = (part) => part && part.cause !== null && !["kept", "missing"].includes(part.cause.what);

function filled(part, before, after, facts) {
  if (part.cause !== null) return part;
  if (facts.opening === null) return { ...part, cause: { what: "missing", why: "no-ledger" } };
  if (isState(before)) return { ...part, cause: before.cause, margin: "after" };
  if (isState(after)) return { ...part, cause: after.cause, margin: "before" };
  return { ...part, cause: { what: "blind", why: "unproven" } };
}

function joined(parts) {
  const whole = [];
  for (const part of parts) append(whole, part);
  return whole.map(({ from, to, cause, margin }) => ({ from, to, ...cause, margin }));
}

function sumsOf(parts) {
  const sums = { kept: 0n, closed: 0n, closed_margin: 0n, held: 0n, blind: 0n, missing: 0n };
  for (const { from, to, what, margin } of parts)
    sums[what === "closed" && margin ? "closed_margin" : what] += to - from;
  return sums;
}

// -- a recording -----------------------------------------------------------------------------------------------------

/** One recording: its bodies, its account, and what is wrong with it. */
class Examination {
  constructor(store, row) {
    this.store = store;
    this.row = row;
    this.findings = [];
    this.unsound = new Set();
    this.batches = new Map(); // id -> number -> line
    this.commitments = new Map(); // stream -> that of its first chunk
    [this.device] = store.rows("SELECT * FROM devices WHERE id = ?", row.device);
    this.ledger = store.run(row.device, row.id);
    this.facts = factsOf(this.ledger, row.id);
    this.heads = signedHeads(this.facts.named);
    this.sealed = store
      .rows("SELECT * FROM sealed WHERE recording = ? ORDER BY received_at, sha256", row.id)
      .map((one) => ({ ...one, stream: Number(one.stream), kind: one.kind === null ? null : Number(one.kind) }));
    this.bodies = chooseBodies(this.sealed, this.heads);
    this.chunks = [...this.bodies.streams.values()].flat();
    [this.erased] = store.tombstones("recording", row.id);
    if (this.erased && this.erased.device !== row.device) this.erased.explained = false; // about another's
  }

  find(check, code, where) {
    const finding = { check, code, where };
    if (!this.findings.some((one) => same(one, finding))) this.findings.push(finding);
  }

  /** Whether the attempt was not refused; its code becomes a finding about this body. */
  attempt(check, one, action) {
    const code = refused(action);
    if (code === null) return true;
    this.find(check, code, placeOf(one));
    this.unsound.add(one);
    return false;
  }

  async answer(reader) {
    if (this.erased) return this.told(this.afterErasure());
    for (const one of this.sealed) this.attempt("bytes", one, () => (one.bytes = this.store.blob(one)));
    const packet = this.checkPacket();
    for (const one of this.chunks) this.checkChunk(one, packet);
    this.checkChains();
    this.checkLedger(packet);
    const report = this.checkReport(packet);
    this.checkHeads(report);
    const length = lengthOf(this.facts, this.chunks);
    const lanes = Object.fromEntries(this.lanes().map((lane) => [lane, this.account(lane, length)]));
    const media = reader && (await this.open(packet, reader));
    const alarms = `SELECT * FROM alarms WHERE recording = ? AND id NOT IN (${ACKNOWLEDGED}) ORDER BY id`;
    for (const one of this.store.rows(alarms, this.row.id)) this.find("alarm", one.code, placeOf(one));
    const state = this.facts.closing ? "closed" : this.facts.ended ? "broken-off" : "open";
    return this.told({ state, length, lanes, media });
  }

  /** Of what was destroyed nothing can be checked but why, and that it is not here. */
  afterErasure() {
    const { step, explained, certified } = this.erased;
    this.checkLedger(null);
    if (!explained) this.find("erasure", "unexplained", { stream: null });
    else if (step === "erased" && this.store.hasFiles(this.row.id)) this.find("erasure", "not-erased", { stream: null });
    const length = lengthOf(this.facts, this.chunks);
    const lanes = Object.fromEntries(this.lanes().map((lane) => [lane, this.timesOf(lane, length)]));
    return { state: !explained ? "gone" : certified ? "erased" : "erasing", length, lanes };
  }

  told({ state, length, lanes, media }) {
    return {
      id: this.row.id,
      device: this.row.device,
      state,
      length,
      lanes,
      bodies: [this.bodies.packet, ...this.chunks]
        .filter(Boolean)
        .map((one) => ({ ...placeOf(one), sha256: one.sha256 })),
      findings: this.findings,
      ...(media && { media }),
    };
  }

  /** What the chosen key packet says, if it is the device's. */
  checkPacket() {
    const { packet: stored } = this.bodies;
    if (stored === null) this.find("key-packet", "no-key-packet", placeOf({ stream: PACKET, sequence: 0n }));
    if (!stored?.bytes) return null;
    let packet = null;
    const sound = this.attempt("key-packet", stored, () => {
      packet = readPacket(stored.bytes.toString("latin1"), this.device.evidence_key);
      refuseIf(packet.recording !== this.row.id || packet.device !== this.row.device, "misplaced");
    });
    if (!sound) return null;
    const wrong = (code) => this.find("key-packet", code, placeOf(stored));
    if (["policy", "start", "host", "os_user"].some((name) => packet[name] !== this.row[name]))
      wrong("changed-catalog");
    if (this.facts.opening && this.facts.opening.policy !== packet.policy) wrong("other-policy");
    const [row] = this.store.rows("SELECT token FROM bundles WHERE revision = ?", packet.bundle_revision);
    if (!row) wrong("unknown-bundle");
    else {
      let bundle = null;
      refused(() => (bundle = readBundle(row.token, this.store.compliance)));
      if (bundle?.revision !== packet.bundle_revision) wrong("bad-bundle");
      else if (!same(bundle.recipients.sort(), [...packet.wrapped.keys()].sort())) wrong("other-readers");
    }
    return packet;
  }

  checkChunk(one, packet) {
    if (!one.bytes) return;
    let header = null;
    const parsed = this.attempt("headers", one, () => {
      header = parseHeader(one.bytes);
      checkPlace(header, { ...placeOf(one), recording: this.row.id, previous: hex(one.previous ?? "") });
      refuseIf(isBeyond(header), "bad-span");
    });
    if (!parsed) return;
    this.attempt("headers", one, () => {
      refuseIf(header.kind !== one.kind || BigInt(header.flags) !== one.flags, "changed-catalog");
      refuseIf(header.start !== (one.start ?? 0n) || header.end !== (one.end ?? 0n), "changed-catalog");
    });
    const edition = packet?.edition ?? header.edition;
    const signed = this.attempt("signatures", one, () => checkSignature(one.bytes, this.device.evidence_key, edition));
    one.readable = header.edition === edition;
    if (!signed || edition === 1) return;
    const commitment = committed(one.bytes).toString("hex");
    if (!this.commitments.has(one.stream)) this.commitments.set(one.stream, commitment);
    this.attempt("chain", one, () => refuseIf(commitment !== this.commitments.get(one.stream), "other-key"));
  }

  checkChains() {
    const { packet, streams } = this.bodies;
    for (const [stream, chunks] of streams) {
      let before = { sequence: -1n, sha256: packet?.sha256 };
      for (const one of chunks) {
        const expected = before.sequence + 1n;
        if (one.sequence !== expected) this.find("chain", "gap", placeOf({ stream, sequence: expected }));
        else if (before.sha256)
          this.attempt("chain", one, () => refuseIf(one.previous !== before.sha256, "wrong-previous"));
        before = one;
      }
    }
    for (const one of [packet, ...this.chunks]) if (one?.undecided) this.find("chain", "undecided", placeOf(one));
  }

  checkLedger(packet) {
    const { lines, start, later, prev } = this.ledger;
    if (!this.store.isWhole(this.row.device)) this.find("ledger", "changed-catalog", { ledger: this.row.device });
    if (lines.length === 0) {
      const named = this.store.naming(this.row.device, this.row.id);
      const seen = new Set(named.filter((row) => !columnsAgree(row)).map(({ seq }) => seq));
      for (const seq of seen) this.find("ledger", "changed-catalog", { entry: seq });
      for (const row of packet ? this.store.lines(this.row.device, 0n, this.ledger.next).reverse() : []) {
        const [signed, agrees] = [this.isSigned(row), columnsAgree(row)];
        if (!signed) this.find("ledger", "unsigned", { entry: row.seq });
        if (!agrees && !seen.has(row.seq)) this.find("ledger", "changed-catalog", { entry: row.seq });
        if (signed && agrees && entriesOf([row])[0]?.wall < packet.start - DAY) break;
      }
      return;
    }
    for (const row of [...lines, ...later]) {
      if (!this.isSigned(row)) this.find("ledger", "unsigned", { entry: row.seq });
      if (!columnsAgree(row)) this.find("ledger", "changed-catalog", { entry: row.seq });
    }
    this.walk(lines, prev, start);
    if (later.length > 0) this.walk(later, entriesOf(later.slice(0, 1))[0]?.prev ?? ZERO, later[0].seq);
  }

  isSigned({ batch, seq, line }) {
    if (!this.batches.has(batch)) this.batches.set(batch, this.linesOf(batch));
    return this.batches.get(batch).get(seq) === line;
  }

  /** Number -> line of a signed batch; empty for one that is not here, or that is not this device's. */
  linesOf(id) {
    const [batch] = this.store.rows("SELECT first, token FROM ledger_batches WHERE id = ?", id);
    const signed = new Map();
    const code =
      batch &&
      refused(() => {
        const { device, first, lines } = readBatch(batch.token, this.device.evidence_key);
        refuseIf(device !== this.row.device, "misplaced");
        for (const [at, line] of lines.entries()) signed.set(first + BigInt(at), line);
      });
    if (code) this.find("ledger", code, { batch: batch.first });
    return signed;
  }

  walk(rows, prev, first) {
    const texts = rows.map(({ line }) => line);
    for (const { seq, code } of walk(texts, prev, first)) this.find("ledger", code, { entry: seq });
  }

  /** The last report that the device signed, if it did. */
  checkReport(packet) {
    const token = healthOf(this.store, this.row.device)?.report;
    if (!isText(token)) {
      const due = packet?.edition > 1 && lengthOf(this.facts, this.chunks) > FIRST_REPORT;
      if (due) this.find("ledger", "no-report", { report: this.row.device });
      return null;
    }
    let report = null;
    const code = refused(() => (report = reportOf(token, this.device)));
    if (code) this.find("ledger", code, { report: this.row.device });
    const { closing, later } = this.facts;
    const final = later.some((one) => one.kind === "heads" && one.final === true && one.recording === this.row.id);
    if (report && !closing && !final && report.confirmed > this.ledger.next) {
      this.find("ledger", "ledger-cut", { entry: this.ledger.next });
    }
    return report;
  }

  checkHeads(report) {
    const { closing, ended, named } = this.facts;
    const mine = report?.recording === this.row.id;
    const reported = Object.entries(mine ? report.heads : {}).map(([stream, { next, head }]) => [
      Number(stream),
      next,
      head,
    ]);
    const receipted = mine ? report.receipted : {};
    const query = "SELECT stream, sequence, sha256 FROM reported_heads WHERE device = ? AND recording = ?";
    const health = this.store.rows(query, this.row.device, this.row.id);
    const wrong = new Map();
    for (const [stream, next, hash] of [...named.flat(), ...reported]) {
      const one = this.bodies.streams.get(stream)?.find(({ sequence }) => sequence === next - 1n);
      if (one && one.sha256 !== hash) wrong.set(one, one);
    }
    for (const { stream, sequence, sha256: hash } of health) {
      const bodies = this.sealed.filter((one) => one.stream === Number(stream) && one.sequence === sequence);
      if (bodies.length > 0 && bodies.every((one) => one.sha256 !== hash))
        wrong.set(`${stream} ${sequence}`, bodies[0]);
    }
    for (const one of new Set(wrong.values())) this.find("heads", "wrong-head", placeOf(one));

    const ends = new Map([...this.heads].map(([stream, signed]) => [stream, highest(signed) + 1n]));
    const others = [
      ...reported,
      ...(closing ? [] : health).map(({ stream, sequence }) => [Number(stream), sequence + 1n]),
      ...Object.entries(receipted).map(([stream, next]) => [Number(stream), next]),
    ];
    for (const [stream, next] of others) ends.set(stream, most([next], ends.get(stream)));
    for (const [stream, next] of ends) {
      const here = (this.bodies.streams.get(stream)?.at(-1).sequence ?? -1n) + 1n;
      if (here < (receipted[stream] ?? 0n) || (ended && here < next)) {
        this.find("heads", "tail-missing", placeOf({ stream, sequence: here }));
      }
    }
    const closed = new Map(closing ? headsOf(closing.heads).map(([stream, next]) => [stream, next]) : []);
    for (const [stream, chunks] of closing ? this.bodies.streams : []) {
      if (chunks.at(-1).sequence >= (closed.get(stream) ?? 0n))
        this.find("heads", "beyond-closing", placeOf(chunks.at(-1)));
      if (!this.facts.opening || stream === SCENES) continue;
      const late = chunks.find((one) => spanOf(one)[1] > endingOf(this.facts) + OVERRUN);
      if (late) this.find("heads", "beyond-closing", placeOf(late));
    }
  }

  lanes() {
    const { before, own } = this.facts;
    const told = [...before.filter(({ kind }) => ["lane-closed", "lane-open"].includes(kind)), ...own];
    const named = told.some((one) => one.lane === "audio");
    const heard = [...this.bodies.streams.keys(), ...this.heads.keys()].some((stream) => laneOf(stream) === "audio");
    return named || heard ? ["screen", "audio"] : ["screen"];
  }

  account(lane, length) {
    const { facts } = this;
    const states = facts.opening ? statesOf(lane, facts) : [];
    const inRun = facts.opening ? statesOf(lane, { ...facts, died: null }) : [];
    for (const one of this.chunks) {
      const [start, end] = spanOf(one);
      if (laneOf(one.stream) !== lane || (one.kind !== 1 && start >= end)) continue;
      if (inRun.some(({ from, to }) => from < end && start < (to === FOREVER ? lastsTo(facts, from) : to)))
        this.find("account", "kept-while-closed", placeOf(one));
    }
    return this.timesOf(lane, length, states);
  }

  timesOf(lane, length, states = this.facts.opening ? statesOf(lane, this.facts) : []) {
    const gone = this.erased?.explained && [{ from: 0n, to: length, cause: { what: "missing", why: "erased" } }];
    const parts = partsOf(lane, length, this.facts, this.bodies, this.heads, states, gone);
    return { parts, sums: sumsOf(parts) };
  }

  /** SHA-256 of each stream's media, without what must not be opened; null where there is no key. */
  async open(packet, reader) {
    let key = null;
    try {
      key = packet && (await openKey(packet, reader));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.code !== "not-a-recipient") this.find("commitment", error.code, placeOf(this.bodies.packet));
    }
    if (key === null) return null;
    const media = {};
    for (const [stream, chunks] of this.bodies.streams) {
      const plain = [];
      for (const one of chunks.filter(({ readable }) => readable)) {
        const code = refused(() => {
          const { plaintext } = openChunk(streamKey(packet, key, stream), one.bytes);
          if (!this.unsound.has(one)) plain.push(plaintext);
        });
        if (code) this.find(code === "wrong-commitment" ? "commitment" : "tags", code, placeOf(one));
      }
      media[stream] = sha256(Buffer.concat(plain)).toString("hex");
    }
    return media;
  }
}

/** How far a state without an end counts against chunks: where more can be told, up to the last entry that is here. */
function lastsTo({ before, own, zero, ended }, from) {
  if (ended) return FOREVER;
  const last = [...before, ...own].reduce((latest, { at }) => (at > latest ? at : latest), 0n) - zero;
  return last > from ? last : from + 1n;
}

const placeOf = ({ stream, sequence }) => ({ stream, sequence });
const spanOf = (one) => [one.start ?? 0n, one.end ?? 0n];

/** Where its closing says that it ends. */
function endingOf({ closing, zero }) {
  const { at, until } = closing;
  return (isUint(until) && until >= zero && until <= at ? until : at) - zero;
}

function lengthOf(facts, chunks) {
  const { own, opening, closing, zero } = facts;
  const last = most(chunks.filter(({ stream }) => stream !== SCENES).map((one) => spanOf(one)[1]));
  if (opening === null) return last;
  return most([closing ? endingOf(facts) : most(own.map((one) => one.at)) - zero], last);
}

/** The last health of a device; of a damaged one a report that is none. */
function healthOf(store, device) {
  const [health] = store.rows("SELECT body FROM health WHERE device = ?", device);
  let said = health && { report: "damaged" };
  refused(() => (said = health && parseObject(health.body, "malformed")));
  return said;
}

/** What the device last signed of its ends. Throws where another did, or where it names another device. */
function reportOf(token, device) {
  const report = readReport(token, device.evidence_key);
  refuseIf(report.device !== device.id, "misplaced");
  return report;
}

// -- a device's whole ledger -----------------------------------------------------------------------------------------

/** What is wrong with all that a device has ever accounted for, whatever recording it belongs to. */
function ledgerOf(store, device) {
  const findings = [];
  const find = (code, where, check = "ledger") => findings.push({ check, code, where });
  const verified = (token, where) => {
    let batch = { first: 0n, lines: [] };
    const code = refused(() => {
      const read = readBatch(token, device.evidence_key);
      refuseIf(read.device !== device.id, "misplaced");
      batch = read;
    });
    if (code) find(code, where);
    return new Map(batch.lines.map((line, at) => [batch.first + BigInt(at), line]));
  };
  let [expected, before] = [0n, ZERO];
  let batch = { id: null, signed: new Map() };
  const account = new Map(); // number -> line of those that are signed
  const [opened, ended] = [new Map(), new Map()]; // recordings, by the entry that opened them
  for (const row of store.rows(`SELECT * FROM ledger_lines WHERE ${ENTRY} ORDER BY seq`, device.id)) {
    const { seq, line } = row;
    const other = batch.signed.get(seq); // in the batch of the row before
    if (seq !== expected) find("missing", { entry: expected });
    let entry = null;
    refused(() => (entry = readLine(line)));
    if (entry) follow({ ...entry, seq }, opened, ended);
    const follows = seq === expected ? before : (entry?.prev ?? ZERO);
    for (const { code } of walk([line], follows, seq)) find(code, { entry: seq });
    if (row.batch !== batch.id) {
      const [stored] = store.rows("SELECT first, token FROM ledger_batches WHERE id = ?", row.batch);
      batch = { id: row.batch, signed: stored ? verified(stored.token, { batch: stored.first }) : new Map() };
    }
    const hash = sha256(line).toString("hex");
    if (batch.signed.get(seq) !== line) find("unsigned", { entry: seq });
    else {
      account.set(seq, line);
      if (other !== undefined && other !== line) find("ledger-fork", { entry: seq });
    }
    if (!columnsAgree(row)) find("changed-catalog", { entry: seq });
    [expected, before] = [seq + 1n, hash];
  }
  if (!store.isWhole(device.id)) find("changed-catalog", { ledger: device.id });
  const report = endOf(store, device, expected, find);
  const made = new Map([...ended].map(([recording, seq]) => [recording, { entry: seq }]));
  if (report?.recording && Object.values(report.receipted).some((next) => next > 0n) && !made.has(report.recording)) {
    const seq = opened.get(report.recording);
    made.set(report.recording, seq === undefined ? { report: device.id } : { entry: seq });
  }
  const erased = store.tombstones("device", device.id).filter(({ explained }) => explained);
  for (const { recording } of erased) made.delete(recording);
  for (const [recording, where] of made) {
    const here = store.rows("SELECT id FROM recordings WHERE id = ? AND device = ?", recording, device.id);
    if (here.length === 0) find("no-recording", where);
  }
  const came = "device = b.device AND batch = b.id AND seq BETWEEN b.first AND b.last";
  const beside = `NOT accepted OR NOT EXISTS (SELECT 1 FROM ledger_lines WHERE ${came})`;
  for (const one of store.rows(`SELECT * FROM ledger_batches AS b WHERE device = ? AND (${beside})`, device.id)) {
    const lines = [...verified(one.token, { [one.accepted ? "batch" : "refused_batch"]: one.first })];
    if (lines.length > 0 && contradicts(account, lines)) find("ledger-fork", { entry: lines[0][0] });
  }
  const open = `recording IS NULL AND id NOT IN (${ACKNOWLEDGED})`;
  const alarms = `SELECT code, sequence FROM alarms WHERE device = ? AND ${open}`;
  for (const { code, sequence } of store.rows(alarms, device.id)) {
    const where = sequence === null ? { device: device.id } : { entry: sequence };
    if (!findings.some((one) => one.code === code && same(one.where, where))) find(code, where, "alarm");
  }
  return findings;
}

/** Whether the account has another line than a batch at one of its numbers, or another before its first. */
function contradicts(account, lines) {
  const [first, line] = lines[0];
  const before = account.get(first - 1n);
  if (before !== undefined && sha256(before).toString("hex") !== readLine(line).prev) return true;
  return lines.some(([seq, one]) => account.has(seq) && account.get(seq) !== one);
}

/** Which recordings are open after this entry, and which are over: of those something must be here. */
function follow({ seq, kind, recording, stream }, opened, ended) {
  const end = (one) => ended.set(one, opened.get(one)) && opened.delete(one);
  if (kind === "recording-open" && isText(recording) && recording && !opened.has(recording)) opened.set(recording, seq);
  else if (kind === "recording-closed" && opened.has(recording)) end(recording);
  else if (kind === "given-up" && stream === 65_535n) opened.delete(recording);
  else if (kind === "start" || kind === "blind-since") [...opened.keys()].forEach(end);
}

/** What the chain cannot vouch for: its own end. Returns the last report that the device signed, or null. */
function endOf(store, device, expected, find) {
  const body = healthOf(store, device.id);
  let report = null;
  const code = isText(body?.report) && refused(() => (report = reportOf(body.report, device)));
  if (code) find(code, { report: device.id });
  const beside = isUint(body?.ledger?.next) && isDigest(body.ledger.head) ? body.ledger : null;
  const head = report?.ledger ?? beside;
  const query = `SELECT hash FROM ledger_lines WHERE ${ENTRY} AND seq = ?`;
  const [known] = head?.next ? store.rows(query, device.id, head.next - 1n) : [];
  if (known && head.next <= expected && known.hash !== head.head) find("wrong-head", { entry: head.next - 1n });
  if (report && report.confirmed > expected) find("ledger-cut", { entry: expected });
  return report;
}

// -- output ----------------------------------------------------------------------------------------------------------

/** JSON with whole numbers as they are. */
function print(value) {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(print).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${print(one)}`).join(",")}}`;
}

const { values: options, positionals: homes } = parseArgs({
  allowPositionals: true,
  options: { key: { type: "string" }, "passphrase-file": { type: "string" }, json: { type: "boolean" } },
});
let reader = null;
if (options.key) {
  const passphrase = readFileSync(options["passphrase-file"]);
  const text = passphrase.at(-1) === 10 ? passphrase.subarray(0, -1) : passphrase;
  let seed = null;
  const code = refused(() => (seed = openKeyFile(readFileSync(options.key), "recipient", text)));
  if (code) {
    console.error(`store.mjs: ${code}`);
    process.exit(1);
  }
  reader = await recipientOf(seed);
}

/** What is so broken that nothing of it can be said is `unreadable`, and hides nothing else. */
async function isolated(id, attempt) {
  try {
    return await attempt();
  } catch (error) {
    console.error(`${id}: ${error.message}`);
    return { id, findings: [{ check: "recording", code: "unreadable", where: null }] };
  }
}

async function openStore(home) {
  const store = new Store(home);
  const recordings = [];
  for (const row of store.rows("SELECT * FROM recordings ORDER BY id")) {
    recordings.push(await isolated(row.id, () => new Examination(store, row).answer(reader)));
  }
  const ledgers = [];
  for (const device of store.rows("SELECT * FROM devices ORDER BY id")) {
    ledgers.push(await isolated(device.id, () => ({ id: device.id, findings: ledgerOf(store, device) })));
  }
  store.database.close();
  return { store: home, recordings, ledgers };
}

for (const home of homes) console.log(print(await isolated(home, () => openStore(home))));
