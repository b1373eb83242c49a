// The viewer: one picture large, what is known of it, and the next one at once.

const TELL_AFTER = 350; // ms on a picture before the page (address, filmstrip) follows

class Viewer {
  constructor(component) {
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey, true);
    this.header = el("header");
    this.stage = el("div", { class: "stage" });
    this.place = el("span", { class: "place", role: "status" });
    this.note = el("div", { class: "note", role: "status" });
    this.tools = el("div", { class: "tools", role: "toolbar" });
    const frame = el("div", { class: "frame" }, this.stage, this.tools, ...this.arrows(), this.place);
    this.root = el("section", { class: "viewer" }, this.header, frame, this.note);
    component.parentElement.append(this.root);
    this.images = new Map();
    this.order = [];
    this.told = new Set(); // images that the page was told of and has not answered yet
  }

  arrows() {
    this.back = el("button", { class: "step left", type: "button", onclick: () => this.step(-1) }, icon("chevron_left"));
    this.next = el("button", { class: "step right", type: "button", onclick: () => this.step(1) }, icon("chevron_right"));
    return [this.back, this.next];
  }

  update(component) {
    const before = this.data;
    this.data = component.data;
    this.trigger = component.setTriggerValue;
    this.labels = new Map(this.data.labels);
    this.back.setAttribute("aria-label", this.text("previous"));
    this.next.setAttribute("aria-label", this.text("next"));
    this.root.setAttribute("aria-label", this.text("viewer"));
    if (!before) {
      this.table = this.keys();
      this.drawTools();
      this.begin();
    } else if (this.data.image_id !== before.image_id && !this.told.delete(this.data.image_id)) this.show(this.data.image_id);
    if (this.data.image_id === this.id) this.told.clear();
    if (before && before.revision !== this.data.revision) this.reread();
  }

  end() {
    document.removeEventListener("keydown", this.onKey, true);
    clearTimeout(this.telling);
    this.ended = true;
    this.picture?.end();
  }

  text(name, values) {
    return fill(this.data.texts[name], values);
  }

  async begin() {
    this.order = [this.data.image_id];
    try {
      const leaflet = await import(new URL(this.data.leaflet, window.location.origin));
      if (this.ended) return;
      this.picture = new Picture(leaflet, this.stage, this.data.texts);
      this.ordered = this.readOrder();
      await Promise.all([this.show(this.data.image_id), this.ordered]);
    } catch (error) {
      this.problem(error);
    }
  }

  async readOrder() {
    const { content } = await api("GET", `/api/images/batches/${this.data.batch_id}/ids/`);
    this.order = content.ids;
    this.drawPlace();
    this.ahead();
  }

  async reread() {
    this.images.clear();
    try {
      await this.readOrder();
      this.take(await this.fetch(this.id));
      this.drawHeader();
    } catch (error) {
      this.problem(error);
    }
  }

  async fetch(id) {
    if (this.images.has(id)) return this.images.get(id);
    const { content } = await api("GET", `/api/images/${id}/`);
    return this.take(content);
  }

  take(image) {
    this.images.set(image.id, image);
    if (this.image?.id === image.id) this.image = image;
    return image;
  }

  async show(id) {
    this.id = id;
    try {
      const image = await this.fetch(id);
      if (this.id !== id || this.ended) return; // stepped on meanwhile
      this.image = image;
      this.picture.show(image, this.alt(image), this.keepZoom);
      this.drawHeader();
      this.drawPlace();
      this.ahead();
    } catch (error) {
      this.problem(error);
    }
  }

  alt(image) {
    const label = this.labels.get(image.category) ?? image.category;
    return [label, image.caption, image.date_taken].filter(Boolean).join(", ");
  }

  // Fetch the neighbours, so that the next picture is there at once.
  async ahead() {
    const at = this.order.indexOf(this.id);
    for (const id of [this.order[at + 1], this.order[at - 1]]) {
      if (!id) continue;
      const image = await this.fetch(id).catch(() => null);
      if (image) new Image().src = image.urls.display;
    }
  }

  async step(by) {
    await this.ordered?.catch(() => undefined); // a key can be quicker than the list
    const at = this.order.indexOf(this.id) + by;
    if (at < 0 || at >= this.order.length) return;
    this.say("");
    this.go(this.order[at]);
  }

  go(id) {
    this.show(id);
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.tell("step", { id: this.id }), TELL_AFTER);
  }

  // Tell the page that something was saved, and which image is shown now.
  tellChanged() {
    this.tell("changed", { id: this.closing ? "" : this.id });
  }

  tell(name, value = {}) {
    if (value.id && value.id !== this.data.image_id) this.told.add(value.id);
    this.trigger(name, { ...value, at: Date.now() });
  }

  problem(error) {
    this.say(error.message || this.text("offline"));
  }

  say(text, action) {
    this.note.replaceChildren(...[text, action].filter(Boolean));
  }

  // -- drawing

  drawTools() {
    const button = (name, text, run) => el("button", { type: "button", title: this.text(text), "aria-label": this.text(text), onclick: run }, icon(name));
    const keep = button("lock_open", "keep_zoom", () => {
      this.keepZoom = !this.keepZoom;
      keep.firstChild.textContent = this.keepZoom ? "lock" : "lock_open";
      keep.setAttribute("aria-pressed", String(this.keepZoom));
    });
    keep.setAttribute("aria-pressed", "false");
    const one = el("button", { type: "button", title: this.text("one_to_one"), "aria-label": this.text("one_to_one"), onclick: () => this.picture?.oneToOne() }, "1:1");
    this.tools.setAttribute("aria-label", this.text("view"));
    this.tools.replaceChildren(button("add", "zoom_in", () => this.picture?.zoom(0.5)), button("remove", "zoom_out", () => this.picture?.zoom(-0.5)),
      button("fit_screen", "fit", () => this.picture?.fit()), one, button("rotate_90_degrees_cw", "rotate", () => this.picture?.rotate()), keep);
  }

  drawPlace() {
    const at = this.order.indexOf(this.id);
    this.place.textContent = this.text("place", { number: at + 1, total: this.order.length });
    this.back.disabled = at <= 0;
    this.next.disabled = at < 0 || at >= this.order.length - 1;
  }

  drawHeader() {
    const image = this.image;
    const button = (name, text, run, kind = "plain small") => el("button", { class: kind, type: "button", title: this.text(text), "aria-label": this.text(text), onclick: run }, icon(name));
    const mayEdit = this.data.may_edit;
    const category = this.category(image);
    const star = button(image.is_primary ? "star" : "star_outline", image.is_primary ? "not_primary" : "make_primary", () => this.set({ is_primary: !image.is_primary }));
    star.setAttribute("aria-pressed", String(image.is_primary));
    const download = el("a", { class: "button", href: image.urls.download, download: "", title: this.text("download"), "aria-label": this.text("download") }, icon("download"));
    this.header.replaceChildren(
      el("div", { class: "title" }, category, el("div", { class: "buttons" }, mayEdit && star, mayEdit && button("edit", "details", () => this.tell("details", { ids: [image.id] })),
        this.data.may_see_looks && button("visibility", "looks", () => this.tell("looks", { image: image.id })),
        this.data.may_analyse && button("biotech", "results", () => this.tell("results", { image: image.id })), button("content_copy", "copy", () => this.copy()), download, mayEdit && button("delete", "trash", () => this.confirm(), "danger small"), button("close", "close", () => this.close()))),
      el("div", { class: "facts" }, image.damaged_at && el("strong", { class: "damaged" }, icon("broken_image"), ` ${this.text("damaged")}`),
        image.is_primary && el("span", { class: "primary" }, this.text("primary")), this.facts(image)),
      el("div", { class: "caption" }, image.caption), el("div", { class: "description" }, image.description));
  }

  // The choice of a category, or only its name for who may not change it.
  category(image) {
    const label = this.labels.get(image.category) ?? image.category;
    if (!this.data.may_edit) return el("strong", { class: "label" }, label);
    const category = categorySelect(this.data.groups, image.category, { "aria-label": this.text("category"), name: "category",
      onchange: () => this.set({ category: category.value }) });
    if (category.value !== image.category) category.prepend(el("option", { value: image.category, selected: true, textContent: label }));
    return category;
  }

  facts(image) {
    const day = (value) => new Date(value).toLocaleDateString(this.data.locale, { day: "numeric", month: "short", year: "numeric" });
    const camera = [image.camera_make, image.camera_model].filter(Boolean).join(" ");
    return [`${image.width} × ${image.height}`, image.date_taken && this.text("taken", { day: day(`${image.date_taken}T12:00:00`) }),
      this.text("uploaded", { day: day(image.uploaded_at) }), camera, bytes(image.file_size), image.image_type, image.body_location, this.data.sides[image.laterality]].filter(Boolean).join(" · ");
  }

  // -- actions

  // Save fields of an image, by default the one that is shown; answers whether it was saved.
  async set(fields, image = this.image) {
    try {
      const { content } = await api("PATCH", `/api/images/${image.id}/`, { body: fields, headers: { "If-Match": `"${image.version}"` } });
      this.take(content);
      this.say(this.text("saved"));
      this.tellChanged();
      return true;
    } catch (error) {
      this.problem(error);
      if (error.status === 412) await this.again(image.id);
      return false;
    } finally {
      this.drawHeader();
    }
  }

  // Read an image that somebody else has changed.
  async again(id) {
    this.images.delete(id);
    await this.fetch(id).catch(() => undefined);
  }

  async copy() {
    try {
      const picture = await createImageBitmap(await (await fetch(this.image.urls.display)).blob());
      const canvas = el("canvas", { width: picture.width, height: picture.height });
      canvas.getContext("2d").drawImage(picture, 0, 0);
      const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
      await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
      this.say(this.text("copied"));
    } catch {
      this.say(this.text("not_copied"));
    }
  }

  confirm() {
    const yes = el("button", { class: "danger small", type: "button", onclick: () => this.trash() }, this.text("trash"));
    const no = el("button", { class: "plain small", type: "button", onclick: () => this.say("") }, this.text("cancel"));
    this.say(this.text("trash_question"), el("span", { class: "answers" }, yes, no));
    yes.focus();
  }

  async trash() {
    const id = this.id;
    const at = this.order.indexOf(id);
    try {
      const { headers } = await api("DELETE", `/api/images/${id}/`);
      this.undoable = headers.get("X-Change-ID");
      this.order.splice(at, 1);
      const undo = el("button", { class: "link", type: "button", onclick: () => this.undo() }, this.text("undo"));
      this.say(this.text("trashed"), undo);
      if (!this.order.length) return this.close();
      this.show(this.order[Math.min(at, this.order.length - 1)]);
      this.tellChanged();
    } catch (error) {
      this.problem(error);
    }
  }

  async undo() {
    try {
      await api("POST", "/api/undo/", { body: this.undoable ? { change_id: this.undoable } : {} });
      this.undoable = null;
      this.say(this.text("undone"));
      await this.reread();
      this.tellChanged();
    } catch (error) {
      this.problem(error);
    }
  }

  close() {
    this.closing = true;
    clearTimeout(this.telling);
    this.tell("close");
  }

  keys() {
    const table = [
      { keys: ["ArrowRight"], run: () => this.step(1) }, { keys: ["ArrowLeft"], run: () => this.step(-1) },
      { keys: ["Escape"], run: () => this.close() }, { keys: ["+", "="], run: () => this.picture?.zoom(0.5) },
      { keys: ["-"], run: () => this.picture?.zoom(-0.5) },
    ];
    if (!this.data.may_edit) return table;
    table.push({ keys: ["Delete"], run: () => this.confirm() }, { keys: ["z"], run: () => this.undo() });
    const categories = this.data.groups.flatMap((group) => group.items).filter((item) => item.shortcut);
    return table.concat(categories.map((item) => ({ keys: [item.shortcut], run: () => this.categorise(item.code) })));
  }

  // The next picture comes at once; what could not be saved is shown again.
  async categorise(code) {
    const id = this.id;
    const image = id ? await this.fetch(id).catch(() => null) : null;
    if (!image || this.id !== id || !this.picture) return; // stepped on meanwhile, or not there yet
    this.step(1);
    if (!(await this.set({ category: code }, image)) && this.id !== image.id) this.go(image.id);
  }

  key(event) {
    if (!isForUs(this.root, event, true)) return;
    const found = meaning(this.table, event);
    if (!found) return;
    event.preventDefault();
    event.stopPropagation();
    found.run();
  }
}

export default function (component) {
  return live(component, (first) => new Viewer(first));
}
