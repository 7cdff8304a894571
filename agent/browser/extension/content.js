// One document's answers: tells the background what is present here, and whether the picture is this page. Reads
// addresses, form controls and shadow roots; never what a person types, and changes nothing in the page.
(() => {
  "use strict";
  const doc = document; // a window may go on to another document; this script may then not
  const {Findings, nodes, orNull, serving} = globalThis.eyelid;
  if (serving?.doc === doc && serving.lives()) return;
  const api = globalThis.browser?.runtime?.connect ? browser : chrome; // or an element called "browser"
  const self = {doc, lives: () => api.runtime?.id !== undefined}; // false once the extension was removed or replaced
  globalThis.eyelid.serving = self;

  const DRAWN_WITHIN = 400; // ms; what a look waits for the picture at most
  const BLANK_FOR = 2000; // ms; a page without any content is taken as painted when it is that old
  const STALE_AFTER = 1000; // ms; what has loaded and draws nothing for that long shows nothing
  const NEVER_DONE = 30_000; // ms; nor does what has not loaded by then
  const AWAKE_FOR = 500; // ms; between two looks: this document could have drawn

  // A window that another one wrote into goes by the writer's address, not by what was written; nothing was fetched
  // for it. Its content has no address of its own.
  const isWritten = () => {
    if (window !== window.top) return false;
    const [navigation] = performance.getEntriesByType("navigation");
    return location.href === "about:blank" || (navigation?.fetchStart === 0 && navigation.responseStart === 0);
  };

  let port = null;
  let parked = false; // kept by the browser for "back", not in any tab
  let url = location.href;
  const written = isWritten();
  let drawn = false; // twice since this document or what is present in it changed
  let changedAt = performance.now();
  let changes = 0;
  let drawing = false; // waiting for the page to be drawn twice
  let pictured = false; // seen to be in the picture, and nothing has happened since that could have changed that
  let contentful = false;
  const printed = new Set(); // what was present when the print preview came: it stays in the picture as long as that
  const leaving = new Map(); // a name, a place or an address that has just left -> {what, change, at, askedAt}

  const visibility = () => nodes.visibility(doc);
  const readiness = () => nodes.readiness(doc);

  const twice = (then) => requestAnimationFrame(() => requestAnimationFrame(then));

  // While one runs, what is on screen is a picture of the page before, whatever is drawn beneath it. Newer browsers have
  // them for a part of a page, too; one that does not know the selector has none.
  const inTransition = () => orNull(() => findings.has(":active-view-transition")) === true;

  const noteChange = (left) => {
    drawn = false;
    pictured = false;
    changedAt = performance.now();
    changes += 1;
    for (const what of left) leaving.set(what, {what, change: changes, at: changedAt, askedAt: null});
    awaitDrawing();
  };

  // One wait at a time: in a frame out of sight it may never end.
  const awaitDrawing = () => {
    if (drawing) return;
    drawing = true;
    const begun = changes;
    twice(() => {
      drawing = false;
      if (inTransition()) {
        awaitDrawing();
        return;
      }
      for (const one of leaving.values()) if (one.change <= begun) leaving.delete(one.what);
      if (begun === changes) drawn = true;
      else awaitDrawing();
    });
  };

  const onFindings = (came, left) => {
    for (const what of came) leaving.delete(what);
    noteChange(left);
    if (came.length > 0) post({kind: "found", ...state()});
  };

  const onEmptied = () => {
    listen();
    noteChange([]);
  };

  const findings = new Findings(doc, onFindings, onEmptied);

  const noteAddress = () => {
    if (location.href === url) return;
    const before = url;
    url = location.href;
    leaving.delete(url);
    noteChange([before]);
  };

  // Off-screen frames of other origins are never drawn, hidden tabs neither: what left them must not stay for ever.
  // A document that could answer a look, and half a second later still drew nothing, shows nothing. Timers would not
  // do: they fire after a busy script and before its page is drawn, and hardly at all in a hidden tab.
  const expire = () => {
    const now = performance.now();
    for (const one of leaving.values()) {
      if (now - one.at < STALE_AFTER) continue;
      if (one.askedAt === null) one.askedAt = now;
      else if (visibility() === "hidden" || now - one.askedAt >= AWAKE_FOR) leaving.delete(one.what);
    }
  };

  const isAddress = (what) => typeof what === "string" && what.includes(":");

  // A frame whose style sheets have not come is not drawn either, and the picture is still that of the one before.
  const isStale = () => {
    const quiet = performance.now() - changedAt;
    return quiet > (readiness() === "complete" ? STALE_AFTER : NEVER_DONE);
  };

  const state = () => {
    const left = [...leaving.keys(), ...printed];
    return {
      urls: [...new Set([...(written ? ["about:blank"] : []), url, ...left.filter(isAddress)])],
      fields: [...new Set([...findings.fields, ...left.filter((what) => typeof what === "string" && !isAddress(what))])],
      css: [...new Set([...findings.css, ...left.filter((what) => typeof what === "number")])],
      hash: findings.hash,
      readFrames: findings.frameNumbers,
      unread: findings.unread,
      shown: visibility() === "visible",
    };
  };

  const current = () => {
    noteAddress();
    findings.refresh();
    expire();
    return state();
  };

  const both = (before, after) => {
    const joined = {...after};
    for (const key of ["urls", "fields", "css"]) joined[key] = [...new Set([...after[key], ...before[key]])];
    joined.unread ||= before.unread;
    return joined;
  };

  const age = () => performance.now() - (performance.getEntriesByType("navigation")[0]?.activationStart ?? 0);

  // `draw`: frames of this tab have come or gone, so that the picture may still hold one that is no longer here.
  const look = ({id, top, draw}) => {
    const before = current();
    if (!top || !before.shown) {
      post({kind: "look", id, ...before, painted: drawn || isStale()});
      return;
    }
    if (pictured && !draw && !inTransition()) {
      post({kind: "look", id, ...before, painted: true});
      return;
    }
    const begun = changes;
    let answered = false;
    const answer = (inTime) => {
      if (answered) return;
      answered = true;
      clearTimeout(late);
      const painted = inTime && (contentful || age() > BLANK_FOR) && !inTransition();
      const after = current();
      pictured = painted && after.shown && begun === changes;
      post({kind: "look", id, ...both(before, after), painted});
    };
    const late = setTimeout(() => answer(false), DRAWN_WITHIN);
    twice(() => answer(true));
  };

  // What has just left is still in the picture under the new policy too, perhaps at another place of its list.
  const takePolicy = (policy) => {
    findings.refresh();
    const texts = findings.texts;
    for (const one of [...leaving.values()]) {
      if (isAddress(one.what)) continue;
      leaving.delete(one.what);
      if (typeof one.what === "number") one.what = policy.css.indexOf(texts[one.what]);
      if (one.what >= 0 || policy.fields.includes(one.what)) leaving.set(one.what, one);
    }
    for (const what of [...printed].filter((one) => typeof one === "number")) {
      printed.delete(what);
      if (policy.css.includes(texts[what])) printed.add(policy.css.indexOf(texts[what]));
    }
    findings.setPolicy(policy);
    noteChange([]);
  };

  const take = (message) => {
    if (document !== doc) {
      stop();
    } else if (message.kind === "look") {
      look(message);
    } else {
      takePolicy(message);
      post({kind: "policy", hash: message.hash, refused: findings.selectors.refused, ...state()});
    }
  };

  const post = (message) => {
    try {
      port?.postMessage(message);
    } catch {
      // The port died this instant; its end is told separately.
    }
  };

  const connect = () => {
    if (parked || port) return;
    try {
      port = api.runtime.connect({name: "frame"});
    } catch {
      stop(); // the extension was removed or replaced; its successor starts anew in this page
      return;
    }
    const mine = port;
    mine.onMessage.addListener(take);
    mine.onDisconnect.addListener(() => {
      void api.runtime.lastError; // reading it tells the browser that it was noticed
      if (port !== mine) return;
      port = null;
      setTimeout(connect, 100);
    });
    post({kind: "here", prerendering: doc.prerendering === true, ...state()});
  };

  const disconnect = () => {
    const mine = port;
    port = null;
    mine?.disconnect();
  };

  const onHide = () => {
    parked = true;
    disconnect();
  };

  const onShow = () => {
    if (!parked) return;
    parked = false;
    noteChange([]);
    connect();
  };

  // The browser numbers the frames of a prerendered page anew when it comes into the tab.
  const onActivation = () => {
    noteChange([]);
    disconnect();
    connect();
  };

  const onReadiness = () => {
    if (!drawn) changedAt = performance.now(); // only now it can be drawn at all
  };

  const onPrint = () => {
    const {urls, fields, css} = current();
    for (const what of [...urls, ...fields, ...css]) printed.add(what);
  };

  const onPrinted = () => {
    const left = [...printed];
    printed.clear();
    noteChange(left);
  };

  const onVisibility = () => {
    pictured = false;
  };

  const onOffer = (event) => {
    event.preventDefault();
    findings.listenFor(event.detail);
  };

  const LISTENERS = [
    [window, "pagehide", onHide],
    [window, "pageshow", onShow],
    [window, "beforeprint", onPrint],
    [window, "afterprint", onPrinted],
    [doc, "visibilitychange", onVisibility],
    [doc, "readystatechange", onReadiness],
  ];

  const listen = () => {
    for (const [target, name, hear] of LISTENERS) target.addEventListener(name, hear);
  };

  const stop = () => {
    disconnect();
    parked = true;
    findings.stop();
    for (const [target, name, hear] of LISTENERS) target.removeEventListener(name, hear);
    if (globalThis.eyelid.serving === self) globalThis.eyelid.serving = null;
  };

  try {
    new PerformanceObserver((list) => {
      if (list.getEntriesByName("first-contentful-paint").length > 0) contentful = true;
    }).observe({type: "paint", buffered: true});
  } catch {
    // Without it a page counts as painted when it is two seconds old.
  }
  listen();
  doc.addEventListener("prerenderingchange", onActivation, {once: true});
  globalThis.navigation?.addEventListener?.("currententrychange", noteAddress);
  doc.addEventListener("eyelid-offer", onOffer, {once: true});
  doc.dispatchEvent(new CustomEvent("eyelid-ask"));
  connect();
  findings.start();
  noteChange([]);
})();
