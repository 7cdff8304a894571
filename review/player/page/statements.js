// Signed statements, key packets, ledger lines and sealed chunks, by docs/envelope.md, with WebCrypto.

import {
  digest,
  fromBase64url,
  hex,
  isDigest,
  isObject,
  isStream,
  isText,
  isUint,
  isUuid,
  joined,
  parseObject,
  Refused,
  refuseIf,
  sha256,
  toBase64url,
  utf8,
} from "./bytes.js";

const MAX_SEALED = 16 * 2 ** 20;
const MAX_LINE = 64 * 2 ** 10;
const MAX_LEVELS = 16;
const MAX_VALUES = 4096;
const MOST_VALUES = 8192; // of a statement of these, which devices and integrations sign
const OF_MANY = new Set(
  ["packet", "ledger", "report", "application", "auth", "interaction"].map((name) => `eyelid-${name}`),
);
const MAX_DURATION = 7_200_000_000_000n; // of a chunk: 2 hours
const MAX_END = 31n * 86_400_000_000_000n;
const HEADER = 92;
const TAG = 16;
const SIGNATURE = 64;
const COMMITMENT = 32;
const BEHIND_TAG = [NaN, 0, COMMITMENT + SIGNATURE, 2 * COMMITMENT + SIGNATURE]; // by edition
const AES = { name: "AES-GCM", length: 256 };
const MAC = { name: "HMAC", hash: "SHA-256", length: 256 };

// -- signatures --------------------------------------------------------------------------------------------------

/** A public key of Ed25519 from its text: {text, id, key}. Throws where this browser has no Ed25519. */
export async function publicKey(text) {
  const raw = fromBase64url(text, "bad-key");
  refuseIf(raw.length !== 32, "bad-key");
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  return { text, id: await thumbprint(text), key };
}

const thumbprint = async (text) => toBase64url(await digest(utf8(`{"crv":"Ed25519","kty":"OKP","x":"${text}"}`)));
const verifies = ({ key }, signature, signed) => crypto.subtle.verify("Ed25519", key, signature, signed);

function jwsParts(token, typ, names) {
  refuseIf(!isText(token), "malformed");
  refuseIf(token.length > MAX_SEALED, "oversized");
  const parts = token.split(".");
  refuseIf(parts.length !== 3 || parts[0].length > 512, "malformed");
  const [head, payload, signature] = parts.map((part) => fromBase64url(part));
  const header = parseObject(head, "malformed");
  refuseIf(header.alg !== "Ed25519", "wrong-algorithm");
  refuseIf(header.typ !== typ, "wrong-type");
  refuseIf(Object.keys(header).sort().join() !== names || signature.length !== SIGNATURE, "malformed");
  refuseIf(!isText(header.kid), "malformed");
  return { header, payload, signature, signed: utf8(`${parts[0]}.${parts[1]}`) };
}

/** That JSON has no more values than that, before it is read. */
function hasValues(bytes, most) {
  let [values, inText] = [0, false];
  for (let at = 0; at < bytes.length && values <= most; at += 1) {
    if (inText && bytes[at] === 0x5c) at += 1;
    else if (bytes[at] === 0x22) inText = !inText;
    else if (!inText && (bytes[at] === 0x2c || bytes[at] === 0x5b || bytes[at] === 0x7b)) values += 1;
  }
  return values <= most;
}

async function verifyParts({ header, payload, signature, signed }, signer) {
  refuseIf(header.kid !== signer.id, "wrong-signer");
  refuseIf(!(await verifies(signer, signature, signed)), "bad-signature");
  refuseIf(OF_MANY.has(header.typ) && !hasValues(payload, MOST_VALUES), "oversized");
  const said = parseObject(payload, "malformed");
  checkFormat(said, header.typ === "eyelid-packet" ? ["envelope"] : []);
  return said;
}

export const verifyJws = (typ, token, signer) => verifyParts(jwsParts(token, typ, "alg,kid,typ"), signer);

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

/** {said, signer: fingerprint} of a statement that brings the key along by which it is signed. */
export async function verifyCarried(typ, token) {
  const parts = jwsParts(token, typ, "alg,jwk,kid,typ");
  const { jwk } = parts.header;
  refuseIf(!isObject(jwk) || Object.keys(jwk).sort().join() !== "crv,kty,x", "malformed");
  refuseIf(jwk.kty !== "OKP" || jwk.crv !== "Ed25519" || fromBase64url(jwk.x).length !== 32, "malformed");
  return { said: await verifyParts(parts, await publicKey(jwk.x)), signer: await thumbprint(jwk.x) };
}

/** {revision, readers: ids of their keys} of a bundle by the key with this fingerprint. */
export async function readBundle(token, fingerprint) {
  const { said, signer } = await verifyCarried("eyelid-bundle", token);
  refuseIf(signer !== fingerprint, "wrong-fingerprint");
  refuseIf(!isUint(said.revision) || !Array.isArray(said.recipients) || !said.recipients.every(isText), "bad-field");
  const keys = said.recipients.map((one) => fromBase64url(one, "bad-recipient"));
  return {
    revision: said.revision,
    readers: await Promise.all(keys.map(async (one) => toBase64url(await digest(one)))),
  };
}

// -- the key packet ----------------------------------------------------------------------------------------------

const isPixels = (value) => typeof value === "bigint" && value < 2n ** 31n && value > -(2n ** 31n);
const isMonitor = (one) =>
  isObject(one) &&
  isText(one.name) &&
  isUint(one.stream) &&
  one.stream < 0xffffn &&
  [one.x, one.y].every(isPixels) &&
  [one.width, one.height].every((size) => isPixels(size) && size >= 0n);

/** What a packet says, with `edition` and `readers`. */
export async function readPacket(token, signer) {
  const packet = await verifyJws("eyelid-packet", token, signer);
  const { envelope: edition = 1n } = packet;
  refuseIf(!isObject(packet.suite), "bad-field");
  const { kem, kdf, aead } = packet.suite;
  refuseIf(![kem, kdf, aead].every((one) => isUint(one) && one < 0x10000n), "bad-field");
  refuseIf(kem !== 0x647an || kdf !== 1n || aead !== 2n, "unknown-suite");
  refuseIf(!isUint(edition), "bad-field");
  refuseIf(![1n, 2n, 3n].includes(edition), "unknown-version");
  refuseIf(!isUuid(packet.recording) || !isDigest(packet.policy) || !isObject(packet.wrapped), "bad-field");
  refuseIf(!isUint(packet.bundle_revision) || !isUint(packet.start) || !Array.isArray(packet.monitors), "bad-field");
  refuseIf(!packet.monitors.every(isMonitor), "bad-field");
  refuseIf(!["device", "host", "os_user", "agent_version"].every((name) => isText(packet[name])), "bad-field");
  const wrapped = Object.values(packet.wrapped).map((text) => fromBase64url(text, "bad-field"));
  refuseIf(!wrapped.every((one) => one.length === 1168), "bad-field");
  refuseIf(wrapped.length === 0, "no-recipients");
  refuseIf(fromBase64url(packet.commitment, "bad-field").length !== 32, "bad-field");
  return { ...packet, edition: Number(edition), readers: Object.keys(packet.wrapped) };
}

// -- the ledger --------------------------------------------------------------------------------------------------

/** One line of the ledger: what it says, if the names that every entry has are as they must be. */
function readLine(bytes) {
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

/** Lines from entry `seq` on: [{seq, entry, code, hash, prev}]; `entry` is null for one that cannot be read. */
export async function readLines(lines, seq) {
  const bytes = lines.map(utf8);
  const hashes = await Promise.all(bytes.map(sha256));
  return bytes.map((line, at) => {
    const read = { seq: seq + BigInt(at), hash: hashes[at], entry: null, code: null };
    try {
      read.entry = readLine(line);
      checkFormat(read.entry);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      read.code = error.code;
    }
    return read;
  });
}

/** [{seq, code}]: all that is wrong with lines, as `readLines` reads them, that should go on from there. */
export function walk(read, prev, seq) {
  const mistakes = [];
  for (const { entry, code, hash } of read) {
    if (code) mistakes.push({ seq, code });
    if (entry && entry.seq !== seq) {
      mistakes.push({ seq, code: "wrong-seq" });
      seq = entry.seq; // one break is told once
    } else if (entry && entry.prev !== prev) mistakes.push({ seq, code: "broken-chain" });
    prev = hash;
    seq += 1n;
  }
  return mistakes;
}

/** {device, first, read} of a batch that the device signed. */
export async function readBatch(token, signer) {
  const batch = await verifyJws("eyelid-ledger", token, signer);
  refuseIf(!isText(batch.device) || !isUint(batch.first) || !isUint(batch.last), "bad-field");
  refuseIf(!Array.isArray(batch.lines) || !batch.lines.every(isText), "bad-field");
  refuseIf(batch.lines.length === 0 || batch.last - batch.first + 1n !== BigInt(batch.lines.length), "bad-count");
  const read = await readLines(batch.lines, batch.first);
  refuseIf(read[0].entry === null, read[0].code);
  const [mistake] = walk(read, read[0].entry.prev, batch.first);
  refuseIf(mistake, mistake?.code);
  return { device: batch.device, first: batch.first, read };
}

/** What the device last reported of its ends: {recording, heads, receipted, ledger, confirmed}. */
export async function readReport(token, signer) {
  const report = await verifyJws("eyelid-report", token, signer);
  const { heads, receipted } = report;
  refuseIf(![heads, receipted, report.ledger].every(isObject), "bad-field");
  refuseIf(![...Object.keys(heads), ...Object.keys(receipted)].every(isStream), "bad-field");
  for (const head of [...Object.values(heads), report.ledger])
    refuseIf(!isObject(head) || !isUint(head.next) || !isDigest(head.head), "bad-field");
  refuseIf(![report.wall, report.confirmed, ...Object.values(receipted)].every(isUint), "bad-field");
  refuseIf(!isText(report.device) || ("recording" in report && !isUuid(report.recording)), "bad-field");
  return report;
}

// -- the sealed chunk --------------------------------------------------------------------------------------------

export function parseHeader(sealed) {
  refuseIf(sealed.length > MAX_SEALED, "oversized");
  refuseIf(sealed.length < HEADER + TAG, "truncated");
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.length);
  const edition = { 0x45594c31: 1, 0x45594c32: 2, 0x45594c33: 3 }[view.getUint32(0)];
  refuseIf(edition === undefined, "bad-magic");
  refuseIf(sealed.length < HEADER + TAG + BEHIND_TAG[edition], "truncated");
  refuseIf(sealed[4] > 1, "unknown-kind");
  refuseIf(sealed[5] & ~3, "unknown-flags");
  refuseIf(view.getUint16(6) === 0xffff, "bad-stream");
  const header = {
    edition,
    kind: sealed[4],
    flags: sealed[5],
    stream: view.getUint16(6),
    recording: hex(sealed.subarray(8, 24)),
    sequence: view.getBigUint64(24),
    start: view.getBigUint64(32),
    end: view.getBigUint64(40),
    previous: hex(sealed.subarray(48, 80)),
  };
  refuseIf(header.start > header.end, "bad-span");
  return header;
}

/** `place`: {recording, stream, sequence}. */
export function checkPlace(header, place) {
  refuseIf(header.recording !== place.recording.replaceAll("-", ""), "wrong-recording");
  refuseIf(header.stream !== place.stream, "wrong-stream");
  refuseIf(header.sequence !== BigInt(place.sequence), "wrong-sequence");
  refuseIf(header.end - header.start > MAX_DURATION || header.end > MAX_END, "bad-span");
}

export async function checkSignature(sealed, signer) {
  const { edition } = parseHeader(sealed);
  const signed = joined(utf8(`eyelid chunk v${edition}`), await digest(sealed.subarray(0, -SIGNATURE)));
  refuseIf(!(await verifies(signer, sealed.subarray(-SIGNATURE), signed)), "bad-signature");
}

/** The commitment to its stream's key that a chunk carries from the second edition on. */
export function committed(sealed) {
  const start = sealed.length - BEHIND_TAG[parseHeader(sealed).edition];
  return sealed.subarray(start, start + COMMITMENT);
}

// -- keys --------------------------------------------------------------------------------------------------------

/** A stream's key, which JavaScript never has: {mac, aes, root}. `take`: (algorithm, uses) -> the key for these. */
export const streamKeys = async (take) => ({ ...(await chunkKeys(take)), root: await take("HKDF", ["deriveKey"]) });

/** A chunk's key likewise: {mac, aes}. */
export const chunkKeys = async (take) => ({ mac: await take(MAC, ["verify"]), aes: await take(AES, ["decrypt"]) });

/** {mac, aes} of a chunk from the 32 bytes of its key, for those who were given no other key of its stream. */
export async function importChunkKey(bytes) {
  refuseIf(bytes.length !== 32, "bad-key");
  return chunkKeys((algorithm, uses) => crypto.subtle.importKey("raw", bytes, algorithm, false, uses));
}

/** `keys`: as `streamKeys`. The content of a signed chunk, once it commits to the stream's key. */
export async function openChunk(keys, sealed) {
  const { edition } = parseHeader(sealed);
  const place = joined(sealed.subarray(8, 24), sealed.subarray(6, 8));
  await checkCommitment(keys, committed(sealed), "eyelid stream commit", place);
  if (edition === 2) return decrypted(keys, sealed, edition);
  const info = joined(utf8("eyelid chunk key v3"), sealed.subarray(6, 8), sealed.subarray(24, 32));
  const how = { name: "HKDF", hash: "SHA-256", salt: sealed.subarray(8, 24), info };
  const derive = (algorithm, uses) => crypto.subtle.deriveKey(how, keys.root, algorithm, false, uses);
  return openByChunkKey(await chunkKeys(derive), sealed);
}

/** `keys`: as `importChunkKey`. The content of a chunk of the third edition, once it commits to this key. */
export async function openByChunkKey(keys, sealed) {
  refuseIf(parseHeader(sealed).edition !== 3, "wrong-edition");
  const place = joined(sealed.subarray(8, 24), sealed.subarray(6, 8), sealed.subarray(24, 32));
  await checkCommitment(keys, sealed.subarray(-COMMITMENT - SIGNATURE, -SIGNATURE), "eyelid chunk commit", place);
  return decrypted(keys, sealed, 3);
}

async function checkCommitment({ mac }, commitment, label, place) {
  const fits = await crypto.subtle.verify("HMAC", mac, commitment, joined(utf8(label), place));
  refuseIf(!fits, "wrong-commitment");
}

async function decrypted({ aes }, sealed, edition) {
  const how = { name: "AES-GCM", iv: sealed.subarray(80, HEADER), additionalData: sealed.subarray(0, HEADER) };
  try {
    return await crypto.subtle.decrypt(how, aes, sealed.subarray(HEADER, -BEHIND_TAG[edition]));
  } catch {
    throw new Refused("wrong-tag");
  }
}
