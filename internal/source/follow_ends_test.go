package source

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// texts are what was told.
func (x *tailing) texts() string {
	var all []string
	for _, n := range x.warnings {
		all = append(all, strings.TrimPrefix(n.File, x.dir+"/")+": "+n.Text)
	}
	return strings.Join(all, "; ")
}

func TestFollowRestartsInTheMiddle(t *testing.T) {
	array := "[" + rec("1") + ",\n" + rec("2") + ",\n" + rec("3") + ",\n" + rec("4") + "]\n"
	csv := csvHeader + csvRow(rec("1")) + "\r\n" + csvRow(rec("2")) + "\r\n" + csvRow(rec("3")) + "\r\n" + csvRow(rec("4")) + "\r\n"
	for name, data := range map[string][]byte{
		"lines": []byte(lines("1", "2", "3", "4")), "array": []byte(array), "CSV": []byte(csv), "UTF-16": utf16Bytes(array, true, false),
		"gzip": gzipped([]byte(array)), "zstd of CSV": zstded([]byte(csv)), "zip": []byte(zipped(packed{"a", lines("1")}, packed{"b", lines("2", "3", "4")})),
		"string": []byte(quote(array)),
	} {
		for kill := 1; kill < 8; kill++ {
			x := tail(t)
			x.f.BlockSize = 300
			x.start()
			x.write("a", data)
			x.kill = kill
			x.pass(second)
			x.pass(3 * second)
			x.pass(3 * second)
			if x.want("1", "2", "3", "4"); t.Failed() {
				t.Fatalf("%s, killed at batch %d", name, kill)
			}
			x.kill = 0
			opened := x.batches
			x.start()
			x.pass(100 * second)
			if x.want("1", "2", "3", "4"); x.batches > opened+1 {
				t.Errorf("%s: %d batches after a restart", name, x.batches-opened)
			}
		}
	}
}

func TestFollowDeletedWhileBehind(t *testing.T) {
	x := tail(t)
	x.f.BlockSize = 600
	x.start()
	x.append("a", lines("1", "2", "3", "4", "5"))
	x.append("b", lines("6"))
	x.must(x.w.scan(x.now))
	x.must(x.w.read(x.now))
	if len(x.ids) == 0 || len(x.ids) == 5 || !x.behind {
		t.Fatalf("%d records after the first block, behind %v", len(x.ids), x.behind)
	}
	x.remove("a")
	x.remove("b")
	x.pass(second)
	x.pass(3 * second)
	x.want("1", "2", "3", "4", "5", "6")
}

func TestFollowHalfARecord(t *testing.T) {
	x := tail(t)
	x.append("a", lines("1")+rec("2")[:300])
	x.pass(second)
	x.pass(10 * second)
	x.want("1")
	x.pass(60 * second)
	if len(x.rejects) > 0 || !strings.Contains(x.texts(), "a: ends inside the record at line 2, byte") {
		t.Errorf("rejects %v, warnings %q", x.rejects, x.texts())
	}
	x.pass(60 * second)
	x.start()
	x.pass(60 * second)
	if len(x.warnings) != 1 {
		t.Errorf("warnings %q", x.texts())
	}
	x.append("a", rec("2")[300:]+"\n"+rec("3")[:300])
	x.pass(second)
	x.warnings = nil
	x.want("1", "2")
	x.remove("a")
	x.pass(second)
	x.pass(60 * second)
	x.pass(60 * second)
	x.pass(60 * second)
	if len(x.rejects) != 1 || x.rejects[0].Line != 3 || !strings.Contains(x.rejects[0].Reason, "cut off") {
		t.Errorf("rejects %v, warnings %q", x.rejects, x.texts())
	}
}

// A writer that was cut in the middle of a record goes on in a new file: what the rotated one ends with is lost.
func TestFollowHalfARecordRotated(t *testing.T) {
	x := tail(t)
	x.append("a", lines("1")+rec("2")[:300])
	x.pass(second)
	x.rename("a", "a.1")
	x.append("a", lines("3"))
	x.pass(second)
	x.pass(70 * second)
	if len(x.rejects) != 1 || !strings.HasSuffix(x.rejects[0].File, "a.1") || strings.Join(x.ids, " ") != "1 3" {
		t.Errorf("records %q, rejects %v", x.ids, x.rejects)
	}
	x.append("a.1", "\n"+lines("4"))
	x.pass(second)
	if strings.Join(x.ids, " ") != "1 3 4" {
		t.Errorf("records %q", x.ids)
	}
}

func TestFollowRowWithoutLineBreak(t *testing.T) {
	x := tail(t)
	x.append("a", csvHeader+strings.TrimSuffix(csvRow(rec("1")), "d\""))
	x.pass(second)
	x.pass(10 * second)
	x.want()
	x.append("a", "d\"")
	x.pass(second)
	x.want()
	x.pass(3 * second)
	x.want("1")
}

func TestFollowTornObject(t *testing.T) {
	x := tail(t)
	half := `{"CreationTime":"2026-03-02T09:11:00","Id":"1","Operation":"x","Parameters":{"a":1}`
	x.append("a", half)
	x.pass(second)
	x.pass(10 * second)
	x.want()
	x.append("a", "}")
	x.pass(second)
	x.pass(10 * second)
	x.want("1")
}

// Exports overlap: an equal beginning is no copy.
func TestFollowOverlappingExports(t *testing.T) {
	x := tail(t)
	x.write("a", []byte(lines("1", "2", "3", "4")))
	x.pass(second)
	x.write("b", []byte(lines("1", "2", "9")))
	x.pass(3 * second)
	x.want("1", "2", "3", "4", "1", "2", "9")
	x.write("c", []byte(lines("1", "2", "3", "4", "5"))) // goes on where a ended
	x.pass(3 * second)
	x.want("1", "2", "3", "4", "1", "2", "9", "5")
}

func TestFollowReusedInode(t *testing.T) {
	x := tail(t)
	x.write("a", []byte(lines("1", "2")))
	x.pass(second)
	x.start()
	x.write("a", []byte(lines("3", "4", "5"))) // the same inode, and longer
	x.pass(second)
	x.want("1", "2", "3", "4", "5")
}

func TestFollowGrowingCompressed(t *testing.T) {
	x := tail(t)
	whole := gzipped([]byte(lines("1", "2", "3", "4")))
	x.write("a.gz", whole[:len(whole)-20])
	x.pass(0)
	x.want()
	if !x.behind {
		t.Error("not behind")
	}
	x.pass(3 * second)
	some := len(x.ids)
	if some == 0 || some > 4 || len(x.warnings) > 0 || x.behind {
		t.Fatalf("%d records, warnings %q, behind %v", some, x.texts(), x.behind)
	}
	x.pass(70 * second)
	if !strings.Contains(x.texts(), "could be read up to byte") {
		t.Errorf("warnings %q", x.texts())
	}
	x.warnings = nil
	x.start()
	x.write("a.gz", append(slices.Clone(whole), gzipped([]byte(lines("5")))...))
	x.pass(second)
	x.pass(3 * second)
	x.want("1", "2", "3", "4", "5")
}

func TestFollowZipThatIsNotWholeYet(t *testing.T) {
	x := tail(t)
	whole := []byte(zipped(packed{"a", lines("1", "2")}))
	x.write("a.zip", whole[:len(whole)/2])
	x.pass(3 * second)
	x.want()
	x.write("a.zip", whole)
	x.pass(second)
	x.pass(3 * second)
	x.want("1", "2")
}

func TestFollowFolderThatIsMissing(t *testing.T) {
	x := tail(t)
	x.f.Path = filepath.Join(x.dir, "later")
	x.start()
	x.pass(second)
	x.pass(second)
	if len(x.warnings) != 1 || !x.warnings[0].Unread || !x.behind {
		t.Fatalf("warnings %v, behind %v", x.warnings, x.behind)
	}
	x.write("later/sub/a", []byte(lines("1")))
	x.write("later/.hidden/b", []byte(lines("2")))
	x.write("later/c.tmp", []byte(lines("3")))
	x.pass(second)
	x.warnings = nil
	x.want("1")
	x.rename("later/c.tmp", "later/c")
	x.pass(second)
	if x.want("1", "3"); x.behind {
		t.Error("behind")
	}
}

func TestFollowPermissionDenied(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("the superuser may read everything")
	}
	x := tail(t)
	x.write("a", []byte(lines("1")))
	x.write("b", []byte(lines("2")))
	x.must(os.Chmod(x.path("a"), 0))
	x.pass(second)
	x.pass(second)
	if len(x.warnings) != 1 || !x.behind || len(x.ids) != 1 {
		t.Fatalf("records %q, warnings %q, behind %v", x.ids, x.texts(), x.behind)
	}
	x.must(os.Chmod(x.path("a"), 0o600))
	x.pass(second)
	x.warnings = nil
	if x.want("2", "1"); x.behind {
		t.Error("behind")
	}
}

func TestFollowOldestFirst(t *testing.T) {
	x := tail(t)
	x.write("b", []byte(lines("1")))
	x.now = x.now.Add(second)
	x.write("a", []byte(lines("2")))
	x.write("c", []byte(lines("3")))
	x.pass(second)
	x.want("1", "2", "3")
}

func TestFollowForgetsAndKnowsAgain(t *testing.T) {
	x := tail(t)
	x.append("a", lines("1", "2"))
	x.pass(second)
	x.remove("a")
	x.pass(second)
	x.pass(second)
	x.start()
	x.write("a.gz", gzipped([]byte(lines("1", "2", "3"))))
	x.pass(3 * second)
	x.want("1", "2", "3")
	x.remove("a.gz")
	x.pass(second)
	x.pass(second)
	x.pass(11 * 24 * 3600 * second)
	if len(x.committed) != 0 {
		t.Errorf("%d positions are kept", len(x.committed))
	}
}

// A position that is damaged starts its file anew, and is told of.
func TestFollowDamagedPosition(t *testing.T) {
	x := tail(t)
	x.append("a", lines("1"))
	x.pass(second)
	for source, data := range x.committed {
		x.committed[source] = data[:len(data)/2]
	}
	x.start()
	x.pass(second)
	if len(x.warnings) != 1 || strings.Join(x.ids, " ") != "1 1" || len(x.committed) != 1 {
		t.Errorf("records %q, warnings %q, %d positions", x.ids, x.texts(), len(x.committed))
	}
}

// FuzzFollowPosition reads a file from whatever a database holds: nothing panics, and what is not damaged is as it was.
func FuzzFollowPosition(f *testing.F) {
	x := tail(f)
	x.write("a", []byte(lines("1")))
	x.write("b", []byte(csvHeader+csvRow(rec("1"))+"\n"))
	x.write("c", utf16Bytes(lines("1"), false, true))
	x.write("d", gzipped([]byte("["+rec("1")+","+rec("2"))))
	x.pass(3 * second)
	for _, data := range x.committed {
		f.Add(data)
	}
	text := []byte(csvHeader + csvRow(rec("1")) + "\n" + lines("2"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodePosition(data)
		if err != nil {
			return
		}
		var again position
		if err := json.Unmarshal(p.encode(), &again); err != nil || again.key() != p.key() {
			t.Fatalf("%v after encoding", err)
		}
		c, err := p.resume("x")
		if err != nil {
			t.Fatalf("decoded, but not usable: %v", err)
		}
		for n := 0; n < 3; n++ {
			b, err := c.block(100, func(room []byte) (int, error) { return copy(room, text), nil })
			if err != nil {
				t.Fatal(err)
			}
			if b != nil {
				b.Release()
			}
		}
		b, auto := c.tail()
		b.Release()
		c.adopt(auto)
	})
}
