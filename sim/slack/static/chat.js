// Live chat: the server sends the drawn chat again, and only what is different
// is replaced, so that a finger on a button, typed words and opened details stay.
const drawn = new Map();
document.documentElement.classList.add("js");

function swap(old, next) {
  const text = next.outerHTML;
  if (drawn.get(next.id) === text) return;
  drawn.set(next.id, text);
  if (old.outerHTML === text) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  for (const open of old.querySelectorAll("details[open]")) {
    next.querySelector("#" + CSS.escape(open.id))?.setAttribute("open", "");
  }
  const typed = old.querySelector("input#text")?.value;
  old.replaceWith(next);
  const field = next.querySelector("input#text");
  if (typed && field) field.value = typed;
  if (focused) document.getElementById(focused)?.focus();
}

function patch(html) {
  const next = new DOMParser().parseFromString(html, "text/html");
  for (const id of ["channels", "head", "foot"]) {
    const [old, fresh] = [document.getElementById(id), next.getElementById(id)];
    if (old && fresh) swap(old, fresh);
  }
  const now = document.getElementById("messages");
  const low = atEnd(now);
  let after = null;
  const list = [...next.getElementById("messages").children];
  const known = new Set(list.map((m) => m.id));
  for (const old of [...now.children]) if (!known.has(old.id)) old.remove();
  for (const message of list) {
    const old = document.getElementById(message.id);
    if (old) {
      swap(old, message);
    } else {
      drawn.set(message.id, message.outerHTML);
      if (after) after.after(message);
      else now.prepend(message);
    }
    after = document.getElementById(message.id);
  }
  if (low) toEnd(now);
}

const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 80;
const toEnd = (box) => { box.scrollTop = box.scrollHeight; };
toEnd(document.getElementById("messages"));

const stale = document.querySelector(".stale");
const stream = new EventSource(document.body.dataset.live);
stream.addEventListener("patch", (event) => patch(event.data));
stream.addEventListener("open", () => { stale.hidden = true; });
stream.addEventListener("error", () => {
  if (stale.hidden) stale.querySelector("time").textContent = new Date().toTimeString().slice(0, 8);
  stale.hidden = false;
});
addEventListener("pagehide", () => stream.close(), { once: true });

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter)); // a field is called action, so form.action is not the address
  const field = form.querySelector("input#text");
  event.submitter?.setAttribute("aria-busy", "true");
  fetch(form.getAttribute("action"), { method: "POST", body, headers: { Accept: "application/json" } })
    .then((answer) => { if (answer.ok && field) field.value = ""; })
    .catch(() => {})
    .finally(() => {
      event.submitter?.removeAttribute("aria-busy");
      form.closest("details.confirm")?.removeAttribute("open");
    });
});

document.addEventListener("click", (event) => {
  const deny = event.target.closest(".deny");
  if (deny) deny.closest("details").removeAttribute("open");
  const link = event.target.closest(".link a");
  if (!link) return; // a link button tells the app as well
  const body = new URLSearchParams(new FormData(link.closest("form")));
  fetch(link.closest("form").getAttribute("action"), { method: "POST", body, headers: { Accept: "application/json" }, keepalive: true }).catch(() => {});
});

document.querySelector(".as select")?.addEventListener("change", (event) => event.target.form.submit());
