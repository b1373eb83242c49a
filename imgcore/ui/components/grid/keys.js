// What each key does in the grid; the same table draws the help.

export function keyTable(grid) {
  const columns = () => grid.columns;
  const table = [
    { keys: ["ArrowRight"], help: "keys_move", run: () => grid.move(1) },
    { keys: ["ArrowLeft"], run: () => grid.move(-1) },
    { keys: ["ArrowDown"], run: () => grid.move(columns()) },
    { keys: ["ArrowUp"], run: () => grid.move(-columns()) },
    { keys: ["Home"], run: () => grid.go(0) },
    { keys: ["End"], run: () => grid.go(grid.photos.count - 1) },
    { keys: [" "], help: "keys_select", run: () => grid.toggle() },
    { keys: ["a"], help: "keys_all", run: () => grid.selectAll() },
    { keys: ["Escape"], help: "keys_none", run: () => grid.selectNone() },
    { keys: ["Enter"], help: "keys_open", run: () => grid.open(grid.active) },
    { keys: ["?"], help: "keys_help", run: () => grid.toggleHelp() },
  ];
  return grid.data.may_edit ? table.concat(editingKeys(grid)) : table;
}

function editingKeys(grid) {
  const table = [
    { keys: ["Delete"], help: "keys_trash", run: () => grid.trash() },
    { keys: ["z"], help: "keys_undo", run: () => grid.undo() },
  ];
  for (const group of grid.data.groups) {
    for (const item of group.items) {
      if (item.shortcut) table.push({ keys: [item.shortcut], label: item.label, run: () => grid.categoryKey(item.code) });
    }
  }
  return table;
}

const NAMES = { " ": "Space", ArrowRight: "← → ↑ ↓" };

export function helpList(grid, table) {
  const rows = table.filter((entry) => entry.help || entry.label).map((entry) => {
    const name = NAMES[entry.keys[0]] ?? entry.keys[0].toUpperCase().replace("ESCAPE", "Esc").replace("ENTER", "Enter").replace("DELETE", "Delete");
    return el("div", {}, el("kbd", {}, name), el("span", {}, entry.label ?? grid.text(entry.help)));
  });
  return el("div", { class: "help", role: "note", "aria-label": grid.text("keys_help") }, ...rows);
}
