// What a person does to tabs and windows, done on request: asks the bench's server for the next order, and answers it.
// An order is {number, call: "tabs.update", given: [...]} or {number, run: "name", tab, given: [...]}; where.json beside
// this file is written by the bench and says where its server is.
"use strict";

const browserApi = globalThis.browser ?? globalThis.chrome;

async function carryOut(order) {
  if (order.run) {
    const [done] = await browserApi.scripting.executeScript({
      target: { tabId: order.tab },
      world: "MAIN",
      func: (name, given) => globalThis.scene[name](...given),
      args: [order.run, order.given],
    });
    if (done?.error) throw new Error(String(done.error.message ?? done.error));
    return done?.result ?? null;
  }
  const [space, name] = order.call.split(".");
  const call = browserApi[space][name];
  if (!call) throw new Error(`${order.call} is not there`);
  return (await call.apply(browserApi[space], order.given)) ?? null;
}

async function work() {
  const where = await (await fetch(browserApi.runtime.getURL("where.json"))).json();
  let done = null;
  for (;;) {
    try {
      const asked = await fetch(`${where}`, { method: "POST", body: JSON.stringify(done) });
      const order = await asked.json();
      done = null;
      await browserApi.runtime.getPlatformInfo(); // a call keeps the worker alive, waiting for an answer does not
      if (!order) continue;
      try {
        done = { number: order.number, answer: await carryOut(order) };
      } catch (failure) {
        done = { number: order.number, failure: String(failure) };
      }
    } catch {
      await new Promise((wait) => setTimeout(wait, 200)); // the server is not there yet, or no more
    }
  }
}

work();
