// Opens the vectors without any of Eyelid's code, from docs/envelope.md alone: its answers show whether a stranger's
// program agrees. Prints {recording, chunks, packets, signed_recording, signed}, lists in JSON, on standard output.
//
//   node open.mjs FOLDER_OF_THE_VECTORS      (with the packages of node/package.json beside it)

import { createHash, createHmac, hkdfSync, timingSafeEqual, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";

const MAX_SEALED = 16 * 2 ** 20;
const { subtle } = webcrypto;
const kem = new XWing();
const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();
const hex = (text) => Buffer.from(text, "hex");

function hmac(key, ...parts) {
  const mac = createHmac("sha256", key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

// The second edition's keys, from the recording's.
function derive(key, recording, ...info) {
  return Buffer.from(hkdfSync("sha256", key, recording, Buffer.concat(info.map((part) => Buffer.from(part))), 32));
}

function streamKey({ key, recording, edition }, stream) {
  const number = Buffer.from([stream >> 8, stream & 255]);
  return edition === 1 ? key : derive(key, hex(recording.replaceAll("-", "")), "eyelid stream key v2", number);
}

class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

function refuseIf(condition, code) {
  if (condition) throw new Refused(code);
}

// -- the sealed chunk ------------------------------------------------------------------------------------------------

function parseHeader(sealed) {
  refuseIf(sealed.length > MAX_SEALED, "oversized");
  refuseIf(sealed.length < 92 + 16, "truncated");
  const edition = ["EYL1", "EYL2"].indexOf(sealed.subarray(0, 4).toString("latin1")) + 1;
  refuseIf(edition === 0, "bad-magic");
  refuseIf(edition === 2 && sealed.length < 92 + 16 + 32 + 64, "truncated");
  refuseIf(sealed[4] > 1, "unknown-kind");
  refuseIf(sealed[5] & ~3, "unknown-flags");
  refuseIf(sealed.readUInt16BE(6) === 0xffff, "bad-stream");
  refuseIf(sealed.readBigUInt64BE(32) > sealed.readBigUInt64BE(40), "bad-span");
  return {
    edition,
    stream: sealed.readUInt16BE(6),
    recording: sealed.subarray(8, 24),
    sequence: sealed.readBigUInt64BE(24),
    previous: sealed.subarray(48, 80),
    nonce: sealed.subarray(80, 92),
  };
}

async function openChunk(key, sealed) {
  refuseIf(key.length !== 32, "bad-key");
  const header = parseHeader(sealed);
  if (header.edition === 2) {
    const committed = hmac(key, "eyelid stream commit", header.recording, sealed.subarray(6, 8));
    refuseIf(!timingSafeEqual(committed, sealed.subarray(-96, -64)), "wrong-commitment");
  }
  const aes = await subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  const gcm = { name: "AES-GCM", iv: header.nonce, additionalData: sealed.subarray(0, 92), tagLength: 128 };
  try {
    const end = sealed.length - (header.edition === 2 ? 96 : 0);
    return { header, plaintext: Buffer.from(await subtle.decrypt(gcm, aes, sealed.subarray(92, end))) };
  } catch {
    throw new Refused("wrong-tag");
  }
}

async function checkSignature(sealed, evidenceKey, edition) {
  refuseIf(parseHeader(sealed).edition !== edition, "wrong-edition");
  if (edition === 1) return;
  const key = await subtle.importKey("raw", fromBase64url(evidenceKey), "Ed25519", false, ["verify"]);
  const signed = Buffer.concat([Buffer.from("eyelid chunk v2"), sha256(sealed.subarray(0, -64))]);
  refuseIf(!(await subtle.verify("Ed25519", key, sealed.subarray(-64), signed)), "bad-signature");
}

function checkPlace(header, place) {
  refuseIf(!header.recording.equals(hex(place.recording.replaceAll("-", ""))), "wrong-recording");
  refuseIf(header.stream !== place.stream, "wrong-stream");
  refuseIf(header.sequence !== BigInt(place.sequence), "wrong-sequence");
  refuseIf(!header.previous.equals(place.previous), "wrong-previous");
}

// -- the key packet --------------------------------------------------------------------------------------------------

function fromBase64url(text) {
  const bytes = Buffer.from(text, "base64url");
  refuseIf(bytes.toString("base64url") !== text, "malformed"); // one spelling only
  return bytes;
}

// JSON.parse keeps the last of two equal names and says nothing: so the names in the text are counted too.
function parseObject(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const value = JSON.parse(text);
    const strings = [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)];
    refuseIf(strings.filter(([, colon]) => colon).length !== countNames(value), "malformed");
    return value;
  } catch {
    throw new Refused("malformed");
  }
}

function countNames(value) {
  if (typeof value !== "object" || value === null) return 0;
  const inner = Object.values(value).reduce((sum, one) => sum + countNames(one), 0);
  return inner + (Array.isArray(value) ? 0 : Object.keys(value).length);
}

function thumbprint(publicKey) {
  return sha256(`{"crv":"Ed25519","kty":"OKP","x":"${publicKey}"}`).toString("base64url"); // RFC 7638
}

async function verifyJws(typ, token, publicKey) {
  const parts = token.split(".");
  refuseIf(parts.length !== 3 || parts[0].length > 512, "malformed");
  const [head, payload, signature] = parts.map(fromBase64url);
  const header = parseObject(head);
  refuseIf(header.alg !== "Ed25519", "wrong-algorithm");
  refuseIf(header.typ !== typ, "wrong-type");
  refuseIf(Object.keys(header).sort().join() !== "alg,kid,typ" || signature.length !== 64, "malformed");
  refuseIf(header.kid !== thumbprint(publicKey), "wrong-signer");
  const key = await subtle.importKey("raw", fromBase64url(publicKey), "Ed25519", false, ["verify"]);
  const signed = Buffer.from(`${parts[0]}.${parts[1]}`);
  refuseIf(!(await subtle.verify("Ed25519", key, signature, signed)), "bad-signature");
  return parseObject(payload);
}

// The names that a payload says must be understood; `known` are those that this program does.
function checkFormat(payload, known) {
  refuseIf(payload.v !== undefined && payload.v !== 1, "unknown-version");
  if (payload.crit === undefined) return;
  const { crit } = payload;
  refuseIf(!Array.isArray(crit) || crit.length < 1 || crit.length > 16, "bad-field");
  const fits = (name) => typeof name === "string" && name.length > 0 && [...name].length <= 64;
  refuseIf(!crit.every(fits) || new Set(crit).size !== crit.length, "bad-field");
  refuseIf(!crit.every((name) => known.includes(name)), "unknown-critical");
  refuseIf(!crit.every((name) => Object.hasOwn(payload, name)), "bad-field");
}

async function openPacket(token, evidenceKey, seed) {
  const packet = await verifyJws("eyelid-packet", token, evidenceKey);
  checkFormat(packet, ["envelope"]);
  const edition = packet.envelope ?? 1;
  refuseIf(edition !== 1 && edition !== 2, "unknown-version");
  const { kem: kemId, kdf, aead } = packet.suite;
  refuseIf(kemId !== 0x647a || kdf !== 1 || aead !== 2, "unknown-suite");
  const wrapped = new Map(Object.entries(packet.wrapped).map(([id, text]) => [id, fromBase64url(text)]));
  refuseIf([...wrapped.values()].some((one) => one.length !== 1168), "bad-field");
  refuseIf(wrapped.size === 0, "no-recipients");

  const recording = hex(packet.recording.replaceAll("-", ""));
  const pair = await kem.generateKeyPairDerand(Uint8Array.from(seed));
  const publicKey = Buffer.from(await kem.serializePublicKey(pair.publicKey));
  const mine = wrapped.get(sha256(publicKey).toString("base64url"));
  refuseIf(mine === undefined, "not-a-recipient");
  const enc = Uint8Array.from(mine.subarray(0, 1120));
  const info = Uint8Array.from(Buffer.concat([Buffer.from("eyelid recording key v1"), recording]));
  let key;
  try {
    const context = await suite.createRecipientContext({ recipientKey: pair.privateKey, enc, info });
    key = Buffer.from(await context.open(Uint8Array.from(mine.subarray(1120))));
  } catch {
    throw new Refused("wrong-key");
  }
  const committing = edition === 1 ? key : derive(key, recording, "eyelid commitment key v2");
  const committed = hmac(committing, "eyelid commit", recording);
  refuseIf(!timingSafeEqual(committed, fromBase64url(packet.commitment)), "wrong-commitment");
  return { packet, recording: packet.recording, key, edition };
}

// -- all of it -------------------------------------------------------------------------------------------------------

async function answer(attempt) {
  try {
    return { answer: "ok", ...(await attempt()) };
  } catch (error) {
    if (error instanceof Refused) return { answer: error.code };
    throw error;
  }
}

const hashed = (plaintext) => ({ plaintext_sha256: sha256(plaintext).toString("hex") });

async function openRecording(vector) {
  const packet = await openPacket(vector.packet, vector.evidence_key, hex(vector.auditor));
  const { recording, edition } = packet;
  const opened = [];
  let previous = sha256(vector.packet);
  for (const [sequence, chunk] of vector.chunks.entries()) {
    const sealed = hex(chunk.sealed);
    await checkSignature(sealed, vector.evidence_key, edition);
    const { header, plaintext } = await openChunk(streamKey(packet, 0), sealed);
    checkPlace(header, { recording, stream: 0, sequence, previous });
    opened.push({ answer: "ok", ...hashed(plaintext) });
    previous = sha256(sealed);
  }
  return opened;
}

async function openChunkCase(one) {
  const { header, plaintext } = await openChunk(hex(one.key), Buffer.concat([hex(one.sealed)], one.grow_to));
  if (one.place) checkPlace(header, { ...one.place, previous: hex(one.place.previous) });
  return hashed(plaintext);
}

async function openSignedCase(vector, one) {
  const packet = await openPacket(vector.packet, vector.evidence_key, hex(vector.auditor));
  const sealed = hex(one.sealed);
  await checkSignature(sealed, vector.evidence_key, packet.edition);
  const key = one.stream_key ? hex(one.stream_key) : streamKey(packet, one.place.stream);
  const { header, plaintext } = await openChunk(key, sealed);
  checkPlace(header, { ...one.place, previous: hex(one.place.previous) });
  return hashed(plaintext);
}

async function openPacketCase(one) {
  const { key } = await openPacket(one.token, one.evidence_key, hex(one.recipient));
  return { recording_key_sha256: sha256(key).toString("hex") };
}

const read = (name) => JSON.parse(readFileSync(join(process.argv[2], name), "utf8"));
const second = read("signed.json");
const answers = { recording: await openRecording(read("recording.json")), chunks: [], packets: [], signed: [] };
answers.signed_recording = await openRecording(second);
for (const one of second.cases) answers.signed.push(await answer(() => openSignedCase(second, one)));
for (const one of read("chunks.json").cases) answers.chunks.push(await answer(() => openChunkCase(one)));
for (const one of read("packets.json").cases) answers.packets.push(await answer(() => openPacketCase(one)));
console.log(JSON.stringify(answers));
