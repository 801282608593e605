
// The steps: choosing one colours its files; a file marks those that it invalidates. And the lines between stages.

const stepItem = (at) => byId(`step-${at}`);

/// Colours the files of a step; nothing goes back to what was before.
function chooseStep(step) {
  const select = byId('colour');
  let option = select.querySelector('[value=chosen]');
  if (chosen.step !== null && stepItem(chosen.step)) stepItem(chosen.step).classList.remove('chosen');
  chosen.step = step;
  if (step === null) {
    if (option) option.remove();
    if (hold.colour === 'chosen') hold.colour = hold.before || data.colour;
  } else {
    if (!option) { option = element('option', { value: 'chosen' }); select.append(option); }
    option.textContent = `files of line ${data.steps[step].line}`;
    if (hold.colour !== 'chosen') hold.before = hold.colour;
    hold.colour = 'chosen';
    stepItem(step).classList.add('chosen');
  }
  select.value = hold.colour;
  draw();
}

/// Marks the steps that a file's change reruns: those that take it, and those that stand on them.
function markSteps(steps) {
  const after = steps ? standingOn(steps) : [];
  data.steps.forEach((_, at) => {
    const item = stepItem(at);
    if (!item) return;
    item.classList.toggle('touched', Boolean(steps) && steps.includes(at));
    item.classList.toggle('after', after.includes(at));
  });
}

/// Draws the lines between stages in the margin: from the one that is taken from to the one that takes.
function connect() {
  const graph = document.querySelector('.graph');
  if (!graph) return;
  const old = graph.querySelector(':scope > svg');
  if (old) old.remove();
  const stages = [...graph.querySelectorAll('.stage')];
  const links = stages.flatMap((stage, to) => stage.dataset.from.split(' ').filter(Boolean).map((from) => ({ from: Number(from), to })));
  if (!links.length) return;
  // A line keeps to a lane that no other one uses between the same stages; those that reach farther run further out.
  links.sort((a, b) => (a.to - a.from) - (b.to - b.from));
  const lanes = [];
  for (const link of links) {
    link.lane = lanes.findIndex((lane) => lane.every((other) => other.to <= link.from || other.from >= link.to));
    if (link.lane < 0) link.lane = lanes.push([]) - 1;
    lanes[link.lane].push(link);
  }
  const step = 8;
  graph.style.paddingLeft = `${10 + Math.min(lanes.length, 8) * step}px`;
  const drawing = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  drawing.setAttribute('aria-hidden', 'true');
  drawing.setAttribute('width', '1');
  drawing.setAttribute('height', '1');
  const edge = stages[0].offsetLeft;
  for (const { from, to, lane } of links) {
    const a = stages[from].offsetTop + stages[from].offsetHeight - 10;
    const b = stages[to].offsetTop + 17;
    const x = edge - 6 - (Math.min(lane, 7) + 0.5) * step;
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('d', `M${edge} ${a}H${x + 4}Q${x} ${a} ${x} ${a + 4}V${b - 4}Q${x} ${b} ${x + 4} ${b}H${edge - 5}`);
    const head = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    head.setAttribute('d', `M${edge - 5} ${b - 3.5}L${edge - 0.5} ${b}L${edge - 5} ${b + 3.5}`);
    drawing.append(path, head);
  }
  graph.append(drawing);
}

function startLayers() {
  const graph = document.querySelector('.graph');
  if (!graph) return;
  graph.addEventListener('click', (e) => {
    const summary = e.target.closest('summary');
    if (!summary) return;
    const step = Number(summary.closest('.step').dataset.step);
    chooseStep(summary.parentElement.open && chosen.step === step ? null : step);
  });
  // After the layout: the lines' margin changes it again.
  onResize(graph, () => requestAnimationFrame(connect));
  connect();
}
