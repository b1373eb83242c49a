// Sends files one request each, a few at a time, with progress, cancel, and keys that make a
// second try harmless.

const AT_ONCE = 4;

export class Queue {
  // `changed(photo)` is called whenever the state or the progress of a photo changes.
  constructor(changed) {
    this.changed = changed;
    this.waiting = [];
    this.running = new Map();
    this.path = "";
  }

  get busy() {
    return this.waiting.length + this.running.size > 0;
  }

  start(path, photos) {
    this.path = path;
    for (const photo of photos) {
      photo.state = "waiting";
      photo.sent = 0;
      this.waiting.push(photo);
      this.changed(photo);
    }
    this.next();
  }

  cancel() {
    const stopped = this.waiting.splice(0);
    for (const [photo, request] of this.running) {
      stopped.push(photo);
      request.abort();
    }
    this.running.clear();
    for (const photo of stopped) {
      photo.state = "cancelled";
      this.changed(photo);
    }
  }

  next() {
    while (this.running.size < AT_ONCE && this.waiting.length) this.send(this.waiting.shift());
  }

  send(photo) {
    const request = new XMLHttpRequest();
    this.running.set(photo, request);
    photo.state = "sending";
    this.changed(photo);
    request.upload.onprogress = (event) => {
      photo.sent = event.loaded / Math.max(1, event.total);
      this.changed(photo);
    };
    request.onload = () => this.finish(photo, request.status, read(request));
    request.onerror = () => this.finish(photo, 0, null);
    request.ontimeout = () => this.finish(photo, 0, null);
    const again = photo.keep ? "?on_duplicate=keep" : "";
    request.open("POST", new URL(this.path + again, window.location.origin));
    request.setRequestHeader("Idempotency-Key", photo.key);
    request.timeout = 120000;
    request.send(form(photo));
  }

  finish(photo, status, answer) {
    if (!this.running.delete(photo)) return; // cancelled meanwhile
    photo.sent = 1;
    settle(photo, status, answer);
    this.changed(photo);
    this.next();
  }
}

function form(photo) {
  const data = new FormData();
  data.append("images", photo.file, photo.file.name);
  data.append("categories", photo.category);
  if (photo.caption) data.append("captions", photo.caption);
  for (const name of ["order", "body_location", "image_type", "laterality", "description"]) if (photo[name]) data.append(name, photo[name]);
  return data;
}

function read(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return null;
  }
}

// Say in `photo` what became of it: stored, there, refused (for good) or failed (try again).
function settle(photo, status, answer) {
  const stored = answer?.uploaded?.[0];
  const failed = answer?.failed?.[0];
  if (stored) {
    photo.state = stored.already_there ? "there" : "stored";
    photo.image = stored;
    return;
  }
  const error = failed ?? answer?.error;
  photo.reason = error?.message ?? "";
  const forGood = failed ? !failed.can_retry : status >= 400 && status < 500 && ![401, 408, 429].includes(status);
  photo.state = forGood ? "refused" : "failed";
  if (status === 401) photo.signedOut = true;
}
