package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"detect/engine"
	"detect/rules/hit"
)

// alertFormat is the first byte of an encoded alert. It changes when the encoding does.
const alertFormat = 1

// The flags of an encoded alert.
const (
	flagStaged = 1 << iota
	flagLate
	flagApproximate
	flagFinal
	flagState
)

// appendAlert appends a's encoding to b.
func appendAlert(b []byte, a *engine.Alert) []byte {
	b = append(b, alertFormat)
	var flags uint64
	for i, on := range [...]bool{a.Staged, a.Late, a.Approximate, a.Final, a.State != nil} {
		if on {
			flags |= 1 << i
		}
	}
	b = binary.AppendUvarint(b, flags)
	for _, s := range [...]string{a.ID, a.Rule, a.Version, a.Key, a.Title, a.Respond, a.Into, a.From, a.Note} {
		b = hit.AppendString(b, s)
	}
	for _, n := range [...]int64{
		int64(a.Severity), int64(a.Risk), int64(a.Status), a.First, a.Last, a.Count, a.Naming.Time, a.Opening,
		int64(a.Revision), int64(a.Reason), a.Revised,
	} {
		b = binary.AppendVarint(b, n)
	}
	b = append(b, a.Naming.ID[:]...)
	for _, l := range [...][]string{a.By, a.Attack, a.Tactics, a.Records} {
		b = appendStrings(b, l)
	}
	b = binary.AppendUvarint(b, uint64(len(a.Values)))
	for _, v := range a.Values {
		b = hit.AppendString(b, v.Name)
		b = appendStrings(b, v.Values)
	}
	if a.State != nil {
		b = hit.AppendString(b, string(a.State))
	}
	return b
}

func appendStrings(b []byte, l []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(l)))
	for _, s := range l {
		b = hit.AppendString(b, s)
	}
	return b
}

// decodeAlert reads what appendAlert wrote. Empty lists come back as nil.
func decodeAlert(b []byte) (*engine.Alert, error) {
	if len(b) == 0 {
		return nil, errors.New("empty")
	}
	if b[0] != alertFormat {
		return nil, fmt.Errorf("unknown format %d", b[0])
	}
	r := hit.NewReader(b[1:])
	a := new(engine.Alert)
	flags := r.Uvarint()
	a.Staged, a.Late, a.Approximate, a.Final = flags&flagStaged != 0, flags&flagLate != 0, flags&flagApproximate != 0, flags&flagFinal != 0
	for _, s := range [...]*string{&a.ID, &a.Rule, &a.Version, &a.Key, &a.Title, &a.Respond, &a.Into, &a.From, &a.Note} {
		*s = r.String()
	}
	a.Severity = hit.Severity(r.Varint())
	a.Risk = int(r.Varint())
	a.Status = engine.Status(r.Varint())
	for _, n := range [...]*int64{&a.First, &a.Last, &a.Count, &a.Naming.Time, &a.Opening} {
		*n = r.Varint()
	}
	a.Revision = int(r.Varint())
	a.Reason = engine.Reason(r.Varint())
	a.Revised = r.Varint()
	copy(a.Naming.ID[:], r.Bytes(len(a.Naming.ID)))
	for _, l := range [...]*[]string{&a.By, &a.Attack, &a.Tactics, &a.Records} {
		*l = readStrings(r)
	}
	if n := readCount(r); n > 0 {
		a.Values = make([]engine.Values, n)
		for i := range a.Values {
			a.Values[i] = engine.Values{Name: r.String(), Values: readStrings(r)}
		}
	}
	if flags&flagState != 0 {
		a.State = []byte(r.String())
	}
	switch {
	case r.Err() != nil:
		return nil, r.Err()
	case r.Len() > 0:
		return nil, fmt.Errorf("%d bytes too many", r.Len())
	case a.Status > engine.Withdrawn || a.Severity > hit.Critical:
		return nil, fmt.Errorf("status %d, severity %d", a.Status, a.Severity)
	}
	return a, nil
}

// readCount reads the length of a list; each of its elements takes a byte at least.
func readCount(r *hit.Reader) int {
	n := r.Uvarint()
	if n > uint64(r.Len()) {
		r.Bytes(r.Len() + 1) // more than there is: the reader's error
		return 0
	}
	return int(n)
}

func readStrings(r *hit.Reader) []string {
	n := readCount(r)
	if n == 0 {
		return nil
	}
	l := make([]string, n)
	for i := range l {
		l[i] = r.String()
	}
	return l
}
