package engine

// agenda is the cached timelines in the order in which they are due: a heap in which each timeline knows its place.
type agenda struct {
	heap []*timeline
	due  func(*timeline) int64
	at   func(*timeline) *int // where a timeline's place is kept: its index plus one, 0 if it is not in the heap
}

func newAgendas() (byFrontier, byAbsence agenda) {
	byFrontier = agenda{due: func(t *timeline) int64 { return t.dueF }, at: func(t *timeline) *int { return &t.inF }}
	byAbsence = agenda{due: func(t *timeline) int64 { return t.dueT }, at: func(t *timeline) *int { return &t.inT }}
	return byFrontier, byAbsence
}

// update puts t in its place after its due time changed, or takes it out if it is never due.
func (a *agenda) update(t *timeline) {
	i := *a.at(t) - 1
	switch {
	case a.due(t) == never:
		a.remove(t)
	case i < 0:
		a.heap = append(a.heap, t)
		a.up(len(a.heap) - 1)
	default:
		a.down(a.up(i))
	}
}

func (a *agenda) remove(t *timeline) {
	i := *a.at(t) - 1
	if i < 0 {
		return
	}
	last := len(a.heap) - 1
	moved := a.heap[last]
	a.heap[last] = nil
	a.heap = a.heap[:last]
	*a.at(t) = 0
	if i < last {
		a.heap[i] = moved
		a.down(a.up(i))
	}
}

// next is the timeline that is due first if it is due at now, else nil.
func (a *agenda) next(now int64) *timeline {
	if len(a.heap) == 0 || a.due(a.heap[0]) > now {
		return nil
	}
	return a.heap[0]
}

func (a *agenda) up(i int) int {
	t := a.heap[i]
	for i > 0 {
		parent := (i - 1) / 2
		if a.due(a.heap[parent]) <= a.due(t) {
			break
		}
		a.heap[i] = a.heap[parent]
		*a.at(a.heap[i]) = i + 1
		i = parent
	}
	a.heap[i] = t
	*a.at(t) = i + 1
	return i
}

func (a *agenda) down(i int) {
	t := a.heap[i]
	for {
		child := 2*i + 1
		if child >= len(a.heap) {
			break
		}
		if child+1 < len(a.heap) && a.due(a.heap[child+1]) < a.due(a.heap[child]) {
			child++
		}
		if a.due(t) <= a.due(a.heap[child]) {
			break
		}
		a.heap[i] = a.heap[child]
		*a.at(a.heap[i]) = i + 1
		i = child
	}
	a.heap[i] = t
	*a.at(t) = i + 1
}
