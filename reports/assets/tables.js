// The table of trials: filtered and sorted as a list of numbers, a page of it in the document.
const PAGE = 25;
const fixed = [
  { name: "Trial", number: true, of: (i) => i, text: (i) => i },
  { name: "State", of: (i) => stateOf(i), text: (i) => stateOf(i) },
  { name: data.quality, number: true, of: (i) => trials.accuracy[i], text: (i) => percent(trials.accuracy[i], trials.error[i]) },
  { name: "Parameters", number: true, of: (i) => trials.params[i], text: (i) => trials.params[i].toLocaleString("en") },
  { name: "MACs", number: true, optional: true, of: (i) => trials.macs[i], text: (i) => quantity(trials.macs[i]) },
  { name: "Epochs", number: true, optional: true, of: (i) => trials.epochs[i], text: (i) => trials.epochs[i] },
  { name: "Time", number: true, optional: true, of: (i) => trials.seconds[i], text: (i) => duration(trials.seconds[i]) },
];
let trials, onFront, columns;
const view = { sort: 2, down: true, page: 0, found: [] };

// Take over the trials that the data have now.
function take() {
  trials = data.trials;
  onFront = new Set(data.front);
  const chosen = Object.entries(trials.values).map(([name, values]) => ({
    name,
    optional: true,
    number: values.some((value) => typeof value === "number"),
    of: (i) => values[i],
    text: (i) => valueText(values[i]),
  }));
  const reported = Object.entries(trials.reported)
    .filter(([name]) => !name.includes(".")) // those of a single class stand with the trial alone
    .map(([name, pairs]) => ({
      name,
      optional: true,
      number: true,
      of: (i) => pairs[i]?.[0] ?? null,
      text: (i) => reportedText(pairs[i]),
    }));
  const timed = trials.latency ? [{ name: "Latency", number: true, of: (i) => trials.latency[i], text: (i) => milliseconds(trials.latency[i]) }] : [];
  columns = [...fixed, ...timed, ...reported, ...chosen];
}

function reportedText(pair) {
  if (!pair) return "";
  return pair[1] === null ? valueText(pair[0]) : `${valueText(pair[0])} ± ${Number(pair[1].toPrecision(2))}`;
}

function valueText(value) {
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value ?? "");
}

function stateOf(i) {
  return onFront.has(i) ? "front" : data.states[trials.state[i]];
}

function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1; // what is not there comes last, either way
  if (b === null || b === undefined) return -1;
  const order = a < b ? -1 : 1;
  return view.down ? -order : order;
}

function filter(at = 0) {
  const words = $("words").value.toLowerCase().split(/\s+/).filter(Boolean);
  const state = $("state").value;
  const most = $("most").value.trim() ? parseQuantity($("most").value) : Infinity;
  $("most").setAttribute("aria-invalid", Number.isNaN(most));
  const { of } = columns[view.sort];
  view.found = [...trials.params.keys()].filter((i) => {
    if (state && (state === "complete" ? data.states[trials.state[i]] : stateOf(i)) !== state) return false;
    if (trials.params[i] > most) return false;
    if (!words.length) return true;
    const row = [...columns.map((c) => c.text(i)), trials.cause[i] ?? "", trials.detail[i] ?? ""];
    const text = row.join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  view.found.sort((a, b) => compare(of(a), of(b)) || a - b);
  view.page = at;
  page();
}

function page() {
  const last = Math.max(0, Math.ceil(view.found.length / PAGE) - 1);
  view.page = Math.min(Math.max(view.page, 0), last);
  const rows = view.found.slice(view.page * PAGE, (view.page + 1) * PAGE);
  $("trial-rows").replaceChildren(...rows.map(trialRow));
  const first = view.found.length ? view.page * PAGE + 1 : 0;
  $("shown").textContent = `${first} to ${view.page * PAGE + rows.length} of ${view.found.length.toLocaleString("en")}`;
  $("before").disabled = view.page === 0;
  $("after").disabled = view.page === last;
}

function trialRow(i) {
  const cells = columns.map((column, place) => {
    const kind = `${column.number ? "number" : ""}${column.optional ? " optional" : ""}`;
    if (place === 0) {
      return element("td", { class: kind }, element("button", { class: "open", type: "button", "aria-label": `Open trial ${i}` }, i));
    }
    const text = place === 1 ? element("span", { class: `state ${stateOf(i)}` }, stateOf(i)) : column.text(i);
    return element("td", { class: kind }, text);
  });
  return element("tr", { "data-trial": i }, ...cells);
}

function heads() {
  const row = element("tr");
  columns.forEach((column, place) => {
    const kind = `${column.number ? "number" : ""}${column.optional ? " optional" : ""}`;
    const button = element("button", { type: "button" }, column.name);
    button.addEventListener("click", () => {
      view.down = view.sort === place ? !view.down : Boolean(column.number) && place > 0;
      view.sort = place;
      sorted(row);
      filter();
    });
    row.append(element("th", { class: kind, scope: "col" }, button));
  });
  sorted(row);
  $("trial-heads").replaceChildren(row);
}

function sorted(row) {
  [...row.children].forEach((head, place) => {
    if (place === view.sort) head.setAttribute("aria-sort", view.down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
}

function tables() {
  heads();
  filter();
  for (const id of ["words", "most"]) $(id).addEventListener("input", () => filter());
  $("state").addEventListener("change", () => filter());
  $("before").addEventListener("click", () => { view.page -= 1; page(); });
  $("after").addEventListener("click", () => { view.page += 1; page(); });
  document.addEventListener("click", ({ target }) => {
    const row = target.closest("tr[data-trial]");
    if (row) openTrial(Number(row.dataset.trial));
  });
}
