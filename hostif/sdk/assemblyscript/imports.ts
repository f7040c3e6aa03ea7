// Generated from `hostif/table.ts` by `deno task native`; do not edit.

/**
 * With length 0 returns the input's size; else copies min(length, size) bytes and returns their number.
 */
@external("env", "__faasm_read_input")
export declare function importReadInput(buffer: u32, length: u32): u32;

/**
 * Replaces the call's output with these bytes; any bytes, NUL included.
 */
@external("env", "__faasm_write_output")
export declare function importWriteOutput(pointer: u32, length: u32): void;

/**
 * Makes it the status of this call's answer over HTTP, unless the call fails. Returns 0; the last one counts.
 */
@external("env", "__faaslet_set_status")
export declare function importSetStatus(status: u32): u32;

/**
 * Makes it a header of this call's answer over HTTP (RFC 9110 5.1, 5.5), unless the call fails. Returns 0.
 * The last value of a name counts; each Set-Cookie is one of its own. A Location without a status is a
 * redirect (302).
 */
@external("env", "__faaslet_set_header")
export declare function importSetHeader(name: u32, value: u32): u32;

/**
 * Does nothing. FAASM's own headers import it.
 */
@external("env", "__faasm_memory_layout_protection")
export declare function importMemoryLayoutProtection(): void;

/**
 * Raises a fault of the host on purpose. FAASM's own tests import it; ours show with it that a fault is
 * contained.
 */
@external("env", "__faasm_host_interface_test")
export declare function importHostInterfaceTest(number: u32): void;

/**
 * Starts a call of the tenant's function of that name (NUL-terminated UTF-8) with a copy of the input, and
 * returns a handle for it: 1, 2, 3 ... of this call's own. A call of a function that is not there fails when
 * awaited.
 */
@external("env", "__faasm_chain_name")
export declare function importChainName(name: u32, input: u32, length: u32): u32;

/**
 * The older name of __faasm_chain_name.
 */
@external("env", "__faasm_chain_function")
export declare function importChainFunction(name: u32, input: u32, length: u32): u32;

/**
 * Starts a call of this same function and version, in a Faaslet of its own that starts from the Proto-Faaslet
 * and is entered at that index of the function table; what stands there is of the type () -> i32.
 */
@external("env", "__faasm_chain_ptr")
export declare function importChainPtr(entry: u32, input: u32, length: u32): u32;

/**
 * Starts a call of this same function and version at its usual entry, where __faasm_get_idx returns index.
 */
@external("env", "__faasm_chain_this")
export declare function importChainThis(index: u32, input: u32, length: u32): u32;

/**
 * The index with which __faasm_chain_this made this call; 0 for every other call.
 */
@external("env", "__faasm_get_idx")
export declare function importGetIdx(): u32;

/**
 * Waits until the chained call has ended, without a place among the running calls; returns its return value,
 * or 1 when it trapped, ran out of time, was refused or is not there. The handle is of no use after it.
 */
@external("env", "__faasm_await_call")
export declare function importAwaitCall(handle: u32): u32;

/**
 * As __faasm_await_call; the output goes into memory of the guest's own malloc, whose address and length are
 * stored at pointer and length. An empty output is address 0.
 */
@external("env", "__faasm_await_call_output")
export declare function importAwaitCallOutput(handle: u32, pointer: u32, length: u32): u32;

/**
 * With length 0 returns the value's size. Else brings the value to this host when it is not here, copies
 * min(length, size) bytes of it and returns its size. 0: there is no such value.
 */
@external("env", "__faasm_read_state")
export declare function importReadState(key: u32, buffer: u32, length: u32): u32;

/**
 * Maps the first length bytes of the value (all, with length 0) into linear memory and returns their address:
 * the pages that all calls of this host share, and the same address for the same value as long as the call
 * runs. The value is brought here first; when there is none, it is made, of length zeros. Reads and writes
 * are plain loads and stores; what others see of them, and when, is in docs/consistency.md. The address comes
 * from __faaslet_alloc(alignment, size), aligned_alloc or malloc when the module exports one and is no
 * command, else from growth of the memory.
 */
@external("env", "__faasm_read_state_ptr")
export declare function importReadStatePtr(key: u32, length: u32): u32;

/**
 * Copies a part of the value, whose size is at most total. Only the chunks of 64 KiB that the part touches
 * are brought.
 */
@external("env", "__faasm_read_state_offset")
export declare function importReadStateOffset(key: u32, total: u32, offset: u32, buffer: u32, length: u32): void;

/**
 * As __faasm_read_state_ptr for a part of the value: only the pages that it touches are mapped, only the
 * chunks of 64 KiB brought. When there is no value it is made, of total zeros.
 */
@external("env", "__faasm_read_state_offset_ptr")
export declare function importReadStateOffsetPtr(key: u32, total: u32, offset: u32, length: u32): u32;

/**
 * Makes these bytes the value, on this host; others see it once it is pushed. A push of it replaces what is
 * there.
 */
@external("env", "__faasm_write_state")
export declare function importWriteState(key: u32, pointer: u32, length: u32): void;

/**
 * Writes a part of the value, on this host; chunks that it touches are brought first. When there is no value
 * it is made, of total zeros.
 */
@external("env", "__faasm_write_state_offset")
export declare function importWriteStateOffset(key: u32, total: u32, offset: u32, pointer: u32, length: u32): void;

/**
 * Makes the content of a file of the guest's file system the value, on this host, and returns its size.
 */
@external("env", "__faasm_write_state_from_file")
export declare function importWriteStateFromFile(key: u32, path: u32): u32;

/**
 * Sends what was changed on this host to the global tier: whole, at one moment, or not at all. In chunks that
 * another host changed as well, each byte that was not changed here stays as the other left it. A call that
 * flagged parts of the value sends only those. Nothing happens when the value is not here.
 */
@external("env", "__faasm_push_state")
export declare function importPushState(key: u32): void;

/**
 * As __faasm_push_state; then takes in what others changed in chunks that are here. Bytes that were changed
 * here meanwhile stay.
 */
@external("env", "__faasm_push_state_partial")
export declare function importPushStatePartial(key: u32): void;

/**
 * As __faasm_push_state_partial; what is sent are the bytes that are not zero in the value of the key mask,
 * which has the same size and is zero afterwards.
 */
@external("env", "__faasm_push_state_partial_mask")
export declare function importPushStatePartialMask(key: u32, mask: u32): void;

/**
 * As __faasm_push_state, if the value in the global tier is of this version (0: if there is none). Returns 0,
 * or 1 when it is of another one: then nothing was sent.
 */
@external("env", "__faaslet_push_state_if")
export declare function importPushStateIf(key: u32, version: u64): u32;

/**
 * The version that the value on this host was made from, for __faaslet_push_state_if. 0: it was made here and
 * not pushed yet, or there is none. Never negative.
 */
@external("env", "__faaslet_state_version")
export declare function importStateVersion(key: u32): u64;

/**
 * Fetches the value again, as far as it differs from what is here: the first length bytes, in whole chunks,
 * or all with length 0. What was changed here and not pushed is lost. Nothing happens when there is no value
 * in the global tier.
 */
@external("env", "__faasm_pull_state")
export declare function importPullState(key: u32, length: u32): void;

/**
 * Says that the call changed the first total bytes. Never needed: without flags a push finds by itself what
 * changed.
 */
@external("env", "__faasm_flag_state_dirty")
export declare function importFlagStateDirty(key: u32, total: u32): void;

/**
 * Says that the call changed this part. The call's next push of the value looks at flagged parts only.
 */
@external("env", "__faasm_flag_state_offset_dirty")
export declare function importFlagStateOffsetDirty(key: u32, total: u32, offset: u32, length: u32): void;

/**
 * Adds these bytes as a record behind all that were appended to the key before, in the global tier, at once.
 * Records are apart from the key's value.
 */
@external("env", "__faasm_append_state")
export declare function importAppendState(key: u32, pointer: u32, length: u32): void;

/**
 * Copies the first count records, one behind the other.
 */
@external("env", "__faasm_read_appended_state")
export declare function importReadAppendedState(key: u32, buffer: u32, length: u32, count: u32): void;

/**
 * Drops all records that were appended to the key.
 */
@external("env", "__faasm_clear_appended_state")
export declare function importClearAppendedState(key: u32): void;

/**
 * Waits for the value's local read lock: among the calls of this host. It says nothing about bytes, calls
 * agree on it.
 */
@external("env", "__faasm_lock_state_read")
export declare function importLockStateRead(key: u32): void;

/**
 * Frees the local read lock.
 */
@external("env", "__faasm_unlock_state_read")
export declare function importUnlockStateRead(key: u32): void;

/**
 * Waits for the value's local write lock: among the calls of this host. It says nothing about bytes, calls
 * agree on it.
 */
@external("env", "__faasm_lock_state_write")
export declare function importLockStateWrite(key: u32): void;

/**
 * Frees the local write lock.
 */
@external("env", "__faasm_unlock_state_write")
export declare function importUnlockStateWrite(key: u32): void;

/**
 * Waits for the value's global read lock: among the calls of all hosts. It is a lease that is renewed while
 * the call lives; a push under it is refused once it was lost.
 */
@external("env", "__faasm_lock_state_global_read")
export declare function importLockStateGlobalRead(key: u32): void;

/**
 * Frees the global read lock.
 */
@external("env", "__faasm_unlock_state_global_read")
export declare function importUnlockStateGlobalRead(key: u32): void;

/**
 * Waits for the value's global write lock: among the calls of all hosts. It is a lease that is renewed while
 * the call lives; a push under it is refused once it was lost.
 */
@external("env", "__faasm_lock_state_global_write")
export declare function importLockStateGlobalWrite(key: u32): void;

/**
 * Frees the global write lock.
 */
@external("env", "__faasm_unlock_state_global_write")
export declare function importUnlockStateGlobalWrite(key: u32): void;

/**
 * Waits for the value's global write lock: among the calls of all hosts. It is a lease that is renewed while
 * the call lives; a push under it is refused once it was lost.
 */
@external("env", "__faasm_lock_state_global")
export declare function importLockStateGlobal(key: u32): void;

/**
 * Frees the global write lock.
 */
@external("env", "__faasm_unlock_state_global")
export declare function importUnlockStateGlobal(key: u32): void;

/**
 * Moves the program break, which stands at the end of memory at first, and returns where it was. When
 * somebody else has grown the memory since, the break goes on behind that. Memory above a lowered break is
 * zero when it comes again.
 */
@external("env", "__sbrk")
export declare function importSbrk(increment: u32): u32;

/**
 * The error number, as WASI counts them, of the last function with a C name that returned -1; 0 when none has
 * in this call. A guest that exports its variable errno (-Wl,--export-if-defined=errno) finds the number
 * there as well.
 */
@external("env", "__faaslet_errno")
export declare function importErrno(): u32;

/**
 * As dup, in WASI's manner: stores the new descriptor and returns an error number.
 */
@external("env", "__wasi_fd_dup")
export declare function importWasiFdDup(fd: u32, result: u32): u32;

/**
 * 1 when the environment has a variable of that name whose value is on; else 0.
 */
@external("env", "__faasm_conf_flag")
export declare function importConfFlag(name: u32): u32;

/**
 * Writes the innermost frames of the guest's stack to its standard error, with names when the module has a
 * name section; depth 0 or less is as many as there are, 32 at most.
 */
@external("env", "__faasm_backtrace")
export declare function importBacktrace(depth: u32): void;

/**
 * Sends a request to an http or https URL and waits for the head of its answer, whatever its status. Returns
 * a descriptor, from which the body is read as it came (fd_read) and which fd_close closes, as the end of the
 * call does. method and url are NUL-terminated; headers is 0 or a NUL-terminated text of lines `Name: value`.
 * Redirects are followed; authorization and cookies go to another origin never. A user-agent is sent unless
 * one is given. Nothing is decompressed, cached or kept between requests.
 */
@external("env", "__faaslet_http")
export declare function importHttp(method: u32, url: u32, headers: u32, body: u32, length: u32): u32;

/**
 * The answer's status, e.g. 200.
 */
@external("env", "__faaslet_http_status")
export declare function importHttpStatus(fd: u32): u32;

/**
 * Copies the value of a header of the answer, at most length bytes of it and no NUL, and returns its size; of
 * a header that came more than once all values, a line feed between them.
 */
@external("env", "__faaslet_http_header")
export declare function importHttpHeader(fd: u32, name: u32, buffer: u32, length: u32): u32;

/**
 * Copies what TLS did not like about the server of the last request that failed with EPROTO, e.g. `invalid
 * peer certificate: Expired`, at most length bytes of it and no NUL, and returns its size; 0 when that was
 * not it.
 */
@external("env", "__faaslet_http_problem")
export declare function importHttpProblem(buffer: u32, length: u32): u32;
