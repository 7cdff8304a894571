// Tells the agent of what comes into a tab, as it happens: each may be an alarm.
"use strict";

const PER_SECOND = 500; // events said one by one; beyond that those of one frame are joined, and none is lost
const OWN_ERROR_PAGE = /^about:(neterror|certerror|blocked|httpsonlyerror)\?/; // Firefox's; no page can be at such
const JOIN_FOR = 50; // ms

const joined = new Map(); // tab, frame and top document -> event waiting to be said
let joinTimer = 0;
let second = 0;
let said = 0;

// A page's addresses that are too long together are cut to the first, and the page is unread.
const fitEvent = (event) => {
  const size = event.urls.reduce((sum, url) => sum + url.length, 0);
  if (size > EVENT_ROOM) Object.assign(event, {urls: [event.urls[0].slice(0, OPAQUE)], unread: true});
  return event;
};

const sayJoined = () => {
  clearTimeout(joinTimer);
  joinTimer = 0;
  for (const event of joined.values()) wire.tell(event);
  joined.clear();
};

// `doc`: the number of the tab's top document of which this is, 0 where that is still to come or has no script.
const say = (what, tab, frame, {urls, fields = [], css = [], unread = false, doc = 0}) => {
  if (urls.length === 0) return; // a tab that has no page yet, or none any more
  const event = fitEvent({
    kind: "event", what, tab, frame, doc, urls: unique(urls).map(clip), fields: unique(fields), css: unique(css), unread,
  });
  const now = Math.floor(performance.now() / 1000);
  if (now !== second) [second, said] = [now, 0];
  said += 1;
  if (said <= PER_SECOND) {
    wire.tell(event);
    return;
  }
  const place = `${tab} ${frame} ${doc}`;
  const waiting = joined.get(place);
  if (waiting) {
    for (const key of ["urls", "fields", "css"]) waiting[key] = unique([...waiting[key], ...event[key]]);
    waiting.unread ||= event.unread;
    fitEvent(waiting);
  } else {
    joined.set(place, event);
  }
  joinTimer ||= setTimeout(sayJoined, JOIN_FOR);
};

// A frame's own address first, then those that are in the tab with it. A new top document leaves the old ones behind.
const sayFrame = (what, tab, frame, url) => {
  if (frame === 0 && (what === "navigate" || what === "commit")) {
    say(what, tab, frame, {urls: [url]});
  } else {
    const known = registry.known(tab, policy.hash);
    say(what, tab, frame, {...known, urls: [url, ...known.urls]});
  }
};

const sayTab = async (tab) => {
  const known = registry.known(tab, policy.hash);
  if (known.urls.length > 0) {
    say("tab", tab, 0, known);
    return;
  }
  const {url, pendingUrl} = await api.tabs.get(tab).catch(() => ({}));
  say("tab", tab, 0, {urls: [pendingUrl, url].filter(Boolean)});
};

// Something has come in front of the tab or beside it, and what it shows cannot be known.
const sayUnread = (what, tab) => {
  const known = registry.known(tab, policy.hash);
  say(what, tab, 0, {...known, urls: known.urls.length > 0 ? known.urls : ["about:blank"], unread: true});
};

const onNavigation = (event, what) => {
  api.webNavigation[event].addListener(({tabId, frameId, url, documentLifecycle}) => {
    registry.touch(tabId);
    if (inTab(documentLifecycle)) sayFrame(what, tabId, frameId, url);
  });
};

const listenToTabs = () => {
  onNavigation("onBeforeNavigate", "navigate");
  onNavigation("onCommitted", "commit");
  onNavigation("onHistoryStateUpdated", "history");
  onNavigation("onReferenceFragmentUpdated", "fragment");
  api.webNavigation.onBeforeNavigate.addListener(({tabId, frameId}) => registry.noteBegun(tabId, frameId));
  api.webNavigation.onErrorOccurred.addListener(({tabId, frameId}) => {
    registry.noteArrived(tabId, frameId);
    registry.touch(tabId);
  });
  api.webNavigation.onCommitted.addListener(({tabId, frameId}) => registry.noteCommit(tabId, frameId));
  api.webNavigation.onDOMContentLoaded.addListener(({tabId, frameId, url}) => {
    if (OWN_ERROR_PAGE.test(url)) registry.noteFailure(tabId, frameId);
  });
  api.webNavigation.onCreatedNavigationTarget.addListener(({tabId, url}) => say("popup", tabId, 0, {urls: [url]}));
  api.tabs.onActivated.addListener(({tabId}) => sayTab(tabId));
  api.tabs.onCreated.addListener(({id, url, pendingUrl}) => {
    say("tab", id, 0, {urls: [pendingUrl, url].filter(Boolean)});
  });
  api.tabs.onUpdated.addListener((tab, {url}) => {
    if (!url) return;
    registry.touch(tab);
    sayFrame("tab", tab, 0, url);
  });
  api.tabs.onAttached.addListener((tab) => sayTab(tab));
  api.tabs.onRemoved.addListener((tab) => registry.forget(tab));
  api.tabs.onReplaced?.addListener((added, removed) => {
    registry.forget(removed);
    sayTab(added);
  });
};
