// A mark: a few pixels that show a number of the agent's. It is drawn together with all else that is in the document at
// that moment, so a picture of the screen with the number shows nothing of this document that is older. Only a document
// that is asked for a mark has one, and no longer than it is asked.
(() => {
  "use strict";
  const {nodes, own, orNull} = globalThis.eyelid;
  const {searchIn} = nodes;
  const bodyOf = own(Document.prototype, "body");
  const elementOf = own(Document.prototype, "documentElement");
  const create = own(Document.prototype, "createElementNS");
  const XHTML = "http://www.w3.org/1999/xhtml";

  // All in pixels of the screen.
  const CELL = 2;
  const BITS = 32;
  const WIDE = CELL * BITS;
  const HIGH = 8;
  const INSET = 2;
  const LEGIBLE = 8; // what is lower or narrower shows nothing that can be read
  const LARGE = 400; // a part in view that is as wide and as high has a copy in its middle, too

  const UNSURE_FOR = 1000; // ms; so long a document may not know its frame's size and place
  const ASKED_FOR = 3000; // ms; the agent asks again much sooner, or no longer wants it

  const EVERYTHING = {left: -Infinity, top: -Infinity, right: Infinity, bottom: Infinity};

  const TEXTS = "h1,h2,h3,h4,h5,h6,p,span,blockquote"; // pages give roots to others
  const MOST_TRIED = 200;

  // The page's styles reach an element of the document, but not over these.
  const LAYER = `all: initial !important; display: block !important; position: fixed !important; inset: 0 !important;
    overflow: hidden !important; pointer-events: none !important; direction: ltr !important;
    z-index: 2147483647 !important; transition: none !important; animation: none !important;`;
  const DOT = "position: absolute; forced-color-adjust: none; pointer-events: none; color-scheme: only light;";

  // Where the copies of what is `size` long begin in what is `whole` long, after `start`.
  const begins = (start, whole, size) => {
    const inset = Math.min(INSET, Math.floor((whole - size) / 2));
    const [first, last] = [start + inset, start + whole - inset - size];
    return last - first >= size + INSET ? [first, last] : [first];
  };

  class Mark {
    // `held()`: whether the page may be showing an older picture of itself. `tell(number, how)`: what became of a mark.
    constructor(doc, held, tell) {
      this.doc = doc;
      this.held = held;
      this.tell = tell;
      this.number = null; // as asked for
      this.reported = null;
      this.nextStep = 0; // the animation frame that is asked for
      this.hasStepped = false;
      this.expiry = 0;
      this.layer = null; // an element as big as the document's viewport
      this.cells = null; // its root, with the copies in it
      this.shown = null; // the number in it
      this.place = ""; // what its copies were placed by
      this.seen = null; // the part of the viewport that is in view; null until it is known
      this.wasSeen = false; // in view, at any time
      this.began = performance.now();
      this.observer = new IntersectionObserver((entries) => this.see(entries));
      this.host = null; // the element whose root is `root`
      this.root = null;
    }

    // `number`: eight hexadecimal digits; null: none.
    show(number) {
      clearTimeout(this.expiry);
      cancelAnimationFrame(this.nextStep);
      this.number = number;
      this.reported = null;
      this.hasStepped = false;
      if (number === null) {
        this.end();
        return;
      }
      this.expiry = setTimeout(() => this.show(null), ASKED_FOR);
      this.nextStep = requestAnimationFrame(() => this.step());
      if (this.isEmpty()) this.sayUnseen("empty");
      else this.observe(this.layer ?? elementOf(this.doc));
    }

    end() {
      this.observer.disconnect();
      this.layer?.remove();
      this.layer = null;
      this.shown = null;
      this.seen = null;
    }

    say(how) {
      if (this.number === null || this.reported === how) return;
      this.reported = how;
      this.tell(this.number, how);
    }

    // What has just come into a frame of another process may not know yet that it is in view, or how large it is.
    sayUnseen(how) {
      if (this.wasSeen || performance.now() - this.began > UNSURE_FOR) this.say(how);
    }

    // Chromium leaves a frame that is no longer displayed its size, but its document's element has no box any more. One
    // that the page itself hides is another matter: then the frame is displayed, and may still show what was before.
    isEmpty() {
      if (window.innerWidth === 0 || window.innerHeight === 0) return true;
      const element = elementOf(this.doc);
      return element?.getClientRects().length === 0 && getComputedStyle(element).display !== "none";
    }

    // Only here something is put in: then it is drawn with all else that is in the document in this frame.
    step() {
      this.nextStep = requestAnimationFrame(() => this.step());
      this.hasStepped = true;
      if (this.isEmpty()) {
        this.sayUnseen("empty");
        return;
      }
      if (this.shown !== this.number && this.held()) return;
      const part = this.part();
      const place = JSON.stringify(part);
      if (this.shown !== this.number || this.place !== place) {
        if (!this.put(part)) return;
        this.shown = this.number;
        this.place = place;
      }
      this.judge();
    }

    // The part of the viewport that is in view, in pixels of the screen from the viewport's corner; `pixel` is the size
    // of one of those. A window that is zoomed with two fingers shows a part of it, too.
    part() {
      const {offsetLeft, offsetTop, width, height, scale} = visualViewport;
      const pixels = devicePixelRatio * scale;
      const seen = this.seen ?? EVERYTHING;
      const left = Math.ceil(Math.max(offsetLeft, seen.left) * pixels);
      const top = Math.ceil(Math.max(offsetTop, seen.top) * pixels);
      const right = Math.floor(Math.min(offsetLeft + width, seen.right) * pixels);
      const bottom = Math.floor(Math.min(offsetTop + height, seen.bottom) * pixels);
      return {left, top, width: right - left, height: bottom - top, pixel: 1 / pixels};
    }

    // Begun anew, so that the browser answers also where nothing has changed since its last answer.
    observe(target) {
      if (!target) return; // a document that is being written anew
      this.observer.unobserve(target);
      this.observer.observe(target);
    }

    // Asked in each frame: what scrolls by may show as much of the document as before, but another part.
    see(entries) {
      const ofLayer = entries.filter(({target}) => target === this.layer).at(-1);
      if (ofLayer) {
        const {left, top, right, bottom} = ofLayer.intersectionRect;
        this.seen = {left, top, right, bottom};
        this.wasSeen ||= right > left && bottom > top;
        this.observe(this.layer);
        this.judge();
      } else if (!entries.at(-1).isIntersecting && !this.hasStepped) {
        this.sayUnseen("outside"); // a document that is out of view is not drawn, and has no animation frames
      }
    }

    judge() {
      if (this.seen === null) return;
      const {width, height} = this.part();
      if (width < LEGIBLE || height < LEGIBLE) this.sayUnseen("outside");
      else if (width >= WIDE && height >= HIGH && this.shown === this.number) this.say("shown");
    }

    // Returns whether this document can have one.
    put(part) {
      if (this.layer?.isConnected && this.layer.checkVisibility()) {
        orNull(() => this.layer.hidePopover());
        orNull(() => this.layer.showPopover()); // above all that has come over it
      } else if (!this.start()) {
        return false;
      }
      this.fill(part);
      return true;
    }

    start() {
      this.end();
      const layer = create(this.doc, XHTML, "div");
      for (const home of this.homes()) {
        home.append(layer);
        layer.popover = "manual";
        layer.style.cssText = LAYER;
        orNull(() => layer.showPopover());
        if (layer.checkVisibility()) {
          this.layer = layer;
          this.cells = layer.attachShadow({mode: "closed"});
          nodes.ours.add(this.cells);
          if (window === window.top) this.seen = EVERYTHING;
          else this.observe(layer);
          return true;
        }
        layer.remove();
      }
      return false;
    }

    // In a closed root of an element a mark is neither in the page's way nor in reach of its styles. Before there is a
    // body it would be in the parser's way.
    * homes() {
      if (!bodyOf(this.doc) && nodes.readiness(this.doc) === "loading") return;
      if (!this.root || nodes.isGone(this.host) || !this.host.checkVisibility()) this.findHost();
      if (this.root) yield this.root;
      const element = elementOf(this.doc);
      if (element) yield element;
    }

    // Chromium restarts all animations below an element that is given a root. So one is taken that has nothing but text
    // in it, and the body where there is none.
    findHost() {
      this.root = null;
      const texts = Array.from(searchIn(this.doc).all(this.doc, TEXTS)).slice(0, MOST_TRIED);
      const plain = texts.filter((one) => one.childElementCount === 0 && !one.isContentEditable);
      for (const host of [...plain, bodyOf(this.doc)]) {
        if (!host?.checkVisibility()) continue;
        const root = orNull(() => host.attachShadow({mode: "closed"})); // it has one, or can have none
        if (!root) continue;
        root.append(create(this.doc, XHTML, "slot"));
        nodes.ours.add(root);
        this.host = host;
        this.root = root;
        return;
      }
    }

    fill({left, top, width, height, pixel}) {
      this.cells.replaceChildren();
      if (width < WIDE || height < HIGH) return;
      const zoom = this.layer.currentCSSZoom ?? 1; // of the element that it is in
      const length = (pixels) => `${(pixels * pixel) / zoom}px`;
      const box = (x, y, wide, colour) => {
        const dot = create(this.doc, XHTML, "div");
        const place = `left: ${length(x)}; top: ${length(y)}; width: ${length(wide)}; height: ${length(HIGH)};`;
        dot.style.cssText = `${DOT} ${place} background: ${colour}`;
        return dot;
      };
      const copy = (x, y) => {
        this.cells.append(box(x, y, WIDE, "#000"));
        for (let bit = 0; bit < BITS; bit += 1) {
          if (this.bit(bit)) this.cells.append(box(x + bit * CELL, y, CELL, "#0f0"));
        }
      };
      for (const y of begins(top, height, HIGH)) for (const x of begins(left, width, WIDE)) copy(x, y);
      if (width >= LARGE && height >= LARGE) {
        copy(left + Math.floor((width - WIDE) / 2), top + Math.floor((height - HIGH) / 2));
      }
    }

    // From the left, the most significant first.
    bit(place) {
      return (parseInt(this.number[place >> 2], 16) >> (3 - (place & 3))) & 1;
    }
  }

  globalThis.eyelid.Mark = Mark;
})();
