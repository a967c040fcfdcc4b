// The live wire: one stream for a page, whose patches are drawn as they come. A
// page that is not live says so; it is never silently old.
import { clock, now, setClock } from "./time.js";
import { dirty } from "./forms.js";
import { patch } from "./patch.js";
import { say } from "./words.js";

const lostAfter = 3000; // the stream is away so long: say it
const quietFor = 35000; // the server beats every 15 s; then the line is dead, whatever it says
const longest = 15000; // between two tries

export function listen(address) {
  let stream, again, late;
  let tries = 0;
  let heard = now();
  let last = ""; // id of the last event, for a stream that we open anew

  function open() {
    clearTimeout(again);
    stream?.close();
    const url = new URL(address, location.href);
    if (last) url.searchParams.set("after", last);
    stream = new EventSource(url);
    stream.addEventListener("open", () => {
      tries = 0; // it is alive with the first beat: a stream that can't be told anything has none
    });
    stream.addEventListener("beat", (e) => {
      setClock(Number(e.data));
      hear(e);
    });
    stream.addEventListener("patch", (e) => {
      hear(e);
      patch(e.data);
      document.dispatchEvent(new CustomEvent("toban:patched"));
    });
    stream.addEventListener("reload", reload);
    stream.addEventListener("error", () => {
      late ||= setTimeout(stale, lostAfter);
      if (stream.readyState === EventSource.CLOSED) retry(); // an answer that is no stream: a proxy's, a limit's
    });
  }

  function hear(e) {
    if (e.lastEventId) last = e.lastEventId;
    alive();
  }

  function alive() {
    heard = now();
    clearTimeout(late);
    late = 0;
    show(false);
  }

  function retry() {
    clearTimeout(again);
    again = setTimeout(open, Math.min(longest, 500 * 2 ** tries++) * (0.75 + Math.random() / 2));
  }

  function stale() {
    show(true, heard);
  }

  // reload draws the page anew, unless that would lose what somebody is typing,
  // or has just been tried.
  function reload() {
    const key = "toban:reloaded";
    const before = Number(sessionStorage.getItem(key));
    if (dirty() || Date.now() - before < 10000) {
      stream.close();
      stale();
      return;
    }
    sessionStorage.setItem(key, String(Date.now()));
    location.reload();
  }

  function wake() {
    if (document.hidden) return;
    if (stream.readyState !== EventSource.OPEN || now() - heard > quietFor / 2) open();
  }

  setInterval(() => {
    if (now() - heard > quietFor && stream.readyState === EventSource.OPEN) {
      stale();
      open();
    }
  }, 5000);
  addEventListener("online", wake);
  document.addEventListener("visibilitychange", wake);
  addEventListener("pagehide", () => {
    clearTimeout(again);
    stream.close();
  });
  addEventListener("pageshow", (e) => e.persisted && open());
  open();
}

function show(old, since) {
  document.documentElement.toggleAttribute("data-stale", old);
  const sign = document.getElementById("live");
  if (sign) {
    sign.hidden = false;
    const word = old ? sign.dataset.off : sign.dataset.on;
    const el = sign.querySelector(".live-word");
    if (el.textContent !== word) el.textContent = word;
  }
  const bar = document.getElementById("stale");
  if (!bar || bar.hidden === !old) return;
  bar.textContent = old ? say(navigator.onLine ? "stale" : "stale.offline", { time: clock(since) }) : "";
  bar.hidden = !old;
}
