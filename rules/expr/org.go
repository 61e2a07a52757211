package expr

import (
	"errors"
	"strings"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"detect/internal/record"
)

// orgVal is `org`. In a frame it may know the domains of the record; over windows and alerts it has none to ask.
type orgVal struct {
	object
	world   *World
	frame   *Frame // nil over windows and alerts
	learnt  []string
	learned bool
}

func (o *orgVal) Value() any                  { return o }
func (o *orgVal) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(o)) }

var errNoDomains = errors.New("the tenant's own domains are not configured, and a window or an alert has no record to tell them")

// domains are the tenant's own: those configured, else those of the record at hand.
func (o *orgVal) domains() ([]string, error) {
	if len(o.world.domains) > 0 {
		return o.world.domains, nil
	}
	if o.frame == nil {
		return nil, errNoDomains
	}
	if !o.learned {
		o.learned = true
		r := o.frame.rec
		o.learn(strings.ToLower(strings.TrimSpace(r.Text(record.FOrganizationName))))
		o.learn(record.Domain(r.Owner()))
		if !r.Guest() && !r.Anonymous() {
			o.learn(record.Domain(r.User()))
		}
	}
	return o.learnt, nil
}

func (o *orgVal) learn(domain string) {
	if domain != "" {
		o.learnt = append(o.learnt, domain)
	}
}

// side says on which side of the tenant's border an address is. What is no address, such as a bare name or a directory
// path, is on neither.
func (o *orgVal) side(address string) (internal, external bool, err error) {
	domain := domainOf(address)
	if domain == "" {
		return false, false, nil
	}
	own, err := o.domains()
	if err != nil {
		return false, false, err
	}
	// A guest's name holds two domains. Anybody may write an address that looks like one, so that both must be inside.
	internal = within(domain, own)
	if at := record.Domain(address); at != "" {
		internal = internal && within(at, own)
	}
	return internal, !internal, nil
}

// within says whether a domain is, or lies under, one of own.
func within(domain string, own []string) bool {
	for _, d := range own {
		if record.InDomain(domain, d) {
			return true
		}
	}
	return false
}

// domainOf is the domain of a mail address, in the forms that records write it; that of a guest's name is the domain it
// comes from (ann_fabrikam.example#EXT#@contoso.example is of fabrikam.example). "" if it is no address.
func domainOf(address string) string {
	address = strings.TrimSpace(address)
	if i := strings.Index(strings.ToUpper(address), "#EXT#@"); i >= 0 {
		if u := strings.LastIndexByte(address[:i], '_'); u >= 0 {
			return record.Domain(address[:u] + "@" + address[u+1:i])
		}
	}
	if d := record.Domain(address); d != "" {
		return d
	}
	for _, a := range record.SplitRecipients(address) {
		return record.Domain(a)
	}
	return ""
}

func getOrgDomains(target any) (any, error) {
	o, ok := target.(*orgVal)
	if !ok {
		return nil, errNoRecord
	}
	d, err := o.domains()
	if err != nil {
		return nil, err
	}
	return textsValue(append([]string(nil), d...)), nil
}

func orgExternal(org, address ref.Val) ref.Val {
	_, external, err := org.(*orgVal).side(string(address.(types.String)))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(external)
}

func orgInternal(org, address ref.Val) ref.Val {
	internal, _, err := org.(*orgVal).side(string(address.(types.String)))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(internal)
}
