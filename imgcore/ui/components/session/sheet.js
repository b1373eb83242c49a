// The sheet over a locked page: it hides all that is behind it, asks for the password, and leaves
// the page as it was. There is one to a page, whoever asks for it.

const SHEET = "imgcore-sheet";
// While the sheet is up the page behind hears none of these: a shortcut must not take a letter of the
// password for itself, and a dialog must not close because somebody clicked or moved on outside it.
const UNHEARD = [
  ...["keydown", "keypress", "keyup", "paste", "focusin", "focusout", "click", "dblclick", "contextmenu"],
  ...["pointerdown", "pointerup", "mousedown", "mouseup", "touchstart", "touchend", "wheel"],
];

export class Sheet {
  constructor(texts, unlock) {
    this.texts = texts;
    this.unlock = unlock;
    this.stop = (event) => {
      if (!this.isUp) return;
      if (event.key === "Escape") event.preventDefault();
      event.stopImmediatePropagation();
    };
    for (const kind of UNHEARD) window.addEventListener(kind, this.stop, true);
  }

  end() {
    for (const kind of UNHEARD) window.removeEventListener(kind, this.stop, true);
  }

  get dialog() {
    return document.getElementById(SHEET);
  }

  get isUp() {
    return this.dialog !== null;
  }

  raise({ name, email }) {
    if (this.isUp) return;
    const before = document.activeElement;
    const dialog = this.build(name, email);
    const app = document.querySelector(".stApp");
    if (app) dialog.style.colorScheme = getComputedStyle(app).colorScheme;
    document.body.append(dialog);
    dialog.showModal();
    // What lies behind is neither seen nor found, read out or printed.
    document.documentElement.classList.add(SHEET);
    dialog.back = () => before?.isConnected && before.focus();
  }

  lower() {
    const dialog = this.dialog;
    if (!dialog) return;
    document.documentElement.classList.remove(SHEET);
    dialog.remove();
    dialog.back();
  }

  build(name, email) {
    const { texts } = this;
    // For the password manager alone.
    const person = el("input", { type: "text", autocomplete: "username", value: email, readOnly: true, hidden: true });
    const password = el("input", {
      type: "password",
      name: "password",
      id: `${SHEET}-password`,
      autocomplete: "current-password",
      required: true,
      maxLength: 1000,
      autofocus: true,
    });
    const problem = el("p", { class: "problem", role: "alert", hidden: true });
    const button = el("button", { textContent: texts.unlock });
    const form = el(
      "form",
      { method: "dialog" },
      el("h1", { textContent: texts.title, id: `${SHEET}-title` }),
      el("p", { textContent: fill(texts.lead, { name }) }),
      problem,
      el("label", { htmlFor: password.id, textContent: texts.password }),
      person,
      password,
      button,
      ...this.links(),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(password, button, problem);
    });
    const style = el("style", { textContent: texts.style });
    // A dialog of the page behind makes all that comes after it inert, except what is marked like this.
    const named = { "aria-labelledby": `${SHEET}-title`, "data-react-aria-top-layer": "true" };
    const dialog = el("dialog", { id: SHEET, ...named }, style, form);
    // Escape and whatever else would close it only bring it back.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => dialog.isConnected && dialog.showModal());
    return dialog;
  }

  links() {
    const here = encodeURIComponent(window.location.pathname + window.location.search);
    const outer = el("a", { textContent: this.texts.outer, href: `/auth/oidc?next=${here}`, target: "_blank" });
    const leave = el("a", { textContent: this.texts.signOut, href: "/auth/logout" });
    return this.texts.outer ? [outer, leave] : [leave];
  }

  async send(password, button, problem) {
    button.disabled = true;
    const wrong = await this.unlock(password.value);
    button.disabled = false;
    if (!wrong) return;
    problem.textContent = [wrong.message ?? this.texts.away, wrong.hint].filter(Boolean).join(" ");
    problem.hidden = false;
    password.setAttribute("aria-invalid", "true");
    password.select();
    password.focus();
  }
}
