// Tell once that a person opened this routine: at the first touch, key or turn of a wheel. Programs that fetch links make none.
(function () {
  "use strict";
  var address = document.currentScript.dataset.address;
  var signs = ["pointerdown", "keydown", "wheel", "touchmove"];
  function tell(event) {
    if (!event.isTrusted) { return; }
    signs.forEach(function (sign) { removeEventListener(sign, tell); });
    fetch(address, { method: "POST", keepalive: true }).catch(function () { /* an answer says it as well */ });
  }
  signs.forEach(function (sign) { addEventListener(sign, tell, { passive: true }); });
})();
