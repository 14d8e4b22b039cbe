// Barcodes of a 20-bit millisecond clock, a 4-bit publisher id and a CRC-8, in 16x2
// black and white cells over the top of a picture. The Go side is barcode.go.

const barcodeClockMask = 0xfffff;

function barcodeCRC(v) {
  let crc = 0xff;
  for (let shift = 16; shift >= 0; shift -= 8) {
    crc ^= (v >>> shift) & 0xff;
    for (let i = 0; i < 8; i++) crc = crc & 0x80 ? ((crc << 1) ^ 0x07) & 0xff : (crc << 1) & 0xff;
  }
  return crc;
}

// readBarcode reads the tile at x, y, w by h pixels, of an ImageData; by default all of it.
function readBarcode(image, x = 0, y = 0, w = image.width - x, h = image.height - y) {
  const none = { ok: false, ms: 0, id: 0 };
  if (x < 0 || y < 0 || x + w > image.width || y + h > image.height || w < 64 || h < 36) return none;
  let v = 0, crc = 0;
  for (let i = 0; i < 32; i++) {
    const luma = barcodeCell(image, x, y, w, h, i % 16, i >> 4);
    if (Math.abs(luma - 128) < 35) return none;
    const bit = luma > 128 ? 1 : 0;
    if (i < 24) v = v * 2 + bit;
    else crc = crc * 2 + bit;
  }
  return { ok: crc === barcodeCRC(v), ms: v >>> 4, id: v & 15 };
}

// barcodeCell is the mean luma, 0 to 255, of the middle half of a cell in each direction.
function barcodeCell(image, x, y, w, h, column, row) {
  const x0 = x + Math.floor((w * (4 * column + 1)) / 64), x1 = x + Math.floor((w * (4 * column + 3)) / 64);
  const y0 = y + Math.floor((h * (4 * row + 1)) / 36), y1 = y + Math.floor((h * (4 * row + 3)) / 36);
  const d = image.data;
  let sum = 0;
  for (let py = y0; py < y1; py++) {
    for (let px = x0; px < x1; px++) {
      const o = 4 * (py * image.width + px);
      sum += 0.299 * d[o] + 0.587 * d[o + 1] + 0.114 * d[o + 2];
    }
  }
  return sum / Math.max(1, (x1 - x0) * (y1 - y0));
}

// barcodeNow is the wall clock in milliseconds, monotonic and finer than Date.now().
function barcodeNow() {
  return performance.timeOrigin + performance.now();
}

// barcodeAge is how many milliseconds before now the clock showed ms; up to 1 s in the
// future is negative.
function barcodeAge(ms, now = barcodeNow()) {
  const wrap = barcodeClockMask + 1;
  const age = (((now - ms) % wrap) + wrap) % wrap;
  return age > wrap - 1000 ? age - wrap : age;
}

// drawBarcode draws over the top of a canvas of w by h pixels.
function drawBarcode(context, ms, id, w = context.canvas.width, h = context.canvas.height) {
  const clock = Math.floor(ms) % (barcodeClockMask + 1);
  const v = clock * 16 + (id & 15);
  const crc = barcodeCRC(v);
  for (let i = 0; i < 32; i++) {
    const bit = i < 24 ? (v >>> (23 - i)) & 1 : (crc >>> (31 - i)) & 1;
    const column = i % 16, row = i >> 4;
    const x0 = Math.floor((w * column) / 16), x1 = Math.floor((w * (column + 1)) / 16);
    const y0 = Math.floor((h * row) / 9), y1 = Math.floor((h * (row + 1)) / 9);
    context.fillStyle = bit ? "#fff" : "#000";
    context.fillRect(x0, y0, x1 - x0, y1 - y0);
  }
}

// barcodeSource is a canvas that shows a moving mark and the barcode of the moment it is
// drawn, and its stream to publish. stop() ends both.
function barcodeSource({ id = 0, width = 640, height = 360, fps = 30, colour = "#345" } = {}) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { alpha: false });
  const draw = () => {
    const now = barcodeNow();
    context.fillStyle = colour;
    context.fillRect(0, 0, width, height);
    const a = ((now % 4000) / 4000) * 2 * Math.PI;
    context.fillStyle = "#fff";
    context.fillRect(width * (0.46 + 0.34 * Math.cos(a)), height * (0.6 + 0.25 * Math.sin(a)), height / 8, height / 8);
    drawBarcode(context, now, id);
  };
  draw();
  const timer = setInterval(draw, 1000 / fps);
  const stream = canvas.captureStream(fps);
  const stop = () => {
    clearInterval(timer);
    stream.getTracks().forEach((track) => track.stop());
  };
  return { canvas, stream, stop };
}

if (typeof module !== "undefined") module.exports = { readBarcode, barcodeAge, drawBarcode, barcodeSource };
