// One tile: the picture, its checkbox, its category, and what is going on with it.

export class Tile {
  // `grid` answers: text, groups, isSelected(photo), select(index, event), open(index), category(index, code).
  constructor(grid) {
    this.grid = grid;
    this.index = -1;
    this.image = el("img", { decoding: "async", draggable: false });
    this.picture = el("button", { class: "picture", type: "button", tabIndex: -1, onclick: (event) => this.click(event) }, this.image);
    this.check = el("input", { type: "checkbox", tabIndex: -1, onclick: (event) => this.tick(event) });
    this.box = el("label", { class: "check" }, this.check);
    this.star = el("span", { class: "primary" }, icon("star"), ` ${grid.text("primary")}`);
    this.damaged = el("span", { class: "damaged" }, icon("broken_image"), ` ${grid.text("damaged")}`);
    this.select = grid.data.may_edit
      ? categorySelect(grid.data.groups, "", { tabIndex: -1, onchange: () => grid.category(this.index, this.select.value) })
      : el("span", { class: "label" });
    this.mark = el("span", { class: "mark", role: "status" });
    this.caption = el("div", { class: "caption" });
    this.problem = el("div", { class: "problem", role: "alert" });
    this.element = el("li", { class: "tile", tabIndex: -1, onfocus: () => grid.focused(this.index) },
      el("div", { class: "frame" }, this.picture, this.box, this.star, this.damaged),
      el("div", { class: "line" }, this.select, this.mark), this.caption, this.problem);
  }

  click(event) {
    if (event.shiftKey || event.ctrlKey || event.metaKey) this.grid.select(this.index, event);
    else this.grid.open(this.index);
  }

  tick(event) {
    this.grid.select(this.index, event);
  }

  // Show a photo at this place; null while it is not there yet.
  show(index, photo) {
    this.index = index;
    this.element.setAttribute("aria-posinset", index + 1);
    this.element.setAttribute("aria-setsize", this.grid.photos.count);
    this.element.classList.toggle("empty", !photo);
    for (const each of [this.picture, this.check, this.select]) each.disabled = !photo; // a click would do nothing
    if (!photo) {
      this.image.removeAttribute("src");
      this.image.alt = "";
      return;
    }
    const number = this.grid.text("image_number", { number: index + 1 });
    const label = this.grid.label(photo.category);
    this.source(photo.urls.thumbnail);
    this.image.alt = [`${number}: ${label}`, photo.caption, photo.damaged_at && this.grid.text("damaged")].filter(Boolean).join(", ");
    this.picture.setAttribute("aria-label", `${this.grid.text("open")} ${this.image.alt}`);
    this.check.checked = this.grid.isSelected(photo);
    this.check.setAttribute("aria-label", `${this.grid.text("choose")} ${number}`);
    if (this.grid.data.may_edit) this.choose(photo, number);
    else this.select.textContent = label;
    this.star.hidden = !photo.is_primary;
    this.damaged.hidden = !photo.damaged_at;
    this.caption.textContent = photo.caption;
    this.problem.textContent = photo.problem === "offline" ? this.grid.text("offline") : photo.problem ?? "";
    this.mark.textContent = photo.saving ? "…" : photo.saved ? this.grid.text("saved") : "";
    this.element.classList.toggle("selected", this.check.checked);
    this.element.classList.toggle("opened", photo.id === this.grid.data.open_id);
  }

  source(url) {
    if (this.shown === url && this.image.hasAttribute("src")) return;
    this.shown = url;
    this.image.src = url;
  }

  // A stored code that is no longer offered is still shown by its name.
  choose(photo, number) {
    this.select.setAttribute("aria-label", `${this.grid.text("category")} ${number}`);
    this.select.value = photo.category;
    if (this.select.value !== photo.category) {
      this.select.append(el("option", { value: photo.category, textContent: this.grid.label(photo.category), disabled: true }));
      this.select.value = photo.category;
    }
    this.select.classList.toggle("missing", photo.category === this.grid.data.default_category);
  }
}
