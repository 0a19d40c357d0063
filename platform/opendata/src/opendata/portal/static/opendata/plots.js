// Reading values off plots, maps and sky maps: with the pointer, or with arrow keys. All optional.
"use strict";

const LEFT = 78;
const RIGHT = 622;
const MAP_RIGHT = 548;
const TOP = 18;
const BOTTOM = 302;
const SVG = "http://www.w3.org/2000/svg";

/** A value as text: none is said, and whole numbers keep all of their digits. */
function shown(value) {
  if (value === null || value === undefined) return "no value";
  if (value === "") return "empty text";
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(9)));
}
const between = (value, low, high) => Math.max(low, Math.min(high, value));

/** Number of the bin of sorted edges that a value is in. */
const binOf = (edges, value) =>
  between(edges.findLastIndex((edge) => edge <= value), 0, edges.length - 2);

/** Gives a figure a mark, keys and pointer; `reader` says what there is to read. */
function follow(figure, reader) {
  const svg = figure.querySelector("svg");
  const output = figure.querySelector("output");
  const title = output.textContent;
  const mark = document.createElementNS(SVG, "path");
  mark.setAttribute("class", reader.mark);
  svg.append(mark);
  svg.tabIndex = 0;
  let current = null;

  const show = (place) => {
    if (place === null) return;
    current = place;
    mark.setAttribute("d", reader.draw(place));
    output.textContent = reader.say(place);
  };
  const hide = () => {
    mark.removeAttribute("d");
    output.textContent = title;
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const scale = 640 / box.width;
    show(reader.at((event.clientX - box.left) * scale, (event.clientY - box.top) * scale));
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    const move = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1],
    }[event.key];
    if (!move) return;
    const place = reader.next(current, ...move);
    if (place !== null) {
      event.preventDefault();
      show(place);
    }
  });
}

/** A curve, or steps over bins. */
function curve(plot) {
  const steps = plot.kind === "steps";
  const last = plot.y.length - 1;
  const span = plot.x.at(-1) - plot.x[0];
  return {
    mark: "cursor",
    at(x) {
      const value = plot.x[0] + between((x - LEFT) / (RIGHT - LEFT), 0, 1) * span;
      if (steps) return binOf(plot.x, value);
      const after = plot.x.findIndex((point) => point >= value);
      return after > 0 && value - plot.x[after - 1] < plot.x[after] - value ? after - 1 : after;
    },
    next: (index, right) => (right ? between((index ?? -1) + right, 0, last) : null),
    draw(index) {
      const middle = steps ? (plot.x[index] + plot.x[index + 1]) / 2 : plot.x[index];
      return `M${LEFT + ((middle - plot.x[0]) / span) * (RIGHT - LEFT)} ${TOP}V${BOTTOM}`;
    },
    say(index) {
      const x = steps
        ? `${shown(plot.x[index])} to ${shown(plot.x[index + 1])}`
        : shown(plot.x[index]);
      return `${plot.xlabel}: ${x} → ${plot.ylabel}: ${shown(plot.y[index])}`;
    },
  };
}

/** A map of colours over two axes. */
function map(plot) {
  const place = (edges, from, to) => (value) =>
    from + ((value - edges[0]) / (edges.at(-1) - edges[0])) * (to - from);
  const x = place(plot.x, LEFT, MAP_RIGHT);
  const y = place(plot.y, BOTTOM, TOP);
  const value = (edges, fraction) => edges[0] + between(fraction, 0, 1) * (edges.at(-1) - edges[0]);
  return {
    mark: "cell",
    at: (px, py) => [
      binOf(plot.x, value(plot.x, (px - LEFT) / (MAP_RIGHT - LEFT))),
      binOf(plot.y, value(plot.y, (BOTTOM - py) / (BOTTOM - TOP))),
    ],
    next: (cell, right, up) => [
      between((cell?.[0] ?? 0) + right, 0, plot.x.length - 2),
      between((cell?.[1] ?? 0) + up, 0, plot.y.length - 2),
    ],
    draw: ([i, j]) => `M${x(plot.x[i])} ${y(plot.y[j])}H${x(plot.x[i + 1])}V${y(plot.y[j + 1])}H${x(plot.x[i])}Z`,
    say: ([i, j]) =>
      `${plot.xlabel}: ${shown(plot.x[i])} to ${shown(plot.x[i + 1])}, ` +
      `${plot.ylabel}: ${shown(plot.y[j])} to ${shown(plot.y[j + 1])} → ` +
      `${plot.zlabel}: ${shown(plot.z[j][i])}`,
  };
}

/** Points on the sky; the projection is that of portal/plots.py. */
function sky(points) {
  const radians = Math.PI / 180;
  const places = points.ra.map((ra, index) => {
    const longitude = (180 - ra) * radians;
    const latitude = points.dec[index] * radians;
    const z = Math.sqrt(1 + Math.cos(latitude) * Math.cos(longitude / 2));
    return [
      320 + (300 * Math.cos(latitude) * Math.sin(longitude / 2)) / z,
      166 - (150 * Math.sin(latitude)) / z,
    ];
  });
  const order = points.ra.map((_, index) => index).sort((a, b) => points.ra[a] - points.ra[b]);
  const rank = new Map(order.map((index, position) => [index, position]));
  return {
    mark: "found",
    at(x, y) {
      let best = null;
      let least = 400; // pixels squared: further away no point is meant
      places.forEach(([px, py], index) => {
        const distance = (px - x) ** 2 + (py - y) ** 2;
        if (distance < least) [best, least] = [index, distance];
      });
      return best;
    },
    next(index, right) {
      if (!right) return null;
      return order[between((index === null ? -1 : rank.get(index)) + right, 0, order.length - 1)];
    },
    draw(index) {
      const [x, y] = places[index];
      return `M${x - 7} ${y}a7 7 0 1 0 14 0a7 7 0 1 0 -14 0`;
    },
    say(index) {
      const more = (points.info ?? []).map(
        (item) => `, ${item.name} ${shown(item.values[index])}${item.unit ? ` ${item.unit}` : ""}`,
      );
      return `RA ${points.ra[index]}°, Dec ${points.dec[index]}°${more.join("")}`;
    },
  };
}

const data = document.getElementById("plot-data");
if (data) {
  const plots = JSON.parse(data.textContent);
  for (const figure of document.querySelectorAll("[data-plot]")) {
    const plot = plots[Number(figure.dataset.plot)];
    follow(figure, plot.kind === "map" ? map(plot) : curve(plot));
  }
}

// Thousands of positions are fetched when somebody points at the map, not with every page.
for (const figure of document.querySelectorAll("[data-sky]")) {
  const svg = figure.querySelector("svg");
  svg.tabIndex = 0;
  const load = async () => {
    svg.removeEventListener("pointerenter", load);
    svg.removeEventListener("focus", load);
    const answer = await fetch(figure.dataset.sky);
    if (answer.ok) follow(figure, sky(await answer.json()));
  };
  svg.addEventListener("pointerenter", load);
  svg.addEventListener("focus", load);
}
