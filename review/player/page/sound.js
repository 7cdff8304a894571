// Both ends of the call: one element fed through Media Source, which keeps the pitch at every speed, and a volume each.

import { read, readFragment, readHeader } from "./cmaf.js";

const AHEAD = 20; // seconds that lie ready, at 1x
const BACK = 5;
const LOAD = 4; // rows a request
// Firefox ESR answers `outputLatency` by waiting for the sound server, and may wait for good: the page stands still.
const ASKS_LATENCY = !/ Firefox\//.test(navigator.userAgent);
const FIREFOX_LATENCY = 0.04; // seconds, in its place
const TYPE = 'audio/mp4; codecs="opus"';

export class Sound {
  constructor(chain, length, media, refuse) {
    Object.assign(this, { chain, length, media, refuse });
    this.element = new Audio();
    this.element.preservesPitch = true;
    this.generation = 0;
    this.busy = true; // until the header is in
    this.next = -1;
    this.removes = 0; // seconds up to which what lies ready is to be removed, or is being removed
    this.volumes = [1, 1];
  }

  async begin() {
    const { header, stream } = this.chain;
    if (!("MediaSource" in window) || !MediaSource.isTypeSupported(TYPE)) return false;
    const source = new MediaSource();
    const opened = new Promise((done) => source.addEventListener("sourceopen", done, { once: true }));
    this.element.src = URL.createObjectURL(source);
    const [[content]] = await Promise.all([header < 0 ? [null] : this.media(stream, header, header + 1), opened]);
    URL.revokeObjectURL(this.element.src);
    if (!content) return false;
    this.about = read(() => readHeader(new Uint8Array(content)));
    if (!this.about) {
      this.refuse(header, "not-media");
      return false;
    }
    this.buffer = source.addSourceBuffer(TYPE);
    source.duration = this.length;
    const good = await this.append(header, content);
    this.busy = false;
    return good;
  }

  /** Whether this browser took it; what it does not take is not played. */
  async append(row, content) {
    try {
      await this.update(() => this.buffer.appendBuffer(content));
      return true;
    } catch {
      this.buffer = null; // a browser takes nothing more after it, and may have taken the buffer away
      this.refuse(row, "not-media");
      return false;
    }
  }

  /** One change of the buffer, once it is done. */
  update(change) {
    const listening = new AbortController();
    const { signal } = listening;
    return new Promise((done, failed) => {
      this.buffer.addEventListener("updateend", done, { signal });
      this.buffer.addEventListener("error", () => failed(new Error("append")), { signal });
      change();
    }).finally(() => listening.abort()); // or each change would leave one that waits for an error
  }

  /** Only after a person's act may a page be heard. */
  graph() {
    if (this.audio) return;
    this.audio = new AudioContext({ latencyHint: "interactive" });
    const source = this.audio.createMediaElementSource(this.element);
    const apart = this.audio.createChannelSplitter(2);
    const together = this.audio.createChannelMerger(2);
    source.connect(apart);
    this.gains = this.volumes.map((volume, channel) => {
      const gain = this.audio.createGain();
      gain.gain.value = volume;
      apart.connect(gain, channel);
      gain.connect(together, 0, channel);
      return gain;
    });
    together.connect(this.audio.destination);
  }

  /** `channel`: 0 the microphone, 1 the far end. */
  setVolume(channel, volume) {
    this.volumes[channel] = volume;
    if (this.gains) this.gains[channel].gain.value = volume;
  }

  /** Seconds from the element's clock to the ear. */
  get latency() {
    if (!this.audio) return 0;
    return this.audio.baseLatency + (ASKS_LATENCY ? this.audio.outputLatency : FIREFOX_LATENCY);
  }

  has(t) {
    if (t < this.removes) return false;
    const { buffered } = this.buffer;
    for (let at = 0; at < buffered.length; at++)
      if (t >= buffered.start(at) - 0.01 && t < buffered.end(at) - 0.001) return true;
    return false;
  }

  /** Whether what is heard at `t` is still on its way here. */
  awaits(t) {
    const row = this.chain.at(t);
    return row >= 0 && this.chain.plays[row] && this.next <= row && !this.has(t);
  }

  /** Aims at a moment: where it is not loaded, loads from there on. */
  seek(t) {
    if (!this.buffer) return;
    if (!this.has(t)) {
      this.generation++;
      this.next = this.chain.from(t);
      this.removes = Infinity;
    }
    this.element.currentTime = t;
  }

  /** Until it is done, what is removed does not lie ready: who is sent there meanwhile loads it again. */
  async remove(until) {
    this.removes = until;
    if (this.buffer.buffered.length) await this.update(() => this.buffer.remove(0, until));
    if (this.removes === until) this.removes = 0;
  }

  async pump(t, rate) {
    if (!this.buffer || this.busy) return;
    this.busy = true;
    try {
      while (await this.step(t, rate));
    } finally {
      this.busy = false;
    }
  }

  /** Whether something was done, so that more may be to do. */
  async step(t, rate) {
    const { rows, plays, stream } = this.chain;
    const generation = this.generation;
    if (this.next < 0) this.next = this.chain.from(t);
    if (this.removes) await this.remove(this.removes);
    if (generation !== this.generation) return true;
    while (this.next < rows.length && !plays[this.next]) this.next++;
    if (this.next >= rows.length || rows[this.next].start > t + AHEAD * Math.max(1, rate)) return false;
    const from = this.next;
    let to = from + 1;
    while (to < rows.length && to < from + LOAD && plays[to]) to++;
    const contents = await this.media(stream, from, to);
    if (generation !== this.generation) return true; // somebody sought: what came is of no use
    const { buffered } = this.buffer;
    const past = Math.min(t, this.element.currentTime); // it may have been sent back meanwhile
    if (buffered.length && buffered.start(0) < past - 2 * BACK) await this.remove(past - BACK);
    for (const [place, content] of contents.entries()) {
      if (!content) continue;
      // A browser may take what is none for the begin of a box, and wait for the rest of it.
      if (!read(() => readFragment(new Uint8Array(content), this.about.timescale))?.length)
        this.refuse(from + place, "not-media");
      else if (!(await this.append(from + place, content))) return false;
    }
    if (generation === this.generation) this.next = to;
    return true;
  }
}
