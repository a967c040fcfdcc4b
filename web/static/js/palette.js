// ⌘K: every place that the page leads to, by typing a part of its name.
import { say } from "./words.js";

const most = 30;

export function watchPalette() {
  const dialog = document.getElementById("palette");
  const input = document.getElementById("palette-input");
  const list = document.getElementById("palette-list");
  if (!dialog) return;
  let places = [];
  let at = 0;

  function open() {
    if (dialog.open || document.querySelector("dialog:modal")) return;
    places = collect();
    input.value = "";
    dialog.showModal();
    draw();
  }

  function found() {
    const words = input.value.toLowerCase().normalize("NFKC").split(/\s+/).filter(Boolean);
    const hits = places.filter((p) => words.every((w) => p.find.includes(w)));
    const number = /^#?(\d{1,12})$/.exec(input.value.normalize("NFKC").trim());
    if (number) {
      const base = document.documentElement.dataset.base ?? "";
      hits.unshift({ text: `#${number[1]}`, href: `${base}/incidents/${number[1]}` });
    }
    return hits.slice(0, most);
  }

  function draw() {
    const hits = found();
    at = Math.max(0, Math.min(at, hits.length - 1));
    list.replaceChildren(
      ...hits.map((p, n) => {
        const el = document.createElement("li");
        el.id = `palette-${n}`;
        el.role = "option";
        el.textContent = p.text;
        el.ariaSelected = String(n === at);
        el.addEventListener("click", () => follow(p));
        return el;
      }),
    );
    if (hits.length) {
      input.setAttribute("aria-activedescendant", `palette-${at}`);
      list.children[at].scrollIntoView({ block: "nearest" });
      return;
    }
    input.removeAttribute("aria-activedescendant");
    const none = document.createElement("li");
    none.className = "muted";
    none.textContent = say("palette.empty");
    list.append(none);
  }

  function follow(p) {
    dialog.close();
    location.assign(p.href);
  }

  input.addEventListener("input", () => {
    at = 0;
    draw();
  });
  input.addEventListener("keydown", (e) => {
    if (e.isComposing) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (by) {
      at += by;
      draw();
    } else if (e.key === "Enter") {
      const hit = found()[at];
      if (hit) follow(hit);
    } else return;
    e.preventDefault();
  });
  dialog.addEventListener("click", (e) => e.target === dialog && dialog.close());
  document.addEventListener("keydown", (e) => {
    if (e.key.toLowerCase() !== "k" || !(e.metaKey || e.ctrlKey) || e.altKey || e.shiftKey) return;
    e.preventDefault();
    open();
  });
  for (const el of document.querySelectorAll("[data-palette]")) {
    el.hidden = false;
    el.addEventListener("click", open);
  }
}

// collect is every place that the page leads to, once.
function collect() {
  const seen = new Map();
  for (const a of document.querySelectorAll(".nav a, .menu-box a, [data-row] a[href], a[data-place]")) {
    const name = a.cloneNode(true);
    for (const el of name.querySelectorAll(".count, .key, .sr")) el.remove();
    const text = (a.dataset.place || name.textContent).replace(/\s+/g, " ").trim();
    if (text && a.origin === location.origin && !seen.has(a.href)) {
      seen.set(a.href, { text, href: a.href, find: text.toLowerCase().normalize("NFKC") });
    }
  }
  return [...seen.values()];
}
