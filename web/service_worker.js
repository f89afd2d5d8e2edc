// Keeps the site: its files are fetched once for each version, which takes over when no page of the last is open.
const CACHE = "denoise VERSION " + registration.scope;
const FILES = [/* files */];

addEventListener("install", (event) => {
  const requests = FILES.map((file) => new Request(file, { cache: "no-cache" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)));
});

addEventListener("activate", (event) => {
  const isOld = (name) => name.startsWith("denoise ") && name.endsWith(registration.scope) && name !== CACHE;
  const clean = async () => {
    await Promise.all((await caches.keys()).filter(isOld).map((name) => caches.delete(name)));
    await clients.claim();
  };
  event.waitUntil(clean());
});

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(registration.scope)) return;
  const answer = async () => {
    const cache = await caches.open(CACHE);
    return await cache.match(request, { ignoreSearch: true }) ?? await fetch(request);
  };
  event.respondWith(answer());
});
