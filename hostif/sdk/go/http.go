//go:build wasip1

package faaslet

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// An Answer is what came of an HTTP request. Its Body is read as it comes; who is done with it closes it.
type Answer struct {
	Status int
	Body   io.ReadCloser
	file   *os.File
}

// Request sends a request to an http or https URL and waits for the head of its answer, whatever its status. The host
// speaks TLS; what may be reached stands in the function's settings. Each header is one text "Name: value".
func Request(method, url string, headers []string, body []byte) (*Answer, error) {
	methodText, urlText := append([]byte(method), 0), append([]byte(url), 0)
	headerText := append([]byte(strings.Join(headers, "\n")), 0)
	fd := importHttp(address(methodText), address(urlText), address(headerText), address(body), uint32(len(body)))
	runtime.KeepAlive(methodText)
	runtime.KeepAlive(urlText)
	runtime.KeepAlive(headerText)
	runtime.KeepAlive(body)
	if int32(fd) == -1 {
		return nil, &os.PathError{Op: method, Path: url, Err: whyNot()}
	}
	file := os.NewFile(uintptr(fd), url)
	return &Answer{int(importHttpStatus(fd)), file, file}, nil
}

// Header returns the value of a header, and an empty text when there is none; of one that came more than once all values,
// a line each.
func (answer *Answer) Header(name string) string {
	text, fd := append([]byte(name), 0), uint32(answer.file.Fd())
	size := int32(importHttpHeader(fd, address(text), 0, 0))
	var value []byte
	if size > 0 {
		value = make([]byte, size)
		importHttpHeader(fd, address(text), address(value), uint32(size))
	}
	runtime.KeepAlive(text)
	runtime.KeepAlive(answer)
	return string(value)
}

// Why a request has no answer: the error number, and what TLS did not like.
func whyNot() error {
	errno := syscall.Errno(importErrno())
	text := make([]byte, 256)
	size := importHttpProblem(address(text), uint32(len(text)))
	if size == 0 {
		return errno
	}
	return fmt.Errorf("%w: %s", errno, text[:min(size, 256)])
}
