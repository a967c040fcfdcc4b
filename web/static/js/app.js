// What every page loads. A page works without it; it makes it live and quick.
import { startClock } from "./time.js";
import { watchForms } from "./forms.js";
import { listen } from "./live.js";

document.documentElement.classList.add("scripted");
startClock();
watchForms();
if (document.body.dataset.live) listen(document.body.dataset.live);

// The keyboard is for pages with a way around; a signed link does without.
if (document.getElementById("keys")) {
  import("./keys.js").then((m) => m.watchKeys());
  import("./palette.js").then((m) => m.watchPalette());
}

// A part of a page names the module that brings it to life: data-module="push".
// What it exports as start is called with the element.
for (const el of document.querySelectorAll("[data-module]")) {
  if (/^[a-z-]+$/.test(el.dataset.module)) import(`./${el.dataset.module}.js`).then((m) => m.start?.(el));
}

// A menu closes when something else is pressed.
document.addEventListener("click", (e) => {
  for (const open of document.querySelectorAll("details.menu[open], details.more[open]")) {
    if (!open.contains(e.target)) open.open = false;
  }
});
document.addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  const open = document.querySelector("details.menu[open], details.more[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
