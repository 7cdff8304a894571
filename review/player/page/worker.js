// The only place that has keys: fetches ciphertext and signed statements, checks them, opens chunks for the page.
// Messages: {id, ask, ...} -> {id, value} or {id, code}; beside them {checked: [...]}, {tick: true}, {waits: whether the
// console is asked again} and {over: code}.

import { fromBase64url, fromHex, joined, Refused, refuseIf, utf8 } from "./bytes.js";
import { readHeader } from "./cmaf.js";
import { openPersonal, openTranscript, PERSONAL, SPOKEN } from "./derived.js";
import { peaksOf } from "./peaks.js";
import { CHECKS, isShown, isSound, Proof } from "./proof.js";
import { newSession, receive } from "./released.js";
import { openComment, sealComment, sealReport } from "./sealed.js";
import { chunkKeys, openByChunkKey, publicKey, streamKeys } from "./statements.js";

const SOUND_ROWS = 4; // that the page asks for at once, see sound.js
const MOST_EARLY = 8; // streams: a server may name any number
const BEHIND = 16; // chunks a request of the check of everything
const PAUSES = [250, 500, 1000, 2000, 4000, 8000, 15_000, 30_000]; // ms before the console is asked once more
const LONGEST = 2 ** 31 - 1; // ms that a timer takes
const KNOWN_KEY = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"; // RFC 8032, 7.1, TEST 1
performance.mark("worker"); // for who measures, as all marks
let base = new URL(".", self.location.href).href; // below it lie papers, index, account and chunks
let credentials = "omit";
let session = null; // the key pair that the custodian seals to
let released = null; // {evidence, compliance}: whom signatures are held against; {comments, reports, derived}: keys
let keys = new Map(); // stream -> its key, as `streamKeys`
let owns = null; // of a case, which has a key of each chunk instead: (stream, sequence) -> it, as `chunkKeys`
let caseOf = null; // what the case is: its title, its spans, and the pages of its recordings
let proof = null;
let rows = new Map(); // stream -> its chunks
let said = 0; // findings that the page has
let waits = false; // for a console that does not answer
let unanswered = 0; // requests so far
let over = false; // what the custodian released has ended
let ends = Infinity; // when it does, by this computer's clock

async function get(path, options) {
  refuseIf(isOver(), "over");
  const answer = await answered(async () => {
    const given = await fetch(`${base}${path}`, { credentials, redirect: "error", ...options });
    const { ok, status } = given;
    return { ok, status, body: new Uint8Array(await given.arrayBuffer()) }; // which ends early where the console does
  });
  if (released && [401, 404].includes(answer.status)) throw new Refused(answer.status === 401 ? "signed-out" : "ended");
  if (!answer.ok)
    throw new Refused(answer.status === 403 || answer.status === 410 ? "used-up" : `http-${answer.status}`);
  refuseIf(isOver(), "over"); // meanwhile: without keys nothing of it is checked
  return answer.body;
}

/** A console that starts anew, or has too much to do, is asked again. A command's own server that is gone stays so. */
async function answered(request) {
  for (const pause of released ? [...PAUSES, null] : [null]) {
    const before = unanswered;
    const answer = await request().catch(() => null);
    if (answer && !(pause && (answer.status === 429 || answer.status >= 500))) {
      // Only what was asked after the last one without an answer says that the console is back.
      if (waits && before === unanswered) self.postMessage({ waits: (waits = false) });
      return answer;
    }
    if (pause === null) break;
    unanswered += 1;
    self.postMessage({ waits: (waits = true) });
    await new Promise((done) => setTimeout(done, pause));
  }
  throw new Refused(released ? "unreachable" : "gone");
}

/**
 * What was released may be played for so many milliseconds. A timer ends it, whatever the clock is set to; or the clock
 * does, which goes on while a computer sleeps and its timers stand still.
 */
function endAfter(left) {
  ends = Date.now() + left;
  const wait = (rest) => setTimeout(() => (rest > LONGEST ? wait(rest - LONGEST) : end()), Math.min(rest, LONGEST));
  wait(left);
}

/** The keys go with it. */
function end() {
  if (over) return;
  over = true;
  keys.clear();
  released.comments = released.reports = null;
  released.derived.clear();
  self.postMessage({ over: "over" });
}

function isOver() {
  if (Date.now() >= ends) end();
  return over;
}

const json = async (path) => JSON.parse(new TextDecoder().decode(await get(path)));

// -- keys --------------------------------------------------------------------------------------------------------

/** The keys of the streams, or of a case's chunks, once, for the page with the address's secret. They are never in JavaScript. */
async function askKeys(secret) {
  const root = await crypto.subtle.importKey("raw", fromBase64url(secret), "HKDF", false, ["deriveBits", "deriveKey"]);
  const how = (label) => ({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8(label) });
  const shown = await crypto.subtle.deriveBits(how("eyelid player proof v1"), root, 256);
  const wrapping = await crypto.subtle.deriveKey(
    how("eyelid player keys v1"),
    root,
    { name: "AES-GCM", length: 256 },
    false,
    ["unwrapKey", "decrypt"],
  );
  const sealed = await get("keys", { method: "POST", body: shown });
  return { wrapping, ...JSON.parse(new TextDecoder().decode(sealed)) };
}

async function takeKeys({ wrapping, streams, chunks = null, case: about }, recording) {
  const id = fromHex(recording.replaceAll("-", ""));
  const by = (wrapped, place) => ({
    name: "AES-GCM",
    iv: wrapped.subarray(0, 12),
    additionalData: joined(id, place),
  });
  const unwrapping = (text, place) => {
    const wrapped = fromBase64url(text);
    return (algorithm, uses) =>
      crypto.subtle.unwrapKey("raw", wrapped.subarray(12), wrapping, by(wrapped, place), algorithm, false, uses);
  };
  for (const [stream, text] of Object.entries(streams))
    keys.set(Number(stream), await streamKeys(unwrapping(text, big(stream, 2))));
  if (!chunks) return;
  const wrapped = fromBase64url(about);
  const opened = await crypto.subtle.decrypt(by(wrapped, utf8("case")), wrapping, wrapped.subarray(12));
  caseOf = JSON.parse(new TextDecoder().decode(opened));
  owns = async (stream, sequence) => {
    const text = chunks[stream]?.[sequence];
    return text ? chunkKeys(unwrapping(text, joined(big(stream, 2), big(sequence, 8)))) : null;
  };
}

/** A number in so many bytes. */
const big = (number, size) => fromHex(BigInt(number).toString(16).padStart(2 * size, "0"));

// -- chunks ------------------------------------------------------------------------------------------------------

const fetched = new Map(); // path -> {rows, bytes}: of what the page asks for first
const early = new Map(); // path -> its rows, as `opened`

/** Fetches headers and first chunks while the account is checked. They are checked and opened once it is. */
function fetchFirst(index) {
  const fetchRows = (stream, from, to) => {
    const path = `chunks/${stream}?from=${from}&to=${to}`;
    const bytes = get(path);
    bytes.catch(() => {}); // who asks for it is told
    fetched.set(path, { rows: [stream, from, to], bytes });
  };
  for (const { stream, rows: listed } of index.streams.filter((one) => isShown(one.stream)).slice(0, MOST_EARLY)) {
    const [header, first] = [0, 1].map((kind) => listed.findIndex((one) => one[3] === kind));
    if (header >= 0) fetchRows(stream, header, header + 1);
    if (first >= 0) fetchRows(stream, first, Math.min(listed.length, first + (isSound(stream) ? SOUND_ROWS : 1)));
  }
  return index;
}

/** Opens what was fetched while the page makes itself ready for it. */
function openFirst() {
  for (const [path, { rows: place, bytes }] of fetched) {
    const done = opened(...place, bytes);
    done.catch(() => {});
    early.set(path, done);
  }
  fetched.clear();
}

/** Rows `from` to before `to` of a stream, each checked: [{row, content, code}]. `here`: their bytes, if asked for. */
async function opened(stream, from, to, here = null) {
  const all = rows.get(stream);
  const path = `chunks/${stream}?from=${from}&to=${to}`;
  const ready = early.get(path);
  early.delete(path); // before it is waited for: one that failed is asked for again
  if (ready) return ready;
  const bytes = await (here ?? get(path));
  const view = new DataView(bytes.buffer);
  const jobs = [];
  let at = 0;
  for (let row = from; row < to; row++) {
    refuseIf(at + 4 > bytes.length, "truncated");
    const size = view.getUint32(at);
    const sealed = bytes.subarray(at + 4, at + 4 + size);
    at += 4 + size;
    jobs.push(openedRow(all, row, sealed).then((done) => ({ row, ...done })));
  }
  const done = await Promise.all(jobs);
  const findings = proof.findings.slice(said);
  said = proof.findings.length;
  self.postMessage({ checked: done.map(({ row, code }) => ({ stream, row, code })), findings });
  return done;
}

async function openedRow(all, row, sealed) {
  const { stream, sequence } = all[row];
  if (!owns) return proof.open(all[row], all[row - 1], sealed, keys.get(stream));
  return proof.open(all[row], all[row - 1], sealed, { stream, sequence }, async () => {
    const own = await owns(stream, sequence);
    refuseIf(!own, "no-key");
    return openByChunkKey(own, sealed);
  });
}

const urgent = new Set(); // what is to be played, and not here yet
async function calm() {
  while (urgent.size) await Promise.all(urgent);
}

const DO = {
  /** The public half of a new session's key. */
  async session() {
    session = await newSession();
    return session.text;
  },

  /** What the custodian released, passed on by the console: only what it signed for this session counts. */
  async release({ token, asked, place }) {
    const { lasts, keys: given, ...more } = await receive(session, token, asked);
    const { compliance, recording, custodianKey, request } = asked;
    [keys, released] = [given, { ...more, compliance, recording, custodianKey, request }];
    [base, credentials] = [place, "include"];
    endAfter(lasts);
    return { spoken: released.derived.has(SPOKEN) };
  },

  /** `keys`: how they are taken ({secret}: of the address's fragment); null: they were released. */
  async open({ keys: by = null }) {
    try {
      await publicKey(KNOWN_KEY);
    } catch {
      throw new Refused("no-ed25519");
    }
    const [papers, index, account, given] = await Promise.all([
      json("papers"),
      json("index").then(fetchFirst),
      allPieces(),
      by && askKeys(by.secret),
    ]);
    performance.mark("statements");
    const chunks = index.streams.flatMap(({ stream, rows: listed }) =>
      listed.map(([sequence, start, end, kind, flags, size, sha256]) => ({
        stream,
        sequence: BigInt(sequence),
        start: BigInt(start),
        end: BigInt(end),
        kind,
        flags,
        size,
        sha256,
      })),
    );
    if (released) {
      refuseIf(papers.recording !== released.recording, "wrong-recording");
      papers.device.evidence_key = released.evidence; // whatever the archive says
      papers.compliance = released.compliance;
    }
    // A console has whole recordings alone: as a case, what it keeps back would not be missing.
    const ofCase = released ? null : papers.case;
    proof = new Proof(papers, chunks, ofCase?.spans ?? null, ofCase?.only);
    rows = proof.streams;
    await Promise.all([given && takeKeys(given, papers.recording), proof.begin(account.pieces, account.report)]);
    said = proof.findings.length;
    performance.mark("account");
    openFirst();
    return told();
  },

  /** For playing: contents in order, null where one must not be played. */
  async media({ stream, from, to }) {
    const done = opened(stream, from, to);
    const over = done.catch(() => {}).finally(() => urgent.delete(over));
    urgent.add(over);
    return (await done).map(({ row, content, code }) => ({ row, content, code }));
  },

  /** How loud the sound is: as `peaksOf`, of each row. */
  async peaks({ stream, from, to }) {
    await calm();
    const header = rows.get(stream).findIndex(({ kind }) => kind === 0);
    if (header < 0) return null;
    const [first, ...done] = [...(await opened(stream, header, header + 1)), ...(await opened(stream, from, to))];
    const about = first.content && readHeader(new Uint8Array(first.content));
    return about && peaksOf(done.map(({ content }) => content), about.timescale);
  },

  /** A comment, sealed under the key that was released with the opening. */
  async seal({ text }) {
    refuseIf(isOver(), "over");
    return sealComment(released.comments, released.recording, text);
  },

  /** What was played, sealed for the custodian. */
  async report({ text }) {
    refuseIf(isOver(), "over");
    return sealReport(released.reports, released.request, released.recording, text);
  },

  /** Comments as the console gave them: each as `openComment`, or {code}. */
  async comments({ all }) {
    refuseIf(isOver(), "over");
    const signer = await publicKey(released.custodianKey);
    const opened = (one) => openComment(released.comments, released.recording, one, signer);
    return Promise.all(all.map((one) => opened(one).catch((error) => ({ code: error.code ?? "failed" }))));
  },

  /** The transcript as the console gave it, opened: as `openTranscript`, with `personal`: as `openPersonal`, or {code}:
   * none, no-key, or why what was given is not it. */
  async transcript({ sealed, personal }) {
    refuseIf(isOver(), "over");
    const { derived, recording, workers } = released;
    const file = fromBase64url(sealed);
    const spoken = await openTranscript(derived.get(SPOKEN), recording, file, workers);
    if (!derived.has(PERSONAL)) return { ...spoken, personal: { code: "no-key" } };
    if (!personal) return { ...spoken, personal: { code: "none" } };
    try {
      const found = await openPersonal(derived.get(PERSONAL), recording, fromBase64url(personal), workers, file);
      return { ...spoken, personal: found };
    } catch (error) {
      return { ...spoken, personal: { code: error.code ?? "failed" } };
    }
  },

  /** Everything, also what is not played. */
  async check() {
    early.clear(); // a page that began elsewhere did not ask for it
    const whole = async ([stream, all]) => {
      for (let from = 0; from < all.length; from += BEHIND) {
        await calm();
        await opened(stream, from, Math.min(all.length, from + BEHIND));
      }
    };
    await Promise.all([...rows].map(whole));
  },
};

async function allPieces() {
  const pieces = [];
  for (let path = "account"; ;) {
    const { batches, next, report } = await json(path);
    pieces.push(...batches);
    if (next === null) return { pieces, report };
    path = `account?from=${next}`;
  }
}

const folded = (text) => text.toLowerCase();

function told() {
  const { papers, packet, facts } = proof;
  const number = (one) => Number(one);
  const { host, os_user } = papers.device; // as it enrolled: into a key packet a PC may write any name
  const device = { host, os_user: os_user || (packet?.os_user ?? "") }; // one that enrolled before it was asked has ""
  const differs = packet && ["host", "os_user"].some((name) => folded(packet[name]) !== folded(device[name]));
  return {
    recording: proof.recording,
    device,
    other: differs ? { host: packet.host, os_user: packet.os_user } : null,
    start: Number((packet?.start ?? BigInt(papers.row.start)) / 1_000_000n),
    length: number(proof.length),
    state: facts.closing ? "closed" : facts.ended ? "broken-off" : "open",
    monitors: (packet?.monitors ?? []).map((one) => ({
      ...one,
      stream: number(one.stream),
      x: number(one.x),
      y: number(one.y),
      width: number(one.width),
      height: number(one.height),
    })),
    names: papers.names,
    lanes: Object.fromEntries(
      [...proof.parts].map(([lane, parts]) => [
        lane,
        parts.map((part) => ({
          ...part,
          from: number(part.from),
          to: number(part.to),
          ...(part.rules && { rules: part.rules.map((one) => (typeof one === "bigint" ? number(one) : one)) }),
          ...(typeof part.reason === "bigint" && { reason: number(part.reason) }),
        })),
      ]),
    ),
    streams: [...rows]
      .filter(([stream]) => isShown(stream))
      .map(([stream, all]) => ({
        stream,
        rows: all.map(({ sequence, start, end, kind, flags }) => ({
          sequence: number(sequence),
          start: number(start),
          end: number(end),
          kind,
          flags,
        })),
      })),
    counts: [...rows].map(([stream, all]) => [stream, all.length]),
    findings: proof.findings.slice(0, said), // those of chunks come with them, and once
    checks: CHECKS,
    keys: keys.size > 0 || owns !== null,
    case: caseOf,
    leftOut: proof.leftOut,
    steps: performance.getEntriesByType("mark").map(({ name, startTime }) => [name, performance.timeOrigin + startTime]),
    spans: proof.spans?.map(({ from, until }) => [number(from), number(until)]) ?? null,
  };
}

self.onmessage = async ({ data }) => {
  if (data.ask === "tick") {
    setInterval(() => {
      isOver();
      self.postMessage({ tick: true });
    }, data.every); // a page's own timers sleep in the background
    return;
  }
  try {
    const value = await DO[data.ask](data);
    const moved = data.ask === "media" ? value.flatMap(({ content }) => content ?? []) : [];
    self.postMessage({ id: data.id, value }, moved);
  } catch (error) {
    self.postMessage({
      id: data.id,
      code: error instanceof Refused ? error.code : "failed",
      why: String(error?.message),
    });
  }
};
