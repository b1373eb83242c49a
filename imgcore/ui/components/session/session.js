// Watches the session: a tab whose session has ended leaves for the sign-in page at once, and so
// do the other tabs of this browser. Over a session that is locked it puts the sheet of sheet.js.

const EVERY = 5000;
// How often input is reported at most, and how much of the time before the lock that may be.
const REPORT_EVERY = 30000;
const REPORT_SHARE = 4;
const INPUT = ["pointerdown", "pointermove", "keydown", "wheel", "touchmove"];
const SIGNED_OUT = "signed-out";
const LOOK_AGAIN = "look-again";
export const LOCKED = "imgcore-locked";

const watches = new WeakMap();

function address(path) {
  return new URL(path, window.location.origin);
}

// Where to sign in and come back to this very place.
function signInPath() {
  const here = window.location.pathname + window.location.search;
  return `/auth/login?next=${encodeURIComponent(here)}`;
}

class Watch {
  constructor(texts) {
    this.leaving = false;
    this.sheet = new Sheet(texts, (password) => this.unlock(password));
    this.channel = new BroadcastChannel("imgcore");
    this.channel.onmessage = (event) => this.hear(event.data);
    this.look = () => document.visibilityState === "visible" && this.check();
    document.addEventListener("visibilitychange", this.look);
    window.addEventListener("focus", this.look);
    window.addEventListener(LOCKED, this.look);
    this.timer = setInterval(() => this.check(), EVERY);
    this.reported = 0;
    this.every = REPORT_EVERY;
    this.touched = (event) => event.isTrusted && this.touch();
    for (const kind of INPUT) {
      window.addEventListener(kind, this.touched, { capture: true, passive: true });
    }
    // The server cuts the connection of a session that has ended; Streamlit marks that here.
    this.connection = new MutationObserver(this.look);
    const app = document.querySelector('[data-testid="stApp"]');
    if (app) this.connection.observe(app, { attributeFilter: ["data-test-connection-state"] });
    this.check();
  }

  hear(word) {
    if (word === SIGNED_OUT) this.leave(signInPath());
    if (word === LOOK_AGAIN) this.check();
  }

  // Ask the server; when it does not answer, nothing is known and nothing changes.
  async check() {
    await this.take(fetch(address("/auth/session"), { cache: "no-store" }));
  }

  // Somebody moves or types here: say so now, or once after what was said last. How often to say it is
  // known with the first answer; the page that was just loaded has said it until then.
  touch() {
    if (this.person === undefined || this.sheet.isUp || this.report) return;
    const wait = Math.max(0, this.reported + this.every - Date.now());
    this.report = setTimeout(() => this.use(), wait);
  }

  async use() {
    this.report = null;
    this.reported = Date.now();
    if (!this.sheet.isUp) await this.take(fetch(address("/auth/session"), { method: "POST" }));
  }

  async take(asked) {
    const answer = await asked.catch(() => null);
    if (answer?.status === 401 && !this.leaving) this.tell(signInPath());
    const state = answer?.ok ? await answer.json().catch(() => null) : null;
    if (state && !this.leaving) this.show(state);
  }

  show(state) {
    this.person ??= state.email;
    if (this.person !== state.email) {
      // Somebody else has signed in with this browser: nothing of the first may stay.
      this.leave(window.location.pathname + window.location.search);
    } else if (state.is_locked) {
      this.sheet.raise(state);
    } else {
      this.sheet.lower();
      this.plan(state);
    }
  }

  // The page is covered at the very moment; then the server is asked whether it is so.
  plan(state) {
    clearTimeout(this.lock);
    if (state.locks_in === null) return;
    this.every = Math.min(REPORT_EVERY, (state.locks_after * 1000) / REPORT_SHARE);
    this.lock = setTimeout(() => {
      this.sheet.raise(state);
      this.check();
    }, state.locks_in * 1000 + 50);
  }

  // Answers what is wrong, or nothing when the page is open again.
  async unlock(password) {
    const answer = await fetch(address("/auth/unlock"), {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams({ password }),
    }).catch(() => null);
    const content = await answer?.json().catch(() => null);
    if (answer?.ok) {
      this.show(content);
      this.channel.postMessage(LOOK_AGAIN);
      return null;
    }
    if (answer?.status === 401) this.tell(signInPath());
    return content?.error ?? {};
  }

  // Without an answer, the server's own page asks again.
  async signOut() {
    if (this.leaving) return;
    this.leaving = true;
    const answer = await fetch(address("/auth/logout"), { method: "POST" }).catch(() => null);
    this.tell(answer?.ok ? "/auth/login?signed_out=1" : "/auth/logout");
  }

  tell(path) {
    this.channel.postMessage(SIGNED_OUT);
    this.leave(path);
  }

  // The page is hidden first: a question of the browser may hold up the way to the other page.
  leave(path) {
    this.leaving = true;
    this.end();
    document.body.style.display = "none";
    window.location.replace(path);
  }

  end() {
    clearInterval(this.timer);
    clearTimeout(this.lock);
    clearTimeout(this.report);
    this.connection.disconnect();
    this.sheet.end();
    for (const kind of INPUT) window.removeEventListener(kind, this.touched, { capture: true });
    document.removeEventListener("visibilitychange", this.look);
    window.removeEventListener("focus", this.look);
    window.removeEventListener(LOCKED, this.look);
    this.channel.close();
  }
}

export default function (component) {
  const { parentElement, data } = component;
  let watch = watches.get(parentElement);
  if (!watch) {
    watch = new Watch(data.texts);
    watches.set(parentElement, watch);
  }
  if (data.leaving) watch.signOut();
  return () => {
    watches.delete(parentElement);
    watch.end();
  };
}
