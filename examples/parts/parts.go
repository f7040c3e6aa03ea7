// The sum of the squares of 1 to n, in parts. A part is a call of this same function at an index of its own; Go has no
// entries in a table that the host could use, and its parts answer with their return value.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"

	"faaslet"
)

const parts = 8

func main() {
	input := faaslet.Input()
	if faaslet.Index() > 0 {
		os.Exit(part(input))
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(input)), 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	// The sum modulo 1,009, since a return value is all that a part can give.
	var calls [parts]faaslet.Call
	for at := range uint64(parts) {
		var ends [16]byte
		binary.LittleEndian.PutUint64(ends[:8], n*at/parts+1)
		binary.LittleEndian.PutUint64(ends[8:], n*(at+1)/parts+1)
		calls[at] = faaslet.ChainIndex(int32(at+1), ends[:])
	}
	sum := 0
	for _, call := range calls {
		sum += int(call.Wait())
	}
	if err := faaslet.SetHeader("content-type", "text/plain"); err != nil {
		panic(err)
	}
	faaslet.SetOutput(fmt.Appendf(nil, "%d\n", sum%1009))
}

func part(input []byte) int {
	from, to := binary.LittleEndian.Uint64(input[:8]), binary.LittleEndian.Uint64(input[8:])
	sum := uint64(0)
	for at := from; at < to; at++ {
		sum += at * at
	}
	return int(sum % 1009)
}
