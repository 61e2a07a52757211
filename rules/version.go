package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"detect/internal/record"
	"detect/rules/hit"
	"detect/rules/template"
)

// digest is text in fields, each behind its length, so that no two rules give the same bytes.
type digest []byte

func (d *digest) text(parts ...string) {
	for _, p := range parts {
		*d = hit.AppendString(*d, p)
	}
}

func (d *digest) number(ns ...int64) {
	for _, n := range ns {
		*d = binary.AppendVarint(*d, n)
	}
}

// version is the digest of what decides when the rule fires and what its state holds. Layout does not count: neither
// YAML's nor that of expressions.
func (s *spec) version(sums []SumBy) string {
	var d digest
	d.text("rule format 1", s.id)
	var ops []string
	for _, op := range s.operations {
		ops = append(ops, record.OperationKey(op))
	}
	slices.Sort(ops)
	ops = slices.Compact(ops)
	d.number(int64(len(ops)))
	d.text(ops...)
	names := make([]string, 0, len(s.constants))
	for name := range s.constants {
		names = append(names, name)
	}
	slices.Sort(names)
	d.number(int64(len(names)))
	for _, name := range names {
		c := s.constants[name]
		d.text(name, fmt.Sprintf("%T %#v", c, c))
	}
	for _, list := range [][]named{s.let, s.capture} {
		d.number(int64(len(list)))
		for _, n := range list {
			d.text(n.name, squeeze(n.value.Scalar()))
		}
	}
	d.text(squeeze(s.match.Scalar()), squeeze(s.having.Scalar()), squeeze(s.neighbours.Scalar()))
	d.number(int64(len(s.by)))
	d.text(s.by...)
	d.number(int64(s.kind), s.within, s.quiet, s.longest)
	d.number(int64(len(sums)))
	for _, x := range sums { // a title can ask for one, and then the state holds it
		d.number(int64(x.X), int64(x.K))
	}
	sum := sha256.Sum256(d)
	return hex.EncodeToString(sum[:16])
}

func squeeze(src string) string { return template.Squeeze(strings.TrimSpace(src)) }
