// Behaviour of the pages: theme, copying, and reading values off a plot. All of it is optional.
"use strict";

document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("km3-theme", root.dataset.theme);
  } catch {
    // The choice is for this page only, then.
  }
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const source = button.parentElement.querySelector("code, .citation");
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      // Without the permission to copy, select the text for the keyboard.
      getSelection().selectAllChildren(source);
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}

// "/" goes to the search field, as on other sites of this kind.
document.addEventListener("keydown", (event) => {
  const field = document.getElementById("q");
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
  if (event.key === "/" && field && !typing) {
    event.preventDefault();
    field.focus();
  }
});

const LEFT = 78;
const RIGHT = 622;
const TOP = 18;
const BOTTOM = 302;

/** Number of the bin or point at a fraction of the x axis. */
function indexAt(plot, fraction) {
  const x = plot.x[0] + fraction * (plot.x.at(-1) - plot.x[0]);
  let index = plot.x.findLastIndex((edge) => edge <= x);
  index = Math.max(0, Math.min(index, plot.y.length - 1));
  return index;
}

const shown = (value) => String(Number(value.toPrecision(5)));

function follow(figure, plot) {
  const svg = figure.querySelector("svg");
  const output = figure.querySelector("output");
  const title = output.textContent;
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("class", "cursor");
  svg.append(line);
  svg.tabIndex = 0;
  let current = -1;

  const show = (index) => {
    current = index;
    const steps = plot.kind === "steps";
    const middle = steps ? (plot.x[index] + plot.x[index + 1]) / 2 : plot.x[index];
    const place =
      LEFT + ((middle - plot.x[0]) / (plot.x.at(-1) - plot.x[0])) * (RIGHT - LEFT);
    line.setAttribute("d", `M${place} ${TOP}V${BOTTOM}`);
    const range = steps
      ? `${shown(plot.x[index])} to ${shown(plot.x[index + 1])}`
      : shown(middle);
    output.textContent = `${plot.xlabel}: ${range} → ${plot.ylabel}: ${shown(plot.y[index])}`;
  };
  const hide = () => {
    line.removeAttribute("d");
    output.textContent = title;
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 640;
    show(indexAt(plot, Math.min(1, Math.max(0, (x - LEFT) / (RIGHT - LEFT)))));
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      event.preventDefault();
      show(Math.max(0, Math.min(plot.y.length - 1, current + step)));
    }
  });
}

const data = document.getElementById("plot-data");
if (data) {
  const plots = JSON.parse(data.textContent);
  for (const figure of document.querySelectorAll("[data-plot]")) {
    const plot = plots[Number(figure.dataset.plot)];
    if (plot) follow(figure, plot);
  }
}

// On a phone the facets would push the results off the screen.
if (matchMedia("(max-width: 56rem)").matches) {
  for (const facet of document.querySelectorAll("details.facet")) facet.open = false;
}
