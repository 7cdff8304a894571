// What the analysis made of a recording, as its sealed file has it (docs/envelope.md): opened only where a worker whose
// key the custodian named has signed it, and the line before it says what was asked for.

import { isObject, isText, isUint, parseObject, Refused, refuseIf, sha256 } from "./bytes.js";
import { checkSignature, openChunk, parseHeader } from "./statements.js";

export const SPOKEN = "speech/original"; // the label of a transcript's key
export const PERSONAL = "personal/original"; // and of personal data's
const STREAMS = { speech: 0xf000, personal: 0xf003 };
const LONGEST_LINE = 1024;
const LINE_FEED = 10;
const MEDIA = 1;

/**
 * The content of a sealed file. `keys`: as `streamKeys`, of its label. `workers`: public keys.
 * Throws Refused: cut-off, unknown-format, swapped, wrong-signer, as chunks are refused.
 */
async function openDerived(label, keys, recording, body, workers) {
  const end = body.subarray(0, LONGEST_LINE).indexOf(LINE_FEED) + 1;
  refuseIf(!end, body.length < LONGEST_LINE ? "cut-off" : "unknown-format");
  const [line, sealed] = [body.subarray(0, end), body.subarray(end)];
  const said = parseObject(line, "unknown-format");
  refuseIf(said.format !== 1n, "unknown-format");
  refuseIf(said.recording !== recording || `${said.kind}/${said.rendition}` !== label, "swapped");
  refuseIf(said.size !== BigInt(sealed.length), "cut-off");
  const header = parseHeader(sealed);
  const fits =
    header.edition === 3 &&
    header.kind === MEDIA &&
    header.flags === 0 &&
    header.stream === STREAMS[said.kind] &&
    header.recording === recording.replaceAll("-", "") &&
    header.sequence === said.fence &&
    header.start === 0n &&
    header.end === 0n &&
    header.previous === (await sha256(line));
  refuseIf(!fits, "swapped");
  await checkSigner(sealed, workers);
  return new Uint8Array(await openChunk(keys, sealed));
}

/** By one of them: a signature names no key. */
async function checkSigner(sealed, workers) {
  for (const worker of workers)
    try {
      return await checkSignature(sealed, worker);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  throw new Refused("wrong-signer");
}

/**
 * What was said, in the order of time, without words that the recogniser invented. Times: seconds.
 * {turns: [{channel, start, end, words: [{text, start, end, unsure}]; null: speech of which no word was made out}],
 * channels: [{channel, state, language, model}]}. What was not recorded, the account says. Throws Refused, as `openDerived`.
 */
export async function openTranscript(keys, recording, body, workers) {
  const told = parseObject(await openDerived(SPOKEN, keys, recording, body, workers), "malformed");
  refuseIf(told.eyelid_transcript !== 1n, "unknown-format");
  refuseIf(told.recording !== recording, "swapped");
  refuseIf(!isObject(told.channels), "malformed");
  const all = Object.entries(told.channels);
  const turns = all.flatMap(([channel, of]) => turnsOf(of).map((turn) => ({ channel, ...turn })));
  return {
    turns: turns.sort((one, other) => one.start - other.start || one.end - other.end),
    channels: all.map(([channel, { state, language, versions }]) => ({
      channel,
      state: text(state),
      language: isObject(language) ? text(language.code) : null,
      model: isObject(versions) ? text(versions.model) : "",
    })),
  };
}

/**
 * Where personal data is in the transcript whose sealed file this is. Times: seconds.
 * {spans: [{channel, start, end, kind}], languages: [those that its rules know]}. Throws Refused, as `openDerived`; also
 * other-transcript.
 */
export async function openPersonal(keys, recording, body, workers, transcript) {
  const told = parseObject(await openDerived(PERSONAL, keys, recording, body, workers), "malformed");
  refuseIf(told.eyelid_personal !== 1n, "unknown-format");
  refuseIf(told.recording !== recording, "swapped");
  const source = isObject(told.made_of) ? told.made_of.speech : null;
  refuseIf(!isObject(source), "malformed");
  refuseIf(source.sha256 !== (await sha256(transcript)), "other-transcript");
  refuseIf(!Array.isArray(told.languages), "malformed");
  const spans = list(told.spans).map((one) => ({ channel: text(one.channel), kind: text(one.kind), ...span(one) }));
  return { spans, languages: told.languages.map(text) };
}

function turnsOf(of) {
  const spoken = list(of.segments).flatMap((one) => {
    const heard = list(one.words).filter(({ invented }) => !invented);
    const words = heard.map((word) => ({ text: text(word.text).trim(), ...span(word), unsure: word.unsure === true }));
    return words.length ? [{ start: words[0].start, end: words.at(-1).end, words }] : [];
  });
  return [...spoken, ...list(of.wordless).map((one) => ({ ...span(one), words: null }))];
}

// -- shapes ------------------------------------------------------------------------------------------------------

function list(value) {
  refuseIf(!Array.isArray(value) || !value.every(isObject), "malformed");
  return value;
}

function text(value) {
  refuseIf(!isText(value), "malformed");
  return value;
}

function span({ start, end }) {
  refuseIf(![start, end].every((at) => typeof at === "number" || isUint(at)), "malformed");
  return { start: Number(start), end: Number(end) };
}
