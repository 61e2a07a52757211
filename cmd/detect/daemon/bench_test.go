package daemon

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"testing"

	"detect/engine"
	"detect/internal/simulate"
	"detect/internal/source"
	"detect/internal/store"
)

// BenchmarkFollow reads a backlog of 200,000 records from a followed folder into a store that is synced as in operation, up
// to its end.
func BenchmarkFollow(b *testing.B) {
	dir := b.TempDir()
	spool := filepath.Join(dir, "in")
	if err := os.Mkdir(spool, 0o700); err != nil {
		b.Fatal(err)
	}
	file, err := os.Create(filepath.Join(spool, "records.ndjson"))
	if err != nil {
		b.Fatal(err)
	}
	w, records, size := bufio.NewWriter(file), 0, 0
	truth, err := simulate.Generate(simulate.Config{Seed: 1, Records: 200_000, Users: 2000, Attacks: []string{"all"}}, func(line []byte) error {
		records, size = records+1, size+len(line)+1
		_, err := w.Write(append(line, '\n'))
		return err
	})
	if err != nil || w.Flush() != nil || file.Close() != nil {
		b.Fatal("write records: ", err)
	}
	set := loadRules(b, truth.Domains)
	b.SetBytes(int64(size))
	for b.Loop() {
		st, err := store.Open(context.Background(), store.Options{Path: filepath.Join(b.TempDir(), "detect.db")})
		if err != nil {
			b.Fatal(err)
		}
		ctx, done := context.WithCancel(context.Background())
		src := Source{Name: "a", Open: func(p []source.Position) Reader { return &source.Follow{Path: spool, Name: "a", Positions: p} }}
		read := int64(0)
		d := &Daemon{Setup: setup(set, src), Store: st, Log: new(logs).logger()}
		d.wrap = func(s engine.Store) engine.Store {
			return &counting{Store: s, left: int64(records), read: &read, done: done}
		}
		if err := d.Run(ctx); err != nil {
			b.Fatal(err)
		}
		done()
		st.Close()
		if read != int64(records) {
			b.Fatalf("%d of %d records", read, records)
		}
	}
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// counting is a store that says when as many records were committed as there are.
type counting struct {
	engine.Store
	left int64
	read *int64
	done func()
}

func (c *counting) Commit(ctx context.Context, commit *engine.Commit) error {
	err := c.Store.Commit(ctx, commit)
	if err == nil {
		if *c.read += commit.Counts.Read; *c.read >= c.left {
			c.done()
		}
	}
	return err
}
