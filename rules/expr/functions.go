package expr

import (
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"detect/internal/geo"
	"detect/internal/record"
)

// textFunctions are the functions that every scope knows, but for those over lists.
func textFunctions() []cel.EnvOption {
	str, boolean := cel.StringType, cel.BoolType
	return []cel.EnvOption{
		cel.Function(operators.In,
			cel.Overload("in_texts", []*cel.Type{str, textsType}, boolean),
			cel.Overload("in_prefixes", []*cel.Type{str, prefixesType}, boolean)),
		cel.Function("is",
			cel.MemberOverload("text_is_text", []*cel.Type{str, str}, boolean, cel.BinaryBinding(isText)),
			cel.MemberOverload("text_is_list", []*cel.Type{str, textList}, boolean, cel.BinaryBinding(isText))),
		cel.Function("mentions",
			cel.MemberOverload("text_mentions_set", []*cel.Type{str, textsType}, boolean, cel.BinaryBinding(mentions)),
			cel.MemberOverload("text_mentions_list", []*cel.Type{str, textList}, boolean, cel.BinaryBinding(mentions))),
		cel.Function("hasWord",
			cel.MemberOverload("text_has_word_set", []*cel.Type{str, textsType}, boolean, cel.BinaryBinding(hasWord)),
			cel.MemberOverload("text_has_word_list", []*cel.Type{str, textList}, boolean, cel.BinaryBinding(hasWord))),
		cel.Function("on", cel.Overload("on_text", []*cel.Type{str}, boolean,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return types.Bool(isOn(string(v.(types.String)))) }))),
		cel.Function("domain", cel.Overload("domain_text", []*cel.Type{str}, str,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return types.String(domainOf(string(v.(types.String)))) }))),
		cel.Function("xml", cel.Overload("xml_text_text", []*cel.Type{str, str}, str,
			cel.BinaryBinding(func(v, tag ref.Val) ref.Val {
				return types.String(xmlText(string(v.(types.String)), string(tag.(types.String))))
			}))),
		cel.Function("ps",
			cel.Overload("ps_text", []*cel.Type{str}, str, cel.UnaryBinding(psValue)),
			cel.Overload("ps_int", []*cel.Type{cel.IntType}, str, cel.UnaryBinding(psValue)),
			cel.Overload("ps_texts", []*cel.Type{textList}, str, cel.UnaryBinding(psValue)),
			cel.Overload("ps_ints", []*cel.Type{intList}, str, cel.UnaryBinding(psValue))),
		cel.Function("atLeast", cel.Overload("at_least", []*cel.Type{severityType, severityType}, boolean,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				return types.Bool(a.(severityVal).level >= b.(severityVal).level)
			}))),
		cel.Function("external", cel.MemberOverload("org_external", []*cel.Type{orgType, str}, boolean,
			cel.BinaryBinding(orgExternal))),
		cel.Function("internal", cel.MemberOverload("org_internal", []*cel.Type{orgType, str}, boolean,
			cel.BinaryBinding(orgInternal))),
		cel.Function("km", cel.Overload("km_places", []*cel.Type{placeType, placeType}, cel.DoubleType,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				return types.Double(geo.KM(*a.(placeVal).place, *b.(placeVal).place))
			}))),
		cel.Function("kmh", cel.Overload("kmh_places", []*cel.Type{placeType, placeType, cel.DurationType}, cel.DoubleType,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				gap, ok := args[2].Value().(time.Duration)
				if !ok {
					return types.MaybeNoSuchOverloadErr(args[2])
				}
				return types.Double(geo.KMH(*args[0].(placeVal).place, *args[1].(placeVal).place, gap))
			}))),
		cel.Function(rawSelectName, cel.Overload(rawSelectName, []*cel.Type{cel.DynType, cel.DynType}, cel.DynType,
			cel.BinaryBinding(rawSelect))),
		cel.Function(rawHasName, cel.Overload(rawHasName, []*cel.Type{cel.DynType, cel.DynType}, boolean,
			cel.BinaryBinding(rawHas))),
	}
}

// The functions that selections from untyped values are turned into: they can't be written in an expression.
const (
	rawSelectName = "@raw"
	rawHasName    = "@rawhas"
)

// recordFunctions are the methods of `record`.
func recordFunctions() []cel.EnvOption {
	named := func(name string, result *cel.Type, f func(*record.Record, string) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.MemberOverload("record_"+name, []*cel.Type{recordType, cel.StringType}, result,
			cel.BinaryBinding(func(r, n ref.Val) ref.Val {
				return f(r.(*recordVal).frame.rec, string(n.(types.String)))
			})))
	}
	text := func(name string, f func(*record.Record, string) string) cel.EnvOption {
		return named(name, cel.StringType, func(r *record.Record, n string) ref.Val { return types.String(f(r, n)) })
	}
	own := func(name string, result *cel.Type, f func(*record.Record) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.MemberOverload("record_"+name, []*cel.Type{recordType}, result,
			cel.UnaryBinding(func(r ref.Val) ref.Val { return f(r.(*recordVal).frame.rec) })))
	}
	ownText := func(name string, f func(*record.Record) string) cel.EnvOption {
		return own(name, cel.StringType, func(r *record.Record) ref.Val { return types.String(f(r)) })
	}
	ownList := func(name string, f func(*record.Record) []string) cel.EnvOption {
		return own(name, textList, func(r *record.Record) ref.Val { return textsValue(f(r)) })
	}
	return []cel.EnvOption{
		text("param", (*record.Record).Param),
		text("ext", (*record.Record).Ext),
		text("property", (*record.Record).Property),
		text("device", (*record.Record).Device),
		named("hasParam", cel.BoolType, func(r *record.Record, n string) ref.Val { return types.Bool(r.HasParam(n)) }),
		named("params", textList, func(r *record.Record, n string) ref.Val { return textsValue(r.Params(n)) }),
		named("modified", changeType, func(r *record.Record, n string) ref.Val {
			m := r.Modified(n)
			return modificationVal{object{changeType}, &m}
		}),
		own("rule", ruleType, func(r *record.Record) ref.Val {
			rule := r.Rule()
			return ruleVal{object{ruleType}, &rule}
		}),
		own("items", cel.IntType, func(r *record.Record) ref.Val { return types.Int(r.Items()) }),
		own("failed", cel.BoolType, func(r *record.Record) ref.Val { return types.Bool(r.Failed()) }),
		ownText("mailbox", (*record.Record).Mailbox),
		ownText("owner", (*record.Record).Owner),
		ownText("target", (*record.Record).Target),
		ownList("forwards", (*record.Record).Forwards),
		ownList("subjects", (*record.Record).Subjects),
		ownList("recipients", (*record.Record).Recipients),
		ownList("scopes", (*record.Record).Scopes),
	}
}
