/* Tables that can be sorted and filtered, by mouse and keyboard, with nothing fetched. Every column head becomes a
 * button; a second press turns the order round. Numbers are compared as numbers, dashes come last. */
(() => {
  const value = cell => {
    const text = (cell.querySelector('span') || cell.firstChild || cell).textContent.trim().replace(/,/g, '').replace('−', '-');
    const number = parseFloat(text);
    return text === '–' || text === '' ? null : Number.isNaN(number) ? text.toLowerCase() : number;
  };
  const compare = (a, b) => a === null ? (b === null ? 0 : 1) : b === null ? -1 :
    typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
  const sort = (table, column, down) => {
    const body = table.tBodies[0], rows = [...body.rows];
    const keyed = rows.map((row, i) => [value(row.cells[column]), i, row]);
    keyed.sort((x, y) => x[0] === null || y[0] === null ? compare(x[0], y[0]) || x[1] - y[1] :
      (down ? -compare(x[0], y[0]) : compare(x[0], y[0])) || x[1] - y[1]);
    keyed.forEach(k => body.append(k[2]));
  };
  for (const table of document.querySelectorAll('table')) {
    if (!table.tHead || table.tBodies[0].rows.length < 2) continue;
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.innerHTML = head.innerHTML;
      button.title = 'sort by this column';
      head.replaceChildren(button);
      head.setAttribute('aria-sort', 'none');
      button.addEventListener('click', () => {
        const down = head.getAttribute('aria-sort') === 'none' ? column > 0 : head.getAttribute('aria-sort') === 'ascending';
        heads.forEach(h => h.setAttribute('aria-sort', 'none'));
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        sort(table, column, down);
      });
    });
    if (!table.classList.contains('headline') && !table.classList.contains('search')) continue;
    const box = document.createElement('input');
    box.type = 'search';
    box.placeholder = 'only rows with …';
    box.setAttribute('aria-label', 'show only rows that contain these words');
    box.addEventListener('input', () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of table.tBodies[0].rows)
        row.hidden = !words.every(w => row.textContent.toLowerCase().includes(w));
    });
    table.parentElement.before(box);
  }
})();
