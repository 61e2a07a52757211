package simulate

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"detect/internal/record"
)

// Arrival is a record as the audit feed delivers it.
type Arrival struct {
	At     time.Time // when it was delivered
	Stream string    // the content type that it comes with, such as Audit.Exchange
	Line   []byte    // the record, one of the given slices
}

// MaxDelay is the longest that a delivery, a repeated one too, comes after its record's time.
const MaxDelay = 26 * time.Hour

// Arrivals is how Office 365 would deliver the records: most of them an hour or so late, those of sign-in and directory
// up to a day, in batches that mix the order of minutes, and about two in a hundred of them twice. In order of delivery;
// the same seed gives the same. A line that is no record with a time is an error.
func Arrivals(seed uint64, lines [][]byte) ([]Arrival, error) {
	d := newDice(seed, 3)
	all := make([]Arrival, 0, len(lines)+len(lines)/40)
	var r record.Record
	for i, line := range lines {
		if err := r.Parse(line); err != nil {
			return nil, fmt.Errorf("parse line %d: %w", i+1, err)
		}
		us, ok := r.Time()
		if !ok {
			return nil, fmt.Errorf("parse line %d: no CreationTime", i+1)
		}
		stream := contentType(r.Text(record.FWorkload))
		at := us/1e6 + delay(&d, stream)
		all = append(all, Arrival{batch(at, stream), stream, line})
		if d.chance(20) {
			again := min(at+60+d.wait(3*3600), us/1e6+25*3600)
			all = append(all, Arrival{batch(max(at, again), stream), stream, line})
		}
	}
	// Within a batch the order says nothing about time.
	order := make(map[*byte]uint64, len(lines))
	for _, a := range all {
		order[&a.Line[0]] = d.pcg.Uint64()
	}
	slices.SortStableFunc(all, func(a, b Arrival) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Stream, b.Stream), cmp.Compare(order[&a.Line[0]], order[&b.Line[0]]))
	})
	return all, nil
}

// delay is how many seconds after its time a record of that content type becomes available.
func delay(d *dice, stream string) int64 {
	if stream == "Audit.AzureActiveDirectory" {
		if d.chance(60) {
			return d.span(4*3600, 24*3600)
		}
		return 20*60 + min(d.wait(70*60), 4*3600)
	}
	if d.chance(20) {
		return d.span(2*3600, 12*3600)
	}
	return d.span(30*60, 95*60)
}

// batch is when the batch that holds a record available at that second is listed: each content type every few minutes.
func batch(at int64, stream string) time.Time {
	every := int64(180 + 30*len(stream)%7)
	return time.Unix((at/every+1)*every, 0).UTC()
}

// contentType is the content type with which the Management Activity API delivers a workload's records.
func contentType(workload string) string {
	switch workload {
	case "AzureActiveDirectory", "Exchange", "SharePoint":
		return "Audit." + workload
	case "OneDrive":
		return "Audit.SharePoint"
	}
	return "Audit.General"
}
