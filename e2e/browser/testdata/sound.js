// What is wrong with the page as it is drawn now, as sentences.
(() => {
  const wrong = [];
  const seen = (el) => el.checkVisibility({ checkVisibilityCSS: true }) && !el.closest("[inert]");
  const brief = (el) => el.outerHTML.replace(/\s+/g, " ").slice(0, 140);

  if (!/^(ja|en)$/.test(document.documentElement.lang)) wrong.push(`the page has the language "${document.documentElement.lang}"`);
  if (!document.title.trim()) wrong.push("the page has no title");
  if (!document.querySelector("main")) wrong.push("the page has no main part");

  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const widest = [...document.querySelectorAll("body *")].filter((el) => seen(el) && el.getBoundingClientRect().right > root.clientWidth + 1).slice(0, 3);
    wrong.push(`the page is ${root.scrollWidth} px wide on ${root.clientWidth}: ${widest.map(brief).join(" | ")}`);
  }

  const ids = new Map();
  for (const el of document.querySelectorAll("[id]")) ids.set(el.id, (ids.get(el.id) ?? 0) + 1);
  for (const [id, n] of ids) if (n > 1) wrong.push(`${n} elements have the id "${id}"`);
  for (const name of ["for", "aria-labelledby", "aria-describedby", "aria-controls", "aria-activedescendant", "popovertarget", "form", "list"]) {
    for (const el of document.querySelectorAll(`[${name}]`)) {
      for (const id of el.getAttribute(name).split(/\s+/)) if (id && !ids.has(id)) wrong.push(`${name}="${id}" leads nowhere: ${brief(el)}`);
    }
  }

  // The name that a control has for who can't see it; a placeholder is none.
  const text = (el) => {
    const copy = el.cloneNode(true);
    for (const hidden of copy.querySelectorAll('[aria-hidden="true"], script, style')) hidden.remove();
    for (const img of copy.querySelectorAll("img[alt]")) img.replaceWith(img.alt);
    for (const svg of copy.querySelectorAll("svg")) if (!svg.querySelector("title") && !svg.ariaLabel) svg.remove();
    return copy.textContent.trim();
  };
  const named = (el) => {
    if (el.ariaLabel?.trim()) return el.ariaLabel;
    const by = el.getAttribute("aria-labelledby");
    if (by) return by.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
    if (el.labels?.length) return [...el.labels].map(text).join(" ").trim();
    if (el.matches("input[type=submit], input[type=button]")) return el.value;
    if (el.matches("input, select, textarea")) return "";
    return text(el) || el.title;
  };
  for (const el of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, iframe, [role=button], dialog[open]")) {
    if (!seen(el)) continue;
    const name = el.matches("iframe") ? el.title : el.matches("dialog") ? named(el) : named(el);
    if (!name) wrong.push(`a control has no name: ${brief(el)}`);
  }
  for (const el of document.querySelectorAll("img:not([alt])")) wrong.push(`a picture has no text: ${brief(el)}`);
  for (const el of document.querySelectorAll('svg:not([aria-hidden="true"])')) {
    if (seen(el) && !el.closest('[aria-hidden="true"]') && !el.querySelector("title") && !el.ariaLabel) wrong.push(`a drawing has no text: ${brief(el)}`);
  }

  let level = 0;
  const heads = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(seen);
  const firsts = heads.filter((h) => h.matches("h1")).length;
  if (firsts !== 1) wrong.push(`the page has ${firsts} headings of the first level`);
  for (const h of heads) {
    const n = Number(h.localName[1]);
    if (n > level + 1) wrong.push(`a heading of level ${n} comes after one of level ${level}: ${brief(h)}`);
    level = n;
  }

  // A key that has no text, or a place in a text that was not filled.
  const unsaid = /^[a-z]+(\.[a-z_]+)+$/;
  const place = /\{[a-z_]+\}/;
  const check = (said, where) => {
    if (unsaid.test(said) || place.test(said)) wrong.push(`a text was not said: "${said}" in ${brief(where)}`);
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const el = node.parentElement;
    if (el.closest("script, style, code, pre, .mono, kbd, .code, noscript")) continue;
    const said = node.data.trim();
    if (said) check(said, el);
  }
  for (const el of document.querySelectorAll("[title], [aria-label], [placeholder], [alt]")) {
    for (const name of ["title", "aria-label", "placeholder", "alt"]) {
      const said = el.getAttribute(name)?.trim();
      if (said) check(said, el);
    }
  }

  // What is hit with a finger must be large enough for one.
  if (matchMedia("(pointer: coarse)").matches) {
    for (const el of document.querySelectorAll("button, input:not([type=hidden], [type=checkbox], [type=radio]), select, summary, a.button")) {
      if (!seen(el) || el.disabled) continue;
      const box = el.getBoundingClientRect();
      if (box.width > 1 && (box.height < 40 || box.width < 40)) wrong.push(`too small for a finger, ${Math.round(box.width)}×${Math.round(box.height)}: ${brief(el)}`);
    }
  }
  return wrong;
})()
