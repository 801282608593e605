
// The tables are for those without the picture: they stay at hand, folded.
document.documentElement.classList.add('js');
for (const tables of document.querySelectorAll('details.tables')) tables.open = false;
startHold();
startLayers();
startHistory();
performance.mark('interactive');
