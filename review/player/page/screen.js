// One screen: WebCodecs decodes from the key frame on, and the canvas shows what stood at the clock's moment.

import { read, readFragment, readHeader } from "./cmaf.js";

const DECODED = 6; // pictures that are decoded before they are due: each takes a place of the decoder's own
const QUEUE = 12; // given to the decoder at once
const ROWS = 4; // rows a request ahead of the moment
const MOST_ROWS = 16; // rows a request
const MOST_ERRORS = 5;
const SOON = 3; // seconds of samples that lie ready, at 1x
const KNOWN_ROWS = 64; // rows around the last one loaded whose pictures' times are known, for steps back and on

export class Screen {
  /** `media(stream, from, to)`: contents of rows, null for one that must not be played and was refused.
   * `refuse(row, code)`: of one that is no media. */
  constructor(chain, canvas, media, refuse) {
    Object.assign(this, { chain, canvas, media, refuse });
    this.context = canvas.getContext("2d", { alpha: false, desynchronized: false });
    this.generation = 0;
    this.frames = []; // decoded, in order
    this.samples = []; // loaded, and not yet given to the decoder
    this.times = new Map(); // row -> times of its pictures, µs
    this.shown = null; // µs
    this.painting = null; // µs, of the picture that is on its way to the canvas
    this.next = -1; // the row that is loaded next; -1 before the first seek
    this.failed = "";
    this.copies = true; // whether this browser gives a picture's pixels as the canvas takes them
    this.log = { resets: 0, pictures: 0, late: 0, errors: 0 };
  }

  async begin() {
    const { header, stream } = this.chain;
    const [content] = header < 0 ? [null] : await this.media(stream, header, header + 1);
    this.about = content && read(() => readHeader(new Uint8Array(content)));
    if (!this.about?.codec) {
      if (content) this.refuse(header, "not-media");
      return;
    }
    const how = { codec: this.about.codec, description: this.about.description, optimizeForLatency: true };
    if (!("VideoDecoder" in window) || !(await VideoDecoder.isConfigSupported(how)).supported)
      this.failed = "no-decoder";
    else {
      this.how = how;
      this.decoder = this.makeDecoder();
      this.decoder.configure(how); // it makes itself ready while the first chunk is opened
      this.fresh = true;
    }
  }

  /** Shows what stood at `t`; true once that is on the canvas, or there is nothing to show. `rate` of playing. */
  show(t, rate = 1) {
    const row = this.chain.at(t);
    if (!this.how || this.failed || row < 0 || !this.chain.plays[row]) {
      this.drop(t);
      if (this.how && this.next >= 0) this.pump(t, rate);
      return true;
    }
    if (this.lost(t, row)) this.restart(this.chain.key(row));
    this.pump(t, rate);
    return this.draw(t, row);
  }

  /** The time of the picture that stands at `t`, µs; undefined where its row is not loaded. */
  right(t, row) {
    const times = this.times.get(row);
    return times?.findLast((one) => one <= t * 1e6 + 1) ?? times?.[0]; // a moment may have been rounded down
  }

  /** Whether the bytes of what stands at `t` are still on their way here. */
  awaits(t) {
    const row = this.chain.at(t);
    return Boolean(this.how) && !this.failed && row >= 0 && this.chain.plays[row] && this.next <= row;
  }

  /** Whether the picture cannot come any more, or only after much that is not needed. */
  lost(t, row) {
    if (this.next < 0 || row < this.base || this.chain.key(row) > this.next) return true;
    const right = row < this.next ? this.right(t, row) : undefined;
    const here = this.shown === right || this.frames.some(({ timestamp }) => timestamp === right);
    return right !== undefined && this.came >= right && !here;
  }

  restart(row) {
    this.generation++;
    this.log.resets++;
    this.frames.forEach((one) => one.close());
    this.frames = [];
    this.samples = [];
    this.base = this.next = row;
    this.loading = null;
    this.shown = null; // what is on the canvas stays there until the right picture has come
    this.came = -Infinity; // µs, of the last picture that the decoder gave
    this.flushing = false;
    if (this.decoder.state === "closed") this.decoder = this.makeDecoder();
    else if (!this.fresh) this.decoder.reset();
    if (!this.fresh) this.decoder.configure(this.how);
    this.fresh = false;
    this.aim();
  }

  /** Another moment is wanted: nothing on the way there is what stood there. */
  aim() {
    this.exact = true;
    this.painting = null;
  }

  makeDecoder() {
    return new VideoDecoder({
      output: (frame) => {
        if (!this.log.pictures++) performance.mark("picture");
        this.came = frame.timestamp;
        this.frames.push(frame);
        this.onpicture?.();
      },
      error: () => {
        this.next = -1;
        if (++this.log.errors > MOST_ERRORS) this.failed = "no-decoder";
        this.onpicture?.();
      },
    });
  }

  pump(t, rate) {
    this.t = t;
    this.drop(t);
    this.load(t, rate);
    if (this.decoder?.state !== "configured" || this.flushing) return;
    const due = t * 1e6;
    while (this.samples.length && this.decoder.decodeQueueSize < QUEUE) {
      const [one] = this.samples;
      const ahead = this.frames.filter(({ timestamp }) => timestamp > due).length + this.decoder.decodeQueueSize;
      if (one.at > due && ahead >= DECODED) break;
      this.samples.shift();
      const { at: timestamp, duration, data, key } = one;
      this.decoder.decode(new EncodedVideoChunk({ type: key ? "key" : "delta", timestamp, duration, data }));
      if (one.last) {
        this.flush(); // nothing follows that would push the last pictures out
        break;
      }
    }
  }

  async flush() {
    const generation = this.generation;
    this.flushing = true;
    await this.decoder.flush().catch(() => {}); // reset meanwhile
    if (generation !== this.generation) return;
    this.flushing = false;
    this.onpicture?.();
  }

  async load(t, rate) {
    if (this.loading) return;
    const { rows, plays, stream } = this.chain;
    while (this.next < rows.length && !plays[this.next]) this.next++;
    const wanted = t + SOON * Math.max(1, rate);
    if (this.next >= rows.length || (rows[this.next].start > wanted && this.samples.length + this.frames.length > 1))
      return;
    if (rows[this.next].start > wanted + SOON) return; // behind a hole
    const from = this.next;
    let to = from + 1;
    const fits = (row) => (row < from + ROWS ? rows[row].start < wanted : row < from + MOST_ROWS && rows[row].start <= t);
    while (to < rows.length && plays[to] && fits(to)) to++;
    const generation = this.generation;
    this.loading = this.media(stream, from, to).catch(() => null);
    const contents = await this.loading;
    if (generation !== this.generation) return; // somebody sought: what came is of no use
    this.loading = null;
    if (!contents) return; // the source has gone: the next tick asks again
    if (!this.log.pictures) performance.mark("chunk"); // for who measures
    this.next = to;
    for (const [place, content] of contents.entries()) {
      const row = from + place;
      const samples = content && read(() => readFragment(new Uint8Array(content), this.about.timescale));
      if (content && !samples?.length) this.refuse(row, "not-media");
      if (!samples || !this.chain.plays[row]) {
        this.next = row + 1;
        break; // the rest of it, if it plays at all, begins anew at its key frame
      }
      this.times.set(
        row,
        samples.map(({ at }) => at),
      );
      if (this.chain.endsRun(row)) samples.at(-1).last = true;
      this.samples.push(...samples);
    }
    for (const row of this.times.keys()) if (Math.abs(row - this.next) > KNOWN_ROWS) this.times.delete(row);
    this.onpicture?.();
  }

  /** Closes pictures that are over. */
  drop(t) {
    while (this.frames.length > 1 && this.frames[1].timestamp <= t * 1e6 + 1) this.frames.shift().close();
  }

  draw(t, row) {
    const right = this.right(t, row);
    const [frame] = this.frames;
    if (right !== undefined && this.shown === right) return true;
    if (!frame || frame.timestamp > Math.max(t * 1e6 + 1, right ?? 0)) return false;
    const exact = frame.timestamp === right;
    if (!exact && this.exact) return false; // on the way from the key frame: it is not what stood there
    if (this.shown !== frame.timestamp && this.painting === null) this.paint(frame);
    if (this.shown !== frame.timestamp) return false;
    this.exact &&= !exact;
    if (!exact) this.log.late++;
    return exact;
  }

  /** Puts a picture on the canvas: at once, or when its pixels are here, which `onpicture` says. */
  paint(frame) {
    const { timestamp, displayWidth: width, displayHeight: height } = frame;
    const done = (put) => {
      if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
      put();
      this.shown = timestamp;
      this.canvas.dataset.at = String(timestamp);
    };
    // Without a graphics card Chromium keeps each picture that `drawImage` took, up to 500 MB of them.
    const { width: across, height: down } = frame.visibleRect; // what a copy has
    if (!this.copies || frame.format === null || across !== width || down !== height) {
      done(() => this.context.drawImage(frame, 0, 0));
      return;
    }
    this.painting = timestamp;
    const pixels = this.pixels?.length === 4 * width * height ? this.pixels : new Uint8ClampedArray(4 * width * height);
    this.pixels = null; // or the next picture would be written over it
    const copy = frame.clone(); // which a seek does not close
    copy
      .copyTo(pixels, { format: "RGBA" })
      .then(
        () => {
          this.pixels = pixels;
          if (this.painting !== timestamp) return; // somebody sought
          done(() => this.context.putImageData(new ImageData(pixels, width, height), 0, 0));
        },
        () => (this.copies = false), // this browser does not convert
      )
      .finally(() => {
        copy.close();
        if (this.painting === timestamp) this.painting = null;
        this.onpicture?.();
      });
  }

  /** Time of the picture before or after the one that stands at `t`, as far as it is loaded; null otherwise. */
  neighbour(t, step) {
    const all = [...this.times.values()].flat().sort((one, other) => one - other);
    const here = all.findLastIndex((one) => one <= t * 1e6 + 1);
    return all[here + step] === undefined ? null : all[here + step] / 1e6;
  }
}
