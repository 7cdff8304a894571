// What docs/envelope.md says, in Node and without any of Eyelid's code: strict JSON, sealed chunks, signed statements,
// key packets, bundles, ledger lines, key files. open.mjs and store.mjs are made of it. Integers are BigInt throughout.

import {
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  scryptSync,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";

export const MAX_SEALED = 16 * 2 ** 20;
const MAX_LINE = 64 * 2 ** 10;
const MAX_LEVELS = 16;
const MAX_VALUES = 4096;
const MAX_DURATION = 7_200_000_000_000n; // of a chunk: 2 hours
const MAX_END = 31n * 86_400_000_000_000n;
const BEHIND_TAG = [NaN, 0, 32 + 64, 32 + 32 + 64]; // by edition: commitments and signature
const kem = new XWing();
const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest();
export const hex = (text) => Buffer.from(text, "hex");
export const uuidBytes = (text) => hex(text.replaceAll("-", ""));

export class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

export function refuseIf(condition, code) {
  if (condition) throw new Refused(code);
}

/** The code that an attempt is refused with, or null. */
export function refused(attempt) {
  try {
    attempt();
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
}

// -- shapes ----------------------------------------------------------------------------------------------------------

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
export const isText = (value) => typeof value === "string";
export const isUint = (value) => typeof value === "bigint" && value >= 0n && value < 2n ** 63n;
export const isDigest = (value) => isText(value) && /^[0-9a-f]{64}$/.test(value);
export const isUuid = (value) => isText(value) && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
export const isStream = (name) => /^(0|[1-9][0-9]{0,4})$/.test(name) && Number(name) < 0xffff;

// -- JSON ------------------------------------------------------------------------------------------------------------

/** The value of strict JSON: objects without prototype, integers as BigInt. Throws an Error for all that is refused. */
export function parseJson(bytes, levels = 500) {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes));
  let at = 0;
  const fail = () => {
    throw new SyntaxError(`not the JSON that is accepted, at ${at}`);
  };
  const take = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found?.[0];
  };
  const skip = () => take(/[ \t\n\r]*/y);
  const next = (wanted) => {
    skip();
    if (text[at] !== wanted) return false;
    at += 1;
    return true;
  };
  const string = () => {
    const literal = take(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y) ?? fail();
    const value = JSON.parse(literal);
    return value.isWellFormed() ? value : fail();
  };
  const number = (literal) => {
    if (/[.eE]/.test(literal)) return Number.isFinite(Number(literal)) ? Number(literal) : fail();
    const value = literal.length > 21 ? fail() : BigInt(literal);
    return value >= -(2n ** 63n) && value < 2n ** 64n ? value : fail();
  };
  const value = (depth) => {
    skip();
    if (text[at] === '"') return string();
    if (text[at] === "{" || text[at] === "[")
      return depth < levels ? (text[at] === "{" ? object : array)(depth + 1) : fail();
    const literal = take(/-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null/y) ?? fail();
    return { true: true, false: false, null: null }[literal] ?? (literal === "null" ? null : number(literal));
  };
  const array = (depth) => {
    at += 1;
    const items = [];
    if (next("]")) return items;
    do items.push(value(depth));
    while (next(","));
    return next("]") ? items : fail();
  };
  const object = (depth) => {
    at += 1;
    const members = Object.create(null);
    if (next("}")) return members;
    do {
      skip();
      const name = string();
      if (name in members || !next(":")) fail();
      members[name] = value(depth);
    } while (next(","));
    return next("}") ? members : fail();
  };
  const whole = value(0);
  skip();
  return at === text.length ? whole : fail();
}

export function parseObject(bytes, code, levels) {
  let value;
  try {
    value = parseJson(bytes, levels);
  } catch {
    throw new Refused(code);
  }
  refuseIf(!isObject(value), code);
  return value;
}

export function fromBase64url(text, code = "malformed") {
  refuseIf(!isText(text), code);
  const bytes = Buffer.from(text, "base64url");
  refuseIf(bytes.toString("base64url") !== text, code); // one spelling only
  return bytes;
}

// -- the sealed chunk ------------------------------------------------------------------------------------------------

export function parseHeader(sealed) {
  refuseIf(sealed.length > MAX_SEALED, "oversized");
  refuseIf(sealed.length < 92 + 16, "truncated");
  const edition = ["EYL1", "EYL2", "EYL3"].indexOf(sealed.subarray(0, 4).toString("latin1")) + 1;
  refuseIf(edition === 0, "bad-magic");
  refuseIf(sealed.length < 92 + 16 + BEHIND_TAG[edition], "truncated");
  refuseIf(sealed[4] > 1, "unknown-kind");
  refuseIf(sealed[5] & ~3, "unknown-flags");
  refuseIf(sealed.readUInt16BE(6) === 0xffff, "bad-stream");
  refuseIf(sealed.readBigUInt64BE(32) > sealed.readBigUInt64BE(40), "bad-span");
  return {
    edition,
    kind: sealed[4],
    flags: sealed[5],
    stream: sealed.readUInt16BE(6),
    recording: sealed.subarray(8, 24),
    sequence: sealed.readBigUInt64BE(24),
    start: sealed.readBigUInt64BE(32),
    end: sealed.readBigUInt64BE(40),
    previous: sealed.subarray(48, 80),
    nonce: sealed.subarray(80, 92),
  };
}

export const isBeyond = ({ start, end }) => end - start > MAX_DURATION || end > MAX_END;

const hmac = (key, ...parts) => createHmac("sha256", key).update(Buffer.concat(parts.map((one) => Buffer.from(one)))).digest();

function derive(recordingKey, recording, ...info) {
  const said = Buffer.concat(info.map((one) => Buffer.from(one)));
  return Buffer.from(hkdfSync("sha256", recordingKey, uuidBytes(recording), said, 32));
}

/** What opens the chunks of a stream. `packet`: as `readPacket` reads it. */
export function streamKey({ edition, recording }, recordingKey, stream) {
  const number = [stream >> 8, stream & 255];
  return edition === 1 ? recordingKey : derive(recordingKey, recording, "eyelid stream key v2", number);
}

/** What opens one chunk of the third edition and no other. `sequence`: BigInt. */
export function chunkKey(recording, ownStreamKey, stream, sequence) {
  const place = Buffer.alloc(10);
  place.writeUInt16BE(stream);
  place.writeBigUInt64BE(sequence, 2);
  return derive(ownStreamKey, recording, "eyelid chunk key v3", place);
}

/** The commitments that a chunk carries: to its stream's key, and in the third edition to its own. */
function commitments(sealed, edition) {
  const start = sealed.length - BEHIND_TAG[edition];
  return [sealed.subarray(start, start + 32), sealed.subarray(start + 32, -64)];
}

/** The commitment to its stream's key that a chunk carries from the second edition on. */
export const committed = (sealed) => commitments(sealed, parseHeader(sealed).edition)[0];

/** `key`: of the stream. */
export function openChunk(key, sealed) {
  refuseIf(key.length !== 32, "bad-key");
  const header = parseHeader(sealed);
  const { edition, recording, stream, sequence } = header;
  if (edition === 1) return decrypted(key, header, sealed);
  const own = hmac(key, "eyelid stream commit", recording, sealed.subarray(6, 8));
  refuseIf(!timingSafeEqual(own, committed(sealed)), "wrong-commitment");
  if (edition === 2) return decrypted(key, header, sealed);
  return openByChunkKey(chunkKey(recording.toString("hex"), key, stream, sequence), sealed);
}

/** For those who have this chunk's key and no other. */
export function openByChunkKey(key, sealed) {
  refuseIf(key.length !== 32, "bad-key");
  const header = parseHeader(sealed);
  refuseIf(header.edition !== 3, "wrong-edition");
  const own = hmac(key, "eyelid chunk commit", header.recording, sealed.subarray(6, 8), sealed.subarray(24, 32));
  refuseIf(!timingSafeEqual(own, commitments(sealed, 3)[1]), "wrong-commitment");
  return decrypted(key, header, sealed);
}

function decrypted(key, header, sealed) {
  const tag = sealed.length - BEHIND_TAG[header.edition] - 16;
  const aes = createDecipheriv("aes-256-gcm", key, header.nonce, { authTagLength: 16 });
  aes.setAAD(sealed.subarray(0, 92)).setAuthTag(sealed.subarray(tag, tag + 16));
  try {
    return { header, plaintext: Buffer.concat([aes.update(sealed.subarray(92, tag)), aes.final()]) };
  } catch {
    throw new Refused("wrong-tag");
  }
}

export function checkSignature(sealed, evidenceKey, edition) {
  refuseIf(parseHeader(sealed).edition !== edition, "wrong-edition");
  if (edition === 1) return;
  const signed = Buffer.concat([Buffer.from(`eyelid chunk v${edition}`), sha256(sealed.subarray(0, -64))]);
  refuseIf(!verifies(evidenceKey, signed, sealed.subarray(-64)), "bad-signature");
}

export function checkPlace(header, place) {
  refuseIf(!header.recording.equals(uuidBytes(place.recording)), "wrong-recording");
  refuseIf(header.stream !== place.stream, "wrong-stream");
  refuseIf(header.sequence !== BigInt(place.sequence), "wrong-sequence");
  refuseIf(!header.previous.equals(place.previous), "wrong-previous");
}

// -- signed statements -----------------------------------------------------------------------------------------------

function verifies(publicKey, signed, signature) {
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicKey }, format: "jwk" });
  return verify(null, signed, key, signature);
}

export function thumbprint(publicKey) {
  return sha256(`{"crv":"Ed25519","kty":"OKP","x":"${publicKey}"}`).toString("base64url"); // RFC 7638
}

function jwsParts(token, typ, names) {
  refuseIf(!isText(token), "malformed");
  refuseIf(token.length > MAX_SEALED, "oversized");
  const parts = token.split(".");
  refuseIf(parts.length !== 3 || parts[0].length > 512, "malformed");
  const [head, payload, signature] = parts.map((part) => fromBase64url(part));
  const header = parseObject(head, "malformed");
  refuseIf(header.alg !== "Ed25519", "wrong-algorithm");
  refuseIf(header.typ !== typ, "wrong-type");
  refuseIf(Object.keys(header).sort().join() !== names || signature.length !== 64, "malformed");
  refuseIf(!isText(header.kid), "malformed");
  return { header, payload, signature, signed: Buffer.from(`${parts[0]}.${parts[1]}`) };
}

const OF_MANY = /^eyelid-(packet|ledger|report|application|auth|interaction)$/;
const valuesOf = (bytes) =>
  (bytes.toString("latin1").replace(/"[^"\\]*(?:\\[^][^"\\]*)*"?/g, "").match(/[,[{]/g) ?? []).length;

function verifyParts({ header, payload, signature, signed }, publicKey) {
  refuseIf(header.kid !== thumbprint(publicKey), "wrong-signer");
  refuseIf(!verifies(publicKey, signed, signature), "bad-signature");
  refuseIf(OF_MANY.test(header.typ) && valuesOf(payload) > 8192, "oversized");
  const said = parseObject(payload, "malformed");
  checkFormat(said, header.typ === "eyelid-packet" ? ["envelope"] : []);
  return said;
}

/** `known`: the names in `crit` that are understood here. */
function checkFormat(said, known = []) {
  refuseIf("v" in said && !isUint(said.v), "bad-field");
  refuseIf("v" in said && said.v !== 1n, "unknown-version");
  if (!("crit" in said)) return;
  const { crit } = said;
  const fits = (name) => isText(name) && name.length > 0 && [...name].length <= 64;
  refuseIf(!Array.isArray(crit) || crit.length < 1 || crit.length > 16 || !crit.every(fits), "bad-field");
  refuseIf(new Set(crit).size !== crit.length, "bad-field");
  refuseIf(!crit.every((name) => known.includes(name)), "unknown-critical");
  refuseIf(!crit.every((name) => name in said), "bad-field");
}

export function verifyJws(typ, token, publicKey) {
  return verifyParts(jwsParts(token, typ, "alg,kid,typ"), publicKey);
}

const UNSEEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
const isNotice = (value) => isText(value) && value.trim() && [...value].length <= 4000 && !UNSEEN.test(value);

/** Whether anything can be sealed to it: coefficients in range, and an X25519 point that is not of small order. */
function isReadersKey(key) {
  if (key.length !== 1216) return false;
  for (let at = 0; at < 1152; at += 3) {
    const three = key.readUIntLE(at, 3);
    if ((three & 0xfff) >= 3329 || three >> 12 >= 3329) return false;
  }
  const x = key.subarray(1184).toString("base64url");
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
  try {
    diffieHellman({ privateKey: generateKeyPairSync("x25519").privateKey, publicKey });
    return true;
  } catch {
    return false;
  }
}

/** {revision, recipients: key ids, governance, notice} of a bundle by the key with this fingerprint. */
export function readBundle(token, fingerprint) {
  const parts = jwsParts(token, "eyelid-bundle", "alg,jwk,kid,typ");
  const { jwk } = parts.header;
  refuseIf(!isObject(jwk) || Object.keys(jwk).sort().join() !== "crv,kty,x", "malformed");
  refuseIf(jwk.kty !== "OKP" || jwk.crv !== "Ed25519" || fromBase64url(jwk.x).length !== 32, "malformed");
  refuseIf(thumbprint(jwk.x) !== fingerprint, "wrong-fingerprint");
  const bundle = verifyParts(parts, jwk.x);
  refuseIf(!Array.isArray(bundle.recipients) || !bundle.recipients.every(isText), "bad-field");
  const keys = bundle.recipients.map((one) => fromBase64url(one, "bad-recipient"));
  refuseIf(!keys.every(isReadersKey), "bad-recipient");
  refuseIf(!isUint(bundle.revision) || !isUint(bundle.created), "bad-field");
  refuseIf(!isObject(bundle.policy_files) || !Object.values(bundle.policy_files).every(isText), "bad-field");
  refuseIf("governance" in bundle && !isDigest(bundle.governance), "bad-field");
  refuseIf("notice" in bundle && !isNotice(bundle.notice), "bad-field");
  refuseIf(keys.length === 0, "no-recipients");
  const recipients = keys.map((one) => sha256(one).toString("base64url"));
  refuseIf(new Set(recipients).size !== recipients.length, "doubled-recipient");
  return { revision: bundle.revision, recipients, governance: bundle.governance, notice: bundle.notice };
}

/** The governance files that a bundle carries, name -> text; `hash` is its `governance`. */
export function readCarried(text, hash) {
  refuseIf(text.length > MAX_SEALED, "oversized");
  refuseIf(/[^\u0000-\u007f]/.test(text), "malformed");
  const said = parseObject(Buffer.from(text), "malformed");
  checkFormat(said);
  refuseIf(!isObject(said.files) || !Object.values(said.files).every(isText), "bad-field");
  const files = Object.entries(said.files).map(([name, content]) => [Buffer.from(name), Buffer.from(content)]);
  refuseIf(files.length === 0, "bad-field");
  refuseIf(files.length > 100 || files.reduce((sum, [, content]) => sum + content.length, 0) > 2 ** 21, "oversized");
  const isName = (name) => /^[^./\\:\p{Cc}][^/\\:\p{Cc}]*\.yaml$/u.test(name) && Buffer.from(name).length <= 255;
  refuseIf(!Object.keys(said.files).every(isName), "bad-name");
  const total = createHash("sha256");
  for (const [name, content] of files.sort(([one], [other]) => Buffer.compare(one, other))) {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(content.length));
    for (const part of [name, Buffer.alloc(1), length, content]) total.update(part);
  }
  refuseIf(total.digest("hex") !== hash, "wrong-governance");
  return said.files;
}

// -- the key packet --------------------------------------------------------------------------------------------------

const isPixels = (value) => typeof value === "bigint" && value < 2n ** 31n && value > -(2n ** 31n);
const isMonitor = (one) =>
  isObject(one) &&
  isText(one.name) &&
  isUint(one.stream) &&
  one.stream < 0xffffn &&
  [one.x, one.y].every(isPixels) &&
  [one.width, one.height].every((size) => isPixels(size) && size >= 0n);

/** What a packet says, with `edition`, and `wrapped` as a Map of bytes. */
export function readPacket(token, evidenceKey) {
  const packet = verifyJws("eyelid-packet", token, evidenceKey);
  const { envelope: edition = 1n } = packet;
  refuseIf(!isObject(packet.suite), "bad-field");
  const { kem: kemId, kdf, aead } = packet.suite;
  refuseIf(![kemId, kdf, aead].every((one) => isUint(one) && one < 0x10000n), "bad-field");
  refuseIf(kemId !== 0x647an || kdf !== 1n || aead !== 2n, "unknown-suite");
  refuseIf(!isUint(edition), "bad-field");
  refuseIf(![1n, 2n, 3n].includes(edition), "unknown-version");
  refuseIf(!isUuid(packet.recording) || !isDigest(packet.policy) || !isObject(packet.wrapped), "bad-field");
  refuseIf(!isUint(packet.bundle_revision) || !isUint(packet.start) || !Array.isArray(packet.monitors), "bad-field");
  refuseIf(!packet.monitors.every(isMonitor), "bad-field");
  refuseIf(!["device", "host", "os_user", "agent_version"].every((name) => isText(packet[name])), "bad-field");
  const wrapped = new Map(Object.entries(packet.wrapped).map(([id, text]) => [id, fromBase64url(text, "bad-field")]));
  refuseIf(
    [...wrapped.values()].some((one) => one.length !== 1168),
    "bad-field",
  );
  refuseIf(wrapped.size === 0, "no-recipients");
  refuseIf(fromBase64url(packet.commitment, "bad-field").length !== 32, "bad-field");
  return { ...packet, wrapped, edition: Number(edition) };
}

/** The key pair of a recipient from its seed of 32 bytes: {privateKey, id}. */
export async function recipientOf(seed) {
  const { privateKey, publicKey } = await kem.generateKeyPairDerand(Uint8Array.from(seed));
  return { privateKey, id: sha256(Buffer.from(await kem.serializePublicKey(publicKey))).toString("base64url") };
}

/** The recording key of a packet, for a recipient as `recipientOf` makes it. */
export async function openKey(packet, recipient) {
  const recording = uuidBytes(packet.recording);
  const mine = packet.wrapped.get(recipient.id);
  refuseIf(mine === undefined, "not-a-recipient");
  const enc = Uint8Array.from(mine.subarray(0, 1120));
  const info = Uint8Array.from(Buffer.concat([Buffer.from("eyelid recording key v1"), recording]));
  let key;
  try {
    const context = await suite.createRecipientContext({ recipientKey: recipient.privateKey, enc, info });
    key = Buffer.from(await context.open(Uint8Array.from(mine.subarray(1120))));
  } catch {
    throw new Refused("wrong-key");
  }
  const committing = packet.edition === 1 ? key : derive(key, packet.recording, "eyelid commitment key v2");
  refuseIf(!timingSafeEqual(hmac(committing, "eyelid commit", recording), fromBase64url(packet.commitment)), "wrong-commitment");
  return key;
}

/** The raw bytes of a private key file of this kind. */
export function openKeyFile(bytes, kind, passphrase) {
  const file = parseObject(bytes, "bad-key-file");
  refuseIf(file.format !== "eyelid-private-key-1" || !isUint(file.cost), "bad-key-file");
  refuseIf(file.kind !== kind, "bad-kind");
  refuseIf(file.cost < 10n || file.cost > 20n, "bad-key-file");
  const [salt, nonce, sealed] = ["salt", "nonce", "sealed"].map((name) => fromBase64url(file[name], "bad-key-file"));
  refuseIf(salt.length !== 16 || nonce.length !== 12 || sealed.length < 16, "bad-key-file");
  const key = scryptSync(passphrase, salt, 32, { N: 2 ** Number(file.cost), r: 8, p: 1, maxmem: 2 ** 31 });
  const aes = createDecipheriv("aes-256-gcm", key, nonce);
  aes.setAAD(Buffer.from(`eyelid-private-key-1\n${kind}\n${file.cost}`)).setAuthTag(sealed.subarray(-16));
  try {
    return Buffer.concat([aes.update(sealed.subarray(0, -16)), aes.final()]);
  } catch {
    throw new Refused("wrong-passphrase");
  }
}

// -- the ledger ------------------------------------------------------------------------------------------------------

/** One line of the ledger: what it says, if the names that every entry has are as they must be. */
export function readLine(line) {
  const bytes = Buffer.from(line);
  refuseIf(bytes.length > MAX_LINE, "oversized");
  refuseIf(bytes.filter((byte) => byte === 0x2c || byte === 0x5b || byte === 0x7b).length > MAX_VALUES, "bad-line");
  const entry = parseObject(bytes, "bad-line");
  refuseIf(
    ![entry.seq, entry.at, entry.wall].every(isUint) || !isText(entry.kind) || !isDigest(entry.prev),
    "bad-field",
  );
  refuseIf(levelsOf(entry) > MAX_LEVELS, "bad-line");
  return entry;
}

const levelsOf = (value) =>
  typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(levelsOf)) : 0;

/** [{seq, code}]: all that is wrong with lines that should go on after hash `prev` with number `seq`. */
export function walk(lines, prev, seq) {
  const mistakes = [];
  for (const line of lines) {
    try {
      const entry = readLine(line);
      const code = refused(() => checkFormat(entry));
      if (code) mistakes.push({ seq, code });
      if (entry.seq !== seq) {
        mistakes.push({ seq, code: "wrong-seq" });
        seq = entry.seq; // one break is told once
      } else if (entry.prev !== prev) mistakes.push({ seq, code: "broken-chain" });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      mistakes.push({ seq, code: error.code });
    }
    prev = sha256(line).toString("hex");
    seq += 1n;
  }
  return mistakes;
}

/** What the device last reported of its ends: {recording, heads, receipted, ledger, confirmed}. */
export function readReport(token, evidenceKey) {
  const report = verifyJws("eyelid-report", token, evidenceKey);
  const { heads, receipted } = report;
  refuseIf(![heads, receipted, report.ledger].every(isObject), "bad-field");
  refuseIf(![...Object.keys(heads), ...Object.keys(receipted)].every(isStream), "bad-field");
  for (const head of [...Object.values(heads), report.ledger]) {
    refuseIf(!isObject(head) || !isUint(head.next) || !isDigest(head.head), "bad-field");
  }
  refuseIf(![report.wall, report.confirmed, ...Object.values(receipted)].every(isUint), "bad-field");
  refuseIf(!isText(report.device) || ("recording" in report && !isUuid(report.recording)), "bad-field");
  return report;
}

/** {device, first, last, lines} of a batch that the device signed. */
export function readBatch(token, evidenceKey) {
  const batch = verifyJws("eyelid-ledger", token, evidenceKey);
  refuseIf(!isText(batch.device) || !isUint(batch.first) || !isUint(batch.last), "bad-field");
  refuseIf(!Array.isArray(batch.lines) || !batch.lines.every(isText), "bad-field");
  refuseIf(batch.lines.length === 0 || batch.last - batch.first + 1n !== BigInt(batch.lines.length), "bad-count");
  const [mistake] = walk(batch.lines, readLine(batch.lines[0]).prev, batch.first);
  refuseIf(mistake, mistake?.code);
  return batch;
}
