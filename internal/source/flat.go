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
	time  uint8  // its place among what may be the time of the record, from 1; 0 if it is no time
	table bool   // it says something of the table and not of the record
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
	"officeid":                       {field: "Id", rank: own},
	"identity":                       {field: "Id", rank: synonym},
	"recordid":                       {field: "Id", rank: synonym},
	"officeworkload":                 {field: "Workload", rank: own},
	"service":                        {field: "Workload", rank: synonym},
	"officeobjectid":                 {field: "ObjectId", rank: own},
	"operations":                     {field: "Operation", rank: synonym},
	"userids":                        {field: "UserId", rank: synonym},
	"auditlogrecordtype":             {field: "RecordType", rank: synonym},
	"logon_type":                     {field: "LogonType", rank: own},
	"site_url":                       {field: "SiteUrl", rank: own},
	"client_ipaddress":               {field: "ClientIPAddress", rank: own},
	"event_data":                     {field: "EventData", rank: own},
	"source_name":                    {field: "SourceName", rank: own},
	"start_time":                     {field: "StartTime", rank: own},
	"aadtarget":                      {field: "Target", rank: own},
	"azureactivedirectory_eventtype": {field: "AzureActiveDirectoryEventType", rank: own},
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
	"_itemid": true, "_timereceived": true, "_billedsize": true, "_isbillable": true, "mg": true, "timegenerated": true, "managementgroupname": true,
}

// times are the names, in lower case, of what may be the time of a record, the better first. What the wrappers say comes
// before the last four, which say when something began or was stored.
var times = map[string]uint8{
	"creationtime": 1, "creationdate": 2, "timegenerated": 3, "createddatetime": 4,
	"start_time": 6, "starttime": 7, "@timestamp": 8, "_time": 9,
}

const wrapperTime, lastTime = 5, 9

// meaning is what a member's name means. A name that means nothing known stays as it is.
func meaning(name string) column {
	low := strings.ToLower(name)
	if open := strings.LastIndex(low, " ["); open > 0 {
		low = low[:open]
	}
	c := column{field: name, time: times[low], table: bookkeeping[low]}
	if _, ok := record.Lookup(name); ok {
		c.rank = exact
	} else if known, ok := columns[low]; ok {
		c.field, c.rank = known.field, known.rank
	} else if f, ok := ownNames[low]; ok {
		c.field, c.rank = f, own
	} else if base, ok := strings.CutSuffix(low, "_"); ok {
		if b := meaning(base); b.rank > 0 {
			c.field, c.rank = b.field, spare
		}
	}
	return c
}

// entry is a member on its way into the record.
type entry struct {
	field string
	value []byte
	rank  uint8
}

// gather sorts out what members mean; of several that mean one field the best that has content stays. A table has every
// column in every row, so that what is empty there says nothing.
func (d *Decoder) gather(m members, table bool) []entry {
	all := d.entries[:0]
	if d.at == nil {
		d.at = map[string]int{}
	}
	clear(d.at)
	for _, x := range m {
		k := d.know([]byte(x.name))
		if table && (!holds(x.value) || k.table || ofTheTable(x.name, x.value)) {
			continue
		}
		e := entry{k.field, x.value, k.rank}
		i, seen := d.at[e.field]
		switch {
		case !seen:
			d.at[e.field] = len(all)
			all = append(all, e)
		case holds(e.value) && (!holds(all[i].value) || e.rank >= all[i].rank):
			all[i] = e
		}
	}
	d.entries = all
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
func (d *Decoder) repair(w *wrapped, m members) error {
	table := m.has("OfficeWorkload") || m.has("OfficeId") || m.has("OfficeObjectId") || m.has("TimeGenerated")
	if !table && w.raw.row.table {
		table = true
	}
	return d.assemble(w, m, d.gather(m, table))
}

// graphRecord makes a record of a Microsoft Graph auditLogRecord without auditData.
func (d *Decoder) graphRecord(w *wrapped, m members) error {
	entries := d.gather(m, true)
	upn := m.get("userPrincipalName")
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
	return d.assemble(w, m, entries)
}

func capital(v []byte) []byte {
	if len(v) > 2 && v[0] == '"' && 'a' <= v[1] && v[1] <= 'z' {
		v = bytes.Clone(v)
		v[1] -= 'a' - 'A'
	}
	return v
}

// assemble writes the record, with its time in a form that is one, and with what the wrappers know if it lacks it.
func (d *Decoder) assemble(w *wrapped, m members, entries []entry) error {
	o := &objectBuilder{buf: d.bufs[w.level][:0]}
	o.begin()
	var has [len(standIns)]bool
	for _, e := range entries {
		if e.field == "CreationTime" {
			continue
		}
		if i := slices.Index(standIns[:], e.field); i >= 0 {
			if has[i] = holds(e.value); !has[i] && stand(w, e.field) != nil {
				continue
			}
		}
		o.member(e.field, typed(e))
	}
	for i, f := range standIns {
		if v := stand(w, f); !has[i] && v != nil {
			o.member(f, v)
		}
	}
	o.member("CreationTime", d.creationTime(m, w.outer.time))
	return d.rewritten(w, o)
}

// standIns are the fields that a wrapper may know.
var standIns = [...]string{"Operation", "UserId", "Id", "OrganizationId", "RecordType"}

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
func (d *Decoder) creationTime(m members, outer []byte) []byte {
	var all [lastTime + 1][]byte
	for _, x := range m {
		if i := d.know([]byte(x.name)).time; i > 0 && (holds(x.value) || all[i] == nil) {
			all[i] = x.value
		}
	}
	all[wrapperTime] = outer
	for _, v := range all {
		if !holds(v) {
			continue
		}
		if len(v) > 12 && v[0] == '"' && v[11] == 'T' {
			if _, ok := record.TimestampOf(v); ok {
				return v
			}
		}
		if us, ok := timeOf(v); ok {
			return time.UnixMicro(us).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.999999"`)
		}
	}
	return or(all[:]...)
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
