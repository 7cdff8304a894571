// Reads what a chunk holds: an initialisation segment, or one fragment (ISO/IEC 14496-12). Times are microseconds.

const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const INSIDE = new Set(["moov", "trak", "mdia", "minf", "stbl", "moof", "traf"]);

/** Each box with its kind, where it begins, and its bytes behind size and kind; those within others, too. */
function* boxes(bytes, from = 0, to = bytes.length) {
  const words = view(bytes);
  for (let at = from; at + 8 <= to;) {
    const size = words.getUint32(at);
    if (size < 8 || at + size > to) return;
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    yield { kind, at, body: bytes.subarray(at + 8, at + size) };
    if (INSIDE.has(kind)) yield* boxes(bytes, at + 8, at + size);
    at += size;
  }
}

/** {timescale, codec, description} of a screen's header; of a sound's without the last two. Null for none. */
export function readHeader(bytes) {
  const mdhd = [...boxes(bytes)].find(({ kind }) => kind === "mdhd")?.body;
  if (!mdhd) return null;
  const timescale = view(mdhd).getUint32(mdhd[0] === 1 ? 20 : 12);
  const stsd = [...boxes(bytes)].find(({ kind }) => kind === "stsd")?.body;
  const at = stsd ? indexOf(stsd, [0x61, 0x76, 0x63, 0x43]) : -1; // avcC
  if (at < 4) return { timescale };
  const description = stsd.slice(at + 4, at - 4 + view(stsd).getUint32(at - 4));
  const profile = Array.from(description.subarray(1, 4), (one) => one.toString(16).padStart(2, "0")).join("");
  return { timescale, codec: `avc1.${profile}`, description };
}

function indexOf(bytes, wanted) {
  for (let at = 0; at + wanted.length <= bytes.length; at++)
    if (wanted.every((one, place) => bytes[at + place] === one)) return at;
  return -1;
}

/** Samples in order: {at, duration, key, data}. */
export function readFragment(bytes, timescale) {
  const samples = [];
  let moof = 0;
  let track = null;
  const micro = (ticks) => Math.round((ticks * 1e6) / timescale);
  for (const { kind, at, body } of boxes(bytes)) {
    if (kind === "moof") moof = at;
    else if (kind === "tfhd") track = { time: 0, ...defaults(view(body)) };
    else if (kind === "tfdt") track.time = body[0] === 1 ? Number(view(body).getBigUint64(4)) : view(body).getUint32(4);
    else if (kind === "trun") readRun(view(body));
  }
  return samples;

  function readRun(words) {
    const flags = words.getUint32(0) & 0xffffff;
    let at = 8;
    const next = (bit) => (flags & bit ? words.getUint32((at += 4) - 4) : undefined);
    let data = moof + (next(0x1) ?? 0);
    const first = next(0x4);
    for (let number = 0; number < words.getUint32(4); number++) {
      const duration = next(0x100) ?? track.duration;
      const size = next(0x200) ?? track.size;
      const said = next(0x400) ?? (number === 0 ? first : undefined) ?? track.flags;
      const shift = next(0x800) ?? 0;
      const key = (said & 0x10000) === 0;
      samples.push({
        at: micro(track.time + shift),
        duration: micro(duration),
        key,
        data: bytes.subarray(data, data + size),
      });
      track.time += duration;
      data += size;
    }
  }
}

function defaults(words) {
  const flags = words.getUint32(0) & 0xffffff;
  let at = 8 + (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0);
  const next = (bit) => (flags & bit ? words.getUint32((at += 4) - 4) : 0);
  return { duration: next(0x8), size: next(0x10), flags: next(0x20) };
}

/** What a reader makes of bytes that may be anything; null where it fails. */
export function read(attempt) {
  try {
    return attempt();
  } catch {
    return null;
  }
}
