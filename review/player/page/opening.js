// Before a picture: the purpose, the custodian's answer, and approvals where the rules want them. Nothing that the
// console passes on is trusted: the worker checks what the custodian signed.

import { toBase64url } from "./bytes.js";
import { api, button, facts, h, heading, leave, link, place, purposeOf, reasonsOf, relay, render } from "./desk.js";
import { renderIf, show, sign, text, Trouble, trouble, when, words } from "./desk.js";
import { keyOf } from "./person.js";
import { publicKey, verifyJws } from "./statements.js";
import { clock } from "./words.js";

const EVERY = 3000; // ms between two looks at what waits, while the page is shown
const RARELY = 60_000; // ms, where no answer comes
const HOUR = 3_600_000_000_000; // ns

/** What is asked before it is opened; `opened` is called once the keys are in the worker. */
export async function play(recording, ask, opened, preset) {
  const again = () => play(recording, ask, opened, preset).catch((error) => trouble(error, `/recordings/${recording}`, again));
  const found = await api(`/v1/recordings/${recording}/opening`);
  if (found.recording !== recording) throw new Trouble("other-request");
  const own = await keyOf(found.me);
  if (!own) throw new Trouble("no-key");
  const session = await ask("session");
  const back = `/recordings/${recording}`;

  async function open(choice, filed) {
    const { purpose, rendition } = choice;
    const terms = { act: "play", recording, purpose, rendition, session };
    const streams = found.streams;
    const request = await sign(own, "eyelid-request", { ...terms, streams, ...(filed && { filed }) });
    let answer;
    try {
      answer = await relay("open", { request: request.token });
    } catch (error) {
      if (!filed && error.filed && error.filed !== request.id) throw new Trouble("other-request");
      throw error;
    }
    const { custodianKey, compliance } = own;
    const { spoken } = await ask("release", {
      token: answer.release,
      asked: { request: request.id, recording, streams, custodianKey, compliance },
      place: `${place}/v1/recordings/${recording}/player/`,
    });
    leave();
    const report = (sealed) => relay("watched", { opening: request.id, sealed }, { keepalive: true });
    opened({ comments: commenting(choice), report, transcript: spoken ? transcript : null });
  }

  const transcript = () => api(`/v1/recordings/${recording}/transcript`);

  /** What the page of the recording asks of console and custodian about comments. */
  function commenting({ purpose, comments }) {
    const list = async () => (await api(`/v1/recordings/${recording}/comments`)).comments;
    const send = async (start, end, sealed) => {
      const said = { recording, purpose, start: Math.round(start * 1e9), end: Math.round(end * 1e9), sealed };
      const { token } = await sign(own, "eyelid-comment", said);
      return { comment: token, commented: (await relay("comment", { comment: token })).commented };
    };
    return { list, send: comments ? send : null };
  }

  async function begin(choice) {
    show("opening", (w) => [heading(w.opens), text(w.opening)]);
    try {
      await open(choice, "");
    } catch (error) {
      if (error.filed) wait(choice, error);
      else trouble(error, back, again);
    }
  }

  function wait(choice, { filed, reasons }) {
    const waiting = { approvedBy: [], reasons, unanswered: false };
    const address = `${location.origin}/#approve=${filed}`;
    const draw = (w) => [
      heading(w.waitTitle),
      Object.assign(text(w.approvedBy(waiting.approvedBy), "state"), { role: "status" }),
      waiting.unanswered ? text(w.unanswered) : "",
      ...needed(choice, w),
      text(w.waitWhy),
      h(
        "p",
        { className: "link" },
        h("label", {}, w.link, h("input", { id: "approval", readOnly: true, value: address })),
        button(
          w.copy,
          async (one) => {
            await navigator.clipboard.writeText(address);
            one.textContent = words().copied;
          },
          "",
        ),
      ),
      text(w.waitStay),
      reasonsOf(waiting.reasons),
      h("p", { className: "acts" }, link(back, w.back)),
    ];
    show("waiting", (w) => draw(w).filter(Boolean));
    follow(filed, waiting, () => open(choice, filed)).catch((error) => trouble(error, back, again));
  }

  const drawn = found.choices.filter(({ sample, verdict }) => sample && verdict !== "no");
  choose(found, begin, back, preset);
  for (const choice of drawn) askLeft(own, recording, choice).then(() => renderIf("purpose"));
}

/** Asks how it stands, gently and only while the page is shown, and opens it when that may have changed. */
async function follow(filed, waiting, open) {
  let tried = "";
  let pause = EVERY;
  for (;;) {
    await shown(pause);
    let now;
    try {
      now = await relay("filed", { filed });
    } catch (error) {
      if (!passes(error)) throw error;
      pause = Math.min(2 * pause, RARELY);
      waiting.unanswered = true;
      render();
      continue;
    }
    pause = EVERY;
    if (waiting.unanswered) {
      waiting.unanswered = false;
      render();
    }
    const state = `${now.approved_by.length}`;
    if (state !== `${waiting.approvedBy.length}`) {
      waiting.approvedBy = now.approved_by;
      render();
    }
    if (now.approved_by.length && tried !== state) {
      tried = state;
      try {
        await open();
        return;
      } catch (error) {
        if (!["not-yet", "refused"].includes(error.code) || !error.reasons.length) throw error;
        waiting.reasons = error.reasons;
        render();
      }
    }
  }
}

/** A console or a custodian that starts anew, or has too much to do: the request still waits. */
const passes = ({ code, status }) => code === "unreachable" || status === 429 || status >= 500;

/** After a while, and once somebody can see it. */
const shown = (pause) =>
  new Promise((done) => {
    const look = () => {
      if (document.visibilityState !== "visible") return;
      document.removeEventListener("visibilitychange", look);
      done();
    };
    setTimeout(() => {
      document.addEventListener("visibilitychange", look);
      look();
    }, pause);
  });

/** What is left of a purpose's sample, as the custodian signed it for this question: in `choice.left`, or {code}. */
async function askLeft(own, recording, choice) {
  const nonce = toBase64url(crypto.getRandomValues(new Uint8Array(16)));
  const asked = { recording, purpose: choice.purpose, person: own.person, nonce };
  try {
    const { sampled } = await relay("sampled", asked);
    const said = await verifyJws("eyelid-sampled", sampled, await publicKey(own.custodianKey));
    if (Object.keys(asked).some((name) => said[name] !== asked[name])) throw new Trouble("other-request");
    choice.left = said;
  } catch ({ code }) {
    choice.left = { code: code ?? "failed" };
  }
}

function leftOf({ sample, verdict, left }, w) {
  if (!sample || verdict === "no") return null;
  if (!left) return Object.assign(text(w.leftAsked, "small"), { id: "left-asked" });
  if (left.code) return text(w.leftUnknown(left.code), "small");
  const at = new Date(`${left.month}-01T00:00:00Z`);
  const month = at.toLocaleDateString(document.documentElement.lang, { month: "long", year: "numeric", timeZone: "UTC" });
  if (left.drawn === null) return text(w.notDrawn(month), "small");
  return text(`${w.left(left, month)} ${w.leftSigned}`, "small");
}

const needed = (choice, w) =>
  choice.approvals.map(({ need, by, within }) => text(w.needs(need, by.join(", "), Number(within) / HOUR)));

/** `preset`: the purpose of the page that led here, such as a review's. */
function choose(found, begin, back, preset) {
  const { choices } = found;
  const led = choices.find(({ purpose, verdict }) => purpose === preset && verdict !== "no");
  let chosen = led ?? choices.find(({ verdict }) => verdict === "yes") ?? choices.find(({ verdict }) => verdict !== "no") ?? null;
  if (!chosen) {
    const [{ reasons }] = choices;
    trouble(new Trouble("refused", { reasons }), back);
    return;
  }
  show("purpose", (w) => {
    const radios = choices.map((one, place_) => {
      const input = h("input", {
        type: "radio",
        name: "purpose",
        id: `purpose-${place_}`,
        checked: one === chosen,
        disabled: one.verdict === "no",
        data: { purpose: one.purpose },
      });
      input.addEventListener("change", () => {
        chosen = one;
        render();
      });
      const label = h("label", { htmlFor: input.id }, `${purposeOf(w, one.purpose)}: ${w.verdicts[one.verdict]}`);
      const more = [
        one.sample ? text(w.sample(one.sample), "small") : null,
        leftOf(one, w),
        ...needed(one, w).map((said) => Object.assign(said, { className: "small" })),
        one.verdict === "yes" || one.verdict === "approvals" ? null : reasonsOf(one.reasons),
      ];
      return h("div", { className: `choice ${one.verdict.replace(" ", "-")}` }, input, h("div", {}, label, ...more));
    });
    const open = button(chosen.verdict === "approvals" ? w.ask : w.open, () => begin(chosen));
    open.id = "open";
    return [
      heading(w.opens),
      facts([
        [w.agent, found.agent],
        [w.computer, found.host],
        [w.began, when(Number(found.start) / 1e6)],
        [w.lasts, clock(Number(found.length) / 1e9)],
        [w.number, found.recording],
        [w.you, found.me],
      ]),
      h("fieldset", {}, h("legend", { textContent: w.purpose }), ...radios),
      text(`${w.rendition[chosen.rendition] ?? w.byRules} ${w.noted}`),
      h("p", { className: "acts" }, open, link(back, w.back)),
    ];
  });
}
