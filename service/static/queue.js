// Answers that could not be sent yet: kept on this device, sent when there is a way, each until the server has it.
// The server takes the same answer twice as once, so a lost reply costs nothing.
(function () {
  "use strict";
  var PREFIX = "adductor-answer-"; // and then the routine's address
  var sending = null;

  function waiting() {
    return Object.keys(localStorage).filter(function (key) { return key.indexOf(PREFIX) === 0; });
  }

  function keep(address, fields) {
    localStorage.setItem(PREFIX + address, JSON.stringify(fields));
  }

  function addressOf(key) {
    var name = key.slice(PREFIX.length);
    return name.charAt(0) === "/" ? name : "/routine/" + name; // as earlier versions kept it
  }

  async function sendOne(key) {
    var kept = localStorage.getItem(key);
    if (kept === null) { return null; }
    var address = addressOf(key), body = new URLSearchParams(JSON.parse(kept));
    if (address.indexOf("/r/") !== 0) { // without a key in its address an answer needs a session
      var state = await fetch(address + "/state", { cache: "no-store" });
      if (state.status === 404) { localStorage.removeItem(key); return { address: address, problem: "This routine is gone." }; }
      if (!state.ok) { throw new Error("not now"); }
      var now = await state.json();
      if (!now.signed_in) { return { address: address, signIn: true }; }
      body.append("csrf_token", now.csrf_token);
    }
    var answer = await fetch(address, { method: "POST", body: body, headers: { Accept: "application/json" } });
    if (answer.status >= 500 || answer.status === 429) { throw new Error("not now"); }
    if (answer.status === 401) { return { address: address, signIn: true }; }
    var said = await answer.json().catch(function () {
      return { saved: false, problem: "This link's time is over, so your answer was not saved. Sign in to answer on your pages." };
    });
    // A newer answer may have been given while this one was on its way.
    if (localStorage.getItem(key) === kept) { localStorage.removeItem(key); }
    return Object.assign({ address: address }, said);
  }

  async function sendAll() {
    var results = [];
    for (var key of waiting()) {
      try { results.push(await sendOne(key)); } catch (error) { results.push({ address: addressOf(key), later: true }); }
    }
    document.dispatchEvent(new CustomEvent("answers-sent", { detail: results.filter(Boolean) }));
    return results.filter(Boolean);
  }

  function send() {
    // One at a time, also across tabs where the browser can.
    if (!sending) {
      var run = function () { return sendAll(); };
      sending = (navigator.locks ? navigator.locks.request("adductor-answers", run) : run()).finally(function () { sending = null; });
    }
    return sending;
  }

  window.adductorAnswers = { keep: keep, send: send, waiting: waiting };
  window.addEventListener("online", send);
  if (waiting().length) { send(); }
})();
