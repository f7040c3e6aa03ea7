//go:build wasip1

// Package faaslet is the host interface for functions in Go. Build with GOOS=wasip1 GOARCH=wasm.
package faaslet

import (
	"runtime"
	"syscall"
	"unsafe"
)

// Input returns the call's input.
func Input() []byte {
	length := importReadInput(0, 0)
	bytes := make([]byte, length)
	if length > 0 {
		bytes = bytes[:importReadInput(address(bytes), length)]
	}
	return bytes
}

// SetOutput makes these bytes the call's output; the last one wins.
func SetOutput(bytes []byte) {
	importWriteOutput(address(bytes), uint32(len(bytes)))
	runtime.KeepAlive(bytes)
}

// SetStatus makes it the status of this call's answer over HTTP. It goes from 200 to 599.
func SetStatus(status int) error {
	return errorOf(importSetStatus(uint32(status)))
}

// SetHeader makes it a header of this call's answer over HTTP. The last value of a name counts.
func SetHeader(name, value string) error {
	nameText, valueText := append([]byte(name), 0), append([]byte(value), 0)
	result := importSetHeader(address(nameText), address(valueText))
	runtime.KeepAlive(nameText)
	runtime.KeepAlive(valueText)
	return errorOf(result)
}

func errorOf(result uint32) error {
	if int32(result) == -1 {
		return syscall.Errno(importErrno())
	}
	return nil
}

// A Call is one that this call made and has not awaited.
type Call uint32

// Chain starts a call of the function of that name.
func Chain(name string, input []byte) Call {
	text := append([]byte(name), 0)
	call := importChainName(address(text), address(input), uint32(len(input)))
	runtime.KeepAlive(text)
	runtime.KeepAlive(input)
	return Call(call)
}

// ChainIndex starts a call of this same function, in which Index returns index.
func ChainIndex(index int32, input []byte) Call {
	call := importChainThis(uint32(index), address(input), uint32(len(input)))
	runtime.KeepAlive(input)
	return Call(call)
}

// Index returns what ChainIndex was given for this call, and 0 for every other one.
func Index() int32 {
	return int32(importGetIdx())
}

// Wait waits for the call and returns what it returned, or 1 when it failed. The handle is of no use after it.
func (call Call) Wait() int32 {
	return int32(importAwaitCall(uint32(call)))
}

func address(bytes []byte) uint32 {
	if len(bytes) == 0 {
		return 0
	}
	return uint32(uintptr(unsafe.Pointer(&bytes[0])))
}
