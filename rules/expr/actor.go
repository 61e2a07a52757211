package expr

import (
	"net/netip"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"detect/internal/record"
)

// actorTexts are the fields of `actor` that are text, and what they are of a record. Those that need the geo database
// are in actorSchema.
var actorTexts = map[string]func(*record.Record) string{
	"user":    (*record.Record).User,
	"type":    (*record.Record).UserTypeName,
	"app":     (*record.Record).App,
	"session": (*record.Record).Session,
	"agent":   (*record.Record).Agent,
	"ip":      ipText,
}

// actorFlags are the fields of `actor` that are true or false.
var actorFlags = map[string]func(*record.Record) bool{
	"system":      (*record.Record).System,
	"guest":       (*record.Record).Guest,
	"anonymous":   (*record.Record).Anonymous,
	"application": (*record.Record).Application,
}

// ipText is the actor's address as text, "" if there is none.
func ipText(r *record.Record) string { return addrText(r.IP()) }

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func actorSchema() *schema {
	m := make(map[string]member)
	field := func(name string, t *types.Type, f func(*Frame) ref.Val) {
		m[name] = member{typ: t, get: func(target any) (any, error) {
			a, ok := target.(*actorVal)
			if !ok {
				return nil, errNoRecord
			}
			return f(a.frame), nil
		}}
	}
	for name, f := range actorTexts {
		field(name, cel.StringType, func(fr *Frame) ref.Val { return types.String(f(fr.rec)) })
	}
	field("ip", cel.StringType, func(fr *Frame) ref.Val { return types.String(fr.ip()) })
	for name, f := range actorFlags {
		field(name, cel.BoolType, func(fr *Frame) ref.Val { return types.Bool(f(fr.rec)) })
	}
	field("country", cel.StringType, func(fr *Frame) ref.Val { return types.String(fr.where().Country) })
	field("place", placeType, func(fr *Frame) ref.Val { return placeValue(fr.place()) })
	field("asn", cel.IntType, func(fr *Frame) ref.Val { n, _ := fr.asn(); return types.Int(n) })
	field("network", cel.StringType, func(fr *Frame) ref.Val { _, s := fr.asn(); return types.String(s) })
	return newSchema(actorType, m)
}
