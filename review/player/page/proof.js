// What this browser has checked of one recording, and what is wrong with it: checks and codes of docs/store-format.md.

import {
  AUDIO,
  endingOf,
  factsOf,
  headsOf,
  lanesOf,
  laneOf,
  LATER,
  lastSigned,
  lastsTo,
  lengthOf,
  most,
  ofOneSpan,
  partsOf,
  runOf,
  SCENES,
  statesOf,
} from "./account.js";
import { hex, isText, Refused, refused, refuseIf, sha256 } from "./bytes.js";
import {
  checkPlace,
  checkSignature,
  committed,
  openChunk,
  parseHeader,
  publicKey,
  readBatch,
  readBundle,
  readPacket,
  readReport,
  walk,
} from "./statements.js";

const PACKET = 65_535;
const OVERRUN = 1_000_000_000n; // ns after its end that a recording's chunk may reach
const FIRST_REPORT = 600_000_000_000n;
const ZERO = "0".repeat(64);
export const CHECKS = ["bytes", "key-packet", "headers", "signatures", "chain", "ledger", "heads", "account", "tags"];

/** `papers`: what docs/player.md says; `chunks`: {stream, sequence, start, end, kind, flags, size, sha256} in order.
 * `spans`: [from, until] of a case, in order; null for a whole recording, of which everything must be here. `only`: the
 * one lane that a case gives away. */
export class Proof {
  constructor(papers, chunks, spans = null, only = "") {
    this.papers = papers;
    this.recording = papers.recording;
    this.chunks = chunks;
    this.streams = Map.groupBy(chunks, (one) => one.stream);
    this.findings = [];
    this.commitments = new Map(); // stream -> that of its first chunk
    this.packet = null;
    this.lines = [];
    this.only = only;
    // Of a case: what lies outside of its spans is not missing.
    this.spans = spans?.map(([from, until]) => ({ from: BigInt(from), until: BigInt(until) })) ?? null;
  }

  find(check, code, where) {
    const known = (one) => one.check === check && one.code === code && JSON.stringify(one.where) === said;
    const said = JSON.stringify(where);
    if (!this.findings.some(known)) this.findings.push({ check, code, where });
    return code;
  }

  /** Packet, account and heads: all that needs no chunk. `pieces`: signed batches. */
  async begin(pieces, report) {
    const { device } = this.papers;
    this.signer = await publicKey(device.evidence_key);
    await this.checkPacket();
    await this.readPieces(pieces);
    this.ledger = runOf(this.lines, this.recording);
    this.facts = factsOf(this.ledger, this.recording);
    this.signed = lastSigned(this.facts.named);
    this.length = lengthOf(this.facts, this.chunks);
    // Where no closing says how long it was, the chunks that do are not all here.
    if (this.spans?.length && !this.facts.closing) this.length = most([this.spans.at(-1).until], this.length);
    const lanes = lanesOf(this.facts, [...this.streams.keys(), ...this.signed.keys()]);
    this.lanes = lanes.filter((lane) => !this.only || lane === this.only);
    this.leftOut = lanes.filter((lane) => !this.lanes.includes(lane));
    this.checkChains();
    this.checkLedger();
    this.checkHeads(await this.checkReport(report));
    this.parts = new Map(this.lanes.map((lane) => [lane, this.accountOf(lane)]));
  }

  // -- the key packet --------------------------------------------------------------------------------------------

  async checkPacket() {
    const { packet: token, device, row } = this.papers;
    const where = { stream: PACKET, sequence: 0 };
    if (!isText(token)) {
      this.find("key-packet", "no-key-packet", where);
      return;
    }
    this.packetHash = await sha256(Uint8Array.from(token, (one) => one.charCodeAt(0)));
    const code = await refused(async () => {
      const packet = await readPacket(token, this.signer);
      refuseIf(packet.recording !== this.recording || packet.device !== device.id, "misplaced");
      this.packet = packet;
    });
    if (code) {
      this.find("key-packet", code, where);
      return;
    }
    const { packet } = this;
    const differs = ["policy", "host", "os_user"].some((name) => packet[name] !== row[name]);
    if (differs || packet.start !== BigInt(row.start)) this.find("key-packet", "changed-catalog", where);
    await this.checkReaders(where);
  }

  async checkReaders(where) {
    const { bundle: token, compliance } = this.papers;
    if (!isText(token)) {
      this.find("key-packet", "unknown-bundle", where);
      return;
    }
    let bundle = null;
    await refused(async () => (bundle = await readBundle(token, compliance)));
    if (bundle?.revision !== this.packet.bundle_revision) this.find("key-packet", "bad-bundle", where);
    else if (!sameNames(this.packet.readers, bundle.readers)) this.find("key-packet", "other-readers", where);
  }

  // -- the account -----------------------------------------------------------------------------------------------

  /** Only what the device signed is read: a line of the catalog alone says nothing here. */
  async readPieces(pieces) {
    const lines = new Map();
    for (const piece of pieces) {
      let batch = null;
      const code = await refused(async () => {
        batch = await readBatch(piece.token, this.signer);
        refuseIf(batch.device !== this.papers.device.id, "misplaced");
      });
      if (code) this.find("ledger", code, { batch: piece.first });
      else for (const one of batch.read) lines.set(one.seq, one);
    }
    this.lines = [...lines.values()].sort((one, other) => (one.seq < other.seq ? -1 : 1));
  }

  checkLedger() {
    const { run, start, later, first } = this.ledger;
    if (first === null) {
      this.find("ledger", "no-ledger", { entry: null });
      return;
    }
    if (this.packet && this.facts.opening && this.facts.opening.policy !== this.packet.policy)
      this.find("key-packet", "other-policy", { stream: PACKET, sequence: 0 });
    const [head] = run;
    if (head.seq !== start || (start > 0n && head.entry?.kind !== "start"))
      this.find("ledger", "missing", { entry: String(start) });
    const told = (read, prev) => {
      for (const { seq, code } of walk(read, prev, read[0].seq)) this.find("ledger", code, { entry: String(seq) });
    };
    // Where no closing ends it, nothing but what came next says how far the run went.
    const whole = this.facts.closing ? run : [...run, ...later];
    told(whole, head.seq === 0n ? ZERO : (head.entry?.prev ?? ZERO));
    if (whole === run && later.length) told(later, later[0].entry?.prev ?? ZERO);
  }

  async checkReport(token) {
    const where = { report: this.papers.device.id };
    if (!isText(token)) {
      if (this.packet?.edition > 1 && this.length > FIRST_REPORT) this.find("ledger", "no-report", where);
      return null;
    }
    let report = null;
    const code = await refused(async () => {
      const said = await readReport(token, this.signer);
      refuseIf(said.device !== this.papers.device.id, "misplaced");
      report = said;
    });
    if (code) this.find("ledger", code, where);
    const { closing } = this.facts;
    const final = this.signedAfterDeath();
    // The server says where the account ends; where it gave all that follows, so do the lines that are here.
    const ends = [BigInt(this.papers.ledger_next)];
    if (BigInt(this.ledger.later.length) < LATER) ends.push((this.lines.at(-1)?.seq ?? -1n) + 1n);
    const next = ends.reduce((one, other) => (one < other ? one : other));
    if (report && !closing && !final && report.confirmed > next)
      this.find("ledger", "ledger-cut", { entry: String(next) });
    return report;
  }

  /** Whether the device signed at its next start where the recording ends. */
  signedAfterDeath() {
    const own = (one) => one.kind === "heads" && one.final === true && one.recording === this.recording;
    return this.facts.later.some(own);
  }

  /** Sequence numbers without a hole. What a chunk names as the one before it is compared when its bytes are here. */
  checkChains() {
    for (const [stream, chunks] of this.streams) {
      let expected = 0n;
      for (const [at, one] of chunks.entries()) {
        if (one.sequence !== expected && (!this.spans || (at > 0 && ofOneSpan(this.spans, chunks[at - 1], one))))
          this.find("chain", "gap", placeOf(stream, expected));
        expected = one.sequence + 1n;
      }
    }
    for (const [stream, sequence] of this.papers.undecided) this.find("chain", "undecided", placeOf(stream, sequence));
  }

  checkHeads(report) {
    const { closing, ended, named } = this.facts;
    const mine = report?.recording === this.recording;
    const reported = Object.entries(mine ? report.heads : {}).map(([stream, { next, head }]) => [
      Number(stream),
      next,
      head,
    ]);
    const receipted = mine ? report.receipted : {};
    for (const [stream, next, hash] of [...named.flat(), ...reported]) {
      const one = this.streams.get(stream)?.find(({ sequence }) => sequence === next - 1n);
      if (one && one.sha256 !== hash) this.find("heads", "wrong-head", placeOf(stream, one.sequence));
    }
    const ends = new Map([...this.signed].map(([stream, last]) => [stream, last + 1n]));
    const others = Object.entries(receipted).map(([stream, next]) => [Number(stream), next]);
    for (const [stream, next] of [...reported, ...others]) ends.set(stream, most([next], ends.get(stream)));
    for (const [stream, next] of this.spans ? [] : ends) {
      const here = (this.streams.get(stream)?.at(-1).sequence ?? -1n) + 1n;
      if (here < (receipted[stream] ?? 0n) || (ended && here < next))
        this.find("heads", "tail-missing", placeOf(stream, here));
    }
    if (closing) this.checkClosing();
    else if (!this.signedAfterDeath()) this.find("heads", "unsigned", { entry: this.papers.ledger_next });
  }

  checkClosing() {
    const closed = new Map(headsOf(this.facts.closing.heads).map(([stream, next]) => [stream, next]));
    for (const [stream, chunks] of this.streams) {
      const last = chunks.at(-1).sequence;
      if (last >= (closed.get(stream) ?? 0n)) this.find("heads", "beyond-closing", placeOf(stream, last));
      if (!this.facts.opening || stream === SCENES) continue;
      const late = chunks.find((one) => one.end > endingOf(this.facts) + OVERRUN);
      if (late) this.find("heads", "beyond-closing", placeOf(stream, late.sequence));
    }
  }

  accountOf(lane) {
    const states = this.facts.opening ? statesOf(lane, { ...this.facts, died: null }) : [];
    const inRun = states.map((one) => ({ from: one.from, to: lastsTo(this.facts, one) }));
    for (const one of this.chunks) {
      if (laneOf(one.stream) !== lane || (one.kind !== 1 && one.start >= one.end)) continue;
      if (inRun.some(({ from, to }) => from < one.end && one.start < to))
        this.find("account", "kept-while-closed", placeOf(one.stream, one.sequence));
    }
    return partsOf(lane, this.length, this.facts, this.streams, this.signed, this.spans);
  }

  // -- chunks ----------------------------------------------------------------------------------------------------

  /**
   * The content of a chunk: {content, code}; `content` is null where it must not be played, or there is no key.
   * `opens`: `openChunk` where `keys` are the stream's, `openByChunkKey` where they are the chunk's own.
   */
  async open(one, before, sealed, keys, opens = openChunk) {
    let check = "bytes";
    const bad = (code) => this.find(check, code, placeOf(one.stream, one.sequence));
    try {
      refuseIf(sealed.length === 0, "lost");
      refuseIf(sealed.length !== one.size || (await sha256(sealed)) !== one.sha256, "damaged");
      check = "headers";
      const header = parseHeader(sealed);
      checkPlace(header, { recording: this.recording, stream: one.stream, sequence: one.sequence });
      const differs = ["kind", "flags", "start", "end"].some((name) => header[name] !== one[name]);
      refuseIf(differs, "changed-catalog");
      check = "signatures";
      refuseIf(this.packet === null, "no-key-packet"); // nothing says then whose keys were handed over
      refuseIf(header.edition !== this.packet.edition, "wrong-edition");
      refuseIf(header.edition === 1, "no-stream-keys");
      await checkSignature(sealed, this.signer);
      check = "chain";
      const follows = before?.sequence === one.sequence - 1n ? before.sha256 : null; // behind a gap nothing says
      refuseIf(
        header.previous !== ((one.sequence === 0n ? this.packetHash : follows) ?? header.previous),
        "wrong-previous",
      );
      const own = hex(committed(sealed));
      if (!this.commitments.has(one.stream)) this.commitments.set(one.stream, own);
      refuseIf(own !== this.commitments.get(one.stream), "other-key");
      check = "tags";
      return { content: keys ? await opens(keys, sealed) : null, code: null };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { content: null, code: bad(error.code) };
    }
  }
}

/** One by one: joined, a name with a comma in it would pass for two. */
const sameNames = (some, others) => some.length === others.length && some.every((one) => others.includes(one));
const placeOf = (stream, sequence) => ({ stream, sequence: Number(sequence) });

export const isSound = (stream) => stream >= AUDIO && stream !== SCENES;
export const isShown = (stream) => stream !== SCENES;
