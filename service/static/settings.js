// What a change would mean, shown while it is made. Without this script the button "What would it mean?" does the same.
(function () {
  "use strict";
  document.querySelectorAll("form[data-live]").forEach(function (form) {
    var box = form.querySelector("[data-preview]");
    var latest = 0;
    form.addEventListener("change", async function () {
      var mine = ++latest;
      var body = new URLSearchParams(new FormData(form));
      body.set("do", "preview");
      try {
        var answer = await fetch(form.action, { method: "POST", body: body, headers: { "X-Fragment": "1" } });
        if (mine === latest && answer.ok) { box.innerHTML = (await answer.text()).trim(); }
      } catch (error) { /* without a connection there is nothing to show */ }
    });
  });
})();
