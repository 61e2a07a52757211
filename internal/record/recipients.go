package record

import (
	"slices"
	"strings"
)

// SplitRecipients cuts a list of recipients as cmdlets write it, at semicolons and line ends outside quotes and at commas and
// blanks between addresses, and takes each one's address from its display form. Addresses come in lower case, each once;
// other names and directory paths as they are.
func SplitRecipients(s string) []string {
	var all []string
	for _, part := range splitOutsideQuotes(s, ';') {
		all = appendRecipients(all, part)
	}
	return distinct(all)
}

// appendRecipients appends the recipients of one part between semicolons, in as many lines as it has.
func appendRecipients(all []string, part string) []string {
	if strings.ContainsAny(part, "\r\n") {
		for _, line := range splitOutsideQuotes(strings.ReplaceAll(part, "\r", "\n"), '\n') {
			all = appendLine(all, line)
		}
		return all
	}
	return appendLine(all, part)
}

// appendLine appends the recipient that s names, or those between its commas. Commas also stand in names
// (Doe, John <j@x>) and paths (CN=ann,OU=x): they separate if more than one piece is an address, or one before the last.
func appendLine(all []string, s string) []string {
	whole := recipient(s)
	if IsAddress(whole) && !strings.Contains(s, ",") {
		return append(all, whole)
	}
	pieces := splitOutsideQuotes(s, ',')
	if len(pieces) < 2 {
		return appendWords(all, s, whole)
	}
	addresses, last := 0, false
	for i, p := range pieces {
		if pieces[i] = recipient(p); IsAddress(pieces[i]) && !(isPath(whole) && strings.Contains(pieces[i], "=")) {
			addresses++
			last = i == len(pieces)-1
		}
	}
	switch {
	case addresses == 1 && last && IsAddress(whole):
		return append(all, whole)
	case addresses == 0:
		return appendWords(all, s, whole)
	}
	for _, p := range pieces {
		all = appendWords(all, p, p)
	}
	return all
}

// appendWords appends whole, the recipient read of s, or if that is no address but words of it are, these: what stands in
// front of them may be names, and no name hides an address.
func appendWords(all []string, s, whole string) []string {
	if IsAddress(whole) || !strings.Contains(s, "@") {
		return appendRecipient(all, whole)
	}
	before, path := len(all), isPath(whole)
	for _, word := range strings.Fields(strings.NewReplacer(`"`, " ", ";", " ", ",", " ").Replace(s)) {
		if a := recipient(word); IsAddress(a) && !(path && strings.ContainsAny(a, "/=")) {
			all = append(all, a)
		}
	}
	if len(all) > before {
		return all
	}
	return appendRecipient(all, whole)
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
// Name <a@b>, a@b (Name), EX:/o=...
func recipient(s string) string {
	s = trimScheme(strings.TrimSpace(s))
	if IsAddress(s) && !looseQuote(s) {
		return strings.ToLower(s)
	}
	inner := bracketed(s)
	if inner == "" {
		inner = s
	}
	inner = trimScheme(inner)
	for _, a := range [...]string{inner, strings.Trim(inner, `"'`), withoutComments(inner), strings.ReplaceAll(inner, `"`, "")} {
		if a = trimScheme(a); IsAddress(a) {
			return strings.ToLower(a)
		}
	}
	return inner
}

// looseQuote says whether s begins with an apostrophe, which may be a quote around an address or part of one.
func looseQuote(s string) bool { return s[0] == '\'' }

// withoutComments takes out what stands in round brackets outside quotes.
func withoutComments(s string) string {
	if !strings.Contains(s, "(") {
		return s
	}
	out, depth, quoted := make([]byte, 0, len(s)), 0, false
	for _, c := range []byte(s) {
		switch {
		case c == '"' && depth == 0:
			quoted = !quoted
		case c == '(' && !quoted:
			depth++
			continue
		case c == ')' && !quoted && depth > 0:
			depth--
			continue
		}
		if depth == 0 {
			out = append(out, c)
		}
	}
	return strings.TrimSpace(string(out))
}

// bracketed is the address or path in the last brackets of a display form, "" if it holds none. An address in square
// brackets may end in an address literal, which has such brackets of its own.
func bracketed(s string) string {
	for _, b := range [...]string{"[]", "<>"} {
		end := strings.LastIndexByte(s, b[1])
		start := max(end, 0)
		for range 2 {
			if start = strings.LastIndexByte(s[:start], b[0]); start < 0 {
				break
			}
			inner := strings.TrimSpace(s[start+1 : end])
			if bare := trimScheme(inner); IsAddress(bare) || isPath(inner) {
				return inner
			}
		}
	}
	return ""
}

// trimScheme takes off smtp: and mailto:, in any case, also doubled, and any other such word before an address (SIP:).
func trimScheme(s string) string {
	for {
		rest := s
		for _, scheme := range [...]string{"smtp:", "mailto:"} {
			if len(rest) >= len(scheme) && strings.EqualFold(rest[:len(scheme)], scheme) {
				rest = strings.TrimSpace(rest[len(scheme):])
			}
		}
		if len(rest) == len(s) {
			break
		}
		s = rest
	}
	scheme, rest, ok := strings.Cut(s, ":")
	rest = strings.TrimSpace(rest)
	if !ok || len(scheme) > 16 || strings.HasPrefix(rest, "/") || !IsAddress(rest) || !isAlnum(scheme) {
		return s
	}
	return rest
}

// isAlnum says whether s is ASCII letters and digits, at least one.
func isAlnum(s string) bool {
	for _, c := range []byte(s) {
		if !isDigit(c) && !('a' <= c|0x20 && c|0x20 <= 'z') {
			return false
		}
	}
	return s != ""
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
