const { runs, fills } = data, chooser = byId("runs");
const LEFT = 74, TOP = 26, LANE = 30, BAR = 24;
const fillOf = name => fills[name.split(":")[0]] ?? fills[""];
const length = task => task.end - task.start;
const clock = run => new Date(run.started).toLocaleString();

function draw(number) {
  const run = runs[number];
  byId("summary").textContent =
    `${run.outcome} in ${seconds(run.seconds)}: ${run.tasks.length} tasks ran, ${run.skipped} were up to date`;
  byId("lanes").replaceChildren(chart(run));
  byId("critical").replaceChildren(...run.tasks.filter(task => task.is_critical).map(task =>
    element("li", {}, `${task.name}, ${seconds(length(task))}${waited(task)}`)));
  byId("details").textContent = "Choose a bar to see what it did and what it waited for.";
  list(run);
}

function chart(run) {
  const lanes = Math.max(0, ...run.tasks.map(task => task.lane + 1));
  const width = Math.max(window.innerWidth - 60, 600), height = TOP + lanes * LANE + 8;
  const scale = (width - LEFT - 16) / Math.max(run.seconds, 0.001);
  const at = time => LEFT + time * scale;
  const made = drawn("svg", { width, height, role: "group", "aria-label": "Tasks by worker" });
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600].find(each => each * scale > 70) ?? 7200;
  for (let tick = 0; tick <= run.seconds; tick += step) {
    made.append(drawn("line", { class: "grid", x1: at(tick), x2: at(tick), y1: TOP - 6, y2: height }),
      drawn("text", { x: at(tick) + 3, y: 14 }, `${+tick.toFixed(1)} s`));
  }
  for (let lane = 0; lane < lanes; lane++) {
    made.append(drawn("text", { x: 8, y: TOP + lane * LANE + 17 }, `worker ${lane + 1}`));
  }
  for (const task of run.tasks) made.append(bar(task, at, scale));
  return made;
}

function bar(task, at, scale) {
  const y = TOP + task.lane * LANE, width = Math.max(length(task) * scale, 2);
  const told = `${task.name}, ${task.outcome}, ${seconds(length(task))}${waited(task)}`;
  const group = drawn("g", { class: `bar ${task.outcome === "done" ? "" : "failed"} ${task.is_critical ? "critical" : ""}`,
    tabindex: 0, role: "button", "aria-label": told, "data-task": task.name }, drawn("title", {}, told),
    drawn("rect", { x: at(task.start), y, width, height: BAR, rx: 3, fill: fillOf(task.name) }));
  // Every other phase is shaded, so that one can see where the next begins.
  phasesOf(task).filter((_, number) => number % 2).forEach(phase => group.append(drawn("rect", { class: "phase", y,
    x: at(phase.start), width: Math.max((phase.end - phase.start) * scale, 0), height: BAR })));
  const room = Math.floor((width - 8) / 7);
  if (room >= 3) {
    group.append(drawn("text", { x: at(task.start) + 5, y: y + 16 },
      task.name.length > room ? `${task.name.slice(0, room - 1)}…` : task.name));
  }
  group.onclick = () => tell(task);
  group.onkeydown = event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); tell(task); } };
  return group;
}

function waited(task) {
  const told = task.waited_for ? `, waited for ${task.waited_for} until ${seconds(task.ready)}` : "";
  const idle = task.start - task.ready;
  return idle > 0.1 ? `${told}${told ? " and" : ","} ${seconds(idle)} for a free worker or a check` : told;
}

function phasesOf(task) {
  return task.phases.map(([name, start], number) =>
    ({ name, start, end: task.phases[number + 1]?.[1] ?? task.end }));
}

function tell(task) {
  const lines = phasesOf(task).map(phase => element("li", {}, `${phase.name}: ${seconds(phase.end - phase.start)}`));
  byId("details").replaceChildren(element("strong", {}, task.name),
    ` ${task.outcome} after ${seconds(length(task))}, started at ${seconds(task.start)}${waited(task)}`,
    element("ul", {}, ...lines));
}

function table(into, heads, rows) {
  const cell = (name, value) => Array.isArray(value) ? element(name, { class: value[1] }, value[0]) : element(name, {}, value);
  into.replaceChildren(element("thead", {}, element("tr", {}, ...heads.map(head => cell("th", head)))),
    element("tbody", {}, ...rows.map(row => element("tr", {}, ...row.map(value => cell("td", value))))));
}

function list(run) {
  const before = runs[runs.indexOf(run) - 1];
  const old = new Map((before?.tasks ?? []).map(task => [task.name, length(task)]));
  const isSlower = task => length(task) > 1.2 * (old.get(task.name) ?? Infinity) && length(task) > 0.5;
  const slowest = [...run.tasks].sort((one, other) => length(other) - length(one));
  table(byId("tasks"), ["Task", ["Took", "number"], ["Run before", "number"], "Outcome", "Waited for"], slowest.map(task => [
    task.name, [seconds(length(task)), `number ${isSlower(task) ? "slower" : ""}`],
    [old.has(task.name) ? seconds(old.get(task.name)) : "–", "number"], task.outcome, task.waited_for]));
}

runs.forEach((run, number) => chooser.prepend(element("option", { value: number },
  `${clock(run)}  ${run.outcome}, ${seconds(run.seconds)}`)));
chooser.onchange = () => draw(Number(chooser.value));
table(byId("compared"), ["Started", "Outcome", ["Took", "number"], ["Tasks run", "number"], ["Up to date", "number"],
  "Longest task"], runs.map(run => {
  const longest = run.tasks.reduce((one, other) => !one || length(other) > length(one) ? other : one, null);
  return [clock(run), run.outcome, [seconds(run.seconds), "number"], [String(run.tasks.length), "number"],
    [String(run.skipped), "number"], longest ? `${longest.name}, ${seconds(length(longest))}` : ""];
}).reverse());
chooser.selectedIndex = 0;
draw(runs.length - 1);
window.onresize = () => draw(Number(chooser.value));
