// Shows and hides the panel beside the page when its key is pressed; the popup needs no script.
"use strict";

let shown = false; // Chromium cannot be asked

(globalThis.browser ?? chrome).commands.onCommand.addListener((command, tab) => {
  if (globalThis.browser?.sidebarAction) {
    browser.sidebarAction.toggle();
    return;
  }
  const { windowId } = tab;
  if (shown) chrome.sidePanel.close({ windowId });
  else chrome.sidePanel.open({ windowId });
  shown = !shown;
});
