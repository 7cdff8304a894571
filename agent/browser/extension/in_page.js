// Tells the extension's own world of two calls that no event tells of: an element already in the page was given a shadow
// root, and the page asks for the picture of a screen. While that is asked, the browser's dialog shows pictures of other
// windows and tabs, also of hidden ones. Runs in the page's world, before the page's first script.
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

  if (typeof MediaDevices === "undefined" || !MediaDevices.prototype.getDisplayMedia) return; // not in an insecure page
  const {then} = Promise.prototype;
  let asked = 0; // calls without an answer
  const count = (by) => {
    asked += by;
    try {
      apply(dispatch, document, [new Happening(`${name}-share`, {detail: asked})]);
    } catch {
      // As above.
    }
  };
  const answered = () => count(-1);
  MediaDevices.prototype.getDisplayMedia = new Proxy(MediaDevices.prototype.getDisplayMedia, {
    apply(original, devices, given) {
      count(1);
      const promise = apply(original, devices, given);
      try {
        apply(then, promise, [answered, answered]);
      } catch {
        // The page's own `constructor` of promises threw. Not answered, as far as we know: the page stays unread.
      }
      return promise;
    },
  });
})();
