// A Go program as small as they come: its runtime is what takes the memory.
package main

import "fmt"

func main() {
	fmt.Println("hello")
}
