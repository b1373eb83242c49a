// On a phone the sidebar covers the screen: it gives way once something was chosen or done in it.

// The width from which Streamlit shows sidebar and screen side by side.
const NARROW = "(max-width: 768px)";

const states = new WeakMap();

export default function (component) {
  const { parentElement, data } = component;
  const state = JSON.stringify(data.state);
  const before = states.get(parentElement);
  states.set(parentElement, state);
  if (before !== undefined && before !== state && window.matchMedia(NARROW).matches) {
    document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
  }
}
