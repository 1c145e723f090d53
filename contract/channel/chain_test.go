package channel

import (
	"crypto/rand"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
)

// repeating is a source of randomness that gives the same bytes again and again, as a copied machine's may.
type repeating struct{}

func (repeating) Read(p []byte) (int, error) { return len(p), nil }

// No word of a chain is had by hashing what was revealed of another, at one total or several, by one run or several of a
// sender, even where the randomness repeats itself (there the same voucher twice is one chain, and nothing else is).
func TestNoChainReachesAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var fresh io.Reader = rand.Reader
		repeats := rapid.Bool().Draw(t, "repeats")
		if repeats {
			fresh = repeating{}
		}
		type drawn struct {
			total money.Tiyn
			ticks int
		}
		draw := func(name string) drawn {
			return drawn{money.Tiyn(rapid.IntRange(0, 2).Draw(t, name+" total")), rapid.IntRange(0, 12).Draw(t, name+" ticks")}
		}
		one, two := draw("one"), draw("two")
		if repeats && one == two {
			return
		}
		chain := func(d drawn) *Chain {
			s := NewSender(terms(), senderKey, [32]byte{9}, fresh, d.total, nil)
			if _, err := s.Pay(0, d.ticks, 1000); err != nil {
				t.Fatal(err)
			}
			return s.chain
		}
		first, second := chain(one), chain(two)
		for steps := 0; steps <= 12; steps++ {
			for n := 0; n <= first.Ticks(); n++ {
				if contract.Walk(first.Tick(n), steps) == second.Root() {
					t.Fatalf("word %d of %+v is %d steps from the root of %+v", n, one, steps, two)
				}
			}
			for n := 0; n <= second.Ticks(); n++ {
				if contract.Walk(second.Tick(n), steps) == first.Root() {
					t.Fatalf("word %d of %+v is %d steps from the root of %+v", n, two, steps, one)
				}
			}
		}
	})
}

// A receiver that was signed a voucher without ticks, then one of a thousand at the same total, cannot claim a tick.
func TestARootIsNoWordOfALaterChain(t *testing.T) {
	s, r := pair(t, terms())
	first, second := pay(t, s, 0, 1), pay(t, s, 0, 1000)
	expect(t, "voucher", r.Accept(second, 1000), "")
	for steps := range 1000 {
		if claim := (Claim{Voucher: *second, Ticks: steps + 1, Word: first.Root}); r.Restore(claim) == nil {
			t.Fatalf("the root of another voucher passes for tick %d", steps+1)
		}
	}
}

// Without randomness nothing is signed, and nothing is booked.
func TestNoVoucherWithoutRandomness(t *testing.T) {
	s := NewSender(terms(), senderKey, [32]byte{9}, iotest.ErrReader(io.ErrUnexpectedEOF), 7, nil)
	if _, err := s.Pay(10, 2, 1000); err == nil || s.Worth() != 7 {
		t.Errorf("%v, worth %d", err, s.Worth())
	}
}
