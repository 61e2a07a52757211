package main

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestWrap holds every line to the width and the words to their order, in time that grows with the text.
func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,90}|[äöü漢字👍🏽é ]{1,40}`), 0, 20).Draw(t, "words"), " ")
		width := rapid.IntRange(1, 120).Draw(t, "width")
		lines := wrap(text, width)
		for _, line := range lines {
			if columns(line) > max(width, 20) {
				t.Fatalf("%q is wider than %d", line, width)
			}
		}
		squeezed := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if squeezed(strings.Join(lines, "")) != squeezed(text) {
			t.Fatalf("%q became %q", text, lines)
		}
	})
	start := time.Now()
	if n := len(wrap(strings.Repeat("x", 1<<20), 80)); n != 1<<20/80+1 {
		t.Errorf("a long word is broken into %d lines", n)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("a word of a megabyte took %s", took)
	}
}
