// One clock for all lanes of a recording: the sound's element where sound is kept, else the page's own.

import { Chain } from "./chain.js";
import { Screen } from "./screen.js";
import { Sound } from "./sound.js";
import { AUDIO } from "./state.js";

const TICK = 100; // ms, from the worker: a page's own timers nearly stop in the background
const NO_SOUND = 2; // seconds after which a sound that does not begin is no clock any more
const AROUND = 0.3; // seconds of silence that are played where the rest is skipped
const DRAWING = 0.016; // seconds from a tick's decision for a picture until the display has it
const LOADS = 500; // ms after which it is said that something is still on its way here
const END = 0.3; // seconds before a run's end at which an element may already have stopped
export const RATES = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4];

export class Player extends EventTarget {
  /** `about`: what the worker said at opening; `ask`: asks it; `canvases`: of each screen. */
  constructor(about, ask, canvasOf) {
    super();
    this.length = about.length / 1e9;
    // Of a case: nothing outside of them is shown or heard, not even what a picture in them needs to be decoded.
    this.spans = about.spans?.map(([from, until]) => ({ start: from / 1e9, end: until / 1e9 })) ?? null;
    this.last = this.spans?.at(-1).end ?? this.length; // where playing ends
    this.rate = 1;
    this.playing = false;
    this.skips = true;
    this.quiet = () => []; // spans in which both ends are quiet
    this.skipsQuiet = false;
    this.loop = null; // {start, end}
    this.inLoop = false;
    this.stands = null; // the moment at which playing waits for what is on its way here
    this.loads = false; // for so long that it is said
    this.jumps = 0; // how often another moment was chosen
    this.chains = new Map(about.streams.map(({ stream, rows }) => [stream, new Chain(stream, rows)]));
    const media = (stream, from, to) => this.media(ask, stream, from, to);
    const refuseOf =
      ({ stream }) =>
      (row, code) =>
        this.refuse(stream, row, code);
    const shown = [...this.chains.values()].filter(({ stream }) => stream < AUDIO);
    this.screens = shown.map((chain) => new Screen(chain, canvasOf(chain.stream), media, refuseOf(chain)));
    const heard = this.chains.get(AUDIO);
    this.sound = heard ? new Sound(heard, this.length, media, refuseOf(heard)) : null;
    this.first = new Promise((done) => (this.firstShown = done)); // once the first picture is shown
    this.base = { t: 0, at: performance.now() };
    this.byClock();
    this.ask = ask;
    // A chunk's time is played through also where it must not be shown: the page says so there.
    const kept = joined([...this.chains.values()].flatMap(({ rows }) => rows.filter(({ kind }) => kind === 1)));
    this.covered = this.spans ? common(kept, this.spans) : kept;
  }

  /** `at`: the moment it begins at; null: where something was kept first. */
  async begin(at) {
    const sound = this.sound?.begin();
    await Promise.all(this.screens.map((one) => one.begin()));
    for (const one of this.screens) one.onpicture = () => this.draw();
    this.seek(at ?? this.covered[0]?.start ?? 0); // the pictures do not wait for the sound
    if (!(await sound)) {
      this.sound = null;
      return;
    }
    // The element alone says when it has come to where it was sent.
    for (const event of ["seeked", "canplay", "ended"]) this.sound.element.addEventListener(event, () => this.tick());
    this.seekSound(this.time);
    this.tick();
  }

  async media(ask, stream, from, to) {
    const done = await ask("media", { stream, from, to });
    for (const { row, code } of done) if (code) this.refuse(stream, row, code);
    return done.map(({ content }) => content);
  }

  /** A chunk must not be played. */
  refuse(stream, row, code) {
    if (!this.chains.get(stream)?.refuse(row, code)) return;
    this.dispatchEvent(new CustomEvent("refused", { detail: { stream, row, code } }));
  }

  // -- the clock -------------------------------------------------------------------------------------------------

  get time() {
    if (this.stands !== null) return this.stands;
    if (this.master === "sound") return this.sound.element.currentTime;
    const since = this.playing ? ((performance.now() - this.base.at) / 1000) * this.rate : 0;
    return Math.min(this.base.t + since, this.last);
  }

  byClock(t = 0) {
    this.master = "own";
    this.base = { t, at: performance.now() };
    this.drawn = t; // the moment that screens show
  }

  seek(t) {
    this.dispatchEvent(new Event("leaves")); // a moment up to which it played
    const to = this.inside(Math.max(0, Math.min(t, this.last)));
    this.jumps++;
    this.sound?.element.pause();
    this.stands = null;
    this.byClock(to);
    this.inLoop = within(to, this.loop);
    this.spent = null;
    this.waits = null;
    for (const one of this.screens) one.aim();
    this.seekSound(to);
    this.tick();
  }

  seekSound(t) {
    this.sound?.seek(this.soundAt(t) ? t : (this.sound.chain.after(t)?.start ?? t));
  }

  /** Whether it is not part of the case. */
  outside(t) {
    return this.spans !== null && !this.spans.some(({ start, end }) => t >= start && t < end);
  }

  /** The moment, or where the next span begins; behind the last one its end. */
  inside(t) {
    return this.outside(t) ? (this.spans.find(({ start }) => start > t)?.start ?? this.last) : t;
  }

  play() {
    if (this.time >= this.last - 0.01) this.seek(0);
    this.sound?.graph();
    this.sound?.audio.resume();
    this.byClock(this.time);
    this.playing = true;
    this.changed();
  }

  pause() {
    this.byClock(this.time);
    this.stands = null;
    this.playing = false;
    this.sound?.element.pause();
    this.changed();
  }

  setRate(rate) {
    const t = this.time;
    this.rate = rate;
    if (this.master === "own") this.byClock(t);
    if (this.sound) this.sound.element.playbackRate = rate;
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("changed"));
    this.tick();
  }

  soundAt(t) {
    return this.sound?.buffer ? this.sound.chain.span(t) : null;
  }

  /** For good. */
  stop() {
    this.pause();
    this.stopped = true;
  }

  tick() {
    if (this.stopped) return;
    let t = this.time;
    if (this.playing) {
      this.inLoop ||= within(t, this.loop);
      if (t >= this.last - 0.001 && !this.looped(t)) {
        this.pause();
        return;
      }
      const skip = this.skipFrom(t);
      if (skip || this.looped(t)) {
        if (skip) this.dispatchEvent(new CustomEvent("skipped", { detail: { from: t, ...skip } }));
        this.seek(skip && !this.looped(skip.to) ? skip.to : this.loop.start);
        return;
      }
      if (this.awaits(t)) this.stand(t);
      else {
        this.goOn();
        this.follow(t);
      }
      t = this.time;
    }
    this.sound?.pump(t, this.rate);
    this.draw();
    this.tellLoads(this.awaits(t));
    this.dispatchEvent(new Event("time"));
  }

  /** Whether a picture, or sound that is played, is still on its way here. */
  awaits(t) {
    const span = this.playing && this.soundAt(t);
    const heard = span && this.spent?.start !== span.start && this.sound.awaits(t);
    return heard || this.screens.some((one) => one.awaits(t));
  }

  /** Playing waits: what comes late is not passed over. */
  stand(t) {
    if (this.stands !== null) return;
    this.byClock(t);
    this.stands = t;
    this.waits = null;
    this.sound?.element.pause();
  }

  goOn() {
    if (this.stands === null) return;
    this.byClock(this.stands);
    this.stands = null;
  }

  tellLoads(awaited) {
    const now = performance.now();
    this.awaited = awaited ? (this.awaited ?? now) : null;
    const loads = awaited && now - this.awaited >= LOADS;
    if (loads === this.loads) return;
    this.loads = loads;
    this.dispatchEvent(new Event("loads"));
  }

  /** {to, silence} of what is not played from here on, or null. */
  skipFrom(t) {
    if (this.outside(t)) return this.inside(t) > t ? { to: this.inside(t), silence: false } : null;
    if (this.skips && !this.covered.some(({ start, end }) => t >= start - 0.001 && t < end - 0.001)) {
      const to = this.covered.find(({ start }) => start > t)?.start ?? this.last;
      // A loop in which nothing was kept is played through: there is nowhere in it to go on.
      const kept = this.covered.some(({ start, end }) => start < this.loop?.end && end > this.loop?.start);
      if (to > t + 0.001 && (!this.looped(to) || kept)) return { to, silence: false };
    }
    const quiet = this.skipsQuiet && this.quiet().find(({ start, end }) => t >= start + AROUND && t < end - 2 * AROUND);
    return quiet && !this.looped(quiet.end - AROUND) ? { to: quiet.end - AROUND, silence: true } : null;
  }

  /** Whether who plays on to a moment comes out of the loop: who began behind it is not taken back. */
  looped(t) {
    return this.inLoop && t >= Math.min(this.loop.end, this.last - 0.001);
  }

  /** {start, end}, or null for none. */
  setLoop(loop) {
    this.loop = loop;
    this.inLoop = within(this.time, loop);
  }

  /** Makes the sound the clock where it is kept, and lets it go where it ends. */
  follow(t) {
    const span = this.soundAt(t);
    const element = this.sound?.element;
    const ends = (one) => t >= one.end - 0.04 || (element.readyState <= 2 && !element.seeking && t > one.end - END);
    if (span && this.master === "sound" && ends(span)) this.spent = span;
    if (!span || span === this.spent || this.spent?.start === span.start) {
      if (this.master === "sound") this.byClock(t);
      if (element && !element.paused) element.pause();
      const next = this.sound?.buffer && this.sound.chain.after(t);
      if (next && !element.seeking && Math.abs(element.currentTime - next.start) > 0.02) this.sound.seek(next.start);
      return;
    }
    if (element.paused && !element.seeking && !this.starting) {
      if (Math.abs(element.currentTime - t) > 0.02) this.sound.seek(t);
      element.playbackRate = this.rate;
      this.starting = true;
      element
        .play()
        .catch(() => {}) // paused meanwhile
        .finally(() => (this.starting = false));
    }
    if (this.master === "sound") {
      if (element.paused && !this.starting) this.byClock(t);
      return;
    }
    this.waits ??= { since: performance.now(), from: t, sound: element.currentTime };
    if (!element.paused && !element.seeking && element.readyState > 2 && element.currentTime > this.waits.sound) {
      this.master = "sound";
      this.waits = null;
    } else if (performance.now() - this.waits.since > NO_SOUND * 1000) {
      this.spent = span; // no device takes it: the pictures go on
      this.waits = null;
      element.pause();
      this.byClock(t);
      this.dispatchEvent(new Event("silent"));
    } else this.byClock(this.waits.from); // the clock waits for the sound
  }

  draw() {
    const t = this.time;
    // What WebAudio plays is heard later than the element says: pictures wait as long, and none comes back.
    const late = this.master === "sound" ? (this.sound.latency - DRAWING) * this.rate : 0;
    this.drawn = this.master === "sound" ? Math.max(this.drawn, t - late) : t;
    const before = this.ready;
    for (const one of this.screens) one.ready = one.show(this.drawn, this.rate);
    this.ready = this.screens.every(({ ready }) => ready);
    if (this.ready && !this.marked) {
      this.marked = performance.mark("shown"); // for who measures
      this.firstShown();
    }
    if (this.ready !== before) this.dispatchEvent(new Event("drawn"));
  }

  /** Ticks with each picture of the display while it is seen, and from the worker. */
  run() {
    const beat = () => {
      if (this.playing) this.tick();
      requestAnimationFrame(beat);
    };
    requestAnimationFrame(beat);
    this.ask("tick", { every: TICK });
  }

  /** One picture on or back, of whichever screen has it nearest. */
  step(direction) {
    this.pause();
    const t = this.time;
    const near = this.screens.map((one) => one.neighbour(t, direction)).filter((one) => one !== null);
    const to = direction > 0 ? Math.min(...near) : Math.max(...near);
    this.seek(near.length ? to + 0.000_5 : t + direction * 0.2);
  }
}

/** What two rows of spans have in common. */
const common = (some, others) =>
  some.flatMap((one) =>
    others.flatMap((other) => {
      const [start, end] = [Math.max(one.start, other.start), Math.min(one.end, other.end)];
      return start < end ? { start, end } : [];
    }),
  );

const within = (t, loop) => loop !== null && t >= loop.start - 0.01 && t < loop.end;

/** The same time without overlaps or seams, in order; seams of less than a tenth of a second are none. */
function joined(spans) {
  const whole = [];
  for (const { start, end } of [...spans].sort((one, other) => one.start - other.start)) {
    const last = whole.at(-1);
    if (last && start <= last.end + 0.05) last.end = Math.max(last.end, end);
    else whole.push({ start, end });
  }
  return whole;
}
