// What every component shares: building elements, calling the REST API, and keeping one
// instance alive while Streamlit calls the component again with new data.

const instances = new WeakMap();

// Return the instance that lives in this element, made by `create` the first time, then
// updated with the data of this run. The clean-up function ends it.
export function live(component, create) {
  let instance = instances.get(component.parentElement);
  if (!instance) {
    instance = create(component);
    instances.set(component.parentElement, instance);
  }
  instance.update(component);
  return () => {
    instances.delete(component.parentElement);
    instance.end();
  };
}

// Build an element; text is always text, never markup.
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// A Material icon by its name, hidden from readers: the button around it carries the words.
export function icon(name) {
  return el("span", { class: "icon", "aria-hidden": "true", textContent: name });
}

// Fill the places of a text: fill("{count} of {total}", {count: 1, total: 3}).
export function fill(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (_all, name) => String(values[name] ?? ""));
}

// Choose the form of a counted text: texts.images = ["1 image", "{count} images"].
export function counted(forms, count) {
  return fill(count === 1 ? forms[0] : forms[1], { count });
}

// A key that nobody else uses; randomUUID exists only under HTTPS.
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Go to the sign-in page and come back here afterwards.
export function signIn() {
  const here = window.location.pathname + window.location.search;
  window.location.assign(`/auth/login?next=${encodeURIComponent(here)}`);
}

// Call the REST API; answers the body, or throws {status, code, message}.
export async function api(method, path, { body, headers = {}, signal } = {}) {
  const options = { method, headers: { Accept: "application/json", ...headers }, signal };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(new URL(path, window.location.origin), options);
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw { status: 0, code: "offline", message: "" };
  }
  const content = answer.status === 204 ? null : await answer.json().catch(() => null);
  // Over a locked page the session's own sheet asks for the password; what was typed here stays.
  if (content?.error?.code === "locked") window.dispatchEvent(new Event("imgcore-locked"));
  else if (answer.status === 401) signIn();
  if (answer.ok) return { content, headers: answer.headers };
  const error = content?.error ?? {};
  throw { status: answer.status, code: error.code ?? "error", message: error.message ?? "", hint: error.hint };
}

// A size as people read it.
export function bytes(count) {
  if (count < 1e6) return `${Math.max(1, Math.round(count / 1e3))} kB`;
  return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
}

// A category selector, grouped as the clinic's set is; `groups` = [{title, items: [{code, label}]}].
export function categorySelect(groups, chosen, properties = {}) {
  const select = el("select", { class: "category", ...properties });
  for (const group of groups) {
    const options = group.items.map((item) => el("option", { value: item.code, textContent: item.label }));
    select.append(group.title ? el("optgroup", { label: group.title }, ...options) : options[0]);
  }
  select.value = chosen;
  return select;
}

// Find what a key press means here; typing in a field and the browser's own shortcuts are left alone.
export function meaning(table, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  const target = event.composedPath()[0];
  if (target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement) return null;
  if (target instanceof HTMLInputElement && target.type !== "checkbox") return null;
  if (target instanceof HTMLButtonElement && !target.closest(".tile") && [" ", "Enter"].includes(event.key)) return null;
  const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return table.find((entry) => entry.keys.includes(pressed)) ?? null;
}

// Whether a key press is for this component: it has the focus, or nothing has. Who takes all gets
// every key that no dialog wants.
export function isForUs(root, event, takesAll = false) {
  if (document.querySelector('[role="dialog"]')) return false;
  const path = event.composedPath();
  return takesAll || path.includes(root) || path[0] === document.body;
}
