// What a document may still show although no selector and no address of the policy names it any more: a panel that has
// lost a class and fades, a view that stays until the next one is fetched. It counts as present until it has left the
// view, or has stayed so long that it is no exit. A script sees no pixels: what is displayed, animated and moved tells.
(() => {
  "use strict";
  const {nodes, own, orNull} = globalThis.eyelid;
  const {isGone, isDocument, ownerOf, viewOf, parentOf, contains, countIn, matches, shadow} = nodes;
  const ofDocuments = own(Document.prototype, "getAnimations");
  const ofShadows = own(ShadowRoot.prototype, "getAnimations");
  const isRendered = own(Element.prototype, "checkVisibility");
  const placeOf = own(Element.prototype, "getBoundingClientRect");

  const STAYS = 2000; // ms; Turbo waits for a new style sheet before it takes the old view away
  const AT_MOST = 10000; // ms; what takes longer is no exit, and a page may show it all day
  const BEGINS_WITHIN = 300; // ms; frameworks begin an animation some frames after they have taken a field away
  const STILL = 300; // ms without a step of what a script moves, or between two of its animations
  const MOST_INSIDE = 500; // elements of one that are asked whether they are displayed
  const MOST = 100; // of what is followed at a time

  const RAISED = ":modal,:popover-open";
  const REUSED = "symbol,symbol *,defs *,pattern *,marker *,mask *"; // drawn where something else refers to it
  const UNSEEN = "head *,meta,input[type=hidden]"; // such an element says something of the document and shows nothing

  const EVENTS = ["transitionrun", "transitionend", "transitioncancel", "animationstart", "animationend", "animationcancel"];
  const BEGINS = new Set(["transitionrun", "animationstart"]);
  const LISTED = new Set(["", "::before", "::after", "::marker", "::backdrop"]); // whose animations are in a list

  // The element, where what is around it is not.
  const isHidden = (element) => {
    const around = parentOf(element);
    return !isRendered(element) && (!around || !nodes.isElement(around) || isRendered(around));
  };

  // Shadows, outlines and text that overflows are drawn around an element's box, be that empty.
  const AROUND = 200; // px

  const isDisplayed = (element) => {
    if (!isRendered(element)) return false;
    if (!isRendered(element, {visibilityProperty: true})) return drawsBeside(element, () => true);
    const {left, top, right, bottom} = placeOf(element);
    const view = viewOf(ownerOf(element));
    const isNear = Math.max(left - view.innerWidth, top - view.innerHeight, -right, -bottom) <= AROUND;
    return isNear || drawsBeside(element, ({position}) => position === "fixed" || position === "absolute");
  };

  // Whether a style sheet's content before or after it, for which `where` holds, may be in view where it is not.
  const drawsBeside = (element, where) =>
    ["::before", "::after"].some((which) => {
      const style = getComputedStyle(element, which);
      return !["none", "normal"].includes(style.content) && style.visibility === "visible" && where(style);
    });

  // `element` and what is in it and in its shadow roots; null where that is too much to ask.
  const allWithin = (element) => {
    const found = [element];
    for (const one of found) {
      if (found.length > MOST_INSIDE) return null;
      const root = shadow(one);
      if (root) found.push(...nodes.searchIn(root).all(root, "*"));
      if (one === element) found.push(...nodes.all(one, "*"));
    }
    return found;
  };

  // What cannot be told counts as in view: of an element without a box of its own, or in a layer above all others.
  const isInView = (element) => {
    if (isGone(element) || viewOf(ownerOf(element)) === null) return false;
    if (getComputedStyle(element).display === "contents" || matches(element, REUSED)) return true;
    if (matches(element, RAISED) || nodes.first(element, RAISED)) return true;
    if (!isRendered(element, {opacityProperty: true})) return false;
    return isDisplayed(element) || (allWithin(element)?.some(isDisplayed) ?? true);
  };

  // An animation inside an SVG is in no list. Of one that repeats the first time counts.
  const SVG_ANIMATIONS = "animate,animateMotion,animateTransform,set";
  const startOf = own(SVGAnimationElement.prototype, "getStartTime");
  const lengthOf = own(SVGAnimationElement.prototype, "getSimpleDuration");
  const timeOf = own(SVGAnimationElement.prototype, "getCurrentTime");
  const isPlaying = (one) => orNull(() => timeOf(one) < startOf(one) + lengthOf(one)) === true;

  // What a closed <details> holds may still be drawn, and no list and no event tells of that animation. Chromium's style
  // says so, in Firefox only what is in it.
  const isClosing = (details) =>
    getComputedStyle(details, "::details-content").contentVisibility === "visible" ||
    Array.from(nodes.all(details, ":scope > :not(summary)")).some((one) => isRendered(one));
  const CLOSED = "details:not([open])";

  const isGoing = ({playState}) => playState === "running" || playState === "paused";

  // One that ends in a while. When it began does not count: a script reverses what brought a view in, or resumes what rested
  // in the middle.
  const isExit = (animation) => {
    const {playbackRate, effect} = animation;
    return isGoing(animation) && effect?.getComputedTiming().endTime / Math.abs(playbackRate || 1) <= AT_MOST;
  };

  // Of one that runs forwards; each document has a clock of its own.
  const beganAt = ({playbackRate, startTime, timeline}, now) =>
    startTime === null || playbackRate < 0 ? -Infinity : now - (timeline?.currentTime - startTime);

  class Lingering {
    // `roots()`: the documents and shadow roots that are read from here.
    constructor(doc, roots) {
      this.doc = doc;
      this.roots = roots;
      this.all = new Set();
      this.parkedAt = 0;
    }

    // `what`: the "selector" that no longer fits `element`, the name that this "control" no longer has, the "address" or
    // "field" that the document no longer has. Where more leaves than can be followed, the whole document is.
    add(kind, what, element = null) {
      if (element && matches(element, UNSEEN)) return this.add("sign", what);
      if (element && !isInView(element)) return;
      const known = [...this.all].filter((one) => (one.element === null) === (element === null));
      if (known.length >= MOST && element === null) {
        this.drop(known[0]); // as where the address follows what is scrolled: the latest count
      } else if (known.length >= MOST) {
        element = this.doc.documentElement;
        if (known.some((one) => one.what === what && one.element === element)) return;
      }
      const one = {
        kind, what, element, leftAt: performance.now(),
        cleared: false, hiding: new Set(), steppedAt: 0, exits: null, animatedAt: -Infinity, pseudos: 0,
      };
      one.hear = ({type, pseudoElement}) => {
        if (!LISTED.has(pseudoElement)) one.pseudos = Math.max(0, one.pseudos + (BEGINS.has(type) ? 1 : -1));
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
      if (this.all.size === 0) return;
      const now = performance.now();
      const isPage = matches(target, "html,body"); // a script's variables are there
      for (const one of this.all) {
        if (one.element === null && one.kind !== "field") {
          if (gone.length > 1 || gone.some(countIn)) one.cleared = true;
          else if (gone.length === 0 && countIn(target) > 0 && one.hiding.size < MOST) one.hiding.add(target);
        } else if (one.element && (contains(one.element, target) || (!isPage && contains(target, one.element)))) {
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

    isThere(one, now, animations) {
      const age = now - one.leftAt;
      if (age > AT_MOST || (one.element && !isInView(one.element))) return false;
      if (one.pseudos > 0 || this.isLeaving(one, now, animations)) return true;
      if (one.element && Array.from(nodes.all(one.element, SVG_ANIMATIONS)).some(isPlaying)) return true;
      if (one.element && this.closedAt(one.element).some(isClosing)) return true;
      for (const target of one.hiding) one.cleared ||= isGone(target) || isHidden(target);
      if (one.kind === "field" || one.cleared) return false; // it is no longer in the document
      return age < STAYS || now - one.steppedAt < STILL;
    }

    // Such as are in it, and those that it is in.
    closedAt(element) {
      const found = Array.from(nodes.all(element, CLOSED));
      for (let around = element; around && nodes.isElement(around); around = parentOf(around)) {
        if (matches(around, CLOSED)) found.push(around);
      }
      return found;
    }

    // What is animated as it leaves or soon after, and what of the element soon follows on that: a script that begins
    // the next one at the end of the last may do so some time after a look has found that end.
    isLeaving(one, now, animations) {
      const within = one.kind === "field" ? BEGINS_WITHIN : STAYS;
      const isFirst = one.exits === null;
      one.exits ??= new Set();
      const wasLeaving = one.exits.size > 0 || now - one.animatedAt < STILL;
      for (const animation of animations.filter(isExit)) {
        const isSoon = (isFirst || now - one.leftAt < within) && beganAt(animation, now) <= one.leftAt + within;
        if (isSoon || (wasLeaving && this.isOf(one.element, animation))) one.exits.add(animation);
      }
      if (one.element && one.exits.size > 0) one.animatedAt = now; // looks may be rare: not since when it has ended
      for (const animation of one.exits) if (!isGoing(animation)) one.exits.delete(animation);
      return one.exits.size > 0 || now - one.animatedAt < STILL;
    }

    isOf(element, {effect: {target}}) {
      return element !== null && target !== null && (contains(element, target) || contains(target, element));
    }

    animations() {
      return this.roots().flatMap((root) => (isDocument(root) ? ofDocuments(root) : ofShadows(root)));
    }

    // `asked`: where somebody waits for it, for it costs a layout.
    refresh(asked) {
      if (!asked || this.all.size === 0) return;
      const now = performance.now();
      const animations = this.animations();
      for (const one of this.all) if (!this.isThere(one, now, animations)) this.drop(one);
    }

    // What counts as present, of one kind.
    of(kind) {
      return [...this.all].filter((one) => one.kind === kind).map(({what}) => what);
    }
  }

  globalThis.eyelid.Lingering = Lingering;
})();
