// The screens, side by side or one large, and the slate that stands where there is no picture.

import { partAt } from "./gaps.js";
import { $, about, AUDIO, element, player, words } from "./state.js";
import { describe } from "./words.js";

export const figures = new Map(); // stream -> {figure, canvas, slate, button}

export function canvasOf(stream) {
  const [figure, frame, canvas, slate, button] = ["figure", "div", "canvas", "div", "button"].map((one) =>
    element(one),
  );
  const monitor = about.monitors.find((one) => one.stream === stream);
  canvas.width = monitor?.width || 640;
  canvas.height = monitor?.height || 360;
  canvas.dataset.stream = String(stream);
  figure.style.flexGrow = String(canvas.width / canvas.height);
  frame.className = "frame";
  slate.className = "slate";
  slate.hidden = true;
  button.type = "button";
  button.className = "enlarge";
  button.append(canvas);
  button.addEventListener("click", () => enlarge($("stage").dataset.alone === String(stream) ? null : stream));
  frame.append(button, slate); // beside the button, so that it is read as text and not as its name
  figure.append(frame, element("figcaption"));
  $("stage").append(figure);
  figures.set(stream, { figure, canvas, slate, button });
  return canvas;
}

/** No picture is higher than its place: what a style sheet can say of that depends on rows that come and go. */
export function fitScreens() {
  const stage = $("stage");
  const [around, caption] = [26, 30]; // px
  const fit = () => stage.style.setProperty("--room", `${stage.clientHeight - around - caption}px`);
  new ResizeObserver(fit).observe(stage);
}

export function enlarge(stream) {
  if (stream === null) delete $("stage").dataset.alone;
  else $("stage").dataset.alone = String(stream);
  for (const [own, { figure, button }] of figures) {
    figure.classList.toggle("small", stream !== null && own !== stream);
    button.setAttribute("aria-label", `${streamName(own)}: ${stream === own ? words.all : words.one}`);
  }
}

export function enlargeNext() {
  const order = [...figures.keys(), null];
  const now = $("stage").dataset.alone;
  enlarge(order[(order.indexOf(now === undefined ? null : Number(now)) + 1) % order.length]);
}

/** Screens, timeline and controls, and nothing beside them; who leaves it finds the screens as they were. */
export function fullScreen() {
  const done = document.fullscreenElement ? document.exitFullscreen() : $("main").requestFullscreen();
  done.catch(() => {}); // a browser may refuse
}

/** What stands beside the screens is hidden there. */
export async function leaveFullScreen() {
  if (document.fullscreenElement) await document.exitFullscreen().catch(() => {});
}

/** What stands in place of a picture, or null: [title, why, kind]. */
export function slateOf(screen, t) {
  const { chain, failed } = screen;
  if (failed) return [words.noDecoder, "", "bad"];
  const row = chain.at(t);
  if (row >= 0 && chain.plays[row]) return null;
  if (row >= 0) {
    let culprit = row;
    while (culprit >= 0 && !chain.bad.has(culprit) && !chain.plays[culprit - 1]) culprit--;
    const code = chain.bad.get(culprit) ?? chain.bad.get(chain.header) ?? "gap";
    return [words.refused(code, words.codes[code] ?? code), culprit === row ? "" : words.waits, "bad"];
  }
  const part = partAt("screen", t);
  if (!part || part.what === "kept") return [words.notHere, "", "blind"];
  const { title, why } = describe(part, about.names, words);
  return [title, why, part.what];
}

export function streamName(stream) {
  if (stream >= AUDIO) return stream === AUDIO ? words.sound : words.where.stream(stream);
  const monitor = about.monitors.find((one) => one.stream === stream);
  const several = player && player.screens.length > 1;
  const name = monitor?.name === "screen" ? "" : monitor?.name; // as X calls one that has none
  return name ? `${words.screen} ${name}` : several ? `${words.screen} ${stream + 1}` : words.screen;
}
