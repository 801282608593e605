
// The strips: what became of a step at the commit under the pointer, or under the cursor of the arrow keys.

function startHistory() {
  if (!data.history) return;
  const { commits, paths, strips } = data.history;
  const drawings = [...document.querySelectorAll('svg[data-strip]')];
  const show = (drawing, at) => {
    const mark = strips[Number(drawing.dataset.strip)].find(([commit]) => commit === at);
    const [id, day, subject] = commits[at];
    const words = mark ? outcome(mark, paths) : 'not counted, or without the step';
    byId('commit').replaceChildren(element('span', { class: 'path' }, `${id} `), `${day} `, element('bdi', {}, subject), element('br'), words);
    for (const other of drawings) cursor(other, at);
    drawing.setAttribute('aria-valuenow', at + 1);
    drawing.setAttribute('aria-valuetext', `${day}, ${subject}: ${words}`);
    drawing.at = at;
  };
  for (const drawing of drawings) {
    drawing.setAttribute('tabindex', '0');
    drawing.setAttribute('role', 'slider');
    drawing.setAttribute('aria-valuemin', '1');
    drawing.setAttribute('aria-valuemax', commits.length);
    drawing.at = commits.length - 1;
    const under = (e) => {
      const { left, width } = drawing.getBoundingClientRect();
      return Math.max(0, Math.min(commits.length - 1, Math.floor(((e.clientX - left) / width) * commits.length)));
    };
    if (!commits.length) continue;
    drawing.addEventListener('pointermove', (e) => show(drawing, under(e)));
    drawing.addEventListener('focus', () => show(drawing, drawing.at));
    drawing.addEventListener('keydown', (e) => {
      const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -commits.length, End: commits.length }[e.key];
      if (!by) return;
      e.preventDefault();
      show(drawing, Math.max(0, Math.min(commits.length - 1, drawing.at + by)));
    });
  }
}

/// `miss: files` with the first of them.
function outcome([, what, places, more], paths) {
  const names = { hit: 'cached', unknown: 'may have run: that hangs on what a program writes' };
  const words = names[what] || what.replace('miss: ', 'ran, because of ');
  if (!places.length) return words;
  return `${words}: ${places.map((at) => paths[at]).join(', ')}${more ? ` and ${thousands(more)} more` : ''}`;
}

/// Shows the commit on a strip.
function cursor(drawing, at) {
  let mark = drawing.querySelector('.cursor');
  if (!mark) {
    mark = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    mark.setAttribute('class', 'cursor');
    mark.setAttribute('y', '0');
    mark.setAttribute('width', '1');
    mark.setAttribute('height', '10');
    drawing.append(mark);
  }
  mark.setAttribute('x', at);
}
