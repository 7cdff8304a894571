// Runs unseen in every open developer tools, and only says so, for as long as they are open: they show what no look at
// their page would find (what the page was before, what it was sent, pictures of it).
(() => {
  "use strict";
  const api = globalThis.browser ?? chrome;
  const tab = api.devtools.inspectedWindow.tabId;

  const connect = () => {
    let port;
    try {
      port = api.runtime.connect({name: "devtools"});
    } catch {
      return; // the extension was removed or replaced
    }
    port.onDisconnect.addListener(() => {
      void api.runtime.lastError; // reading it tells the browser that it was noticed
      setTimeout(connect, 100);
    });
    port.postMessage({tab});
  };

  connect();
})();
