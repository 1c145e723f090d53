package channel

import (
	"crypto/rand"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
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

// brokenSigner is a key that does not sign, such as one of another program that has ended.
type brokenSigner struct{ token.Signer }

func (brokenSigner) Sign([32]byte) (token.Signature, error) {
	return token.Signature{1}, errors.New("the key does not sign")
}

// Whatever step of a payment fails, nothing is paid: neither the channel nor the mandate has moved, and the same payment
// is made once the step works.
func TestAPaymentThatFailsSpendsNothing(t *testing.T) {
	const day = 20_000 // since 1970
	now := uint64(day * millisOfDay)
	noRandomness := iotest.ErrReader(io.ErrUnexpectedEOF)
	for name, step := range map[string]struct {
		key    token.Signer
		fresh  io.Reader
		amount money.Tiyn
	}{
		"mandate":    {senderKey, rand.Reader, 31},
		"negative":   {senderKey, rand.Reader, -1},
		"deposit":    {senderKey, rand.Reader, terms().Deposit + 1},
		"randomness": {senderKey, noRandomness, 30},
		"signature":  {brokenSigner{senderKey}, rand.Reader, 30},
	} {
		for _, before := range []Purse{{Day: day, Spent: 70}, {Day: day - 1, Spent: 99}} {
			before.Mandate = Mandate{MaxDay: before.Spent + 30}
			if before.Day != day {
				before.MaxDay = 30 // what was spent yesterday does not count
			}
			purse := before
			s := NewSender(terms(), step.key, [32]byte{9}, step.fresh, 7, &purse)
			if v, err := s.Pay(step.amount, 2, now); err == nil || v != (Voucher{}) {
				t.Errorf("%s: %+v, %v", name, v, err)
			}
			if s.Worth() != 7 || purse != before {
				t.Errorf("%s: worth %d, the mandate %+v, want %+v", name, s.Worth(), purse, before)
			}
			if _, err := s.NextTick(now); err == nil || err.Code != ChainSpent || purse != before {
				t.Errorf("%s: a tick without a voucher: %v, %+v", name, err, purse)
			}
			s.key, s.fresh = senderKey, rand.Reader
			if _, err := s.Pay(30, 0, now); err != nil || s.Worth() != 37 || purse.Day != day || purse.Spent != purse.MaxDay {
				t.Errorf("%s: the payment after it: %v, worth %d, %+v", name, err, s.Worth(), purse)
			}
		}
	}
}
