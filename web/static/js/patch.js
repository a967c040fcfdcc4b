// patch puts whole elements in the place of those with the same id. What has no
// place yet goes into the list that it names: data-into, data-order.
import { tick } from "./time.js";

const held = new Map(); // id → element that waits until nobody is in the middle of something

export function patch(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  for (const el of [...box.content.children]) {
    if (el.localName === "template") remove(el.dataset.remove);
    else place(el);
  }
}

function remove(id) {
  held.delete(id);
  if (id) document.getElementById(id)?.remove();
}

function place(el) {
  const old = el.id ? document.getElementById(el.id) : null;
  if (old && busy(old)) {
    held.set(el.id, el);
    return;
  }
  const list = el.dataset.into && document.querySelector(`[data-list="${CSS.escape(el.dataset.into)}"]`);
  const stays = old && (!el.dataset.into || (list && list.contains(old) && old.dataset.order === el.dataset.order));
  tick(el);
  if (stays) {
    const focus = keep(old, el);
    old.replaceWith(el);
    focus?.();
    return;
  }
  const focus = old ? keep(old, el) : null;
  old?.remove();
  if (list) {
    insert(list, el);
    if (!old) el.classList.add("fresh");
    focus?.();
  }
}

// insert keeps a list in order: the highest data-order first, or last where the
// list says data-direction="up". At most data-max stay.
function insert(list, el) {
  const up = list.dataset.direction === "up";
  const after = [...list.children].find((other) => {
    if (other.dataset.order === undefined) return false;
    const c = compare(other.dataset.order, el.dataset.order ?? "");
    return up ? c > 0 : c < 0;
  });
  list.insertBefore(el, after ?? null);
  const most = Number(list.dataset.max);
  while (most && list.children.length > most) (up ? list.firstElementChild : list.lastElementChild).remove();
}

// compare takes numbers that are too long for a Number.
function compare(a, b) {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

function busy(el) {
  if (el.matches(":popover-open, dialog[open]") || el.querySelector(":popover-open, dialog[open]")) return true;
  const at = document.activeElement;
  return at && el.contains(at) && at.matches("input:not([type=checkbox], [type=radio]), textarea, select") && at.value !== (at.defaultValue ?? at.value);
}

// keep carries over what the reader has opened, and returns how to give the
// focus back.
function keep(old, el) {
  for (const open of old.querySelectorAll("details[open][id]")) {
    const same = el.querySelector(`#${CSS.escape(open.id)}`);
    if (same) same.open = true;
  }
  for (const box of old.querySelectorAll("input[type=checkbox][name]:checked")) {
    const same = el.querySelector(`input[type=checkbox][name="${CSS.escape(box.name)}"][value="${CSS.escape(box.value)}"]`);
    if (same) same.checked = true;
  }
  if (old.open !== undefined && old.localName === "details") el.open = old.open;
  if (old.hasAttribute("data-at")) el.setAttribute("data-at", "");
  const at = document.activeElement;
  if (!at || !old.contains(at)) return null;
  if (at === old) return () => el.focus({ preventScroll: true });
  const find = at.id ? `#${CSS.escape(at.id)}` : at.dataset.key ? `[data-key="${CSS.escape(at.dataset.key)}"]` : at.href ? `a[href="${CSS.escape(at.getAttribute("href"))}"]` : "";
  return () => find && el.querySelector(find)?.focus({ preventScroll: true });
}

// release places what was held back, when it is free.
function release() {
  for (const [id, el] of held) {
    held.delete(id);
    place(el);
  }
}

for (const event of ["toggle", "close", "focusout", "submit"]) {
  document.addEventListener(event, () => held.size && setTimeout(release), true);
}
