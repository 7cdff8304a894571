// What a person asks for, by keys, buttons and the pointer.

import { toComment } from "./comments.js";
import { partAt, wholeGaps } from "./gaps.js";
import { RATES } from "./player.js";
import { loopClear, loopFrom, loopOver, loopTo, mark, toMark } from "./spans.js";
import { enlargeNext, fullScreen, leaveFullScreen } from "./stage.js";
import { $, about, element, player, refocus, root, words } from "./state.js";
import { RULER } from "./timeline.js";
import { clock, describe } from "./words.js";

const toggle = () => (player.playing ? player.pause() : player.play());
const by = (seconds) => player.seek(player.time + seconds);

function rate(step) {
  const at = RATES.indexOf(player.rate) + step;
  if (RATES[at]) player.setRate(RATES[at]);
}

function gap(direction) {
  const all = Object.keys(about.lanes).flatMap((lane) =>
    wholeGaps(lane).map(({ from }) => Math.max(0, from / 1e9 - 2)),
  );
  const sorted = [...new Set(all)].sort((one, other) => one - other);
  const t = player.time;
  const to = direction > 0 ? sorted.find((one) => one > t + 0.1) : sorted.findLast((one) => one < t - 0.5);
  if (to !== undefined) player.seek(to);
}

let muted = null; // the volumes before; null while it can be heard
function mute() {
  if ($("volumes").hidden) return;
  const sliders = [$("volume-0"), $("volume-1")];
  const before = sliders.map(({ value }) => value);
  for (const [channel, slider] of sliders.entries()) {
    slider.value = muted ? muted[channel] : 0;
    player.sound?.setVolume(channel, slider.value / 100);
  }
  muted = muted ? null : before;
}

async function proof(open = $("proof").hidden) {
  await leaveFullScreen();
  const inside = $("proof").contains(document.activeElement);
  $("proof").hidden = !open;
  $("badge").setAttribute("aria-expanded", String(open));
  if (open) $("proof").focus();
  else if (inside) $("badge").focus();
}

/** To where one writes. */
async function comment() {
  await leaveFullScreen();
  toComment();
}

export function theme(dark) {
  root.dataset.theme = dark ? "dark" : "light";
  $("theme").setAttribute("aria-pressed", String(dark));
}

export const KEYS = {
  " ": toggle,
  k: toggle,
  j: () => by(-10),
  l: () => by(10),
  ArrowLeft: () => by(-5),
  ArrowRight: () => by(5),
  ",": () => player.step(-1),
  ".": () => player.step(1),
  Home: () => player.seek(0),
  End: () => player.seek(player.length),
  ArrowUp: () => rate(1),
  ArrowDown: () => rate(-1),
  n: () => gap(1),
  p: () => gap(-1),
  m: mute,
  f: enlargeNext,
  g: fullScreen,
  s: () => $("skip").click(),
  q: () => $("silence").hidden || $("quiet").click(),
  a: () => loopFrom(),
  b: () => loopTo(),
  c: loopClear,
  d: () => mark(),
  e: () => toMark(1),
  w: () => toMark(-1),
  r: comment,
  v: () => proof(),
  t: () => theme(root.dataset.theme !== "dark"),
  "?": () => $("keys").showModal(),
};

function pressed(event) {
  if (!player || event.ctrlKey || event.altKey || event.metaKey || $("keys").open) return;
  const { key, target } = event;
  if (key === "Escape" && !$("proof").hidden && !document.fullscreenElement) {
    proof(false);
    return;
  }
  if (target instanceof HTMLTextAreaElement || target.type === "search") return;
  const own = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
  if (own && (key.startsWith("Arrow") || key === " " || key === "Home" || key === "End")) return; // what it does itself
  if (key === " " && target instanceof HTMLButtonElement) return;
  const act = /^[0-9]$/.test(key)
    ? () => player.seek((player.length * Number(key)) / 10)
    : (KEYS[key] ?? KEYS[key.toLowerCase()]);
  if (!act) return;
  event.preventDefault();
  act();
}

function pointed() {
  const line = $("timeline");
  const at = (event) => {
    const { left, width } = $("lanes").getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - left) / width)) * player.length;
  };
  let from = null; // where a loop was begun to be drawn
  line.addEventListener("pointerdown", (event) => {
    line.setPointerCapture(event.pointerId);
    const onTimes = event.clientY < $("lanes").getBoundingClientRect().top + RULER;
    from = onTimes || event.shiftKey ? at(event) : null;
    if (from === null) player.seek(at(event));
  });
  line.addEventListener("pointerup", (event) => {
    if (from === at(event)) player.seek(from); // a click, and nothing was drawn
    from = null;
  });
  line.addEventListener("pointermove", (event) => {
    const t = at(event);
    if (event.buttons & 1 && from === null) player.seek(t);
    else if (event.buttons & 1) loopOver(Math.min(from, t), Math.max(from, t));
    const hover = $("hover");
    hover.hidden = false;
    hover.style.left = `${(t / player.length) * 100}%`;
    hover.classList.toggle("left", t > player.length * 0.6);
    hover.replaceChildren(
      element("strong", clock(t, true)),
      ...Object.keys(about.lanes).map((lane) => {
        const { title, why } = describe(partAt(lane, t), about.names, words);
        return element("span", `${words[`${lane}Lane`]}: ${title}${why ? ` – ${why}` : ""}`);
      }),
    );
  });
  line.addEventListener("pointerleave", () => ($("hover").hidden = true));
}

export function listen() {
  const clicks = {
    play: toggle,
    back: () => by(-10),
    on: () => by(10),
    before: () => player.step(-1),
    after: () => player.step(1),
    badge: () => proof(),
    full: fullScreen,
    "loop-start": () => loopFrom(),
    "loop-end": () => loopTo(),
    "loop-clear": loopClear,
    mark: () => mark(),
  };
  for (const [id, act] of Object.entries(clicks)) $(id).addEventListener("click", act);
  $("rate").addEventListener("change", () => player.setRate(Number($("rate").value)));
  $("skip").addEventListener("change", () => (player.skips = $("skip").checked));
  $("quiet").addEventListener("change", () => (player.skipsQuiet = $("quiet").checked));
  for (const channel of [0, 1])
    $(`volume-${channel}`).addEventListener("input", ({ target }) => {
      muted = null; // who moves one hears it
      player.sound?.setVolume(channel, target.value / 100);
    });
  document.addEventListener("keydown", pressed);
  document.addEventListener("fullscreenchange", () => {
    document.querySelector("header").inert = Boolean(document.fullscreenElement); // it lies behind
    refocus($("timeline"));
  });
  pointed();
}
