/** The first function in Go. */
export const GO = {
  extension: ".go",
  builtWith: "It needs Go 1.24 or newer.",
  source: `// Answers with a greeting for whoever the input names.
package main

import (
	"fmt"
	"strings"

	"faaslet"
)

func main() {
	name := strings.TrimSpace(string(faaslet.Input()))
	if name == "" {
		name = "world"
	}
	faaslet.SetOutput(fmt.Appendf(nil, "hello %s\\n", name))
}
`,
} as const;
