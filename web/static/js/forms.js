// Forms work without this. It sends buttons in the background, so that the page
// stays where it is; it keeps a form from being sent twice; and it remembers what
// is being typed.
import { patch } from "./patch.js";
import { tick } from "./time.js";
import { say } from "./words.js";

const fragments = "text/vnd.toban.patch+html"; // a server that knows it answers with patches alone
const toastFor = 8000;
const kept = "toban:flash";

export function dirty() {
  return document.querySelector("form[data-dirty]") !== null;
}

export function watchForms() {
  document.addEventListener("input", (e) => e.target.form?.matches("[data-form]") && e.target.form.setAttribute("data-dirty", ""));
  document.addEventListener("submit", submit);
  addEventListener("beforeunload", (e) => dirty() && e.preventDefault());
  addEventListener("pageshow", () => document.querySelectorAll("[aria-busy]").forEach(free)); // back to a page that was sent
  const flash = sessionStorage.getItem(kept);
  if (flash) {
    sessionStorage.removeItem(kept);
    toast(flash);
  }
}

function submit(e) {
  const form = e.target;
  if (form.method !== "post") return;
  const button = e.submitter ?? form.querySelector("[type=submit]");
  if (form.hasAttribute("data-sending")) {
    e.preventDefault();
    return;
  }
  form.setAttribute("data-sending", "");
  button?.setAttribute("aria-busy", "true");
  form.removeAttribute("data-dirty");
  if (!form.matches("[data-act]")) return; // the browser sends it
  e.preventDefault();
  send(form, button).finally(() => free(button ?? form));
}

function free(button) {
  button.removeAttribute("aria-busy");
  button.closest("form")?.removeAttribute("data-sending");
}

async function send(form, button) {
  let answer, text;
  try {
    answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form, button?.name ? button : undefined)),
      headers: { Accept: `${fragments}, text/html;q=0.9` },
      signal: AbortSignal.timeout(15000),
    });
    text = await answer.text();
  } catch {
    toast(box("error", say("failed")));
    return;
  }
  form.closest("[popover]:popover-open")?.hidePopover();
  const type = answer.headers.get("Content-Type") ?? "";
  if (answer.status === 204) return;
  if (type.startsWith(fragments)) {
    const flash = pick(text);
    patch(flash.rest);
    toast(flash.html);
  } else if (type.startsWith("text/html")) {
    draw(new DOMParser().parseFromString(text, "text/html"), answer);
  } else {
    toast(box("error", say("failed")));
  }
}

// pick takes what is said once out of patches.
function pick(html) {
  const t = document.createElement("template");
  t.innerHTML = html;
  const flashes = t.content.getElementById("flashes");
  flashes?.remove();
  return { html: flashes?.innerHTML ?? "", rest: t.innerHTML };
}

// draw shows the page that an action led to: in place where it is this one.
function draw(page, answer) {
  const flashes = page.getElementById("flashes");
  const said = flashes?.innerHTML ?? "";
  flashes?.replaceChildren();
  const main = page.getElementById("main");
  const here = new URL(answer.url).pathname === location.pathname;
  if (answer.ok && !here && answer.redirected) { // without a redirect it is shown once, and can't be asked for again
    if (said) sessionStorage.setItem(kept, said);
    location.assign(answer.url);
    return;
  }
  if (!main) {
    location.reload();
    return;
  }
  if (!answer.ok) { // what is wrong is the page
    const wrong = main.querySelector(".error-box, .flash, .empty");
    toast(said || box("error", wrong?.querySelector(".error-text, .empty-title")?.textContent ?? say("failed")));
    return;
  }
  const at = document.querySelector("[data-at][id]")?.id;
  for (const id of ["main", "duty", "counts", "counts-foot"]) {
    const el = page.getElementById(id);
    const old = document.getElementById(id);
    if (el && old) old.replaceWith(document.adoptNode(el));
  }
  const row = at && document.getElementById(at); // whoever goes by the keyboard goes on from here
  if (row) {
    row.setAttribute("data-at", "");
    row.querySelector("a[href]")?.focus({ preventScroll: true });
  }
  tick();
  document.getElementById("made")?.scrollIntoView({ block: "start" }); // it is shown this once
  toast(said);
  document.dispatchEvent(new CustomEvent("toban:patched"));
}

function box(kind, text) {
  const el = document.createElement("div");
  el.className = `flash flash-${kind}`;
  el.textContent = text;
  return el.outerHTML;
}

// toast says something once, where it is seen; it stays while it is pointed at.
export function toast(html) {
  const place = document.getElementById("flashes");
  if (!html || !place) return;
  const t = document.createElement("template");
  t.innerHTML = html;
  const el = t.content.firstElementChild;
  if (!el) return;
  el.classList.add("toast");
  place.replaceChildren(el);
  let timer;
  const leave = () => (timer = setTimeout(() => el.remove(), toastFor));
  for (const event of ["pointerenter", "focusin"]) el.addEventListener(event, () => clearTimeout(timer));
  for (const event of ["pointerleave", "focusout"]) el.addEventListener(event, leave);
  leave();
}
