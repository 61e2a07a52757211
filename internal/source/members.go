package source

import (
	"bytes"

	"detect/internal/record"
)

// member is one member of a JSON object.
type member struct {
	name  string
	value []byte
}

// members are an object's members as they are written, for the many questions that unwrapping asks.
type members []member

// indexMembers appends the members of object, valid JSON, to dst. names makes text of a name.
func indexMembers(dst members, object []byte, names func([]byte) string) members {
	p := skipBlank(object, 0) + 1
	for {
		if p = skipBlank(object, p); p >= len(object) || object[p] != '"' {
			return dst
		}
		start := p + 1
		var v verdict
		if p, v = scanKey(object, p); v != whole {
			return dst
		}
		name := object[start : start+bytes.LastIndexByte(object[start:p], '"')]
		if bytes.IndexByte(name, '\\') >= 0 {
			name = appendUnquoted(nil, name)
		}
		p = skipBlank(object, p)
		end, v := scanValue(object, p)
		if v != whole {
			return dst
		}
		dst = append(dst, member{names(name), object[p:end:end]})
		if p = skipBlank(object, end); p >= len(object) || object[p] != ',' {
			return dst
		}
		p++
	}
}

// get is the value of a member, nil if there is none; of several of one name the last counts.
func (m members) get(name string) []byte {
	for i := len(m) - 1; i >= 0; i-- {
		if m[i].name == name {
			return m[i].value
		}
	}
	return nil
}

// has says whether a member is there and not null.
func (m members) has(name string) bool {
	v := m.get(name)
	return len(v) > 0 && v[0] != 'n'
}

// object is a member that is an object, or text that holds one.
func (m members) object(name string) record.Object { return record.ObjectOf(m.get(name)) }

// first is the first of the named members that holds something.
func (m members) first(names ...string) []byte {
	for _, n := range names {
		if v := m.get(n); holds(v) {
			return v
		}
	}
	return nil
}

// nameCache is how many names a Decoder remembers. Exports have some hundreds; what is beyond is made up.
const nameCache = 4096

// known is a name that was seen before and what it means.
type known struct {
	name string
	column
}

// know is the meaning of a name, remembered.
func (d *Decoder) know(name []byte) known {
	if k, ok := d.names[string(name)]; ok {
		return k
	}
	k := known{string(name), meaning(string(name))}
	if d.names == nil {
		d.names = map[string]known{}
	}
	if len(d.names) < nameCache && len(name) < 256 {
		d.names[k.name] = k
	}
	return k
}

// index lists the members of an object, in a place of its own for each level of wrapping.
func (d *Decoder) index(level int, object []byte) members {
	d.members[level] = indexMembers(d.members[level][:0], object, func(name []byte) string { return d.know(name).name })
	return d.members[level]
}
