const picture = byId("picture"), svg = picture.querySelector("svg"), search = byId("search");
const whole = svg.viewBox.baseVal, full = { x: whole.x, y: whole.y, width: whole.width, height: whole.height };
const tasks = new Map([...svg.querySelectorAll(".task")].map(node => [node.dataset.task, node]));
const edges = [...svg.querySelectorAll(".edge")];
const names = Object.keys(data), nodes = [...tasks.values()];
// Names that XML cannot hold differ from those in the data; the order is the same.
const nodeOf = new Map(names.map((name, number) => [name, nodes[number]]));
const nameOf = new Map(names.map((name, number) => [nodes[number], name]));
const neededBy = new Map(names.map(name => [name, []]));
for (const name of names) for (const other of data[name].waitsFor) neededBy.get(other).push(name);
let view = { ...full }, matches = [], current = -1;

function show() { svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`); }
function fit() {
  const ratio = picture.clientHeight / picture.clientWidth;
  // A tall graph would be a thread if all of it were shown: begin at its top, wide enough to read.
  view = { x: 0, y: 0, width: full.width, height: full.width * ratio };
  if (full.height < view.height * 1.6 && full.height > view.height) {
    view = { x: 0, y: 0, width: full.height / ratio, height: full.height };
  }
  show();
}
function zoom(factor, x = 0.5, y = 0.5) {
  const width = Math.min(Math.max(view.width * factor, 200), 4 * Math.max(full.width, full.height));
  const scale = width / view.width;
  view = { x: view.x + view.width * x * (1 - scale), y: view.y + view.height * y * (1 - scale), width,
    height: view.height * scale };
  show();
}
function center(node) {
  const box = node.querySelector("rect").getBBox();
  if (view.width > 2400) zoom(2400 / view.width);
  view.x = box.x + box.width / 2 - view.width / 2;
  view.y = box.y + box.height / 2 - view.height / 2;
  show();
}

function find() {
  choose(null);
  const word = search.value.trim().toLowerCase();
  matches = word ? names.filter(name => name.toLowerCase().includes(word)) : [];
  current = -1;
  svg.classList.toggle("searched", word !== "");
  for (const name of names) nodeOf.get(name).classList.toggle("match", matches.includes(name));
  if (matches.length) next(); else mark(null);
  byId("found").textContent = word ? `${matches.length} of ${names.length} tasks` : "";
}
function next(step = 1) {
  if (!matches.length) return;
  choose(null);
  current = (current + step + matches.length) % matches.length;
  mark(nodeOf.get(matches[current]));
  center(nodeOf.get(matches[current]));
}
function mark(node) {
  for (const marked of svg.querySelectorAll(".current")) marked.classList.remove("current");
  node?.classList.add("current");
}

function forget() { search.value = ""; find(); }

function reach(name, step) {
  const reached = new Set(), waiting = [name];
  while (waiting.length) {
    const here = waiting.pop();
    if (!reached.has(here)) { reached.add(here); waiting.push(...step(here)); }
  }
  return reached;
}
function choose(name) {
  const near = name === null ? new Set()
    : new Set([...reach(name, other => data[other].waitsFor), ...reach(name, other => neededBy.get(other))]);
  svg.classList.toggle("chosen", name !== null);
  for (const other of names) nodeOf.get(other).classList.toggle("near", near.has(other));
  const shown = new Set([...near].map(other => nodeOf.get(other).dataset.task));
  for (const edge of edges) edge.classList.toggle("near", shown.has(edge.dataset.from) && shown.has(edge.dataset.to));
  mark(name === null ? null : nodeOf.get(name));
  byId("details").hidden = name === null;
  if (name !== null) byId("details").replaceChildren(...describe(name));
}
function describe(name) {
  const { doc, waitsFor, verdict, seconds: took } = data[name];
  const lines = [doc, verdict, took === null ? "" : `took ${seconds(took)} when it was last timed`];
  const told = [element("h2", {}, name), ...lines.filter(Boolean).map(line => element("p", {}, line))];
  for (const [words, others] of [["waits for", waitsFor], ["needed by", neededBy.get(name)]]) {
    if (others.length) told.push(element("p", {}, `${words} `, ...others.map(link)));
  }
  return told;
}
function link(name) {
  const button = element("button", {}, name);
  button.onclick = () => { choose(name); center(nodeOf.get(name)); };
  return button;
}

for (const node of nodes) {
  node.setAttribute("tabindex", "0");
  node.setAttribute("role", "button");
  node.onkeydown = event => { if (event.key === "Enter") choose(nameOf.get(node)); };
}
let drag = null;
picture.onpointerdown = event => {
  drag = { x: event.clientX, y: event.clientY, view: { ...view }, task: event.target.closest(".task"), moved: false };
  picture.setPointerCapture(event.pointerId);
};
picture.onpointermove = event => {
  if (!drag) return;
  const scale = Math.max(view.width / picture.clientWidth, view.height / picture.clientHeight);
  const [x, y] = [event.clientX - drag.x, event.clientY - drag.y];
  drag.moved ||= Math.abs(x) + Math.abs(y) > 4;
  view.x = drag.view.x - x * scale;
  view.y = drag.view.y - y * scale;
  show();
};
picture.onpointerup = () => {
  if (drag && !drag.moved) choose(drag.task ? nameOf.get(drag.task) : null);
  drag = null;
};
picture.onpointercancel = () => { drag = null; };
picture.onwheel = event => {
  event.preventDefault();
  const box = picture.getBoundingClientRect();
  zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, (event.clientX - box.x) / box.width, (event.clientY - box.y) / box.height);
};
search.oninput = find;
search.onkeydown = event => { if (event.key === "Enter") next(event.shiftKey ? -1 : 1); };
byId("in").onclick = () => zoom(1 / 1.4);
byId("out").onclick = () => zoom(1.4);
byId("fit").onclick = fit;
document.onkeydown = event => {
  if (event.target === search) { if (event.key === "Escape") { forget(); search.blur(); } return; }
  const step = view.width / 8;
  const keys = { "/": () => search.focus(), "+": () => zoom(1 / 1.4), "-": () => zoom(1.4), "0": fit,
    Escape: () => { if (byId("details").hidden) forget(); else choose(null); },
    ArrowLeft: () => { view.x -= step; show(); }, ArrowRight: () => { view.x += step; show(); },
    ArrowUp: () => { view.y -= step; show(); }, ArrowDown: () => { view.y += step; show(); } };
  if (keys[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); keys[event.key](); }
};
fit();
