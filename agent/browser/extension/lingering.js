// What a document may still show although no selector and no address of the policy names it any more: a panel that has
// lost a class and fades, a view that stays until the next one is fetched. It counts as present until it has left the
// view, or has stayed so long that it is no exit. A script sees no pixels: what is displayed, animated and moved tells.
(() => {
  "use strict";
  const {nodes, own, orNull} = globalThis.eyelid;
  const {isGone, isDocument, ownerOf, viewOf, contains, countIn} = nodes;
  const ofDocuments = own(Document.prototype, "getAnimations");
  const ofShadows = own(ShadowRoot.prototype, "getAnimations");
  const isRendered = own(Element.prototype, "checkVisibility");
  const placeOf = own(Element.prototype, "getBoundingClientRect");

  const STAYS = 2000; // ms; Turbo waits for a new style sheet before it takes the old view away
  const AT_MOST = 10000; // ms; what takes longer is no exit, and a page may show it all day
  const BEGINS_WITHIN = 300; // ms; frameworks begin an animation some frames after they have taken a field away
  const STILL = 300; // ms without a step of what a script moves
  const MOST_INSIDE = 500; // elements of one that are asked whether they are displayed
  const MOST = 100; // of what is followed at a time

  const EVENTS = ["transitionrun", "transitionend", "transitioncancel", "animationstart", "animationend", "animationcancel"];
  const BEGINS = new Set(["transitionrun", "animationstart"]);

  const isDisplayed = (element) => {
    if (!isRendered(element, {visibilityProperty: true})) return false;
    const {left, top, right, bottom} = placeOf(element);
    const view = viewOf(ownerOf(element));
    return right > Math.max(left, 0) && bottom > Math.max(top, 0) && left < view.innerWidth && top < view.innerHeight;
  };

  // Without a box of its own (`display: contents`), or hidden, it may hold what is displayed.
  const isInView = (element) => {
    if (isGone(element) || viewOf(ownerOf(element)) === null) return false;
    const hasNoBox = getComputedStyle(element).display === "contents";
    if (!hasNoBox && !isRendered(element, {opacityProperty: true})) return false;
    if (isDisplayed(element)) return true;
    const inside = nodes.all(element, "*");
    return inside.length > MOST_INSIDE || Array.from(inside).some(isDisplayed);
  };

  // An animation inside an SVG is in no list. Of one that repeats the first time counts.
  const SVG_ANIMATIONS = "animate,animateMotion,animateTransform,set";
  const startOf = own(SVGAnimationElement.prototype, "getStartTime");
  const lengthOf = own(SVGAnimationElement.prototype, "getSimpleDuration");
  const timeOf = own(SVGAnimationElement.prototype, "getCurrentTime");
  const isPlaying = (one) => orNull(() => timeOf(one) < startOf(one) + lengthOf(one)) === true;

  const isGoing = ({playState}) => playState === "running" || playState === "paused";

  // One that has begun since then and ends in a while. A scroll-driven one has no times that are numbers.
  const isExit = (animation, since) => {
    const {playbackRate, startTime, effect} = animation;
    const takes = effect?.getComputedTiming().endTime / Math.abs(playbackRate || 1);
    return isGoing(animation) && (startTime === null || startTime >= since) && takes <= AT_MOST;
  };

  class Lingering {
    // `roots()`: the documents and shadow roots that are read from here.
    constructor(doc, roots) {
      this.doc = doc;
      this.roots = roots;
      this.all = new Set();
      this.checkedAt = performance.now(); // until then everything was as it was known
      this.parkedAt = 0;
    }

    // `what`: the "selector" that no longer fits `element`, the "address" or "field" that the document no longer has.
    add(kind, what, element = null) {
      if (this.all.size >= MOST || (element && !isInView(element))) return;
      const one = {
        kind, what, element, leftAt: performance.now(), knownAt: this.checkedAt,
        cleared: false, hiding: new Set(), steppedAt: 0, exits: new Set(), pseudos: 0,
      };
      one.hear = ({type, pseudoElement}) => {
        if (pseudoElement) one.pseudos = Math.max(0, one.pseudos + (BEGINS.has(type) ? 1 : -1));
      };
      one.step = () => {
        one.steppedAt = performance.now();
      };
      for (const name of EVENTS) (element ?? this.doc).addEventListener(name, one.hear);
      if (element) this.doc.addEventListener("scroll", one.step, true);
      this.all.add(one);
    }

    drop(one) {
      for (const name of EVENTS) orNull(() => (one.element ?? this.doc).removeEventListener(name, one.hear));
      this.doc.removeEventListener("scroll", one.step, true);
      this.all.delete(one);
    }

    clear() {
      for (const one of this.all) this.drop(one);
    }

    // It is there again.
    found(what, element = null) {
      for (const one of this.all) if (one.what === what && one.element === element) this.drop(one);
    }

    // An element was given another class or style, or `gone` were taken out of it.
    changed(target, gone) {
      const now = performance.now();
      for (const one of this.all) {
        if (one.kind === "address") {
          if (gone.length > 1 || gone.some(countIn)) one.cleared = true;
          else if (gone.length === 0 && countIn(target) > 0 && one.hiding.size < MOST) one.hiding.add(target);
        } else if (one.element && (contains(one.element, target) || contains(target, one.element))) {
          one.steppedAt = now;
        }
      }
    }

    // A page that the browser keeps for the way back is not drawn meanwhile.
    park() {
      this.parkedAt = performance.now();
    }

    unpark() {
      const away = performance.now() - this.parkedAt;
      for (const one of this.all) one.leftAt += away;
    }

    isThere(one, now) {
      const age = now - one.leftAt;
      if (age > AT_MOST || (one.element && !isInView(one.element))) return false;
      if (age < (one.kind === "field" ? BEGINS_WITHIN : STAYS)) {
        for (const animation of this.animations()) if (isExit(animation, one.knownAt)) one.exits.add(animation);
      }
      if (one.pseudos > 0 || [...one.exits].some(isGoing)) return true;
      if (one.element && Array.from(nodes.all(one.element, SVG_ANIMATIONS)).some(isPlaying)) return true;
      for (const target of one.hiding) one.cleared ||= isGone(target) || !isRendered(target);
      if (one.kind === "field" || one.cleared) return false; // it is no longer in the document
      return age < STAYS || now - one.steppedAt < STILL;
    }

    animations() {
      return this.roots().flatMap((root) => (isDocument(root) ? ofDocuments(root) : ofShadows(root)));
    }

    // `asked`: where somebody waits for it, for it costs a layout.
    refresh(asked) {
      const now = performance.now();
      if (asked) for (const one of this.all) if (!this.isThere(one, now)) this.drop(one);
      this.checkedAt = now;
    }

    // What counts as present, of one kind.
    of(kind) {
      return [...this.all].filter((one) => one.kind === kind).map(({what}) => what);
    }
  }

  globalThis.eyelid.Lingering = Lingering;
})();
