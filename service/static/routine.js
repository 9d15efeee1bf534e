// The guided routine: sets, sides, holds and rests counted down, with sound, voice, vibration and the screen kept awake.
(function () {
  "use strict";
  var root = document.getElementById("routine");
  if (!root) { return; }
  var player = root.querySelector(".player"); // none for a routine that was taken back
  var stage = root.querySelector(".stage");
  var form = root.querySelector("form[data-answer]");
  var address = root.dataset.address;
  var placeKey = "at-" + address + (root.dataset.plan || "");
  var speed = Number(root.dataset.speed) || 1;
  var READY_S = 5; // to get into position; the first set of an exercise gets its set-up time
  var RESUME_MS = 3 * 3600 * 1000; // how long a reload finds its place again
  var show = {};
  root.querySelectorAll("[data-show]").forEach(function (node) { show[node.dataset.show] = node; });

  function stored(name, value) { // a private window forgets
    try {
      if (value === undefined) { return localStorage.getItem("adductor-" + name); }
      if (value === null) { localStorage.removeItem("adductor-" + name); } else { localStorage.setItem("adductor-" + name, value); }
    } catch (error) { /* nothing is remembered */ }
    return null;
  }

  // ---- the plan: a list of phases, made anew from the page so that exchanged exercises are in it -------------------

  function steps() { return Array.from(root.querySelectorAll(".step")); }

  function plan() {
    var phases = [];
    steps().forEach(function (step, place) {
      var d = step.dataset;
      var n = function (name) { return Number(d[name]); };
      var captions = d.captions ? d.captions.split("|").map(lower) : [];
      var moments = d.moments ? d.moments.split("|").map(Number) : [];
      function add(kind, text, seconds, more) {
        if (seconds > 0) { phases.push(Object.assign({ place: place, kind: kind, text: text, seconds: seconds, side: 1, set: 1, where: "" }, more)); }
      }
      add("ready", "Get ready", Math.max(n("setupS"), READY_S), { moment: moments[0] });
      var sets = n("sets") + (d.extra ? 1 : 0); // the last one on the less steady side alone
      for (var set = 1; set <= sets; set++) {
        var sides = set > n("sets") ? 1 : n("sides");
        for (var side = 1; side <= sides; side++) {
          var where = [];
          if (sets > 1) { where.push("Set " + set + " of " + sets); }
          if (n("sides") > 1) { where.push("Side " + side + (side === 1 ? " (" + (d.extra || "your weaker side") + ")" : "")); }
          var at = { set: set, side: side, where: where.join(" · ") };
          if (n("reps")) {
            add("reps", n("reps") + " reps", n("reps") * n("repS"), Object.assign({ reps: n("reps"), repS: n("repS") }, at));
          } else {
            var total = n("holds") * n("positions");
            for (var hold = 1; hold <= total; hold++) {
              var position = Math.floor((hold - 1) / n("holds")), coming = Math.floor(hold / n("holds"));
              var text = captions[position] ? "Hold: " + captions[position] : "Hold" + (total > 1 ? " " + hold + " of " + total : "");
              add("hold", text, n("holdS"), Object.assign({ moment: moments[position] }, at));
              if (hold < total) { add("rest", "Relax", n("betweenS"), Object.assign({ moment: moments[coming] }, at)); }
            }
          }
          if (side < sides) { add("rest", "Change sides", n("switchS") || READY_S, Object.assign({}, at, { side: 2, where: "" })); }
        }
        if (set < sets) { add("rest", "Rest", n("restS"), { set: set + 1, moment: moments[0] }); }
      }
    });
    return phases;
  }

  var phases = [], at = 0, left = 0, running = false, last = 0, timer = null, playing = false;

  function lower(text) { return text.charAt(0).toLowerCase() + text.slice(1); }
  function works(phase) { return phase.kind === "hold" || phase.kind === "reps"; }
  function sum(list) { return list.reduce(function (total, phase) { return total + phase.seconds; }, 0); }

  // What the next work is, said while there is time to get there.
  function upcoming(index) {
    var next = phases.slice(index + 1).find(works), phase = phases[index];
    if (!next || works(phase)) { return ""; }
    var text = lower(next.text.replace(/^Hold: /, ""));
    return next.set !== phase.set || phase.text === "Rest" ? "set " + next.set + ", " + text : text;
  }

  function go(index) {
    if (index >= phases.length) { ask(false); return; }
    at = Math.max(0, index);
    left = phases[at].seconds;
    last = performance.now();
    showPhase();
    draw();
    keepPlace();
  }

  function showPhase() {
    var phase = phases[at], step = steps()[phase.place], name = step.dataset.name, next = upcoming(at);
    steps().forEach(function (other) {
      var current = other === step;
      var mirrored = other.querySelector(".drawing[data-side='2']");
      other.classList.toggle("current", current);
      other.querySelectorAll(".drawing").forEach(function (drawing) {
        drawing.hidden = current && mirrored ? Number(drawing.dataset.side) !== phase.side : drawing.dataset.side === "2";
      });
    });
    pose(step, phase.moment);
    show.action.textContent = phase.text;
    show.where.textContent = [phase.kind === "ready" ? step.dataset.dose : next ? "Next: " + next : phase.where, name].filter(Boolean).join(" · ");
    show.phase.textContent = [phase.text, name, phase.where.replace(" · ", ", "), phase.kind === "reps" ? "" : Math.ceil(phase.seconds) + " seconds", next && "Next: " + next].filter(Boolean).join(". ");
    stage.classList.toggle("work", works(phase));
    document.body.classList.toggle("getting-ready", phase.kind === "ready");
    cue(works(phase) ? "go" : "rest");
    var first = works(phase) && (phase.set > 1 || phase.side > 1 || phases[at - 1] && phases[at - 1].kind === "ready");
    say([phase.text, phase.kind === "ready" ? name + ". " + ((step.querySelector(".setup") || {}).textContent || "") : first ? phase.where.replace(" · ", ", ") : next && "Next: " + next]);
  }

  // A hold in a named position: the drawing stops in it, and during a pause between two already in the next.
  function pose(step, moment) {
    step.getAnimations({ subtree: true }).forEach(function (animation) {
      if (moment === undefined || !animation.animationName) { return; }
      animation.pause();
      animation.currentTime = moment * 1000;
    });
  }

  function draw() {
    var phase = phases[at], seconds = Math.max(0, Math.ceil(left));
    if (phase.kind === "reps") {
      show.clock.textContent = String(Math.min(phase.reps, Math.floor((phase.seconds - left) / phase.repS) + 1));
      show.what.textContent = "of " + phase.reps + " reps";
    } else {
      show.clock.textContent = String(seconds);
      show.what.textContent = seconds === 1 ? "second" : "seconds";
    }
    show.progress.max = sum(phases);
    show.progress.value = sum(phases.slice(0, at)) + phase.seconds - left;
  }

  function tick() {
    if (!running) { return; }
    var now = performance.now(), before = left, phase = phases[at];
    left -= (now - last) / 1000 * speed;
    last = now;
    if (left <= 0) { go(at + 1); return; }
    var rep = function (rest) { return Math.floor((phase.seconds - rest) / phase.repS); };
    if (phase.kind !== "reps" && speed < 3 && Math.ceil(before) !== Math.ceil(left) && left <= 3) { cue("soon"); }
    if (phase.kind === "reps" && rep(before) !== rep(left)) {
      cue("rep");
      if (rep(left) === phase.reps - 1) { say(["Last one"]); }
    }
    if (Math.ceil(before) !== Math.ceil(left)) { keepPlace(); }
    draw();
  }

  function begin(place) {
    document.body.classList.add("playing");
    stage.hidden = false;
    playing = true;
    phases = plan();
    sound();
    run(!place);
    go(place ? Math.min(place.at, phases.length - 1) : 0);
    if (place) { left = Math.min(left, place.left); draw(); keepPlace(); }
    timer = setInterval(tick, 100);
    root.querySelector("[data-do=pause]").focus();
    window.scrollTo(0, 0);
  }

  function run(yes) {
    running = yes;
    last = performance.now();
    root.querySelector("[data-do=pause]").textContent = yes ? "Pause" : "Resume";
    if (navigator.mediaSession) { navigator.mediaSession.playbackState = yes ? "playing" : "paused"; }
    if (yes) { stayAwake(); } else { mayDoze(); }
  }

  // The end: how it was. What was really done is known here, so it is filled in.
  function ask(hurt) {
    clearInterval(timer);
    running = false;
    if (playing) {
      var whole = at >= phases.length - 1, all = sum(phases.filter(works)), done = sum(phases.slice(0, at).filter(works));
      var pct = whole || !all ? 100 : Math.round(100 * done / all);
      if (hurt || !whole) { form.querySelector("[name=completed_pct][value='" + (pct >= 95 ? 100 : pct >= 50 ? 60 : 30) + "']").checked = true; }
    }
    form.querySelector("[name=stopped]").checked = hurt;
    playing = false;
    mayDoze();
    stored(placeKey, JSON.stringify({ asking: true, at: at, left: left, hurt: hurt, pct: form.elements.completed_pct.value, swaps: swaps(), saved: Date.now() }));
    document.body.classList.remove("playing");
    document.body.classList.add("asking");
    cue("end");
    say([hurt ? "Stop" : "That is all", "How did it go?"]);
    document.getElementById("finish-title").focus();
    window.scrollTo(0, 0);
  }

  function again() {
    stored(placeKey, null);
    document.body.classList.remove("asking");
    if (at) { begin({ at: at, left: left }); }
  }

  function quiet(button, off, on, value) { // a switch for sound or voice
    button.textContent = value ? off : on;
    button.setAttribute("aria-pressed", String(!value));
  }

  root.addEventListener("click", function (event) {
    var button = event.target.closest("[data-do]"), swap = event.target.closest("[data-swap]");
    if (swap) { event.preventDefault(); exchange(swap); }
    else if (!button) { if (playing && event.target.closest("[data-tap]")) { go(at + 1); } }
    else if (button.dataset.do === "begin") { begin(); }
    else if (button.dataset.do === "pause") { sound(); run(!running); }
    else if (button.dataset.do === "next") { go(at + 1); }
    else if (button.dataset.do === "back") { back(); }
    else if (button.dataset.do === "stop") { ask(true); }
    else if (button.dataset.do === "hurt") { event.preventDefault(); ask(true); }
    else if (button.dataset.do === "leave") { ask(false); }
    else if (button.dataset.do === "again") { again(); }
    else if (button.dataset.do === "sound") { silent = !silent; remember(); }
    else if (button.dataset.do === "voice") { mute = !mute; remember(); say(mute ? [] : ["Voice on"]); }
  });

  function back() { go(phases[at].seconds - left > 3 ? at : at - 1); }

  document.addEventListener("keydown", function (event) {
    var media = event.key.indexOf("Media") === 0;
    if (!playing || !media && event.target.closest("button, a, input, summary, select")) { return; }
    if (event.key === " " || event.key === "MediaPlayPause") { event.preventDefault(); run(!running); }
    if (event.key === "ArrowRight" || event.key === "MediaTrackNext") { go(at + 1); }
    if (event.key === "ArrowLeft" || event.key === "MediaTrackPrevious") { back(); }
  });

  if (navigator.mediaSession && navigator.mediaSession.setActionHandler) {
    [["nexttrack", function () { go(at + 1); }], ["previoustrack", back], ["play", function () { run(true); }], ["pause", function () { run(false); }]].forEach(function (key) {
      try { navigator.mediaSession.setActionHandler(key[0], function () { if (playing) { key[1](); } }); } catch (error) { /* not known there */ }
    });
  }

  // ---- another exercise in place ----------------------------------------------------------------------------------

  async function exchange(link) {
    var old = link.closest(".step");
    var was = running;
    if (playing) { run(false); }
    try {
      var answer = await fetch(link.dataset.swap);
      if (!answer.ok) { throw new Error(String(answer.status)); }
      var box = document.createElement("template");
      box.innerHTML = await answer.text();
      var fresh = box.content.querySelector(".step");
      fresh.classList.toggle("current", old.classList.contains("current"));
      old.replaceWith(fresh);
      noteSwap(Number(fresh.dataset.place), fresh.dataset.exercise);
      if (playing) {
        phases = plan();
        go(phases.findIndex(function (phase) { return phase.place === Number(fresh.dataset.place); }));
        run(was);
      }
      fresh.querySelector("h2").focus();
    } catch (error) {
      show.offline.textContent = "That exercise isn't on this device. Go on with this one, or connect for a moment.";
      if (playing) { run(was); }
    }
  }

  function swaps() { return Array.from(form.querySelectorAll("[name=swap]"), function (input) { return input.value; }); }

  function noteSwap(place, exercise) {
    form.querySelectorAll("[name=swap]").forEach(function (input) {
      if (input.value.split(":")[0] === String(place + 1)) { input.remove(); }
    });
    var input = document.createElement("input");
    input.type = "hidden";
    input.name = "swap";
    input.value = (place + 1) + ":" + exercise;
    form.append(input);
  }

  // ---- the place after a reload -----------------------------------------------------------------------------------

  function keepPlace() {
    if (playing) { stored(placeKey, JSON.stringify({ at: at, left: left, swaps: swaps(), saved: Date.now() })); }
  }

  async function findPlace() {
    var place = JSON.parse(stored(placeKey) || "null");
    if (!place || Date.now() - place.saved > RESUME_MS) { stored(placeKey, null); return; }
    for (var swap of place.swaps) {
      var parts = swap.split(":"), link = root.querySelector("[data-swap$='/" + (parts[0] - 1) + "/" + parts[1] + "']");
      if (link) { await exchange(link); }
    }
    if (!place.asking) { begin(place); return; }
    at = place.at;
    left = place.left;
    form.elements.completed_pct.value = place.pct;
    ask(place.hurt);
  }

  // ---- sound, voice, vibration, light -----------------------------------------------------------------------------

  var audio = null, lock = null, silent = stored("silent") === "1", mute = stored("mute") === "1";

  function sound() {
    if (!audio && window.AudioContext) { audio = new AudioContext(); }
    if (audio && audio.state === "suspended") { audio.resume(); }
  }

  function remember() {
    stored("silent", silent ? "1" : "0");
    stored("mute", mute ? "1" : "0");
    quiet(root.querySelector("[data-do=sound]"), "Sound: off", "Sound: on", silent);
    quiet(root.querySelector("[data-do=voice]"), "Voice: off", "Voice: on", mute);
    root.querySelector("[data-do=voice]").hidden = !window.speechSynthesis;
  }

  // The browser's own voice: no network is needed where the device has one.
  function say(parts) {
    if (!window.speechSynthesis) { return; }
    speechSynthesis.cancel();
    var text = parts.filter(Boolean).join(". ");
    root.dataset.said = mute ? "" : text;
    if (mute || !text) { return; }
    var words = new SpeechSynthesisUtterance(text);
    words.lang = document.documentElement.lang;
    speechSynthesis.speak(words);
  }

  function beep(hertz, seconds, after) {
    if (silent || !audio) { return; }
    var tone = audio.createOscillator(), volume = audio.createGain(), from = audio.currentTime + (after || 0);
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.0001, from);
    volume.gain.exponentialRampToValueAtTime(0.25, from + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, from + seconds);
    tone.connect(volume).connect(audio.destination);
    tone.start(from);
    tone.stop(from + seconds + 0.05);
  }

  function cue(what) {
    if (what === "go") { beep(880, 0.35); }
    if (what === "rest") { beep(440, 0.35); }
    if (what === "soon" || what === "rep") { beep(660, 0.09); }
    if (what === "end") { beep(660, 0.2); beep(880, 0.2, 0.2); beep(1100, 0.4, 0.4); }
    if (navigator.vibrate && navigator.userActivation && navigator.userActivation.hasBeenActive) {
      navigator.vibrate({ go: [250], rest: [90, 80, 90], soon: [30], rep: [20], end: [200, 100, 200] }[what]);
    }
  }

  async function stayAwake() {
    if (!navigator.wakeLock || lock) { return; }
    try {
      lock = await navigator.wakeLock.request("screen");
      root.dataset.awake = "yes";
      lock.addEventListener("release", function () { lock = null; root.dataset.awake = "no"; });
      if (!running) { mayDoze(); } // paused while it was asked for
    } catch (error) { lock = null; } // a phone that saves power may refuse
  }

  function mayDoze() { if (lock) { lock.release(); } }

  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "visible" && running) { stayAwake(); }
  });

  // ---- the answer -------------------------------------------------------------------------------------------------

  root.addEventListener("submit", async function (event) {
    if (event.target !== form && !event.target.matches("[data-quick]")) { return; }
    event.preventDefault();
    var fields = Array.from(new FormData(event.target).entries()).filter(function (entry) { return entry[0] !== "csrf_token"; });
    if (event.submitter && event.submitter.name) { fields.push([event.submitter.name, event.submitter.value]); }
    window.adductorAnswers.keep(address, fields);
    stored(placeKey, null);
    show.sent.textContent = "Sending…";
    report(await window.adductorAnswers.send());
  });

  document.addEventListener("answers-sent", function (event) { report(event.detail); });

  function report(results) {
    var mine = (results || []).find(function (result) { return result.address === address; });
    if (!mine) { return; }
    if (mine.saved) { thank(mine.words); }
    else if (mine.signIn) { show.sent.textContent = "Saved on this device. Sign in, and it is sent."; }
    else if (mine.later) { show.sent.textContent = "No connection: saved on this device, sent as soon as there is one."; }
    else { show.sent.textContent = mine.problem; }
  }

  function thank(words) {
    if (document.body.classList.contains("thanked")) { return; } // told twice: by the queue and by its event
    document.body.classList.remove("playing", "asking");
    document.body.classList.add("thanked");
    root.innerHTML = words;
    root.querySelector("h1").focus();
    window.scrollTo(0, 0);
  }

  // ---- at hand without a connection -------------------------------------------------------------------------------

  async function keepAtHand() {
    if (!navigator.serviceWorker) { return; }
    try {
      await navigator.serviceWorker.register(root.dataset.worker, { scope: "/" });
      var ready = await navigator.serviceWorker.ready;
      navigator.serviceWorker.addEventListener("message", function (event) {
        if (event.data === "kept") { root.dataset.offline = "ready"; }
      });
      ready.active.postMessage({ pages: [location.pathname] });
    } catch (error) { root.dataset.offline = "no"; } // works with a connection all the same
  }

  if (!player) { return; }
  player.hidden = false;
  remember();
  findPlace();
  keepAtHand();
})();
