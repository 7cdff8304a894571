// Puts a card field into the element that a page's event `stranger-attach` comes from: in a root of its own, from a
// world in which no other extension can wrap a function.
"use strict";

document.addEventListener("stranger-attach", ({ target }) => {
  target.attachShadow({ mode: "closed" }).innerHTML = "<input autocomplete=cc-number>";
});
