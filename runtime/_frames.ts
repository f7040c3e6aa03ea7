/** Byte strings over a pipe: four bytes of length, little-endian, then the bytes. */
import { FaasletError } from "../errors.ts";

/** Writes one frame. */
export async function writeFrame(writer: WritableStreamDefaultWriter<Uint8Array>, bytes: Uint8Array): Promise<void> {
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, bytes.length, true);
  await writer.write(head);
  if (bytes.length > 0) await writer.write(bytes);
}

/** Reads frames one after another. */
export class FrameReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #left: Uint8Array = new Uint8Array(0);

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** The next frame. Throws `ERR_COMPILE` when it is longer than `bytesMax` or the stream ends before it does. */
  async read(bytesMax: number): Promise<Uint8Array> {
    const head = await this.#take(4);
    const length = new DataView(head.buffer, head.byteOffset).getUint32(0, true);
    if (length > bytesMax) throw new FaasletError("ERR_COMPILE", `a frame of ${length} bytes is over ${bytesMax}`);
    return await this.#take(length);
  }

  /** Reads to the end, so that whoever writes is not held up. */
  async discardRest(): Promise<void> {
    try {
      while (!(await this.#reader.read()).done);
    } catch {
      // The writer is gone.
    }
  }

  async #take(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      if (this.#left.length === 0) {
        const { done, value } = await this.#reader.read();
        if (done) throw new FaasletError("ERR_COMPILE", "a frame ends too early");
        this.#left = value;
      }
      const piece = this.#left.subarray(0, length - at);
      bytes.set(piece, at);
      at += piece.length;
      this.#left = this.#left.subarray(piece.length);
    }
    return bytes;
  }
}
