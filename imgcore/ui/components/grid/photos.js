// The images of one batch as the grid knows them: fetched in pages when they come into sight,
// changed through the REST API, one request after the other for each image.

const PAGE = 100;

// The fields that the grid shows or sends; with all of them, thousands of images fill the tab's memory.
function kept({ id, version, category, caption, is_primary, damaged_at, urls }) {
  return { id, version, category, caption, is_primary, damaged_at, urls: { thumbnail: urls.thumbnail } };
}

export class Photos {
  // `changed(indices)` is called when images arrive or change; `failed(error)` when a list cannot be read.
  constructor(batchId, count, changed, failed) {
    this.batchId = batchId;
    this.count = count;
    this.changed = changed;
    this.failed = failed;
    this.byIndex = new Map();
    this.pages = new Map();
    this.ended = false;
  }

  end() {
    this.ended = true;
  }

  at(index) {
    return this.byIndex.get(index);
  }

  indexOf(id) {
    for (const [index, photo] of this.byIndex) if (photo.id === id) return index;
    return -1;
  }

  // Fetch what is missing between two places.
  need(first, last) {
    for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page += 1) this.fetch(page);
  }

  fetch(page) {
    if (this.pages.has(page)) return this.pages.get(page);
    const path = `/api/images/?batch_id=${this.batchId}&page=${page + 1}&page_size=${PAGE}`;
    const asked = api("GET", path).then(({ content }) => this.take(page, content), (error) => {
      this.pages.delete(page);
      if (!this.ended) this.failed(error);
    });
    this.pages.set(page, asked);
    return asked;
  }

  take(page, content) {
    if (this.ended) return;
    content.items.map(kept).forEach((photo, i) => {
      const known = this.byIndex.get(page * PAGE + i);
      this.byIndex.set(page * PAGE + i, known?.id === photo.id && known.version > photo.version ? known : photo);
    });
    this.count = content.total;
    this.changed();
  }

  // Read again what is held, without emptying the screen first.
  reload() {
    const held = [...this.pages.keys()];
    this.pages.clear();
    return Promise.all(held.map((page) => this.fetch(page)));
  }

  // Change fields of one image; it shows at once, and goes back when the server says no.
  set(photo, fields) {
    const before = {};
    for (const name of Object.keys(fields)) before[name] = photo[name];
    Object.assign(photo, fields, { saving: true, saved: false, problem: "" });
    this.changed();
    const save = async () => {
      const headers = { "If-Match": `"${photo.version}"` };
      const { content } = await api("PATCH", `/api/images/${photo.id}/`, { body: fields, headers });
      Object.assign(photo, content, { saving: false, saved: true });
    };
    photo.queue = (photo.queue ?? Promise.resolve()).then(save).then(
      () => this.changed(),
      (error) => {
        Object.assign(photo, before, { saving: false, problem: error.message || "offline" });
        if (error.status === 412) this.refresh(photo);
        this.changed();
        throw error;
      },
    );
    const done = photo.queue;
    photo.queue = photo.queue.catch(() => undefined);
    return done;
  }

  async refresh(photo) {
    const { content } = await api("GET", `/api/images/${photo.id}/`);
    Object.assign(photo, content);
    this.changed();
  }

  async ids() {
    const { content } = await api("GET", `/api/images/batches/${this.batchId}/ids/`);
    return content.ids;
  }
}
