package record

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// A copy that was cut is told from one that was not, however its marks are spelt, and text that only speaks of them is whole.
func TestCutCopiesHaveTheirOwnContent(t *testing.T) {
	for value, cut := range map[string]bool{
		`"System.Object[]"`:           true,
		`"System\u002eObject[]"`:      true,
		`"@{Name=x; Value=y}"`:        true,
		`"\u0040{Name=x}"`:            true,
		`"he said \"@{x"`:             false,
		`"System.Object[] is a type"`: false,
		`"\\u0040{x"`:                 false,
	} {
		var r Record
		if err := r.Parse([]byte(`{"Parameters":` + value + `}`)); err != nil {
			t.Fatal(err)
		}
		if r.Truncated() != cut {
			t.Errorf("%s: truncated %v, want %v", value, r.Truncated(), cut)
		}
		was := r.Content()
		r.MarkTruncated()
		if same := r.Content() == was; same != cut {
			t.Errorf("%s: marking it as cut leaves its content: %v, want %v", value, same, cut)
		}
	}
}

// No word of eight bytes makes the digest forget what came before it.
func TestNoWordWipesTheDigest(t *testing.T) {
	for _, prime := range []uint64{prime1, prime2, prime3} {
		word := binary.LittleEndian.AppendUint64(nil, prime)
		a := hashBytes(1, append([]byte("evil.exe"), word...))
		b := hashBytes(1, append([]byte("good.txt"), word...))
		if a == b {
			t.Errorf("%s", fmt.Sprintf("%x makes two texts one", prime))
		}
	}
}
