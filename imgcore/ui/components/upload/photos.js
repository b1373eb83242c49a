// What can be known of a chosen file before it is sent: its format, its day, and whether it fits.

const EXIF_BYTES = 128 * 1024;

const SIGNATURES = [
  ["jpeg", (b) => b[0] === 0xff && b[1] === 0xd8 && b[2] === 0xff],
  ["png", (b) => ascii(b, 1, 3) === "PNG"],
  ["gif", (b) => ascii(b, 0, 4) === "GIF8"],
  ["webp", (b) => ascii(b, 0, 4) === "RIFF" && ascii(b, 8, 4) === "WEBP"],
  ["bmp", (b) => ascii(b, 0, 2) === "BM"],
  ["tiff", (b) => ["II*\0", "MM\0*"].includes(ascii(b, 0, 4))],
  ["avif", (b) => ascii(b, 4, 4) === "ftyp" && /avif|avis/.test(ascii(b, 8, 24))],
  ["heic", (b) => ascii(b, 4, 4) === "ftyp" && /hei[cxms]|hev[cx]|mif1|msf1/.test(ascii(b, 8, 24))],
];
export const SHOWN = new Set(["jpeg", "png", "gif", "webp", "bmp", "avif"]);

function ascii(bytes, start, length) {
  return String.fromCharCode(...bytes.slice(start, start + length));
}

// Look into a file: {format, day}. The server decides; this only spares a wait.
export async function look(file) {
  const bytes = new Uint8Array(await file.slice(0, EXIF_BYTES).arrayBuffer());
  const found = SIGNATURES.find(([, fits]) => fits(bytes));
  const format = found ? found[0] : null;
  return { format, day: format === "jpeg" ? exifDay(bytes) : null };
}

// The day on which the camera says a JPEG was taken, as "2025-11-06", or null.
export function exifDay(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    for (let at = 2; at + 4 < view.byteLength; at += 2 + view.getUint16(at + 2)) {
      if (view.getUint8(at) !== 0xff) return null;
      if (view.getUint8(at + 1) === 0xe1 && ascii(bytes, at + 4, 4) === "Exif") return dayIn(view, bytes, at + 10);
    }
  } catch (fault) {
    if (!(fault instanceof RangeError)) throw fault;
  }
  return null;
}

function dayIn(view, bytes, tiff) {
  const little = view.getUint16(tiff) === 0x4949;
  const entry = (directory, wanted) => {
    const count = view.getUint16(directory, little);
    for (let i = 0; i < count; i += 1) {
      const at = directory + 2 + i * 12;
      if (view.getUint16(at, little) === wanted) return view.getUint32(at + 8, little);
    }
    return null;
  };
  const first = tiff + view.getUint32(tiff + 4, little);
  const exif = entry(first, 0x8769);
  const text = (exif !== null && entry(tiff + exif, 0x9003)) || entry(first, 0x0132);
  if (!text) return null;
  const match = /^(\d{4}):(\d\d):(\d\d)/.exec(ascii(bytes, tiff + text, 10));
  return match && match[1] !== "0000" ? `${match[1]}-${match[2]}-${match[3]}` : null;
}

// Every file of a drop, folders opened.
export async function dropped(transfer) {
  const entries = Array.from(transfer.items ?? [], (item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return Array.from(transfer.files ?? []);
  const lists = await Promise.all(entries.map(filesOf));
  return lists.flat();
}

async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((done, fail) => entry.file(done, fail))];
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    const part = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!part.length) return files;
    files.push(...(await Promise.all(part.map(filesOf))).flat());
  }
}
