// Keeps the page itself (never anyone's data) so that it works with the network off. Written into dist by vite.config.ts,
// which fills in the version and the files.
const NAME = `ultrare-${"VERSION"}`;
const FILES = [/* FILES */];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith("ultrare-") && name !== NAME) await caches.delete(name);
    await self.clients.claim();
  })());
});

// The page itself comes from the network if there is one, so that a new version shows at once; the files it names carry
// their hash in their name and never change.
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  const cache = caches.open(NAME); // other pages of this origin have caches of their own
  const kept = async () => (await cache).match(request, { ignoreSearch: request.mode === "navigate" });
  event.respondWith(
    request.mode === "navigate"
      ? fetch(request).catch(async () => (await kept()) ?? (await (await cache).match("./")) ?? Response.error())
      : kept().then((hit) => hit ?? fetch(request)),
  );
});
