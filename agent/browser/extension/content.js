// One document's answers: tells the background what is present here, at once. Whether the picture is this page too, no
// script can know: for that the agent asks for a mark (mark.js), the only thing that is ever put into a page. Reads
// addresses, form controls and shadow roots; never what a person types.
(() => {
  "use strict";
  const doc = document; // a window may go on to another document; this script may then not
  const {Findings, Mark, frames, nodes, own, orNull, serving} = globalThis.eyelid;
  if (serving?.doc === doc && serving.lives()) return;
  const api = globalThis.browser?.runtime?.connect ? browser : chrome; // or an element called "browser"
  const self = {doc, lives: () => api.runtime?.id !== undefined}; // false once the extension was removed or replaced
  globalThis.eyelid.serving = self;

  // A window that another one wrote into goes by the writer's address, not by what was written; nothing was fetched
  // for it. Its content has no address of its own.
  const isWritten = () => {
    if (window !== window.top) return false;
    const [navigation] = performance.getEntriesByType("navigation");
    return location.href === "about:blank" || (navigation?.fetchStart === 0 && navigation.responseStart === 0);
  };

  let port = null;
  let parked = false; // kept by the browser for "back", not in any tab
  const written = isWritten();
  const DIALOG_STAYS = 1000; // ms; the browser goes on drawing a print preview after it has said that it has closed

  const printed = new Set(); // what was present when the print preview came: it stays in the picture as long as that
  let previewed = 0; // the timer that ends that
  let shareEvent = ""; // by which the page's world tells how many of its calls for a picture of a screen are unanswered
  let shares = false; // until the dialog for one has gone: it shows pictures of anything
  let shared = 0; // the timer that ends that
  const kept = new Set(); // what was present when the page was left: it comes back with the old picture
  let keptFrames = false; // and there were frames in it, of which only the browser knows what they showed

  const visibility = () => nodes.visibility(doc);

  // While one runs, what is on screen may be an older picture, whatever is put beneath it. One of a part of a page is
  // found by its selector; a browser that does not know that has none.
  const transitionOf = orNull(() => own(Document.prototype, "activeViewTransition"));
  const HAS_TRANSITIONS = CSS.supports("selector(:active-view-transition)");
  const inTransition = () => {
    if (transitionOf?.(doc)) return true;
    return HAS_TRANSITIONS && orNull(() => findings.has(":active-view-transition")) !== false;
  };

  const findings = new Findings(doc, () => post({kind: "found", ...state()}), () => listen());
  const mark = new Mark(doc, inTransition, (number, how) => post({kind: "marked", mark: number, how}));

  const isAddress = (what) => typeof what === "string" && what.includes(":");
  const isName = (what) => typeof what === "string" && !what.includes(":");

  const state = () => {
    const more = [...printed, ...kept];
    const former = [...findings.lingering.of("address"), ...more.filter(isAddress)];
    return {
      urls: [...new Set([...(written ? ["about:blank"] : []), location.href, ...former])],
      fields: [...new Set([...findings.fields, ...more.filter(isName)])],
      css: [...new Set([...findings.css, ...more.filter((what) => typeof what === "number")])],
      hash: findings.hash,
      readFrames: findings.frameNumbers,
      census: findings.census,
      unread: findings.unread || keptFrames || shares,
      shown: visibility() === "visible",
    };
  };

  const current = () => {
    findings.refresh();
    return state();
  };

  const remember = (kind, {urls, fields, css}) => {
    for (const what of [...urls, ...fields, ...css]) kind.add(what);
  };

  // What is remembered may be at another place of the new policy's list.
  const takePolicy = (policy) => {
    findings.refresh();
    const texts = findings.texts;
    for (const kind of [printed, kept]) {
      for (const what of [...kind].filter((one) => typeof one === "number")) {
        kind.delete(what);
        if (policy.css.includes(texts[what])) kind.add(policy.css.indexOf(texts[what]));
      }
    }
    findings.setPolicy(policy);
  };

  // `marks`: the number of a frame -> the mark that it is to show. The agent believes it of a frame once a picture has
  // shown a mark of this document that is younger.
  const vouch = (marks) => {
    for (const element of findings.frames.keys()) {
      const frame = frames.numberIn(element);
      const how = frame !== null && marks[frame] ? frames.unseen(element) : null;
      if (how !== null) post({kind: "marked", frame, mark: marks[frame], how});
    }
  };

  const take = (message) => {
    if (document !== doc) {
      stop();
    } else if (message.kind === "look") {
      post({kind: "look", id: message.id, ...current()});
      kept.clear(); // from here on the agent asks for a mark
      keptFrames = false;
    } else if (message.kind === "mark") {
      mark.show(message.mark);
    } else if (message.kind === "frames") {
      vouch(message.marks);
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
    mark.show(null); // a page that is kept for the way back would come with it
    remember(kept, state());
    keptFrames = findings.frames.size > 0;
    findings.lingering.park();
    disconnect();
  };

  const onShow = () => {
    if (!parked) return;
    parked = false;
    findings.lingering.unpark();
    connect();
  };

  // Also between two looks: the roots that a page got meanwhile are looked for when it is back in view.
  const onVisibility = () => {
    if (visibility() !== "visible") findings.wasShown = false;
  };

  // The browser numbers the frames of a prerendered page anew when it comes into the tab.
  const onActivation = () => {
    disconnect();
    connect();
  };

  const onPrint = () => {
    mark.show(null); // nor is it printed
    clearTimeout(previewed);
    remember(printed, current());
  };

  const onPrinted = () => {
    clearTimeout(previewed);
    previewed = setTimeout(() => printed.clear(), DIALOG_STAYS);
  };

  const onShare = ({detail}) => {
    clearTimeout(shared);
    if (detail === 0) {
      shared = setTimeout(() => {
        shares = false;
      }, DIALOG_STAYS);
    } else {
      shares = true;
      post({kind: "shares", ...state()});
    }
  };

  const onOffer = (event) => {
    event.preventDefault();
    findings.listenFor(event.detail);
    shareEvent = `${event.detail}-share`;
    doc.addEventListener(shareEvent, onShare);
  };

  const LISTENERS = [
    [window, "pagehide", onHide],
    [window, "pageshow", onShow],
    [window, "beforeprint", onPrint],
    [window, "afterprint", onPrinted],
    [window, "visibilitychange", onVisibility],
  ];

  const listen = () => {
    for (const [target, name, hear] of LISTENERS) target.addEventListener(name, hear, true);
    if (shareEvent) doc.addEventListener(shareEvent, onShare);
  };

  const stop = () => {
    disconnect();
    parked = true;
    mark.show(null);
    findings.stop();
    doc.removeEventListener(shareEvent, onShare);
    for (const [target, name, hear] of LISTENERS) target.removeEventListener(name, hear, true);
    if (globalThis.eyelid.serving === self) globalThis.eyelid.serving = null;
  };

  listen();
  doc.addEventListener("prerenderingchange", onActivation, {once: true});
  doc.addEventListener("eyelid-offer", onOffer, {once: true});
  doc.dispatchEvent(new CustomEvent("eyelid-ask"));
  connect();
  findings.start();
})();
