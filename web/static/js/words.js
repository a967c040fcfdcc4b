// The few texts that scripts say, in the reader's language; the server puts them
// into the page (view.Shell.Words).
const texts = JSON.parse(document.querySelector('meta[name="words"]')?.content || "{}");

export function say(key, places = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => places[name] ?? "");
}
