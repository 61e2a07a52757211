package hit

// Column is one capture over many hits, in event-time order, as expressions see it: a list with its sums. A captured
// list counts element by element.
type Column struct {
	Kind   Kind    // of an element
	Bare   []Value // the values themselves; over an alert only those of its first 100 marks
	Len    int64   // how many values there are in all
	Counts []Count // every distinct value with how often it occurs, sorted by value; over an alert a sample once there are more than 1,000
	// Distinct is how many distinct values there are: exact, or an estimate if Approximate.
	Distinct    int64
	Sum         float64 // of numbers and durations
	Min, Max    Value   // no value if the column is empty
	First, Last Value
	Approximate bool // Counts is a sample and Distinct an estimate
}

// Count is a distinct value and how often it occurs.
type Count struct {
	Value Value
	N     int64
}

// Window is what `having` is evaluated over: the hits of one entity in (t - within, t], those that an exception hides
// left out.
type Window struct {
	Key  string
	Hits []*Hit // by (time, identity)
}

// Pair is what `neighbours` is evaluated over.
type Pair struct {
	Key       string
	Prev, Cur *Hit
	Gap       int64 // microseconds from Prev to Cur, plus one second: never zero
}

// View is what an alert shows, all that its title, response and severity are made of: a fold over its marks.
type View struct {
	Key         string
	Count       int64     // marks
	First, Last int64     // microseconds
	Columns     []Column  // one for each capture of the rule, in its order
	SumBy       []float64 // one for each of Rule.SumBy, in its order
	Pair        *Pair     // the first pair of a neighbours rule; else nil
	// Sets are the distinct sets of captured values, the first 20 in (time, identity) order, for the response commands.
	Sets        [][]Value
	Severity    Severity // the highest of the marks, of match and first_seen rules
	Approximate bool
}
