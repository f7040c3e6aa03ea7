//go:build wasip1

package faaslet

import "runtime"

// A State is a value by its key. What a reader may see, and when, is in docs/consistency.md.
type State struct{ key []byte }

// NewState names a value. The key holds no NUL byte.
func NewState(key string) State {
	return State{append([]byte(key), 0)}
}

// Size returns the value's size in bytes, 0 when there is none.
func (state State) Size() int {
	return int(importReadState(address(state.key), 0, 0))
}

// Read returns a copy of the value, empty when there is none.
func (state State) Read() []byte {
	bytes := make([]byte, state.Size())
	if len(bytes) > 0 {
		size := importReadState(address(state.key), address(bytes), uint32(len(bytes)))
		bytes = bytes[:min(int(size), len(bytes))]
	}
	return bytes
}

// ReadAt copies a part of a value of total bytes.
func (state State) ReadAt(total, offset int, bytes []byte) {
	importReadStateOffset(address(state.key), uint32(total), uint32(offset), address(bytes), uint32(len(bytes)))
	runtime.KeepAlive(bytes)
}

// Write makes these bytes the value, on this host.
func (state State) Write(bytes []byte) {
	importWriteState(address(state.key), address(bytes), uint32(len(bytes)))
	runtime.KeepAlive(bytes)
}

// WriteAt writes a part of a value of total bytes, on this host.
func (state State) WriteAt(total, offset int, bytes []byte) {
	importWriteStateOffset(address(state.key), uint32(total), uint32(offset), address(bytes), uint32(len(bytes)))
	runtime.KeepAlive(bytes)
}

// Push sends what was changed on this host to the global tier, at one moment.
func (state State) Push() { importPushState(address(state.key)) }

// Pull fetches the value again; what was changed here and not pushed is lost.
func (state State) Pull() { importPullState(address(state.key), 0) }

// Version returns the version that the value on this host was made from, 0 when it was not pushed yet.
func (state State) Version() uint64 { return importStateVersion(address(state.key)) }

// PushIf is Push if the global value is of that version. It returns false when it is not: then nothing was sent.
func (state State) PushIf(version uint64) bool {
	return importPushStateIf(address(state.key), version) == 0
}

// Append adds a record behind all others of the key, in the global tier, at once.
func (state State) Append(record []byte) {
	importAppendState(address(state.key), address(record), uint32(len(record)))
	runtime.KeepAlive(record)
}

// Lock waits for the value's local write lock, among the calls of this host. It ends with the call at the latest.
func (state State) Lock() { importLockStateWrite(address(state.key)) }

// Unlock frees the local write lock.
func (state State) Unlock() { importUnlockStateWrite(address(state.key)) }

// WithGlobalLock changes a value that other hosts change as well: global lock, pull, change, push, unlock.
func (state State) WithGlobalLock(change func()) {
	importLockStateGlobalWrite(address(state.key))
	state.Pull()
	change()
	state.Push()
	importUnlockStateGlobalWrite(address(state.key))
}

