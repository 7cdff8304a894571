// The worker that has the keys, and how the page asks it. It starts while the rest of the page still loads, and opens
// the recording if the address has the secret.

const waiting = new Map();
const missed = []; // messages from before the page listened
let on = null;
let asked = 0;
// The address of a worker is where a page could be made to run a stranger's script: this one is the only one.
const policy = window.trustedTypes?.createPolicy("eyelid", {
  createScriptURL(address) {
    if (address !== "worker.whole.js") throw new TypeError(address);
    return address;
  },
});
const worker = new Worker(policy ? policy.createScriptURL("worker.whole.js") : "worker.whole.js", { type: "module" });

/** `listener`: what is done with {tick}, {checked}, {waits} and when all is over: {tick, checked, waits, gone, failed}. */
export function listenToWorker(listener) {
  on = listener;
  for (const data of missed.splice(0)) heard(data);
}

worker.onmessage = ({ data }) => heard(data);
worker.onerror = () => heard({ broken: true });

function heard(data) {
  if (!on) missed.push(data);
  else if (data.broken) on.failed();
  else if (data.tick) on.tick();
  else if (data.checked) on.checked(data);
  else if ("waits" in data) on.waits(data.waits);
  else if (data.over) on.gone(data.over);
  else {
    const { done, failed } = waiting.get(data.id) ?? {};
    waiting.delete(data.id);
    if (["gone", "ended", "unreachable", "signed-out"].includes(data.code)) on.gone(data.code);
    if (data.code) failed?.(Object.assign(new Error(data.why), { code: data.code }));
    else done?.(data.value);
  }
}

export function ask(what, more = {}) {
  return new Promise((done, failed) => {
    waiting.set(++asked, { done, failed });
    worker.postMessage({ id: asked, ask: what, ...more });
  });
}

/** Of an address that `eyelid-review open` gave. */
export const secret = /^#([\w-]{43})(?:&|$)/.exec(location.hash)?.[1] ?? null;
const opened = secret && ask("open", { keys: { secret } });

/** What the worker says of the recording, as `open` of worker.js; with the address's secret it was asked already. */
export const open = (keys) => opened ?? ask("open", { keys });
