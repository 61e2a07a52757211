package expr

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"

	"detect/internal/geo"
	"detect/internal/record"
	"detect/rules/hit"
)

// Geo tells where an address is and whose network it is in. internal/geo implements it.
type Geo interface {
	Place(netip.Addr) geo.Place
	ASN(netip.Addr) (number uint32, network string) // 0 and "" if not known
}

// World is what all rules of a set share. It is immutable but for what it remembers of expressions already compiled, and
// safe for any number of goroutines. A new set of rules takes a new World.
type World struct {
	domains  []string
	lists    map[string]*List
	listsVal *listsVal
	geo      Geo
	provider *provider

	recordEnv *cel.Env // scopes record and hit
	hitsEnv   *cel.Env // scopes pair, window and alert: no record

	mu       sync.Mutex
	lets     map[string]*let      // by canonical text
	conjunct map[string]*Conjunct // by canonical text
}

// NewWorld makes a world. Domains are the tenant's own; if there are none, those that a record itself shows (its
// OrganizationName, its mailbox owner's and its non-guest user's domain) count as inside for expressions over that
// record. Lists are by their names, those of addresses by "networks.NAME". A nil g knows no place.
func NewWorld(domains []string, lists []*List, g Geo) (*World, error) {
	w := &World{
		lists: make(map[string]*List), geo: g, lets: make(map[string]*let), conjunct: make(map[string]*Conjunct),
	}
	for _, d := range domains {
		if d = strings.ToLower(strings.Trim(strings.TrimSpace(d), "@.")); d != "" {
			w.domains = append(w.domains, d)
		}
	}
	for _, l := range lists {
		if w.lists[l.name] != nil {
			return nil, fmt.Errorf("make rule environment: two lists are named %s", l.name)
		}
		w.lists[l.name] = l
	}
	w.listsVal = listsValue(w.lists)
	var err error
	if w.provider, err = newProvider(w.lists); err != nil {
		return nil, fmt.Errorf("make rule environment: %w", err)
	}
	if err := w.makeEnvs(); err != nil {
		return nil, fmt.Errorf("make rule environment: %w", err)
	}
	return w, nil
}

func (w *World) makeEnvs() error {
	opts := []cel.EnvOption{
		cel.OptionalTypes(),
		ext.Strings(), ext.Lists(), ext.Sets(), ext.Math(), ext.Regex(),
		cel.CrossTypeNumericComparisons(true),
		cel.CustomTypeAdapter(w.provider.Registry),
		cel.CustomTypeProvider(w.provider),
		cel.ParserExpressionSizeLimit(maxSource),
		cel.ParserRecursionLimit(100),
		cel.EagerlyValidateDeclarations(true),
		cel.Variable("org", orgType),
		cel.Variable("lists", listsType),
	}
	for s, name := range hit.SeverityNames {
		opts = append(opts, cel.Constant(name, severityType, severityValue(hit.Severity(s))))
	}
	opts = append(opts, tickFunctions()...)
	opts = append(opts, textFunctions()...)
	opts = append(opts, columnFunctions()...)
	opts = append(opts, recordFunctions()...)
	var err error
	if w.hitsEnv, err = cel.NewEnv(opts...); err != nil {
		return err
	}
	w.recordEnv, err = w.hitsEnv.Extend(
		cel.Variable("record", recordType), cel.Variable("actor", actorType), cel.Variable("raw", cel.DynType))
	return err
}

// maxSource is the greatest length of an expression, in code points.
const maxSource = 32 << 10

// EntityNames are the names that `by` knows without a capture.
var EntityNames = []string{"user", "ip", "workload", "operation", "app", "session", "country", "object", "site", "mailbox", "target"}

// entities are the values of EntityNames.
var entities = map[string]func(*Frame) string{
	"user":      func(f *Frame) string { return f.rec.User() },
	"ip":        func(f *Frame) string { return f.ip() },
	"workload":  func(f *Frame) string { return f.rec.Workload() },
	"operation": func(f *Frame) string { return strings.TrimSpace(f.rec.Text(record.FOperation)) },
	"app":       func(f *Frame) string { return f.rec.App() },
	"session":   func(f *Frame) string { return f.rec.Session() },
	"country":   func(f *Frame) string { return f.where().Country },
	"object":    func(f *Frame) string { return f.rec.Text(record.FObjectId) },
	"site":      func(f *Frame) string { return f.rec.Text(record.FSiteUrl) },
	"mailbox":   func(f *Frame) string { return f.rec.Mailbox() },
	"target":    func(f *Frame) string { return f.rec.Target() },
}

// listsValue is `lists`: a set for each list, those of addresses in `networks`.
func listsValue(lists map[string]*List) *listsVal {
	all := &listsVal{object{listsType}, make(map[string]ref.Val)}
	nets := &listsVal{object{networksType}, make(map[string]ref.Val)}
	for name, l := range lists {
		if short, ok := strings.CutPrefix(name, networksPrefix); ok {
			nets.sets[short] = &setVal{object{prefixesType}, l}
		} else {
			all.sets[name] = &setVal{object{textsType}, l}
		}
	}
	all.sets["networks"] = nets
	return all
}

const networksPrefix = "networks."

func listSchemas(lists map[string]*List) []*schema {
	all, nets := make(map[string]member), make(map[string]member)
	get := func(name string) func(any) (any, error) {
		return func(target any) (any, error) {
			if l, ok := target.(*listsVal); ok && l.sets[name] != nil {
				return l.sets[name], nil
			}
			return nil, errNoRecord
		}
	}
	for name := range lists {
		if short, ok := strings.CutPrefix(name, networksPrefix); ok {
			nets[short] = member{typ: prefixesType, get: get(short)}
		} else {
			all[name] = member{typ: textsType, get: get(name)}
		}
	}
	all["networks"] = member{typ: networksType, get: get("networks")}
	return []*schema{newSchema(listsType, all), newSchema(networksType, nets)}
}

// celValue is a captured value as expressions see it.
func celValue(v hit.Value) ref.Val {
	switch v.Kind {
	case hit.Text:
		return types.String(v.Str)
	case hit.Int:
		return types.Int(v.Num)
	case hit.Double:
		return types.Double(v.Float())
	case hit.Bool:
		return types.Bool(v.Bool())
	case hit.Time:
		return timeValue(v.Num)
	case hit.Duration:
		return durationValue(v.Num)
	case hit.Place:
		p := v.Place()
		return placeValue(&p)
	case hit.Texts:
		return textsValue(v.Texts())
	case hit.Ints:
		return types.NewDynamicList(types.DefaultTypeAdapter, v.Ints())
	default:
		return types.NullValue
	}
}

// kindType is the type of a captured value.
func kindType(k hit.Kind) *types.Type {
	switch k {
	case hit.Text:
		return cel.StringType
	case hit.Int:
		return cel.IntType
	case hit.Double:
		return cel.DoubleType
	case hit.Bool:
		return cel.BoolType
	case hit.Time:
		return cel.TimestampType
	case hit.Duration:
		return cel.DurationType
	case hit.Place:
		return placeType
	case hit.Texts:
		return textList
	case hit.Ints:
		return intList
	default:
		return cel.DynType
	}
}

// typeKind is the kind of value that an expression of that type captures; hit.None if it can't be captured.
func typeKind(t *types.Type) hit.Kind {
	for k := hit.Text; k <= hit.Ints; k++ {
		if t.IsExactType(kindType(k)) {
			return k
		}
	}
	return hit.None
}
