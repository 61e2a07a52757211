// Package expr is the language of rules: CEL with the fields of audit records, checked against types when a rule is
// loaded, compiled once, and evaluated by any number of workers.
//
// A World is what all rules of a set share: domains, lists, places, and the environment that expressions are checked in.
// A Builder compiles one rule's expressions, in the order in which they depend on each other:
//
//	NewBuilder(world, params)   the rule's params, already overridden
//	Let                         each `let`, in the order written
//	Match                       `match`; a rule without one skips the call
//	Capture                     each `capture`, in the order of the rule's Captures
//	By                          each name of `by`, in its order
//	Except                      each exception, in the order of the rule's Exceptions
//	Neighbours or Having        by kind
//	HitSeverity                 match rules; AlertSeverity for every other kind
//	Alert                       each {{ }} of title and respond
//	SumBy, Matching             what the above needs
//
// Every method returns the faults of its one expression; a method may be called after another one reported faults, so
// that all faults of a rule are found at once: what failed to compile is then taken to be of any type.
// A Matching must not be used if any method reported a fault. A Builder is for one goroutine; a World, and everything
// that a Builder returns, is for any number.
package expr
