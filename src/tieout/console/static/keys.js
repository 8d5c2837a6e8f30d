// Keyboard: every key presses something that is on the page already, so that a key can do nothing a click cannot.

const body = document.body;
const singleKeys = () => body.dataset.keys === "on";
const dialog = (name) => document.getElementById(name);
const typing = (target) => target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
let chord = 0;

function rows() {
  return [...document.querySelectorAll("[data-row]")];
}

function current() {
  return document.activeElement?.closest?.("[data-row]") ?? null;
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(current());
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  const link = next.querySelector("a.row");
  link?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

// Presses the element that carries the key: opens details, focuses fields, clicks the rest.
function press(key) {
  const found = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!found) return false;
  if (found.matches("details")) {
    found.open = !found.open;
    found.querySelector("summary").focus();
  } else if (found.matches("input, select, textarea")) {
    found.focus();
    found.select?.();
  } else if (found.dataset.needs && !document.getElementById(found.dataset.needs).value.trim()) {
    document.getElementById(found.dataset.needs).focus();
  } else {
    const row = current();
    const picks = document.querySelectorAll("[data-pick]:checked");
    if (found.name === "verb" && !picks.length && row) row.querySelector("[data-pick]")?.click();
    found.click();
  }
  return true;
}

async function openPalette() {
  const palette = dialog("palette");
  if (!palette || palette.open) return;
  palette.showModal();
  palette.querySelector("input").select();
  window.htmx?.trigger("#palette-results", "tieout:open");
}

async function peek() {
  const address = current()?.dataset.peek;
  if (!address) return;
  const answer = await fetch(address, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return;
  const content = dialog("peek").querySelector("#peek-content");
  content.replaceChildren(new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("article"));
  dialog("peek").showModal();
}

function single(event) {
  const key = event.key;
  if (chord && event.timeStamp - chord < 1500) {
    chord = 0;
    const target = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
    if (target) target.click();
    return Boolean(target);
  }
  chord = 0;
  switch (key) {
    case "g": chord = event.timeStamp; return true;
    case "j": move(1); return true;
    case "k": move(-1); return true;
    case "x": current()?.querySelector("[data-pick]")?.click(); return Boolean(current());
    case "o": peek(); return Boolean(current());
    case "?": dialog("keys")?.showModal(); return true;
    case "c": navigator.clipboard?.writeText(location.href).then(() => say("The link is copied.")); return true;
    default: return press(key);
  }
}

function say(text) {
  const notice = document.createElement("p");
  notice.className = "notice";
  notice.textContent = text;
  document.querySelector(".notices")?.replaceChildren(notice);
}

document.addEventListener("keydown", (event) => {
  if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (event.metaKey || event.ctrlKey || event.altKey) return;
  const open = document.querySelector("dialog[open]");
  if (open) {
    if (open.id === "palette") steer(event, open);
    return;
  }
  if (event.key === "Escape") {
    if (typing(event.target)) event.target.blur();
    else press("Escape");
    return;
  }
  if (typing(event.target) || !singleKeys()) return;
  if (single(event)) event.preventDefault();
});

// In the palette the arrows walk through the results, and Enter in the field opens the first of them.
function steer(event, palette) {
  const links = [...palette.querySelectorAll("[data-results] a, [data-results] button")];
  const at = links.indexOf(document.activeElement);
  if (event.key === "ArrowDown") (links[at + 1] ?? links[0])?.focus();
  else if (event.key === "ArrowUp") (at > 0 ? links[at - 1] : palette.querySelector("input")).focus();
  else if (event.key === "Enter" && at < 0 && links.length) links[0].click();
  else return;
  event.preventDefault();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-palette]");
  if (opener && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    openPalette();
    return;
  }
  const named = event.target.closest("[data-open]");
  if (named) dialog(named.dataset.open)?.showModal();
  const fill = event.target.closest("[data-fill]");
  if (fill) {
    const field = document.getElementById(fill.dataset.fill);
    field.value = fill.dataset.value;
    field.focus();
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard?.writeText(copy.dataset.copy).then(() => say("Copied."));
  if (event.target.matches("dialog[open]")) event.target.close();
  const menu = document.querySelector("details.menu[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
});

for (const each of document.querySelectorAll("[data-open], [data-copy]")) each.hidden = false;
if (/Mac|iPhone|iPad/.test(navigator.platform)) {
  for (const each of document.querySelectorAll("[data-mod-key]")) each.textContent = "⌘K";
}
const anchor = document.getElementById(location.hash.slice(1));
if (anchor?.matches("form")) anchor.querySelector("button, input:not([type=hidden])")?.focus();
