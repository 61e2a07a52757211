package email

import "strings"

// plain is the letter as plain text. Lines are not broken where they are long: every client breaks them where its window
// ends, and a telephone's window ends early.
func (l *letter) plain() string {
	var b strings.Builder
	head := l.Label
	if l.State != "" {
		head += ", " + l.State
	}
	b.WriteString(head + ": " + l.Title + "\n")
	part := func(title string, lines ...string) {
		if len(lines) == 0 {
			return
		}
		b.WriteByte('\n')
		if title != "" {
			b.WriteString(title + "\n")
		}
		for _, s := range lines {
			b.WriteString(s + "\n")
		}
	}
	part("", prefixed("! ", l.Marks)...)
	part("What changed", prefixed("- ", l.Changes)...)
	part("", l.facts()...)
	if l.Respond != "" {
		part("To respond, in PowerShell", prefixed("    ", strings.Split(l.Respond, "\n"))...)
		if l.Altered {
			b.WriteString(altered + "\n")
		}
	}
	if len(l.Why) > 0 {
		part(l.why(), strings.Join(l.Why, "\n\n"))
	}
	part("It may be harmless", prefixed("- ", l.Benign)...)
	var evidence []string
	if l.Records != "" {
		evidence = append(evidence, "Records: "+l.Records)
	}
	if len(l.Attack) > 0 {
		evidence = append(evidence, "ATT&CK: "+strings.Join(texts(l.Attack), ", "))
	}
	part("", evidence...)
	part("Read more", prefixed("- ", texts(l.Sources))...)
	if l.Cut != "" {
		part("", l.Cut)
	}
	b.WriteString("\n-- \n" + strings.Join(l.Footer, "\n") + "\n")
	return b.String()
}

// altered says what was done to commands that hold an address.
const altered = "A command with an address begins with # and does nothing as it is, so that nobody follows the address by mistake: hxxp is http, [.] a full stop. detect alerts show has the command as it is to be run."

// why is the title of the explanation; a notice's needs none.
func (l *letter) why() string {
	if len(l.Facts) == 0 {
		return ""
	}
	return "Why it matters"
}

// facts are the facts, a line each, or several with the label above them.
func (l *letter) facts() []string {
	var lines []string
	for _, f := range l.Facts {
		if len(f.Lines) == 1 {
			lines = append(lines, f.Label+": "+f.Lines[0])
			continue
		}
		lines = append(append(lines, f.Label+":"), prefixed("    ", f.Lines)...)
	}
	return lines
}

func prefixed(prefix string, list []string) []string {
	lines := make([]string, len(list))
	for i, s := range list {
		lines[i] = strings.TrimRight(prefix+s, " ")
	}
	return lines
}

// texts are the texts of links; a text client makes links of addresses itself.
func texts(list []link) []string {
	lines := make([]string, len(list))
	for i, l := range list {
		lines[i] = l.Text
	}
	return lines
}
