// A person's browser, by WebCrypto and docs/custodian.md alone: signs what people sign, and opens what is released.
// A line of JSON in, a line of JSON out. No key of it can be exported.
import { createInterface } from "node:readline";

const { subtle } = globalThis.crypto;
const utf8 = (text) => new TextEncoder().encode(text);
const base64url = (bytes) => Buffer.from(bytes).toString("base64url");
const joined = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const number = (value, size) => Buffer.from(value.toString(16).padStart(2 * size, "0"), "hex");
const SIGNS = { Ed25519: { name: "Ed25519" }, ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } };
const AGREES = {
  X25519: { algorithm: { name: "X25519" }, kem: 0x0020, size: 32 },
  "P-256": { algorithm: { name: "ECDH", namedCurve: "P-256" }, kem: 0x0010, size: 65 },
};

let alg, agrees, person, session, spki;

async function keys(asked) {
  [alg, agrees] = [asked.alg, AGREES[asked.session]];
  person = await subtle.generateKey(SIGNS[alg], false, ["sign", "verify"]);
  session = await subtle.generateKey(agrees.algorithm, false, ["deriveBits"]);
  spki = await subtle.exportKey("spki", person.publicKey);
  return { spki: base64url(spki), session: base64url(await subtle.exportKey("raw", session.publicKey)) };
}

async function sign({ typ, payload }) {
  const header = { alg, typ, kid: base64url(await subtle.digest("SHA-256", spki)) };
  const signed = [header, { v: 1, ...payload }].map((one) => base64url(utf8(JSON.stringify(one)))).join(".");
  return { token: `${signed}.${base64url(await subtle.sign(SIGNS[alg], person.privateKey, utf8(signed)))}` };
}

// RFC 9180, sections 4, 4.1 and 5.1, base mode.
const hmac = async (key, data) => {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return Buffer.from(await subtle.sign(algorithm, await subtle.importKey("raw", key, algorithm, false, ["sign"]), data));
};
const extract = (suite, salt, label, secret) =>
  hmac(salt.length ? salt : new Uint8Array(32), joined(utf8("HPKE-v1"), suite, utf8(label), secret));
const expand = async (suite, secret, label, info, size) =>
  (await hmac(secret, joined(number(size, 2), utf8("HPKE-v1"), suite, utf8(label), info, [1]))).subarray(0, size);

async function open({ sealed, request, recording, stream }) {
  const bytes = Buffer.from(sealed, "base64url");
  const [enc, box] = [bytes.subarray(0, agrees.size), bytes.subarray(agrees.size)];
  const theirs = await subtle.importKey("raw", enc, agrees.algorithm, true, []);
  const shared = await subtle.deriveBits({ name: agrees.algorithm.name, public: theirs }, session.privateKey, 256);
  const kem = joined(utf8("KEM"), number(agrees.kem, 2));
  const own = await subtle.exportKey("raw", session.publicKey);
  const prk = await extract(kem, [], "eae_prk", Buffer.from(shared));
  const secret = await expand(kem, prk, "shared_secret", joined(enc, own), 32);
  const suite = joined(utf8("HPKE"), number(agrees.kem, 2), number(1, 2), number(2, 2));
  const id = Buffer.from(recording.replaceAll("-", ""), "hex");
  const info = joined(utf8("eyelid released key v1"), Buffer.from(request, "hex"), id, number(stream, 2));
  const context = joined([0], await extract(suite, [], "psk_id_hash", []), await extract(suite, [], "info_hash", info));
  const schedule = await extract(suite, secret, "secret", []);
  const raw = await expand(suite, schedule, "key", context, 32);
  const key = await subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
  const iv = await expand(suite, schedule, "base_nonce", context, 12);
  return { key: Buffer.from(await subtle.decrypt({ name: "AES-GCM", iv }, key, box)).toString("hex") };
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  console.log(JSON.stringify(await { keys, sign, open }[asked.do](asked)));
}
