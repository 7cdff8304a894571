// Tells the extension's own world of calls that no event tells of. An element already in the page was given a shadow root.
// The page asks for the picture of a screen: the browser's dialog shows pictures of other windows and tabs, also of hidden
// ones, and as long as one is granted the page may show it. The page asks for a payment: a payment app's own page comes in
// a dialog and is in no tab. Runs in the page's world, before the page's first script.
//
// Nothing is left in the page but functions that look, print and fail as the browser's own. The two worlds agree on a
// name that is different in every document, so that a page cannot listen for it.
(() => {
  "use strict";
  const {apply} = Reflect;
  const dispatch = EventTarget.prototype.dispatchEvent;
  const Happening = CustomEvent;
  const name = Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("-");

  const offer = () => !apply(dispatch, document, [new Happening("eyelid-offer", {detail: name, cancelable: true})]);
  if (!offer()) document.addEventListener("eyelid-ask", offer, {once: true}); // the other world comes second

  Element.prototype.attachShadow = new Proxy(Element.prototype.attachShadow, {
    apply(original, element, given) {
      const root = apply(original, element, given);
      try {
        // Heard by a listener on the tree that the element is in. One that is in no tree yet is read when it comes in.
        apply(dispatch, element, [new Happening(name)]);
      } catch {
        // The page's own call has succeeded; nothing of ours may make it fail.
      }
      return root;
    },
  });

  // -- what the page may show of elsewhere, or have shown ---------------------------------------------------------

  const {then} = Promise.prototype;
  const later = setTimeout;
  const LIVES_FOR = 300; // ms until a picture is asked whether it has ended: no event tells when the page ends it
  let shown = 0; // dialogs that are open
  let live = []; // pictures that were granted, and copies of them, until they end

  const tell = () => {
    try {
      apply(dispatch, document, [new Happening(`${name}-share`, {detail: shown + live.length})]);
    } catch {
      // As above.
    }
  };
  const count = (by) => {
    shown += by;
    tell();
  };
  // Until the call's promise has an answer, which goes to `end`; null if it is refused.
  const counts = (end) => (original, one, given) => {
    count(1);
    const promise = apply(original, one, given);
    try {
      apply(then, promise, [end, () => end(null)]);
    } catch {
      // The page's own `constructor` of promises threw. Not answered, as far as we know: the page stays unread.
    }
    return promise;
  };
  const wrap = (prototype, method, call) => {
    prototype[method] = new Proxy(prototype[method], {apply: call});
  };

  // A payment app's page is in a dialog, in no tab; it stays until the page says that it has taken its answer.
  if (typeof PaymentRequest !== "undefined") {
    const open = new WeakSet();
    wrap(PaymentRequest.prototype, "show", counts((response) => (response ? open.add(response) : count(-1))));
    wrap(PaymentResponse.prototype, "complete", (original, response, given) => {
      const isOpen = open.delete(response);
      return isOpen ? counts(() => count(-2))(original, response, given) : apply(original, response, given);
    });
  }

  if (typeof MediaDevices === "undefined" || !MediaDevices.prototype.getDisplayMedia) return; // not in an insecure page
  const {getVideoTracks} = MediaStream.prototype;
  const stateOf = Object.getOwnPropertyDescriptor(MediaStreamTrack.prototype, "readyState").get;
  const picturesOf = (stream) => apply(getVideoTracks, stream, []);
  const isLive = (track) => apply(stateOf, track, []) === "live";
  const follow = () => {
    const before = live.length;
    live = live.filter(isLive);
    if (live.length < before) tell();
    if (live.length > 0) later(follow, LIVES_FOR);
  };
  const add = (tracks) => {
    const begins = live.length === 0;
    live = [...live, ...tracks];
    if (begins) follow();
    tell();
  };
  const picture = counts((stream) => {
    if (stream) add(picturesOf(stream));
    count(-1);
  });
  wrap(MediaDevices.prototype, "getDisplayMedia", picture);
  // The older way, which Firefox takes of any page and Chromium of one that an extension has given a picture's id.
  const isOfScreen = (constraints) => {
    try {
      const {video} = constraints;
      return (video.mediaSource ?? "camera") !== "camera" || Boolean(video.mandatory?.chromeMediaSource);
    } catch {
      return false; // no video is asked for
    }
  };
  wrap(MediaDevices.prototype, "getUserMedia", (original, devices, given) =>
    isOfScreen(given[0]) ? picture(original, devices, given) : apply(original, devices, given));
  // A copy lives on when what it was made of has ended.
  const copies = (prototype, tracksOf) => wrap(prototype, "clone", (original, one, given) => {
    const copy = apply(original, one, given);
    if (tracksOf(one).some((track) => live.includes(track))) add(tracksOf(copy));
    return copy;
  });
  copies(MediaStreamTrack.prototype, (track) => [track]);
  copies(MediaStream.prototype, picturesOf);
})();
