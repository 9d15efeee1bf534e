// The guided routine: sets, sides, holds and rests counted down, with sound, vibration and the screen kept awake.
(function () {
  "use strict";
  var root = document.getElementById("routine");
  if (!root) { return; }
  var player = root.querySelector(".player");
  var bar = root.querySelector(".stage-bar");
  var form = root.querySelector(".finish form");
  var speed = Number(root.dataset.speed) || 1;
  var READY_S = 5; // to get into position; the first set of an exercise gets its set-up time
  var show = {};
  root.querySelectorAll("[data-show]").forEach(function (node) { show[node.dataset.show] = node; });

  // ---- the plan: a list of phases, made anew from the page so that exchanged exercises are in it -------------------

  function steps() { return Array.from(root.querySelectorAll(".step")); }

  function plan() {
    var phases = [];
    steps().forEach(function (step, place) {
      var d = step.dataset;
      var n = function (name) { return Number(d[name]); };
      var captions = d.captions ? d.captions.split("|") : [];
      var moments = d.moments ? d.moments.split("|").map(Number) : [];
      function add(kind, text, seconds, more) {
        if (seconds > 0) { phases.push(Object.assign({ place: place, kind: kind, text: text, seconds: seconds, side: 1, set: 1 }, more)); }
      }
      add("ready", "Get ready", Math.max(n("setupS"), READY_S), { moment: moments[0] });
      for (var set = 1; set <= n("sets"); set++) {
        for (var side = 1; side <= n("sides"); side++) {
          var where = (n("sets") > 1 ? "Set " + set + " of " + n("sets") : "") +
            (n("sides") > 1 ? (n("sets") > 1 ? ", " : "") + (side === 1 ? "weaker side first" : "other side") : "");
          var at = { set: set, side: side, where: where };
          if (n("reps")) {
            add("reps", n("reps") + " reps", n("reps") * n("repS"), Object.assign({ reps: n("reps"), repS: n("repS") }, at));
          } else {
            var total = n("holds") * n("positions");
            for (var hold = 1; hold <= total; hold++) {
              var position = Math.floor((hold - 1) / n("holds")), coming = Math.floor(hold / n("holds"));
              var caption = captions[position];
              var text = caption ? "Hold: " + caption.charAt(0).toLowerCase() + caption.slice(1) : "Hold" + (total > 1 ? " " + hold + " of " + total : "");
              add("hold", text, n("holdS"), Object.assign({ moment: moments[position] }, at));
              if (hold < total) { add("rest", "Let go", n("betweenS"), Object.assign({ moment: moments[coming] }, at)); }
            }
          }
          if (side < n("sides")) { add("rest", "Change sides", n("switchS") || READY_S, Object.assign({}, at, { side: 2 })); }
        }
        if (set < n("sets")) { add("rest", "Rest", n("restS"), { set: set + 1, where: "next: set " + (set + 1) + " of " + n("sets"), moment: moments[0] }); }
      }
    });
    return phases;
  }

  var phases = [], at = 0, left = 0, running = false, last = 0, timer = null, playing = false, startedAt = null;

  function work(list) { return list.filter(function (p) { return p.kind === "hold" || p.kind === "reps"; }).reduce(function (sum, p) { return sum + p.seconds; }, 0); }

  function go(index) {
    if (index >= phases.length) { ask(false); return; }
    at = Math.max(0, index);
    left = phases[at].seconds;
    last = performance.now();
    sayPhase();
    draw();
  }

  function sayPhase() {
    var phase = phases[at];
    steps().forEach(function (step, place) {
      var current = place === phase.place;
      step.classList.toggle("current", current);
      step.querySelectorAll(".drawing").forEach(function (drawing) {
        var other = root.querySelector(".step[data-place='" + place + "'] .drawing[data-side='2']");
        drawing.hidden = current && other ? Number(drawing.dataset.side) !== phase.side : drawing.dataset.side === "2";
      });
    });
    pose(steps()[phase.place], phase.moment);
    var name = steps()[phase.place].dataset.name;
    show.phase.textContent = phase.kind === "ready" ? "Get ready: " + name : name + (phase.where ? " · " + phase.where : "");
    bar.classList.toggle("work", phase.kind === "hold" || phase.kind === "reps");
    bar.classList.toggle("rest", phase.kind === "rest" || phase.kind === "ready");
    cue(phase.kind === "hold" || phase.kind === "reps" ? "go" : "rest");
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
    var phase = phases[at];
    if (phase.kind === "reps") {
      var done = Math.min(phase.reps, Math.floor((phase.seconds - left) / phase.repS) + 1);
      show.clock.textContent = String(done);
      show.what.textContent = "of " + phase.reps + " reps";
    } else {
      show.clock.textContent = String(Math.max(0, Math.ceil(left)));
      show.what.textContent = phase.kind === "ready" ? "seconds, then " + next() : phase.text;
    }
    show.progress.max = phases.reduce(function (sum, p) { return sum + p.seconds; }, 0);
    show.progress.value = phases.slice(0, at).reduce(function (sum, p) { return sum + p.seconds; }, 0) + phase.seconds - left;
  }

  function next() { var phase = phases[at + 1]; return phase ? phase.text.toLowerCase() : "done"; }

  function tick() {
    if (!running) { return; }
    var now = performance.now();
    var before = left;
    left -= (now - last) / 1000 * speed;
    last = now;
    var phase = phases[at];
    if (left <= 0) { go(at + 1); }
    else {
      if (phase.kind !== "reps" && speed < 3 && Math.ceil(before) !== Math.ceil(left) && left <= 3) { cue("soon"); }
      if (phase.kind === "reps" && Math.floor((phase.seconds - before) / phase.repS) !== Math.floor((phase.seconds - left) / phase.repS)) { cue("rep"); }
      draw();
    }
  }

  function begin() {
    document.body.classList.add("playing");
    bar.hidden = false;
    playing = true;
    startedAt = Date.now();
    phases = plan();
    sound();
    run(true);
    go(0);
    timer = setInterval(tick, 100);
    root.querySelector("[data-do=pause]").focus();
  }

  function run(yes) {
    running = yes;
    last = performance.now();
    root.querySelector("[data-do=pause]").textContent = yes ? "Pause" : "Go on";
    if (yes) { stayAwake(); } else { mayDoze(); }
  }

  // The end: how it was. What was really done is known here, so it is filled in.
  function ask(hurt) {
    clearInterval(timer);
    running = false;
    var all = work(phases);
    var done = work(phases.slice(0, at)) + (phases[at] && at < phases.length - 1 ? 0 : work(phases.slice(at)));
    var pct = all ? Math.round(100 * done / all) : 100;
    if (hurt || at < phases.length - 1) {
      form.querySelector("[name=completed_pct][value='" + (pct >= 95 ? 100 : pct >= 50 ? 60 : 30) + "']").checked = true;
    }
    form.querySelector("[name=stopped]").checked = hurt;
    playing = false;
    mayDoze();
    document.body.classList.remove("playing");
    document.body.classList.add("asking");
    cue("end");
    document.getElementById("finish-title").focus();
    window.scrollTo(0, 0);
  }

  root.addEventListener("click", function (event) {
    var button = event.target.closest("[data-do]");
    if (button) {
      var what = button.dataset.do;
      if (what === "begin") { begin(); }
      if (what === "pause") { run(!running); }
      if (what === "next") { go(at + 1); }
      if (what === "back") { go(phases[at].seconds - left > 3 ? at : at - 1); }
      if (what === "stop") { ask(true); }
      if (what === "leave") { ask(false); }
      if (what === "sound") { silent = !silent; remember(); }
      return;
    }
    var swap = event.target.closest("[data-swap]");
    if (swap) { event.preventDefault(); exchange(swap); }
  });

  document.addEventListener("keydown", function (event) {
    if (!playing || event.target.closest("button, a, input, summary, select")) { return; }
    if (event.key === " ") { event.preventDefault(); run(!running); }
    if (event.key === "ArrowRight") { go(at + 1); }
    if (event.key === "ArrowLeft") { go(at - 1); }
  });

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
        go(phases.findIndex(function (p) { return p.place === Number(fresh.dataset.place); }));
        run(was);
      }
      fresh.querySelector("h2").focus();
    } catch (error) {
      show.offline.textContent = "That exercise isn't on this device; go on with this one, or connect for a moment.";
      if (playing) { run(was); }
    }
  }

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

  // ---- sound, vibration, light ------------------------------------------------------------------------------------

  var audio = null, silent = false, lock = null;
  try { silent = localStorage.getItem("adductor-silent") === "1"; } catch (error) { silent = false; }

  function sound() {
    if (!audio && window.AudioContext) { audio = new AudioContext(); }
    if (audio && audio.state === "suspended") { audio.resume(); }
  }

  function remember() {
    try { localStorage.setItem("adductor-silent", silent ? "1" : "0"); } catch (error) { /* a private window forgets */ }
    var button = root.querySelector("[data-do=sound]");
    button.textContent = silent ? "Sound off" : "Sound on";
    button.setAttribute("aria-pressed", String(!silent));
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

  form.addEventListener("submit", async function (event) {
    event.preventDefault();
    var fields = Array.from(new FormData(form).entries()).filter(function (entry) { return entry[0] !== "csrf_token"; });
    window.adductorAnswers.keep(root.dataset.id, fields);
    show.sent.textContent = "Sending…";
    report(await window.adductorAnswers.send());
  });

  document.addEventListener("answers-sent", function (event) { report(event.detail); });

  var leaving = false;

  function report(results) {
    var mine = (results || []).find(function (result) { return result.routine === root.dataset.id; });
    if (!mine) { return; }
    if (mine.saved) {
      show.sent.textContent = "Done and kept.";
      if (!leaving) { leaving = true; location.assign(mine.next); } // told twice: by the queue and by its event
    }
    else if (mine.signIn) { show.sent.textContent = "Kept on this device. Sign in, and it is sent."; }
    else if (mine.later) { show.sent.textContent = "No connection: kept on this device, sent as soon as there is one."; }
    else { show.sent.textContent = mine.problem; }
  }

  // ---- at hand without a connection -------------------------------------------------------------------------------

  async function keepAtHand() {
    if (!navigator.serviceWorker) { return; }
    try {
      await navigator.serviceWorker.register(root.dataset.worker, { scope: "/routine/" });
      var ready = await navigator.serviceWorker.ready;
      var wanted = [location.pathname]
        .concat(Array.from(document.querySelectorAll("link[rel=stylesheet], link[rel=icon]"), function (link) { return link.href; }))
        .concat(Array.from(document.querySelectorAll("script[src]"), function (script) { return script.src; }))
        .concat(Array.from(document.querySelectorAll("img"), function (image) { return image.src; }))
        .concat(Array.from(root.querySelectorAll("[data-swap]"), function (link) { return link.dataset.swap; }));
      navigator.serviceWorker.addEventListener("message", function (event) {
        if (event.data === "kept") { root.dataset.offline = "ready"; }
      });
      ready.active.postMessage({ keep: wanted });
    } catch (error) { root.dataset.offline = "no"; } // works with a connection all the same
  }

  player.hidden = false;
  remember();
  keepAtHand();
})();
