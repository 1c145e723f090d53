package contract

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// members draws a register: some leaves, of which some are empty.
func members(t *rapid.T) (leaves [][]byte, hashes []token.Hash) {
	for i := range rapid.IntRange(1, 70).Draw(t, "members") {
		leaf := []byte(nil)
		if rapid.IntRange(0, 3).Draw(t, "empty") > 0 {
			leaf = MemberOf(named(fmt.Sprint(i)), uint64(i))
		}
		leaves, hashes = append(leaves, leaf), append(hashes, MemberLeaf(leaf))
	}
	return leaves, hashes
}

// A member proves its own leaf, at its own place, and nothing else.
func TestMembersAreProved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leaves, hashes := members(t)
		root, size := MembersRoot(hashes), int64(len(leaves))
		at := rapid.IntRange(0, len(leaves)-1).Draw(t, "at")
		path := MemberProof(hashes, at)
		if !included(root[:], leaves[at], int64(at), size, path) {
			t.Fatalf("leaf %d of %d is not proved", at, size)
		}
		leaf := []byte("another leaf")
		next, ok := replaced(root[:], leaves[at], leaf, int64(at), size, path)
		hashes[at] = MemberLeaf(leaf)
		if want := MembersRoot(hashes); !ok || next != want {
			t.Fatalf("after leaf %d of %d was replaced the root is %s, want %s", at, size, next, want)
		}
		if included(next[:], leaves[at], int64(at), size, path) {
			t.Fatal("the old leaf stands still")
		}
		switch wrong := rapid.IntRange(0, 5).Draw(t, "wrong"); {
		case wrong == 0 && len(path) > 0:
			path = path[sha256.Size:]
		case wrong == 1:
			path = append(path, make([]byte, sha256.Size)...)
		case wrong == 2 && len(path) > 0:
			path[rapid.IntRange(0, len(path)-1).Draw(t, "byte")]++
		case wrong == 3 && size > 1:
			if at = (at + 1) % len(leaves); string(leaves[at]) == string(leaves[(at+len(leaves)-1)%len(leaves)]) {
				return // equal leaves at neighbouring places have different paths, but for a pair
			}
		case wrong == 4:
			at -= len(leaves)
		default:
			at += len(leaves)
		}
		if included(next[:], leaf, int64(at), size, path) {
			t.Fatalf("proved with a wrong path or place %d of %d", at, size)
		}
	})
}

func TestEmptyRegisters(t *testing.T) {
	for size := 1; size <= 300; size++ {
		if got, want := emptyMembers(int64(size)), MembersRoot(slicesOf(MemberLeaf(nil), size)); got != want {
			t.Fatalf("%d empty places: %s, want %s", size, got, want)
		}
	}
	emptyMembers(MaxMembers) // at most twenty levels
}

func slicesOf(h token.Hash, n int) (all []token.Hash) {
	for range n {
		all = append(all, h)
	}
	return all
}

// A pool of a thousand farmers: each has what its sum demands, once, in any order.
func TestAPoolPaysEachMemberOnce(t *testing.T) {
	const size, oracle = 1000, "oracle"
	var leaves []token.Hash
	total := money.Tiyn(0)
	for i := range size {
		leaves = append(leaves, MemberLeaf(MemberOf(named(fmt.Sprint("farmer ", i)), uint64(1000+i))))
		total += money.Tiyn(1000 + i)
	}
	root := MembersRoot(leaves)
	p := begin(t, "pool", tenge(total), token.Bytes(root[:]), token.Int(size), token.Int(int64(total)), token.Int(100), token.Int(50), token.Int(start+86_400_000))
	claim := func(i, place int, sum int64, path []byte) *token.Error {
		caller := Party{ID: named(fmt.Sprint("farmer ", i))}
		call := p.call(0, tenge(0))
		call.Caller = &caller
		call.Action, _ = p.program.Definition.Action("claim")
		call.Args = []token.Value{token.Int(sum), token.Int(int64(place)), token.Bytes(path)}
		out, err := p.program.Act(&p.instance, call)
		if err != nil {
			return err
		}
		p.held[0] -= out.Payouts[0].Amount
		p.got[fmt.Sprint("farmer ", i)] += out.Payouts[0].Amount
		copy(p.instance.Registers, out.Registers)
		leaves[place] = MemberLeaf(nil)
		return nil
	}
	want(t, claim(7, 7, 1007, MemberProof(leaves, 7)), GuardNotMet) // nobody has said how much it rained
	p.document = make([]byte, 32)
	want(t, p.act(oracle, "settle", nil, token.Int(75)), "")
	for _, i := range []int{999, 0, 500, 7, 8} {
		want(t, claim(i, i, int64(1000+i)+1, MemberProof(leaves, i)), GuardNotMet)
		want(t, claim(i+1, i, int64(1000+i), MemberProof(leaves, i)), GuardNotMet)
		path := MemberProof(leaves, i)
		want(t, claim(i, i, int64(1000+i), path), "")
		want(t, claim(i, i, int64(1000+i), path), GuardNotMet) // once
		if got := p.got[fmt.Sprint("farmer ", i)]; got != money.Tiyn(1000+i)/2 {
			t.Errorf("farmer %d has %d", i, got)
		}
	}
	p.atEnd()
	if p.held[0] != 0 || p.got["insurer"] != total-p.got["farmer 999"]-p.got["farmer 0"]-p.got["farmer 500"]-p.got["farmer 7"]-p.got["farmer 8"] {
		t.Error(p.got)
	}
}

// As many backers as like: who pledges takes the next empty place of the register, who leaves empties it.
func TestARegisterGrows(t *testing.T) {
	const places = 64
	p, err := tryBegin(t, program(t, `
contract: crowd
parties: [maker]
state: {backers: "empty(64)", next: 0}
create: {by: maker}
actions:
  pledge:
    args: {proof: bytes}
    takes: {tenge: any}
    when: paid.tenge > 0 && state.next < 64
    set: {backers: 'replaced(state.backers, b"", caller.id + uint64(paid.tenge), state.next, 64, args.proof)', next: state.next + 1}
  leave:
    args: {place: int, amount: int, proof: bytes}
    when: args.amount > 0 && args.amount <= held.tenge
    pay: [{to: caller, amount: args.amount}]
    set: {backers: 'replaced(state.backers, caller.id + uint64(args.amount), b"", args.place, 64, args.proof)'}
end: {at: created + 30 * day, pay: {maker: 1}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	leaves := slicesOf(MemberLeaf(nil), places)
	for i := range 10 {
		want(t, p.act("maker", "pledge", tenge(money.Tiyn(i+1)), token.Bytes(MemberProof(leaves, i)[32:])), CannotEvaluate)
		want(t, p.act("maker", "pledge", tenge(money.Tiyn(i+1)), token.Bytes(MemberProof(leaves, i))), "")
		leaves[i] = MemberLeaf(MemberOf(named("maker"), uint64(i+1)))
		if p.instance.Registers[0] != MembersRoot(leaves) || p.instance.State[1] != int64(i+1) || p.instance.State[0] != 0 {
			t.Fatalf("%+v", p.instance)
		}
	}
	want(t, p.act("maker", "leave", nil, token.Int(4), token.Int(6), token.Bytes(MemberProof(leaves, 4))), CannotEvaluate)
	want(t, p.act("maker", "leave", nil, token.Int(4), token.Int(5), token.Bytes(MemberProof(leaves, 4))), "")
	if p.held[0] != 50 {
		t.Error(p.held)
	}
}

func TestARegisterHas32Bytes(t *testing.T) {
	for _, n := range []int{0, 31, 33} {
		_, err := tryBegin(t, program(t, "contract: c\nparties: [a]\nterms: {w: bytes}\nstate: {word: terms.w}\ncreate: {by: a}\nactions: {act: {args: {to: bytes}, set: {word: args.to}}}\nend: {at: created + day, pay: {a: 1}}"),
			nil, token.Bytes(make([]byte, n)))
		want(t, err, CannotEvaluate)
	}
	p, err := tryBegin(t, program(t, "contract: c\nparties: [a]\nterms: {w: bytes}\nstate: {word: terms.w}\ncreate: {by: a}\nactions: {act: {args: {to: bytes}, set: {word: args.to}}}\nend: {at: created + day, pay: {a: 1}}"),
		nil, token.Bytes(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	want(t, p.act("a", "act", nil, token.Bytes([]byte("short"))), CannotEvaluate)
	want(t, p.act("a", "act", nil, token.Bytes([]byte("thirty-two bytes, all of a word."))), "")
	if string(p.instance.Registers[0][:]) != "thirty-two bytes, all of a word." {
		t.Error(p.instance.Registers)
	}
}
