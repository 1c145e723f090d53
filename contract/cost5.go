package contract

import (
	"crypto/sha256"
	"math/bits"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/aqsha/aqsha/token"
)

// What calls cost from rules version 5 on, by what they were measured to take: CEL's own table has size() at one unit,
// however long what it counts, and comparing a kilobyte at a hundred. What is not here costs what CEL charges: one and
// its arguments.
const (
	bytesRead5  = 256 // bytes that are copied in a unit: of arguments and terms, each time they are read
	bytesEqual5 = 128 // that are read and compared
	textEqual5  = 512 // of text, which is read without copying
	textCount5  = 20  // letters that are told apart
	itemsEqual5 = 8   // numbers of lists that are compared
	itemsFind5  = 16  // that are looked through
	textsFind5  = 4   // texts that are looked through, beside reading them
	blockHash5  = 64  // bytes of a block of SHA-256
	costHash5   = 6   // SHA-256, and one more for each block
	costMember5 = 5   // a hash on a path of a register
	costIndex5  = 4   // an item of a list
	costEmpty5  = 190 // the root over empty places
	costList5   = 3   // a list that is written out, which CEL charges 10; one of constants is made once
	itemsMade5  = 2   // items of such a list that are made in a unit, beside what they cost themselves
)

// begun is how many parts of a size n has, the last of them begun. It is ⌈n/size⌉ without a sum that could wrap.
func begun(n, size uint64) uint64 { return n/size + min(1, n%size) }

// compared5 is what comparing two values of a type costs, of which the shorter has a size.
func compared5(t *types.Type, size uint64) uint64 {
	switch t.Kind() {
	case types.StringKind:
		return 1 + begun(size, textEqual5)
	case types.BytesKind:
		return begun(size, bytesEqual5)
	case types.ListKind:
		switch item := t.Parameters()[0]; item.Kind() {
		case types.StringKind, types.BytesKind:
			return times(size, 1+compared5(item, token.MaxValueBytes))
		case types.ListKind:
			return times(size, 1+compared5(item, maxListItems))
		}
		return begun(size, itemsEqual5)
	}
	return 1
}

// times multiplies without wrapping: what is too much is too much.
func times(a, b uint64) uint64 {
	if high, low := bits.Mul64(a, b); high == 0 && low < 1<<40 {
		return low
	}
	return 1 << 40
}

// cost5 is what a call costs by the sizes and types of its arguments, the one before the dot first, and the size of
// what it gives. item is the size of the largest item of the second, of a list.
func cost5(overload string, size func(i int) uint64, item func() uint64,
	kind func(i int) *types.Type) (units, result uint64, ok bool) {
	limited := func(i int) uint64 { return min(size(i), 1<<32) }
	switch overload {
	case "index_list":
		return costIndex5, 0, true // of a run; index5 is the estimate
	case "less_int64", "less_equals_int64", "greater_int64", "greater_equals_int64":
		return 2, 1, true
	case "equals", "not_equals":
		return 1 + compared5(kind(0), min(limited(0), limited(1))), 1, true
	case "size_string", "string_size":
		return 1 + begun(limited(0), textCount5), 1, true
	case "size_bytes", "bytes_size":
		return 1 + begun(limited(0), bytesRead5), 1, true
	case "size_list", "list_size":
		return 4, 1, true
	case "in_list":
		sought := kind(0)
		switch sought.Kind() {
		case types.IntKind, types.BoolKind:
			return max(1, begun(limited(1), itemsFind5)), 1, true
		case types.StringKind:
			return max(1, begun(limited(1), textsFind5)) + begun(times(limited(1), min(limited(0), item())),
				textEqual5), 1, true
		}
		return 1 + times(limited(1), max(1, compared5(sought, min(limited(0), item())))), 1, true
	case "starts_with_string", "ends_with_string":
		return 1 + begun(min(limited(0), limited(1)), textEqual5), 1, true
	case "string_to_bytes":
		return 2 + begun(limited(0), bytesRead5), 4 * limited(0), true // a letter has four bytes at most
	case "add_bytes":
		sum := limited(0) + limited(1)
		return 2 + begun(sum, bytesRead5), sum, true
	case "sha256_bytes":
		return costHash5 + limited(0)/blockHash5 + 1, sha256.Size, true
	case "uint64_int":
		return 3, 8, true
	case "part_int", "next_due_int":
		return 4, 1, true
	case "empty_int":
		return costEmpty5, sha256.Size, true
	case "included_bytes":
		return member5(limited(1), limited(4)), 1, true
	case "replaced_bytes":
		return member5(limited(1), limited(5)) + member5(limited(2), limited(5)), sha256.Size, true
	}
	return 0, 0, false
}

// index5 is what reading an item of a list costs. What the item's size is not known by, CEL says.
func (e estimator) index5(args []cost.AstNode) *cost.CallEstimate {
	result := uint64(1)
	switch list := args[0].ComputedSize(); {
	case args[0].Type().Parameters()[0].Kind() == types.IntKind ||
		args[0].Type().Parameters()[0].Kind() == types.BoolKind:
	case list != nil && list.Elem != nil:
		result = list.Elem.Max
	default:
		return nil
	}
	return &cost.CallEstimate{CostEstimate: cost.Estimate{Max: costIndex5}, ResultSize: &cost.SizeEstimate{Max: result}}
}

// item5 is the size of the largest item of a list.
func item5(list cost.AstNode) uint64 {
	if size := list.ComputedSize(); size != nil && size.Elem != nil {
		return size.Elem.Max
	}
	return 1 << 32
}

// A list that is written out is estimated as a call of a name that nobody can write, for CEL charges every list its ten
// without asking: lists of constants, which are made when the expression is compiled, and of other things.
const (
	listWritten  = "list_written"
	listConstant = "list_constant"
)

// listsAsCalls is an expression in which lists that are written out are such calls, and constants with names are
// constants. It is estimated and nothing else.
func listsAsCalls(tree *ast.AST) *ast.AST {
	out, factory, constants := ast.Copy(tree), ast.NewExprFactory(), map[int64]bool{}
	ast.PostOrderVisit(out.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.LiteralKind:
			constants[e.ID()] = true
		case ast.IdentKind:
			if info := out.ReferenceMap()[e.ID()]; info != nil && info.Value != nil { // minute, hour, day
				constants[e.ID()] = true
				e.SetKindCase(factory.NewLiteral(e.ID(), info.Value))
			}
		case ast.ListKind:
			items, overload := e.AsList().Elements(), listConstant
			if slices.ContainsFunc(items, func(item ast.Expr) bool { return !constants[item.ID()] }) {
				overload = listWritten
			}
			constants[e.ID()] = overload == listConstant
			e.SetKindCase(factory.NewCall(e.ID(), overload, items...))
			out.SetReference(e.ID(), ast.NewFunctionReference(overload))
		}
	}))
	return out
}

// list5 is what a list costs that is written out, and how large it and what it has are. With tracking it costs what
// CEL's own counting charges at run time, so that a test can hold estimate against count.
func (e estimator) list5(overload string, items []cost.AstNode) *cost.CallEstimate {
	units := uint64(0)
	if overload == listWritten {
		units = costList5 + begun(uint64(len(items)), itemsMade5)
	}
	if e.tracking {
		units = cost.ListCreateBaseCost
	}
	size := &cost.SizeEstimate{Max: uint64(len(items))}
	for _, item := range items {
		has := cost.SizeEstimate{Max: 1}
		switch computed := item.ComputedSize(); {
		case computed != nil:
			has = *computed
		case item.Type().Kind() != types.IntKind && item.Type().Kind() != types.BoolKind:
			has.Max = 1 << 32
			if known := e.EstimateSize(item); known != nil {
				has = *known
			}
		}
		if size.Elem != nil {
			has = size.Elem.Union(has)
		}
		size.Elem = &has
	}
	return &cost.CallEstimate{CostEstimate: cost.Estimate{Max: units}, ResultSize: size}
}

// member5 is what a leaf costs that is led along a path: no path is longer than the largest register is deep.
func member5(leaf, path uint64) uint64 {
	hashes := min(path/sha256.Size, uint64(bits.Len(MaxMembers-1)))
	return costHash5 + leaf/blockHash5 + 1 + begun(leaf+path, bytesRead5) + costMember5*hashes
}

// actual5 charges what a call really had, for the test that the estimate bounds it.
func actual5(overload string, args []ref.Val) (uint64, bool) {
	units, _, ok := cost5(overload, func(i int) uint64 {
		if s, ok := args[i].(traits.Sizer); ok {
			if n, ok := s.Size().(types.Int); ok {
				return uint64(n)
			}
		}
		return 1
	}, func() (largest uint64) {
		list, ok := args[1].(traits.Lister)
		for i := types.Int(0); ok && i < list.Size().(types.Int); i++ {
			n := uint64(1)
			if s, ok := list.Get(i).(traits.Sizer); ok {
				n = uint64(s.Size().(types.Int))
			}
			largest = max(largest, n)
		}
		return largest
	}, func(i int) *types.Type { return actualType(args[i]) })
	return units, ok
}

// actualType is a value's type, a list's by its first item.
func actualType(v ref.Val) *types.Type {
	list, ok := v.(traits.Lister)
	if !ok {
		t, _ := v.Type().(*types.Type)
		return t
	}
	if list.Size() == types.IntZero {
		return types.NewListType(types.IntType)
	}
	return types.NewListType(actualType(list.Get(types.IntZero)))
}
