package record

import (
	"iter"
	"strings"
)

// values yields the elements of a list or the values of an object.
func values(raw []byte) iter.Seq[[]byte] {
	if KindOf(raw) == '[' {
		return Elements(raw)
	}
	return func(yield func([]byte) bool) {
		for _, p := range objectPairs(nil, raw) {
			if !yield(p.raw) {
				return
			}
		}
	}
}

// addClauses reads a RuleCondition: clauses such as [SenderSearchKey Equal SMTP:PAY@CONTOSO.EXAMPLE] in round brackets.
func (rule *InboxRule) addClauses(s string) {
	for {
		_, rest, ok := strings.Cut(s, "[")
		if !ok {
			return
		}
		clause, after, ok := strings.Cut(rest, "]")
		if !ok {
			return
		}
		s = after
		if i := strings.LastIndexByte(clause, '['); i >= 0 {
			clause = clause[i+1:]
		}
		fields := strings.Fields(clause)
		if len(fields) == 0 {
			continue
		}
		rule.Conditions++
		if len(fields) > 2 {
			// The value begins after the property and the operator, and keeps its blanks.
			value := clause[strings.Index(clause, fields[0])+len(fields[0]):]
			value = value[strings.Index(value, fields[1])+len(fields[1]):]
			rule.addCondition(strings.ToLower(fields[0]), strings.TrimSpace(value))
		}
	}
}

// addCondition notes the value of a condition by the name of what it looks at.
func (rule *InboxRule) addCondition(property, value string) {
	switch {
	case containsAny(property, "sender", "from"):
		rule.From = appendRecipients(rule.From, value)
	case containsAny(property, "subject", "body", "header", "word"):
		rule.Words = appendRecipient(rule.Words, unquote(value))
	}
}

// addConditions reads Conditions, JSON in a shape that differs between clients: a list of objects that name themselves in a
// member such as ConditionType and hold their values somewhere inside, or an object of such members.
func (rule *InboxRule) addConditions(raw []byte, depth int) {
	if inner := jsonInText(raw); inner != nil {
		raw = inner
	}
	switch KindOf(raw) {
	case '[':
		for e := range Elements(raw) {
			if KindOf(e) != '{' && KindOf(e) != '"' {
				continue
			}
			rule.Conditions++
			kind := conditionKind(e)
			for _, s := range conditionValues(nil, e, 0) {
				rule.addCondition(kind, s)
			}
		}
	case '{':
		for _, p := range objectPairs(nil, raw) {
			if KindOf(p.raw) == 'n' || isUnset(TextOf(p.raw)) {
				continue
			}
			if depth == 0 && foldEqual(p.name, "Conditions") {
				rule.addConditions(p.raw, depth+1)
				continue
			}
			rule.Conditions++
			for _, s := range conditionValues(nil, p.raw, 0) {
				rule.addCondition(strings.ToLower(string(p.name)), s)
			}
		}
	}
}

func conditionKind(e []byte) string {
	kind := actionKind(e)
	if t := strings.ToLower(TextOf(ObjectOf(e).foldValue("ConditionType"))); t != "" {
		kind = t
	}
	return kind
}

// conditionValues collects the texts inside a condition, but for those that name it.
func conditionValues(all []string, raw []byte, depth int) []string {
	if depth > 8 {
		return all
	}
	switch KindOf(raw) {
	case '"':
		if t := TextOf(raw); t != "" {
			all = append(all, t)
		}
	case '[':
		for e := range Elements(raw) {
			all = conditionValues(all, e, depth+1)
		}
	case '{':
		for _, p := range objectPairs(nil, raw) {
			if !strings.HasSuffix(strings.ToLower(string(p.name)), "type") && !foldEqual(p.name, "Name") {
				all = conditionValues(all, p.raw, depth+1)
			}
		}
	}
	return all
}
