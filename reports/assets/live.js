// The live page: asks its server what is new and puts it in place. What the reader has set (slider,
// filters, sorting, zoom, an open trial) stays as it is. A page out of sight asks for nothing.
const PAUSE = 2000;
const LONGEST = 30000;
const seen = new Map(); // part of the page -> the HTML that it has
let revision = data.revision;
let pause = PAUSE;
let timer = null;
let looking = false;

function shareOf(budget) {
  const [lowest, highest] = data.budget;
  return highest > lowest ? 1000 * Math.log(budget / lowest) / Math.log(highest / lowest) : 1000;
}

// Change what is inside a place; the row that had the focus has it afterwards.
function inPlace(place, change) {
  const row = place.contains(document.activeElement) && document.activeElement.closest("[data-trial]");
  change();
  if (row) place.querySelector(`[data-trial="${row.dataset.trial}"] .open`)?.focus({ preventScroll: true });
}

function renew(fresh) {
  const slider = $("budget");
  const budget = budgetAt(Number(slider.value));
  const [lowest] = data.budget;
  const names = Object.keys(data.trials.values).join();
  data = fresh.data;
  take();
  for (const place of document.querySelectorAll("[data-part]")) {
    const html = fresh.parts[place.dataset.part]; // stored text in it was escaped by the server
    if (seen.get(place) !== html) inPlace(place, () => { place.innerHTML = html; });
    seen.set(place, html);
  }
  if (lowest !== data.budget[0] && Number(slider.value) < 1000) slider.value = Math.max(0, shareOf(budget));
  if (names !== Object.keys(data.trials.values).join()) heads();
  inPlace($("trial-rows"), () => filter(view.page));
  choose();
  revealFigures();
  redraw();
  if ($("trial").open) openTrial(opened);
}

function tell(trouble) {
  $("live").classList.toggle("trouble", Boolean(trouble));
  if ($("trouble").textContent !== trouble) $("trouble").textContent = trouble;
}

async function look() {
  try {
    const answer = await fetch("state", { cache: "no-store", headers: { "If-None-Match": revision } });
    pause = PAUSE;
    if (answer.status === 304) return;
    if (!answer.ok) throw new Error(answer.statusText);
    const fresh = await answer.json();
    revision = answer.headers.get("ETag");
    tell(fresh.trouble ?? "");
    if (fresh.data) renew(fresh);
  } catch {
    pause = Math.min(2 * pause, LONGEST);
    revision = "";
    tell("The dashboard does not answer; this is what it last knew.");
  }
}

async function watch() {
  clearTimeout(timer);
  if (document.hidden || looking) return;
  looking = true;
  await look();
  looking = false;
  timer = setTimeout(watch, pause);
}

document.addEventListener("visibilitychange", watch);
timer = setTimeout(watch, PAUSE);
