// What the custodian releases to this page: the worker's own session key, and keys of streams sealed to it by HPKE
// (RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM), as docs/custodian.md has them.

import { fromBase64url, fromHex, isObject, isText, isUint, joined, Refused, refuseIf, toBase64url, utf8 } from "./bytes.js";
import { publicKey, streamKeys, verifyJws } from "./statements.js";

const NONE = new Uint8Array();
const HPKE = utf8("HPKE-v1");
const KEM = joined(utf8("KEM"), Uint8Array.of(0, 0x20));
const SUITE = joined(utf8("HPKE"), Uint8Array.of(0, 0x20, 0, 1, 0, 2));
const ENCAPSULATED = 32;
const COMMENTS = 0xffff; // where the key of comments is released: no stream has this number
const KEYS = "eyelid released key v1"; // of a stream, and of comments
const REPORTS = "eyelid released report key v1"; // of what this page says that it played
const DERIVED = "eyelid released derived key v1"; // of what the analysis made
const SLACK = 600_000; // ms by which this browser's clock may be ahead of the custodian's

/** A key pair whose private half can be used here and taken out by nothing: {text, pair}. */
export async function newSession() {
  const pair = await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { text: toBase64url(raw), raw, pair };
}

/**
 * {evidence, lasts: milliseconds, keys: stream -> its key, as `streamKeys`, comments, reports: their keys, derived: label -> its key likewise, workers: keys that sign it} of what the custodian signed.
 * `asked`: {request, recording, streams, custodianKey}. Throws Refused: wrong-signer, bad-signature, other-release, over, wrong-key, as statements are refused.
 */
export async function receive(session, token, asked) {
  const said = await verifyJws("eyelid-release", token, await publicKey(asked.custodianKey));
  refuseIf(said.request !== asked.request || said.recording !== asked.recording, "other-release");
  refuseIf(!isText(said.evidence_key) || ![said.at, said.until].every(isUint) || !isObject(said.keys), "bad-field");
  refuseIf(Object.keys(said.keys).sort().join() !== [...asked.streams].sort().join(), "other-release");
  refuseIf(Number(said.until / 1_000_000n) < Date.now() - SLACK, "over");
  const keys = new Map();
  for (const [stream, sealed] of Object.entries(said.keys))
    keys.set(Number(stream), await unwrapped(session, fromBase64url(sealed, "bad-field"), asked, Number(stream)));
  const comments = await unwrapped(session, fromBase64url(said.comments, "bad-field"), asked, COMMENTS);
  const reports = await unwrapped(session, fromBase64url(said.reports, "bad-field"), asked, COMMENTS, REPORTS);
  // An earlier custodian releases none of these.
  const { derived: made = {}, workers: signers = [] } = said;
  refuseIf(!isObject(made) || !Array.isArray(signers), "bad-field");
  const derived = new Map();
  for (const [name, sealed] of Object.entries(made))
    derived.set(name, await unwrapped(session, fromBase64url(sealed, "bad-field"), asked, COMMENTS, DERIVED));
  const workers = await Promise.all(signers.map(publicKey));
  const lasts = Number((said.until - said.at) / 1_000_000n);
  return { evidence: said.evidence_key, reports, lasts, keys, comments, derived, workers };
}

async function unwrapped(session, sealed, { request, recording }, stream, label = KEYS) {
  const info = joined(
    utf8(label),
    fromHex(request),
    fromHex(recording.replaceAll("-", "")),
    Uint8Array.of(stream >> 8, stream & 255),
  );
  try {
    const { key, nonce } = await opening(session, sealed.subarray(0, ENCAPSULATED), info);
    const how = { name: "AES-GCM", iv: nonce, additionalData: NONE };
    const unwrap = (algorithm, uses) =>
      crypto.subtle.unwrapKey("raw", sealed.subarray(ENCAPSULATED), key, how, algorithm, false, uses);
    if (label === REPORTS) return await unwrap("AES-GCM", ["encrypt"]);
    if (stream === COMMENTS && label === KEYS) return await unwrap("AES-GCM", ["encrypt", "decrypt"]);
    return await streamKeys(unwrap);
  } catch {
    throw new Refused("wrong-key");
  }
}

/** The AES key that opens the one message of this encapsulation, and its nonce. The stream's key is never bytes here. */
async function opening({ pair, raw }, encapsulated, info) {
  const theirs = await crypto.subtle.importKey("raw", encapsulated, "X25519", false, []);
  const shared = new Uint8Array(
    await crypto.subtle.deriveBits({ name: "X25519", public: theirs }, pair.privateKey, 256),
  );
  const secret = await expand(
    await extract(NONE, KEM, "eae_prk", shared),
    KEM,
    "shared_secret",
    joined(encapsulated, raw),
    32,
  );
  const context = joined(
    Uint8Array.of(0),
    await extract(NONE, SUITE, "psk_id_hash", NONE),
    await extract(NONE, SUITE, "info_hash", info),
  );
  const root = await extract(secret, SUITE, "secret", NONE);
  const bytes = await expand(root, SUITE, "key", context, 32);
  const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["unwrapKey"]);
  for (const one of [shared, secret, bytes]) one.fill(0);
  return { key, nonce: await expand(root, SUITE, "base_nonce", context, 12) };
}

async function hmac(key, bytes) {
  const by = key.length ? key : new Uint8Array(32); // HMAC fills up with zeros; WebCrypto takes no empty key
  const imported = await crypto.subtle.importKey("raw", by, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytes));
}

const extract = (salt, suite, label, material) => hmac(salt, joined(HPKE, suite, utf8(label), material));

/** Of at most 32 bytes, which is one block. */
async function expand(root, suite, label, info, length) {
  const labelled = joined(Uint8Array.of(0, length), HPKE, suite, utf8(label), info, Uint8Array.of(1));
  return (await hmac(root, labelled)).slice(0, length);
}
