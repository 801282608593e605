// What is in the page, as objects. Nodes stand in order: a folder, then all that is in it.

const data = JSON.parse(document.getElementById('data').textContent);
const byId = (id) => document.getElementById(id);
const SHAPES = { wide: 0, square: 1, tall: 2 };

const nodes = data.nodes.name.map((name, at) => ({
  at,
  name,
  bytes: data.nodes.bytes[at],
  files: data.nodes.files[at],
  state: data.nodes.state[at],
  parent: null,
  children: [],
  end: at + 1, // The first node that is not in it.
}));
{
  const open = [];
  let folders = 0;
  for (const node of nodes) {
    open.length = data.nodes.depth[node.at];
    node.parent = open[open.length - 1] || null;
    if (node.parent) node.parent.children.push(node);
    open.push(node);
    for (const folder of open) folder.end = node.at + 1;
  }
  for (const node of nodes) if (node.children.length) node.folder = folders++;
}
for (let at = nodes.length - 1; at >= 0; at -= 1) {
  const node = nodes[at];
  if (!node.children.length) {
    const seen = data.states[node.state].hidden === null;
    node.bytes_in_view = seen ? node.bytes : 0;
    node.files_in_view = seen ? node.files : 0;
  } else {
    node.bytes_in_view = node.children.reduce((sum, n) => sum + n.bytes_in_view, 0);
    node.files_in_view = node.children.reduce((sum, n) => sum + n.files_in_view, 0);
  }
}
const written = Object.fromEntries(Object.entries(data.rows).map(([measure, all]) => [measure, all.map((one) => one.split(';'))]));

/// How its folder's items stand together, made by the program for a shape: signed counts.
function rowsOf(folder, measure, shape) {
  const text = written[measure][SHAPES[shape]][folder.folder];
  return text ? text.split(',').map(Number) : [];
}

/// A folder's items, the heaviest first; those that weigh nothing are in no row.
function sorted(folder, measure) {
  const key = `by_${measure}`;
  folder[key] ||= folder.children.filter((n) => n[measure] > 0).sort((a, b) => b[measure] - a[measure] || a.at - b.at);
  return folder[key];
}

/// Puts a folder's items into a box, row by row.
function place(folder, measure, box) {
  const shape = box.w > 1.4 * box.h ? 'wide' : box.h > 1.4 * box.w ? 'tall' : 'square';
  const items = sorted(folder, measure);
  let { x, y, w, h } = box;
  let left = items.reduce((sum, n) => sum + n[measure], 0);
  let next = 0;
  const out = [];
  for (const signed of rowsOf(folder, measure, shape)) {
    const row = items.slice(next, next + Math.abs(signed));
    const sum = row.reduce((all, n) => all + n[measure], 0);
    const share = sum / left;
    let before = 0;
    for (const node of row) {
      const from = before / sum;
      const part = node[measure] / sum;
      out.push(signed > 0
        ? [node, { x, y: y + h * from, w: w * share, h: h * part }]
        : [node, { x: x + w * from, y, w: w * part, h: h * share }]);
      before += node[measure];
    }
    if (signed > 0) { x += w * share; w -= w * share; } else { y += h * share; h -= h * share; }
    left -= sum;
    next += row.length;
  }
  return out;
}

const stateOf = (node) => data.states[node.state];
const isFolder = (node) => node.children.length > 0;

/// Its path below the context.
function pathOf(node) {
  const names = [];
  for (let n = node; n && n.parent; n = n.parent) names.push(n.name || `${count(n.files, 'smaller file')}`);
  return names.reverse().join('/') || '.';
}

const thousands = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ',');
const count = (n, one) => (n === 1 ? `1 ${one}` : `${thousands(n)} ${one}s`);
function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1023.95 && unit + 1 < units.length) { value /= 1024; unit += 1; }
  return `${value.toFixed(1)} ${units[unit]}`;
}
const weigh = (node, measure) => (measure.startsWith('bytes') ? size(node[measure]) : count(node[measure], 'file'));

function element(name, attributes, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...inside);
  return made;
}

/// Calls back when an element has got another size.
function onResize(watched, act) {
  let width = watched.clientWidth, height = watched.clientHeight;
  new ResizeObserver(() => {
    if (watched.clientWidth === width && watched.clientHeight === height) return;
    width = watched.clientWidth;
    height = watched.clientHeight;
    act();
  }).observe(watched);
}

/// The places of the steps that take a node, or something in it.
function stepsOf(node) {
  const sets = new Set();
  for (let at = node.at; at < node.end; at += 1) {
    if (!nodes[at].children.length) sets.add(data.states[nodes[at].state].set);
  }
  const steps = new Set();
  for (const set of sets) for (const step of data.sets[set]) steps.add(step);
  return [...steps].sort((a, b) => a - b);
}

/// Steps that stand on these, themselves left out.
function standingOn(steps) {
  const moved = new Set(steps);
  for (let before = -1; before !== moved.size;) {
    before = moved.size;
    data.steps.forEach((step, at) => { if (step.parents.some((p) => moved.has(p))) moved.add(at); });
  }
  return [...moved].filter((at) => !steps.includes(at)).sort((a, b) => a - b);
}
