// The account as a picture: a row for the screen and one for the sound, over them what is not verified, and above them
// how loud both ends of the call are.

import { clock } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
export const RULER = 20; // px
const LANE = 24;
const BETWEEN = 6;
const WAVE = 22; // of each end
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const NARROWEST = 2; // px of a part that is not kept: it must be seen

function made(name, facts, ...inside) {
  const one = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(facts)) one.setAttribute(key, value);
  one.append(...inside);
  return one;
}

/** Stripes by which a state is told from others without its colour. */
function patterns() {
  const lines = {
    closed: "M0 8 8 0",
    held: "M4 0V8",
    unverified: "M0 0 8 8",
    bad: "M0 0 8 8M0 8 8 0",
    missing: "M0 4H8",
    blind: "M2 2h.01M6 6h.01",
  };
  return Object.entries(lines).map(([name, d]) =>
    made(
      "pattern",
      { id: `p-${name}`, width: 8, height: 8, patternUnits: "userSpaceOnUse", class: name },
      made("rect", { width: 8, height: 8, class: "ground" }),
      made("path", { d, class: "stripe" }),
    ),
  );
}

export class Timeline {
  /** `lanes`: name -> parts; `length` in seconds; `waves`: of the sound, or null. */
  constructor(svg, lanes, length, waves) {
    Object.assign(this, { svg, lanes: Object.entries(lanes), length: length || 1, waves });
    this.outside = (Object.values(lanes)[0] ?? []).filter(({ what }) => what === "outside"); // not part of the case
    this.marks = new Map(); // lane -> [{start, end, what}]
    this.top = RULER + (waves ? waves.ends.length * WAVE + BETWEEN : 0);
    this.height = this.top + this.lanes.length * (LANE + BETWEEN);
    this.paths = (waves?.ends ?? []).map(() => made("path", { class: "wave" }));
    waves?.addEventListener("more", () => this.drawWaves());
    svg.setAttribute("height", String(this.height));
    new ResizeObserver(() => {
      this.draw();
      this.drawWaves();
    }).observe(svg);
  }

  get width() {
    return this.svg.clientWidth || 1;
  }

  /** `marks`: what of the kept time is not verified yet, or does not verify; in seconds. */
  mark(lane, marks) {
    this.marks.set(lane, marks);
    this.draw();
  }

  draw() {
    const { width } = this;
    const x = (seconds) => (seconds / this.length) * width;
    const rects = this.lanes.flatMap(([lane, parts], row) => {
      const y = this.top + row * (LANE + BETWEEN);
      const part = (start, end, what, margin) =>
        made("rect", {
          x: x(start),
          y,
          width: Math.max(x(end) - x(start), what === "kept" ? 0 : NARROWEST),
          height: LANE,
          class: `part ${what}${margin ? " margin" : ""}`,
          ...(fill[what] && { fill: fill[what] }),
        });
      const told = parts.map(({ from, to, what, margin }) => part(from / 1e9, to / 1e9, what, margin));
      const over = (this.marks.get(lane) ?? []).map(({ start, end, what }) => part(start, end, what));
      return [
        ...told.filter((one) => one.classList.contains("kept")),
        ...told.filter((one) => !one.classList.contains("kept")),
        ...over,
      ];
    });
    this.svg.replaceChildren(made("defs", {}, ...patterns()), ...this.ruler(x), ...this.paths, ...rects);
  }

  /** A line from the middle of its row both ways, for each pixel of which something is known. */
  drawWaves() {
    const second = this.length / this.width;
    for (const [end, path] of this.paths.entries()) {
      const middle = RULER + (end + 0.5) * WAVE;
      let d = "";
      for (let at = 0; at < this.width; at++) {
        const loud = this.waves.loudest(end, at * second, (at + 1) * second);
        if (loud === null || this.outside.some(({ from, to }) => at * second >= from / 1e9 && at * second < to / 1e9))
          continue;
        const half = Math.max(0.5, (loud * (WAVE - 2)) / 2);
        d += `M${at + 0.5} ${(middle - half).toFixed(1)}v${(2 * half).toFixed(1)}`;
      }
      path.setAttribute("d", d);
    }
  }

  ruler(x) {
    const wanted = this.length / Math.max(2, this.width / 90);
    const step = STEPS.find((one) => one >= wanted) ?? 3600 * Math.ceil(wanted / 3600); // a PC may claim any end
    const ticks = [];
    for (let at = 0; at <= this.length; at += step) {
      const last = x(at) > this.width - 40;
      ticks.push(made("line", { x1: x(at), x2: x(at), y1: RULER - 5, y2: RULER - 1, class: "tick" }));
      if (!last || at === 0)
        ticks.push(
          made("text", { x: x(at) + (at ? 0 : 1), y: RULER - 8, class: at ? "time" : "time first" }, clock(at)),
        );
    }
    return ticks;
  }
}

const fill = Object.fromEntries(
  ["closed", "held", "unverified", "bad", "missing", "blind"].map((one) => [one, `url(#p-${one})`]),
);
