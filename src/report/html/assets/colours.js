
// What a colour stands for. Each way of colouring gives every state a slot: a class, and words for the legend.

const NAMED = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6'];
const HIDDEN = { class: 'hidden', label: 'hidden by the ignore file' };

/// Slots for keys: the heaviest have colours of their own.
function heaviest(keyOf, labelOf, rest) {
  const weights = new Map();
  for (const node of nodes) {
    if (node.children.length) continue;
    const key = keyOf(stateOf(node));
    if (key !== null) weights.set(key, (weights.get(key) || 0) + node.bytes + 1);
  }
  const keys = [...weights.keys()].sort((a, b) => weights.get(b) - weights.get(a));
  const named = keys.length > NAMED.length ? NAMED.length - 1 : NAMED.length;
  const slots = new Map(keys.slice(0, named).map((key, at) => [key, { class: NAMED[at], label: labelOf(key) }]));
  const others = { class: 'c7', label: rest };
  return (key) => slots.get(key) || others;
}

const shortStep = (at) => `line ${data.steps[at].line} ${data.steps[at].name.replace(/^\[[^\]]*\] /, '')}`;

const COLOURS = {
  step: {
    label: 'step',
    make() {
      const slot = heaviest((s) => (s.set ? s.set : null), (set) => data.sets[set].map(shortStep).join(' and '), 'other steps');
      const none = { class: 'none', label: 'taken by no step' };
      return (s) => (s.hidden !== null ? HIDDEN : s.set ? slot(s.set) : none);
    },
  },
  use: {
    label: 'sent and unused',
    make() {
      const slots = {
        'sent, used': { class: 'c0', label: 'sent, and taken by some step' },
        'sent, unused': { class: 'c1', label: 'sent, and taken by no step' },
        'not sent': { class: 'none', label: 'in view, not sent' },
        'in view': { class: 'c0', label: 'in view' },
        hidden: HIDDEN,
      };
      return (s) => slots[s.fate];
    },
  },
  ignore: {
    label: 'ignore line',
    make() {
      const label = (at) => `line ${data.ignore[at].line}: ${data.ignore[at].pattern}`;
      const slot = heaviest((s) => s.hidden, label, 'other lines');
      const none = { class: 'none', label: 'in view' };
      return (s) => (s.hidden !== null ? slot(s.hidden) : none);
    },
  },
  changed: {
    label: 'changes',
    make() {
      const slot = heaviest((s) => s.changed, (kind) => kind, 'changed otherwise');
      const fixed = { content: 'c4', added: 'c2', mode: 'c5', renamed: 'c3' };
      const none = { class: 'none', label: 'unchanged, or taken by no step' };
      return (s) => {
        if (s.changed) return fixed[s.changed] ? { class: fixed[s.changed], label: s.changed } : { ...slot(s.changed), class: 'c0' };
        return s.hidden !== null ? HIDDEN : none;
      };
    },
  },
  churn: {
    label: 'churn',
    make() {
      const most = data.states.reduce((max, s) => Math.max(max, s.commits), 0);
      const ends = [...new Set([1, Math.ceil(most / 8), Math.ceil(most / 3), most])].filter((end) => end > 0);
      const range = (at) => {
        const from = at ? ends[at - 1] + 1 : 1;
        return from === ends[at] ? count(from, 'commit') : `${from} to ${ends[at]} commits`;
      };
      const slots = ends.map((end, at) => ({ end, class: `s${at + 5 - ends.length}`, label: range(at) }));
      const none = { class: 'none', label: `none of ${count(data.commits, 'commit')}` };
      return (s) => (s.commits ? slots.find((slot) => s.commits <= slot.end) : s.hidden !== null ? HIDDEN : none);
    },
  },
  chosen: {
    label: 'chosen step',
    make() {
      const step = chosen.step;
      const taken = { class: 'c0', label: `taken by ${shortStep(step)}` };
      const none = { class: 'none', label: 'not taken by it' };
      return (s) => (s.hidden !== null ? HIDDEN : data.sets[s.set].includes(step) ? taken : none);
    },
  },
};

/// A way of colouring, worked out: the slots in the order of the legend, each state's, and each folder's mix.
function colouring(name, measure) {
  const slotOf = COLOURS[name].make();
  const slots = [];
  const known = new Map();
  const ofState = data.states.map((state) => {
    const slot = slotOf(state);
    const key = `${slot.class} ${slot.label}`;
    if (!known.has(key)) {
      known.set(key, slots.length);
      slots.push({ ...slot, bytes: 0, files: 0, bytes_in_view: 0, files_in_view: 0 });
    }
    return known.get(key);
  });
  const mix = new Float64Array(nodes.length * slots.length);
  for (let at = nodes.length - 1; at >= 0; at -= 1) {
    const node = nodes[at];
    if (!node.children.length) {
      const slot = ofState[node.state];
      for (const each of ['bytes', 'files', 'bytes_in_view', 'files_in_view']) slots[slot][each] += node[each];
      mix[at * slots.length + slot] += node[measure];
    }
    if (node.parent) {
      for (let s = 0; s < slots.length; s += 1) mix[node.parent.at * slots.length + s] += mix[at * slots.length + s];
    }
  }
  return { slots, ofState, mix };
}

/// The background of a folder that isn't drawn in full: its parts side by side.
function mixed(node, { slots, mix }) {
  const parts = slots.map((slot, at) => [slot, mix[node.at * slots.length + at]]).filter(([, weight]) => weight > 0);
  if (parts.length < 2) return parts.length ? { class: parts[0][0].class } : { class: 'none' };
  const total = parts.reduce((sum, [, weight]) => sum + weight, 0);
  parts.sort((a, b) => b[1] - a[1]);
  let from = 0;
  const stops = parts.map(([slot, weight]) => {
    const start = from;
    from += (weight / total) * 100;
    const colour = getComputedStyle(document.documentElement).getPropertyValue(`--${slot.class}`);
    return `${colour} ${start.toFixed(1)}% ${from.toFixed(1)}%`;
  });
  return { class: 'mixed', image: `linear-gradient(to right, ${stops.join(', ')})` };
}
