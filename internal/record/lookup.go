package record

import (
	"encoding/binary"
	"math/bits"
)

const (
	lookupBits = 11 // 2,048 places for some 350 names: most names stand at their first place
	lookupMask = 1<<lookupBits - 1
)

// lookupTable finds a field by the hash of its name; a taken place passes on to the next one.
var lookupTable = buildLookup()

func buildLookup() (t [1 << lookupBits]Field) {
	for f := FNone + 1; f < numFields; f++ {
		i := nameHash([]byte(fieldTable[f].name))
		for t[i&lookupMask] != FNone {
			i++
		}
		t[i&lookupMask] = f
	}
	return t
}

// nameHash mixes the length and the outer bytes of a name, which tell nearly all field names apart.
func nameHash(name []byte) uint64 {
	n := len(name)
	var a, b uint64
	switch {
	case n >= 8:
		a, b = binary.LittleEndian.Uint64(name), binary.LittleEndian.Uint64(name[n-8:])
	case n >= 4:
		a, b = uint64(binary.LittleEndian.Uint32(name)), uint64(binary.LittleEndian.Uint32(name[n-4:]))
	case n > 0:
		a, b = uint64(name[0]), uint64(name[n/2])<<8|uint64(name[n-1])
	}
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^uint64(n)^0xd1b54a32d192ed03)
	return (hi ^ lo) >> (64 - lookupBits)
}

func findField(name []byte) Field {
	for i := nameHash(name); ; i++ {
		f := lookupTable[i&lookupMask]
		if f == FNone || fieldTable[f].name == string(name) {
			return f
		}
	}
}
