package record

import "net/netip"

type state struct{}

func findField(name []byte) Field { return FNone }

// Parse validates raw as strict JSON and indexes it. A record is one JSON object, with blanks around it, of at most
// MaxSize bytes and MaxDepth levels; invalid UTF-8 is tolerated and reads as U+FFFD; of members of one name the last
// counts. The error is a *SyntaxError, after which the record is empty. raw must stay unchanged until the next Parse.
func (r *Record) Parse(raw []byte) error { return nil }

// Raw is what Parse was given.
func (r *Record) Raw() []byte { return nil }

// Has says whether the field is there and not null.
func (r *Record) Has(f Field) bool { return false }

// Value is the raw JSON of a field, nil if it is absent.
func (r *Record) Value(f Field) []byte { return nil }

// Unknown is the raw JSON of the top-level member of any name, known or not, nil if it is absent. It is slow.
func (r *Record) Unknown(name string) []byte { return nil }

// All is the whole record as an Object.
func (r *Record) All() Object { return Object{} }

// Text reads a field as TextOf does; the result is remembered and costs nothing the second time.
func (r *Record) Text(f Field) string { return "" }

// Is says whether Text(f) == s, without allocating.
func (r *Record) Is(f Field, s string) bool { return false }

// Int reads a field as IntOf does; RecordType, UserType, LogonType and the like also from their names. A RecordType that
// can't be read is 0.
func (r *Record) Int(f Field) int64 { return 0 }

// Bool reads a field as BoolOf does.
func (r *Record) Bool(f Field) bool { return false }

// Double reads a field as DoubleOf does.
func (r *Record) Double(f Field) float64 { return 0 }

// Timestamp reads a field as TimestampOf does.
func (r *Record) Timestamp(f Field) (us int64, ok bool) { return 0, false }

// Texts reads a field as TextsOf does.
func (r *Record) Texts(f Field) []string { return nil }

// NameValues reads a field as NameValuesOf does; the result is remembered and must not be changed.
func (r *Record) NameValues(f Field) []NameValue { return nil }

// Modifications reads ModifiedProperties as ModificationsOf does; the result is remembered and must not be changed.
func (r *Record) Modifications() []Modification { return nil }

// Object reads a field as ObjectOf does.
func (r *Record) Object(f Field) Object { return Object{} }

// Objects reads a field as ObjectsOf does.
func (r *Record) Objects(f Field) []Object { return nil }

// Time is when it happened: CreationTime, microseconds UTC; ok is false if it has no usable one.
func (r *Record) Time() (us int64, ok bool) { return 0, false }

// ParseTime reads a time in any form that exports use, as UTC where it names no zone: 2006-01-02T15:04:05 with or without
// Z, fraction, offset, with a blank instead of the T, a date alone, /Date(ms)/, seconds or milliseconds since 1970, and
// 1/2/2006 3:04:05 PM. An impossible day, hour, minute or second becomes the nearest possible one. Only the years 1970 to
// 9999 are ok.
func ParseTime(s string) (us int64, ok bool) { return 0, false }

// Identity digests what makes two copies one record: normalised OrganizationId, Id, Operation, CreationTime, UserId,
// ObjectId. A record without Id takes its canonical content as Id.
func (r *Record) Identity() ID { return ID{} }

// Content digests the content. It is equal for copies that differ in key order, spacing and string escaping only, and the
// same in every process.
func (r *Record) Content() uint64 { return 0 }

// Variant ranks this copy among others of the same record.
func (r *Record) Variant() Variant { return Variant{} }

// MarkTruncated notes that whoever exported the record cut something off. Parse resets it.
func (r *Record) MarkTruncated() {}

// Truncated says whether something was cut off: MarkTruncated, or PowerShell's marks of it in a value.
func (r *Record) Truncated() bool { return false }

// OperationKey folds an operation's name for comparison: case, outer blanks, a final period and the kind of dash.
func OperationKey(s string) string { return s }

// AppendOperationKey appends OperationKey(s) to dst.
func AppendOperationKey(dst []byte, s string) []byte { return dst }

// OperationKey is OperationKey(Text(FOperation)), remembered; of operations seen before it allocates nothing.
func (r *Record) OperationKey() string { return "" }

// RecordTypeNumber is RecordType as number, whether written as number or name; 0 if it has none.
func (r *Record) RecordTypeNumber() int64 { return 0 }

// RecordTypeName is Microsoft's name of a RecordType, "" if unknown.
func RecordTypeName(n int64) string { return "" }

// Workload is the field Workload; where it is absent, the one that RecordType tells.
func (r *Record) Workload() string { return "" }

// User is who acted, for comparison: UserId in lower case without claims prefix (i:0#.f|membership|) and without
// urn:spo:guest#; "" for nobody in particular (Not Available, NOT-FOUND).
func (r *Record) User() string { return "" }

// System says whether a service of Microsoft's acted, not a person: UserType DcAdmin or System, or a UserId such as
// NT AUTHORITY\SYSTEM (...).
func (r *Record) System() bool { return false }

// Guest says whether a guest of the tenant acted.
func (r *Record) Guest() bool { return false }

// Anonymous says whether somebody acted who did not sign in, through a sharing link.
func (r *Record) Anonymous() bool { return false }

// Application says whether an application acted on its own: a service principal.
func (r *Record) Application() bool { return false }

// UserTypeName is Microsoft's name of the UserType, "" if it has none or an unknown one.
func (r *Record) UserTypeName() string { return "" }

// App is the id of the application that the actor used, lower case; "" if unknown.
func (r *Record) App() string { return "" }

// Session is the sign-in session, lower case; "" if unknown.
func (r *Record) Session() string { return "" }

// Agent is the client's own name: user agent or ClientInfoString; "" if unknown.
func (r *Record) Agent() string { return "" }

// IP is the actor's address, unmapped and without port; the zero Addr if there is none.
func (r *Record) IP() netip.Addr { return netip.Addr{} }

// ParseIP reads an address in any form that records use: with port after a colon or dash, in brackets, IPv4 mapped into
// IPv6; ok is false for "", <null>, names and impossible addresses. The zone of a link-local address is dropped.
func ParseIP(s string) (addr netip.Addr, ok bool) { return netip.Addr{}, false }

// Mailbox is the mailbox acted on, lower case: an address where the record gives one, else an alias; "" if none is.
func (r *Record) Mailbox() string { return "" }

// Owner is the owner of the mailbox acted on, lower case.
func (r *Record) Owner() string { return "" }

// Target is who or what is acted on: the user, group, role member, application or grantee; addresses in lower case.
func (r *Record) Target() string { return "" }

// Items is how many mails or files the record stands for, at least 1.
func (r *Record) Items() int64 { return 1 }

// Subjects are the subjects of the mails touched.
func (r *Record) Subjects() []string { return nil }

// Recipients are whom a mail went to, addresses in lower case.
func (r *Record) Recipients() []string { return nil }

// Scopes are the permissions that a consent, permission grant or role assignment gives.
func (r *Record) Scopes() []string { return nil }

// Failed says whether the activity failed. Of sign-ins the Operation decides, since their ResultStatus lies.
func (r *Record) Failed() bool { return false }

// NameValue is one named value of Parameters, ExtendedProperties and the like.
type NameValue struct {
	Name  string
	Value string   // a value that is not text is its JSON; a switch without value is "True"
	List  []string // the elements if the value was a list, else nil
}

// NameValuesOf reads raw JSON as named values: a list of {Name, Value}, an object, text that holds either as JSON, a
// command line (-Name "x" -Export), or a list of texts (names without value, Name=Value, or @{Name=x; Value=y}).
func NameValuesOf(raw []byte) []NameValue { return nil }

// Param is a value of Parameters, named without regard to case; of several of that name the last; "" if absent.
func (r *Record) Param(name string) string { return "" }

// HasParam says whether Parameters holds the name, with or without value.
func (r *Record) HasParam(name string) bool { return false }

// Params is a value of Parameters as a list: a list's elements, or text cut at semicolons outside quotes.
func (r *Record) Params(name string) []string { return nil }

// Ext is a value of ExtendedProperties, "" if absent.
func (r *Record) Ext(name string) string { return "" }

// Property is a value of OperationProperties, or where that has none, of ExtraProperties, AdditionalInfo and
// PropertyCollection; "" if absent.
func (r *Record) Property(name string) string { return "" }

// Device is a value of DeviceProperties, "" if absent.
func (r *Record) Device(name string) string { return "" }

// Modification is one entry of ModifiedProperties.
type Modification struct {
	Name           string
	Old, New       string   // as text: JSON quoting, a list of one and outer blanks taken off
	Olds, News     []string // as lists; empty values are no elements
	Added, Removed []string // elements of News that are not in Olds, and the other way round
}

// ModificationsOf reads raw JSON as modified properties: a list of {Name, NewValue, OldValue}, an object, a list of names,
// or text that holds one of these as JSON.
func ModificationsOf(raw []byte) []Modification { return nil }

// Modified is the modification of that name, without regard to case; Name is "" if there is none.
func (r *Record) Modified(name string) Modification { return Modification{} }

// Forwards are all recipients that the record makes mail go to, each once: addresses in lower case, other names and
// directory paths (EX:/o=...) as they are. Cleared settings give none.
func (r *Record) Forwards() []string { return nil }

// InboxRule is an inbox rule as the record sets it, whatever its encoding. The zero value is no rule.
type InboxRule struct {
	Name       string
	Added      bool     // made, changed or enabled, with success; false for removed ones and blank modifications
	CatchAll   bool     // made without any condition: it applies to all mail
	Conditions int      // how many conditions the record names
	Forwards   []string // as Record.Forwards
	Words      []string // that subject, body or header must contain
	From       []string // senders, or words of their addresses, that it applies to
	Folder     string   // where it moves mail, without the mailbox before it
	Deletes    bool
	Stops      bool // no further rules are applied
	MarksRead  bool
}

// Rule is the inbox rule that the record is about.
func (r *Record) Rule() InboxRule { return InboxRule{} }

// IsAddress says whether s is one plain mail address.
func IsAddress(s string) bool { return false }

// Domain is the domain of a mail address in lower case, "" if s is none.
func Domain(address string) string { return "" }

// InDomain says whether domain is parent or lies under it, by whole labels, without regard to case.
func InDomain(domain, parent string) bool { return false }

// SplitRecipients cuts a list of recipients as cmdlets write it, and takes each one's address from its display form.
func SplitRecipients(s string) []string { return nil }
