// What was not kept, and why: the list beside the screens, the legend, and what stands at a moment.

import { $, about, element, language, player, words } from "./state.js";
import { clock, describe, length } from "./words.js";

const STATES = ["kept", "closed", "held", "blind", "missing", "unverified", "bad"];
/** The screen's, or of a case without it the sound's. */
export const firstLane = () => Object.values(about.lanes)[0] ?? [];
const gapsOf = (lane) => about.lanes[lane].filter(({ what }) => what !== "kept" && what !== "outside");
export const partAt = (lane, t) =>
  about.lanes[lane]?.find(({ from, to }) => t * 1e9 >= from && t * 1e9 < to) ?? about.lanes[lane]?.at(-1);

/** Margins belong to the state that they were given up for: one line for what a person takes for one gap. */
export function wholeGaps(lane) {
  const whole = [];
  const key = ({ from, to, margin, ...cause }) => JSON.stringify(cause);
  for (const part of gapsOf(lane)) {
    const last = whole.at(-1);
    if (last && last.to === part.from && key(last.cause) === key(part)) last.to = part.to;
    else whole.push({ from: part.from, to: part.to, cause: { ...part, margin: null } });
  }
  return whole;
}

export function showGaps() {
  const lanes = Object.keys(about.lanes);
  const items = lanes
    .flatMap((lane) => wholeGaps(lane).map((gap) => ({ lane, ...gap })))
    .sort((one, other) => one.from - other.from)
    .map(({ lane, from, to, cause }) => {
      const { title, why } = describe(cause, about.names, words);
      const button = element("button", "", `row ${cause.what}`);
      const head = element("span", "", "head");
      head.append(
        element("span", clock(from / 1e9, true), "at"),
        element("span", length((to - from) / 1e9, language), "long"),
      );
      button.append(head, element("span", title, "what"));
      if (why) button.append(element("span", why, "why"));
      if (lanes.length > 1) head.append(element("span", words[`${lane}Lane`], "lane"));
      button.addEventListener("click", () => player.seek(Math.max(0, from / 1e9 - 2)));
      const item = element("li");
      item.append(button);
      return item;
    });
  $("gaps").replaceChildren(...items);
  $("labels").replaceChildren(...lanes.map((lane) => element("span", words[`${lane}Lane`])));
  const sums = new Map();
  for (const { from, to, what } of firstLane()) sums.set(what, (sums.get(what) ?? 0) + to - from);
  $("sums").textContent = items.length ? "" : words.nothing;
  $("legend").replaceChildren(
    ...[...STATES, ...(sums.has("outside") ? ["outside"] : [])].map((what) => {
      const item = element("li", "", what);
      const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      rect.setAttribute("width", "100%");
      rect.setAttribute("height", "100%");
      rect.setAttribute("class", `part ${what}`);
      if (what !== "kept" && what !== "outside") rect.setAttribute("fill", `url(#p-${what})`);
      swatch.append(rect);
      item.append(
        swatch,
        element("span", sums.has(what) ? `${words[what]} ${length(sums.get(what) / 1e9, language)}` : words[what]),
      );
      return item;
    }),
  );
}

export function textAt(t) {
  return Object.keys(about.lanes)
    .map((lane) => {
      const part = partAt(lane, t);
      return part ? `${words[`${lane}Lane`]}: ${describe(part, about.names, words).title}` : "";
    })
    .join("; ");
}
