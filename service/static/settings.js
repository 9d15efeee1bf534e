// Choices are saved as they change, and say what they mean; a race or an exercise is previewed until it is added. Without
// this script the buttons do the same. Also the browser's time zone and the address of the calendar.
(function () {
  "use strict";
  var SETTLED_MS = 400; // a time is typed in parts, and each is a change
  document.querySelectorAll("[data-live] [data-without-script]").forEach(function (buttons) {
    var saves = buttons.closest("form").matches("[data-saves]");
    buttons.querySelectorAll("button").forEach(function (button) { button.hidden = saves || button.value === "preview"; });
  });
  document.querySelectorAll("form[data-live]").forEach(function (form) {
    var box = form.querySelector("[data-preview]");
    var saves = form.matches("[data-saves]");
    var latest = 0, sent = Promise.resolve();

    async function send(mine) {
      if (mine !== latest) { return; }
      var body = new URLSearchParams(new FormData(form));
      body.set("do", saves ? "save" : "preview");
      try {
        var answer = await fetch(form.action, { method: "POST", body: body, headers: { "X-Fragment": "1" } });
        if (mine !== latest) { return; }
        if (answer.ok) { box.innerHTML = (await answer.text()).trim(); }
        else { box.textContent = "Not saved: reload this page and try again."; }
      } catch (error) {
        if (saves && mine === latest) { box.textContent = "Not saved: there is no connection. Change it once more when there is."; }
      }
    }

    function changed() {
      var mine = ++latest;
      setTimeout(function () { sent = sent.then(function () { return send(mine); }); }, SETTLED_MS);
    }

    form.addEventListener("change", changed);
    if (saves) { form.addEventListener("submit", function (event) { event.preventDefault(); changed(); }); }
  });

  var zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  var list = document.querySelector("select[name=timezone]");
  var offer = document.querySelector("[data-zone]");
  if (zone && list && zone !== list.value && Array.from(list.options).some(function (option) { return option.value === zone; })) {
    offer.hidden = false;
    offer.querySelector("span").textContent = zone;
    offer.querySelector("button").addEventListener("click", function () {
      list.value = zone;
      offer.hidden = true;
      list.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  document.querySelectorAll("[data-copy]").forEach(function (button) {
    if (!navigator.clipboard) { return; }
    button.hidden = false;
    button.addEventListener("click", async function () {
      try { await navigator.clipboard.writeText(button.dataset.copy); button.textContent = "Copied"; }
      catch (error) { button.textContent = "Not copied: select the address above"; }
    });
  });
})();
