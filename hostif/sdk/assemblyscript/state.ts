/** Shared state in AssemblyScript. What a reader may see, and when, is in docs/consistency.md. */
import {
  importAppendState,
  importLockStateGlobalWrite,
  importLockStateRead,
  importLockStateWrite,
  importPullState,
  importPushState,
  importPushStateIf,
  importReadState,
  importReadStatePtr,
  importStateVersion,
  importUnlockStateGlobalWrite,
  importUnlockStateRead,
  importUnlockStateWrite,
  importWriteState,
} from "./imports";

/** A value by its key. */
export class State {
  private readonly name: ArrayBuffer;

  constructor(key: string) {
    this.name = String.UTF8.encode(key, true);
  }

  private get at(): u32 {
    return <u32>changetype<usize>(this.name);
  }

  /** In bytes; 0 when there is none. */
  get size(): i32 {
    return <i32>importReadState(this.at, 0, 0);
  }

  /** A copy; empty when there is none. */
  read(): ArrayBuffer {
    const size = this.size;
    const bytes = new ArrayBuffer(size);
    if (size > 0) importReadState(this.at, <u32>changetype<usize>(bytes), <u32>size);
    return bytes;
  }

  /** Makes these bytes the value, on this host. */
  write(bytes: ArrayBuffer): void {
    importWriteState(this.at, <u32>changetype<usize>(bytes), <u32>bytes.byteLength);
  }

  /** Sends what was changed on this host to the global tier, at one moment. */
  push(): void {
    importPushState(this.at);
  }

  /** Fetches the value again; what was changed here and not pushed is lost. */
  pull(): void {
    importPullState(this.at, 0);
  }

  /** The version that the value on this host was made from; 0 when it was not pushed yet. */
  get version(): u64 {
    return importStateVersion(this.at);
  }

  /** As `push`, if the global value is of that version; false when it is not. */
  pushIf(version: u64): bool {
    return importPushStateIf(this.at, version) == 0;
  }

  /** Adds a record behind all others of the key, in the global tier, at once. */
  append(record: ArrayBuffer): void {
    importAppendState(this.at, <u32>changetype<usize>(record), <u32>record.byteLength);
  }

  lockRead(): void {
    importLockStateRead(this.at);
  }

  unlockRead(): void {
    importUnlockStateRead(this.at);
  }

  lockWrite(): void {
    importLockStateWrite(this.at);
  }

  unlockWrite(): void {
    importUnlockStateWrite(this.at);
  }

  /** Changes a value that other hosts change as well: global lock, pull, `change`, push, unlock. */
  withGlobalLock(change: (state: State) => void): void {
    importLockStateGlobalWrite(this.at);
    this.pull();
    change(this);
    this.push();
    importUnlockStateGlobalWrite(this.at);
  }

  /** The value itself as `length` elements: memory that all calls of this host share, as long as this one runs. */
  view<T>(length: i32): StateView<T> {
    return new StateView<T>(<usize>importReadStatePtr(this.at, <u32>length * sizeof<T>()), length);
  }
}

/** Elements in shared memory. As a `StaticArray`, without a header of its own: the value has no room for one. */
export class StateView<T> {
  constructor(private readonly data: usize, readonly length: i32) {}

  @operator("[]")
  get(at: i32): T {
    if (<u32>at >= <u32>this.length) unreachable();
    return load<T>(this.data + (<usize>at) * sizeof<T>());
  }

  @operator("[]=")
  set(at: i32, value: T): void {
    if (<u32>at >= <u32>this.length) unreachable();
    store<T>(this.data + (<usize>at) * sizeof<T>(), value);
  }
}
