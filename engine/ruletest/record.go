package ruletest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"detect/internal/record"
	"detect/rules"
)

// parse reads a test's record as it would be read from a log.
func parse(r *record.Record, raw []byte) error {
	if err := r.Parse(raw); err != nil {
		return fmt.Errorf("parse %s: %w", raw, err)
	}
	if _, ok := r.Time(); !ok {
		return errors.New("its CreationTime is no time")
	}
	if r.Text(record.FOperation) == "" {
		return errors.New("it has no Operation")
	}
	return nil
}

// makeRecord is record number i of a test, the k-th of its entry, with what the entry leaves out filled in.
func makeRecord(r rules.TestRecord, i int, k int64) ([]byte, error) {
	at := time.UnixMicro(rules.TestStart + r.At + k*r.Every).UTC()
	layout := "2006-01-02T15:04:05"
	if at.Nanosecond() != 0 {
		layout += ".000000"
	}
	more := map[string]any{
		"Id":           fmt.Sprintf("00000000-0000-4000-8000-%012d", i),
		"CreationTime": at.Format(layout),
	}
	var rec record.Record
	if err := rec.Parse(r.JSON(i, more)); err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	more["Workload"], more["RecordType"] = origin(rec.Text(record.FOperation))
	return r.JSON(i, more), nil
}

// origin is the workload and record type that Microsoft writes with an operation, as far as its name tells
// (https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema).
func origin(operation string) (workload string, recordType int) {
	op := strings.ToLower(strings.TrimSpace(operation))
	begins := func(words ...string) bool {
		for _, w := range words {
			if strings.HasPrefix(op, w) {
				return true
			}
		}
		return false
	}
	switch {
	case begins("userlog"):
		return "AzureActiveDirectory", 15
	case strings.HasSuffix(op, ".") || strings.Contains(op, " "):
		return "AzureActiveDirectory", 8
	case begins("alert"):
		return "SecurityComplianceCenter", 40
	case strings.Contains(op, "compliance") || strings.Contains(op, "-case"):
		return "SecurityComplianceCenter", 18
	case begins("search", "case", "hold"):
		return "SecurityComplianceCenter", 24
	case strings.Contains(op, "-"):
		return "Exchange", 1
	case op == "mailitemsaccessed":
		return "Exchange", 50
	case begins("sharing", "anonymouslink", "companylink", "securelink", "addedtosecurelink"):
		return "SharePoint", 14
	case begins("file", "folder") && op != "folderbind":
		return "SharePoint", 6
	case begins("site", "page", "list"):
		return "SharePoint", 4
	case begins("team", "chat", "channel", "message", "member", "meeting") && op != "messagebind":
		return "MicrosoftTeams", 25
	default:
		return "Exchange", 2
	}
}
