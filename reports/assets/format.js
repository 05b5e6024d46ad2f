"use strict";
// Numbers as people read them; the same words as reports.units.
let data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);

function quantity(number) {
  for (const [step, suffix] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(number) >= step * 0.9995) {
      const scaled = number / step;
      const digits = String(Math.trunc(Math.abs(scaled) + 0.0005)).length;
      return scaled.toFixed(Math.max(0, 3 - digits)) + suffix;
    }
  }
  return number.toFixed(0);
}

function percent(share, error) {
  if (share === null || share === undefined) return "";
  const spread = error ? `\u00a0±\u00a0${(100 * error).toFixed(1)}` : "";
  return `${(100 * share).toFixed(1)}${spread}\u00a0%`;
}

function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${(seconds / 60).toFixed(0)} min`;
  return seconds < 172800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86400).toFixed(1)} days`;
}

function plural(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

// "300k" or "1.5e6" as a number; NaN where it is none.
function parseQuantity(text) {
  const found = /^\s*([0-9.]+(?:e[0-9]+)?)\s*([kMGT]?)\s*$/i.exec(text);
  const steps = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };
  return found ? Number(found[1]) * steps[found[2].toLowerCase()] : NaN;
}

// An element with text inside: whatever was stored stays text.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return made;
}

function exportCommand(number) {
  return `kwsearch export ${data.study} --trial ${number} -o ${data.study}-${number}${data.database}`;
}

function copyButton(read) {
  const button = element("button", { class: "plain", type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(read());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it";
    }
    setTimeout(() => (button.textContent = "Copy"), 1600);
  });
  return button;
}

function milliseconds(value) {
  return value === null || value === undefined ? "" : `${Number(value.toPrecision(3))}\u00a0ms`;
}
