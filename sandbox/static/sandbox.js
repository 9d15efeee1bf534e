// Niceties only: every page works without this.
"use strict";

// Polls the feed or the calendar, so that a note appears in the open page.
const feed = document.getElementById("feed");
if (feed) {
  const busy = () => feed.querySelector("details[open]") !== null || feed.contains(document.activeElement);
  const look = async () => {
    if (document.hidden || busy()) return;
    const version = await (await fetch(feed.dataset.watch)).text();
    if (version === feed.dataset.version) return;
    const page = new DOMParser().parseFromString(await (await fetch(feed.dataset.page)).text(), "text/html");
    const fresh = page.getElementById("feed");
    if (!fresh || busy()) return;
    const before = new Map([...feed.querySelectorAll("article")].map((card) => [card.dataset.key, card.innerHTML]));
    feed.replaceChildren(...fresh.childNodes);
    feed.dataset.version = fresh.dataset.version;
    for (const card of feed.querySelectorAll("article")) {
      if (before.get(card.dataset.key) !== card.innerHTML) card.classList.add("changed");
    }
    const who = page.querySelector(".who");
    if (who && !document.querySelector(".who details[open]")) document.querySelector(".who").replaceWith(who);
  };
  setInterval(() => look().catch(() => {}), 1500);
}

const log = document.getElementById("log");
if (log) {
  setInterval(async () => {
    if (document.hidden || log.contains(document.activeElement)) return;
    try {
      const page = new DOMParser().parseFromString(await (await fetch(log.dataset.reload)).text(), "text/html");
      const fresh = page.getElementById("log");
      if (fresh) log.replaceChildren(...fresh.childNodes);
    } catch { /* the sandbox has ended; the page stays as it was */ }
  }, 3000);
}

// A mail is as tall as it is; without this the frame scrolls.
for (const frame of document.querySelectorAll("iframe[data-fit]")) {
  const fit = () => { frame.style.height = "0"; frame.style.height = `${frame.contentDocument.documentElement.scrollHeight + 2}px`; };
  frame.addEventListener("load", fit);
  if (frame.contentDocument && frame.contentDocument.readyState === "complete") fit();
  addEventListener("resize", fit);
}

// The default time zone of a new runner is the browser's.
const zone = document.querySelector("[data-own-zone]");
if (zone && !zone.value) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
for (const field of document.querySelectorAll(".authorize .inset input")) {
  field.addEventListener("focus", () => { document.querySelector('input[name="runner_id"][value="new"]').checked = true; });
}
