// What the page says of the moment that is played: clock, play head, slates, and what was skipped.

import { firstLane, textAt } from "./gaps.js";
import { figures, slateOf } from "./stage.js";
import { $, about, element, language, player, root, words } from "./state.js";
import { clock, describe, length } from "./words.js";

const ANNOUNCED = 6000; // ms for which the page says what was skipped

export function showTime() {
  const t = player.time;
  const text = `${clock(t, true)} / ${clock(player.length)}`;
  if ($("clock").value !== text) $("clock").value = text;
  $("playhead").style.left = `${(t / player.length) * 100}%`;
  const line = $("timeline");
  const told = Math.floor(t * 10);
  if (line.dataset.now !== String(told)) {
    line.dataset.now = String(told);
    line.setAttribute("aria-valuenow", t.toFixed(1));
    line.setAttribute("aria-valuetext", words.at(clock(t, true), textAt(t)));
  }
  for (const screen of player.screens) {
    const { slate, canvas } = figures.get(screen.chain.stream);
    const said = slateOf(screen, t);
    slate.hidden = !said;
    canvas.classList.toggle("waits", !screen.ready); // what it shows is of another moment
    canvas.classList.toggle("covered", Boolean(said));
    if (!said || slate.dataset.said === said.join("\n")) continue;
    slate.dataset.said = said.join("\n");
    slate.className = `slate ${said[2]}`;
    slate.replaceChildren(element("strong", said[0]), ...(said[1] ? [element("span", said[1])] : []));
  }
}

let announcing = 0;
let loads = false; // for what is on its way here
let waits = false; // for a console that does not answer: said as long as that is so
export function say(text) {
  $("now").textContent = text;
  clearTimeout(announcing);
  announcing = setTimeout(showNow, ANNOUNCED);
}

/** In place of what was said before; also while the recording is still opened. */
export function sayWaits(so) {
  waits = so && root.dataset.state !== "failed";
  clearTimeout(announcing);
  showNow();
}

export function sayLoads() {
  loads = player.loads;
  clearTimeout(announcing);
  showNow();
}

export function showNow() {
  const text = waits ? words.consoleWaits : loads && root.dataset.state !== "failed" ? words.loads : "";
  if ($("now").textContent !== text) $("now").textContent = text; // said anew only where it is
  if (!about && root.dataset.state !== "failed") $("badge-text").textContent = text || words.loading;
}

let quiet = 0; // seconds of silence that were skipped so far
export function skipped({ detail: { from, to, silence } }) {
  if (silence) {
    quiet += to - from;
    say(words.skippedQuiet(length(to - from, language), length(quiet, language)));
    return;
  }
  const causes = firstLane().filter((one) => one.to > from * 1e9 && one.from < to * 1e9 && one.what !== "kept");
  const why = [...new Set(causes.map((one) => describe({ ...one, margin: null }, about.names, words).title))];
  say(words.skipped(length(to - from, language), why.join(", ") || words.missing));
}

export function showPlaying() {
  const label = player.playing ? words.pause : words.play;
  $("play").setAttribute("aria-label", label);
  $("play").title = label;
  $("play-mark").setAttribute("d", player.playing ? "M7 5h3.500v14H7zM13.500 5H17v14h-3.500z" : "M8 5v14l11-7z");
  $("rate").value = String(player.rate);
}
