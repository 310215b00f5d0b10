package @name@

import "testing"

func TestItNamesWhoIsGreeted(t *testing.T) {
	if got := Greeting("Ada"); got != "hello, Ada" {
		t.Errorf("got %q", got)
	}
}
