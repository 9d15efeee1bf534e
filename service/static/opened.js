// Tell once that a person opened this routine: at the first touch, key or turn of a wheel. Programs that fetch links make none.
(function () {
  "use strict";
  var here = document.currentScript.dataset;
  var signs = ["pointerdown", "keydown", "wheel", "touchmove"];
  function tell(event) {
    if (!event.isTrusted) { return; }
    signs.forEach(function (sign) { removeEventListener(sign, tell); });
    var asked = { method: "POST", keepalive: true, headers: here.token ? { "X-CSRFToken": here.token } : {} };
    fetch(here.address, asked).catch(function () { /* an answer says it as well */ });
  }
  signs.forEach(function (sign) { addEventListener(sign, tell, { passive: true }); });
})();
