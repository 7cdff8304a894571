// The page around the player: it has no key, starts the player, and says things in the language that is chosen.

import { listen, theme } from "./acts.js";
import { ask, listenToWorker, open, secret } from "./asking.js";
import { beginCase, showCase } from "./case.js";
import { beginComments, showComments } from "./comments.js";
import { showGaps } from "./gaps.js";
import { say, sayLoads, sayWaits, showNow, showPlaying, showTime, skipped } from "./moment.js";
import { Player, RATES } from "./player.js";
import { beginProof, checked, completeProof, refused, showProof } from "./verdict.js";
import { loopOver, showSpans } from "./spans.js";
import { canvasOf, enlarge, fitScreens, figures, streamName } from "./stage.js";
import { $, about, AUDIO, element, language, player, refocus, root, words } from "./state.js";
import { setAbout, setLanguage, setPlayer, setTimeline } from "./state.js";
import { Timeline } from "./timeline.js";
import { beginTranscript, showTranscript } from "./transcript.js";
import { Reports } from "./watching.js";
import { Waves } from "./waves.js";
import { clock, secondsOf } from "./words.js";

const FIRST = 3000; // ms after which checking everything no longer waits for the first picture
let waves = null;
let reports = null; // of what is played, to the custodian that released it

/** Resolves when nothing more urgent is to do: at once the first time, later once all is checked. */
function idleAfter(check) {
  let first = true;
  return async () => {
    if (!first) await check;
    first = false;
    await new Promise((done) => requestIdleCallback(done, { timeout: 2000 }));
  };
}

function speak(chosen) {
  setLanguage(chosen);
  root.lang = chosen;
  for (const one of document.querySelectorAll("[data-text]")) one.textContent = words[one.dataset.text];
  for (const one of document.querySelectorAll("[data-label]")) {
    one.setAttribute("aria-label", words[one.dataset.label]);
    if (one.tagName === "BUTTON") one.title = words[one.dataset.label];
  }
  $("language").textContent = words.language;
  $("keys-list").replaceChildren(...words.keysOf.flatMap(([key, does]) => [element("dt", key), element("dd", does)]));
  showNow();
  if (!about) return;
  const when = new Date(about.start).toLocaleString(chosen, { dateStyle: "full", timeStyle: "short" });
  $("title").textContent = `${about.device.os_user ? `${about.device.os_user} · ` : ""}${about.device.host}`;
  const facts = [when, clock(about.length / 1e9), words.states[about.state], about.other && words.otherName(about.other)];
  $("subtitle").textContent = facts.filter(Boolean).join(" · ");
  document.title = `${about.device.host} – Eyelid`;
  showGaps();
  showSpans();
  showComments();
  showTranscript();
  showCase();
  showWaves();
  showProof();
  showPlaying();
  enlarge($("stage").dataset.alone === undefined ? null : Number($("stage").dataset.alone));
  for (const [stream, { figure, slate }] of figures) {
    figure.querySelector("figcaption").textContent = streamName(stream);
    delete slate.dataset.said;
  }
  $("rate").replaceChildren(
    ...RATES.map((one) => {
      const option = element("option", `${one.toLocaleString(chosen)}×`);
      option.value = String(one);
      return option;
    }),
  );
  $("rate").value = String(player.rate);
  delete $("timeline").dataset.now;
  showTime();
}

/** How much of the waveform is read, until all is. */
function showWaves() {
  const done = Math.floor(100 * (waves?.done ?? 1));
  $("waveform").textContent = done < 100 ? words.waveform(done) : "";
  $("ends").replaceChildren(...(waves ? [words.microphone, words.farEnd] : []).map((one) => element("span", one)));
}

function fail(code) {
  if (code === "over") $("main").hidden = true;
  root.dataset.state = "failed";
  root.dataset.code = code;
  $("failure").hidden = false;
  $("failure").textContent = words.failures[code] ?? `${words.failures.failed} (${words.codes[code] ?? code})`;
  $("badge").hidden = true;
  if ($("main").hidden && $("custody").hidden) $("failed").setAttribute("role", "main"); // it is all there is
  refocus($("failure"));
}

/** Its source has ended: what is loaded stays, and nothing more comes. */
function gone(code) {
  player?.stop();
  reports?.end();
  fail(code);
  sayWaits(false); // it is not asked again
}

/** Opens the recording and plays it. `keys`: how the worker takes the streams' keys ({secret}: of the address's
 * fragment); null: the custodian released them, and `comments` can be asked. `at`: the moment to begin at, seconds;
 * null: where something was kept. `report`: how the custodian is told what was played; null where it is not.
 * `transcript`: how it is asked for; null where nobody released its key. */
async function start({ keys = null, at = null, comments = null, report = null, transcript = null }) {
  setAbout(await open(keys));
  performance.mark("opened");
  for (const [name, at] of about.steps) performance.mark(name, { startTime: Math.max(0, at - performance.timeOrigin) });
  if (about.case) document.querySelector("[data-text='limits']").dataset.text = "limitsCase";
  beginProof();
  setPlayer(new Player(about, ask, canvasOf));
  const begun = player.begin(at); // the rest is set up while its first chunks are opened
  reports = report && new Reports(player, report, ask);
  window.eyelid = { player, about, loopOver, reports }; // for tests; no key is here
  const sound = player.chains.get(AUDIO);
  if (sound) {
    waves = new Waves(sound, ask);
    player.quiet = () => waves.quiet;
    waves.addEventListener("more", showWaves);
  }
  window.eyelid.waves = waves;
  $("silence").hidden = !waves;
  setTimeline(new Timeline($("lanes"), about.lanes, player.length, waves));
  $("timeline").setAttribute("aria-valuemax", player.length.toFixed(1));
  $("main").hidden = false;
  for (const event of ["time", "drawn"]) player.addEventListener(event, showTime);
  player.addEventListener("refused", refused);
  player.addEventListener("changed", showPlaying);
  player.addEventListener("skipped", skipped);
  player.addEventListener("loads", sayLoads);
  player.addEventListener("silent", () => say(words.silent));
  fitScreens();
  await begun;
  performance.mark("begun");
  $("volumes").hidden = !player.sound;
  listen();
  speak(language);
  player.run();
  root.dataset.state = "ready";
  if (!keys) refocus($("play")); // of the page before, nothing is left that could have it
  beginComments(comments, ask);
  beginTranscript(transcript, ask);
  beginCase();
  performance.mark("ready");
  await Promise.race([player.first, new Promise((done) => setTimeout(done, FIRST))]);
  const check = ask("check");
  waves?.run(() => player.time, idleAfter(check)).catch(() => {}); // its source has gone: the page says so
  await check;
  completeProof();
  performance.mark("checked");
  root.dataset.state = "checked";
}

async function begin() {
  performance.mark("page");
  listenToWorker({
    tick: () => player?.tick(),
    checked,
    waits: sayWaits,
    gone,
    failed: () => fail("failed"),
  });
  theme(window.matchMedia("(prefers-color-scheme: dark)").matches);
  speak(navigator.language.startsWith("de") ? "de" : "en");
  $("language").addEventListener("click", () => speak(language === "de" ? "en" : "de"));
  $("theme").addEventListener("click", () => theme(root.dataset.theme !== "dark"));
  $("help").addEventListener("click", () => $("keys").showModal());
  const [said, ...more] = location.hash.slice(1).split("&");
  // On an origin of its own: once the custodian has released the keys.
  const released = secret ? null : await (await import("./custody.js")).fromCustody(ask);
  if (released) {
    await start(released);
    return;
  }
  if (!said) {
    fail("used-up");
    return;
  }
  history.replaceState(null, "", location.pathname); // or it could be read off the screen
  await start({ keys: { secret: said }, at: secondsOf(new URLSearchParams(more.join("&")).get("t")) });
}

begin().catch((error) => {
  const known = typeof error?.code === "string"; // as the worker refuses; an exception of the browser's has a number
  fail(known ? error.code : "failed");
  if (!known) throw error;
});
