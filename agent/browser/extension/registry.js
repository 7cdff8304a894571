// Which documents are in which tab: by the ports that their content scripts hold open, because the browser's own list
// of frames leaves some out (blob:), and by that list, because some frames can have no content script.
"use strict";

const YOUNG_FOR = 1000; // ms; so long a new document's script may be on its way
const LISTED_FOR = 2000; // ms; in case a frame comes or goes without any of the events that are listened to

const inTab = (lifecycle) => lifecycle === undefined || lifecycle === "active";

const registry = {
  tabs: new Map(), // tab id -> Map of frame id -> {tab, frame, doc, state, post}
  lists: new Map(), // tab id -> {at, frames}: what the browser listed, as long as nothing happened
  failed: new Map(), // tab id -> Set of frame ids that show the browser's own error page (Firefox)
  last: new Map(), // tab id -> {hash, frames} of its last whole answer
  young: new Map(), // "tab frame" -> {tab, frame, since}: a new document whose script has not come yet
  arrivals: new Set(), // who waits for one
  begun: new Map(), // tab id -> Set of the ids of frames that wait for what is to come into them
  unseen: new Map(), // tab id -> how many documents the last look found in no list

  frames(tab) {
    return this.tabs.get(tab) ?? new Map();
  },

  put(tab, frame, entry) {
    if (!this.tabs.has(tab)) this.tabs.set(tab, new Map());
    this.tabs.get(tab).set(frame, entry);
    this.young.delete(`${tab} ${frame}`);
    this.noteArrived(tab, frame);
    this.touch(tab);
    for (const tell of this.arrivals) tell();
    this.arrivals.clear();
  },

  drop(tab, frame, entry) {
    const frames = this.frames(tab);
    if (frames.get(frame) === entry) {
      frames.delete(frame);
      // Mostly because another document takes its place; where none does, the frame is no longer listed either.
      this.young.set(`${tab} ${frame}`, {tab, frame, since: performance.now()});
    }
    if (frames.size === 0) this.tabs.delete(tab);
    this.touch(tab);
  },

  // Something has happened in the tab: its list of frames may no longer be right.
  touch(tab) {
    this.lists.delete(tab);
  },

  // Whether a script is still to come into a frame that the browser lists.
  async awaitsScript() {
    for (const [key, {tab, frame, since}] of this.young) {
      if (performance.now() - since > YOUNG_FOR) this.young.delete(key);
      else if ((await this.list(tab)).some(({frameId, url}) => frameId === frame && hasHost(url))) return true;
    }
    return false;
  },

  // Until a script has come, or `limit` ms.
  arrival(limit) {
    return new Promise((resolve) => {
      this.arrivals.add(resolve);
      setTimeout(resolve, limit);
    });
  },

  // Firefox lists a frame that failed by the address it was to have, and says only in events what it shows.
  noteFailure(tab, frame) {
    if (!this.failed.has(tab)) this.failed.set(tab, new Set());
    this.failed.get(tab).add(frame);
  },

  noteCommit(tab, frame) {
    if (!this.frames(tab).has(frame)) this.young.set(`${tab} ${frame}`, {tab, frame, since: performance.now()});
    if (frame === 0) for (const known of [this.failed, this.begun, this.unseen]) known.delete(tab);
    else this.failed.get(tab)?.delete(frame);
    this.noteArrived(tab, frame);
  },

  noteBegun(tab, frame) {
    if (frame === 0) return;
    if (!this.begun.has(tab)) this.begun.set(tab, new Set());
    this.begun.get(tab).add(frame);
  },

  noteArrived(tab, frame) {
    this.begun.get(tab)?.delete(frame);
  },

  hasFailed(tab, {frameId, errorOccurred}) {
    return errorOccurred || this.failed.get(tab)?.has(frameId) === true;
  },

  forget(tab) {
    this.lists.delete(tab);
    for (const known of [this.failed, this.begun, this.unseen, this.last]) known.delete(tab);
  },

  * all() {
    for (const frames of this.tabs.values()) yield* frames.values();
  },

  // The frames that the browser knows in a tab, top first: {frameId, parentFrameId, url, errorOccurred}; [] when it is gone.
  async list(tab) {
    if (tab < 0) return []; // developer tools in a window of their own: asking for their frames is refused at once
    const known = this.lists.get(tab);
    if (known && Date.now() - known.at < LISTED_FOR) return known.frames;
    const asked = {at: Date.now(), frames: []};
    this.lists.set(tab, asked);
    const all = await api.webNavigation.getAllFrames({tabId: tab}).catch(() => null);
    asked.frames = (all ?? []).filter((frame) => inTab(frame.documentLifecycle));
    asked.frames.sort((one, other) => one.frameId - other.frameId);
    const settled = asked.frames.every(({frameId}) => this.frames(tab).has(frameId));
    // A frame without a script may go without a sign: while there is one, the browser is asked every time.
    if (!settled && this.lists.get(tab) === asked) this.lists.delete(tab);
    return asked.frames;
  },

  // What the tab's documents said last, fields and selectors by the policy of this hash: events tell of a whole page.
  known(tab, hash) {
    const frames = [...this.frames(tab).entries()].sort(([one], [other]) => one - other);
    const states = frames.map(([, {state}]) => state);
    const current = states.filter((state) => state.hash === hash); // places in another policy's list mean nothing
    return {
      doc: this.frames(tab).get(0)?.doc ?? 0,
      urls: states.flatMap(({urls}) => urls),
      fields: current.flatMap(({fields}) => fields),
      css: current.flatMap(({css}) => css),
    };
  },
};
