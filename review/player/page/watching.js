// Which seconds this page really showed and played, for the custodian's log: reported each minute, and when the page
// goes. The worker seals it under a key of this opening alone; the console that passes it on can only withhold it.

import { root } from "./state.js";

const STANDS = 0.1; // seconds for which a picture counts that is looked at while nothing plays
const LATE = 2; // seconds by which a picture on the canvas may be behind while it plays
// Seconds, at 1x, after which nothing is known of what was shown between two looks. Sound plays on where a browser stops
// all scripts, as for its dialog to print, and its clock says how far.
const STALLED = 5;
const SEAM = 0.05; // seconds between spans that are one
const MOST_SPANS = 512; // spans of a report
const REPORTED_EVERY = 55_000; // ms between reports
const READY = 1000; // ms between two looks at whether there is more to report
const ENDS = ["microphone", "far-end"]; // by their channels
const LAST = ["unknown-opening", "over"]; // refusals after which none is taken any more

/** Lanes that are shown, or heard, at this moment: a screen's is its stream's number. */
function lanesOf(player, t) {
  const found = new Set();
  if (document.visibilityState === "visible")
    for (const { chain, ready, exact, shown, failed } of player.screens) {
      const row = chain.at(t);
      if (failed || shown === null || row < 0 || !chain.plays[row]) continue;
      // What stands there after a jump, until its picture has come, is the one of before.
      const late = player.playing && !exact ? t - shown / 1e6 : -1;
      if (ready || (late >= 0 && late < LATE)) found.add(String(chain.stream));
    }
  const { sound } = player;
  if (player.playing && player.master === "sound" && !sound.element.paused && sound.audio?.state === "running")
    for (const [channel, lane] of ENDS.entries()) if (sound.volumes[channel] > 0) found.add(lane);
  return found;
}

export class Played {
  constructor(player) {
    Object.assign(this, { player, lanes: new Map(), last: null, changes: 0 });
    for (const event of ["time", "drawn", "leaves"]) player.addEventListener(event, () => this.look());
  }

  look() {
    const { player, last } = this;
    const { time: t, jumps, playing, rate } = player;
    const lanes = lanesOf(player, t);
    this.last = { t, jumps, playing, lanes };
    const stalled = last && t - last.t >= STALLED * rate;
    if (last?.playing && last.jumps === jumps && t > last.t)
      for (const lane of last.lanes) if (!stalled || ENDS.includes(lane)) this.add(lane, last.t, t);
    if (!playing) for (const lane of lanes) this.add(lane, t, Math.min(t + STANDS, player.length));
  }

  add(lane, start, end) {
    const spans = this.lanes.get(lane) ?? [];
    const near = spans.find((one) => start <= one.end + SEAM && end >= one.start - SEAM);
    if (near && near.start <= start && near.end >= end) return;
    if (near) Object.assign(near, { start: Math.min(near.start, start), end: Math.max(near.end, end) });
    else spans.push({ start, end });
    this.lanes.set(lane, spans);
    this.changes++;
  }

  /** All of it, lane -> spans in ns, in order and apart; at most MOST_SPANS, those with the least between them joined. */
  said() {
    const end = Math.round(this.player.length * 1e9);
    const found = [...this.lanes].map(([lane, spans]) => {
      const whole = [];
      for (const one of [...spans].sort((some, other) => some.start - other.start)) {
        const [from, until] = [Math.floor(one.start * 1e9), Math.min(Math.ceil(one.end * 1e9), end)];
        const before = whole.at(-1);
        if (before && from <= before[1] + SEAM * 1e9) before[1] = Math.max(before[1], until);
        else if (from < until) whole.push([from, until]);
      }
      return [lane, whole];
    });
    const between = found.flatMap(([, whole]) => whole.slice(1).map(([from], place) => from - whole[place][1]));
    const over = found.reduce((sum, [, whole]) => sum + whole.length, 0) - MOST_SPANS;
    const joins = over > 0 ? between.sort((some, other) => some - other)[over - 1] : -1;
    return Object.fromEntries(
      found.filter(([, whole]) => whole.length).map(([lane, whole]) => {
        const kept = [];
        for (const [from, until] of whole)
          if (kept.length && from - kept.at(-1)[1] <= joins) kept.at(-1)[1] = until;
          else kept.push([from, until]);
        return [lane, kept.map((span) => span.join("-")).join(" ")];
      }),
    );
  }

  /** Begins anew; what was there is returned. */
  take() {
    const { lanes } = this;
    this.lanes = new Map();
    return lanes;
  }

  give(lanes) {
    for (const [lane, spans] of lanes) for (const { start, end } of spans) this.add(lane, start, end);
  }
}

export class Reports {
  /** `send(sealed)`: to the custodian, also while the page goes. `ask`: the worker. */
  constructor(player, send, ask) {
    Object.assign(this, { played: new Played(player), send, ask, number: 0, sent: performance.now(), taken: 0 });
    this.ready = null; // sealed, and not sent: what is left for when the page goes
    this.timer = setInterval(() => this.beat(), READY);
    window.addEventListener("pagehide", () => this.go());
  }

  seal(lanes) {
    return this.ask("report", { text: JSON.stringify({ number: ++this.number, lanes }) });
  }

  async beat() {
    if (performance.now() - this.sent >= REPORTED_EVERY) await this.flush();
    else await this.prepare();
  }

  /** A page that goes has no time to seal. */
  async prepare() {
    const { played } = this;
    if (this.busy || played.changes === this.sealed) return;
    const said = played.said();
    if (!Object.keys(said).length) return;
    this.busy = true;
    const changes = played.changes;
    try {
      const sealed = await this.seal(said);
      [this.ready, this.sealed] = [sealed, changes];
    } catch {
      this.end(); // what was released is over
    } finally {
      this.busy = false;
    }
  }

  async flush() {
    const { played } = this;
    const said = played.said();
    if (this.busy || !Object.keys(said).length) return;
    this.busy = true;
    this.sent = performance.now();
    const taken = played.take();
    this.ready = null;
    try {
      await this.send(await this.seal(said));
      root.dataset.watched = String(++this.taken); // for tests
    } catch ({ code }) {
      played.give(taken); // and it is tried again with the next
      if (LAST.includes(code)) this.end();
    } finally {
      this.busy = false;
    }
  }

  /** The page goes, or what was released is over. */
  go() {
    if (!this.ready) return;
    this.played.take();
    this.send(this.ready).catch(() => {});
    this.ready = null;
  }

  end() {
    clearInterval(this.timer);
    this.go();
  }
}
