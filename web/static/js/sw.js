// The worker behind the pages: it shows push messages, takes an incident from
// the notification, and says when the device is offline. It keeps no page and no
// answer of the API: what is old must not look as if it were new.
//
// push.js registers it as sw.js?lang=…&static=…, so that a new version of the
// assets is a new worker.
const options = new URL(self.location).searchParams;
const assets = options.get("static") || "static/";
const lang = options.get("lang") || "en";
const shell = "shell:" + assets + ":" + lang;
const icon = new URL(assets + "icons/icon-192.png", self.location).href;
const badge = new URL(assets + "icons/badge-96.png", self.location).href;
const seenAt = new URL("seen", self.registration.scope).href; // a key, no address that is asked
const offlineAt = new URL("offline?lang=" + encodeURIComponent(lang), self.registration.scope).href;

self.addEventListener("install", (event) => event.waitUntil(keepShell()));

self.addEventListener("activate", (event) => event.waitUntil(begin()));

async function begin() {
  for (const name of await caches.keys()) {
    if (name.startsWith("shell:") && name !== shell) await caches.delete(name);
  }
  await self.registration.navigationPreload?.enable(); // a page does not wait for the worker to start
  await self.clients.claim();
}

// keepShell keeps the offline page, its styles and the signs of notifications.
// Without them the worker is still good for messages.
async function keepShell() {
  self.skipWaiting();
  const kept = await caches.open(shell);
  try {
    await kept.addAll([icon, badge]);
    const page = await fetch(offlineAt, { credentials: "omit", cache: "no-cache" });
    if (!page.ok) return;
    const styles = [...(await page.clone().text()).matchAll(/<link rel="stylesheet" href="([^"]+)"/g)];
    await kept.put(offlineAt, page);
    await kept.addAll(styles.map((found) => new URL(found[1], offlineAt).href));
  } catch {
    // offline already: there is no shell until the next worker
  }
}

self.addEventListener("fetch", (event) => {
  const asked = event.request;
  if (asked.method !== "GET" || new URL(asked.url).origin !== self.location.origin) return;
  if (asked.mode === "navigate") event.respondWith(page(event));
  else if (asked.destination === "style") event.respondWith(fetch(asked).catch(async (e) => (await caches.match(asked)) ?? Promise.reject(e)));
});

async function page(event) {
  try {
    const answer = (await event.preloadResponse) ?? (await fetch(event.request));
    event.waitUntil(caches.open(shell).then((kept) => kept.put(seenAt, new Response(String(Date.now())))));
    return answer;
  } catch (failed) {
    return (await offline()) ?? Promise.reject(failed);
  }
}

// offline is the page that says so, and when the last one came.
async function offline() {
  const kept = await caches.open(shell);
  const page = await kept.match(offlineAt);
  if (!page) return undefined;
  const seen = await kept.match(seenAt);
  const text = (await page.text()).replaceAll("%SEEN%", seen ? clock(Number(await seen.text())) : "–");
  const headers = new Headers(page.headers);
  for (const name of ["Content-Encoding", "Content-Length", "ETag"]) headers.delete(name);
  return new Response(text, { status: 503, headers });
}

function clock(at) {
  const today = new Date().toDateString() === new Date(at).toDateString();
  const day = today ? {} : { month: "numeric", day: "numeric", weekday: "short" };
  return new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
}

self.addEventListener("push", (event) => event.waitUntil(tell(read(event.data))));

// read takes any message: a browser blocks a sender whose message shows nothing.
function read(data) {
  try {
    const notice = data.json();
    if (notice && typeof notice.title === "string") return notice;
  } catch {
    // not ours, or of another version
  }
  return { title: "toban", body: "", tag: "unknown", url: "./" };
}

async function tell(notice, said = {}) {
  const { title, body, urgent } = { ...notice, ...said };
  const open = notice.state === "triggered" || Boolean(notice.ack);
  return self.registration.showNotification(title, {
    body,
    lang: notice.lang,
    tag: notice.tag,
    renotify: urgent === true,
    requireInteraction: urgent === true && open,
    silent: urgent === true ? false : !open,
    ...(urgent === true && { vibrate: [400, 150, 400, 150, 400] }),
    timestamp: notice.at || Date.now(),
    icon: await picture(icon),
    badge: await picture(badge),
    actions: notice.actions ?? [],
    data: notice,
  });
}

// picture is a kept file as a data URL, or undefined: a browser shows nothing
// until it has the pictures, and at night the line may be slow.
async function picture(address) {
  const kept = await (await caches.open(shell)).match(address);
  if (!kept) return undefined;
  return "data:image/png;base64," + btoa(String.fromCharCode(...new Uint8Array(await kept.arrayBuffer())));
}

self.addEventListener("notificationclick", (event) => {
  const notice = event.notification.data ?? {};
  event.notification.close();
  event.waitUntil(pressed(event.action, notice));
});

function pressed(action, notice) {
  return action === "acknowledge" && notice.ack ? acknowledge(notice) : open(notice);
}

// acknowledge needs no login: the token of the link is the permission (R19).
async function acknowledge(notice) {
  try {
    const answer = await fetch(new URL(notice.ack.url, self.registration.scope), {
      method: "POST",
      credentials: "omit",
      cache: "no-store",
      headers: { Accept: "application/json", "Accept-Language": notice.lang || lang },
      body: new URLSearchParams({ token: notice.ack.token, via: "push" }),
      signal: AbortSignal.timeout(10000),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const now = await answer.json().catch(() => ({})); // somebody may have been quicker, or it is over: then that is said
    const { actions: _, ack: __, ...rest } = notice;
    await tell({ ...rest, state: now.state || "acknowledged" }, { title: now.text || notice.words.done, urgent: false });
  } catch {
    await tell(notice, { title: notice.words.failed, urgent: true });
  }
}

async function open(notice) {
  const address = new URL(notice.url ?? "./", self.registration.scope).href;
  for (const client of await self.clients.matchAll({ type: "window", includeUncontrolled: true })) {
    if (client.url === address) return client.focus();
  }
  return self.clients.openWindow(address);
}

// A browser may change a subscription by itself; the pages' session is asked to
// keep the new one.
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

async function renew(event) {
  const fresh = event.newSubscription ?? (event.oldSubscription && (await self.registration.pushManager.subscribe(event.oldSubscription.options)));
  if (!fresh) return;
  await fetch(new URL("me/devices", self.registration.scope), {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ ...fresh.toJSON(), agent: navigator.userAgent }),
  });
}
