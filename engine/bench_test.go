package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"detect/engine"
	"detect/engine/enginetest"
	"detect/rules"
	"detect/rules/hit"
)

// stream is n records in the order of time, each a hit of one user under each of the rules, 8 a second.
func stream(rs []*rules.Rule, n, users int) []engine.Item {
	rnd := rand.New(rand.NewPCG(1, 2))
	items := make([]engine.Item, n)
	for i := range items {
		at := int64(1_700_000_000+i/8) * enginetest.Second
		id := hit.ID{byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)}
		key := hit.EncodeKey(fmt.Sprintf("user%d@contoso.example", int(float64(users)*rnd.Float64()*rnd.Float64())))
		values := []hit.Value{hit.OfText(fmt.Sprintf("file%d.docx", rnd.IntN(500))), hit.OfInt(int64(rnd.IntN(4))), hit.OfTexts(nil)}
		items[i] = engine.Item{Time: at, ID: id, Content: uint64(i), Arrived: at}
		for r := range rs {
			items[i].Hits = append(items[i].Hits, &hit.Hit{Rule: r, Key: key, Time: at, ID: id, RecordID: fmt.Sprintf("%036d", i), Values: values})
		}
	}
	return items
}

// quickly is the rules named, with real lengths and a short title.
func quickly(ids ...string) (rs []*rules.Rule) {
	for _, r := range enginetest.Rules() {
		for _, id := range ids {
			if r.ID == id {
				r.Index, r.Quiet, r.Longest = len(rs), 3600*enginetest.Second, 7*86400*enginetest.Second
				if r.Within > 0 {
					r.Within = 600 * enginetest.Second
				}
				for i := range r.Thresholds {
					r.Thresholds[i].N = 20
				}
				r.Describe = func(v *hit.View) (rules.Description, error) {
					return rules.Description{Title: "a title"}, nil
				}
				rs = append(rs, r)
			}
		}
	}
	return rs
}

func BenchmarkReplay(b *testing.B) {
	for _, ids := range [][]string{{"match"}, {"count"}, {"distinct"}, {"sum"}, {"other-word"}, {"match", "distinct", "other-word"}} {
		b.Run(fmt.Sprint(ids), func(b *testing.B) {
			rs := quickly(ids...)
			items := stream(rs, 200_000, 5000)
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				st := enginetest.NewStore()
				e, err := engine.New(ctx, rs, st, engine.Config{Distinct: true, Deferred: true})
				if err != nil {
					b.Fatal(err)
				}
				for i := 0; i < len(items); i += 4000 {
					_, err := e.Process(ctx, &engine.Batch{Items: items[i : i+4000], Absence: items[len(items)-1].Time})
					if err != nil {
						b.Fatal(err)
					}
				}
				if _, _, err := e.Finish(ctx); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(st.Standing())), "alerts")
			}
			n := float64(len(items)*len(rs)) * float64(b.N)
			b.ReportMetric(n/b.Elapsed().Seconds(), "hits/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
