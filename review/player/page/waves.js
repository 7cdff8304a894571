// The peaks of both ends as far as they are known: near the play position first, and where both ends are quiet.

import { A_SECOND } from "./peaks.js";

const QUIET = Math.sqrt(0.01) * 255; // -40 dBFS, as peaks have it
const LONG = 2; // seconds that are silence
const AT_ONCE = 4; // rows a request
const LONGEST = 2 * 3600; // seconds: a recording lasts an hour, and a PC may claim any end

export class Waves extends EventTarget {
  constructor(chain, ask) {
    super();
    Object.assign(this, { chain, ask });
    const last = chain.rows.reduce((most, { end }) => Math.max(most, end), 0); // the account may go on for any time
    const count = Math.ceil(Math.min(last, LONGEST) * A_SECOND) + 1;
    this.ends = [new Uint8Array(count), new Uint8Array(count)];
    this.known = new Uint8Array(count); // 1 where there is verified sound
    this.quiet = []; // {start, end}, seconds, in order
    this.asked = chain.rows.map(({ kind }) => kind !== 1);
  }

  /** Share of the rows that were read. */
  get done() {
    return this.asked.filter(Boolean).length / Math.max(1, this.asked.length);
  }

  /** Until all is read. `near`: gives the moment that is played; `idle`: resolves when nothing more urgent is to do. */
  async run(near, idle) {
    for (let from; (from = this.next(near())) >= 0;) {
      let to = from + 1;
      while (to < this.asked.length && to < from + AT_ONCE && !this.asked[to]) to++;
      await idle();
      const peaks = await this.ask("peaks", { stream: this.chain.stream, from, to });
      this.asked.fill(true, from, to);
      if (peaks === null) this.asked.fill(true); // this browser decodes none
      else this.take(peaks);
      this.findQuiet();
      this.dispatchEvent(new Event("more"));
    }
  }

  /** The row that is read next: from the moment on, then from the beginning; -1 once all is read. */
  next(t) {
    const here = this.asked.indexOf(false, this.chain.from(t));
    return here >= 0 ? here : this.asked.indexOf(false);
  }

  take({ numbers, ends }) {
    for (const [at, number] of numbers.entries()) {
      if (number >= this.known.length) continue;
      this.known[number] = 1;
      for (const [end, peaks] of ends.entries()) this.ends[end][number] = Math.max(this.ends[end][number], peaks[at]);
    }
  }

  findQuiet() {
    const [one, other] = this.ends;
    const found = [];
    let start = -1;
    for (let at = 0; at <= this.known.length; at++) {
      const quiet = this.known[at] === 1 && one[at] <= QUIET && other[at] <= QUIET;
      if (quiet && start < 0) start = at;
      if (quiet || start < 0) continue;
      if (at - start > LONG * A_SECOND) found.push({ start: start / A_SECOND, end: at / A_SECOND });
      start = -1;
    }
    this.quiet = found;
  }

  /** The loudest of an end from one moment to another, 0 to 1; null where nothing is known. */
  loudest(end, from, to) {
    let most = null;
    const first = Math.floor(from * A_SECOND);
    const after = Math.min(Math.max(to * A_SECOND, first + 1), this.known.length);
    for (let at = first; at < after; at++)
      if (this.known[at]) most = Math.max(most ?? 0, this.ends[end][at]);
    return most === null ? null : most / 255;
  }
}
