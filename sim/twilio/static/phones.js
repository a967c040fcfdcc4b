// Live phones: the server sends the drawn page again, and only phones that are
// different are replaced, so that a finger on a key and an opened history stay.
const drawn = new Map();

function patch(html) {
  const next = new DOMParser().parseFromString(html, "text/html").getElementById("phones");
  const now = document.getElementById("phones");
  for (const phone of [...next.children]) {
    if (!phone.id) continue;
    const old = document.getElementById(phone.id);
    const text = phone.outerHTML;
    if (old && drawn.get(phone.id) === text) continue;
    drawn.set(phone.id, text);
    if (!old) {
      now.querySelector(":scope > p")?.remove();
      now.append(phone);
      continue;
    }
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    for (const open of old.querySelectorAll("details[open]")) {
      phone.querySelector("#" + CSS.escape(open.id))?.setAttribute("open", "");
    }
    old.replaceWith(phone);
    if (focused) document.getElementById(focused)?.focus();
    const said = phone.querySelector(".transcript");
    if (said) said.scrollTop = said.scrollHeight;
  }
}

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
  event.preventDefault();
  const body = new URLSearchParams(new FormData(event.target, event.submitter));
  fetch(event.target.action, { method: "POST", body, headers: { Accept: "application/json" } });
});
