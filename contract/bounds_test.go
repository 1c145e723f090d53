package contract

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// bound is a term, or one of a list, with the greatest and the least value that its creation takes.
type bound struct {
	term, item  int // item −1 for a number
	least, most int64
}

// checkBounds creates a contract at each bound, and one beyond it, all other terms being ordinary.
func checkBounds(t *testing.T, name string, ordinary []token.Value, paid func(terms []token.Value) money.Tiyn, bounds []bound) {
	t.Helper()
	program := template(t, name)
	for _, b := range bounds {
		for value, taken := range map[int64]bool{b.least: true, b.most: true, b.least - 1: false, b.most + 1: false} {
			terms := append([]token.Value{}, ordinary...)
			if b.item < 0 {
				terms[b.term] = token.Int(value)
			} else {
				list := append([]int64{}, terms[b.term].Ints...)
				list[b.item] = value
				terms[b.term] = token.Ints(list)
			}
			_, refused := tryBegin(t, program, []money.Tiyn{paid(terms)}, terms...)
			if taken && refused != nil || !taken && code(refused) != GuardNotMet {
				t.Errorf("%s: %s[%d] = %d: %v, want it taken: %v", name, program.Definition.Terms[b.term].Name, b.item, value, refused, taken)
			}
		}
	}
}

const tenYears = 3650 * 86_400_000

// What a metered contract's creation takes at most is written out, and at all bounds together no sum overflows: not of a bill
// after ten years at full load in all zones, nor of the times to dispute and to judge after it.
func TestTheBoundsOfMeteredTerms(t *testing.T) {
	const great = 1_000_000_000_000_000
	ordinary := []token.Value{token.Ints([]int64{2500, 3000, 1000}), token.Ints([]int64{100_000, 500, 200_000, 900}), token.Ints([]int64{0, 0, 0}),
		token.Int(start), token.Int(11_000), token.Int(100_000), token.Int(86_400_000), token.Int(86_400_000), token.Int(start + tenYears)}
	bounds := []bound{{3, -1, 0, start}, {4, -1, 1, 1_000_000_000}, {5, -1, 1, great}, {6, -1, 1000, great + 999}, {7, -1, 1000, great + 999}}
	for zone := range 3 {
		bounds = append(bounds, bound{0, zone, 0, 999_999}, bound{2, zone, 0, great - 1})
	}
	bounds = append(bounds, bound{1, 0, 0, great - 1}, bound{1, 1, 0, 999_999}, bound{1, 2, 0, great - 1}, bound{1, 3, 0, 999_999})
	checkBounds(t, "metered", ordinary, func([]token.Value) money.Tiyn { return 5_000_000 }, bounds)

	extreme := []token.Value{token.Ints([]int64{999_999, 999_999, 999_999}), token.Ints([]int64{0, 999_999, 0, 999_999}), token.Ints([]int64{great - 1, great - 1, great - 1}),
		token.Int(0), token.Int(1_000_000_000), token.Int(great), token.Int(great + 999), token.Int(great + 999), token.Int(start + tenYears)}
	p, refused := tryBegin(t, template(t, "metered"), []money.Tiyn{math.MaxInt64}, extreme...)
	if refused != nil {
		t.Fatal(refused)
	}
	key := token.NewPrivateKey([32]byte{4})
	p.people[2].Key = key.Public()
	p.document = make([]byte, 32)
	p.now = start + tenYears - 1000
	load := int64(p.now) / 3_600_000 * 1_000_000_000 // since 1970, as `from` has it
	register := great - 1 + load/3
	signed := append([]byte("reading"), make([]byte, 32)...)
	signed = append(signed, p.instance.ID[:]...)
	for _, n := range []int64{int64(p.now), register, register, register} {
		signed = binary.BigEndian.AppendUint64(signed, uint64(n))
	}
	signature, err := key.Sign(MessageDigest(append(signed, p.document...)))
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		by, action string
		args       []token.Value
	}{
		{"supplier", "bill", []token.Value{token.Int(int64(p.now)), token.Int(register), token.Int(register), token.Int(register), token.Bytes(signature[:])}},
		{"customer", "dispute", nil},
		{"arbiter", "decide", []token.Value{token.Int(great)}},
		{"supplier", "claim", nil},
		{"arbiter", "decide", []token.Value{token.Int(great)}},
	}
	for _, s := range steps {
		if refused := p.act(s.by, s.action, nil, s.args...); refused != nil {
			t.Fatalf("%s by %s: %v", s.action, s.by, refused)
		}
	}
}

// The same of an order: a hundred milestones whose prices together are all money that there can be, each delivered years late.
func TestTheBoundsOfAnOrdersTerms(t *testing.T) {
	const day, most = 86_400_000, math.MaxInt64 / 100
	of := func(milestones, price, share, retention, penalty, maxPenalty, inspect int64) []token.Value {
		return []token.Value{token.Int(milestones), token.Int(price), token.Int(start), token.Int(day), token.Int(share), token.Int(retention), token.Int(penalty),
			token.Int(maxPenalty), token.Int(inspect), token.Int(day), token.Int(start + tenYears), token.Text(Plain)}
	}
	all := func(terms []token.Value) money.Tiyn { return money.Tiyn(terms[0].Int * terms[1].Int) }
	checkBounds(t, "order", of(2, 1000, 300, 50, 7, 100, day), all,
		[]bound{{0, -1, 1, 100}, {4, -1, 0, 1000}, {5, -1, 0, 500}, {6, -1, 0, 1000}, {7, -1, 0, 1000}, {8, -1, 1000, tenYears - 3*day}, {9, -1, 0, tenYears - 3*day}})

	for _, terms := range [][]token.Value{of(100, most, 1000, 500, 1000, 1000, 1000), of(100, most, 0, 0, 1000, 999, 1000), of(100, most, 1000, 0, 0, 0, 1000), of(100, most, 333, 500, 1, 1000, 1000)} {
		p, refused := tryBegin(t, template(t, "order"), []money.Tiyn{all(terms)}, terms...)
		if refused != nil {
			t.Fatal(refused)
		}
		p.document = make([]byte, 32)
		p.now = start + tenYears - 400*day
		for i := range 100 {
			if refused := p.act("seller", "deliver", nil); refused != nil {
				t.Fatalf("delivery %d: %v", i, refused)
			}
			if i%2 == 0 {
				for _, step := range []struct {
					by, action string
					args       []token.Value
				}{{"buyer", "dispute", nil}, {"arbiter", "decide", []token.Value{token.Int(most)}}} {
					if refused := p.act(step.by, step.action, nil, step.args...); refused != nil {
						t.Fatalf("%s %d: %v", step.action, i, refused)
					}
				}
			}
			if refused := p.act("buyer", "accept", nil); refused != nil {
				t.Fatalf("acceptance %d: %v", i, refused)
			}
		}
		p.now += 2 * day
		if refused := p.act("seller", "release", nil); refused != nil {
			t.Fatal(refused)
		}
	}
}
