package record

// enum maps folded names to numbers.
type enum map[string]int64

// userTypeNames are the names of UserType, by number.
var userTypeNames = []string{"Regular", "Reserved", "Admin", "DcAdmin", "System", "Application", "ServicePrincipal",
	"CustomPolicy", "SystemPolicy", "PartnerTechnician", "Guest"}

// logonTypeNames are the names of LogonType and InternalLogonType, by number.
var logonTypeNames = []string{"Owner", "Admin", "Delegated", "Transport", "SystemService", "BestAccess", "DelegatedAdmin"}

var (
	recordTypes = recordTypeEnum()
	userTypes   = listEnum(userTypeNames, nil)
	logonTypes  = listEnum(logonTypeNames, map[string]int64{"Delegate": 2})
)

func recordTypeEnum() enum {
	e := enum{}
	for n, name := range recordTypeNames {
		e[foldName(name)] = n
	}
	// Names that older tools write for the same numbers.
	e[foldName("Yammer")] = 22
	e[foldName("WorkplaceAnalytics")] = 44
	return e
}

func listEnum(names []string, more map[string]int64) enum {
	e := enum{}
	for n, name := range names {
		e[foldName(name)] = int64(n)
	}
	for name, n := range more {
		e[foldName(name)] = n
	}
	return e
}

// foldName leaves a name's letters and digits, in lower case: exporters differ in case and blanks.
func foldName(name string) string { return string(appendFolded(nil, []byte(name))) }

func appendFolded(dst, name []byte) []byte {
	for _, c := range name {
		switch {
		case 'A' <= c && c <= 'Z':
			dst = append(dst, c|0x20)
		case 'a' <= c && c <= 'z' || isDigit(c):
			dst = append(dst, c)
		}
	}
	return dst
}

// enumOf reads a number, or text that is a number or a known name; absent and null as 0, anything else as -1.
func enumOf(raw []byte, names enum) int64 {
	switch KindOf(raw) {
	case 0, 'n':
		return 0
	case '0':
		return IntOf(raw)
	case '"':
	default:
		return -1
	}
	var room [64]byte
	text := appendText(room[:0], raw)
	if len(text) == 0 {
		return 0
	}
	if c := text[0]; isDigit(c) || c == '-' {
		return IntOf(raw)
	}
	var folded [64]byte
	if n, ok := names[string(appendFolded(folded[:0], text))]; ok {
		return n
	}
	return -1
}

// RecordTypeName is Microsoft's name of a RecordType, "" if unknown.
func RecordTypeName(n int64) string { return recordTypeNames[n] }

// RecordTypeNumber is RecordType as number, whether written as number or name; 0 if absent, -1 if it is a name that is not
// known.
func (r *Record) RecordTypeNumber() int64 { return r.Int(FRecordType) }

// UserTypeName is Microsoft's name of the UserType, "" if absent or not known.
func (r *Record) UserTypeName() string {
	if n := r.Int(FUserType); r.Has(FUserType) && n >= 0 && n < int64(len(userTypeNames)) {
		return userTypeNames[n]
	}
	return ""
}

// itemTypeName is the name of a SharePoint ItemType that is written as number, as the schema page lists them.
func itemTypeName(number string) string {
	switch number {
	case "0":
		return "Invalid"
	case "1":
		return "File"
	case "5":
		return "Folder"
	case "6":
		return "Web"
	case "7":
		return "Site"
	case "8":
		return "Tenant"
	case "9":
		return "DocumentLibrary"
	case "11":
		return "Page"
	}
	return number
}
