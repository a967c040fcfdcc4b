// This device as one that takes push messages. The page has, where the reader
// may switch it:
//
//   <div data-module="push" data-key="…" data-url="/x/me/devices"
//        data-on data-off data-blocked data-unsupported data-install data-failed (the sentences)>
//     <p data-state role="status"></p>
//     <button type="button" data-use hidden>…</button>
//     <button type="button" data-stop hidden>…</button>
//   </div>
//
// Nothing is asked of the browser before "use" is pressed: a question that comes
// by itself is answered with no, and for ever.

// register makes the worker of this address run; it is harmless to call again.
export function register() {
  if (!("serviceWorker" in navigator)) return Promise.reject(new Error("no service worker"));
  const root = document.documentElement;
  const address = new URL((root.dataset.base || "") + "/sw.js", location.href);
  address.searchParams.set("lang", root.lang);
  address.searchParams.set("static", new URL("..", import.meta.url).pathname);
  return navigator.serviceWorker.register(address, { updateViaCache: "none" });
}

export function start(el) {
  const use = el.querySelector("[data-use]");
  const stop = el.querySelector("[data-stop]");

  function show(state) {
    el.dataset.now = state;
    el.querySelector("[data-state]").textContent = el.dataset[state] ?? "";
    const able = state === "on" || state === "off" || state === "failed";
    use.hidden = !able || state === "on";
    stop.hidden = state !== "on";
    use.disabled = stop.disabled = false;
  }

  async function look() {
    if (!("PushManager" in window) || !("Notification" in window)) {
      // Safari on a telephone has them only in what was added to the home screen.
      return show(navigator.standalone === false ? "install" : "unsupported");
    }
    if (Notification.permission === "denied") return show("blocked");
    const worker = await register();
    const subscription = await worker.pushManager.getSubscription();
    show(subscription && listensTo(subscription, el.dataset.key) ? "on" : "off");
  }

  async function subscribe() {
    // First of all: a browser asks only as the answer to a press.
    const permission = await Notification.requestPermission();
    if (permission !== "granted") return show(permission === "denied" ? "blocked" : "off");
    const worker = await running(await register());
    const old = await worker.pushManager.getSubscription();
    if (old && !listensTo(old, el.dataset.key)) await old.unsubscribe();
    const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(el.dataset.key) });
    try {
      await tell("POST", { ...subscription.toJSON(), agent: navigator.userAgent });
    } catch (e) {
      await subscription.unsubscribe(); // or it would look as if it were on
      throw e;
    }
    show("on");
  }

  async function unsubscribe() {
    const worker = await register();
    const subscription = await worker.pushManager.getSubscription();
    if (subscription) {
      await tell("DELETE", { endpoint: subscription.endpoint });
      await subscription.unsubscribe();
    }
    show("off");
  }

  async function tell(method, body) {
    const answer = await fetch(el.dataset.url, {
      method,
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`devices: ${answer.status}`);
  }

  const pressed = (work) => () => {
    use.disabled = stop.disabled = true;
    work().catch(() => show("failed"));
  };
  use.addEventListener("click", pressed(subscribe));
  stop.addEventListener("click", pressed(unsubscribe));
  look().catch(() => show("unsupported"));
}

// running waits until a worker may subscribe.
function running(registration) {
  const worker = registration.installing ?? registration.waiting;
  if (registration.active || !worker) return registration;
  return new Promise((done, fail) => {
    worker.addEventListener("statechange", () => {
      if (worker.state === "activated") done(registration);
      if (worker.state === "redundant") fail(new Error("the worker did not start"));
    });
  });
}

// listensTo reports whether a subscription is to the sender with that key.
function listensTo(subscription, key) {
  const own = subscription.options?.applicationServerKey;
  if (!own) return true; // the browser does not say
  return btoa(String.fromCharCode(...new Uint8Array(own))) === btoa(String.fromCharCode(...bytes(key)));
}

// bytes reads base64url.
function bytes(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}
