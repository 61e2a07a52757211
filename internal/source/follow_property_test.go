package source

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// growing is a file of the model: its whole text, of which a part is written.
type growing struct {
	name    string
	form    string
	text    string // UTF-8
	written int    // bytes of the encoded text
	records int
}

// world does things to a folder, and knows which records must come of it.
type world struct {
	*tailing
	rt    *rapid.T
	files []*growing
	want  map[string]int
	n     int
	names int
}

func (w *world) id() string { w.n++; return fmt.Sprintf("%06d", w.n) }

func (w *world) name() string { w.names++; return fmt.Sprintf("f%03d", w.names) }

// more adds records to the text of a file, which are not yet written.
func (g *growing) more(w *world, n int) {
	for range n {
		id := w.id()
		w.want[id]++
		w.rt.Logf("%s %s: record %s", g.name, g.form, id)
		switch g.form {
		case "csv":
			if g.text == "" {
				g.text = csvHeader
			}
			g.text += csvRow(rec(id)) + "\r\n"
		case "flat":
			if g.text == "" {
				g.text = "CreationDate,Operation,UserId,Id,Note\n"
			}
			g.text += "2026-03-02T09:11:00,UserLoggedIn,ann@contoso.example," + id + ",\"" + strings.Repeat("n", 300) + "\"\n"
		case "array":
			if g.text == "" {
				g.text = "[" + rec(id)
			} else {
				g.text += ",\n" + rec(id)
			}
		case "pretty":
			g.text += indent(rec(id)) + "\n"
		case "page":
			if g.text == "" {
				g.text = `{"@odata.context":"x","value":[` + rec(id)
			} else {
				g.text += "," + rec(id)
			}
		case "glued":
			g.text += rec(id)
		default:
			g.text += rec(id) + "\n"
		}
		g.records++
	}
}

func (g *growing) encoded() []byte {
	if g.form != "utf16" {
		return []byte(g.text)
	}
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(g.text)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

// put appends up to n bytes of what is not written yet; all if n is negative.
func (w *world) put(g *growing, n int) {
	data := g.encoded()
	upTo := len(data)
	if n >= 0 {
		upTo = min(upTo, g.written+n)
	}
	w.append(g.name, string(data[g.written:upTo]))
	g.written = upTo
}

func (w *world) pick(accept func(*growing) bool) *growing {
	var some []*growing
	for _, g := range w.files {
		if accept(g) {
			some = append(some, g)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some[rapid.IntRange(0, len(some)-1).Draw(w.rt, "file")]
}

func (g *growing) done() bool { return g.written == len(g.encoded()) }

func (w *world) drop(g *growing) {
	w.files = slices.DeleteFunc(w.files, func(o *growing) bool { return o == g })
}

// step does one thing at random.
func (w *world) step() {
	what := rapid.SampledFrom([]string{"new", "grow", "grow", "part", "part", "finish", "rename", "compress", "zip", "copytruncate", "copy",
		"replace", "rewrite", "delete", "look", "look", "wait", "restart", "kill", "packed"}).Draw(w.rt, "step")
	switch what {
	case "new":
		g := &growing{name: w.name(), form: rapid.SampledFrom([]string{"lines", "csv", "flat", "array", "pretty", "page", "glued", "utf16"}).Draw(w.rt, "form")}
		g.more(w, rapid.IntRange(1, 4).Draw(w.rt, "records"))
		w.files = append(w.files, g)
		w.put(g, rapid.IntRange(0, 2000).Draw(w.rt, "bytes"))
	case "grow":
		if g := w.pick(func(*growing) bool { return true }); g != nil {
			g.more(w, rapid.IntRange(1, 4).Draw(w.rt, "records"))
			w.put(g, -1)
		}
	case "part":
		if g := w.pick(func(*growing) bool { return true }); g != nil {
			g.more(w, rapid.IntRange(0, 2).Draw(w.rt, "records"))
			w.put(g, rapid.IntRange(0, 1500).Draw(w.rt, "bytes"))
		}
	case "finish":
		if g := w.pick(func(g *growing) bool { return !g.done() }); g != nil {
			w.put(g, -1)
		}
	case "rename":
		if g := w.pick(func(*growing) bool { return true }); g != nil {
			old := g.name
			g.name = w.name()
			w.rename(old, g.name)
		}
	case "look":
		w.pass(second / 2)
	case "wait":
		w.pass(3 * second)
	case "restart":
		w.start()
	case "kill":
		w.kill = rapid.IntRange(1, 5).Draw(w.rt, "batches")
		w.pass(second)
		w.kill = 0
	case "packed":
		g := &growing{form: "lines"}
		g.more(w, rapid.IntRange(1, 4).Draw(w.rt, "records"))
		data := [][]byte{gzipped([]byte(g.text)), zstded([]byte(g.text)), []byte(zipped(packed{"a", g.text})), []byte(quote(g.text))}
		w.write(w.name(), rapid.SampledFrom(data).Draw(w.rt, "packing"))
	default:
		w.rotate(what)
	}
}

// rotate does what rotates or replaces a file.
func (w *world) rotate(what string) {
	g := w.pick((*growing).done)
	if g == nil {
		return
	}
	data := g.encoded()
	switch what {
	case "compress":
		packing := rapid.SampledFrom([]func([]byte) []byte{gzipped, zstded}).Draw(w.rt, "packing")
		w.write(w.name(), packing(data))
		w.remove(g.name)
		w.drop(g)
	case "zip":
		w.write(w.name(), []byte(zipped(packed{"a", string(data)})))
		w.remove(g.name)
		w.drop(g)
	case "copytruncate":
		w.write(w.name(), data)
		w.must(os.Truncate(w.path(g.name), 0))
		w.touch(g.name)
		g.text, g.written, g.records = "", 0, 0
	case "copy": // while the original is no further: else it is one of a part, which is read as a file of its own
		w.settle()
		w.write(w.name(), data)
		w.settle()
	case "replace": // by a file that goes on with its text
		g.more(w, rapid.IntRange(0, 3).Draw(w.rt, "records"))
		w.write(".hidden", g.encoded())
		w.rename(".hidden", g.name)
		g.written = len(g.encoded())
	case "rewrite": // in place, by other records
		w.settle()
		w.must(os.Truncate(w.path(g.name), 0))
		g.text = ""
		g.more(w, rapid.IntRange(1, 4).Draw(w.rt, "records"))
		w.write(g.name, g.encoded())
		g.written = len(g.encoded())
	case "delete":
		w.settle()
		w.remove(g.name)
		w.drop(g)
	}
}

// settle has all taken for read, so that what is destroyed then is not lost.
func (w *world) settle() {
	w.pass(second)
	w.pass(100 * second)
	w.pass(second)
}

// Whatever happens to files, each record comes once.
func TestFollowAnything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{tailing: tail(t), rt: rt, want: map[string]int{}}
		defer w.w.close()
		w.f.BlockSize = rapid.IntRange(64, 3000).Draw(rt, "block")
		w.start()
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			w.step()
		}
		for _, g := range w.files {
			w.put(g, -1)
		}
		for range 4 {
			w.pass(100 * second)
		}
		got := map[string]int{}
		for _, id := range w.ids {
			got[id]++
		}
		if diff := cmp.Diff(w.want, got); diff != "" {
			rt.Errorf("records (-want +got):\n%s", diff)
		}
		w.warnings = slices.DeleteFunc(w.warnings, func(n Warning) bool { // true of what the model writes
			return strings.Contains(n.Text, "ends inside") || strings.Contains(n.Text, "not a single row") || strings.Contains(n.Text, "no form of") ||
				n.Text == goneUnread // though a copy may hold it
		})
		if len(w.rejects)+len(w.warnings) > 0 {
			rt.Errorf("rejects %v, warnings %v", w.rejects, w.warnings)
		}
		if w.behind {
			rt.Error("still behind")
		}
	})
}
