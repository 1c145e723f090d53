package contract

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Party is what rules see of a wallet. A wallet that is closed shows its id and nothing else.
type Party struct {
	ID         token.WalletID
	Key        token.PublicKey
	Tier       uint8
	Bank       token.WalletID // its registrar
	Attributes token.Attributes
	Vouched    []string // what agencies vouch for, each AGENCY/WHAT
}

// scope holds what the variables of an expression mean while it is evaluated. It is the one
// activation, reused: a name resolves to a getter, and a getter computes only what is asked for.
type scope struct {
	getters map[string]getter

	instance *Instance
	party    func(i int) *Party
	caller   *Party // of an action
	payer    *Party // of a purpose's rule
	payee    *Party
	args     []token.Value
	held     []money.Tiyn
	left     []money.Tiyn
	paid     []money.Tiyn
	amount   money.Tiyn
	now      uint64
	document []byte
	network  token.NetworkID

	rules   uint32             // of the block
	today   uint32             // the network's day
	purpose func(i int) string // what an asset is called

	definition []byte // of the contract that pays, for a purpose's rule
}

type getter func(*scope) ref.Val

// ResolveName and Parent make it an activation.
func (s *scope) ResolveName(name string) (any, bool) {
	get, ok := s.getters[name]
	if !ok {
		return nil, false
	}
	return get(s), true
}

// Parent is none: a name that the scope does not have is unknown.
func (s *scope) Parent() cel.Activation { return nil }

// fromValue is a value as expressions see it.
func fromValue(v *token.Value) ref.Val {
	switch v.Type {
	case token.IntValue:
		return types.Int(v.Int)
	case token.BoolValue:
		return types.Bool(v.Int == 1)
	case token.TextValue:
		return types.String(v.Text)
	case token.BytesValue:
		return types.Bytes(v.Text)
	}
	return types.NewDynamicList(types.DefaultTypeAdapter, v.Ints)
}

// typeOf is a type as expressions know it, and the most that a value of it may be long.
func typeOf(t token.ValueType) (*cel.Type, uint64) {
	switch t {
	case token.IntValue:
		return cel.IntType, 1
	case token.BoolValue:
		return cel.BoolType, 1
	case token.TextValue:
		return cel.StringType, token.MaxValueBytes
	case token.BytesValue:
		return cel.BytesType, token.MaxValueBytes
	}
	return cel.ListType(cel.IntType), token.MaxValueInts
}

// partyVariables are the members of a party under a name.
func partyVariables(name string, get func(*scope) *Party) []variable {
	return []variable{
		{name + ".id", cel.BytesType, 16, func(s *scope) ref.Val { return types.Bytes(get(s).ID[:]) }},
		{name + ".key", cel.BytesType, 33, func(s *scope) ref.Val { return types.Bytes(get(s).Key[:]) }},
		{name + ".bank", cel.BytesType, 16, func(s *scope) ref.Val { return types.Bytes(get(s).Bank[:]) }},
		{name + ".tier", cel.IntType, 1, func(s *scope) ref.Val { return types.Int(get(s).Tier) }},
		{name + ".category", cel.IntType, 1, func(s *scope) ref.Val { return types.Int(get(s).Attributes.Category) }},
		{name + ".region", cel.StringType, token.MaxRegion, func(s *scope) ref.Val {
			return types.String(get(s).Attributes.Region)
		}},
		{name + ".role", cel.StringType, token.MaxRole, func(s *scope) ref.Val {
			return types.String(get(s).Attributes.Role)
		}},
	}
}

// vouchedVariable is what agencies vouch for of a party: since rules version 4.
func vouchedVariable(name string, get func(*scope) *Party) variable {
	return variable{name + ".vouched", cel.ListType(cel.StringType), maxVouched, func(s *scope) ref.Val {
		return types.NewStringList(types.DefaultTypeAdapter, get(s).Vouched)
	}}
}

// maxVouched is how much agencies vouch for of one party, at most.
const maxVouched = 8

// vouchedVariables are those of an action.
func vouchedVariables(d *Definition) []variable {
	vars := []variable{vouchedVariable(Caller, func(s *scope) *Party { return s.caller })}
	for i, name := range d.Parties {
		vars = append(vars, vouchedVariable(name, func(s *scope) *Party { return s.party(i) }))
	}
	return vars
}

func intVariable(name string, get func(*scope) int64) variable {
	return variable{name, cel.IntType, 1, func(s *scope) ref.Val { return types.Int(get(s)) }}
}

// fixedVariables are those that are known from a contract's creation on, and the only ones of
// state.start and end.at.
func fixedVariables(d *Definition) []variable {
	vars := []variable{intVariable("created", func(s *scope) int64 { return int64(s.instance.CreatedMillis) })}
	for i, f := range d.Terms {
		kind, size := typeOf(f.Type)
		vars = append(vars, variable{"terms." + f.Name, kind, size, func(s *scope) ref.Val {
			return fromValue(&s.instance.Terms[i])
		}})
	}
	return vars
}

// actionVariables are those of an action's expressions.
func actionVariables(d *Definition, a *Action) []variable {
	vars := fixedVariables(d)
	vars = append(vars,
		intVariable("now", func(s *scope) int64 { return int64(s.now) }),
		intVariable("ends", func(s *scope) int64 { return int64(s.instance.EndsMillis) }),
		variable{"document", cel.BytesType, 32, func(s *scope) ref.Val { return types.Bytes(s.document) }},
		variable{"contract.id", cel.BytesType, 16, func(s *scope) ref.Val { return types.Bytes(s.instance.ID[:]) }},
		variable{"contract.network", cel.BytesType, 32, func(s *scope) ref.Val { return types.Bytes(s.network[:]) }},
	)
	// Each getter closes over a place and not a value: variables are made once when the definition is compiled, and
	// read the call that is being judged.
	vars = append(vars, partyVariables("caller", func(s *scope) *Party { return s.caller })...)
	for i, name := range d.Parties {
		vars = append(vars, partyVariables(name, func(s *scope) *Party { return s.party(i) })...)
	}
	for i, v := range d.State {
		vars = append(vars, intVariable("state."+v.Name, func(s *scope) int64 { return s.instance.State[i] }))
	}
	for i, f := range a.Args {
		kind, size := typeOf(f.Type)
		vars = append(vars, variable{"args." + f.Name, kind, size, func(s *scope) ref.Val {
			return fromValue(&s.args[i])
		}})
	}
	for i, name := range d.Assets {
		vars = append(vars,
			intVariable("held."+name, func(s *scope) int64 { return int64(s.held[i]) }),
			intVariable("left."+name, func(s *scope) int64 { return int64(s.left[i]) }),
			intVariable("paid."+name, func(s *scope) int64 { return int64(s.paid[i]) }))
	}
	return vars
}

// laterVariables are those that came with rules version 3: the network's day, and what each asset is.
func laterVariables(d *Definition) []variable {
	vars := []variable{intVariable("today", func(s *scope) int64 { return int64(s.today) })}
	for i, name := range d.Assets {
		vars = append(vars, variable{"purpose." + name, cel.StringType, 2*token.MaxName + 1, func(s *scope) ref.Val {
			if s.purpose == nil {
				return types.String(Plain)
			}
			return types.String(s.purpose(i))
		}})
	}
	return vars
}

// reserved are names that parties may not have, because they mean something else in expressions.
var reserved = []string{
	Caller, "terms", "state", "args", "held", "left", "paid", "now", "created", "ends", "document", "contract",
	"payer", "payee", "amount", "minute", "hour", "day", "min", "max", "part", "sha256", "uint64", "verify", "size",
	"bytes",
	Any, Rest, "anyone", "int", "bool", "string", "list", "map", "type", "uint", "double", "dyn", "all", "exists",
	"has",
}

// reservedLater are those of rules version 3.
var reservedLater = []string{"today", "purpose", "authority"}

// keywords are words of CEL that nothing may be called.
var keywords = []string{
	"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
	"import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
}

func wellNamed(name string) bool {
	return len(name) > 0 && len(name) <= MaxName && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" &&
		name[0] >= 'a'
}

// nameProblem says what is wrong with a name, or nothing.
func nameProblem(name string) string {
	if !wellNamed(name) {
		return "a name has 1 to 24 of a–z, 0–9 and _, and begins with a letter"
	}
	if _, taken := find(keywords, name); taken {
		return "the name is a word of the language of expressions"
	}
	return ""
}
