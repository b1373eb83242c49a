// Put into the page before its own scripts: says when what a person waits for can be seen.
window.benchmark = {
  // Every element, those inside the components' own trees too.
  find(selector, root = document) {
    const found = [...root.querySelectorAll(selector)];
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) found.push(...this.find(selector, element.shadowRoot));
    }
    return found;
  },

  inSight(element) {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < window.innerHeight;
  },

  tiles() {
    return this.find(".field .tile").filter((tile) => this.inSight(tile));
  },

  // Milliseconds since the page was asked for, once its dropzone is drawn.
  empty() {
    return this.find(".zone").some((zone) => this.inSight(zone)) && performance.now();
  },

  // The same, once every tile in sight shows its thumbnail.
  drawn() {
    const tiles = this.tiles();
    const shown = tiles.every((tile) => {
      const image = tile.querySelector("img");
      return image.hasAttribute("src") && image.complete && image.naturalWidth > 0;
    });
    return tiles.length > 3 && shown && performance.now();
  },

  // Choose another category for a tile in sight, and answer the milliseconds until it says "saved".
  async choose(place, code) {
    const tile = this.tiles()[place];
    const select = tile.querySelector("select");
    const began = performance.now();
    select.value = code;
    select.dispatchEvent(new Event("change"));
    while (tile.querySelector(".mark").textContent !== "saved") {
      await new Promise((done) => requestAnimationFrame(done));
    }
    return performance.now() - began;
  },

  // The element that scrolls the grid.
  scroller() {
    let node = this.find(".field")[0].getRootNode().host;
    for (; node; node = node.parentElement) {
      if (node.scrollHeight > node.clientHeight && /auto|scroll/.test(getComputedStyle(node).overflowY)) return node;
    }
    return document.scrollingElement;
  },

  // Scroll by a screen; answers whether there was more.
  further() {
    const scroller = this.scroller();
    const before = scroller.scrollTop;
    scroller.scrollBy(0, window.innerHeight * 0.9);
    return scroller.scrollTop > before;
  },
};
