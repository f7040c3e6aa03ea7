// survey.c in Go.
package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

func show(content []byte) string {
	var sum uint32
	for _, b := range content {
		sum = sum*31 + uint32(b)
	}
	return fmt.Sprintf("%d bytes, sum %d", len(content), sum)
}

func firstLine(path string) string {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "absent"
	}
	if err != nil {
		return err.Error()
	}
	line, _, _ := bytes.Cut(content, []byte("\n"))
	return string(line)
}

func showFile(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return show(content)
}

func list(path string) string {
	entries, err := os.ReadDir(path)
	if err != nil {
		return " " + err.Error()
	}
	var names strings.Builder
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			names.WriteString(" " + entry.Name())
		}
	}
	return names.String()
}

func add(path, text string) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = file.WriteString(text)
		file.Close()
	}
	if err != nil {
		fmt.Println("cannot write", path, err)
	}
}

// The scheduler sleeps and wakes goroutines by poll_oneoff.
func tryPoll() string {
	before := time.Now()
	done := make(chan string)
	go func() {
		time.Sleep(3 * time.Millisecond)
		done <- "ok"
	}()
	said := <-done
	if time.Since(before) < 3*time.Millisecond {
		return "woke too early"
	}
	return said
}

func tryClocks() string {
	first, second := time.Now(), time.Now()
	if second.Before(first) || second.Unix() <= 1704067200 {
		return "wrong"
	}
	return "ok"
}

func main() {
	fmt.Print("arguments:")
	for _, argument := range os.Args[1:] {
		fmt.Printf(" [%s]", argument)
	}
	fmt.Printf("\nenvironment: [%s] [%s]\n", os.Getenv("A"), os.Getenv("B"))
	input, _ := io.ReadAll(os.Stdin)
	fmt.Println("stdin:", show(input))
	fmt.Println("text:", firstLine("/data/greeting.txt"))
	fmt.Println("bytes:", showFile("/data/deep/down/bytes.bin"))
	fmt.Println("list:" + list("/data"))
	fmt.Println("missing:", firstLine("/data/none"))
	fmt.Println("before:", firstLine("/scratch/note.txt"))
	os.Mkdir("/scratch", 0o700)
	if err := os.WriteFile("/scratch/note.txt", []byte("noted\n"), 0o600); err != nil {
		fmt.Println(err)
	}
	fmt.Println("after:", firstLine("/scratch/note.txt"))
	add("/data/deep/down/bytes.bin", "more")
	fmt.Println("appended:", showFile("/data/deep/down/bytes.bin"))
	fmt.Println("clocks:", tryClocks())
	fmt.Println("poll:", tryPoll())
	nonce := make([]byte, 16)
	_, err := rand.Read(nonce)
	fmt.Println("random:", map[bool]string{true: "ok", false: "wrong"}[err == nil])
	fmt.Printf("nonce: %x\n", nonce)
	fmt.Fprintln(os.Stderr, "surveyed")
	code, _, _ := strings.Cut(string(input), "\n")
	value, _ := strconv.Atoi(code)
	os.Exit(value)
}
