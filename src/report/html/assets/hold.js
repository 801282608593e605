
// The treemap: boxes in boxes, one way through it for the pointer and one for the keyboard.

const map = byId('map');
const hold = { top: nodes[0], measure: data.measure, colour: data.colour, paint: null, boxes: new Map(), found: null };
const chosen = { step: null, node: null };
const HEAD = 18; // Height of a folder's name.
const MOST = 4000; // Boxes that are drawn at once.

/// Draws the folder that is looked at; for printing in parts of the whole, since the paper's width isn't known.
function draw(printing) {
  const focused = document.activeElement && document.activeElement.node;
  const whole = { x: 0, y: 0, w: map.clientWidth, h: map.clientHeight };
  hold.paint = colouring(hold.colour, hold.measure);
  hold.boxes = new Map();
  const made = document.createDocumentFragment();
  const waiting = [[hold.top, whole, 1]];
  while (waiting.length && hold.boxes.size < MOST) {
    const [node, box, level] = waiting.pop();
    const inner = innerOf(node, box, level);
    const drawn = boxOf(node, box, level, inner, printing && whole);
    hold.boxes.set(node, drawn);
    made.append(drawn);
    if (!inner) continue;
    const inside = place(node, hold.measure, inner).filter(([, b]) => b.w >= 2 && b.h >= 2);
    for (const [child, b] of inside.reverse()) waiting.push([child, b, level + 1]);
  }
  map.replaceChildren(made);
  if (!hold.top[hold.measure]) map.replaceChildren(element('p', { class: 'empty' }, nodes[0].files ? 'Nothing here has a weight: choose another area.' : 'There are no files.'));
  const first = hold.boxes.get(focused && hold.boxes.has(focused) ? focused : hold.top);
  if (first) first.tabIndex = 0;
  if (focused && first) first.focus({ preventScroll: true });
  crumbs();
  legend();
  marks();
}

/// Where a folder's items go; nothing when there is no room for them.
function innerOf(node, box, level) {
  if (!isFolder(node) || !(node[hold.measure] > 0)) return null;
  if (level === 1) return box;
  if (box.w < 44 || box.h < HEAD + 20) return null;
  return { x: box.x + 2, y: box.y + HEAD, w: box.w - 5, h: box.h - HEAD - 3 };
}

function boxOf(node, box, level, inner, whole) {
  const folder = isFolder(node);
  const paint = inner ? { class: 'open' } : folder ? mixed(node, hold.paint) : { class: hold.paint.slots[hold.paint.ofState[node.state]].class };
  const made = element('div', {
    class: `box ${folder ? 'folder' : 'leaf'} ${inner || !folder ? '' : 'closed '}${paint.class}`,
    role: 'treeitem',
    tabindex: -1,
    'aria-level': level,
    'aria-expanded': folder ? String(Boolean(inner)) : null,
    'aria-label': spoken(node),
  });
  made.node = node;
  const x = Math.round(box.x), y = Math.round(box.y);
  const w = Math.max(1, Math.round(box.x + box.w) - x - (level > 1 ? 1 : 0)), h = Math.max(1, Math.round(box.y + box.h) - y - (level > 1 ? 1 : 0));
  const put = (side, value, all) => { made.style[side] = whole ? `${(value / all) * 100}%` : `${value}px`; };
  const all = whole || { w: 1, h: 1 };
  put('left', x, all.w); put('top', y, all.h); put('width', w, all.w); put('height', h, all.h);
  if (paint.image) made.style.backgroundImage = paint.image;
  if (w < 9) made.style.padding = '0';
  if (level > 1) label(made, node, w, h, Boolean(inner));
  return made;
}

/// A name where it has room; the box cuts what is too long.
function label(made, node, w, h, open) {
  if (w < 36 || h < 17) return;
  const name = node.name || count(node.files, 'smaller file');
  const line = element('span', { class: 'name' }, name);
  if (open && w > 110) line.append(element('i', {}, weigh(node, hold.measure)));
  made.append(line);
  if (!open && h >= 32 && w >= 60 && node.name) made.append(element('span', { class: 'size' }, weigh(node, hold.measure)));
}

/// What a screen reader says of a box.
function spoken(node) {
  const what = isFolder(node) ? `folder, ${count(node.files, 'file')}, ` : '';
  const state = stateOf(node);
  const fate = isFolder(node) ? '' : `, ${state.hidden === null ? state.fate : `hidden by line ${data.ignore[state.hidden].line}`}`;
  return `${node.name || count(node.files, 'smaller file')}, ${what}${size(node.bytes)}${fate}`;
}

/// The way from the top to the folder that is looked at.
function crumbs() {
  const way = [];
  for (let n = hold.top; n; n = n.parent) way.unshift(n);
  const parts = way.flatMap((node, at) => {
    const last = at + 1 === way.length;
    const name = node.parent ? node.name : 'all files';
    const button = element('button', { type: 'button', 'aria-current': last ? 'true' : null }, name);
    button.addEventListener('click', () => go(node));
    return at ? [element('span', {}, '/'), button] : [button];
  });
  byId('crumbs').replaceChildren(...parts);
}

function legend() {
  const { slots } = hold.paint;
  const shown = slots.filter((s) => s[hold.measure] || (s.files_in_view && hold.measure.endsWith('in_view'))).sort((a, b) => rank(a) - rank(b) || b[hold.measure] - a[hold.measure]);
  byId('legend').replaceChildren(...shown.map((slot) => element('li', {},
    element('span', { class: `swatch ${slot.class}` }), element('span', { title: slot.label }, slot.label), element('span', {}, weigh(slot, hold.measure)))));
}
const rank = (slot) => (slot.class === 'none' ? 1 : slot.class === 'hidden' ? 2 : 0);

/// Looks at a folder.
function go(node, focus) {
  hold.top = isFolder(node) ? node : node.parent;
  draw();
  const box = hold.boxes.get(focus || hold.top);
  if (box) { box.focus({ preventScroll: true }); } else { tell(hold.top); }
}

/// Chooses a file, and shows the steps that it invalidates; the same one again leaves it.
function choose(node) {
  chosen.node = chosen.node === node ? null : node;
  marks();
  tell(node);
}

/// Shows what is chosen and what was found on the boxes and on the steps.
function marks() {
  for (const [node, box] of hold.boxes) {
    const matches = hold.found ? hold.found.below[node.end] - hold.found.below[node.at] : 0;
    box.classList.toggle('dim', Boolean(hold.found) && !matches);
    box.classList.toggle('match', Boolean(hold.found) && (hold.found.is[node.at] === 1 || (matches > 0 && box.classList.contains('closed'))));
    box.classList.toggle('chosen', node === chosen.node);
    if (!isFolder(node)) box.setAttribute('aria-selected', String(node === chosen.node));
  }
  markSteps(chosen.node ? stepsOf(chosen.node) : null);
}

/// Tells about a node below the map.
function tell(node) {
  const state = stateOf(node);
  const rows = [];
  const row = (name, ...value) => rows.push(element('div', {}, element('dt', {}, name), element('dd', {}, ...value)));
  row('size', size(node.bytes));
  if (isFolder(node) || !node.name) row('files', thousands(node.files));
  if (state.kind !== 'dir' && state.kind !== 'file' && node.name) row('type', state.kind);
  if (state.mode) row('mode', state.mode);
  const steps = stepsOf(node);
  if (state.hidden !== null && !isFolder(node)) {
    const { file, line, pattern } = data.ignore[state.hidden];
    row('hidden by', `${file} line ${line}: `, element('code', {}, pattern));
  } else {
    if (!isFolder(node)) row('fate', state.fate);
    if (data.planned) row(isFolder(node) ? 'steps that take of it' : 'taken by', ...(steps.length ? links(steps) : ['no step']));
  }
  if (steps.length) {
    const after = standingOn(steps);
    if (after.length) row('changing it also reruns', ...links(after));
  }
  if (state.changed) row('changed', state.changed);
  if (data.commits && !isFolder(node)) row('changed in', count(state.commits, 'commit'));
  byId('detail').replaceChildren(element('p', { class: 'path' }, element('bdi', {}, node.parent ? pathOf(node) : 'all files')), element('dl', {}, ...rows));
}

/// Steps as links, the first ones.
function links(steps) {
  const shown = steps.slice(0, 8).flatMap((at, nth) => {
    const link = element('a', { href: `#step-${at}`, title: data.steps[at].name }, `line ${data.steps[at].line}`);
    return nth ? [', ', link] : [link];
  });
  return steps.length > 8 ? [...shown, ` and ${steps.length - 8} more`] : shown;
}

/// Marks what has the words in its name, or in its path when they have a slash.
function search(words) {
  const wanted = words.trim().toLowerCase();
  hold.found = null;
  if (wanted) {
    const is = new Uint8Array(nodes.length);
    const below = new Uint32Array(nodes.length + 1);
    const hits = [];
    for (const node of nodes) {
      const text = wanted.includes('/') ? pathOf(node) : node.name;
      is[node.at] = node.at && node.name && text.toLowerCase().includes(wanted) ? 1 : 0;
      below[node.at + 1] = below[node.at] + is[node.at];
      if (is[node.at]) hits.push(node);
    }
    hold.found = { is, below, hits, next: 0 };
  }
  byId('found').textContent = hold.found ? `${thousands(hold.found.hits.length)} found` : '';
  marks();
}

/// Goes to the next one that was found.
function next() {
  const { found } = hold;
  if (!found || !found.hits.length) return;
  const node = found.hits[found.next % found.hits.length];
  found.next += 1;
  if (!node[hold.measure]) byId('measure').value = hold.measure = node.bytes ? 'bytes' : 'files';
  hold.top = node.parent;
  draw();
  const box = hold.boxes.get(node);
  if (box) box.scrollIntoView({ block: 'nearest' });
  chosen.node = node;
  marks();
  tell(node);
  byId('found').textContent = `${thousands(found.hits.length)} found, this is ${thousands(((found.next - 1) % found.hits.length) + 1)}`;
}

const boxAt = (event) => event.target.closest && event.target.closest('.box');

function startHold() {
  map.setAttribute('role', 'tree');
  map.setAttribute('aria-label', 'Files and folders by size');
  for (const name of data.colours) byId('colour').append(element('option', { value: name }, COLOURS[name].label));
  byId('colour').value = hold.colour;
  byId('measure').value = hold.measure;
  byId('colour').addEventListener('change', (e) => { hold.colour = e.target.value; chooseStep(hold.colour === 'chosen' ? chosen.step : null); });
  byId('measure').addEventListener('change', (e) => { hold.measure = e.target.value; draw(); });
  byId('search').addEventListener('input', (e) => search(e.target.value));
  byId('search').addEventListener('keydown', (e) => { if (e.key === 'Enter') next(); });
  map.addEventListener('pointerover', (e) => { const box = boxAt(e); if (box) tell(box.node); });
  map.addEventListener('pointerleave', () => tell(chosen.node || hold.top));
  map.addEventListener('focusin', (e) => { const box = boxAt(e); if (box) { rove(box); tell(box.node); } });
  map.addEventListener('click', (e) => { const box = boxAt(e); if (box) act(box.node); });
  map.addEventListener('keydown', (e) => { const box = boxAt(e); if (box && key(e.key, box)) e.preventDefault(); });
  onResize(map, () => draw());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => draw());
  addEventListener('beforeprint', () => draw(true));
  addEventListener('afterprint', () => draw());
  draw();
  tell(hold.top);
}

/// Into a folder, out of the one that is looked at, or a file chosen.
function act(node) {
  if (!isFolder(node)) choose(node);
  else if (node !== hold.top) go(node);
  else if (node.parent) go(node.parent, node);
}

/// One box at a time can be reached with the tabulator.
function rove(box) {
  const before = map.querySelector('.box[tabindex="0"]');
  if (before) before.tabIndex = -1;
  box.tabIndex = 0;
}

/// Keys as in any tree. True when one did something.
function key(name, box) {
  const { node } = box;
  const all = [...hold.boxes.values()];
  const to = (other) => { if (other) other.focus({ preventScroll: true }); return true; };
  const folder = node !== hold.top && hold.boxes.get(node.parent);
  switch (name) {
    case 'ArrowDown': return to(all[all.indexOf(box) + 1]);
    case 'ArrowUp': return to(all[all.indexOf(box) - 1]);
    case 'ArrowRight': return to(all.find((b) => b.node.parent === node));
    case 'ArrowLeft': return to(folder);
    case 'Home': return to(all[0]);
    case 'End': return to(all[all.length - 1]);
    case 'Enter': case ' ': act(node); return true;
    case 'Escape': case 'Backspace': if (hold.top.parent) go(hold.top.parent, hold.top); return true;
    default: return false;
  }
}
