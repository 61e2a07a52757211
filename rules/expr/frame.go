package expr

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"detect/internal/geo"
	"detect/internal/record"
	"detect/rules/hit"
)

// Frame is one worker's place of evaluation: a record, and what was computed from it so far. It is not for concurrent
// use. What it remembers is forgotten by Reset.
type Frame struct {
	world  *World
	rec    *record.Record
	epoch  uint32 // of what is remembered; never 0
	record *recordVal
	actor  *actorVal
	org    *orgVal
	budget *budget
	raw    ref.Val // nil: not yet made

	fields []remembered // by record.Field
	lets   []remembered // by let.slot
	truths []truth      // by Conjunct.slot

	names    *names      // of the rule whose expression is evaluated
	captures []hit.Value // in scope hit, else nil

	ipText    string
	ipEpoch   uint32
	at        geo.Place
	whereAt   uint32
	number    uint32
	network   string
	networkAt uint32
}

// remembered is a value computed in an epoch.
type remembered struct {
	val   ref.Val
	epoch uint32
}

// truth is a conjunct's outcome in an epoch.
type truth struct {
	epoch uint32
	holds bool
	err   error
}

// NewFrame makes a frame. Reset must be called before anything is evaluated in it.
func (w *World) NewFrame() *Frame {
	f := &Frame{world: w, fields: make([]remembered, len(record.Fields())+1)}
	f.budget = newBudget()
	f.record = &recordVal{object{recordType}, f}
	f.actor = &actorVal{object{actorType}, f}
	f.org = &orgVal{object: object{orgType}, world: w, frame: f}
	return f
}

var _ cel.Activation = (*Frame)(nil)

// Reset turns to another record. The record must stay as it is until the next Reset.
func (f *Frame) Reset(rec *record.Record) {
	f.rec, f.raw, f.names, f.captures = rec, nil, nil, nil
	f.org.learnt = f.org.learnt[:0]
	f.org.learned = false
	f.budget.weight = 1 + int64(len(rec.Raw()))>>10
	f.epoch++
	if f.epoch == 0 { // after 4 billion records: what is remembered could be taken for fresh
		clear(f.fields)
		clear(f.lets)
		clear(f.truths)
		f.ipEpoch, f.whereAt, f.networkAt = 0, 0, 0
		f.epoch = 1
	}
}

// Record is the frame's record.
func (f *Frame) Record() *record.Record { return f.rec }

// Parent implements cel.Activation.
func (f *Frame) Parent() cel.Activation { return nil }

// ResolveName implements cel.Activation.
func (f *Frame) ResolveName(name string) (any, bool) {
	switch name {
	case "record":
		return f.record, true
	case "actor":
		return f.actor, true
	case "org":
		return f.org, true
	case "lists":
		return f.world.listsVal, true
	case budgetName:
		return f.budget, true
	case "raw":
		if f.raw == nil {
			f.raw = rawValue(f.rec.Raw())
		}
		return f.raw, true
	}
	if f.names == nil {
		return nil, false
	}
	if name == "params" {
		return f.names.params, true
	}
	if f.captures != nil {
		if i, ok := f.names.captures[name]; ok && i < len(f.captures) {
			return celValue(f.captures[i]), true
		}
	}
	if l := f.names.lets[name]; l != nil {
		return f.let(l), true
	}
	if f.captures != nil {
		if e, ok := entities[name]; ok {
			return types.String(e(f)), true
		}
	}
	return nil, false
}

// let is the value of a let, computed at most once a record; a *types.Err if it can't be.
func (f *Frame) let(l *let) ref.Val {
	for l.slot >= len(f.lets) {
		f.lets = append(f.lets, remembered{})
	}
	if m := f.lets[l.slot]; m.epoch == f.epoch {
		return m.val
	}
	// A let is written in scope record: captures, which it might share a name with, are not for it.
	captures := f.captures
	f.captures = nil
	v, err := l.code.eval(f)
	f.captures = captures
	if err != nil {
		v = types.WrapErr(err)
	}
	f.lets[l.slot] = remembered{v, f.epoch}
	return v
}

// field is the value of a field of the record.
func (f *Frame) field(fd record.Field) ref.Val {
	m := &f.fields[fd]
	if m.epoch != f.epoch {
		m.val, m.epoch = fieldValue(f.rec, fd), f.epoch
	}
	return m.val
}

func fieldValue(r *record.Record, f record.Field) ref.Val {
	switch f.Type() {
	case record.TypeText:
		return types.String(r.Text(f))
	case record.TypeInt:
		return types.Int(r.Int(f))
	case record.TypeBool:
		return types.Bool(r.Bool(f))
	case record.TypeDouble:
		return types.Double(r.Double(f))
	case record.TypeTimestamp:
		us, _ := r.Timestamp(f)
		return timeValue(us)
	case record.TypeTexts:
		return textsValue(r.Texts(f))
	case record.TypeNameValues:
		return nameValues(r.NameValues(f))
	case record.TypeModified:
		return modifications(r.Modifications())
	case record.TypeObject:
		return objectVal{object{nestedType(f.Object())}, r.Object(f)}
	case record.TypeObjects:
		return objectsValue(r.Objects(f), f.Object())
	default:
		return rawValue(r.Value(f))
	}
}

func (f *Frame) ip() string {
	if f.ipEpoch != f.epoch {
		f.ipText, f.ipEpoch = ipText(f.rec), f.epoch
	}
	return f.ipText
}

// where is the actor's place, valid until the next Reset.
func (f *Frame) where() *geo.Place {
	if f.whereAt != f.epoch {
		f.at, f.whereAt = geo.Place{}, f.epoch
		if ip := f.rec.IP(); f.world.geo != nil && ip.IsValid() {
			f.at = f.world.geo.Place(ip)
		}
	}
	return &f.at
}

// place is a copy of the actor's place, to keep.
func (f *Frame) place() *geo.Place {
	p := *f.where()
	return &p
}

func (f *Frame) asn() (uint32, string) {
	if f.networkAt != f.epoch {
		f.number, f.network, f.networkAt = 0, "", f.epoch
		if ip := f.rec.IP(); f.world.geo != nil && ip.IsValid() {
			f.number, f.network = f.world.geo.ASN(ip)
		}
	}
	return f.number, f.network
}
