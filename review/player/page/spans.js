// A span that is repeated, and marks: both in the memory of this page alone.

import { showCommentSpan } from "./comments.js";
import { $, element, player, refocus, setItems, words } from "./state.js";
import { clock } from "./words.js";

const HERE = 0.5; // seconds within which a mark is the one that stands here
const SHORTEST = 0.2; // seconds of a loop
let half = null; // of a loop whose end is not set yet
let marks = []; // seconds, in order

export function loopFrom(t = player.time) {
  const end = player.loop?.end ?? null;
  half = t;
  player.setLoop(end !== null && end - t >= SHORTEST ? { start: t, end } : null);
  showSpans();
}

export function loopTo(t = player.time) {
  const from = player.loop?.start ?? half ?? 0;
  loopOver(Math.min(from, t), Math.max(from, t));
}

export function loopOver(from, to) {
  if (to - from < SHORTEST) return;
  half = null;
  player.setLoop({ start: from, end: to });
  showSpans();
}

export function loopClear() {
  half = null;
  player.setLoop(null);
  showSpans();
}

export function mark(t = player.time) {
  const near = marks.filter((one) => Math.abs(one - t) < HERE);
  marks = near.length ? marks.filter((one) => !near.includes(one)) : [...marks, t].sort((one, other) => one - other);
  showSpans();
}

export function toMark(direction) {
  const t = player.time;
  const to = direction > 0 ? marks.find((one) => one > t + 0.1) : marks.findLast((one) => one < t - 0.5);
  if (to !== undefined) player.seek(to);
}

export function showSpans() {
  const { loop } = player;
  const share = (t) => `${(t / player.length) * 100}%`;
  $("loop").hidden = !loop && half === null;
  $("loop").style.left = share(loop?.start ?? half ?? 0);
  $("loop").style.width = loop ? share(loop.end - loop.start) : "0";
  $("loop-text").textContent = loop
    ? words.loop(clock(loop.start, true), clock(loop.end, true))
    : half === null
      ? words.noLoop
      : words.loopHalf(clock(half, true));
  const had = document.activeElement === $("loop-clear");
  $("loop-clear").disabled = $("loop").hidden;
  if (had) refocus($("loop-start"));
  showCommentSpan();
  $("spans-note").hidden = $("loop").hidden && !marks.length;
  $("pins").replaceChildren(
    ...marks.map((t) => {
      const pin = element("div", "", "pin");
      pin.style.left = share(t);
      return pin;
    }),
  );
  setItems(
    $("marks"),
    marks.map((t) => {
      const [item, go, remove] = [element("li"), element("button", clock(t, true), "row"), element("button", "×")];
      remove.className = "quiet";
      remove.setAttribute("aria-label", words.unmark(clock(t, true)));
      go.addEventListener("click", () => player.seek(t));
      remove.addEventListener("click", () => {
        remove.focus(); // also where it was clicked: what takes its place gets it
        mark(t);
      });
      item.append(go, remove);
      return item;
    }),
    $("mark"),
  );
}
