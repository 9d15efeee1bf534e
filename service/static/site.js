// Of a runner's pages: the service worker, and the browser's notifications. Without this script both are missing, no more.
(function () {
  "use strict";
  var root = document.documentElement;
  var MARK = "adductor-notifies"; // whose notifications this browser takes
  var LATER = "adductor-notify-later";
  var box = document.querySelector("[data-notify]");

  function token() { var field = document.querySelector("input[name=csrf_token]"); return field ? field.value : ""; }

  function recall(name) { try { return localStorage.getItem(name); } catch (error) { return null; } }

  function remember(name, value) {
    try { if (value === null) { localStorage.removeItem(name); } else { localStorage.setItem(name, value); } } catch (error) { /* a private window */ }
  }

  function bytes(text) {
    var raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(raw, function (letter) { return letter.charCodeAt(0); });
  }

  async function post(path, fields) {
    var body = new URLSearchParams(fields);
    body.set("csrf_token", token());
    var answer = await fetch(path, { method: "POST", body: body, headers: { Accept: "application/json" }, redirect: "manual" });
    return answer.ok ? answer.json() : answer.json().catch(function () { return { saved: false }; });
  }

  async function tell(subscription, again) {
    var keys = subscription.toJSON().keys;
    return post("/notifications", { endpoint: subscription.endpoint, p256dh: keys.p256dh, auth: keys.auth, again: again ? "1" : "" });
  }

  async function subscribe(registration, key) {
    var subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
    var told = await tell(subscription);
    if (!told.saved) { await subscription.unsubscribe(); throw new Error(told.problem || ""); }
    remember(MARK, root.dataset.runner);
  }

  async function unsubscribe(registration) {
    var subscription = registration.pushManager && await registration.pushManager.getSubscription();
    remember(MARK, null);
    if (subscription) { await post("/notifications/remove", { endpoint: subscription.endpoint }).catch(function () {}); await subscription.unsubscribe(); }
  }

  function show(state, text) {
    if (!box) { return; }
    box.hidden = false;
    box.querySelectorAll("[data-when]").forEach(function (part) { part.hidden = part.dataset.when !== state; });
    if (text !== undefined) { box.querySelector("[data-show=notify]").textContent = text; }
  }

  async function notifications(registration) {
    var key = root.dataset.pushKey;
    var subscription = registration.pushManager && await registration.pushManager.getSubscription();
    if (subscription && recall(MARK) !== root.dataset.runner) { await subscription.unsubscribe(); subscription = null; } // another runner's
    if (!key) { return; }
    if (!registration.pushManager || !window.Notification) {
      // Safari on a phone knows notifications only for what stands on the home screen.
      if (box && "standalone" in navigator && !navigator.standalone) { show("install"); }
      return;
    }
    if (recall(MARK) === root.dataset.runner && Notification.permission === "granted") {
      var options = subscription && subscription.options && subscription.options.applicationServerKey;
      var same = !options || String(new Uint8Array(options)) === String(bytes(key));
      if (subscription && !same) { await subscription.unsubscribe(); subscription = null; }
      var told = subscription && await tell(subscription, true);
      if (told && told.ended) { await unsubscribe(registration); } // switched off in another browser's settings
      else {
        if (!subscription) { await subscribe(registration, key); }
        if (box && !box.dataset.asks) { show("on"); }
        return;
      }
    }
    if (!box || (box.dataset.asks && recall(LATER))) { return; }
    if (Notification.permission === "denied") { if (!box.dataset.asks) { show("denied"); } return; }
    show("off");
  }

  document.addEventListener("click", async function (event) {
    var button = event.target.closest("[data-notify-do]");
    if (!button) { return; }
    var what = button.dataset.notifyDo;
    if (what === "later") { remember(LATER, "1"); box.hidden = true; return; }
    var registration = await navigator.serviceWorker.ready;
    try {
      if (what === "on") { await subscribe(registration, root.dataset.pushKey); show("on", "On. A rest day's routine rings here."); }
      else { await unsubscribe(registration); show("off", "Off for this browser."); }
    } catch (error) {
      show(Notification.permission === "denied" ? "denied" : "off", error.message || "Your browser did not allow it, so nothing has changed.");
    }
  });

  // Signing out ends this browser's notifications first.
  document.addEventListener("submit", async function (event) {
    if (!event.target.matches("[data-signs-out]") || recall(MARK) === null || !navigator.serviceWorker) { return; }
    event.preventDefault();
    try { await unsubscribe(await navigator.serviceWorker.ready); } finally { event.target.submit(); }
  });

  async function begin() {
    if (!navigator.serviceWorker) { return; }
    await navigator.serviceWorker.register(root.dataset.worker, { scope: "/" });
    var registration = await navigator.serviceWorker.ready;
    var pages = Array.from(document.querySelectorAll("[data-keep]"), function (node) { return node.dataset.keep; });
    if (pages.length) {
      navigator.serviceWorker.addEventListener("message", function (event) { if (event.data === "kept") { root.dataset.offline = "ready"; } });
      registration.active.postMessage({ pages: pages });
    }
    await notifications(registration);
    root.dataset.notify = "known";
  }

  begin().catch(function () { /* works with a connection all the same */ });
})();
