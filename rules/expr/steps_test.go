package expr

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// bigRecord is a record whose list has n entries.
func bigRecord(n int) string {
	var b strings.Builder
	b.WriteString(`{"Operation":"x","Parameters":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"Name":"n%d","Value":"v%d"}`, i, i)
	}
	b.WriteString(`]}`)
	return b.String()
}

// Lists within lists of a hostile record end by the limit, as an error; walking once over the longest list does not.
func TestSteps(t *testing.T) {
	w := testWorld(t)
	for _, tc := range []struct {
		src     string
		entries int
		ends    bool
	}{
		{"record.Parameters.all(p, record.Parameters.all(q, record.Parameters.all(r, p.Name + q.Name + r.Name != '')))", 1000, true},
		{"record.Parameters.exists(p, record.Parameters.exists(q, q.Name == 'none' && p.Name == '')) || true", 3000, true},
		{"record.Parameters.map(p, record.Parameters.filter(q, q.Name < p.Name)).size() > 0", 3000, true},
		{"record.Parameters.all(p, !record.UserId.contains(p.Name + 'x'))", 200_000, true},
		{"deep", 3000, true},
		{"record.Parameters.all(p, record.Parameters.all(q, p.Name != q.Name + 'x'))", 200, false},
		{"record.Parameters.all(p, p.Name.startsWith('n') && p.Value.contains('v') && !(p.Name in lists.empty))", 200_000, false},
		{"record.Parameters.filter(p, p.Name != '').size() > 3", 200_000, false},
	} {
		b := builder(t, w)
		noIssues(t, "let", b.Let("deep", "record.Parameters.all(p, record.Parameters.all(q, p.Name + q.Name != ''))"))
		noIssues(t, tc.src, b.Match(tc.src))
		f := frameOf(t, w, bigRecord(tc.entries))
		start := time.Now()
		ok, err := b.Matching(nil).Match(f)
		if tc.ends != errors.Is(err, errTooManySteps) || !tc.ends && !ok {
			t.Errorf("%s over %d entries: %v, %v", tc.src, tc.entries, ok, err)
		}
		t.Logf("%s over %d entries: %v", tc.src, tc.entries, time.Since(start))
	}
	if issues := builder(t, w).Match("lists.range(record.RecordType).size() > 0"); len(issues) != 1 {
		t.Errorf("a range as long as the record says: %v", issues)
	}
}
