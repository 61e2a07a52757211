package expr

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/cel-go/common"
	celast "github.com/google/cel-go/common/ast"
)

// positions finds the place of a part of an expression in its text.
type positions struct {
	src   string
	ast   *celast.AST
	nodes map[int64]celast.Expr
}

func newPositions(src string, a *celast.AST) *positions {
	p := &positions{src: src, ast: a, nodes: make(map[int64]celast.Expr)}
	celast.PreOrderVisit(a.Expr(), celast.NewExprVisitor(func(e celast.Expr) { p.nodes[e.ID()] = e }))
	return p
}

// byteOffset is the byte offset of a code point.
func byteOffset(src string, point int) int {
	at := 0
	for ; point > 0 && at < len(src); point-- {
		_, size := utf8.DecodeRuneInString(src[at:])
		at += size
	}
	return at
}

// locationOffset is the byte offset of a line and column of cel-go.
func locationOffset(src string, l common.Location) int {
	if l == nil || l.Line() < 1 {
		return 0
	}
	at := 0
	for range l.Line() - 1 {
		i := strings.IndexByte(src[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	return at + byteOffset(src[at:], max(l.Column(), 0))
}

// tokenEnd is where the word, number, text or sign that begins at an offset ends.
func tokenEnd(src string, at int) int {
	if at >= len(src) {
		return len(src)
	}
	r, size := utf8.DecodeRuneInString(src[at:])
	switch {
	case wordPart(r):
		end := at
		for end < len(src) {
			r, size := utf8.DecodeRuneInString(src[end:])
			if !wordPart(r) && !(r == '.' && unicode.IsDigit(rune(src[at]))) {
				break
			}
			end += size
		}
		return end
	case r == '\'' || r == '"':
		for end := at + size; end < len(src); end++ {
			switch src[end] {
			case '\\':
				end++
			case byte(r):
				return end + 1
			}
		}
		return len(src)
	}
	for _, op := range []string{"&&", "||", "==", "!=", "<=", ">="} {
		if strings.HasPrefix(src[at:], op) {
			return at + len(op)
		}
	}
	return at + size
}

func wordPart(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// at is where a node's own token stands: of a selection the dot, of a call the parenthesis or the operator.
func (p *positions) at(id int64) (int, bool) {
	r, ok := p.ast.SourceInfo().GetOffsetRange(id)
	if !ok {
		return 0, false
	}
	return byteOffset(p.src, int(r.Start)), true
}

// field is the extent of a selection's field name.
func (p *positions) field(e celast.Expr) (int, int) {
	at, _ := p.at(e.ID())
	if i := strings.Index(p.src[at:], e.AsSelect().FieldName()); i >= 0 && i < 8 {
		at += i
	}
	return at, tokenEnd(p.src, at)
}

// callee is the extent of a called function's name, which stands before the parenthesis.
func (p *positions) callee(e celast.Expr) (int, int) {
	at, _ := p.at(e.ID())
	name := e.AsCall().FunctionName()
	short := name[strings.LastIndexByte(name, '.')+1:]
	if i := strings.LastIndex(p.src[:min(at+len(short), len(p.src))], short); i >= 0 {
		return i, i + len(short)
	}
	return at, tokenEnd(p.src, at)
}

// extent is the part of the text that a node was written in: from the first of its tokens to the last.
func (p *positions) extent(e celast.Expr) (int, int) {
	start, end := len(p.src), 0
	celast.PreOrderVisit(e, celast.NewExprVisitor(func(n celast.Expr) {
		at, ok := p.at(n.ID())
		if !ok {
			return
		}
		stop := tokenEnd(p.src, at)
		switch n.Kind() {
		case celast.SelectKind:
			_, stop = p.field(n)
		case celast.CallKind:
			if from, _ := p.callee(n); n.AsCall().FunctionName() != "" && wordStart(n.AsCall().FunctionName()) {
				at = min(at, from)
			}
		}
		start, end = min(start, at), max(end, stop)
	}))
	if start >= end {
		return 0, len(p.src)
	}
	return start, end + p.closing(start, end)
}

// closing is how many bytes behind an extent close what was opened in it.
func (p *positions) closing(start, end int) int {
	open := 0
	for at := start; at < end; at = max(tokenEnd(p.src, at), at+1) {
		switch p.src[at] {
		case '(', '[', '{':
			open++
		case ')', ']', '}':
			open--
		}
	}
	n := 0
	for open > 0 && end+n < len(p.src) && strings.IndexByte(" )]}", p.src[end+n]) >= 0 {
		if p.src[end+n] != ' ' {
			open--
		}
		n++
	}
	if open > 0 {
		return 0
	}
	return n
}

func wordStart(s string) bool {
	return s != "" && (s[0] == '_' && len(s) < 3 || unicode.IsLetter(rune(s[0])))
}

// text is what a node was written as, in one line and not long.
func (p *positions) text(e celast.Expr) string {
	start, end := p.extent(e)
	s := strings.Join(strings.Fields(p.src[start:end]), " ")
	if len([]rune(s)) > 40 {
		return nameOf(e)
	}
	return s
}

// nameOf is what a person would call the value of a node: a field's, a variable's or a function's name.
func nameOf(e celast.Expr) string {
	switch e.Kind() {
	case celast.IdentKind:
		return e.AsIdent()
	case celast.SelectKind:
		return e.AsSelect().FieldName()
	case celast.CallKind:
		if name := e.AsCall().FunctionName(); wordStart(name) {
			return name + "(…)"
		}
	case celast.LiteralKind:
		return "the constant"
	}
	return "the left side"
}
