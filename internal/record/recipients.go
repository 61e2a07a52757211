package record

import (
	"slices"
	"strings"
)

// SplitRecipients cuts a list of recipients as cmdlets write it, at semicolons outside quotes and at commas between
// addresses, and takes each one's address from its display form. Addresses come in lower case, each once; other names
// and directory paths as they are.
func SplitRecipients(s string) []string {
	var all []string
	for _, part := range splitOutsideQuotes(s, ';') {
		all = appendRecipients(all, part)
	}
	return distinct(all)
}

// appendRecipients appends the recipient that part names, or those between its commas. Commas also stand in names
// (Doe, John <j@x>) and paths (CN=ann,OU=x): they separate if more than one piece is an address, or one before the last.
func appendRecipients(all []string, part string) []string {
	whole := recipient(part)
	if !strings.Contains(part, ",") {
		return appendRecipient(all, whole)
	}
	pieces := splitOutsideQuotes(part, ',')
	addresses, last := 0, false
	for i, p := range pieces {
		if pieces[i] = recipient(p); IsAddress(pieces[i]) && !(isPath(whole) && strings.Contains(pieces[i], "=")) {
			addresses++
			last = i == len(pieces)-1
		}
	}
	if addresses == 0 || addresses == 1 && last && IsAddress(whole) {
		return appendRecipient(all, whole)
	}
	for _, p := range pieces {
		all = appendRecipient(all, p)
	}
	return all
}

func appendRecipient(all []string, name string) []string {
	if name == "" {
		return all
	}
	return append(all, name)
}

// distinct keeps the first of equal texts. It takes the list over.
func distinct(list []string) []string {
	if len(list) < 2 {
		return list
	}
	seen := make(map[string]bool, len(list))
	return slices.DeleteFunc(list, func(s string) bool {
		if seen[s] {
			return true
		}
		seen[s] = true
		return false
	})
}

// recipient is one recipient's address, in lower case, or its name as it is: a@b, smtp:a@b, "Name" [SMTP:a@b],
// Name <a@b>, EX:/o=...
func recipient(s string) string {
	s = strings.TrimSpace(s)
	if inner := bracketed(s); inner != "" {
		s = inner
	}
	s = trimScheme(s)
	if unquoted := strings.Trim(s, `"'`); IsAddress(unquoted) {
		s = unquoted
	}
	if IsAddress(s) {
		return strings.ToLower(s)
	}
	return s
}

// bracketed is the address or path in the last brackets of a display form, "" if it holds none.
func bracketed(s string) string {
	for _, b := range [...]string{"[]", "<>"} {
		end := strings.LastIndexByte(s, b[1])
		start := strings.LastIndexByte(s[:max(end, 0)], b[0])
		if start < 0 || end < start {
			continue
		}
		inner := strings.TrimSpace(s[start+1 : end])
		if bare := trimScheme(inner); IsAddress(bare) || isPath(inner) {
			return inner
		}
	}
	return ""
}

// trimScheme takes off smtp: and mailto:, in any case, also doubled.
func trimScheme(s string) string {
	for {
		rest := s
		for _, scheme := range [...]string{"smtp:", "mailto:"} {
			if len(rest) >= len(scheme) && strings.EqualFold(rest[:len(scheme)], scheme) {
				rest = strings.TrimSpace(rest[len(scheme):])
			}
		}
		if len(rest) == len(s) {
			return s
		}
		s = rest
	}
}

// isPath says whether s is a path in a directory: EX:/o=..., /o=... or CN=..., which tells nothing of inside or outside.
func isPath(s string) bool {
	s = strings.ToLower(s)
	return strings.HasPrefix(s, "ex:") || strings.HasPrefix(s, "/o=") || strings.HasPrefix(s, "cn=")
}

// recipientsIn collects the recipients that raw JSON names in any shape: text, a list, an object with one of the usual
// members, nested.
func recipientsIn(all []string, raw []byte, depth int) []string {
	if depth > 8 {
		return all
	}
	if inner := jsonInText(raw); inner != nil {
		raw = inner
	}
	switch KindOf(raw) {
	case '"':
		for _, one := range SplitRecipients(TextOf(raw)) {
			all = appendRecipient(all, one)
		}
	case '[':
		for e := range Elements(raw) {
			all = recipientsIn(all, e, depth+1)
		}
	case '{':
		o := Object{raw}
		for _, name := range [...]string{"Recipients", "Values", "Value", "SmtpAddress", "EmailAddress", "Address", "Email",
			"PrimarySmtpAddress", "RoutingAddress", "LegacyExchangeDN", "DisplayName", "Name"} {
			if v := o.foldValue(name); KindOf(v) != 0 && KindOf(v) != 'n' {
				if found := recipientsIn(all, v, depth+1); len(found) > len(all) {
					return found
				}
			}
		}
	}
	return all
}
