// Answers that could not be sent yet: kept on this device, sent when there is a way, each until the server has it.
// The server takes the same answer twice as once, so a lost reply costs nothing.
(function () {
  "use strict";
  var PREFIX = "adductor-answer-";
  var sending = null;

  function waiting() {
    return Object.keys(localStorage).filter(function (key) { return key.indexOf(PREFIX) === 0; });
  }

  function keep(routine, fields) {
    localStorage.setItem(PREFIX + routine, JSON.stringify(fields));
  }

  async function sendOne(key) {
    var kept = localStorage.getItem(key);
    if (kept === null) { return null; }
    var routine = key.slice(PREFIX.length);
    var state = await fetch("/routine/" + encodeURIComponent(routine) + "/state", { cache: "no-store" });
    if (state.status === 404) { localStorage.removeItem(key); return { routine: routine, problem: "This routine is gone." }; }
    if (!state.ok) { throw new Error("not now"); }
    var now = await state.json();
    if (!now.signed_in) { return { routine: routine, signIn: true }; }
    var body = new URLSearchParams(JSON.parse(kept));
    body.append("csrf_token", now.csrf_token);
    var answer = await fetch("/routine/" + encodeURIComponent(routine), {
      method: "POST", body: body, headers: { Accept: "application/json" }
    });
    if (answer.status >= 500 || answer.status === 429) { throw new Error("not now"); }
    if (answer.status === 401) { return { routine: routine, signIn: true }; }
    var said = await answer.json().catch(function () { return { saved: false, problem: "Your answer was not kept." }; });
    // A newer answer may have been given while this one was on its way.
    if (localStorage.getItem(key) === kept) { localStorage.removeItem(key); }
    return Object.assign({ routine: routine }, said);
  }

  async function sendAll() {
    var results = [];
    for (var key of waiting()) {
      try { results.push(await sendOne(key)); } catch (error) { results.push({ routine: key.slice(PREFIX.length), later: true }); }
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
