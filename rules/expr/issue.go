package expr

// Issue is a fault in an expression, in words for those who write rules.
type Issue struct {
	Offset  int    // byte offset in the expression's text
	End     int    // byte offset of the end of what is at fault; at least Offset
	Message string // what is wrong
	Hint    string // what to write instead; may be empty
	Name    string // for NewBuilder and NewWorld: the parameter or list that is at fault; else empty
}

func (i Issue) String() string {
	if i.Hint == "" {
		return i.Message
	}
	return i.Message + ": " + i.Hint
}
