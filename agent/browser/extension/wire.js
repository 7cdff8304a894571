// The line to the agent: native messages, numbered without a hole since the agent's last welcome.
"use strict";

const api = globalThis.browser ?? chrome;
const NATIVE_HOST = "eyelid.agent";
const PROTOCOL = 2;
const RECONNECT_AFTER = 1000; // ms
const RECONNECT_SOON = 100; // ms, of a line that held for so long: the eye is closed while there is none
const HELD_FOR = 5000;

const wire = {
  port: null,
  greeted: false, // between a welcome's hello and the end of the port
  greetedAt: 0,
  number: 0,
  reopen: null,

  // `heard(message)` is called for every message but welcome; a rejected promise ends the port: better deaf than wrong.
  open(heard) {
    const port = api.runtime.connectNative(NATIVE_HOST);
    this.port = port;
    let turn = Promise.resolve();
    port.onMessage.addListener((message) => {
      turn = turn
        .then(() => (message.kind === "welcome" ? this.greet(port) : heard(message)))
        .catch(() => this.close(port));
    });
    port.onDisconnect.addListener(() => {
      void api.runtime.lastError; // reading it tells the browser that it was noticed
      this.end(port);
    });
    this.reopen = () => this.open(heard);
  },

  // Ended from here, a port does not tell of its end.
  close(port) {
    port.disconnect();
    this.end(port);
  },

  end(port) {
    if (this.port !== port) return;
    this.port = null;
    const held = this.greeted && performance.now() - this.greetedAt > HELD_FOR;
    setTimeout(this.reopen, held ? RECONNECT_SOON : RECONNECT_AFTER);
    this.greeted = false;
  },

  async greet(port) {
    this.greeted = false;
    const self = await whoAmI();
    if (port !== this.port) return;
    this.number = 0;
    this.greeted = true;
    this.greetedAt = performance.now();
    this.tell({kind: "hello", protocol: PROTOCOL, ...self});
  },

  // Before the hello nothing counts, so nothing is said.
  tell(message) {
    if (!this.greeted) return;
    this.number += 1;
    try {
      this.port.postMessage({n: this.number, ...message});
    } catch {
      this.close(this.port); // too long or broken: the number is spent, and the agent hears the end
    }
  },
};

const whoAmI = async () => {
  const extension = api.runtime.getManifest().version;
  const seesPrivate = await api.extension.isAllowedIncognitoAccess();
  if (api.runtime.getBrowserInfo) {
    const {name, version} = await api.runtime.getBrowserInfo();
    return {browser: name, version, private: seesPrivate, extension};
  }
  const {fullVersionList} = await navigator.userAgentData.getHighEntropyValues(["fullVersionList"]);
  const named = new Map(fullVersionList.map(({brand, version}) => [brand, version]));
  for (const [brand, name] of [["Microsoft Edge", "Edge"], ["Google Chrome", "Chrome"], ["Chromium", "Chromium"]]) {
    if (named.has(brand)) return {browser: name, version: named.get(brand), private: seesPrivate, extension};
  }
  return {browser: "Chromium", version: "", private: seesPrivate, extension};
};
