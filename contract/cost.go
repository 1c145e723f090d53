package contract

import (
	"math"
	"math/bits"

	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Bounds of estimated worst-case cost. A unit is what CEL charges for an operation on numbers, 30 to 80 ns on the
// machine of docs/benchmarks.md; `aqsha bench contracts` measures it for every function. From rules version 5 on the
// table of cost5.go holds; before, CEL's own and what stands here.
const (
	MaxActionCost = 12_000 // of all expressions of an action
	MaxRuleCost   = 3_000  // of all rules of a purpose
)

// total is what several expressions cost together. Until rules version 5 a sum that 64 bits do not hold began again at
// nothing, and eleven loops inside one another, beside any other expression, passed for free: verdicts under those
// versions stay, and whoever makes blocks asks for what version 5 says.
type total struct{ units, wrapped uint64 }

// add adds costs; what exceeds 64 bits stays at the largest number.
func (t *total) add(n total) {
	sum, carry := bits.Add64(t.units, n.units, 0)
	if carry != 0 {
		sum = math.MaxUint64
	}
	t.units, t.wrapped = sum, t.wrapped+n.wrapped
}

func (t *total) addExpression(x *expression) { t.add(total{x.cost, x.cost}) }

// exceeds says whether a version refuses a sum, and whether version 5 would.
func (t total) exceeds(most uint64, rules uint32) (now, later bool) {
	return t.wrapped > most && rules < 5 || t.units > most && rules >= 5, t.units > most
}

// What our own functions cost.
const (
	costVerify = 2_000 // an Ed25519 verification by itself
	costHash   = 12    // SHA-256, and one more for 8 bytes
	costStep   = 2     // a step along a hash chain: SHA-256 of 32 bytes without CEL around it
)

// estimator knows how large variables can be and what our functions cost.
type estimator struct {
	sizes, items map[string]uint64
	rules        uint32
	tracking     bool // for programs that count what they cost: lists cost what CEL's counting charges
}

// EstimateSize is how large a variable can be at most, in CEL's units of its type (letters, bytes, items); nil lets CEL
// estimate what is computed.
func (e estimator) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	path := node.Path()
	if len(path) == 0 {
		return nil
	}
	most, ok := e.sizes[path[0]]
	if !ok {
		return nil
	}
	if len(path) > 1 {
		most = max(1, e.items[path[0]]) // of one item of a list; of a number 1
	}
	return &cost.SizeEstimate{Max: most}
}

// EstimateCallCost is what a call costs at most and how large its result can be; nil lets CEL's own table say.
func (e estimator) EstimateCallCost(function, overload string, target *cost.AstNode,
	args []cost.AstNode) *cost.CallEstimate {
	if target != nil {
		args = append([]cost.AstNode{*target}, args...)
	}
	size := func(i int) uint64 {
		if computed := args[i].ComputedSize(); computed != nil {
			return computed.Max
		}
		if known := e.EstimateSize(args[i]); known != nil {
			return known.Max
		}
		return 1 << 32
	}
	fixed := func(n, result uint64) *cost.CallEstimate {
		return &cost.CallEstimate{CostEstimate: cost.Estimate{Max: n}, ResultSize: &cost.SizeEstimate{Max: result}}
	}
	if e.rules >= 5 {
		switch overload {
		case "index_list":
			return e.index5(args)
		case listWritten, listConstant:
			return e.list5(overload, args)
		}
		if n, result, ok := cost5(overload, size, func() uint64 { return item5(args[1]) }, func(i int) *types.Type {
			return args[i].Type()
		}); ok {
			return fixed(n, result)
		}
	}
	if n, result, ok := registerCost(overload, size); ok {
		return fixed(n, result)
	}
	switch overload {
	case "sha256_bytes":
		return fixed(costHash+size(0)/8+1, 32)
	case "verify_bytes":
		return fixed(costVerify+size(1)/8+1, 1)
	case "uint64_int":
		return fixed(2, 8)
	case "chain_bytes":
		most, ok := number(args[2].Expr())
		if !ok || most < 0 || most > MaxChain {
			return fixed(1<<32, 32) // not written out: nobody knows how far it walks
		}
		return fixed(costHash+costStep*uint64(most), 32)
	case "min_int", "max_int", "part_int":
		return fixed(2, 1)
	}
	return nil
}

// tracker charges what was really done, for the test that the estimate bounds it.
type tracker struct{ rules uint32 }

// CallCost is what a call has cost, in units that are steps of the evaluator. It must be the same on every machine for
// ever, as it decides whether a transaction is refused: it depends on lengths and values, never on time. From version 5
// of the rules on other costs hold for some functions; earlier versions keep theirs.
func (t tracker) CallCost(function, overload string, args []ref.Val, _ ref.Val) *uint64 {
	length := func(v ref.Val) uint64 {
		b, _ := v.(types.Bytes)
		return uint64(len(b))
	}
	// A block of an early version is judged for ever by the costs that it was made under.
	if t.rules >= 5 {
		if n, ok := actual5(overload, args); ok {
			return &n
		}
	}
	n, _, ok := registerCost(overload, func(i int) uint64 { return length(args[i]) })
	if ok {
		return &n
	}
	switch overload {
	case "sha256_bytes":
		n = costHash + length(args[0])/8 + 1
	case "verify_bytes":
		n = costVerify + length(args[1])/8 + 1
	case "chain_bytes":
		walked, _ := args[1].(types.Int)
		n = costHash
		if most, _ := args[2].(types.Int); walked > 0 && walked <= most {
			n += costStep * uint64(walked)
		}
	case "uint64_int", "min_int", "max_int", "part_int":
		n = 2
	default:
		return nil
	}
	return &n
}
