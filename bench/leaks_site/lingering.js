
// What leaks_lingering.py plays.
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
