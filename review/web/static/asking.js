// Sends what people write: requests, their answers, and whom they search for. Uses what app.js has.
"use strict";

for (const form of document.querySelectorAll("form[data-post]"))
  form.addEventListener("submit", async (happened) => {
    happened.preventDefault();
    const buttons = [...form.querySelectorAll("button")];
    if (buttons.some((one) => one.disabled)) return;
    const body = Object.fromEntries(new FormData(form));
    if (happened.submitter?.name) body[happened.submitter.name] = happened.submitter.value;
    buttons.forEach((one) => { one.disabled = true; });
    say("");
    try {
      const {case: of = "", privacy: made = of} = await post(form.dataset.post, body); // what has a page of its own
      location.assign(form.dataset.then + made);
    } catch (error) {
      say(camel(error.message));
    } finally {
      buttons.forEach((one) => { one.disabled = false; });
    }
  });

act("caller", "submit", async (form) => {
  const {call} = await post("/v1/find/call", {caller: field(form, "caller")});
  location.assign(`/find?${new URLSearchParams({call})}`);
});

act("try", "submit", async (form) => {
  const files = {};
  for (const one of form.elements.files.files) files[one.name] = await one.text();
  await post("/v1/rules/trial", {files, days: field(form, "days")});
  location.reload();
});
