// Signs in and out, and ends sessions, by the JSON routes of docs/people.md. Pages show all else without it.
// What the server says becomes text and never markup; its words are in the page, in the reader's language.
"use strict";

const page = document.querySelector("main");
const said = document.getElementById("said");

function say(code) {
  said.textContent = code ? said.dataset[code] || said.dataset.otherwise : "";
  if (code) said.focus();
}

async function post(path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST", credentials: "same-origin", headers: {"Content-Type": "application/json"},
      body: JSON.stringify(body ?? {}),
    });
  } catch {
    throw new Error("unreachable");
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(found.error || "otherwise");
  return found;
}

// "no-session" is data-no-session, which a page calls noSession.
const camel = (code) => code.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());

function act(id, event, work) {
  const element = document.getElementById(id);
  element?.addEventListener(event, async (happened) => {
    happened.preventDefault();
    const button = element.matches("form") ? element.querySelector("button") : element;
    if (button.disabled) return;
    button.disabled = true;
    say("");
    try {
      await work(element);
    } catch (error) {
      // A person who closes the browser's own dialogue gets a DOMException.
      say(error instanceof DOMException ? "noPasskey" : camel(error.message));
    } finally {
      button.disabled = false;
    }
  });
}

// After Back a browser shows a page from memory, whatever its headers say: as it was before what was done since.
window.addEventListener("pageshow", ({persisted}) => persisted && location.reload());

const field = (form, name) => form.elements.namedItem(name).value;
const enter = () => location.assign(page.dataset.back || "/");

act("passkey", "click", async () => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await post("/v1/passkey/ask"));
  const credential = await navigator.credentials.get({publicKey});
  await post("/v1/passkey", {credential: credential.toJSON()});
  enter();
});

act("password", "submit", async (form) => {
  await post("/v1/password", {
    person: field(form, "person").trim(), password: field(form, "password"), code: field(form, "code").replace(/\s/g, ""),
  });
  enter();
});

for (const button of document.querySelectorAll("button[data-provider]"))
  act(button.id, "click", async () => {
    const {url} = await post(`/v1/oidc/${button.dataset.provider}`);
    location.assign(url);
  });

// A mail scanner that opens the link uses up nothing: a person does, by the button.
act("join", "click", async () => {
  await post("/v1/join", {link: location.hash.slice(1)});
  location.replace("/enrol");
});

act("make", "click", async () => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await post("/v1/passkey/new"));
  const credential = await navigator.credentials.create({publicKey});
  await post("/v1/passkey/add", {credential: credential.toJSON()});
  enter();
});

let pending = "";

act("propose", "submit", async (form) => {
  const found = await post("/v1/password/new", {password: field(form, "password")});
  pending = found.pending;
  const secret = new URL(found.uri).searchParams.get("secret");
  document.getElementById("secret").textContent = secret.match(/.{1,4}/g).join(" ");
  document.getElementById("uri").href = found.uri;
  const confirm = document.getElementById("confirm");
  confirm.hidden = false;
  confirm.elements.namedItem("code").focus();
});

act("confirm", "submit", async (form) => {
  await post("/v1/password/set", {pending, code: field(form, "code").replace(/\s/g, "")});
  enter();
});

act("make-report", "submit", async (form) => {
  await post("/v1/reports", {from: field(form, "from"), to: field(form, "to"), verify: form.elements.verify.checked});
  location.reload();
});

const job = document.getElementById("job");
if (job)
  setInterval(async () => {
    const answer = await fetch(job.dataset.from, {credentials: "same-origin"}).catch(() => null);
    const found = answer?.ok ? await answer.json() : null;
    if (!found) return;
    if (found.state !== "running") {
      location.reload(); // it has ended, or is forgotten and has no numbers
      return;
    }
    job.max = found.total;
    job.value = found.done;
  }, 1000);

act("sign-out", "click", async () => {
  await post("/v1/sign-out");
  location.assign("/sign-in");
});

for (const button of document.querySelectorAll("button[data-session]"))
  act(button.id, "click", async () => {
    await post("/v1/sessions/end", {sessions: [button.dataset.session]});
    location.reload();
  });
