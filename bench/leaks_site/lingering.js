// What lingers after its name has gone (leaks_transitions.py).
"use strict";

Object.assign(globalThis.scene, {
  // `more`: how `.pan` goes once it is no longer `.open`, by which the policy knows it.
  panWith(more) {
    scene.styled(`.pan { ${FULL}; background: ${MAGENTA} } ${more}`);
    put(document.createElement("div")).className = "pan open";
  },
  shut: () => document.getElementById("put").classList.remove("open"),
  shutThenGo(url) {
    scene.shut();
    setTimeout(() => location.assign(url), 100);
  },
  shutLate(after) {
    scene.shut();
    setTimeout(() => document.getElementById("put").classList.add("leave"), after);
  },
  // The form is taken away as the page is left, and what stands in its place takes long to draw.
  removeAndGo(url) {
    const circle = (n) => `<circle cx="${(n * 37) % 1000}" cy="${(n * 61) % 700}" r="90" opacity=".3" filter="url(#b)"/>`;
    const circles = Array.from({ length: 400 }, (_, n) => circle(n)).join("");
    const drawing = `<svg style="position:fixed;inset:0" width="1000" height="700"><filter id="b"><feGaussianBlur stdDeviation="12"/></filter>${circles}</svg>`;
    addEventListener("pagehide", () => {
      scene.remove();
      document.body.insertAdjacentHTML("beforeend", drawing);
    }, { once: true });
    location.assign(url);
  },
  // Tasks one after the other, between which messages come in.
  shutThenWork(milliseconds, times) {
    scene.shut();
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      const until = performance.now() + milliseconds;
      while (performance.now() < until);
      if (--times > 0) channel.port2.postMessage(0);
    };
    channel.port2.postMessage(0);
  },
  // An animation that brings it in, and rests before or at its end; `goOn` is what it does afterwards.
  panBrought(duration, rests) {
    scene.panWith("");
    const steps = [{ opacity: 0 }, { opacity: 1, offset: 0.1 }, { opacity: 1, offset: 0.9 }, { opacity: rests ? 0 : 1 }];
    scene.going = document.getElementById("put").animate(steps, { duration, fill: "both" });
    if (!rests) return scene.going.finish();
    scene.going.pause();
    scene.going.currentTime = duration / 3;
  },
  shutBrought(goOn) {
    scene.shut();
    scene.going.onfinish = scene.remove;
    scene.going[goOn]();
  },
  shutWhileFading(before, duration) {
    const steps = [{ opacity: 1 }, { opacity: 1, offset: 0.9 }, { opacity: 0 }];
    document.getElementById("put").animate(steps, { duration, fill: "both" }).onfinish = scene.remove;
    setTimeout(scene.shut, before);
  },
  async shutInSteps(...durations) {
    scene.shut();
    for (const duration of durations) {
      await document.getElementById("put").animate([{}, { translate: "2px" }], { duration }).finished;
    }
    scene.remove();
  },
  boxless(style) {
    scene.styled(`.pan { position: fixed; left: 500px; top: 300px; width: 0; height: 0; z-index: 9 } ${style}`);
    put(document.createElement("div")).className = "pan open";
  },
  shutAndRemove(after) {
    scene.shut();
    setTimeout(scene.remove, after);
  },
  // In a frame in which nothing was loaded: the page's own script reads it, and it has a clock of its own.
  panInFrame(seconds) {
    const frame = document.createElement("iframe");
    frame.style.cssText = FULL;
    frame.src = "javascript:void 0";
    put(frame).contentDocument.body.innerHTML = `<style>.pan { position: fixed; inset: 0; background: ${MAGENTA} }
      .pan:not(.open) { opacity: 0; transition: opacity ${seconds}s steps(1, end) }</style><div class="pan open"></div>`;
  },
  shutInFrame: () => document.getElementById("put").contentDocument.querySelector(".pan").classList.remove("open"),
  shutAtRate(duration, rate) {
    scene.shut();
    const box = document.getElementById("put");
    const going = box.animate([{ opacity: 1 }, { opacity: 0 }], { duration, fill: "forwards" });
    going.playbackRate = rate;
    going.onfinish = () => box.remove();
  },
  shutBySmil() {
    scene.shut();
    document.getElementById("put").innerHTML =
      `<svg width="100%" height="100%"><rect width="100%" height="100%" fill="${MAGENTA}">
        <animate attributeName="opacity" values="1;1;0" dur="3s" fill="freeze" begin="indefinite"/></rect></svg>`;
    document.getElementById("put").style.background = "none";
    document.querySelector("#put animate").beginElement();
  },
  details() {
    scene.styled(`#put { ${FULL} } #put::details-content { opacity: 0; display: block;
      transition: content-visibility 2s allow-discrete, opacity 2s } #put[open]::details-content { opacity: 1 }
      #put p { position: absolute; inset: 0; margin: 0; background: ${MAGENTA} }`);
    const box = put(document.createElement("details"));
    box.className = "pan open";
    box.innerHTML = "<summary>Payment</summary><p></p>";
    box.open = true;
  },
  shutDetails() {
    scene.shut();
    document.getElementById("put").open = false;
  },
  steps() {
    scene.styled(`#put { ${FULL}; overflow: hidden; background: #fafaf7 } .next { height: 110vh }
      .pan { height: 400vh; background: ${MAGENTA} }`);
    put(document.createElement("div")).innerHTML = '<div class="pan open"></div><div class="next">Your order</div>';
  },
  nextStep() {
    document.querySelector(".pan").classList.remove("open");
    document.querySelector(".next").scrollIntoView({ behavior: "smooth" });
  },

  // To an address and on from it before anybody looks; the view stays.
  viewPassed(there, on, between, after) {
    scene.view(there);
    setTimeout(() => scene.leaveView(on, after), between);
  },
  record(url) {
    scene.view(url);
    document.getElementById("put").className = "record";
  },
  async shell(url, framed) {
    await scene.frame(framed);
    history.pushState(null, "", url);
    scene.tell("paint");
  },
  leaveShell(url, framed) {
    history.pushState(null, "", url);
    document.body.className = "shop"; // as applications mark the link that is active
    scene.turnFrame(framed);
  },

  tell: (...order) => document.getElementById("put").contentWindow.postMessage(order, "*"),
});

addEventListener("message", ({ data }) => Array.isArray(data) && scene[data[0]]?.(...data.slice(1)));

Object.assign(globalThis.scene, {
  // Sixty entries in a list that is scrolled to its end: the selector fits all of them.
  entries() {
    scene.styled(`#put { ${FULL}; overflow-y: scroll; background: #fafaf7 } .pan { height: 120px; background: ${MAGENTA} }`);
    put(document.createElement("div")).innerHTML = '<div class="pan open"></div>'.repeat(60);
    document.getElementById("put").scrollTop = 60 * 120;
  },
  shutEntries(after) {
    for (const one of document.querySelectorAll(".pan")) one.classList.remove("open");
    setTimeout(scene.remove, after);
  },
  // As dialogs of component libraries are built: the host has no box, all that is seen is in its root.
  hostOfDialog() {
    const host = document.createElement("div");
    host.style.display = "contents";
    host.className = "pan open";
    host.attachShadow({ mode: "open" }).innerHTML = `<style>div { ${FULL}; background: ${MAGENTA} }
      :host(:not(.open)) div { opacity: 0; visibility: hidden; transition: opacity 1s steps(1, end), visibility 1s steps(1, end) }
      </style><div></div>`;
    put(host);
  },
  // A menu for small screens that is not displayed on large ones; its links are marked as the address changes.
  viewWithMenu(url) {
    document.body.insertAdjacentHTML("beforeend", '<nav id="menu" style="display:none"><li class="active"><a href="/pay/now">Pay</a></li></nav>');
    scene.view(url);
  },
  leaveViewWithMenu(url, after) {
    scene.leaveView(url, after);
    document.querySelector("#menu li").classList.remove("active");
    setTimeout(() => document.getElementById("menu").remove(), after);
  },
  // What names the field says something else while it is sent.
  labelled() {
    put(document.createElement("div")).innerHTML = `<form style="${FULL};background:${MAGENTA}">
      <label for="one" style="margin:300px 10%">Card number</label><input id="one"></form>`;
  },
  sendLabelled(after) {
    document.querySelector("#put label").textContent = "Please wait ...";
    document.querySelector("#put input").disabled = true;
    setTimeout(scene.remove, after);
  },
});
