/** HTTP requests in AssemblyScript. The host speaks TLS; what may be reached stands in the function's settings. */
import { importErrno, importHttp, importHttpHeader, importHttpProblem, importHttpStatus } from "./imports";

// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "fd_read")
declare function readDescriptor(fd: u32, pieces: usize, count: u32, read: usize): u32;

// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "fd_close")
declare function closeDescriptor(fd: u32): u32;

/** Read at once. */
const PIECE: i32 = 65536;

/** What came of a request. */
export class HttpAnswer {
  constructor(
    /** The descriptor that the body is read from; -1 when there is no answer. */
    readonly fd: i32,
    /** 0 when there is no answer. */
    readonly status: i32,
    /** WASI's error number, of the request or of reading the body; 0 when all went well. */
    public error: i32,
  ) {}

  /** The value of a header, or null; of one that came more than once all values, a line each. */
  header(name: string): string | null {
    const text = String.UTF8.encode(name, true);
    const at = <u32>changetype<usize>(text);
    const size = <i32>importHttpHeader(this.fd, at, 0, 0);
    if (size < 0) return null;
    const value = new ArrayBuffer(size);
    if (size > 0) importHttpHeader(this.fd, at, <u32>changetype<usize>(value), <u32>size);
    return String.UTF8.decode(value);
  }

  /** The next piece of the body, empty at its end and after an error. */
  read(): ArrayBuffer {
    const piece = new ArrayBuffer(PIECE);
    // Address and length of the buffer, then how much was read.
    const words = new StaticArray<u32>(3);
    const at = changetype<usize>(words);
    words[0] = <u32>changetype<usize>(piece);
    words[1] = <u32>PIECE;
    this.error = <i32>readDescriptor(this.fd, at, 1, at + 8);
    return piece.slice(0, this.error == 0 ? <i32>words[2] : 0);
  }

  /** What is left of the body, as text in UTF-8, up to an error. Closes the answer. */
  text(): string {
    const pieces: ArrayBuffer[] = [];
    let length = 0;
    for (let piece = this.read(); piece.byteLength > 0; piece = this.read()) {
      pieces.push(piece);
      length += piece.byteLength;
    }
    const all = new ArrayBuffer(length);
    let at = changetype<usize>(all);
    for (let index = 0; index < pieces.length; index++) {
      const piece = pieces[index];
      memory.copy(at, changetype<usize>(piece), piece.byteLength);
      at += piece.byteLength;
    }
    this.close();
    return String.UTF8.decode(all);
  }

  /** Ends the answer; what was not read is lost. */
  close(): void {
    closeDescriptor(this.fd);
  }
}

/** What TLS did not like about the server of a request without an answer; empty when that was not it. */
export function httpProblem(): string {
  const text = new ArrayBuffer(<i32>importHttpProblem(0, 0));
  if (text.byteLength > 0) importHttpProblem(<u32>changetype<usize>(text), <u32>text.byteLength);
  return String.UTF8.decode(text);
}

/** Sends a request to an http or https URL; `headers` are lines `Name: value`. Waits for the head of its answer. */
export function httpRequest(
  method: string,
  url: string,
  headers: string = "",
  body: ArrayBuffer = new ArrayBuffer(0),
): HttpAnswer {
  const methodText = String.UTF8.encode(method, true);
  const urlText = String.UTF8.encode(url, true);
  const headerText = String.UTF8.encode(headers, true);
  const fd = <i32>importHttp(
    <u32>changetype<usize>(methodText),
    <u32>changetype<usize>(urlText),
    <u32>changetype<usize>(headerText),
    <u32>changetype<usize>(body),
    <u32>body.byteLength,
  );
  return fd == -1
    ? new HttpAnswer(-1, 0, <i32>importErrno())
    : new HttpAnswer(fd, <i32>importHttpStatus(fd), 0);
}
