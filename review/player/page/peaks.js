// How loud each end of the call is, ten times a second: decoded in the worker from checked sound, and kept nowhere.

import { readFragment } from "./cmaf.js";

export const A_SECOND = 10; // peaks
const RATE = 48_000;
const MOST = 5760; // samples that a packet of Opus has at most
const HOW = { codec: "opus", sampleRate: RATE, numberOfChannels: 2 };

/** {first, ends} of each fragment, null for one that cannot be read: `ends`: of both ends, from peak number `first` on,
 * the square root of the largest sample of 1, times 255. Null where this browser cannot decode it. */
export async function peaksOf(contents, timescale) {
  if (!("AudioDecoder" in self) || !(await AudioDecoder.isConfigSupported(HOW)).supported) return null;
  const found = [];
  for (const content of contents) found.push(content && (await peaksOfOne(new Uint8Array(content), timescale)));
  return found;
}

async function peaksOfOne(bytes, timescale) {
  const loudest = [new Map(), new Map()]; // of each end: number of the peak -> largest sample
  const samples = new Float32Array(MOST);
  let failed = false;
  const decoder = new AudioDecoder({
    output: (data) => {
      const number = Math.floor(((data.timestamp + data.duration / 2) / 1e6) * A_SECOND);
      for (const [end, peaks] of loudest.entries()) {
        data.copyTo(samples, { planeIndex: end, format: "f32-planar" });
        let most = peaks.get(number) ?? 0;
        for (let at = 0; at < data.numberOfFrames; at++) most = Math.max(most, Math.abs(samples[at]));
        peaks.set(number, most);
      }
      data.close();
    },
    error: () => (failed = true),
  });
  try {
    decoder.configure(HOW);
    for (const { at: timestamp, duration, data } of readFragment(bytes, timescale))
      decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, duration, data }));
    await decoder.flush();
    decoder.close();
  } catch {
    failed = true; // bytes that the device sealed may be anything
  }
  const numbers = [...loudest[0].keys()];
  if (failed || !numbers.length) return null;
  const first = Math.max(0, Math.min(...numbers));
  const count = Math.max(...numbers) - first + 1;
  const ends = loudest.map((peaks) => Uint8Array.from({ length: count }, (_, at) => level(peaks.get(first + at))));
  return { first, ends };
}

const level = (sample = 0) => Math.min(255, Math.round(Math.sqrt(sample) * 255));
