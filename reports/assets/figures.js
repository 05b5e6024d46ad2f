// plotly.js is unpacked after the first paint; figures are drawn when they come into sight.
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 720px)");
const touch = matchMedia("(pointer: coarse)");
const shown = new Map(); // place on the page -> function that gives its figure
let Plot = null;

function present(value) {
  // The figure with the page's present colours in place of var(--name).
  if (typeof value === "string" && value.startsWith("var(")) {
    return getComputedStyle(document.documentElement).getPropertyValue(value.slice(4, -1)).trim();
  }
  if (Array.isArray(value)) return value.map(present);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, present(v)]));
  }
  return value;
}

function draw(id) {
  const place = $(id);
  if (!Plot || !shown.has(id) || !place) return;
  const { data: traces, layout } = present(shown.get(id)());
  if (narrow.matches) layout.margin = { l: 44, r: 6, t: 8, b: 44 };
  if (touch.matches) layout.dragmode = false;
  place.classList.remove("waiting");
  if (!place.classList.contains("js-plotly-plot")) place.textContent = "";
  const options = {
    responsive: true,
    displaylogo: false,
    displayModeBar: touch.matches ? false : "hover",
    modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
    toImageButtonOptions: { format: "svg", filename: `${data.study}-${id}` },
  };
  Plot.react(place, traces, layout, options);
  if (!place.dataset.clicks) {
    place.dataset.clicks = "1";
    place.on("plotly_click", ({ points }) => {
      const custom = points[0].customdata;
      const number = Array.isArray(custom) ? custom[0] : custom;
      if (Number.isInteger(number)) openTrial(number);
    });
  }
}

const sight = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        sight.unobserve(entry.target);
        draw(entry.target.id);
      }
    }
  },
  { rootMargin: "400px" },
);

function show(id, figure) {
  shown.set(id, figure);
  const place = $(id);
  if (!place) return;
  if (place.classList.contains("js-plotly-plot")) draw(id);
  else if (Plot) sight.observe(place);
}

// A figure without a single mark has no place on the page.
function reveal(id, figure) {
  $(id).hidden = figure.data.every((trace) => !trace.x.length);
}

function redraw() {
  document.querySelectorAll(".js-plotly-plot").forEach((place) => draw(place.id));
}

// What is out of sight is drawn when nothing else is to be done, for whoever takes the page whole.
function later(ids) {
  const [id, ...rest] = ids;
  if (!id) return;
  const idle = window.requestIdleCallback ?? ((call) => setTimeout(call, 50));
  idle(() => {
    const place = $(id);
    if (place && !place.hidden && !place.classList.contains("js-plotly-plot")) draw(id);
    later(rest);
  });
}

async function unpack() {
  const packed = Uint8Array.from(atob($("plotly").textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const code = await new Response(stream).text();
  document.head.append(Object.assign(document.createElement("script"), { textContent: code }));
  Plot = window.Plotly;
  if (!Plot) throw new Error("plotly.js did not run");
  for (const id of shown.keys()) sight.observe($(id));
  later([...shown.keys()]);
  document.documentElement.dataset.ready = "yes";
}

dark.addEventListener("change", redraw);
narrow.addEventListener("change", redraw);
matchMedia("print").addEventListener("change", redraw); // on paper the light colours hold
addEventListener("beforeprint", () => [...shown.keys()].forEach(draw));

function switcher(id, choose) {
  $(id).addEventListener("click", ({ target }) => {
    if (target.tagName !== "BUTTON") return;
    for (const button of $(id).children) button.setAttribute("aria-pressed", button === target);
    choose(target.value);
  });
}
