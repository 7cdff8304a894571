// Opens the vectors without any of Eyelid's code, from docs/envelope.md alone: its answers show whether a stranger's
// program agrees. Prints {recording, chunks, packets, signed_recording, signed, keyed_recording, keyed, keyed_one_by_one,
// bundles}, lists in JSON, on standard output.
//
//   node open.mjs FOLDER_OF_THE_VECTORS      (with the packages of node/package.json beside it)

import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  checkPlace,
  checkSignature,
  hex,
  openByChunkKey,
  openChunk,
  openKey,
  readBundle,
  readCarried,
  readPacket,
  recipientOf,
  Refused,
  sha256,
  streamKey,
} from "./envelope.mjs";

async function openPacket(token, evidenceKey, seed) {
  const packet = readPacket(token, evidenceKey);
  return { ...packet, key: await openKey(packet, await recipientOf(seed)) };
}

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
    checkSignature(sealed, vector.evidence_key, edition);
    const { header, plaintext } = openChunk(streamKey(packet, packet.key, 0), sealed);
    checkPlace(header, { recording, stream: 0, sequence, previous });
    opened.push({ answer: "ok", ...hashed(plaintext) });
    previous = sha256(sealed);
  }
  return opened;
}

async function openChunkCase(one) {
  const { header, plaintext } = openChunk(hex(one.key), Buffer.concat([hex(one.sealed)], one.grow_to));
  if (one.place) checkPlace(header, { ...one.place, previous: hex(one.place.previous) });
  return hashed(plaintext);
}

async function openSignedCase(vector, one) {
  const packet = await openPacket(vector.packet, vector.evidence_key, hex(vector.auditor));
  const sealed = hex(one.sealed);
  checkSignature(sealed, vector.evidence_key, packet.edition);
  const key = one.stream_key ? hex(one.stream_key) : streamKey(packet, packet.key, one.place.stream);
  const { header, plaintext } = one.chunk_key ? openByChunkKey(hex(one.chunk_key), sealed) : openChunk(key, sealed);
  checkPlace(header, { ...one.place, previous: hex(one.place.previous) });
  return hashed(plaintext);
}

/** By each chunk's own key and the evidence key: neither the packet nor another key is looked at. */
function openOneByOne(vector) {
  return vector.chunks.map(({ sealed, chunk_key }) => {
    checkSignature(hex(sealed), vector.evidence_key, 3);
    return { answer: "ok", ...hashed(openByChunkKey(hex(chunk_key), hex(sealed)).plaintext) };
  });
}

async function openPacketCase(one) {
  const { key } = await openPacket(one.token, one.evidence_key, hex(one.recipient));
  return { recording_key_sha256: sha256(key).toString("hex") };
}

const read = (name) => JSON.parse(readFileSync(join(process.argv[2], name), "utf8"));
const [second, third] = [read("signed.json"), read("keyed.json")];
const answers = { recording: await openRecording(read("recording.json")), chunks: [], packets: [], signed: [] };
answers.signed_recording = await openRecording(second);
for (const one of second.cases) answers.signed.push(await answer(() => openSignedCase(second, one)));
answers.keyed_recording = await openRecording(third);
answers.keyed_one_by_one = openOneByOne(third);
answers.keyed = [];
for (const one of third.cases) answers.keyed.push(await answer(() => openSignedCase(third, one)));
for (const one of read("chunks.json").cases) answers.chunks.push(await answer(() => openChunkCase(one)));
for (const one of read("packets.json").cases) answers.packets.push(await answer(() => openPacketCase(one)));
answers.bundles = [];
for (const one of read("statements.json").cases) {
  if (one.kind === "carried")
    answers.bundles.push(await answer(() => ({ files: readCarried(one.text, one.hash) })));
  if (one.kind === "bundle") {
    const says = () => readBundle(one.token, one.fingerprint);
    answers.bundles.push(await answer(() => ({ ...says(), revision: Number(says().revision) })));
  }
}
console.log(JSON.stringify(answers));
