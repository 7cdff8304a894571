// Properties as the browser has them. A form gives its controls out under their names before its own properties, and a
// document its forms, images and frames: one called "localName" or "defaultView" would stand in the way. The first of
// the scripts of a document, so it also keeps what a run of them before this one has left there.
(() => {
  "use strict";

  // `own(prototype, name)(node, ...given)` is `node[name]`, or `node[name](...given)` where that is a function.
  const own = (prototype, name) => {
    const {get, value} = Object.getOwnPropertyDescriptor(prototype, name);
    return (node, ...given) => Reflect.apply(get ?? value, node, given);
  };

  globalThis.eyelid = {serving: globalThis.eyelid?.serving, own};
})();
