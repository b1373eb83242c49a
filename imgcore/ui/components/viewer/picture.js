// The picture itself on Leaflet: zoom, pan, pinch, fit, one to one, and a turned view.

const SVG = "http://www.w3.org/2000/svg";

export class Picture {
  constructor(leaflet, element, texts) {
    this.leaflet = leaflet;
    this.texts = texts;
    this.turn = 0;
    this.map = leaflet.map(element, {
      crs: leaflet.CRS.Simple, zoomSnap: 0, zoomDelta: 0.5, wheelPxPerZoomLevel: 120, minZoom: -8, maxZoom: 4,
      attributionControl: false, zoomControl: false, keyboard: false, bounceAtZoomLimits: false, fadeAnimation: false,
    });
    this.map.setView([0, 0], 0);
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(element);
  }

  end() {
    this.sizes.disconnect();
    this.map.remove();
  }

  // Show an image; the thumbnail stands in until the picture itself is there.
  show(image, alt, keepView) {
    const view = keepView && this.overlay ? { center: this.map.getCenter(), zoom: this.map.getZoom() } : null;
    this.image = image;
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("role", "img");
    this.svg.setAttribute("aria-label", alt);
    this.svg.append(this.layer(image.urls.thumbnail), this.layer(image.urls.display));
    if (!view) this.turn = 0;
    this.lay();
    if (view) this.map.setView(view.center, view.zoom, { animate: false });
    else this.fit();
  }

  layer(url) {
    const layer = document.createElementNS(SVG, "image");
    layer.setAttribute("href", url);
    layer.setAttribute("width", this.image.width);
    layer.setAttribute("height", this.image.height);
    layer.setAttribute("preserveAspectRatio", "none");
    return layer;
  }

  // Width and height as they are seen with the view turned.
  size() {
    const { width, height } = this.image;
    return this.turn % 180 ? [height, width] : [width, height];
  }

  lay() {
    const [width, height] = this.size();
    const moves = { 0: "", 90: `translate(${width} 0)`, 180: `translate(${width} ${height})`, 270: `translate(0 ${height})` };
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    for (const layer of this.svg.children) layer.setAttribute("transform", `${moves[this.turn]} rotate(${this.turn})`);
    this.overlay?.remove();
    this.bounds = [[-height, 0], [0, width]];
    this.overlay = this.leaflet.svgOverlay(this.svg, this.bounds, { interactive: false }).addTo(this.map);
  }

  rotate() {
    this.turn = (this.turn + 90) % 360;
    this.lay();
    this.fit();
  }

  fit() {
    this.fitted = true;
    this.map.invalidateSize({ animate: false });
    this.map.fitBounds(this.bounds, { animate: false });
    this.map.once("zoomstart movestart", () => { this.fitted = false; });
  }

  oneToOne() {
    this.map.setZoom(-Math.log2(window.devicePixelRatio || 1), { animate: false });
  }

  zoom(by) {
    this.map.setZoom(this.map.getZoom() + by);
  }

  resized() {
    if (this.fitted && this.bounds) this.fit();
    else this.map.invalidateSize({ animate: false });
  }
}
