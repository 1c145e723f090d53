package channel

import (
	"crypto/rand"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

var (
	senderKey = token.NewPrivateKey([32]byte{1})
	other     = token.NewPrivateKey([32]byte{3})
)

func terms() Terms {
	return Terms{ID: ID{token.NetworkID{7}, token.WalletID{8}}, Key: senderKey.Public(), Tick: 3, Deposit: 10_000, Created: 1000}
}

func pair(t testing.TB, terms Terms) (*Sender, *Receiver) {
	t.Helper()
	r, err := NewReceiver(terms)
	if err != nil {
		t.Fatal(err)
	}
	return NewSender(terms, senderKey, [32]byte{9}, rand.Reader, 0, nil), r
}

func pay(t testing.TB, s *Sender, amount money.Tiyn, ticks int) *Voucher {
	t.Helper()
	v, err := s.Pay(amount, ticks, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return &v
}

func code(err *token.Error) token.Code {
	if err == nil {
		return ""
	}
	return err.Code
}

func expect(t testing.TB, what string, err *token.Error, want token.Code) {
	t.Helper()
	if code(err) != want {
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}

func TestReplayedReorderedForeignAndForged(t *testing.T) {
	s, r := pair(t, terms())
	first, second := pay(t, s, 100, 0), pay(t, s, 50, 2)
	expect(t, "second", r.Accept(second, 1000), "")
	expect(t, "the first after it", r.Accept(first, 1000), Stale)
	expect(t, "the second again", r.Accept(second, 1000), Stale)
	forged := *second
	forged.Amount++
	expect(t, "a larger amount under the same signature", r.Accept(&forged, 1000), BadSignature)
	for name, id := range map[string]ID{"another network": {token.NetworkID{6}, s.Contract}, "another contract": {s.Network, token.WalletID{9}}} {
		v, err := Sign(id, senderKey, 500, Word{})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, name, r.Accept(&v, 1000), BadSignature)
	}
	v, err := Sign(s.ID, other, 500, Word{})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "another key", r.Accept(&v, 1000), BadSignature)
	if v, err = Sign(s.ID, senderKey, 10_001, Word{}); err != nil {
		t.Fatal(err)
	}
	expect(t, "above the deposit", r.Accept(&v, 1000), AboveDeposit)
	if r.Worth() != 150 {
		t.Errorf("worth %d", r.Worth())
	}
}

func TestTicks(t *testing.T) {
	s, r := pair(t, terms())
	expect(t, "without a voucher", r.Tick(Word{}, 1000), BadTick)
	expect(t, "voucher", r.Accept(pay(t, s, 10, 3), 1000), "")
	var words []Word
	for range 3 {
		w, err := s.NextTick(1000)
		expect(t, "next", err, "")
		words = append(words, w)
	}
	_, err := s.NextTick(1000)
	expect(t, "beyond the chain", err, ChainSpent)
	expect(t, "out of order", r.Tick(words[1], 1000), BadTick)
	for _, w := range words {
		expect(t, "tick", r.Tick(w, 1000), "")
		expect(t, "twice", r.Tick(w, 1000), BadTick)
	}
	if r.Worth() != 19 || s.Worth() != 19 {
		t.Errorf("worth %d and %d, want 19", r.Worth(), s.Worth())
	}
	kept, _ := r.Claim()
	again, _ := NewReceiver(r.Terms)
	expect(t, "restored", again.Restore(kept), "")
	kept.Ticks++
	expect(t, "one tick more than was given", again.Restore(kept), BadTick)
	r.Leave(2000)
	expect(t, "after the sender left", r.Accept(pay(t, s, 1, 0), 1000), Revoked)
	if claim, _ := r.Claim(); claim.Ticks != 3 {
		t.Errorf("what was ticked before is %d", claim.Ticks)
	}
}

func TestMandate(t *testing.T) {
	purse := &Purse{Mandate: Mandate{MaxCounterparty: 500, MaxDay: 300}}
	s := NewSender(terms(), senderKey, [32]byte{9}, rand.Reader, 0, purse)
	for _, c := range []struct {
		amount money.Tiyn
		now    uint64
		want   bool
	}{{200, 1000, true}, {101, 1000, false}, {100, 1000, true}, {1, 1000, false}, {200, 1000 + millisOfDay, true}, {1, 1000 + 2*millisOfDay, false}} {
		if _, err := s.Pay(c.amount, 0, c.now); (err == nil) != c.want {
			t.Errorf("%d at %d: %v", c.amount, c.now, err)
		}
	}
	purse.Revoked = true
	if _, err := s.Pay(0, 0, 1000); err == nil {
		t.Error("a revoked device pays")
	}
	limited := terms()
	limited.MaxDay = 100
	s2, r := pair(t, limited)
	if _, err := s2.Pay(101, 0, 1000); err == nil {
		t.Error("above the channel's limit of the day")
	}
	v, err := Sign(s2.ID, senderKey, 101, Word{})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "on the first day", r.Accept(&v, 1000), AboveDay)
	expect(t, "on the second", r.Accept(&v, 1000+millisOfDay), "")
}

// A batch answers as one after the other would.
func TestBatchIsSingle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		single, batched := make([]*Receiver, 3), make([]*Receiver, 3)
		for i := range single {
			tm := terms()
			tm.Contract[0] = byte(i)
			single[i], _ = NewReceiver(tm)
			batched[i], _ = NewReceiver(tm)
		}
		var arrivals []Arrival
		var want []token.Code
		for range rapid.IntRange(1, 12).Draw(t, "vouchers") {
			i := rapid.IntRange(0, 2).Draw(t, "channel")
			key := rapid.SampledFrom([]token.PrivateKey{senderKey, senderKey, senderKey, other}).Draw(t, "key")
			v, err := Sign(single[i].ID, key, money.Tiyn(rapid.IntRange(0, 30).Draw(t, "amount")), Word{})
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, code(single[i].Accept(&v, 1000)))
			arrivals = append(arrivals, Arrival{batched[i], &v})
		}
		errs := make([]*token.Error, len(arrivals))
		var d Client
		if err := d.Accept(arrivals, 1000, rand.Reader, errs); err != nil {
			t.Fatal(err)
		}
		for i := range errs {
			if code(errs[i]) != want[i] {
				t.Fatalf("voucher %d: %v, want %q", i, errs[i], want[i])
			}
		}
	})
}

// Whatever arrives, a receiver's worth never falls and its claim is what it is worth.
func TestWorthNeverFalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r := NewSender(terms(), senderKey, [32]byte{9}, rand.Reader, 0, nil), (*Receiver)(nil)
		r, _ = NewReceiver(terms())
		var vouchers []Voucher
		var words []Word
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			before := r.Worth()
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				if v, err := s.Pay(money.Tiyn(rapid.IntRange(0, 900).Draw(t, "amount")), 4, 1000); err == nil {
					vouchers = append(vouchers, v)
				}
			case 1:
				if w, err := s.NextTick(1000); err == nil {
					words = append(words, w)
				}
			case 2, 3:
				if len(vouchers) > 0 {
					r.Accept(&vouchers[rapid.IntRange(0, len(vouchers)-1).Draw(t, "voucher")], 1000)
				}
			default:
				if len(words) > 0 {
					r.Tick(words[rapid.IntRange(0, len(words)-1).Draw(t, "word")], 1000)
				}
			}
			if r.Worth() < before || r.Worth() > s.Worth() || r.Worth() > r.Deposit {
				t.Fatalf("worth %d after %d; the sender has paid %d of %d", r.Worth(), before, s.Worth(), r.Deposit)
			}
			if c, ok := r.Claim(); ok {
				if worth, fits := c.Worth(r.Terms.Tick); !fits || worth != r.Worth() || contract.Walk(c.Word, c.Ticks) != c.Root {
					t.Fatalf("the claim %+v is not worth %d", c, r.Worth())
				}
			}
		}
	})
}

func BenchmarkVoucher(b *testing.B) {
	s, r := pair(b, Terms{ID: terms().ID, Key: senderKey.Public(), Deposit: 1 << 40, Created: 1000})
	vouchers := make([]*Voucher, 256)
	for i := range vouchers {
		vouchers[i] = pay(b, s, 1, 0)
	}
	for i := 0; b.Loop(); i++ {
		if i%len(vouchers) == 0 {
			r.worth, r.begun = 0, false
		}
		if err := r.Accept(vouchers[i%len(vouchers)], 1000); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTick(b *testing.B) {
	s, r := pair(b, Terms{ID: terms().ID, Key: senderKey.Public(), Tick: 1, Deposit: 1 << 40, Created: 1000})
	if err := r.Accept(pay(b, s, 0, contract.MaxChain), 1000); err != nil {
		b.Fatal(err)
	}
	start := r.best
	for i := 0; b.Loop(); i++ {
		if i%contract.MaxChain == 0 {
			r.best, r.worth = start, 0
		}
		if err := r.Tick(s.chain.Tick(i%contract.MaxChain+1), 1000); err != nil {
			b.Fatal(err)
		}
	}
}

// A sender may have left since the ledger was asked, and the contract counts the limit a day until then: a voucher, or a tick,
// above what was allowed at that moment would cost the receiver all it has, because a claim is taken or refused as a whole.
func TestTheLimitCountsToWhenTheLedgerWasAsked(t *testing.T) {
	const day = 86_400_000
	limited := terms()
	limited.MaxDay = 100
	s, r := pair(t, limited)
	r.Asked = limited.Created + day - 1
	today, err := s.Pay(97, 5, limited.Created+day-1)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "of the first day", r.Accept(&today, limited.Created+day+1), "")
	word, refused := s.NextTick(limited.Created + day + 1)
	expect(t, "the sender's tick of the next day", refused, "")
	expect(t, "a tick up to the limit", r.Tick(word, limited.Created+day+1), "")
	word, refused = s.NextTick(limited.Created + day + 1)
	expect(t, "the sender's next", refused, "")
	expect(t, "a tick above what was allowed when the ledger was asked", r.Tick(word, limited.Created+day+1), AboveDay)
	more, err := s.Pay(20, 0, limited.Created+day+1)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "a voucher above it", r.Accept(&more, limited.Created+day+1), AboveDay)
	r.Asked = limited.Created + day + 1
	expect(t, "after asking again", r.Accept(&more, limited.Created+day+1), "")
}
