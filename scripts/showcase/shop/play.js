// The pages move by themselves: each asks the bench where to go next, waits for the answer, and goes there.
const PRESSED = 220; // milliseconds between the press of a button and the page that it leads to

const here = location.origin + location.pathname;
const next = await (await fetch("/next?here=" + encodeURIComponent(here))).text();
if (next) {
  document.querySelector(`a[href="${next}"], a[href="${new URL(next).pathname}"]`)?.classList.add("pressed");
  setTimeout(() => location.assign(next), PRESSED);
}
