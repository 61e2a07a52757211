package main

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// screen is what a person reads: a terminal with a width and colours, or a file with neither.
type screen struct {
	w      io.Writer
	width  int // columns
	colour bool
}

// style is an ANSI rendition.
type style string

const (
	plain    style = ""
	bold     style = "1"
	dim      style = "2"
	red      style = "31"
	yellow   style = "33"
	green    style = "32"
	cyan     style = "36"
	boldRed  style = "1;31"
	critical style = "1;37;41"
)

func isTerminal(w io.Writer) (fd int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile {
		return 0, false
	}
	return int(f.Fd()), term.IsTerminal(int(f.Fd()))
}

// newScreen looks at what w is. Colour follows https://no-color.org.
func newScreen(w io.Writer) *screen {
	s := &screen{w: w, width: 100}
	fd, ok := isTerminal(w)
	if !ok {
		return s
	}
	if width, _, err := term.GetSize(fd); err == nil && width > 0 {
		s.width = min(width, 140)
	}
	s.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return s
}

// paint renders text in a style, on a terminal.
func (s *screen) paint(st style, text string) string {
	if !s.colour || st == plain || text == "" {
		return text
	}
	return "\x1b[" + string(st) + "m" + text + "\x1b[0m"
}

// columns is how many columns text takes; it must hold no escape sequences.
func columns(text string) int { return runewidth.StringWidth(text) }

// pad fills text with blanks up to width columns.
func pad(text string, width int) string {
	if n := width - columns(text); n > 0 {
		return text + strings.Repeat(" ", n)
	}
	return text
}

// wrap breaks text at blanks into lines of at most width columns; a longer word is broken where it must be.
func wrap(text string, width int) []string {
	width = max(width, 20)
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case columns(line)+1+columns(word) <= width:
			line += " " + word
			continue
		default:
			lines = append(lines, line)
			line = word
		}
		for {
			// A window is enough to cut by: words of a megabyte come from records.
			window := line[:min(len(line), 16*width)]
			for len(window) < len(line) && len(window) > 0 && !utf8.RuneStart(line[len(window)]) {
				window = window[:len(window)-1]
			}
			if len(window) == len(line) && columns(line) <= width {
				break
			}
			head := runewidth.Truncate(window, width, "")
			if head == "" {
				break
			}
			lines = append(lines, head)
			line = line[len(head):]
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
