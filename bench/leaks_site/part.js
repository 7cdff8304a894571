// One document of a case of bench/leaks_cases.py. The server writes what it is to be into its own <script> element:
// {case, box, depth, state}. The documents of a case are a chain: the top one, the frame in it, the frame in that.
// Orders come to the top one (globalThis.scene) and are handed down to the document whose part it is.
// Everything sensitive is magenta and nothing else is: what takes its place is grey, green or blue.
"use strict";

(() => {
  const given = JSON.parse(document.currentScript.dataset.given);
  const {depth, state} = given;
  const play = given.case;
  const framed = given.target; // the depth of the document that is, or contains, what is sensitive
  const FRAME = "position:absolute;left:0;top:0;width:100%;height:100vh;border:0;z-index:9";
  const LEFT_AFTER = 1000; // ms until what was hidden is removed
  const BUSY = 1500; // ms of work in the task that lets it go
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));

  const urlAt = (at, next) => {
    const secret = (next === "sensitive" || next === "streamed") && play.sensitive.endsWith("address");
    const url = new URL(secret ? "/pay/part" : "/part", `http://${given.hosts[at]}`);
    url.search = new URLSearchParams({case: JSON.stringify(play), depth: at, state: next});
    return url.href;
  };

  // -- what comes -------------------------------------------------------------------------------------------------

  const boxed = () => {
    const hold = document.createElement("div");
    if (play.document !== "shadow_root") {
      hold.innerHTML = given.box;
      return hold.firstElementChild;
    }
    if (play.comes === "template") {
      hold.setHTMLUnsafe(`<div id="put"><template shadowrootmode="closed">${given.box}</template></div>`);
      return hold.firstElementChild;
    }
    hold.id = "put";
    hold.attachShadow({mode: "closed"}).innerHTML = given.box;
    return hold;
  };

  const frameAt = (at, next) => {
    const frame = document.createElement("iframe");
    frame.style.cssText = FRAME;
    frame.id = "put";
    if (play.document === "sandboxed" && at === framed) frame.sandbox = "allow-scripts";
    if (play.document === "srcdoc" && at === framed) {
      const inner = JSON.stringify({...given, depth: at, state: next}).replaceAll("&", "&amp;").replaceAll('"', "&quot;");
      frame.srcdoc = `<!doctype html>${given.style}<body><script src="${given.script}" data-given="${inner}"></script>`;
    } else {
      frame.src = urlAt(at, next);
    }
    return frame;
  };

  const made = () => (depth === framed ? boxed() : frameAt(framed, "sensitive"));

  const anew = (element) => {
    const body = document.createElement("body");
    body.append(element);
    document.body.replaceWith(body);
  };

  // Opening a document anew takes its listeners away.
  const rewritten = () => {
    document.open();
    document.write(`${given.style}<body>`);
    document.close();
    listen();
  };

  const come = {
    insert: () => document.body.append(made()),
    reveal: () => (document.getElementById("put").style.display = ""),
    replace: () => anew(made()),
    written() {
      rewritten();
      document.body.append(made());
    },
    transition: () => void document.startViewTransition(() => document.body.append(made())),
    template() {
      const template = document.createElement("template");
      template.content.append(made());
      const copied = play.document === "shadow_root" ? template.content : template.content.cloneNode(true);
      document.body.append(copied); // a closed root is not cloned
    },
    navigate: () => location.assign(urlAt(depth, "sensitive")),
    streamed: () => location.assign(urlAt(depth, "streamed")),
    history() {
      history.pushState(null, "", urlAt(depth, "sensitive"));
      document.body.append(made());
    },
  };

  const prepare = () => {
    if (play.comes !== "reveal") return;
    const element = made();
    element.style.display = "none";
    document.body.append(element);
  };

  // -- what takes its place ---------------------------------------------------------------------------------------

  const number = (() => {
    let seed = 7; // the same picture each time
    return (below) => (seed = (seed * 48271) % 2147483647) % below;
  })();

  const curve = (place) => {
    const [x, y] = [() => number(innerWidth), () => number(innerHeight)];
    const way = `M${x()} ${y()}C${x()} ${y()} ${x()} ${y()} ${x()} ${y()}`;
    const colour = `hsl(${90 + (place % 120)} 50% 50%)`;
    return `<path d="${way}" fill="none" stroke="${colour}" stroke-opacity=".5" stroke-width="3" stroke-dasharray="7 5"/>`;
  };
  const layer = (place) =>
    `<div style="position:absolute;left:${place * 8}px;top:${place * 5}px;width:500px;height:300px;` +
    `background:#8888;backdrop-filter:blur(30px)"></div>`;
  const many = (count, one) => Array.from({length: count}, (_, place) => one(place)).join("");

  const canvas = (every) => {
    const drawn = document.createElement("canvas");
    [drawn.width, drawn.height] = [innerWidth, innerHeight];
    const pen = drawn.getContext("2d");
    const draw = () => {
      for (let times = 0; times < 400; times += 1) {
        pen.fillStyle = `hsl(${90 + number(120)} 40% 60% / .5)`;
        pen.fillRect(number(drawn.width), number(drawn.height), 300, 200);
      }
    };
    draw();
    if (every) setInterval(draw, every);
    return drawn;
  };
  const video = () => {
    const film = document.createElement("video");
    film.muted = film.autoplay = true;
    film.srcObject = canvas(100).captureStream();
    return film;
  };

  const after = {
    nothing: () => null,
    light: () => many(12, (place) => `<p>Item ${place + 1}: desk lamp, grey</p>`),
    svg: () => `<svg width="${innerWidth}" height="${innerHeight}">${many(6000, curve)}</svg>`,
    layers: () => many(120, layer),
    busy() {
      const until = performance.now() + BUSY;
      while (performance.now() < until);
      return after.light();
    },
    canvas: () => canvas(0),
    video,
  };

  const follow = () => {
    const next = after[play.after]();
    if (next === null) return;
    const place = document.createElement("div");
    if (typeof next === "string") place.innerHTML = next;
    else place.append(next);
    document.body.append(place);
  };

  // -- how it goes ------------------------------------------------------------------------------------------------

  const swap = () => {
    document.getElementById("put").remove();
    follow();
  };

  const leave = {
    remove: swap,
    hide() {
      const element = document.getElementById("put");
      element.style.display = "none";
      follow();
      setTimeout(() => element.remove(), LEFT_AFTER);
    },
    replace() {
      anew(document.createElement("div"));
      follow();
    },
    written() {
      rewritten();
      follow();
    },
    transition() {
      document.startViewTransition(async () => {
        swap();
        await wait(1000 * play.held);
      });
    },
    // Its old picture has a name of its own, and fades as slowly as `held` says.
    named_transition() {
      const slow = `::view-transition-old(old){animation-duration:${play.held}s}`;
      document.head.insertAdjacentHTML("beforeend", `<style>${slow}</style>`);
      document.getElementById("put").style.viewTransitionName = "old";
      document.startViewTransition(swap);
    },
    navigate() {
      if (depth === framed) location.assign(urlAt(depth, "after"));
      else document.getElementById("put").src = urlAt(framed, "after");
    },
    crossing: () => location.assign(urlAt(depth, "after")),
    history() {
      if (play.comes !== "history") {
        history.back();
        return;
      }
      history.pushState(null, "", urlAt(depth, "after"));
      swap();
    },
  };

  // -- orders -----------------------------------------------------------------------------------------------------

  const ORDERS = {
    prepare: [given.comes_at, prepare],
    come: [given.comes_at, () => come[play.comes]()],
    leave: [given.goes_at, () => leave[play.goes]()],
  };

  const take = ({order, delay}) => {
    const [at, act] = ORDERS[order];
    if (at === depth) setTimeout(act, delay);
    else frames[0].postMessage({order, delay}, "*");
  };

  const listen = () => addEventListener("message", ({data}) => {
    if (data?.order in ORDERS) take(data);
  });
  listen();

  globalThis.scene = {order: (order, delay) => take({order, delay})};

  const begin = () => {
    const comesLater = given.comes_at < framed; // then its frame is what comes
    if (depth < framed - 1 || (depth === framed - 1 && !comesLater)) document.body.append(frameAt(depth + 1, "clean"));
    if (state === "after") follow();
    if (play.goes === "crossing") {
      document.head.insertAdjacentHTML("beforeend", "<style>@view-transition { navigation: auto }</style>");
    }
  };
  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin);
})();
