// The keyboard: j k through the rows, Enter opens, a and r act on the row or the
// page, / searches, g and a letter goes somewhere, ? tells.
const going = 1200; // g waits so long for its letter

let gone = -going; // when g was pressed; a page that has just come was not asked to go

export function watchKeys() {
  for (const el of document.querySelectorAll("[data-help]")) {
    el.hidden = false;
    el.addEventListener("click", help);
  }
  document.addEventListener("keydown", press);
}

function press(e) {
  if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || typing(e.target)) return;
  if (document.querySelector("dialog:modal, :popover-open")) return;
  const act = e.timeStamp - gone < going ? go : keys[e.key];
  gone = -going;
  if (act && act(e) !== false) e.preventDefault();
}

function typing(el) {
  return el.isContentEditable || el.matches("input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select");
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  Enter: (e) => {
    if (e.target.closest("a, button, summary")) return false; // it does its own
    const link = current()?.querySelector("a[href]");
    if (!link) return false;
    link.click();
  },
  a: () => click("a"),
  r: () => click("r"),
  "/": () => {
    const field = document.querySelector("main [data-search], main input[type=search]");
    if (!field) return false;
    field.focus();
    field.select?.();
  },
  "?": () => help(),
  g: (e) => {
    gone = e.timeStamp;
  },
};

function current() {
  return document.querySelector("[data-row][data-at]");
}

function move(by) {
  const rows = [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
  if (!rows.length) return false;
  const at = rows.indexOf(current());
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + by));
  rows[at]?.removeAttribute("data-at");
  rows[next].setAttribute("data-at", "");
  (rows[next].querySelector("a[href]") ?? rows[next]).focus({ preventScroll: true });
  rows[next].scrollIntoView({ block: "nearest" });
}

function click(key) {
  const find = `[data-key="${key}"]:not(:disabled)`;
  const row = current();
  const button = row ? row.querySelector(find) : document.querySelector(`#actions ${find}, main ${find}`);
  if (!button) return false;
  button.click();
}

function go(e) {
  const link = document.querySelector(`[data-go="${CSS.escape(e.key)}"]`);
  if (!link) return false;
  link.click();
}

function help() {
  document.querySelector("details.menu[open]")?.removeAttribute("open");
  document.getElementById("keys")?.showModal();
}
