// The program @name@ greets @Name@.
package main

import (
	"fmt"

	"example.com/@name@"
)

func main() {
	fmt.Println(@name@.Greeting("@Name@"))
}
