package expr

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"detect/rules/hit"
)

// MaxText is the greatest length, in bytes, of a captured text. A longer one is cut there, and CutMark is put behind it.
const MaxText = 4 << 10

// CutMark stands behind a captured text that was cut.
const CutMark = "…[cut]"

// MaxElements is the greatest number of elements of a captured list, and MaxListText the greatest number of bytes of all
// its texts; the rest is left out, and of a list of texts the last element is then CutMark. It is told as an error, too:
// see ErrCut.
const (
	MaxElements = 1000
	MaxListText = 64 << 10
)

// ErrCut is wrapped by the error that tells of a captured list that was too long. The values are valid nevertheless.
var ErrCut = errors.New("the list was cut: it counts, and makes hits, only so far")

// CutText is s cut to MaxText bytes, at the boundary of a character, and marked if it was longer. It never holds on to
// the memory of a longer text, and is valid UTF-8 if s is.
func CutText(s string) string {
	if len(s) <= MaxText {
		return s
	}
	n := MaxText
	for n > MaxText-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + CutMark
}

// hitValue is the result of an expression as a value, if it has a kind.
func hitValue(v ref.Val) (hit.Value, bool) {
	switch v := v.(type) {
	case types.String:
		return hit.OfText(string(v)), true
	case types.Int:
		return hit.OfInt(int64(v)), true
	case types.Double:
		return hit.OfDouble(float64(v)), true
	case types.Bool:
		return hit.OfBool(bool(v)), true
	case types.Timestamp:
		return hit.OfTime(v.UnixMicro()), true
	case types.Duration:
		return hit.OfDuration(int64(v.Duration / time.Microsecond)), true
	case placeVal:
		return hit.OfPlace(*v.place), true
	default:
		return hit.Value{}, false
	}
}

// capture is the result of an expression as a captured value of that kind.
func captureValue(v ref.Val, k hit.Kind) (hit.Value, error) {
	switch k {
	case hit.Texts, hit.Ints:
		l, ok := v.(traits.Lister)
		if !ok {
			return hit.Value{}, fmt.Errorf("got %s instead of a %s", valueWord(v), k)
		}
		return captureList(l, k)
	}
	got, ok := hitValue(v)
	if !ok || got.Kind != k {
		return hit.Value{}, fmt.Errorf("got %s instead of %s", valueWord(v), k)
	}
	switch k {
	case hit.Text:
		got.Str = cleanText(got.Str)
	case hit.Double:
		if f := got.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return hit.Value{}, fmt.Errorf("the number is not finite")
		} else if f == 0 {
			got = hit.OfDouble(0) // minus zero is no other number
		}
	}
	return got, nil
}

// cleanText is a text to keep: cut, valid UTF-8, and without hold on a longer text that it may be part of.
func cleanText(s string) string {
	return strings.Clone(strings.ToValidUTF8(CutText(s), "\uFFFD"))
}

func captureList(l traits.Lister, k hit.Kind) (hit.Value, error) {
	size, _ := l.Size().(types.Int)
	n := int(min(size, MaxElements))
	texts, ints := make([]string, 0, n), []int64(nil)
	it := l.Iterator()
	kept, room := 0, MaxListText
	for ; kept < n; kept++ {
		switch e := it.Next().(type) {
		case types.String:
			text := cleanText(string(e))
			if room -= len(text); room < 0 {
				n = kept
				break
			}
			texts = append(texts, text)
		case types.Int:
			ints = append(ints, int64(e))
		default:
			return hit.Value{}, fmt.Errorf("got %s in a %s", valueWord(e), k)
		}
	}
	var err error
	if n < int(size) {
		err = fmt.Errorf("%d of %d elements kept: %w", n, int(size), ErrCut)
	}
	if k == hit.Ints {
		return hit.OfInts(ints), err
	}
	if err != nil {
		texts = append(texts, CutMark)
	}
	return hit.OfTexts(texts), err
}

// valueWord names a value's type for a person.
func valueWord(v ref.Val) string {
	if t, ok := v.Type().(*types.Type); ok {
		return typeWord(t)
	}
	return v.Type().TypeName()
}
