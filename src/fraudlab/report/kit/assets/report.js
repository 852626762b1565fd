"use strict";

// The threshold slider and the pointer's readout. The page is complete without either.
const data = JSON.parse(document.getElementById("data").textContent);

// Numbers are written as fraudlab.report.kit.numerals writes them.
const NOTHING = "–";
const decimal = (value, places) =>
  value
    .toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places, roundingMode: "halfExpand" })
    .replace(/^-(?=[0.,]*$)/, "")
    .replace("-", "\u2212");
const count = (value) => decimal(value, 0);
const ratio = (value) => (value === null ? NOTHING : decimal(value, 3));
const quantity = (value) => decimal(value, value >= 20 || value === 0 ? 0 : value >= 1 ? 1 : 2);
const NO_ALERTS = 1 + Number.EPSILON;
const score = (value) =>
  value === NO_ALERTS
    ? "above 1"
    : decimal(value, value === 0 || Math.abs(value) >= 0.001 ? 4 : Math.min(12, 1 - Math.floor(Math.log10(Math.abs(value)))));
const percent = (share) => {
  const value = Math.abs(share) * 100;
  return `${decimal(share * 100, value >= 10 || value === 0 ? 1 : value >= 0.1 ? 2 : 3)}\u00a0%`;
};

// A scale as fraudlab.report.kit.plot writes it: "kind low high start end".
function scale(text) {
  const [kind, ...numbers] = text.split(" ");
  const [low, high, start, end] = numbers.map(Number);
  const [inner, outer] = {
    linear: [(value) => value, (value) => value],
    log: [Math.log, Math.exp],
    logit: [(value) => Math.log(value / (1 - value)), (odds) => 1 / (1 + Math.exp(-odds))],
  }[kind];
  const width = inner(high) - inner(low);
  return {
    start,
    end,
    position: (value) => start + ((end - start) * (inner(Math.min(Math.max(value, low), high)) - inner(low))) / width,
    value: (position) => outer(inner(low) + ((position - start) / (end - start)) * width),
  };
}

function nearest(ascending, value) {
  let low = 0;
  let high = ascending.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < value) low = middle;
    else high = middle;
  }
  return value - ascending[low] < ascending[high] - value ? low : high;
}

const share = (part, whole) => (whole ? part / whole : null);

function pointAt(stops, index) {
  const [tp, fp, fn, tn] = ["tp", "fp", "fn", "tn"].map((name) => stops[name][index]);
  return {
    threshold: stops.threshold[index],
    tp, fp, fn, tn,
    alerts: tp + fp,
    value: stops.value[index],
    cost: stops.cost ? stops.cost[index] : null,
    precision: share(tp, tp + fp),
    recall: share(tp, tp + fn),
    f1: share(2 * tp, 2 * tp + fp + fn),
    rate: share(fp, fp + tn),
  };
}

function written(point, stops) {
  return {
    tp: count(point.tp),
    fp: count(point.fp),
    fn: count(point.fn),
    tn: count(point.tn),
    precision: ratio(point.precision),
    recall: ratio(point.recall),
    f1: ratio(point.f1),
    alerts: count(point.alerts),
    daily: data.days ? quantity(point.alerts / data.days) : NOTHING,
    value: point.value === null ? NOTHING : count(point.value),
    cost: point.cost === null ? NOTHING : count(point.cost),
    saving: point.cost === null ? NOTHING : count(stops.nothing - point.cost),
    gained: point.cost === null || stops.before === null ? NOTHING : count(stops.before - point.cost),
    ahead: point.cost === null || stops.incumbent === null ? NOTHING : count(stops.incumbent - point.cost),
    share: point.value === null || !stops.total ? NOTHING : percent(point.value / stops.total),
  };
}

// The validation rows at a threshold: the point with the fewest alerts that reaches it.
function choiceAt(threshold) {
  const choice = data.charts.choice;
  if (!choice) return [null, null];
  const reached = choice.t.findIndex((candidate) => candidate <= threshold);
  const index = reached < 0 ? choice.t.length - 1 : reached;
  return [choice.x[index], choice.y[index]];
}

// Where a point lies in each chart that can be clicked; a null is no direction to be near in.
const PLACES = {
  pr: (point) => [point.recall, point.precision === null ? 1 : point.precision],
  roc: (point) => [point.rate, point.recall],
  scores: (point) => [point.threshold, null],
  choice: (point) => [choiceAt(point.threshold)[0], null],
};

// The stop that is drawn nearest to a place of a chart.
function nearestStop(stops, chart, svg, at) {
  const across = scale(svg.dataset.x);
  const upward = scale(svg.dataset.y);
  let best = null;
  let least = Infinity;
  stops.threshold.forEach((_, index) => {
    const [x, y] = PLACES[chart](pointAt(stops, index));
    if (x === null) return;
    const distance = Math.hypot(across.position(x) - at.x, y === null ? 0 : upward.position(y) - at.y);
    if (distance < least) [best, least] = [index, distance];
  });
  return best;
}

// The stop whose threshold is nearest, and the one with most alerts of those with at most so many a day.
function stopOfThreshold(stops, threshold) {
  let best = 0;
  stops.threshold.forEach((candidate, index) => {
    // of equally near ones the last: above all scores there are two that differ in the last bit alone
    if (Math.abs(candidate - threshold) <= Math.abs(stops.threshold[best] - threshold)) best = index;
  });
  return best;
}

function stopOfAlerts(stops, daily) {
  const found = stops.threshold.findIndex((_, index) => (stops.tp[index] + stops.fp[index]) / data.days <= daily);
  return found < 0 ? stops.threshold.length - 1 : found;
}

const place = (svg, event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());

function move(chart, x, y) {
  const svg = document.querySelector(`#${chart} svg`);
  const marker = svg && svg.querySelector("[data-at]");
  if (!marker || x === null || y === null) return;
  const across = scale(svg.dataset.x).position(x);
  if (marker.tagName === "line") {
    marker.setAttribute("x1", across);
    marker.setAttribute("x2", across);
  } else {
    marker.setAttribute("cx", across);
    marker.setAttribute("cy", scale(svg.dataset.y).position(y));
  }
}

// What the fields beside the slider say.
const typed = (point) => ({ "typed-threshold": point.threshold, "typed-daily": data.days ? point.alerts / data.days : 0 });

function startSlider(stops) {
  const slider = document.getElementById("threshold");
  const reset = document.getElementById("reset");
  const show = () => {
    const index = Number(slider.value);
    const point = pointAt(stops, index);
    const texts = written(point, stops);
    for (const cell of document.querySelectorAll("[data-live]")) cell.textContent = texts[cell.dataset.live];
    const threshold = score(point.threshold);
    const volume = data.days ? `${texts.daily} alerts per day` : `${texts.alerts} alerts`;
    document.getElementById("threshold-value").textContent = threshold;
    slider.setAttribute("aria-valuetext", `${threshold}, ${volume}, recall ${texts.recall}`);
    reset.disabled = index === stops.chosen;
    move("pr", point.recall, point.precision === null ? 1 : point.precision);
    move("roc", point.rate, point.recall);
    move("scores", point.threshold, 0);
    move("choice", ...choiceAt(point.threshold));
    for (const [id, value] of Object.entries(typed(point))) {
      const field = document.getElementById(id);
      if (field && field !== document.activeElement) field.value = Number(value.toPrecision(id === "typed-daily" ? 3 : 6));
    }
  };
  const go = (index) => {
    slider.value = index;
    show();
  };
  slider.addEventListener("input", show);
  const finders = { "typed-threshold": stopOfThreshold, "typed-daily": stopOfAlerts };
  for (const [id, find] of Object.entries(finders)) {
    const field = document.getElementById(id);
    if (!field) continue;
    field.addEventListener("input", () => {
      if (field.value !== "" && Number.isFinite(field.valueAsNumber)) go(find(stops, field.valueAsNumber));
    });
    field.addEventListener("blur", show);
  }
  for (const chart of Object.keys(PLACES)) {
    const svg = document.querySelector(`#${chart} svg`);
    if (!svg) continue;
    svg.classList.add("picked");
    svg.addEventListener("click", (event) => {
      const index = nearestStop(stops, chart, svg, place(svg, event));
      if (index !== null) go(index);
    });
  }
  reset.addEventListener("click", () => {
    go(stops.chosen);
    slider.focus();
  });
  go(stops.chosen);
}

function readout(chart, x) {
  if (chart.text) return { x: chart.x[nearest(chart.x, x)], text: chart.text[nearest(chart.x, x)] };
  const [xName, yName] = chart.names;
  const parts = chart.curves.map((curve) => {
    const i = nearest(curve.x, x);
    const threshold = curve.t[i] === null ? "" : ` at threshold ${score(curve.t[i])}`;
    return `${curve.name || yName} ${decimal(curve.y[i], 3)}${threshold}`;
  });
  const shown = chart.curves.length === 1 ? chart.curves[0].x[nearest(chart.curves[0].x, x)] : x;
  return { x: shown, text: `${xName} ${shown < 0.01 && shown > 0 ? percent(shown) : decimal(shown, 3)} · ${parts.join(" · ")}` };
}

function startReadout(id, chart) {
  const figure = document.getElementById(id);
  const svg = figure.querySelector("svg");
  const text = figure.querySelector(".readout");
  const cursor = svg.querySelector(".cursor");
  const across = scale(svg.dataset.x);
  svg.addEventListener("pointermove", (event) => {
    const at = place(svg, event).x;
    const inside = Math.min(Math.max(at, across.start), across.end);
    const found = readout(chart, across.value(inside));
    text.textContent = found.text;
    figure.classList.add("reading");
    cursor.setAttribute("transform", `translate(${across.position(found.x)} 0)`);
    cursor.setAttribute("visibility", "visible");
  });
  svg.addEventListener("pointerleave", () => {
    figure.classList.remove("reading");
    cursor.setAttribute("visibility", "hidden");
  });
}

// Paper has no folds.
window.addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});

if (data.stops) startSlider(data.stops);
for (const [id, chart] of Object.entries(data.charts)) startReadout(id, chart);
