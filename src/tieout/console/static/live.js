// What changes while a page is open: the figures of the frame, a pill for new holds, the outcome of a released document.
// Nothing moves under the reader's cursor.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && document.body.dataset.zone !== zone) {
  document.cookie = `tieout-zone=${zone};path=/;max-age=31536000;samesite=lax`;
}

const newest = Number(document.body.dataset.newestHold);
const pill = document.querySelector("[data-pill]");
pill?.addEventListener("click", () => location.reload());

async function look() {
  if (document.hidden) return;
  const answer = await fetch("/live", { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) return;
  const counts = await answer.json();
  for (const name of ["holds", "approvals"]) {
    const place = document.querySelector(`[data-count="${name}"]`);
    if (place) place.textContent = counts[name].toLocaleString("en");
  }
  const fresh = counts.newest_hold - newest;
  if (pill && fresh > 0) {
    pill.hidden = false;
    pill.textContent = `${fresh} new`;
  }
}
if (document.body.classList.contains("inside")) setInterval(look, 15000);

// What is at work, asked for until its banner is gone; then the page is drawn again. Until then only texts change, in their places.
const watched = document.querySelector("[data-watch]");
if (watched) {
  const again = async () => {
    const answer = await fetch(watched.dataset.watch).catch(() => null);
    const now = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
    if (now && !now.querySelector("[data-watch]")) return location.reload();
    for (const place of now ? document.querySelectorAll("[data-live]") : []) {
      const fresh = now.getElementById(place.id);
      if (fresh && fresh.textContent !== place.textContent) place.replaceChildren(...fresh.childNodes);
    }
    setTimeout(again, 2000);
  };
  setTimeout(again, 1000);
}
