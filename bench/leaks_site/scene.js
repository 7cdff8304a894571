// What the pages of bench/leaks can do. Everything sensitive is magenta over the whole page, and nothing else is.
"use strict";

const FULL = "position:fixed;inset:0;width:100%;height:100%;border:0;z-index:9";
const MAGENTA = "rgb(255,0,255)";
const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
const form = (style) =>
  `<form style="${FULL};background:${MAGENTA};${style}"><input autocomplete="cc-number" style="margin:300px 60%"></form>`;

function put(element) {
  element.id = "put";
  document.body.append(element);
  return element;
}

globalThis.scene = {
  // Calls that leave the page answer first: their answer would be lost with the page.
  go: (url) => void setTimeout(() => location.assign(url)),
  back: () => void setTimeout(() => history.back()),
  forward: () => void setTimeout(() => history.forward()),

  paint: () => document.documentElement.classList.add("secret"),
  clear: () => {
    document.documentElement.classList.remove("secret");
    document.querySelector("section#put")?.remove(); // of `pushThenPaint`
  },
  pushThenPaint(url) {
    history.pushState(null, "", url);
    put(document.createElement("section")).innerHTML = "<b>Card number</b>";
    scene.paint();
  },
  pushThenClear(url) {
    history.pushState(null, "", url);
    scene.remove(); // what an application's view is: elements
    scene.clear();
  },
  view(url) {
    history.pushState(null, "", url);
    put(document.createElement("div")).innerHTML = `<div style="${FULL};background:${MAGENTA}"><b>Card number</b></div>`;
  },
  leaveView(url, after) {
    history.pushState(null, "", url);
    setTimeout(scene.remove, after);
  },
  pushThenClearLater(url, after) {
    history.pushState(null, "", url);
    setTimeout(scene.clear, after);
  },
  async paintThenPush(url) {
    scene.paint();
    await drawn();
    history.pushState(null, "", url);
  },
  async clearThenPush(url, after) {
    scene.clear();
    await drawn();
    setTimeout(() => history.pushState(null, "", url), after);
  },
  paintThenPushLater(url, after) {
    scene.paint();
    setTimeout(() => history.pushState(null, "", url), after);
  },
  hashThenPaint(hash) {
    location.hash = hash;
    scene.paint();
  },
  clearThenHash(hash) {
    scene.clear();
    location.hash = hash;
  },

  frame(url, style = "") {
    const frame = document.createElement("iframe");
    frame.style.cssText = FULL + ";" + style;
    const loaded = new Promise((done) => (frame.onload = () => done(true)));
    frame.src = url;
    put(frame);
    return loaded;
  },
  frameOf(text) {
    const frame = document.createElement("iframe");
    frame.style.cssText = FULL;
    frame.srcdoc = text;
    put(frame);
  },
  srcdocForm: () => scene.frameOf(`<!doctype html>${form("")}`),
  writtenForm() {
    const frame = document.createElement("iframe");
    frame.style.cssText = FULL;
    frame.src = "javascript:void 0";
    put(frame).contentDocument.body.innerHTML = form("");
  },
  turnFrame: (url) => void (document.getElementById("put").src = url),
  show: () => void (document.getElementById("put").style.display = "block"),
  remove: () => document.getElementById("put").remove(),

  form(style = "") {
    put(document.createElement("div")).innerHTML = form(style);
  },
  selected() {
    put(document.createElement("div")).innerHTML = `<div id="pan" style="${FULL};background:${MAGENTA}"></div>`;
  },
  hiddenForm() {
    document.head.insertAdjacentHTML("beforeend", "<style>.waiting form { display: none }</style>");
    const box = put(document.createElement("div"));
    box.className = "waiting";
    box.innerHTML = form("");
  },
  reveal: () => void (document.getElementById("put").className = ""),
  shadowForm() {
    const host = put(document.createElement("div"));
    host.attachShadow({ mode: "closed" }).innerHTML = form("");
  },
  flash(milliseconds) {
    scene.form();
    setTimeout(scene.remove, milliseconds);
  },

  log: () => console.log("%cSECRET", `background:${MAGENTA};padding:80px 400px`),
  // Waits for its user's click, as a page must for what follows.
  onClick(then) {
    put(document.createElement("button")).style.cssText = FULL + ";opacity:0";
    document.getElementById("put").onclick = () => {
      scene.remove();
      then();
    };
  },
  pictureInPicture() {
    scene.onClick(async () => {
      const size = { width: 700, height: 500 };
      scene.picture = await documentPictureInPicture.requestWindow(size);
      scene.picture.document.body.style.background = MAGENTA;
    });
  },
  closePicture: () => scene.picture.close(),
  film() {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [900, 600];
    const draw = () => {
      const pen = canvas.getContext("2d");
      pen.fillStyle = MAGENTA;
      pen.fillRect(0, 0, 900, 600);
    };
    draw();
    setInterval(draw, 100);
    const film = document.createElement("video");
    film.muted = true;
    film.style.cssText = "position:fixed;left:0;top:0;width:4px;height:3px"; // too small to be seen there
    film.srcObject = canvas.captureStream();
    document.body.append(film);
    scene.onClick(async () => {
      await film.play();
      await film.requestPictureInPicture();
    });
  },
  picker: () => scene.onClick(() => {
    const asked = document.createElement("input");
    asked.type = "file";
    asked.click();
  }),
  askPlace: () => void navigator.geolocation.getCurrentPosition(() => {}),
  // Tasks of `milliseconds` each, with a moment between two.
  work(milliseconds, times) {
    const until = performance.now() + milliseconds;
    while (performance.now() < until);
    if (times > 1) setTimeout(() => scene.work(milliseconds, times - 1), 10);
  },
  alert: () => void setTimeout(() => alert("Is this card yours?"), 100),
  print: () => void setTimeout(() => print(), 100),

  prerender(url) {
    const rules = document.createElement("script");
    rules.type = "speculationrules";
    rules.textContent = JSON.stringify({ prerender: [{ urls: [url], eagerness: "immediate" }] });
    document.head.append(rules);
    return HTMLScriptElement.supports("speculationrules");
  },
  restored: () => restored,
  prerendered: () => performance.getEntriesByType("navigation")[0].activationStart > 0,

  popup: (url, features) => Boolean((scene.opened = window.open(url, "opened", features))),
  blankPopup(features) {
    scene.opened = window.open("about:blank", "opened", features);
    scene.opened.document.write(`<title>Blank</title><body style="background:${MAGENTA}">`);
    scene.opened.document.close();
  },
  closePopup: () => scene.opened.close(),
  burn(milliseconds) {
    const until = performance.now() + milliseconds;
    setTimeout(() => {
      while (performance.now() < until);
    });
  },
  scroll(step, every, times) {
    const timer = setInterval(() => {
      scrollBy(0, times % 40 < 20 ? step : -step);
      if (--times <= 0) clearInterval(timer);
    }, every);
  },
};

// Things that a rule no longer names while they are still to be seen.
Object.assign(globalThis.scene, {
  styled: (text) => document.head.insertAdjacentHTML("beforeend", `<style>${text}</style>`),
  dialogPan() {
    scene.styled(`.pan { ${FULL}; max-width: none; max-height: none; background: ${MAGENTA}; opacity: 0;
      transition: display 2s allow-discrete, overlay 2s allow-discrete, opacity 2s }
      .pan[open] { opacity: 1 }`);
    const dialog = put(document.createElement("dialog"));
    dialog.className = "pan";
    dialog.showModal();
  },
  closeDialog: () => document.getElementById("put").close(),
  classPan() {
    scene.styled(`.pan { ${FULL}; background: ${MAGENTA}; opacity: 0; visibility: hidden;
      transition: opacity 2s, visibility 2s }
      .pan.open { opacity: 1; visibility: visible }`);
    const box = put(document.createElement("div"));
    box.className = "pan";
    void box.offsetWidth;
    box.classList.add("open");
  },
  closeClass: () => document.getElementById("put").classList.remove("open"),
  shadowPan() {
    const host = put(document.createElement("div"));
    const root = host.attachShadow({ mode: "closed" });
    root.innerHTML = `<style>.pan { ${FULL}; background: ${MAGENTA}; opacity: 0; transition: opacity 2s }
      .pan.open { opacity: 1 }</style><div class="pan"></div>`;
    void root.lastChild.offsetWidth;
    root.lastChild.classList.add("open");
    scene.closeShadow = () => root.lastChild.classList.remove("open");
  },
  // As frameworks leave a route: the address changes first, then the old view is animated away.
  routeIn(url) {
    history.pushState(null, "", url);
    scene.styled(`.view { ${FULL}; background: ${MAGENTA} } .leave { opacity: 0; transition: opacity 1.5s }`);
    put(document.createElement("div")).className = "view";
  },
  routeOut(url) {
    history.pushState(null, "", url);
    const view = document.getElementById("put");
    view.classList.add("leave");
    view.ontransitionend = () => view.remove();
  },
  routeAnimated(url) {
    history.pushState(null, "", url);
    const view = document.getElementById("put");
    view.animate([{ opacity: 1 }, { opacity: 0 }], { duration: 1500, fill: "forwards" }).onfinish = () => view.remove();
  },
});

// What the browser shows in windows of its own.
Object.assign(globalThis.scene, {
  draggable() {
    put(document.createElement("div")).innerHTML = `<div id="pan" draggable="true"
      style="position:fixed;left:100px;top:150px;width:500px;height:300px;background:${MAGENTA};z-index:9"></div>`;
  },
  list(color = MAGENTA) {
    const list = document.createElement("select");
    list.style.cssText = "position:fixed;left:100px;top:150px;width:600px;height:80px;font-size:32px;z-index:10";
    list.innerHTML = `<option style="background:${color}">Card</option>`.repeat(9);
    document.body.append(list);
  },
});

let restored = false; // from the back/forward cache
addEventListener("pageshow", (shown) => (restored = shown.persisted));
