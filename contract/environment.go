package contract

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"

	"cel.dev/cel-go/cel"
	celenv "cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/aqsha/aqsha/token"
)

// Bounds of one expression.
const (
	MaxExpression = 512 // characters, 640 from rules version 5 on
	maxDepth      = 24  // nesting
	maxNodes      = 200
	maxListItems  = 64 // of a list that is written out
)

// maxExpression is how many characters an expression has at most. Its parts, its depth and its cost are what it can
// take, and are bounded as before: a guard that bounds the twelve terms of an order, of which one may be a day of the
// calendar, has more than 512.
func maxExpression(rules uint32) int {
	if rules >= 5 {
		return 640
	}
	return MaxExpression
}

// standard are the functions of CEL that expressions may use, each in the overloads that have no
// double, no timestamp, no map and no dynamic type.
var standard = map[string][]string{
	"_&&_": nil, "_||_": nil, "!_": nil, "_?_:_": nil, "_==_": nil, "_!=_": nil,
	"@not_strictly_false": nil,
	"_+_":                 {"add_int64", "add_bytes"},
	"_-_":                 {"subtract_int64"},
	"_*_":                 {"multiply_int64"},
	"_/_":                 {"divide_int64"},
	"_%_":                 {"modulo_int64"},
	"-_":                  {"negate_int64"},
	"_<_":                 {"less_int64"},
	"_<=_":                {"less_equals_int64"},
	"_>_":                 {"greater_int64"},
	"_>=_":                {"greater_equals_int64"},
	"_[_]":                {"index_list"},
	"@in":                 {"in_list"},
	"size":                {"size_bytes", "size_list", "size_string", "bytes_size", "list_size", "string_size"},
	"bytes":               {"string_to_bytes"},
	"startsWith":          {"starts_with_string"},
	"endsWith":            {"ends_with_string"},
}

// order fixes in which order the functions are declared.
var order = []string{
	"_&&_", "_||_", "!_", "_?_:_", "_==_", "_!=_", "@not_strictly_false", "_+_", "_-_", "_*_", "_/_", "_%_", "-_",
	"_<_", "_<=_", "_>_", "_>=_", "_[_]", "@in", "size", "bytes", "startsWith", "endsWith",
}

// newEnvironment is CEL without variables: the part that every expression shares. From rules version 3 on it remembers
// what was written as a macro (all, exists), so that the text of an expression is complete.
func newEnvironment(rules uint32) (*cel.Env, error) {
	subset := celenv.NewLibrarySubset().AddIncludedMacros("all", "exists")
	for _, name := range order {
		f := celenv.NewFunction(name)
		for _, overload := range standard[name] {
			f.Overloads = append(f.Overloads, &celenv.Overload{ID: overload})
		}
		subset.AddIncludedFunctions(f)
	}
	// Every function here is of integers, bytes and lists whose cost is bounded by their lengths. Nothing reads a
	// clock, draws or computes with floats, so all who replay a block get one answer. Constants are milliseconds, as
	// all times are.
	options := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(subset)),
		cel.ParserExpressionSizeLimit(maxExpression(rules)),
		cel.ParserRecursionLimit(maxDepth),
		cel.ParserErrorRecoveryLimit(4),
		cel.ExpressionNodeLimit(maxNodes),
		cel.ExpressionNestingDepthLimit(maxDepth),
		cel.EnableHiddenAccumulatorName(true),
		cel.Constant("minute", cel.IntType, types.Int(60_000)),
		cel.Constant("hour", cel.IntType, types.Int(3_600_000)),
		cel.Constant("day", cel.IntType, types.Int(86_400_000)),
		cel.Function("min", cel.Overload("min_int", []*cel.Type{cel.IntType, cel.IntType}, cel.IntType,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val { return min(a.(types.Int), b.(types.Int)) }))),
		cel.Function("max", cel.Overload("max_int", []*cel.Type{cel.IntType, cel.IntType}, cel.IntType,
			cel.BinaryBinding(func(a, b ref.Val) ref.Val { return max(a.(types.Int), b.(types.Int)) }))),
		cel.Function("part", cel.Overload("part_int", []*cel.Type{cel.IntType, cel.IntType, cel.IntType}, cel.IntType,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				return part(args[0].(types.Int), args[1].(types.Int), args[2].(types.Int))
			}))),
		cel.Function("sha256", cel.Overload("sha256_bytes", []*cel.Type{cel.BytesType}, cel.BytesType,
			cel.UnaryBinding(func(a ref.Val) ref.Val {
				digest := sha256.Sum256(a.(types.Bytes))
				return types.Bytes(digest[:])
			}))),
		cel.Function("uint64", cel.Overload("uint64_int", []*cel.Type{cel.IntType}, cel.BytesType,
			cel.UnaryBinding(func(a ref.Val) ref.Val {
				n := a.(types.Int)
				if n < 0 {
					return types.NewErr("uint64 of a negative number")
				}
				return types.Bytes(binary.BigEndian.AppendUint64(nil, uint64(n)))
			}))),
		cel.Function("verify", cel.Overload("verify_bytes", []*cel.Type{cel.BytesType, cel.BytesType, cel.BytesType},
			cel.BoolType,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				return types.Bool(Verify(args[0].(types.Bytes), args[1].(types.Bytes), args[2].(types.Bytes)))
			}))),
		cel.Function("chain", cel.Overload("chain_bytes", []*cel.Type{cel.BytesType, cel.IntType, cel.IntType},
			cel.BytesType,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				return chain(args[0].(types.Bytes), args[1].(types.Int), args[2].(types.Int))
			}))),
	}
	// Added by version, never taken away: a registered definition is compiled anew by every node that starts.
	if rules >= 3 {
		options = append(options, cel.EnableMacroCallTracking(),
			cel.Constant("authority", cel.BytesType, types.Bytes(token.Authority[:])))
		options = append(options, registerFunctions()...)
	}
	if rules >= 5 {
		options = append(options, cel.Function("next_due",
			cel.Overload("next_due_int", []*cel.Type{cel.IntType, cel.IntType}, cel.IntType,
				cel.BinaryBinding(func(a, b ref.Val) ref.Val { return nextDue(a.(types.Int), b.(types.Int)) }))))
	}
	return cel.NewCustomEnv(options...)
}

// part is amount·numerator/denominator rounded down, exact in between. All three are non-negative
// and the denominator is not zero.
func part(amount, numerator, denominator types.Int) ref.Val {
	if amount < 0 || numerator < 0 || denominator <= 0 {
		return types.NewErr("part of a negative number, or by nothing")
	}
	if high, _ := bits.Mul64(uint64(amount), uint64(numerator)); high >= uint64(denominator) {
		return types.NewErr("part exceeds 64 bits")
	}
	quotient := mulDiv(uint64(amount), uint64(numerator), uint64(denominator))
	if quotient > 1<<63-1 {
		return types.NewErr("part exceeds 64 bits")
	}
	return types.Int(quotient)
}

// mulDiv is a·n/d rounded down, exact in between; the quotient must fit 64 bits.
func mulDiv(a, n, d uint64) uint64 {
	high, low := bits.Mul64(a, n)
	quotient, _ := bits.Div64(high, low, d)
	return quotient
}

// MaxChain is the most steps that an expression can walk along a hash chain.
const MaxChain = 4096

// Walk hashes a word n times over: a hash chain, of which the last word is the root that a payer
// commits to and each word before it is worth one tick more (PayWord, Rivest and Shamir 1996).
func Walk(word [32]byte, n int) [32]byte {
	for range n {
		word = sha256.Sum256(word[:])
	}
	return word
}

// chain is Walk for expressions: word has 32 bytes, 0 ≤ n ≤ most, and most is written out, so that
// the static check knows what it can cost.
func chain(word types.Bytes, n, most types.Int) ref.Val {
	if len(word) != sha256.Size || n < 0 || n > most || most > MaxChain {
		return types.NewErr("chain: want 32 bytes, and from 0 to %d steps", int64(min(most, MaxChain)))
	}
	root := Walk([32]byte(word), int(n))
	return types.Bytes(root[:])
}

// messageDomain keeps a signature over a message for a contract from being valid as anything else.
const messageDomain = "aqsha message v1\x00"

// MessageDigest is what a key signs that vouches for a message to a contract: a meter's reading, a
// registry's certificate, a voucher. The message should name the contract and its network
// (contract.network + contract.id), so that it cannot be used in another.
func MessageDigest(message []byte) [32]byte {
	return sha256.Sum256(append([]byte(messageDomain), message...))
}

// Verify says whether a signature of 65 bytes by a key of 33 is valid over a message. What is no
// key and no signature is not valid, whatever it is.
func Verify(key, message, signature []byte) bool {
	var k token.PublicKey
	var s token.Signature
	if len(key) != len(k) || len(signature) != len(s) {
		return false
	}
	copy(k[:], key)
	copy(s[:], signature)
	return k.Usable() && token.Verify(k, MessageDigest(message), &s)
}

// variable is a name that expressions may use, its type, and the most bytes or items it can have.
type variable struct {
	name string
	kind *cel.Type
	size uint64
	get  getter
}

// extend declares variables on top of an environment.
func extend(base *cel.Env, variables []variable) (*cel.Env, error) {
	options := make([]cel.EnvOption, 0, len(variables))
	for _, v := range variables {
		options = append(options, cel.Variable(v.name, v.kind))
	}
	env, err := base.Extend(options...)
	if err != nil {
		return nil, fmt.Errorf("declaring variables: %w", err)
	}
	return env, nil
}
