package record

import (
	"unicode"
	"unicode/utf8"
)

// OperationKey folds an operation's name for comparison: case, outer blanks, a final period and the kind of dash.
func OperationKey(s string) string { return string(AppendOperationKey(nil, s)) }

// AppendOperationKey appends OperationKey(s) to dst.
func AppendOperationKey(dst []byte, s string) []byte {
	start := len(dst)
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			if 'A' <= r && r <= 'Z' {
				r |= 0x20
			}
			if r <= ' ' && len(dst) == start {
				continue
			}
			dst = append(dst, byte(r))
			continue
		case isDash(r):
			dst = append(dst, '-')
			continue
		case unicode.IsSpace(r):
			if len(dst) == start {
				continue
			}
			r = ' '
		}
		dst = utf8.AppendRune(dst, unicode.ToLower(r))
	}
	for len(dst) > start && (dst[len(dst)-1] <= ' ' || dst[len(dst)-1] == '.') {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// isDash says whether r is one of the signs that are set for a hyphen.
func isDash(r rune) bool {
	return r >= 0x2010 && r <= 0x2015 || r == 0x2212 || r == 0xfe58 || r == 0xfe63 || r == 0xff0d
}

// OperationKey is OperationKey(Text(FOperation)), remembered; of operations seen before it allocates nothing.
func (r *Record) OperationKey() string {
	return r.opKey.get(r, func(r *Record) string {
		r.scratch = AppendOperationKey(r.scratch[:0], r.Text(FOperation))
		return r.names.intern(r.scratch)
	})
}

// workloadOf tells the Workload of record types that belong to one; it stands in where an export leaves the field out.
var workloadOf = map[int64]string{
	1: "Exchange", 2: "Exchange", 3: "Exchange", 19: "Exchange", 50: "Exchange",
	4: "SharePoint", 6: "SharePoint", 14: "SharePoint", 36: "SharePoint", 7: "OneDrive",
	8: "AzureActiveDirectory", 9: "AzureActiveDirectory", 15: "AzureActiveDirectory",
	18: "SecurityComplianceCenter", 24: "SecurityComplianceCenter", 40: "SecurityComplianceCenter",
	25: "MicrosoftTeams", 57: "MicrosoftTeams", 20: "PowerBI", 28: "ThreatIntelligence",
}

// Workload is the field Workload; where it is absent, the one that RecordType tells, or "".
func (r *Record) Workload() string {
	if w := r.Text(FWorkload); w != "" {
		return w
	}
	return workloadOf[r.RecordTypeNumber()]
}
