// Answers a look: every tab of every window, every frame of every tab, within a bounded time.
"use strict";

const ANSWER_WITHIN = 800; // ms for the frames; the agent waits 900
const REFUSED_WITHIN = 100; // ms for the browser to say that it lets no script into a page
const COUNT_AGAIN = 40; // ms until documents that are in no list are counted once more,
const COUNTED_WITHIN = 150; // ms for the frames to answer then, and
const COUNTS_WITHIN = 300; // ms for all of that
const ARRIVE_WITHIN = 300; // ms for the scripts of documents that have just come
const LONGEST = 32768; // characters of an address; a longer one is cut, and its page is then unread
const OPAQUE = 256; // of one that names no host (data:), so that nothing is lost by cutting
// A message may have 8 MiB. An address is ASCII, of which JSON makes two bytes at most, six of a letter of a title.
const LOOK_ROOM = 3 * 2 ** 20; // characters that the frames of one look take
const TAB_ROOM = 2 ** 20; // of them one tab
const EVENT_ROOM = 2 ** 19; // characters of an event's addresses
const FRAME_TAKES = 256; // characters, besides its address and what is present in it; so no look has more frames than the agent takes
const NAME_TAKES = 32; // of a field, or a selector's place
const TITLES_ROOM = 2 ** 17; // characters, for all windows of a look
const WINDOW_TYPES = ["normal", "popup", "panel", "app", "devtools"];

let lookNumber = 0;
const open = new Map(); // look number -> {waiting: Set of entries, answers: Map of entry -> answer, finish}

const hasHost = (url) => /^(https?|wss?|ftp|blob|filesystem|view-source):/i.test(url);
const clip = (url) => (hasHost(url) ? url.slice(0, LONGEST) : url.slice(0, OPAQUE));
const cut = (url) => hasHost(url) && url.length > LONGEST;

const unique = (values) => [...new Set(values)];
const roomOf = (frames) =>
  frames.reduce((sum, {url, fields, css}) => sum + FRAME_TAKES + url.length + NAME_TAKES * (fields.length + css.length), 0);

// Of a page too large to be told its address, cut, and what is present in it; it is unread.
const shorten = (tab) => {
  const [top] = tab.frames;
  const fields = unique(tab.frames.flatMap((frame) => frame.fields));
  const css = unique(tab.frames.flatMap((frame) => frame.css));
  Object.assign(tab, {unread: true, frames: [{...top, unread: true, url: top.url.slice(0, OPAQUE), fields, css}]});
};

// What is in view has room first, then the small: a page that is too large takes no other's place.
const shortenTabs = (tabs) => {
  const sized = tabs.map((tab) => ({tab, size: roomOf(tab.frames)}));
  sized.sort((one, other) => other.tab.visible - one.tab.visible || one.size - other.size);
  let room = LOOK_ROOM;
  for (const {tab, size} of sized) {
    if (size > TAB_ROOM || size > room) shorten(tab);
    else room -= size;
  }
};

const windows = {
  types: WINDOW_TYPES,

  async all() {
    try {
      return await api.windows.getAll({populate: true, windowTypes: this.types});
    } catch (error) {
      if (!this.types.includes("app")) throw error;
      this.types = WINDOW_TYPES.filter((type) => type !== "app"); // Firefox knows none and says so
      return this.all();
    }
  },
};

const askFrames = (entries, within = ANSWER_WITHIN) => {
  const number = ++lookNumber;
  const waiting = new Set(entries);
  return new Promise((resolve) => {
    const answers = new Map();
    const timer = setTimeout(() => asked.finish(), within);
    const asked = {
      waiting,
      answers,
      finish() {
        clearTimeout(timer);
        open.delete(number);
        resolve(answers);
      },
    };
    open.set(number, asked);
    for (const entry of waiting) entry.post({kind: "look", id: number});
    if (waiting.size === 0) asked.finish();
  });
};

const noteAnswer = (entry, message) => {
  const asked = open.get(message.id);
  if (!asked?.waiting.delete(entry)) return;
  asked.answers.set(entry, message);
  if (asked.waiting.size === 0) asked.finish();
};

// A document that has gone answers no more; the one after it was not asked, so its frame is unread this time.
const noteEnd = (entry) => {
  for (const asked of open.values()) {
    if (asked.waiting.delete(entry) && asked.waiting.size === 0) asked.finish();
  }
};

const described = (place, {urls, fields, css}) => [
  {...place, url: clip(urls[0]), fields, css},
  ...urls.slice(1).map((url) => ({...place, url: clip(url), fields: [], css: []})),
];

const sawWith = (answers) => {
  let hash = policy.hash;
  for (const answer of answers.values()) if (answer.hash !== hash) hash = "";
  return hash;
};

const isShown = (tab, active, answers) => {
  if (tab.active) return true;
  if (answers.some(({shown}) => shown)) return true;
  if (tab.splitViewId !== undefined) return tab.splitViewId !== -1 && tab.splitViewId === active?.splitViewId;
  return answers.length === 0 && !tab.discarded;
};

// The browser's own page in place of one that did not load. Chromium says so only to a script that it keeps out; its
// list of frames says so sooner, but also of a page that was stopped. Firefox has told by an event.
const showsErrorPage = async (tab, frame) => {
  if (!registry.hasFailed(tab, frame)) return false;
  if (!frame.errorOccurred) return true;
  const script = api.scripting.executeScript({target: {tabId: tab}, func: () => null});
  const refused = script.then(() => false, ({message}) => message.includes("is showing error page"));
  return Promise.race([refused, new Promise((resolve) => setTimeout(resolve, REFUSED_WITHIN, false))]);
};

// How many documents of a tab are in no list and have no script of ours. Chromium leaves pages of other extensions out:
// only by the number of frames in the documents around them can they be known. Null where it is unread all the same.
const countUnseen = async (tab, answers) => {
  const entries = registry.frames(tab);
  const counted = [...entries.values()].map((entry) => answers.get(entry)?.census);
  if (counted.includes(undefined)) return null;
  const sum = (what) => counted.reduce((all, census) => all + census[what], 0);
  if (sum("inside") === 0) return 0;
  const listed = await registry.list(tab);
  if (listed.some((frame) => !entries.has(frame.frameId) && !registry.hasFailed(tab, frame))) return null;
  const known = new Set([0, ...entries.keys(), ...listed.map(({frameId}) => frameId)]);
  // No page counts a fenced frame.
  for (const {frameId, frameType} of listed) if (frameType === "fenced_frame") known.delete(frameId);
  const begun = [...(registry.begun.get(tab) ?? [])].filter((frame) => !known.has(frame)).length;
  const empty = Math.min(sum("empty"), begun + sum("lazy"));
  return Math.max(0, sum("inside") - (known.size - 1) - empty);
};

// Counts those of all tabs. Frames come and go while a look asks, so where there are more than before they are counted
// again: only what stays is unseen.
const countAllUnseen = async (all, answers, until) => {
  let tabs = all.flatMap((window) => window.tabs ?? []).map(({id}) => id);
  while (tabs.length > 0) {
    const more = [];
    await Promise.all(tabs.map(async (tab) => {
      const unseen = await countUnseen(tab, answers);
      if (unseen === null) return;
      if (unseen > (registry.unseen.get(tab) ?? 0) && performance.now() < until) more.push(tab);
      else registry.unseen.set(tab, unseen);
    }));
    if (more.length > 0) {
      await registry.arrival(COUNT_AGAIN);
      for (const tab of more) registry.touch(tab);
      const entries = more.flatMap((tab) => [...registry.frames(tab).values()]);
      for (const [entry, answer] of await askFrames(entries, COUNTED_WITHIN)) answers.set(entry, answer);
    }
    tabs = more;
  }
};

const describeTab = async (tab, window, answers, lostPlace) => {
  const active = window.tabs.find((one) => one.active);
  const entries = [...registry.frames(tab.id).entries()].sort(([one], [other]) => one - other);
  const listed = await registry.list(tab.id);
  const given = entries.map(([, entry]) => answers.get(entry)).filter(Boolean);
  const minimised = window.state === "minimized";
  const about = {id: tab.id, visible: !minimised && isShown(tab, active, given)};

  const hidden = beside.hasTools(tab.id) || (lostPlace && about.visible);

  const last = registry.last.get(tab.id);
  if ((tab.discarded || tab.frozen) && last?.hash === policy.hash && given.length === 0) {
    return {...about, unread: hidden, frames: last.frames};
  }

  const readWithin = new Set(given.flatMap(({readFrames}) => readFrames));
  const ids = new Map(listed.map((frame) => [frame.frameId, frame]));
  if (!ids.has(0)) ids.set(0, {frameId: 0, url: tab.url ?? ""});
  for (const [id] of entries) if (!ids.has(id)) ids.set(id, {frameId: id, url: ""});
  const frames = [];
  let unread = (registry.unseen.get(tab.id) ?? 0) > 0;
  for (const [id, frame] of [...ids].sort(([one], [other]) => one - other)) {
    const entry = registry.frames(tab.id).get(id);
    const answer = entry && answers.get(entry);
    const place = {id, parent: id === 0 ? -1 : (frame.parentFrameId ?? 0), doc: entry?.doc ?? 0};
    if (answer) {
      const partly = answer.unread || answer.urls.some(cut);
      frames.push(...described({...place, unread: partly}, answer));
      unread ||= partly;
    } else if (!entry && id === 0 && (await showsErrorPage(tab.id, frame))) {
      frames.push(...described(place, {urls: [tab.url || frame.url], fields: [], css: []}));
    } else if (!entry && id !== 0 && registry.hasFailed(tab.id, frame)) {
      // The browser's own error page inside another page: nothing of anybody's is in it, once it is drawn.
      frames.push(...described(place, {urls: ["about:blank"], fields: [], css: []}));
    } else if (!entry && id !== 0 && readWithin.has(id) && frame.url === "about:blank") {
      continue; // the empty document that it began with; the page around it has read what was written there
    } else {
      unread = true;
      const urls = entry?.state.urls ?? [(id === 0 && tab.url) || frame.url];
      const known = entry?.state.hash === policy.hash ? entry.state : {fields: [], css: []};
      frames.push(...described({...place, unread: true}, {urls, fields: known.fields, css: known.css}));
    }
  }
  if (!unread && given.every(({hash}) => hash === policy.hash)) registry.last.set(tab.id, {hash: policy.hash, frames});
  return {...about, unread: unread || hidden, frames};
};

// Those whose pages stand in frames of the tabs that are in view.
const framedIn = (tabs, answers, extensions) => {
  const entries = tabs.filter(({visible}) => visible).flatMap(({id}) => [...registry.frames(id).values()]);
  const named = new Set(entries.flatMap((entry) => answers.get(entry)?.census.extensions ?? []));
  return extensions.filter((id) => named.has(id));
};

const describeWindow = async (window, answers, extensions, longestTitle) => {
  const lostPlace = beside.hasLostPlace(window);
  const tabs = await Promise.all(window.tabs.map((tab) => describeTab(tab, window, answers, lostPlace)));
  return {
    id: window.id,
    minimised: window.state === "minimized",
    fullscreen: window.state === "fullscreen",
    private: window.incognito,
    box: [window.left ?? 0, window.top ?? 0, window.width ?? 0, window.height ?? 0],
    title: (window.tabs.find((tab) => tab.active)?.title ?? "").slice(0, longestTitle),
    extensions: others.mayShowIn(window) ? extensions : framedIn(tabs, answers, extensions),
    tabs,
  };
};

// A document that has just come has no script yet: it is waited for a little, or every step from page to page would be
// a moment in which no look was possible.
const answerLook = async ({id}) => {
  const until = performance.now() + ARRIVE_WITHIN;
  let [all, answers] = await Promise.all([windows.all(), askFrames(registry.all())]);
  while (performance.now() < until && (await registry.awaitsScript())) {
    await registry.arrival(until - performance.now());
    const late = await askFrames([...registry.all()].filter((entry) => !answers.has(entry)));
    answers = new Map([...answers, ...late]);
    all = await windows.all();
  }
  await countAllUnseen(all, answers, Math.min(performance.now(), until) + COUNTS_WITHIN);
  const extensions = await others.ids();
  const longestTitle = Math.min(LONGEST, Math.floor(TITLES_ROOM / all.length));
  const described = await Promise.all(
    all.map((window) => describeWindow({...window, tabs: window.tabs ?? []}, answers, extensions, longestTitle)),
  );
  shortenTabs(described.flatMap(({tabs}) => tabs));
  beside.forgetOthers(all);
  sayJoined();
  wire.tell({kind: "look", id, policy: sawWith(answers), extensions, windows: described});
};
