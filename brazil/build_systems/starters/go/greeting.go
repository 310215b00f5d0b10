// Package @name@ greets.
package @name@

// Greeting greets somebody.
func Greeting(name string) string {
	return "hello, " + name
}
