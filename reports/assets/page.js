// The budget's slider, the detail of a trial, and the beginning.
let size = data.cost;
let clock = "trials";
let opened = null; // the trial whose detail was asked for last

function budgetAt(share) {
  const [low, high] = data.budget;
  if (share >= 1000) return high;
  const budget = low * (high / low) ** (share / 1000);
  return data.cost === "latency" ? budget : Math.round(budget);
}

function bestWithin(budget) {
  let found = null;
  for (const number of data.front) if (trials[data.cost][number] <= budget) found = number;
  return found;
}

function choose() {
  const budget = budgetAt(Number($("budget").value));
  const number = bestWithin(budget);
  $("budget-text").textContent = data.cost === "latency" ? costText(budget) : budget.toLocaleString("en");
  $("budget").setAttribute("aria-valuetext", costText(budget));
  document.querySelectorAll("#front-rows tr").forEach((row) => {
    row.classList.toggle("chosen", Number(row.dataset.trial) === number);
  });
  $("found").hidden = number === null;
  $("none").hidden = number !== null;
  if (number !== null) {
    $("found-accuracy").textContent = percent(trials.accuracy[number], trials.error[number]);
    const relative = trials.params[number] / data.plain.params;
    const more = data.cost === "params" ? "" : `${costText(trials[data.cost][number])}, `;
    $("found-size").textContent = `${more}${trials.params[number].toLocaleString("en")} parameters, ${relative.toFixed(2)}× plain ${data.plain.name}`;
    $("found-values").textContent = valuesOf(number);
    $("found-command").textContent = exportCommand(number);
  }
  mark(budget, number);
}

function costText(cost) {
  if (data.cost === "latency") return milliseconds(cost);
  return `${cost.toLocaleString("en")} ${data.cost === "macs" ? "MACs" : "parameters"}`;
}

function valuesOf(number) {
  const parts = Object.entries(trials.values).map(([name, values]) => `${name} ${valueText(values[number])}`);
  return `Trial ${number}: ${parts.join(", ")}`;
}

// The front with the budget's line and a ring around what it buys.
function marked(budget, number) {
  const figure = data.figures[size];
  const ring = number === null ? [] : [{
    type: "scatter", mode: "markers", x: [trials[size][number]], y: [trials.accuracy[number]],
    marker: { size: 18, color: "rgba(0,0,0,0)", line: { width: 2, color: "var(--ink)" } },
    hoverinfo: "skip", showlegend: false,
  }];
  const line = size !== data.cost ? [] : [{
    type: "line", x0: budget, x1: budget, y0: 0, y1: 1, yref: "paper", line: { color: "var(--accent)", width: 1.5 },
  }];
  return {
    data: [...figure.data, ...ring],
    layout: { ...figure.layout, shapes: [...figure.layout.shapes, ...line], uirevision: size },
  };
}

function mark(budget, number) {
  show("figure-front", () => marked(budget, number));
}

function openTrial(number) {
  opened = number;
  const state = stateOf(number);
  $("trial-name").textContent = `Trial ${number}`;
  const facts = [
    ["State", element("span", { class: `state ${state}` }, state)],
    [data.quality, percent(trials.accuracy[number], trials.error[number]) || "not measured"],
    ...(trials.trainings[number] ? [["Trainings", trials.trainings[number].map((a) => percent(a)).join(", ")]] : []),
    ...Object.entries(trials.reported).filter(([, pairs]) => pairs[number]).map(([name, pairs]) => [name, reportedText(pairs[number])]),
    ["Parameters", `${trials.params[number].toLocaleString("en")} (${(trials.params[number] / data.plain.params).toFixed(2)}× plain)`],
    ["MACs", trials.macs[number].toLocaleString("en")],
    ...(trials.latency ? [["Latency", milliseconds(trials.latency[number])]] : []),
    ["Trained", `${plural(trials.epochs[number], "epoch")} in ${duration(trials.seconds[number])}`],
    ...Object.entries(trials.values).map(([name, values]) => [name, valueText(values[number])]),
    ["Digest", element("code", {}, trials.digest[number])],
  ];
  $("trial-facts").replaceChildren(...facts.flatMap(([k, v]) => [element("dt", {}, k), element("dd", {}, v)]));
  const why = [trials.cause[number], trials.detail[number]].filter(Boolean).join(": ");
  $("trial-reason").hidden = !why;
  $("trial-reason").textContent = why;
  $("trial-reason").classList.toggle("failed", state === "failed");
  $("trial-command").textContent = exportCommand(number);
  const curve = trials.curves[number] ?? [];
  $("figure-trial").hidden = !curve.length;
  if (!$("trial").open) $("trial").showModal();
  if (curve.length) {
    show("figure-trial", () => curveFigure(curve));
    draw("figure-trial");
  }
}

function curveFigure(curve) {
  const layout = structuredClone(data.figures.curves.layout);
  Object.assign(layout, { height: 260, showlegend: false, uirevision: `trial ${opened}` });
  layout.xaxis.ticktext = layout.xaxis.tickvals.map(String);
  layout.xaxis.title.text = "Epochs";
  return {
    data: [{
      type: "scatter", mode: "lines+markers", x: curve.map((m) => m[0]), y: curve.map((m) => m[1]),
      error_y: { type: "data", array: curve.map((m) => m[2]), thickness: 1, width: 0 },
      line: { color: "var(--front)", width: 2 }, marker: { size: 7 },
      hovertemplate: "%{y:.2%} at epoch %{x}<extra></extra>",
    }],
    layout,
  };
}

function revealFigures() {
  for (const name of ["importances", "agreement"]) reveal(`figure-${name}`, data.figures[name]);
}

function begin() {
  document.querySelectorAll("[data-copy]").forEach((place) => {
    place.append(copyButton(() => $(place.dataset.copy).textContent));
  });
  take();
  tables();
  $("close").addEventListener("click", () => $("trial").close());
  $("trial").addEventListener("click", (event) => { if (event.target === $("trial")) $("trial").close(); });
  $("budget").addEventListener("input", choose);
  choose();
  switcher("size", (value) => { size = value; choose(); });
  switcher("clock", (value) => { clock = value; draw("figure-growth"); });
  show("figure-growth", () => data.figures[clock]);
  for (const name of ["curves", "importances", "agreement"]) show(`figure-${name}`, () => data.figures[name]);
  revealFigures();
  requestAnimationFrame(() => setTimeout(unpack, 0));
}

begin();
