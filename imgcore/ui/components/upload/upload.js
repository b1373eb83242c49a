// The upload component: choose, check, describe, send, and see what became of each photograph.

const SHOWN_AT_ONCE = 60;
const OPEN = new Set(["chosen", "waiting", "sending"]);

class Upload {
  constructor(component) {
    this.photos = [];
    this.queue = new Queue((photo) => this.changed(photo));
    this.all = { category: "", body_location: "", image_type: "", laterality: "", caption: "", description: "" };
    this.listed = SHOWN_AT_ONCE;
    this.root = el("div", { class: "upload" });
    component.parentElement.append(this.root);
    this.onPaste = (event) => this.paste(event);
    this.onLeave = (event) => this.queue.busy && event.preventDefault();
    document.addEventListener("paste", this.onPaste);
    window.addEventListener("beforeunload", this.onLeave);
  }

  update(component) {
    const before = this.data;
    this.data = component.data;
    this.trigger = component.setTriggerValue;
    if (!before) this.all.category = this.data.default_category;
    if (before?.batch_id !== this.data.batch_id && !this.queue.busy) this.forget();
    if (!this.queue.busy || !before) this.draw();
  }

  end() {
    document.removeEventListener("paste", this.onPaste);
    window.removeEventListener("beforeunload", this.onLeave);
    this.queue.cancel();
    this.forget();
  }

  text(name, values) {
    return fill(this.data.texts[name], values);
  }

  forget() {
    for (const photo of this.photos) if (photo.preview) URL.revokeObjectURL(photo.preview);
    this.photos = [];
    this.listed = SHOWN_AT_ONCE;
    this.showsStored = false;
  }

  async add(files) {
    if (!files.length || this.queue.busy) return;
    if (this.photos.some((photo) => !OPEN.has(photo.state))) this.forget();
    const added = files.map((file) => ({
      ...this.all, file, key: newKey(), state: "chosen", order: 0, sent: 0, reason: "", format: "", day: null,
    }));
    this.photos.push(...added);
    this.draw();
    for (const photo of added) await this.inspect(photo);
    this.draw();
  }

  async inspect(photo) {
    if (photo.file.size > this.data.max_file_bytes) {
      this.refuse(photo, this.text("too_large", { most: bytes(this.data.max_file_bytes) }));
      return;
    }
    const found = await look(photo.file).catch(() => ({ format: null, day: null }));
    Object.assign(photo, found);
    if (!photo.format) this.refuse(photo, this.text("not_a_picture"));
    else if (SHOWN.has(photo.format) && !photo.preview) photo.preview = URL.createObjectURL(photo.file);
  }

  refuse(photo, reason) {
    photo.state = "refused";
    photo.reason = reason;
  }

  paste(event) {
    const files = Array.from(event.clipboardData?.files ?? []);
    if (files.length) {
      event.preventDefault();
      this.add(files);
    }
  }

  send(photos) {
    photos.forEach((photo, i) => {
      photo.order ||= this.data.last_order + 1 + i; // four go at once; they keep their order
    });
    this.queue.start(this.data.upload_path, photos);
    this.draw();
  }

  changed(photo) {
    this.drawRow(photo);
    this.drawProgress();
    if (photo.signedOut) {
      photo.signedOut = false;
      signIn();
    }
    if (!this.queue.busy && !this.finishing) {
      this.finishing = true;
      queueMicrotask(() => this.finished());
    }
  }

  async finished() {
    this.finishing = false;
    if (this.queue.busy) return;
    await this.markPrimary();
    this.draw();
    const stored = this.photos.filter((photo) => photo.state === "stored").length;
    this.trigger("finished", { stored, of: this.photos.length, at: Date.now() });
  }

  // The upload route knows no primary image: it is marked once it is stored.
  async markPrimary() {
    const photo = this.photos.find((each) => each.is_primary && each.state === "stored" && !each.image.is_primary);
    if (!photo) return;
    try {
      const { content } = await api("PATCH", `/api/images/${photo.image.id}/`, { body: { is_primary: true } });
      photo.image = content;
    } catch {
      photo.reason = this.text("not_primary");
    }
  }

  count(...states) {
    return this.photos.filter((photo) => states.includes(photo.state)).length;
  }

  draw() {
    const focused = this.root.getRootNode().activeElement?.name;
    this.rows = new Map();
    const begun = this.photos.some((photo) => !OPEN.has(photo.state) && photo.state !== "refused");
    const parts = [this.dropzone()];
    if (this.photos.length) {
      if (!begun && !this.queue.busy) parts.push(this.form(), this.dates());
      parts.push(this.actions(begun), this.list());
    }
    this.root.replaceChildren(...parts.filter(Boolean));
    this.drawProgress();
    if (focused) this.root.querySelector(`[name="${focused}"]`)?.focus();
  }

  dropzone() {
    const picker = this.picker({});
    const folder = this.picker({ webkitdirectory: true });
    const camera = this.picker({ capture: "environment", accept: "image/*" });
    const lights = (on) => (event) => {
      event.preventDefault();
      zone.classList.toggle("over", on);
    };
    const link = (text, input) => el("button", { class: "link", type: "button", onclick: () => input.click() }, text);
    const zone = el(
      "div",
      { class: "zone", ondragover: lights(true), ondragenter: lights(true), ondragleave: lights(false),
        ondrop: async (event) => {
          lights(false)(event);
          this.add(await dropped(event.dataTransfer));
        } },
      el("div", { class: "lead" },
        el("span", { class: "wide" }, `${this.text("drop")} `), link(this.text("browse"), picker),
        el("span", { class: "wide" }, " · ", link(this.text("folder"), folder)),
        el("span", { class: "touch" }, " · ", link(this.text("camera"), camera))),
      el("div", { class: "hint" }, this.text("formats", { most: bytes(this.data.max_file_bytes) })),
      picker, folder, camera,
    );
    return zone;
  }

  picker(properties) {
    const accept = this.data.accept;
    const input = el("input", { type: "file", multiple: true, accept, hidden: true, tabIndex: -1, ...properties,
      "aria-hidden": "true", onchange: () => { this.add(Array.from(input.files)); input.value = ""; } });
    return input;
  }

  form() {
    const caption = el("input", { type: "text", name: "caption", value: this.all.caption, maxLength: 2000,
      onchange: () => this.forAll("caption", caption.value) });
    const category = categorySelect(this.data.groups, this.all.category, { name: "category",
      onchange: () => this.forAll("category", category.value) });
    return el("fieldset", { class: "form" }, el("legend", {}, this.text("for_all")), this.field("category", category),
      ...this.place(this.all, (name, value) => this.forAll(name, value)), this.field("caption", caption),
      this.suggestions("body_location", this.data.body_locations), this.suggestions("image_type", this.data.image_types));
  }

  field(name, control) {
    return el("label", {}, el("span", {}, this.text(name)), control);
  }

  suggestions(name, values) {
    return el("datalist", { id: `${name}-options` }, ...values.map((value) => el("option", { value })));
  }

  // Body location, type, side and description: of all photos, or of one.
  place(owner, change) {
    const typed = (name, limits = { maxLength: 100, list: `${name}-options` }) => {
      const input = el("input", { type: "text", name: owner === this.all && name, value: owner[name], ...limits, data: { field: name }, onchange: () => change(name, input.value) });
      return this.field(name, input);
    };
    const sides = this.data.sides.map(([value, textContent]) => el("option", { value, textContent }));
    const side = el("select", { data: { field: "laterality" }, name: owner === this.all && "laterality", onchange: () => change("laterality", side.value) }, ...sides);
    side.value = owner.laterality;
    return [typed("body_location"), typed("image_type"), this.field("laterality", side), typed("description", { maxLength: 20000 })];
  }

  // Rows are changed in place: drawn anew, they would swallow the click that ended the typing.
  forAll(name, value) {
    this.all[name] = value;
    for (const photo of this.photos) photo[name] = value;
    for (const row of this.rows.values()) {
      for (const control of row.querySelectorAll(`[data-field="${name}"]`)) control.value = value;
    }
  }

  // A line when the camera's days differ from the batch's day or from each other.
  dates() {
    const other = this.photos.filter((photo) => photo.state === "chosen" && photo.day && photo.day !== this.data.taken_on);
    if (!other.length) return null;
    const days = new Set(other.map((photo) => photo.day));
    const shown = (day) => new Date(`${day}T12:00:00`).toLocaleDateString(this.data.locale, { day: "numeric", month: "short", year: "numeric" });
    const values = { count: other.length, total: this.photos.length, day: shown(other[0].day) };
    const line = days.size === 1 ? this.text("other_day", values) : this.text("other_days", values);
    const aside = () => {
      this.trigger("second_batch", { day: other[0].day, at: Date.now() });
    };
    const button = days.size === 1 && el("button", { class: "link", type: "button", onclick: aside }, this.text("second_batch"));
    return el("p", { class: "dates", role: "status" }, icon("event"), line, " ", button || "");
  }

  actions(begun) {
    const ready = this.photos.filter((photo) => photo.state === "chosen");
    const again = this.photos.filter((photo) => ["failed", "cancelled"].includes(photo.state));
    const button = (kind, text, onclick) => el("button", { class: kind, type: "button", onclick }, text);
    const bar = el("div", { class: "actions" });
    if (this.queue.busy) {
      this.meter = el("progress", { max: 1, value: 0, "aria-label": this.text("progress") });
      this.said = el("span", { class: "said", role: "status" });
      bar.append(this.meter, this.said, button("plain", this.text("cancel"), () => this.queue.cancel()));
      return bar;
    }
    if (ready.length) bar.append(button("main", this.uploadText(ready.length), () => this.send(ready)));
    if (again.length) bar.append(button("main", counted(this.data.texts.retry, again.length), () => this.send(again)));
    if (begun) bar.append(el("span", { class: "said", role: "status" }, this.summary()));
    const clear = () => { this.forget(); this.draw(); };
    bar.append(button("plain", this.text(begun ? "dismiss" : "clear"), clear));
    return bar;
  }

  uploadText(count) {
    return fill(this.data.texts.upload[count === 1 ? 0 : 1], { count, person: this.data.person });
  }

  summary() {
    const parts = ["stored", "there", "refused", "failed", "cancelled"].map((state) => [state, this.count(state)]);
    return parts.filter(([, count]) => count).map(([state, count]) => counted(this.data.texts[`sum_${state}`], count)).join(" · ");
  }

  drawProgress() {
    if (!this.queue.busy || !this.meter) return;
    const sending = this.photos.filter((photo) => photo.state !== "refused" || photo.sent);
    const sent = sending.reduce((sum, photo) => sum + (OPEN.has(photo.state) ? photo.sent : 1), 0);
    this.meter.value = sent / Math.max(1, sending.length);
    const done = sending.filter((photo) => !OPEN.has(photo.state)).length;
    this.said.textContent = this.text("done_of", { count: done, total: sending.length });
  }

  list() {
    const worst = { failed: 0, refused: 1, cancelled: 2, there: 3 };
    const rank = (photo) => worst[photo.state] ?? 4;
    const ended = !this.queue.busy && this.photos.every((photo) => !OPEN.has(photo.state));
    const stored = ended && !this.showsStored ? this.count("stored") : 0;
    const sorted = this.photos.filter((photo) => !stored || photo.state !== "stored").sort((a, b) => rank(a) - rank(b));
    const rows = sorted.slice(0, this.listed).map((photo) => {
      const row = el("li");
      this.rows.set(photo, row);
      this.drawRow(photo);
      return row;
    });
    const left = sorted.length - rows.length;
    const all = () => { this.showsStored = true; this.draw(); };
    const rest = stored > 0 && el("li", { class: "more" }, el("button", { class: "link", type: "button", onclick: all },
      counted(this.data.texts.show_stored, stored)));
    const more = () => { this.listed += 300; this.draw(); };
    const last = left > 0 && el("li", { class: "more" }, el("button", { class: "link", type: "button", onclick: more },
      counted(this.data.texts.more, left)));
    return el("ul", { class: "photos", "aria-label": this.text("chosen") }, ...rows, last, rest);
  }

  drawRow(photo) {
    const row = this.rows?.get(photo);
    if (!row) return;
    row.className = photo.state;
    if (photo.state === "sending" && row.bar) {
      row.bar.value = photo.sent;
      return;
    }
    row.bar = photo.state === "sending" ? el("progress", { max: 1, value: photo.sent, "aria-label": photo.file.name }) : null;
    const state = row.bar ?? (photo.state !== "chosen" && el("span", { class: "state" }, this.stateText(photo)));
    const name = el("span", { class: "name", title: photo.file.name }, photo.file.name);
    const size = el("span", { class: "size" }, bytes(photo.file.size));
    row.replaceChildren(...[this.picture(photo), el("span", { class: "what" }, name, size), ...this.controls(photo), state].filter(Boolean));
  }

  picture(photo) {
    const alt = photo.file.name;
    const none = el("span", { class: "no-preview" }, (photo.format || "?").toUpperCase());
    if (!photo.preview) return none;
    const image = el("img", { src: photo.preview, alt, loading: "lazy", decoding: "async", onerror: () => image.replaceWith(none) });
    return image;
  }

  stateText(photo) {
    const reason = photo.reason ? `: ${photo.reason}` : "";
    return this.text(`state_${photo.state}`) + reason;
  }

  rowButton(photo, name, text, onclick, properties = {}) {
    return el("button", { class: "plain small", type: "button", onclick, title: this.text(text), "aria-label": `${this.text(text)}: ${photo.file.name}`, ...properties }, icon(name));
  }

  // One photo of those chosen can be the primary one.
  choosePrimary(photo) {
    for (const each of this.photos) each.is_primary = each === photo && !photo.is_primary;
    for (const each of this.photos) this.drawRow(each);
  }

  controls(photo) {
    if (photo.state === "chosen") {
      const category = categorySelect(this.data.groups, photo.category, { data: { field: "category" },
        "aria-label": `${this.text("category")}: ${photo.file.name}`, onchange: () => { photo.category = category.value; } });
      const caption = el("input", { type: "text", class: "caption", data: { field: "caption" }, value: photo.caption, maxLength: 2000,
        placeholder: this.text("caption"), "aria-label": `${this.text("caption")}: ${photo.file.name}`,
        onchange: () => { photo.caption = caption.value; } });
      const drop = () => { this.photos = this.photos.filter((each) => each !== photo); this.draw(); };
      const more = () => { photo.opened = !photo.opened; this.drawRow(photo); };
      const fields = photo.opened && el("div", { class: "fields" }, ...this.place(photo, (name, value) => { photo[name] = value; }));
      const buttons = el("span", { class: "row-buttons" },
        this.rowButton(photo, photo.is_primary ? "star" : "star_outline", "primary", () => this.choosePrimary(photo), { "aria-pressed": String(Boolean(photo.is_primary)) }),
        this.rowButton(photo, "tune", "more_fields", more, { "aria-expanded": String(Boolean(photo.opened)) }),
        this.rowButton(photo, "close", "leave_out", drop));
      return [category, caption, buttons, fields];
    }
    if (photo.state !== "there") return [];
    const beside = el("img", { src: photo.image.urls.thumbnail, alt: this.text("existing"), loading: "lazy" });
    const skip = () => { this.photos = this.photos.filter((each) => each !== photo); this.draw(); };
    const keep = () => { Object.assign(photo, { keep: true, key: newKey() }); this.send([photo]); };
    return [beside, el("button", { class: "plain small", type: "button", onclick: keep }, this.text("keep")),
      el("button", { class: "plain small", type: "button", onclick: skip }, this.text("skip"))];
  }
}

export default function (component) {
  return live(component, (first) => new Upload(first));
}
