// What all parts of the page look at: its elements, its words, and the recording that is open. No key is here.

import { LANGUAGES } from "./words.js";

export const AUDIO = 32_768;
export const $ = (id) => document.getElementById(id);
export const root = document.documentElement;

export function element(name, text = "", className = "") {
  const one = document.createElement(name);
  if (text) one.textContent = text;
  if (className) one.className = className;
  return one;
}

/** Gives a list other items. What had the focus in it gives it to what is in its place, or `otherwise` gets it: one who
 * works by keyboard would have to begin anew. */
export function setItems(list, items, otherwise = null) {
  const stops = () => [...list.querySelectorAll("button, a")];
  const at = stops().indexOf(document.activeElement);
  list.replaceChildren(...items);
  if (at >= 0) (stops()[Math.min(at, stops().length - 1)] ?? otherwise)?.focus();
}

/** To another element, where what has the focus is no longer shown. */
export function refocus(one) {
  const now = document.activeElement;
  if (!now || now === document.body || now.disabled || now.closest("[inert]") || !now.checkVisibility()) one.focus();
}

export let language = "en";
export let words = LANGUAGES.en;

export function setLanguage(chosen) {
  language = chosen;
  words = LANGUAGES[chosen];
}

export let about = null; // what the worker said at opening
export let player = null;
export let timeline = null;

export const setAbout = (one) => (about = one);
export const setPlayer = (one) => (player = one);
export const setTimeline = (one) => (timeline = one);
