// Relative times tick, by the server's clock: a phone's own may be wrong. The
// forms are those of view.Relative.
import { say } from "./words.js";

let ahead = 0; // the server's clock less ours, in milliseconds

export function setClock(serverNow) {
  if (Number.isFinite(serverNow) && serverNow > 0) ahead = serverNow - Date.now();
}

export function now() {
  return Date.now() + ahead;
}

const two = (n) => String(n).padStart(2, "0");

export function relative(ms) {
  if (ms > 0) {
    const s = Math.ceil(ms / 1000);
    if (s < 60) return say("next.s", { n: s });
    if (s < 3600) return say("next.ms", { n: Math.floor(s / 60), m: two(s % 60) });
    if (s < 86400) return say("next.hm", { n: Math.floor(s / 3600), m: Math.floor((s % 3600) / 60) });
    return say("next.dh", { n: Math.floor(s / 86400), m: Math.floor((s % 86400) / 3600) });
  }
  const s = Math.floor(-ms / 1000);
  if (s < 5) return say("now");
  if (s < 60) return say("past.s", { n: s });
  if (s < 3600) return say("past.min", { n: Math.floor(s / 60) });
  if (s < 172800) return say("past.h", { n: Math.floor(s / 3600) });
  return say("past.d", { n: Math.floor(s / 86400) });
}

// clock is a time of day in the reader's zone: 03:12.
export function clock(ms) {
  const form = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  try {
    return new Intl.DateTimeFormat("en-GB", { ...form, timeZone: document.documentElement.dataset.zone }).format(ms);
  } catch {
    return new Intl.DateTimeFormat("en-GB", form).format(ms); // a zone that the browser does not know
  }
}

export function tick(root = document) {
  const at = now();
  for (const el of root.querySelectorAll("time[data-rel]")) {
    let ms = Date.parse(el.dateTime) - at;
    if (el.classList.contains("age")) ms = Math.min(0, ms);
    const text = relative(ms);
    if (el.textContent !== text) el.textContent = text;
  }
}

export function startClock() {
  setClock(Number(document.body.dataset.now));
  setInterval(() => document.hidden || tick(), 1000);
  document.addEventListener("visibilitychange", () => document.hidden || tick());
}
