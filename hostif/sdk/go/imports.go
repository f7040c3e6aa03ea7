//go:build wasip1

// Generated from `hostif/table.ts` by `deno task native`; do not edit.

package faaslet

// With length 0 returns the input's size; else copies min(length, size) bytes and returns their number.
//
//go:wasmimport env __faasm_read_input
func importReadInput(buffer uint32, length uint32) uint32

// Replaces the call's output with these bytes; any bytes, NUL included.
//
//go:wasmimport env __faasm_write_output
func importWriteOutput(pointer uint32, length uint32)

// Makes it the status of this call's answer over HTTP, unless the call fails. Returns 0; the last one counts.
//
//go:wasmimport env __faaslet_set_status
func importSetStatus(status uint32) uint32

// Makes it a header of this call's answer over HTTP (RFC 9110 5.1, 5.5), unless the call fails. Returns 0.
// The last value of a name counts; each Set-Cookie is one of its own. A Location without a status is a
// redirect (302).
//
//go:wasmimport env __faaslet_set_header
func importSetHeader(name uint32, value uint32) uint32

// Does nothing. FAASM's own headers import it.
//
//go:wasmimport env __faasm_memory_layout_protection
func importMemoryLayoutProtection()

// Raises a fault of the host on purpose. FAASM's own tests import it; ours show with it that a fault is
// contained.
//
//go:wasmimport env __faasm_host_interface_test
func importHostInterfaceTest(number uint32)

// Starts a call of the tenant's function of that name (NUL-terminated UTF-8) with a copy of the input, and
// returns a handle for it: 1, 2, 3 ... of this call's own. A call of a function that is not there fails when
// awaited.
//
//go:wasmimport env __faasm_chain_name
func importChainName(name uint32, input uint32, length uint32) uint32

// The older name of __faasm_chain_name.
//
//go:wasmimport env __faasm_chain_function
func importChainFunction(name uint32, input uint32, length uint32) uint32

// Starts a call of this same function and version, in a Faaslet of its own that starts from the Proto-Faaslet
// and is entered at that index of the function table; what stands there is of the type () -> i32.
//
//go:wasmimport env __faasm_chain_ptr
func importChainPtr(entry uint32, input uint32, length uint32) uint32

// Starts a call of this same function and version at its usual entry, where __faasm_get_idx returns index.
//
//go:wasmimport env __faasm_chain_this
func importChainThis(index uint32, input uint32, length uint32) uint32

// The index with which __faasm_chain_this made this call; 0 for every other call.
//
//go:wasmimport env __faasm_get_idx
func importGetIdx() uint32

// Waits until the chained call has ended, without a place among the running calls; returns its return value,
// or 1 when it trapped, ran out of time, was refused or is not there. The handle is of no use after it.
//
//go:wasmimport env __faasm_await_call
func importAwaitCall(handle uint32) uint32

// As __faasm_await_call; the output goes into memory of the guest's own malloc, whose address and length are
// stored at pointer and length. An empty output is address 0.
//
//go:wasmimport env __faasm_await_call_output
func importAwaitCallOutput(handle uint32, pointer uint32, length uint32) uint32

// With length 0 returns the value's size. Else brings the value to this host when it is not here, copies
// min(length, size) bytes of it and returns its size. 0: there is no such value.
//
//go:wasmimport env __faasm_read_state
func importReadState(key uint32, buffer uint32, length uint32) uint32

// Maps the first length bytes of the value (all, with length 0) into linear memory and returns their address:
// the pages that all calls of this host share, and the same address for the same value as long as the call
// runs. The value is brought here first; when there is none, it is made, of length zeros. Reads and writes
// are plain loads and stores; what others see of them, and when, is in docs/consistency.md. The address comes
// from __faaslet_alloc(alignment, size), aligned_alloc or malloc when the module exports one and is no
// command, else from growth of the memory.
//
//go:wasmimport env __faasm_read_state_ptr
func importReadStatePtr(key uint32, length uint32) uint32

// Copies a part of the value, whose size is at most total. Only the chunks of 64 KiB that the part touches
// are brought.
//
//go:wasmimport env __faasm_read_state_offset
func importReadStateOffset(key uint32, total uint32, offset uint32, buffer uint32, length uint32)

// As __faasm_read_state_ptr for a part of the value: only the pages that it touches are mapped, only the
// chunks of 64 KiB brought. When there is no value it is made, of total zeros.
//
//go:wasmimport env __faasm_read_state_offset_ptr
func importReadStateOffsetPtr(key uint32, total uint32, offset uint32, length uint32) uint32

// Makes these bytes the value, on this host; others see it once it is pushed. A push of it replaces what is
// there.
//
//go:wasmimport env __faasm_write_state
func importWriteState(key uint32, pointer uint32, length uint32)

// Writes a part of the value, on this host; chunks that it touches are brought first. When there is no value
// it is made, of total zeros.
//
//go:wasmimport env __faasm_write_state_offset
func importWriteStateOffset(key uint32, total uint32, offset uint32, pointer uint32, length uint32)

// Makes the content of a file of the guest's file system the value, on this host, and returns its size.
//
//go:wasmimport env __faasm_write_state_from_file
func importWriteStateFromFile(key uint32, path uint32) uint32

// Sends what was changed on this host to the global tier: whole, at one moment, or not at all. In chunks that
// another host changed as well, each byte that was not changed here stays as the other left it. A call that
// flagged parts of the value sends only those. Nothing happens when the value is not here.
//
//go:wasmimport env __faasm_push_state
func importPushState(key uint32)

// As __faasm_push_state; then takes in what others changed in chunks that are here. Bytes that were changed
// here meanwhile stay.
//
//go:wasmimport env __faasm_push_state_partial
func importPushStatePartial(key uint32)

// As __faasm_push_state_partial; what is sent are the bytes that are not zero in the value of the key mask,
// which has the same size and is zero afterwards.
//
//go:wasmimport env __faasm_push_state_partial_mask
func importPushStatePartialMask(key uint32, mask uint32)

// As __faasm_push_state, if the value in the global tier is of this version (0: if there is none). Returns 0,
// or 1 when it is of another one: then nothing was sent.
//
//go:wasmimport env __faaslet_push_state_if
func importPushStateIf(key uint32, version uint64) uint32

// The version that the value on this host was made from, for __faaslet_push_state_if. 0: it was made here and
// not pushed yet, or there is none. Never negative.
//
//go:wasmimport env __faaslet_state_version
func importStateVersion(key uint32) uint64

// Fetches the value again, as far as it differs from what is here: the first length bytes, in whole chunks,
// or all with length 0. What was changed here and not pushed is lost. Nothing happens when there is no value
// in the global tier.
//
//go:wasmimport env __faasm_pull_state
func importPullState(key uint32, length uint32)

// Says that the call changed the first total bytes. Never needed: without flags a push finds by itself what
// changed.
//
//go:wasmimport env __faasm_flag_state_dirty
func importFlagStateDirty(key uint32, total uint32)

// Says that the call changed this part. The call's next push of the value looks at flagged parts only.
//
//go:wasmimport env __faasm_flag_state_offset_dirty
func importFlagStateOffsetDirty(key uint32, total uint32, offset uint32, length uint32)

// Adds these bytes as a record behind all that were appended to the key before, in the global tier, at once.
// Records are apart from the key's value.
//
//go:wasmimport env __faasm_append_state
func importAppendState(key uint32, pointer uint32, length uint32)

// Copies the first count records, one behind the other.
//
//go:wasmimport env __faasm_read_appended_state
func importReadAppendedState(key uint32, buffer uint32, length uint32, count uint32)

// Drops all records that were appended to the key.
//
//go:wasmimport env __faasm_clear_appended_state
func importClearAppendedState(key uint32)

// Waits for the value's local read lock: among the calls of this host. It says nothing about bytes, calls
// agree on it.
//
//go:wasmimport env __faasm_lock_state_read
func importLockStateRead(key uint32)

// Frees the local read lock.
//
//go:wasmimport env __faasm_unlock_state_read
func importUnlockStateRead(key uint32)

// Waits for the value's local write lock: among the calls of this host. It says nothing about bytes, calls
// agree on it.
//
//go:wasmimport env __faasm_lock_state_write
func importLockStateWrite(key uint32)

// Frees the local write lock.
//
//go:wasmimport env __faasm_unlock_state_write
func importUnlockStateWrite(key uint32)

// Waits for the value's global read lock: among the calls of all hosts. It is a lease that is renewed while
// the call lives; a push under it is refused once it was lost.
//
//go:wasmimport env __faasm_lock_state_global_read
func importLockStateGlobalRead(key uint32)

// Frees the global read lock.
//
//go:wasmimport env __faasm_unlock_state_global_read
func importUnlockStateGlobalRead(key uint32)

// Waits for the value's global write lock: among the calls of all hosts. It is a lease that is renewed while
// the call lives; a push under it is refused once it was lost.
//
//go:wasmimport env __faasm_lock_state_global_write
func importLockStateGlobalWrite(key uint32)

// Frees the global write lock.
//
//go:wasmimport env __faasm_unlock_state_global_write
func importUnlockStateGlobalWrite(key uint32)

// Waits for the value's global write lock: among the calls of all hosts. It is a lease that is renewed while
// the call lives; a push under it is refused once it was lost.
//
//go:wasmimport env __faasm_lock_state_global
func importLockStateGlobal(key uint32)

// Frees the global write lock.
//
//go:wasmimport env __faasm_unlock_state_global
func importUnlockStateGlobal(key uint32)

// Moves the program break, which stands at the end of memory at first, and returns where it was. When
// somebody else has grown the memory since, the break goes on behind that. Memory above a lowered break is
// zero when it comes again.
//
//go:wasmimport env __sbrk
func importSbrk(increment uint32) uint32

// The error number, as WASI counts them, of the last function with a C name that returned -1; 0 when none has
// in this call. A guest that exports its variable errno (-Wl,--export-if-defined=errno) finds the number
// there as well.
//
//go:wasmimport env __faaslet_errno
func importErrno() uint32

// As dup, in WASI's manner: stores the new descriptor and returns an error number.
//
//go:wasmimport env __wasi_fd_dup
func importWasiFdDup(fd uint32, result uint32) uint32

// 1 when the environment has a variable of that name whose value is on; else 0.
//
//go:wasmimport env __faasm_conf_flag
func importConfFlag(name uint32) uint32

// Writes the innermost frames of the guest's stack to its standard error, with names when the module has a
// name section; depth 0 or less is as many as there are, 32 at most.
//
//go:wasmimport env __faasm_backtrace
func importBacktrace(depth uint32)

// Sends a request to an http or https URL and waits for the head of its answer, whatever its status. Returns
// a descriptor, from which the body is read as it came (fd_read) and which fd_close closes, as the end of the
// call does. method and url are NUL-terminated; headers is 0 or a NUL-terminated text of lines `Name: value`.
// Redirects are followed; authorization and cookies go to another origin never. A user-agent is sent unless
// one is given. Nothing is decompressed, cached or kept between requests.
//
//go:wasmimport env __faaslet_http
func importHttp(method uint32, url uint32, headers uint32, body uint32, length uint32) uint32

// The answer's status, e.g. 200.
//
//go:wasmimport env __faaslet_http_status
func importHttpStatus(fd uint32) uint32

// Copies the value of a header of the answer, at most length bytes of it and no NUL, and returns its size; of
// a header that came more than once all values, a line feed between them.
//
//go:wasmimport env __faaslet_http_header
func importHttpHeader(fd uint32, name uint32, buffer uint32, length uint32) uint32

// Copies what TLS did not like about the server of the last request that failed with EPROTO, e.g. `invalid
// peer certificate: Expired`, at most length bytes of it and no NUL, and returns its size; 0 when that was
// not it.
//
//go:wasmimport env __faaslet_http_problem
func importHttpProblem(buffer uint32, length uint32) uint32
