// Reading values off plots, maps and sky maps: with the pointer, or with arrow keys. All optional.
// Where things are in a drawing is known to Python alone (portal/plots); it writes the scales of the
// axes into `data-x` and `data-y`.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

/** A value as text; whole numbers keep all of their digits. */
function shown(value) {
  if (value === null || value === undefined) return "no value";
  if (value === "") return "empty text";
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(9)));
}
const between = (value, low, high) => Math.max(low, Math.min(high, value));

/** The linear scale of an axis: the place of a value, and the value at a place. */
function scale(text) {
  const [low, high, start, stop] = text.split(" ").map(Number);
  return {
    start,
    stop,
    place: (value) =>
      high === low ? (start + stop) / 2 : start + ((value - low) / (high - low)) * (stop - start),
    value: (place) => low + between((place - start) / (stop - start), 0, 1) * (high - low),
  };
}

/** Number of the bin of sorted edges that a value is in. */
const binOf = (edges, value) =>
  between(edges.findLastIndex((edge) => edge <= value), 0, edges.length - 2);

/** Lets pointer and keys move a mark over a figure; `reader` says what there is to read. */
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
    const pointer = new DOMPoint(event.clientX, event.clientY);
    const { x, y } = pointer.matrixTransform(svg.getScreenCTM().inverse());
    show(reader.at(x, y));
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
function curve(plot, svg) {
  const steps = plot.kind === "steps";
  const last = plot.y.length - 1;
  const x = scale(svg.dataset.x);
  const { start, stop } = scale(svg.dataset.y);
  return {
    mark: "cursor",
    at(place) {
      const value = x.value(place);
      if (steps) return binOf(plot.x, value);
      const after = plot.x.findIndex((point) => point >= value);
      if (after < 0) return last;
      return after > 0 && value - plot.x[after - 1] < plot.x[after] - value ? after - 1 : after;
    },
    next: (index, right) => (right ? between((index ?? -1) + right, 0, last) : null),
    draw(index) {
      const middle = steps ? (plot.x[index] + plot.x[index + 1]) / 2 : plot.x[index];
      return `M${x.place(middle)} ${stop}V${start}`;
    },
    say(index) {
      const text = steps
        ? `${shown(plot.x[index])} to ${shown(plot.x[index + 1])}`
        : shown(plot.x[index]);
      return `${plot.xlabel}: ${text} → ${plot.ylabel}: ${shown(plot.y[index])}`;
    },
  };
}

/** A map of colours over two axes. */
function map(plot, svg) {
  const x = scale(svg.dataset.x);
  const y = scale(svg.dataset.y);
  return {
    mark: "cell",
    at: (left, top) => [binOf(plot.x, x.value(left)), binOf(plot.y, y.value(top))],
    next: (cell, right, up) => [
      between((cell?.[0] ?? 0) + right, 0, plot.x.length - 2),
      between((cell?.[1] ?? 0) + up, 0, plot.y.length - 2),
    ],
    draw([i, j]) {
      const [left, right] = [x.place(plot.x[i]), x.place(plot.x[i + 1])];
      return `M${left} ${y.place(plot.y[j])}H${right}V${y.place(plot.y[j + 1])}H${left}Z`;
    },
    say: ([i, j]) =>
      `${plot.xlabel}: ${shown(plot.x[i])} to ${shown(plot.x[i + 1])}, ` +
      `${plot.ylabel}: ${shown(plot.y[j])} to ${shown(plot.y[j + 1])} → ` +
      `${plot.zlabel}: ${shown(plot.z[j][i])}`,
  };
}

/** Points on the sky; their places are those of the dots, in the same order. */
function sky(points, svg) {
  const dots = svg.querySelector(".dots").getAttribute("d");
  const places = [...dots.matchAll(/M(\S+) (\S+)h0/g)].map(([, x, y]) => [Number(x), Number(y)]);
  const order = points.ra.map((_, index) => index).sort((a, b) => points.ra[a] - points.ra[b]);
  const rank = new Map(order.map((index, position) => [index, position]));
  return {
    mark: "found",
    at(x, y) {
      let best = null;
      let least = 400; // squared: a pointer further away means no point
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
    const svg = figure.querySelector("svg");
    follow(figure, plot.kind === "map" ? map(plot, svg) : curve(plot, svg));
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
    if (answer.ok) follow(figure, sky(await answer.json(), svg));
  };
  svg.addEventListener("pointerenter", load);
  svg.addEventListener("focus", load);
}
