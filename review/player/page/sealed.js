// Comments under the recording's own key: sealed here, and opened only where the custodian signed whose they are.
// And reports of what was played, under a key of the opening.

import { digest, fromBase64url, fromHex, hex, isText, isUint, joined, parseObject, Refused, refuseIf } from "./bytes.js";
import { toBase64url, utf8 } from "./bytes.js";
import { verifyJws } from "./statements.js";

const NONCE = 12;
const STEP = 256; // bytes: how long a text is shows to no closer
const label = (recording) => joined(utf8("eyelid comment v1"), fromHex(recording.replaceAll("-", "")));
const algorithm = (recording, iv) => ({ name: "AES-GCM", iv, additionalData: label(recording) });

/** What goes into a signed comment: base64url of a nonce and the ciphertext. */
export async function sealComment(key, recording, text) {
  const bytes = utf8(text.trim());
  const padded = joined(bytes, new Uint8Array(STEP - (bytes.length % STEP)).fill(32));
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
  const sealed = await crypto.subtle.encrypt(algorithm(recording, nonce), key, padded);
  return toBase64url(joined(nonce, new Uint8Array(sealed)));
}

/** What the custodian takes of an opening, by its request's id: as `sealComment`, under the key of its reports. */
export async function sealReport(key, request, recording, text) {
  const place = joined(utf8("eyelid watched v1"), fromHex(request), fromHex(recording.replaceAll("-", "")));
  const bytes = utf8(text);
  const padded = joined(bytes, new Uint8Array(STEP - (bytes.length % STEP)).fill(32));
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
  const how = { name: "AES-GCM", iv: nonce, additionalData: place };
  return toBase64url(joined(nonce, new Uint8Array(await crypto.subtle.encrypt(how, key, padded))));
}

/**
 * {id, person, at: ms, start, end: seconds, text} of what a person signed (`comment`) and the custodian (`commented`):
 * it found the signature good, and the key to be that person's. `signer`: its key. Throws Refused: other-comment,
 * wrong-recording, wrong-key, as statements are refused.
 */
export async function openComment(key, recording, { comment, commented }, signer) {
  const vouched = await verifyJws("eyelid-commented", commented, signer);
  refuseIf(!isText(comment), "malformed");
  const signed = comment.slice(0, comment.lastIndexOf("."));
  const id = hex(await digest(utf8(signed)));
  refuseIf(vouched.comment !== id, "other-comment");
  const said = parseObject(fromBase64url(signed.split(".")[1]), "malformed");
  refuseIf(vouched.person !== said.person || vouched.recording !== said.recording, "other-comment");
  refuseIf(said.recording !== recording, "wrong-recording");
  refuseIf(![vouched.at, said.start, said.end].every(isUint) || said.start >= said.end, "bad-field");
  const sealed = fromBase64url(said.sealed, "bad-field");
  let opened;
  try {
    const how = algorithm(recording, sealed.subarray(0, NONCE));
    opened = await crypto.subtle.decrypt(how, key, sealed.subarray(NONCE));
  } catch {
    throw new Refused("wrong-key");
  }
  const text = new TextDecoder().decode(opened).trimEnd();
  const seconds = (ns) => Number(ns) / 1e9;
  const at = Number(vouched.at / 1_000_000n);
  return { id, person: vouched.person, at, start: seconds(said.start), end: seconds(said.end), text };
}
