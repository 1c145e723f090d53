package contract

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/aqsha/aqsha/token"
)

// A register of members is a Merkle tree, of which a contract keeps the root: as the log's own (RFC 6962, section 2.1),
// a leaf being what the definition writes about a member, such as caller.id + uint64(args.amount). Who claims brings
// the leaf, its place and the audit path; the contract checks them against its root and may put another leaf there, so
// that nobody claims twice. However many members there are, the contract's state is 32 bytes, and a claim 20 hashes.

// MaxMembers bounds the leaves of a register.
const MaxMembers = 1 << 20

// MemberLeaf is the hash of a leaf. No leaf's hash can be passed off as an inner node's.
func MemberLeaf(leaf []byte) token.Hash {
	return sha256.Sum256(append([]byte{0}, leaf...))
}

// memberNode is an inner node of a register's tree; its first byte keeps it from being a member.
func memberNode(left, right token.Hash) token.Hash {
	var node [1 + 2*sha256.Size]byte
	node[0] = 1
	copy(node[copy(node[1:], left[:])+1:], right[:])
	return sha256.Sum256(node[:])
}

// MembersRoot is the root over leaves. It takes as long as hashing them.
func MembersRoot(leaves []token.Hash) token.Hash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	split := splitPoint(len(leaves))
	return memberNode(MembersRoot(leaves[:split]), MembersRoot(leaves[split:]))
}

// MemberProof is the audit path of a leaf (RFC 6962, section 2.1.1): hashes of 32 bytes one after the other.
func MemberProof(leaves []token.Hash, at int) []byte {
	if len(leaves) == 1 {
		return nil
	}
	split := splitPoint(len(leaves))
	near, far := leaves[:split], leaves[split:]
	if at >= split {
		near, far, at = far, near, at-split
	}
	sibling := MembersRoot(far)
	return append(MemberProof(near, at), sibling[:]...)
}

// splitPoint is the largest power of two smaller than n, for n ≥ 2.
func splitPoint(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

// emptyMembers is the root over as many empty leaves: subtrees of one size are equal.
func emptyMembers(size int64) token.Hash {
	var of func(n int64) token.Hash
	complete := []token.Hash{MemberLeaf(nil)}
	for h := 1; h <= bits.Len64(uint64(size)); h++ {
		complete = append(complete, memberNode(complete[h-1], complete[h-1]))
	}
	of = func(n int64) token.Hash {
		if n&(n-1) == 0 {
			return complete[bits.TrailingZeros64(uint64(n))]
		}
		split := int64(splitPoint(int(n)))
		return memberNode(of(split), of(n-split))
	}
	return of(size)
}

// lead walks from several leaves at one place to the roots that they lead to along one path (RFC 9162, section
// 2.1.3.2). It says no where the path is not as long as the place demands.
func lead(hashes []token.Hash, at, size int64, path []byte) bool {
	if at < 0 || at >= size || size > MaxMembers || len(path)%sha256.Size != 0 {
		return false
	}
	node, last := at, size-1
	for ; len(path) > 0; path = path[sha256.Size:] {
		if last == 0 {
			return false
		}
		sibling := token.Hash(path[:sha256.Size])
		right := node&1 == 1 || node == last
		for i, h := range hashes {
			if hashes[i] = memberNode(h, sibling); right {
				hashes[i] = memberNode(sibling, h)
			}
		}
		for right && node&1 == 0 && node != 0 { // a right edge without a sibling of its own moves up unchanged
			node >>= 1
			last >>= 1
		}
		node >>= 1
		last >>= 1
	}
	return last == 0
}

// included says whether a leaf stands at a place of a register.
func included(root, leaf []byte, at, size int64, path []byte) bool {
	hashes := []token.Hash{MemberLeaf(leaf)}
	return lead(hashes, at, size, path) && string(hashes[0][:]) == string(root)
}

// replaced is the root after another leaf was put in the place of one that stands there.
func replaced(root, old, leaf []byte, at, size int64, path []byte) (token.Hash, bool) {
	hashes := []token.Hash{MemberLeaf(old), MemberLeaf(leaf)}
	ok := lead(hashes, at, size, path) && string(hashes[0][:]) == string(root)
	return hashes[1], ok
}

// registerFunctions are those of rules version 3, by which a contract keeps the root of a Merkle tree of up to
// MaxMembers leaves as 32 bytes of state: included(root, …) checks a leaf with its path, replaced(root, …) gives the
// root after one leaf is another, and empty(n) the root of n places that hold nothing. replaced fails where the old
// leaf is not there, so that an action cannot change a register that it has not seen.
func registerFunctions() []cel.EnvOption {
	number := func(v ref.Val) int64 { return int64(v.(types.Int)) }
	octets := func(v ref.Val) []byte { return []byte(v.(types.Bytes)) }
	b, n := cel.BytesType, cel.IntType
	return []cel.EnvOption{
		cel.Function("included", cel.Overload("included_bytes", []*cel.Type{b, b, n, n, b}, cel.BoolType,
			cel.FunctionBinding(func(v ...ref.Val) ref.Val {
				return types.Bool(included(octets(v[0]), octets(v[1]), number(v[2]), number(v[3]), octets(v[4])))
			}))),
		cel.Function("replaced", cel.Overload("replaced_bytes", []*cel.Type{b, b, b, n, n, b}, b,
			cel.FunctionBinding(func(v ...ref.Val) ref.Val {
				root, ok := replaced(octets(v[0]), octets(v[1]), octets(v[2]), number(v[3]), number(v[4]), octets(v[5]))
				if !ok {
					return types.NewErr("replaced: the leaf does not stand at that place of the register")
				}
				return types.Bytes(root[:])
			}))),
		cel.Function("empty", cel.Overload("empty_int", []*cel.Type{n}, b,
			cel.UnaryBinding(func(v ref.Val) ref.Val {
				if size := number(v); size < 1 || size > MaxMembers {
					return types.NewErr("empty: a register has 1 to %d places", int64(MaxMembers))
				}
				root := emptyMembers(number(v))
				return types.Bytes(root[:])
			}))),
	}
}

// What they cost: two hashes of 65 bytes for each of a path, and of the root over empty places two for each bit of how
// many.
const (
	costMember = 12
	costEmpty  = 48 * costMember
)

// registerCost is what a function of registers costs with a leaf and a path of some length at most, or is not one.
func registerCost(overload string, size func(i int) uint64) (cost, result uint64, ok bool) {
	switch overload {
	case "included_bytes":
		return costHash + size(1)/8 + costMember*(size(4)/sha256.Size+1), 1, true
	case "replaced_bytes":
		return 2*costHash + (size(1)+size(2))/8 + 2*costMember*(size(5)/sha256.Size+1), sha256.Size, true
	case "empty_int":
		return costEmpty, sha256.Size, true
	}
	return 0, 0, false
}

// register evaluates an expression to the 32 bytes of a register.
func (x *expression) register(s *scope) (token.Hash, *token.Error) {
	word, err := x.bytes(s)
	if err != nil {
		return token.Hash{}, err
	}
	if len(word) != sha256.Size {
		return token.Hash{}, refuse(CannotEvaluate, x.text, "%d bytes; a register is 32", len(word))
	}
	return token.Hash(word), nil
}

// withRegisters gives the variables of the state that are registers their type.
func (p *Program) withRegisters(variables []variable) []variable {
	for i, v := range p.Definition.State {
		place := p.registers[i]
		if place < 0 {
			continue
		}
		for j := range variables {
			if variables[j].name == "state."+v.Name {
				variables[j] = variable{"state." + v.Name, cel.BytesType, sha256.Size, func(s *scope) ref.Val {
					return types.Bytes(s.instance.Registers[place][:])
				}}
			}
		}
	}
	return variables
}

// Register is the place in Instance.Registers of a variable that is one; −1 of an integer.
func (p *Program) Register(variable int) int { return p.registers[variable] }

// MemberOf is what members' leaves usually are: a wallet, and a number such as an amount.
func MemberOf(wallet token.WalletID, n uint64) []byte {
	return binary.BigEndian.AppendUint64(wallet[:], n)
}
