// Regular expressions over a text: branches, tables and many small allocations. Prints how much was found.
package main

import (
	"fmt"
	"regexp"
	"strings"
)

func main() {
	text := strings.Repeat("On 2026-03-14, order 4711 of ada.lovelace@example.org came to 12.50; call +44 20 7946 0958. ", 1500)
	patterns := []string{
		`[a-z]+\.[a-z]+@[a-z]+\.org`,
		`\d{4}-\d{2}-\d{2}`,
		`(\w+) \d+ of`,
		`\+\d+( \d+)+`,
	}
	for _, pattern := range patterns {
		bytes := 0
		for _, match := range regexp.MustCompile(pattern).FindAllString(text, -1) {
			bytes += len(match)
		}
		fmt.Println(bytes)
	}
}
