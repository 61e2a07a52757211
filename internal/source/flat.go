package source

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"detect/internal/record"
)

// column is what a name in a table or wrapper means in a record.
type column struct {
	field string // Microsoft's field name
	rank  uint8  // of several with content the greatest counts
}

// The ranks of what may fill a field.
const (
	spare   uint8 = iota + 1 // the doubled column of Log Analytics, whose name ends in _
	synonym                  // a name that wrappers use
	own                      // the field's own name, in any case
	exact                    // the field's own name
)

// columns are the names, in lower case, that tables and wrappers use for a record's fields. What they stand for is the
// Sentinel table OfficeActivity's own list, Microsoft Graph's auditLogRecord, and the objects of Search-UnifiedAuditLog.
var columns = map[string]column{
	"officeid":                       {"Id", own},
	"identity":                       {"Id", synonym},
	"recordid":                       {"Id", synonym},
	"officeworkload":                 {"Workload", own},
	"service":                        {"Workload", synonym},
	"officeobjectid":                 {"ObjectId", own},
	"operations":                     {"Operation", synonym},
	"userids":                        {"UserId", synonym},
	"auditlogrecordtype":             {"RecordType", synonym},
	"logon_type":                     {"LogonType", own},
	"site_url":                       {"SiteUrl", own},
	"client_ipaddress":               {"ClientIPAddress", own},
	"event_data":                     {"EventData", own},
	"source_name":                    {"SourceName", own},
	"start_time":                     {"StartTime", own},
	"aadtarget":                      {"Target", own},
	"azureactivedirectory_eventtype": {"AzureActiveDirectoryEventType", own},
}

// ownNames finds a field by its name in lower case.
var ownNames = func() map[string]string {
	m := map[string]string{}
	for _, f := range record.Fields() {
		m[strings.ToLower(f.Name())] = f.Name()
	}
	return m
}()

// bookkeeping are columns that say something of the table and not of the record.
var bookkeeping = map[string]bool{
	"sourcesystem": true, "sourcerecordid": true, "officetenantid": true, "officetenantid_": true, "_resourceid": true,
	"_itemid": true, "_timereceived": true, "_billedsize": true, "_isbillable": true, "mg": true, "timegenerated": true, "timegenerated [utc]": true, "managementgroupname": true,
}

// meaning is what a member's name means. A name that means nothing known stays as it is.
func meaning(name string) column {
	if _, ok := record.Lookup(name); ok {
		return column{name, exact}
	}
	low := strings.ToLower(name)
	if open := strings.LastIndex(low, " ["); open > 0 {
		low = low[:open]
	}
	if c, ok := columns[low]; ok {
		return c
	}
	if f, ok := ownNames[low]; ok {
		return column{f, own}
	}
	if base, ok := strings.CutSuffix(low, "_"); ok {
		c := meaning(base)
		if c.rank > 0 {
			c.rank = spare
		}
		return c
	}
	return column{name, 0}
}

// entry is a member on its way into the record.
type entry struct {
	field string
	value []byte
	rank  uint8
}

// gather sorts out what members mean; of several that mean one field the best that has content stays. A table has every
// column in every row, so that what is empty there says nothing.
func gather(members record.Object, table bool) []entry {
	var all []entry
	at := map[string]int{}
	for name, v := range members.Members() {
		if table && (!holds(v) || bookkeeping[strings.ToLower(name)] || ofTheTable(name, v)) {
			continue
		}
		m := meaning(name)
		e := entry{m.field, v, m.rank}
		i, seen := at[e.field]
		switch {
		case !seen:
			at[e.field] = len(all)
			all = append(all, e)
		case holds(e.value) && (!holds(all[i].value) || e.rank >= all[i].rank):
			all[i] = e
		}
	}
	return all
}

// ofTheTable says whether a column of a well-known name means the Sentinel workspace here.
func ofTheTable(name string, v []byte) bool {
	switch name {
	case "TenantId":
		return true
	case "Type":
		return string(v) == `"OfficeActivity"`
	}
	return false
}

// repair makes a record of an object that is nearly one: a row of a table such as Sentinel's OfficeActivity, a record with
// names in other case, one whose time is written in another form or stands in the wrapper only.
func (d *Decoder) repair(w *wrapped, members record.Object) error {
	table := members.Has("OfficeWorkload") || members.Has("OfficeId") || members.Has("OfficeObjectId") || members.Has("TimeGenerated")
	if !table && w.raw.row.table {
		table = true
	}
	return d.assemble(w, members, gather(members, table))
}

// graphRecord makes a record of a Microsoft Graph auditLogRecord without auditData.
func (d *Decoder) graphRecord(w *wrapped, members record.Object) error {
	entries := gather(members, true)
	upn := members.Value("userPrincipalName")
	entries = slices.DeleteFunc(entries, func(e entry) bool {
		return strings.EqualFold(e.field, "AuditData") || e.field == "createdDateTime" || holds(upn) && e.field == "userPrincipalName"
	})
	for i := range entries {
		e := &entries[i]
		switch {
		case e.field == "UserId" && holds(upn):
			entries = append(entries, entry{"UserKey", e.value, own})
			entries[i].value = upn
		case e.field == "RecordType" || e.field == "UserType": // written in camel case
			e.value = capital(e.value)
		}
	}
	return d.assemble(w, members, entries)
}

func capital(v []byte) []byte {
	if len(v) > 2 && v[0] == '"' && 'a' <= v[1] && v[1] <= 'z' {
		v = bytes.Clone(v)
		v[1] -= 'a' - 'A'
	}
	return v
}

// assemble writes the record, with its time in a form that is one, and with what the wrappers know if it lacks it.
func (d *Decoder) assemble(w *wrapped, members record.Object, entries []entry) error {
	o := &objectBuilder{buf: d.bufs[w.level][:0]}
	o.begin()
	has := map[string]bool{}
	for _, e := range entries {
		if e.field == "CreationTime" {
			continue
		}
		has[e.field] = holds(e.value)
		if missing := stand(w, e.field); !has[e.field] && missing != nil {
			continue
		}
		o.member(e.field, typed(e))
	}
	for _, f := range []string{"Operation", "UserId", "Id", "OrganizationId", "RecordType"} {
		if v := stand(w, f); !has[f] && v != nil {
			o.member(f, v)
		}
	}
	o.member("CreationTime", creationTime(members, w.outer.time))
	return d.rewritten(w, o)
}

// stand is what the wrappers have for a field, nil if nothing.
func stand(w *wrapped, field string) []byte {
	var v []byte
	switch field {
	case "Operation":
		v = w.outer.operation
	case "UserId":
		v = w.outer.user
	case "Id":
		v = w.outer.id
	case "OrganizationId":
		v = w.outer.organization
	case "RecordType":
		v = w.outer.recordType
	}
	if !holds(v) {
		return nil
	}
	return v
}

// typed is an entry's value as the type of its field: tables have lists and numbers as text.
func typed(e entry) []byte {
	f, known := record.Lookup(e.field)
	if !known || len(e.value) < 2 || e.value[0] != '"' || f.Type() == record.TypeText {
		return e.value
	}
	inner := bytes.TrimSpace(appendUnquoted(nil, e.value))
	switch f.Type() {
	case record.TypeBool:
		if low := bytes.ToLower(inner); string(low) == "true" || string(low) == "false" {
			return low
		}
	case record.TypeInt:
		if len(inner) > 0 && len(inner) < 16 && inner[0] != '0' && len(bytes.Trim(inner, "0123456789")) == 0 || string(inner) == "0" {
			return inner
		}
	default:
		if len(inner) > 1 && (inner[0] == '[' || inner[0] == '{') && json.Valid(inner) {
			return inner
		}
	}
	return e.value
}

// creationTime is when it happened, by the best that there is: the record's own time, else its row's or wrapper's. A time in
// the form of records stays as it is.
func creationTime(members record.Object, outer []byte) []byte {
	var all [][]byte
	for _, want := range []string{"creationtime", "creationdate", "timegenerated", "createddatetime"} {
		for name, v := range members.Members() {
			if low, _, _ := strings.Cut(strings.ToLower(name), " ["); low == want {
				all = append(all, v)
			}
		}
	}
	all = append(all, outer)
	for name, v := range members.Members() {
		if low, _, _ := strings.Cut(strings.ToLower(name), " ["); low == "start_time" || low == "starttime" || low == "@timestamp" || low == "_time" {
			all = append(all, v)
		}
	}
	for _, v := range all {
		if len(v) > 12 && v[0] == '"' && v[11] == 'T' {
			if _, ok := record.TimestampOf(v); ok {
				return v
			}
		}
		if us, ok := timeOf(v); ok {
			return time.UnixMicro(us).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.999999"`)
		}
	}
	return or(all...)
}

// timeOf reads a time of the forms that record knows and some that only exports have: an object around it (ConvertTo-Json of
// PowerShell 5), seconds with a fraction (Splunk), day.month.year, and day/month/year where the first is no month.
func timeOf(v []byte) (us int64, ok bool) {
	if us, ok := record.TimestampOf(v); ok {
		return us, true
	}
	if record.KindOf(v) == '{' {
		inner := record.ObjectOf(v)
		for _, name := range []string{"value", "DateTime", "date"} {
			if us, ok := record.TimestampOf(inner.Value(name)); ok {
				return us, true
			}
		}
		return 0, false
	}
	s := strings.TrimSpace(record.TextOf(v))
	if len(s) > 40 {
		return 0, false
	}
	if whole, fraction, found := strings.Cut(s, "."); found && len(whole) == 10 && strings.Trim(whole+fraction, "0123456789") == "" {
		us, ok = record.ParseTime(whole)
		scale := int64(100_000)
		for _, c := range fraction {
			us += int64(c-'0') * scale
			scale /= 10
		}
		return us, ok
	}
	for _, layout := range []string{
		"2.1.2006 15:04:05", "2.1.2006 15:04", "2.1.2006, 15:04:05", "2/1/2006 15:04:05", "2/1/2006 15:04", "2/1/2006, 15:04:05",
		"2/1/2006 3:04:05 PM", "2-1-2006 15:04:05", "Jan 2, 2006 3:04:05 PM", "Mon, 02 Jan 2006 15:04:05 GMT",
		"2006/1/2 15:04:05",
	} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1970 && t.Year() < 10000 {
			return t.UnixMicro(), true
		}
	}
	return 0, false
}
