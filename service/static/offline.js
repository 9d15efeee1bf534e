// Keeps opened routines at hand without a connection. Only routines and what they are made of; never a runner's page.
"use strict";
const NAME = "routines-1";
const MOST = 120; // some twenty routines with their alternatives

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name !== NAME) { await caches.delete(name); }
    }
    await self.clients.claim();
  })());
});

self.addEventListener("message", (event) => {
  if (!event.data || !event.data.keep) { return; }
  event.waitUntil((async () => {
    const cache = await caches.open(NAME);
    await Promise.all(event.data.keep.map(async (address) => {
      try {
        const answer = await fetch(address);
        if (answer.ok) { await cache.put(address, answer); }
      } catch (error) { /* the next opening tries again */ }
    }));
    const kept = await cache.keys();
    await Promise.all(kept.slice(0, Math.max(0, kept.length - MOST)).map((request) => cache.delete(request)));
    event.source.postMessage("kept");
  })());
});

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin || url.pathname.endsWith("/state")) { return; }
  event.respondWith((async () => {
    try {
      return await fetch(request);
    } catch (error) {
      const kept = await caches.match(request, { ignoreSearch: request.mode === "navigate" });
      if (kept) { return kept; }
      throw error;
    }
  })());
});
