// How loud each end of the call is, ten times a second: decoded in the worker from checked sound, and kept nowhere.

import { readFragment } from "./cmaf.js";

export const A_SECOND = 10; // peaks
const RATE = 48_000;
const MOST = 5760; // samples that a packet of Opus has at most
const FEET = 4; // packets after which a decoder that began in the middle gives what was said
const HOLE = 10_000; // µs
const HOW = { codec: "opus", sampleRate: RATE, numberOfChannels: 2 };

/** {numbers, ends}: of which tenths of a second something is known, and for each and both ends the square root of the
 * largest sample of 1, times 255. `contents`: fragments in order, null for one that must not be played. Null where this
 * browser cannot decode them. */
export async function peaksOf(contents, timescale) {
  if (!("AudioDecoder" in self) || !(await AudioDecoder.isConfigSupported(HOW)).supported) return null;
  const loudest = [new Map(), new Map()]; // of each end: number -> largest sample
  for (const run of runsOf(contents, timescale)) {
    try {
      await decodeRun(run, loudest);
    } catch {
      // bytes that the device sealed may be anything: then there is no waveform of them
    }
  }
  const numbers = [...loudest[0].keys()].filter((one) => one >= 0);
  return { numbers, ends: loudest.map((peaks) => numbers.map((one) => level(peaks.get(one)))) };
}

/** Packets that follow one another: behind a hole a decoder would count on from the time before it. */
function runsOf(contents, timescale) {
  const runs = [];
  let end = null;
  for (const content of contents) {
    for (const packet of content ? packetsOf(content, timescale) : []) {
      if (end === null || Math.abs(packet.at - end) > HOLE) runs.push([]);
      runs.at(-1).push(packet);
      end = packet.at + packet.duration;
    }
  }
  return runs;
}

function packetsOf(content, timescale) {
  try {
    return readFragment(new Uint8Array(content), timescale);
  } catch {
    return [];
  }
}

async function decodeRun(packets, loudest) {
  const samples = new Float32Array(MOST);
  let came = 0;
  const decoder = new AudioDecoder({
    output: (data) => {
      const number = Math.floor(((data.timestamp + data.duration / 2) / 1e6) * A_SECOND);
      for (const [end, peaks] of came++ < FEET ? [] : loudest.entries()) {
        data.copyTo(samples, { planeIndex: end, format: "f32-planar" });
        let most = peaks.get(number) ?? 0;
        for (let at = 0; at < data.numberOfFrames; at++) most = Math.max(most, Math.abs(samples[at]));
        peaks.set(number, most);
      }
      data.close();
    },
    error: () => {}, // flush fails as well
  });
  decoder.configure(HOW);
  for (const { at: timestamp, duration, data } of packets)
    decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, duration, data }));
  await decoder.flush();
  decoder.close();
}

const level = (sample = 0) => Math.min(255, Math.round(Math.sqrt(sample) * 255));
