// What stands beside a page in its window without being a tab: developer tools. While they are docked no list has them;
// a page of ours in each says that they are there (devtools.js), 30 to 70 ms after they are drawn, later where the
// machine is busy. Until then that so much was taken from the page's place has to tell.
"use strict";

const TOLD_WITHIN = 3000; // ms
const TAKEN = 60; // pixels; a bar that asks something takes less
const RESIZED = 500; // ms in which a page follows its window

const beside = {
  ports: new Map(), // tab id -> Set of the ports of its developer tools
  places: new Map(), // window id -> {width, height, since, left, taken}: its size, since when, what was not its page's

  welcome(port) {
    port.onMessage.addListener(({tab}) => {
      if (typeof tab !== "number") return; // of something that is no tab: then they have a window of their own
      if (!this.ports.has(tab)) this.ports.set(tab, new Set());
      this.ports.get(tab).add(port);
      port.onDisconnect.addListener(() => {
        void api.runtime.lastError; // reading it tells the browser that it was noticed
        const ports = this.ports.get(tab);
        ports.delete(port);
        if (ports.size === 0) this.ports.delete(tab);
      });
      sayUnread("tools", tab);
    });
  },

  hasTools(tab) {
    return this.ports.has(tab);
  },

  // Whether tools may have come that have not said so yet.
  hasLostPlace(window) {
    const {id, width, height, tabs} = window;
    const front = tabs.find(({active}) => active);
    const known = this.places.get(id);
    const now = performance.now();
    if (front && window.state !== "minimized" && (front.splitViewId ?? -1) === -1) {
      const left = {across: width - front.width, down: height - front.height};
      const resized = known?.width !== width || known?.height !== height;
      const since = resized ? now : known.since;
      const took = left.across - known?.left.across > TAKEN || left.down - known?.left.down > TAKEN;
      const taken = took && now - since > RESIZED ? now : known?.taken ?? -Infinity;
      this.places.set(id, {width, height, since, left, taken});
    }
    return now - (this.places.get(id)?.taken ?? -Infinity) < TOLD_WITHIN;
  },

  forgetOthers(windows) {
    const open = new Set(windows.map(({id}) => id));
    for (const id of this.places.keys()) if (!open.has(id)) this.places.delete(id);
  },
};
