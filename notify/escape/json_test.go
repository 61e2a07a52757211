package escape

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestJSONHidesNothing(t *testing.T) {
	for in, want := range map[string]string{
		"Åsa, 支払い \ufffd":          `"Åsa, 支払い ` + "\ufffd" + `"`,
		"\x1b[2J\u009b31m\x7f":     `"\u001b[2J\u009b31m\u007f"`,
		"x\u202egpj.exe\u2066":     `"x\u202egpj.exe\u2066"`,
		"tag\U000e0041 \u00a0 end": `"tag\udb40\udc41 \u00a0 end"`,
	} {
		var out bytes.Buffer
		if err := json.NewEncoder(JSON(&out)).Encode(in); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSuffix(out.String(), "\n"); got != want {
			t.Errorf("JSON of %q is %s, want %s", in, got, want)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[2J\u202e\xff\u009b\U000e0041")
	f.Fuzz(func(t *testing.T, s string) {
		var plain, out bytes.Buffer
		if err := json.NewEncoder(&plain).Encode(s); err != nil {
			t.Fatal(err)
		}
		if err := json.NewEncoder(JSON(&out)).Encode(s); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(strings.TrimSuffix(out.String(), "\n"), Hidden); i >= 0 {
			t.Fatalf("the JSON %q still hides something at %d", out.String(), i)
		}
		var want, got string
		if err := json.Unmarshal(plain.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || got != want {
			t.Fatalf("%q became %q: %v", want, got, err)
		}
	})
}
