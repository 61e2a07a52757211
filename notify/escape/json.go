package escape

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON is where JSON is written to that somebody may look at in a terminal: what is hidden in its texts goes on to w as
// \u202e or \u009b. It is the same JSON; encoding/json leaves all of that as it is but for the first 32 controls. Each
// Write takes whole characters, as those of a json.Encoder are.
func JSON(w io.Writer) io.Writer { return jsonWriter{w} }

type jsonWriter struct{ w io.Writer }

func (j jsonWriter) Write(p []byte) (int, error) {
	text := p
	if bytes.ContainsFunc(p, hiddenInJSON) {
		text = make([]byte, 0, len(p)+64)
		for rest := p; len(rest) > 0; {
			r, n := utf8.DecodeRune(rest)
			switch high, low := utf16.EncodeRune(r); {
			case !hiddenInJSON(r):
				text = append(text, rest[:n]...)
			case r < 0x10000:
				text = fmt.Appendf(text, `\u%04x`, r)
			default:
				text = fmt.Appendf(text, `\u%04x\u%04x`, high, low)
			}
			rest = rest[n:]
		}
	}
	if _, err := j.w.Write(text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// hiddenInJSON says whether a rune is hidden that JSON does not escape anyway: what is below 0x20 stands between its texts.
func hiddenInJSON(r rune) bool { return r >= 0x7f && Hidden(r) }
