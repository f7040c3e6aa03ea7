/** The size of a JPEG picture, from its frame header (ITU-T T.81, B.2.2). */

export interface Size {
  readonly width: number;
  readonly height: number;
}

const START = 0xffd8;
const END = 0xffd9;
const SCAN = 0xda;
/** Start-of-frame markers are C0 to CF but for these three, which are tables. */
const NO_FRAME = new Set([0xc4, 0xc8, 0xcc]);

/** Throws when the bytes are no whole JPEG file. */
export function sizeOfJpeg(bytes: Uint8Array): Size {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint16(0) !== START || view.getUint16(bytes.length - 2) !== END) {
    throw new Error("cannot read the picture: it does not begin and end as a JPEG file does");
  }
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff && bytes[at + 1] !== SCAN;) {
    const marker = bytes[at + 1]!;
    if (marker >= 0xc0 && marker <= 0xcf && !NO_FRAME.has(marker)) {
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    }
    at += 2 + view.getUint16(at + 2);
  }
  throw new Error("cannot read the picture: it has no frame header");
}
