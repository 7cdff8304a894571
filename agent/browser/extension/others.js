// Other extensions of this browser: which are switched on, and in which windows one of them may be showing something
// that is no tab (a popup, a side panel, a page in place of the browser's own new tab). No script of ours may run there
// and no list has it, so what gives it away is who has the focus and how much room the page has.
"use strict";

const ASIDE = 60; // pixels; a border takes less, a side panel three times as much and more
// Firefox draws an extension's popup in an X window of its own, which no browser answers for. Chromium draws it inside
// the browser's window, which then no longer has the focus that the desktop gave it. It may stay when another program
// gets the focus.
const POPUPS_WITHIN = api.runtime.getBrowserInfo === undefined;
// Chromium gives an extension's page the address of its own page that it replaces.
const REPLACEABLE = /^(chrome|edge):\/\/(newtab|history|bookmarks)(\/|$)/;

const others = {
  known: null, // promise of their ids

  ids() {
    this.known ??= api.management.getAll().then(
      (all) => all.filter(({id, enabled, type}) => enabled && type !== "theme" && id !== api.runtime.id)
        .map(({id}) => id)
        .sort(),
      (error) => {
        this.known = null;
        throw error;
      },
    );
    return this.known;
  },

  mayShowIn(window) {
    if (window.state === "minimized") return false;
    if (!POPUPS_WITHIN) return hasSomethingAside(window);
    return !window.focused || hasSomethingAside(window) || window.tabs.some(isReplaceable);
  },

  listen() {
    for (const name of ["onInstalled", "onUninstalled", "onEnabled", "onDisabled"]) {
      api.management[name].addListener(() => {
        this.known = null;
      });
    }
    if (!POPUPS_WITHIN) return;
    api.windows.onFocusChanged.addListener(async (window) => {
      if (window !== api.windows.WINDOW_ID_NONE) return;
      const extensions = await this.ids();
      const nothing = {urls: [], fields: [], css: []};
      if (extensions.length > 0) wire.tell({kind: "event", what: "extension", tab: -1, frame: 0, ...nothing, extensions});
    });
  },
};

const isReplaceable = ({url = "", pendingUrl = ""}) => REPLACEABLE.test(url) || REPLACEABLE.test(pendingUrl);

const hasSomethingAside = ({width, tabs}) => {
  const front = tabs.find(({active}) => active);
  const split = front?.splitViewId ?? -1;
  const inFront = tabs.filter((tab) => tab === front || (split !== -1 && tab.splitViewId === split));
  return inFront.length > 0 && width - inFront.reduce((sum, tab) => sum + tab.width, 0) > ASIDE;
};
