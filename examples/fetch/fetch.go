// Fetches the page whose URL is the input. Go's own network needs sockets that WASI has no words for: the host makes the
// request, and speaks TLS.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"faaslet"
)

func main() {
	url := strings.TrimSpace(string(faaslet.Input()))
	answer, err := faaslet.Request("GET", url, []string{"accept: */*"}, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer answer.Body.Close()
	if answer.Status != 200 {
		fmt.Fprintln(os.Stderr, "status", answer.Status, answer.Header("content-type"))
	}
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
