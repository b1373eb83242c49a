// The grid: thousands of tiles, of which only those in sight exist; select, categorise, trash, undo.

const BEYOND = 3; // rows kept beyond what is in sight, above and below
const TELL_AFTER = 900; // ms without another change before the page is told

class Grid {
  constructor(component) {
    this.tiles = [];
    this.selected = new Set();
    this.active = 0;
    this.columns = 1;
    this.field = el("ul", { class: "field" });
    this.bar = el("div", { class: "bar" });
    this.note = el("div", { class: "note", role: "status" });
    this.root = el("div", { class: "grid" }, this.bar, this.note, this.field);
    component.parentElement.append(this.root);
    this.onScroll = () => this.schedule();
    this.onKey = (event) => this.key(event);
    document.addEventListener("scroll", this.onScroll, { capture: true, passive: true });
    document.addEventListener("keydown", this.onKey, true);
    this.sizes = new ResizeObserver(() => this.schedule());
    this.sizes.observe(this.root);
  }

  update(component) {
    const before = this.data;
    this.data = component.data;
    this.trigger = component.setTriggerValue;
    this.labels = new Map(this.data.labels);
    if (before?.batch_id !== this.data.batch_id) this.begin();
    else if (before.revision !== this.data.revision) {
      this.photos.count = this.data.count;
      this.photos.reload();
    }
    this.table = keyTable(this);
    this.root.classList.toggle("narrow", Boolean(this.data.open_id));
    this.schedule();
    this.drawBar();
  }

  begin() {
    this.photos?.end();
    this.selected.clear();
    this.active = 0;
    this.tiles.forEach((tile) => tile.element.remove());
    this.tiles = [];
    this.photos = new Photos(this.data.batch_id, this.data.count, () => this.schedule(), (error) => this.problem(error));
    this.say("");
  }

  end() {
    document.removeEventListener("scroll", this.onScroll, { capture: true });
    document.removeEventListener("keydown", this.onKey, true);
    this.sizes.disconnect();
    this.photos.end();
    clearTimeout(this.telling);
  }

  text(name, values) {
    return fill(this.data.texts[name], values);
  }

  label(code) {
    return this.labels.get(code) ?? code;
  }

  // -- drawing

  schedule() {
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => {
      this.scheduled = 0;
      this.draw();
    });
  }

  measure() {
    const width = this.field.clientWidth;
    const narrow = this.data.open_id || width < 560;
    this.columns = narrow ? 2 : Math.max(2, Math.floor((width + 16) / (184 + 16)));
    this.tileWidth = (width - (this.columns - 1) * 16) / this.columns;
    this.rowHeight = Math.round(this.tileWidth * 0.75) + 66;
  }

  draw() {
    this.measure();
    const rows = Math.ceil(this.photos.count / this.columns);
    this.field.style.height = `${rows * this.rowHeight}px`;
    const top = this.field.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(-top / this.rowHeight) - BEYOND);
    const last = Math.min(rows, Math.ceil((window.innerHeight - top) / this.rowHeight) + BEYOND);
    const from = first * this.columns;
    const to = Math.min(this.photos.count, Math.max(from, last * this.columns));
    if (to > from) this.photos.need(from, to - 1);
    this.place(from, to);
  }

  // Put one tile on each place in sight; tiles that went out of sight are used again.
  place(from, to) {
    const wanted = new Set();
    for (let index = from; index < to; index += 1) wanted.add(index);
    const free = this.tiles.filter((tile) => !wanted.has(tile.index));
    const placed = new Map(this.tiles.filter((tile) => wanted.has(tile.index)).map((tile) => [tile.index, tile]));
    for (let index = from; index < to; index += 1) {
      let tile = placed.get(index) ?? free.pop();
      if (!tile) {
        tile = new Tile(this);
        this.tiles.push(tile);
        this.field.append(tile.element);
      }
      this.put(tile, index);
    }
    for (const tile of free) tile.element.remove();
    this.tiles = this.tiles.filter((tile) => !free.includes(tile));
  }

  put(tile, index) {
    const column = index % this.columns;
    const row = Math.floor(index / this.columns);
    const style = tile.element.style;
    style.width = `${this.tileWidth}px`;
    style.transform = `translate(${column * (this.tileWidth + 16)}px, ${row * this.rowHeight}px)`;
    tile.element.tabIndex = index === this.active ? 0 : -1;
    tile.element.classList.toggle("active", index === this.active);
    tile.show(index, this.photos.at(index) ?? null);
  }

  drawBar() {
    const chosen = this.selected.size;
    const button = (kind, name, text, run) => el("button", { class: kind, type: "button", onclick: run }, icon(name), ` ${text}`);
    if (!chosen) {
      this.bar.className = "bar";
      const all = el("button", { class: "link", type: "button", onclick: () => this.selectAll() }, counted(this.data.texts.select_all, this.photos.count));
      this.bar.replaceChildren(all, el("button", { class: "link help-link", type: "button", onclick: () => this.toggleHelp() }, this.text("keys")));
      return;
    }
    this.bar.className = "bar chosen";
    const none = el("button", { class: "link", type: "button", onclick: () => this.selectNone() }, this.text("select_none"));
    const download = button("main", "download", counted(this.data.texts.download, chosen), () => this.download());
    const number = el("strong", { role: "status" }, counted(this.data.texts.selected, chosen));
    if (!this.data.may_edit) {
      this.bar.replaceChildren(number, download, none);
      return;
    }
    const category = categorySelect([{ title: "", items: [{ code: "", label: this.text("set_category") }] }, ...this.data.groups], "", {
      "aria-label": this.text("set_category"), onchange: () => category.value && this.setMany({ category: category.value }) });
    this.bar.replaceChildren(number, download, category,
      button("plain", "edit", this.text("details"), () => this.tell("details", { ids: this.ids() })),
      this.brief("drive_file_move", "move"),
      this.brief("collections_bookmark", "image_set"), this.brief("share", "share"), this.brief("biotech", "analyse"),
      button("danger", "delete", this.text("trash"), () => this.trash()), none);
  }

  // A button with an icon alone, so that the bar keeps to one line; it tells the page what is chosen.
  brief(name, event) {
    const label = this.text(event);
    const run = () => this.tell(event, { ids: this.ids() });
    return el("button", { class: "plain brief", type: "button", title: label, "aria-label": label, onclick: run }, icon(name));
  }

  say(text, action) {
    clearTimeout(this.silence);
    this.note.replaceChildren(...(text ? [el("span", {}, text, action)] : []));
    if (text) this.silence = setTimeout(() => this.note.replaceChildren(), 12000);
  }

  problem(error) {
    this.say(error.message || this.text("offline"));
  }

  // -- keys and focus

  key(event) {
    if (this.data.open_id || !isForUs(this.root, event)) return; // the open picture has the keys
    const found = meaning(this.table, event);
    if (!found) return;
    event.preventDefault();
    event.stopPropagation();
    found.run();
  }

  focused(index) {
    if (this.active === index) return;
    this.active = index;
    this.schedule();
  }

  move(by) {
    this.go(Math.min(this.photos.count - 1, Math.max(0, this.active + by)));
  }

  go(index) {
    this.active = index;
    const top = this.field.getBoundingClientRect().top + Math.floor(index / this.columns) * this.rowHeight;
    if (top < 80 || top + this.rowHeight > window.innerHeight) {
      const scroller = this.scroller();
      scroller.scrollBy(0, top < 80 ? top - 80 : top + this.rowHeight - window.innerHeight + 8);
    }
    this.draw();
    this.tiles.find((tile) => tile.index === index)?.element.focus({ preventScroll: true });
  }

  scroller() {
    for (let node = this.root.getRootNode().host; node; node = node.parentElement) {
      if (node.scrollHeight > node.clientHeight && /auto|scroll/.test(getComputedStyle(node).overflowY)) return node;
    }
    return document.scrollingElement;
  }

  toggleHelp() {
    const shown = this.root.querySelector(".help");
    if (shown) shown.remove();
    else this.bar.after(helpList(this, this.table));
  }

  // -- selection

  isSelected(photo) {
    return this.selected.has(photo.id);
  }

  ids() {
    return [...this.selected];
  }

  select(index, event) {
    const photo = this.photos.at(index);
    if (!photo) return;
    const on = !this.selected.has(photo.id);
    const [from, to] = event.shiftKey ? [this.anchor ?? index, index].sort((a, b) => a - b) : [index, index];
    for (let i = from; i <= to; i += 1) {
      const each = this.photos.at(i);
      if (each && on) this.selected.add(each.id);
      else if (each) this.selected.delete(each.id);
    }
    this.anchor = index;
    this.active = index;
    this.schedule();
    this.drawBar();
  }

  toggle() {
    this.select(this.active, { shiftKey: false });
  }

  async selectAll() {
    try {
      for (const id of await this.photos.ids()) this.selected.add(id);
    } catch (error) {
      this.problem(error);
    }
    this.schedule();
    this.drawBar();
  }

  selectNone() {
    this.selected.clear();
    this.schedule();
    this.drawBar();
  }

  // -- actions

  open(index) {
    const photo = this.photos.at(index);
    if (!photo) return;
    this.active = index;
    this.tell("open", { id: photo.id });
  }

  async category(index, code) {
    const photo = this.photos.at(index);
    if (!photo || photo.category === code) return;
    try {
      await this.photos.set(photo, { category: code });
      this.tellLater();
    } catch (error) {
      this.problem(error);
    }
  }

  categoryKey(code) {
    if (this.selected.size) {
      this.setMany({ category: code });
      return;
    }
    if (!this.photos.at(this.active)) return; // not read yet: nobody has seen what they would categorise
    this.category(this.active, code);
    this.move(1);
  }

  async setMany(fields) {
    await this.act("/api/images/edit/", { image_ids: this.ids(), fields }, this.data.texts.changed);
  }

  async trash() {
    const photo = this.photos.at(this.active);
    const ids = this.selected.size ? this.ids() : photo ? [photo.id] : [];
    if (!ids.length) return;
    if (await this.act("/api/images/trash/", { image_ids: ids }, this.data.texts.trashed)) {
      this.selected.clear();
      this.active = Math.max(0, Math.min(this.active, this.photos.count - 1));
      this.drawBar();
    }
  }

  async undo(changeId) {
    const body = changeId ? { change_id: changeId } : {};
    if (await this.act("/api/undo/", body, null)) this.say(this.text("undone"));
  }

  // Send one change for many images, show what was done with its undo, and read the images again.
  async act(path, body, said) {
    try {
      const { content, headers } = await api("POST", path, { body });
      const change = content?.change_id ?? headers.get("X-Change-ID");
      const undo = change && el("button", { class: "link", type: "button", onclick: () => this.undo(change) }, this.text("undo"));
      if (said) this.say(counted(said, body.image_ids.length), undo);
      await this.photos.reload();
      this.tellLater();
      return true;
    } catch (error) {
      this.problem(error);
      return false;
    }
  }

  download() {
    const all = this.selected.size === this.photos.count;
    const query = all ? "" : `?${this.ids().map((id) => `image_ids=${id}`).join("&")}`;
    const link = el("a", { href: `/api/images/batches/${this.data.batch_id}/download/${query}`, download: "" });
    this.root.append(link);
    link.click();
    link.remove();
  }

  tell(name, value) {
    this.trigger(name, { ...value, at: Date.now() });
  }

  tellLater() {
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.tell("changed", {}), TELL_AFTER);
  }
}

export default function (component) {
  return live(component, (first) => new Grid(first));
}
