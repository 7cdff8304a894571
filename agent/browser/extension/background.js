// Joins the parts: the agent's messages on one side, the documents' ports on the other.
"use strict";

if (typeof importScripts === "function") importScripts("wire.js", "registry.js", "beside.js", "others.js", "events.js", "look.js");

let policy = {hash: "", fields: null, css: []};
let documents = 0; // that have had a script of ours so far: the number of the latest one
let refused = null; // what was last told about the policy's selectors, as JSON

const takePolicy = ({hash, fields, css}) => {
  policy = {hash, fields, css};
  refused = null;
  let asked = 0;
  for (const entry of registry.all()) asked += entry.post({kind: "policy", ...policy}) ? 1 : 0;
  // Only a place with a document can try a selector: Firefox's background, or the first page that answers.
  if (typeof document !== "undefined") tellRefused(hash, globalThis.eyelid.readSelectors(css).refused);
  else if (asked === 0 || css.length === 0) tellRefused(hash, []);
};

const tellRefused = (hash, places) => {
  const json = JSON.stringify(places);
  if (hash !== policy.hash || json === refused) return;
  refused = json;
  wire.tell({kind: "policy", hash, refused: places});
};

const NAMES_FRAMES = Boolean(globalThis.browser?.runtime?.getFrameId); // Firefox: see frames.js

// The documents of the tab that show a mark from now on; all others of it show none.
const takeMarks = ({tab, marks}) => {
  const hasFrames = NAMES_FRAMES && Object.keys(marks).some((frame) => frame !== "0");
  for (const [frame, entry] of registry.frames(tab)) {
    if (hasFrames) entry.post({kind: "frames", marks});
    const mark = marks[frame] ?? null;
    if (mark === null && !entry.marked) continue;
    entry.marked = entry.post({kind: "mark", mark}) && mark !== null;
  }
};

const takeFromFrame = (entry, tab, message) => {
  if (message.kind === "marked") {
    wire.tell({kind: "marked", tab, frame: message.frame ?? entry.frame, mark: message.mark, how: message.how});
    return;
  }
  const {urls, fields, css, hash, shown} = message;
  entry.state = {urls, fields, css, hash, shown};
  if (message.kind === "look") noteAnswer(entry, message);
  else if (message.kind === "policy") tellRefused(message.hash, message.refused);
  else if (message.kind === "found") sayFrame("field", tab, entry.frame, urls[0]);
  else if (message.kind === "shares") sayUnread("share", tab);
};

const welcomeFrame = (port) => {
  const {tab, frameId} = port.sender;
  if (!tab) return;
  const entry = {
    tab: tab.id,
    frame: frameId,
    doc: ++documents,
    marked: false,
    state: null,
    post(message) {
      try {
        port.postMessage(message);
        return true;
      } catch {
        return false; // it ended this instant; that is told separately
      }
    },
  };
  port.onMessage.addListener((message) => {
    if (message.kind === "here") {
      // A prerendered page is in no tab yet: it comes again when it is.
      if (message.prerendering) return;
      const {urls, fields, css, hash, shown} = message;
      entry.state = {urls, fields, css, hash, shown};
      registry.put(tab.id, frameId, entry);
      if (policy.hash) entry.post({kind: "policy", ...policy});
      sayFrame("frame", tab.id, frameId, urls[0]);
    } else if (entry.state) {
      takeFromFrame(entry, tab.id, message);
    }
  });
  port.onDisconnect.addListener(() => {
    void api.runtime.lastError; // reading it tells the browser that it was noticed
    registry.drop(tab.id, frameId, entry);
    noteEnd(entry);
  });
};

// A page that was open before the extension came, or before it was replaced, has no script of it.
const enterOpenPages = async () => {
  const scripts = api.runtime.getManifest().content_scripts;
  for (const {id} of await api.tabs.query({})) {
    for (const {js, world} of scripts) {
      const target = {tabId: id, allFrames: true};
      // Refused for the browser's own pages: those stay unread.
      api.scripting.executeScript({target, files: js, world, injectImmediately: true}).catch(() => {});
    }
  }
};

const heard = (message) => {
  if (message.kind === "look") answerLook(message); // not awaited: a policy may come meanwhile
  else if (message.kind === "policy") takePolicy(message);
  else if (message.kind === "mark") takeMarks(message);
};

api.runtime.onConnect.addListener((port) => {
  if (port.name === "devtools") beside.welcome(port);
  else welcomeFrame(port);
});
api.runtime.onInstalled.addListener(enterOpenPages);
listenToTabs();
others.listen();
wire.open(heard);
