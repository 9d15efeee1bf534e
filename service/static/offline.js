// Service worker of the whole site: notifications, and Home, routines and the files of the pages without a connection.
// Pages are fetched first and kept as seen last. When the browser changes hands (another runner, or signed out), they go.
"use strict";
const FILES = "files-2"; // stylesheets, scripts, pictures; an address with ?v= never changes its contents
const PAGES = "pages-2";
const MOST = 200;
const PATIENCE_MS = 4000; // a connection that hangs: then the kept page is shown
const OWNER = "/owner";

self.addEventListener("install", (event) => {
  event.waitUntil(keepPage("/offline", FILES).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name !== FILES && name !== PAGES) { await caches.delete(name); }
    }
    await self.clients.claim();
  })());
});

// ---- whose pages these are --------------------------------------------------------------------------------------------

async function ownerNow() {
  const kept = await caches.match(OWNER, { cacheName: FILES });
  return kept ? kept.text() : null;
}

async function noteOwner(answer) {
  const owner = answer.headers.get("X-Pages-Of");
  if (owner === null || owner === await ownerNow()) { return; }
  await caches.delete(PAGES);
  await (await caches.open(FILES)).put(OWNER, new Response(owner));
}

// ---- keeping ----------------------------------------------------------------------------------------------------------

async function put(name, address, answer) {
  const cache = await caches.open(name);
  await cache.put(address, answer);
  const kept = await cache.keys();
  await Promise.all(kept.slice(0, Math.max(0, kept.length - MOST)).map((request) => cache.delete(request)));
}

async function keepOne(address) {
  const answer = await fetch(address);
  const owner = answer.headers.get("X-Pages-Of");
  if (await ownerNow() === null) { await noteOwner(answer); }
  // What was on its way while the browser changed hands is not kept.
  if (!answer.ok || answer.redirected || (owner !== null && owner !== await ownerNow())) { return null; }
  const isFile = /^\/(static|drawings)/.test(new URL(address, self.location).pathname);
  await put(isFile ? FILES : PAGES, address, answer.clone());
  return answer;
}

// A page with its files, and with the exercises that may take another's place.
async function keepPage(address, name) {
  const answer = name === FILES ? await fetch(address) : await keepOne(address);
  if (!answer) { return; }
  if (name === FILES) { await put(FILES, address, answer.clone()); }
  const page = await answer.text();
  const found = page.matchAll(/(?:href|src|data-swap)="(\/(?:static\/|drawings|(?:routine|r)\/[^"]*\/exercise\/)[^"]*)"/g);
  await Promise.all(Array.from(new Set(Array.from(found, (match) => match[1].replaceAll("&amp;", "&"))), keepOne));
}

// {pages: [addresses]} keeps each with what it is made of.
self.addEventListener("message", (event) => {
  if (!event.data) { return; }
  event.waitUntil((async () => {
    await Promise.allSettled((event.data.pages || []).map((address) => keepPage(address))); // the next opening tries again
    if (event.source) { event.source.postMessage("kept"); }
  })());
});

// ---- fetching ---------------------------------------------------------------------------------------------------------

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const url = new URL(request.url);
  // A form's answer is never kept; it may show that the runner has left.
  if (request.method === "POST" && request.mode === "navigate" && url.origin === self.location.origin) {
    event.respondWith(fetch(request).then(async (answer) => { await noteOwner(answer); return answer; }));
    return;
  }
  if (request.method !== "GET" || url.origin !== self.location.origin || url.pathname.endsWith("/state")) { return; }
  if (request.mode === "navigate") { event.respondWith(navigate(event, url)); }
  else if (/^\/(static|drawings|routine|r)\b/.test(url.pathname)) { event.respondWith(file(request, url)); }
});

async function navigate(event, url) {
  const kept = await caches.match(url.pathname, { cacheName: PAGES });
  const fetching = fetch(event.request).then(async (answer) => {
    await noteOwner(answer);
    if (answer.ok && !answer.redirected && url.pathname === "/home" && !url.search) { await put(PAGES, "/home", answer.clone()); }
    return answer;
  });
  try {
    return await (kept ? Promise.race([fetching, new Promise((_, tooLong) => setTimeout(tooLong, PATIENCE_MS))]) : fetching);
  } catch (error) {
    event.waitUntil(fetching.catch(() => null));
    // Looked up again: the answer that came too late may have shown that the browser has changed hands.
    const page = await caches.match(url.pathname, { cacheName: PAGES });
    return page ? dated(page, url) : (await caches.match("/offline", { cacheName: FILES })) || Response.error();
  }
}

// Home says that it is not of now. A routine doesn't change.
async function dated(page, url) {
  if (url.pathname !== "/home") { return page; }
  const at = new Date(page.headers.get("Date") || Date.now()).toLocaleString([], { weekday: "long", hour: "2-digit", minute: "2-digit" });
  const said = '<p class="said" role="status">No connection. This is how it looked on ' + at + ".</p>";
  const text = (await page.text()).replace('<h1 class="visually-hidden">', said + "$&");
  return new Response(text, { headers: page.headers });
}

async function file(request, url) {
  const kept = await caches.match(request);
  if (kept && url.searchParams.has("v")) { return kept; }
  try {
    const answer = await fetch(request);
    if (answer.ok && url.searchParams.has("v")) { await put(FILES, request, answer.clone()); }
    return answer;
  } catch (error) {
    if (kept) { return kept; }
    throw error;
  }
}

// ---- notifications ----------------------------------------------------------------------------------------------------

self.addEventListener("push", (event) => {
  let said = {};
  try { said = event.data.json(); } catch (error) { /* a message without words still says that a routine waits */ }
  event.waitUntil(self.registration.showNotification(said.title || "A routine waits", {
    tag: said.tag, data: said.url || "/home", icon: "/static/icon-192.png", badge: "/static/badge.png"
  }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const target = new URL(event.notification.data, self.location.origin);
  if (target.origin === self.location.origin) { event.waitUntil(self.clients.openWindow(target.href)); }
});
