// Watches the session: a tab whose session has ended leaves for the sign-in page at once, and so
// do the other tabs of this browser.

const EVERY = 5000;
const SIGNED_OUT = "signed-out";

const watches = new WeakMap();

// Where to sign in and come back to this very place.
function signInPath() {
  const here = window.location.pathname + window.location.search;
  return `/auth/login?next=${encodeURIComponent(here)}`;
}

class Watch {
  constructor() {
    this.leaving = false;
    this.channel = new BroadcastChannel("imgcore");
    this.channel.onmessage = (event) => event.data === SIGNED_OUT && this.leave(signInPath());
    this.look = () => document.visibilityState === "visible" && this.check();
    document.addEventListener("visibilitychange", this.look);
    window.addEventListener("focus", this.look);
    this.timer = setInterval(() => this.check(), EVERY);
    // The server cuts the connection of a session that has ended; Streamlit marks that here.
    this.connection = new MutationObserver(this.look);
    const app = document.querySelector('[data-testid="stApp"]');
    if (app) this.connection.observe(app, { attributeFilter: ["data-test-connection-state"] });
  }

  // Ask the server; when it does not answer, nothing is known and nothing changes.
  async check() {
    const answer = await fetch(new URL("/auth/session", window.location.origin), {
      cache: "no-store",
    }).catch(() => null);
    if (answer?.status === 401 && !this.leaving) this.tell(signInPath());
  }

  // Without an answer, the server's own page asks again.
  async signOut() {
    if (this.leaving) return;
    this.leaving = true;
    const answer = await fetch(new URL("/auth/logout", window.location.origin), {
      method: "POST",
    }).catch(() => null);
    this.tell(answer?.ok ? "/auth/login?signed_out=1" : "/auth/logout");
  }

  tell(path) {
    this.channel.postMessage(SIGNED_OUT);
    this.leave(path);
  }

  // The page is hidden first: a question of the browser may hold up the way to the other page.
  leave(path) {
    this.end();
    document.body.style.display = "none";
    window.location.replace(path);
  }

  end() {
    clearInterval(this.timer);
    this.connection.disconnect();
    document.removeEventListener("visibilitychange", this.look);
    window.removeEventListener("focus", this.look);
    this.channel.close();
  }
}

export default function (component) {
  const { parentElement, data } = component;
  let watch = watches.get(parentElement);
  if (!watch) {
    watch = new Watch();
    watches.set(parentElement, watch);
  }
  if (data.leaving) watch.signOut();
  return () => {
    watches.delete(parentElement);
    watch.end();
  };
}
