package channel_test

import (
	"crypto/rand"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

const opened = 1_700_000_000_000

var (
	sender   = token.NewPrivateKey([32]byte{1})
	receiver = token.NewPrivateKey([32]byte{2})
	public   = sender.Public()
)

type fataler interface {
	Helper()
	Fatal(args ...any)
}

// stand is a channel's contract without a ledger.
type stand struct {
	t        fataler
	program  *contract.Program
	instance contract.Instance
	held     money.Tiyn
	got      money.Tiyn // by the receiver
	ended    bool
}

func program(t fataler) *contract.Program {
	t.Helper()
	p, err := contract.TemplateProgram("channel")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func open(t fataler, p *contract.Program, deposit, tick, maxDay money.Tiyn) (*stand, channel.Terms) {
	t.Helper()
	s := &stand{t: t, program: p, held: deposit, instance: contract.Instance{ID: token.WalletID{9}, Parties: []token.WalletID{{1}, {2}}, Assets: []uint32{0}, CreatedMillis: opened, Version: 1,
		Terms: []token.Value{token.Bytes(public[:]), token.Int(int64(tick)), token.Int(int64(maxDay)), token.Int(3_600_000), token.Int(opened + 100*86_400_000)}}}
	c := s.call(0, opened)
	c.Held, c.Paid = []money.Tiyn{0}, []money.Tiyn{deposit}
	if err := p.Create(&s.instance, c); err != nil {
		t.Fatal(err)
	}
	return s, channel.Terms{ID: channel.ID{Network: token.NetworkID{7}, Contract: s.instance.ID}, Key: sender.Public(), Tick: tick, Deposit: deposit, MaxDay: maxDay, Created: opened}
}

func (s *stand) call(party byte, now uint64) *contract.Call {
	people := [2]contract.Party{{ID: token.WalletID{1}, Key: sender.Public()}, {ID: token.WalletID{2}, Key: receiver.Public()}}
	return &contract.Call{Network: token.NetworkID{7}, Caller: &people[party], Party: func(i int) *contract.Party { return &people[i] }, Now: now, Held: []money.Tiyn{s.held}, Paid: []money.Tiyn{0}}
}

func (s *stand) act(party byte, action string, now uint64, args ...token.Value) *token.Error {
	s.t.Helper()
	c := s.call(party, now)
	c.Action, _ = s.program.Definition.Action(action)
	c.Args = args
	out, err := s.program.Act(&s.instance, c)
	if err != nil {
		return err
	}
	for _, p := range out.Payouts {
		s.held -= p.Amount
		if p.Party != 1 {
			s.t.Fatal("the sender is paid by", action)
		}
		s.got += p.Amount
	}
	s.instance.State = append([]int64{}, out.State...)
	s.ended = out.Ends
	return nil
}

// A million ticks: two transactions, 245 signatures between.
func TestMillionTicks(t *testing.T) {
	s, terms := open(t, program(t), 1_000_000, 1, 0)
	r, refused := channel.NewReceiver(terms)
	if refused != nil {
		t.Fatal(refused)
	}
	car := channel.NewSender(terms, sender, [32]byte{5}, rand.Reader, 0, nil)
	vouchers := 0
	for done := 0; done < 1_000_000; {
		n := min(contract.MaxChain, 1_000_000-done)
		v, err := car.Pay(0, n, opened)
		if err != nil {
			t.Fatal(err)
		}
		if refused := r.Accept(&v, opened); refused != nil {
			t.Fatal(refused)
		}
		vouchers++
		for range n {
			word, refused := car.NextTick(opened)
			if refused == nil {
				refused = r.Tick(word, opened)
			}
			if refused != nil {
				t.Fatal(refused)
			}
			done++
		}
	}
	claim, _ := r.Claim()
	if err := s.act(1, "close", opened+1, claim.Args()...); err != nil {
		t.Fatal(err)
	}
	if s.got != 1_000_000 || !s.ended || vouchers != 245 {
		t.Errorf("the receiver has %d after %d vouchers", s.got, vouchers)
	}
}

// Whatever a receiver accepted, the contract pays, to the tiyn; whatever it refused for its signature
// or its worth, the contract refuses too; and after the sender has left the limit a day stops growing.
func TestTheContractPaysWhatTheReceiverAccepted(t *testing.T) {
	p := program(t)
	rapid.Check(t, func(t *rapid.T) {
		maxDay := money.Tiyn(rapid.IntRange(0, 3000).Draw(t, "day most"))
		s, terms := open(t, p, 10_000, money.Tiyn(rapid.IntRange(0, 5).Draw(t, "tick")), maxDay)
		r, refused := channel.NewReceiver(terms)
		if refused != nil {
			t.Fatal(refused)
		}
		device := channel.NewSender(terms, sender, [32]byte{5}, rand.Reader, 0, nil)
		now := uint64(opened)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			now += uint64(rapid.IntRange(0, 86_400_000).Draw(t, "wait"))
			if v, err := device.Pay(money.Tiyn(rapid.IntRange(0, 2000).Draw(t, "amount")), 5, now); err == nil {
				r.Accept(&v, now)
			}
			for range rapid.IntRange(0, 5).Draw(t, "ticks") {
				if word, refused := device.NextTick(now); refused == nil {
					r.Tick(word, now)
				}
			}
			claim, begun := r.Claim()
			if !begun || !rapid.Bool().Draw(t, "claim") {
				continue
			}
			forged := claim
			forged.Amount++
			if err := s.act(0, "claim", now, forged.Args()...); err == nil {
				t.Fatal("a claim of a tiyn more is paid")
			}
			err := s.act(0, "claim", now, claim.Args()...)
			if r.Worth() > money.Tiyn(s.instance.State[0]) && err != nil {
				t.Fatal(err)
			}
			if s.got != r.Worth() || money.Tiyn(s.instance.State[0]) != s.got {
				t.Fatal("paid", s.got, "accepted", r.Worth())
			}
		}
		claim, begun := r.Claim()
		if !begun || r.Worth() == s.got {
			return
		}
		if err := s.act(0, "leave", now); err != nil {
			t.Fatal(err)
		}
		if maxDay != 0 { // a thief and a dishonest receiver: signed after the revocation, for the days to come
			late, err := channel.Sign(terms.ID, sender, 10_000, channel.Word{})
			if err != nil {
				t.Fatal(err)
			}
			days := money.Tiyn((now-opened)/86_400_000 + 1)
			stolen := channel.Claim{Voucher: late, Word: late.Root}
			if err := s.act(1, "claim", now+90*86_400_000, stolen.Args()...); (err == nil) != (10_000 <= maxDay*days) {
				t.Fatal("ten thousand after the revocation", err)
			} else if err == nil {
				return
			}
		}
		if err := s.act(1, "close", now+1, claim.Args()...); err != nil {
			t.Fatal(err)
		}
		if s.got != r.Worth() || !s.ended {
			t.Fatal("closed with", s.got, "of", r.Worth())
		}
	})
}

// What comes from outside as JSON is refused or accepted, and never more than the sender signed.
func FuzzRestore(f *testing.F) {
	terms := channel.Terms{ID: channel.ID{Contract: token.WalletID{9}}, Key: sender.Public(), Tick: 3, Deposit: 1000, Created: opened}
	v, err := channel.Sign(terms.ID, sender, 500, channel.NewChain([32]byte{1}, 4).Root())
	if err != nil {
		f.Fatal(err)
	}
	good, err := json.Marshal(channel.Claim{Voucher: v, Word: v.Root})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"amount":-1,"ticks":5000}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c channel.Claim
		if json.Unmarshal(data, &c) != nil {
			return
		}
		r, refused := channel.NewReceiver(terms)
		if refused != nil {
			t.Fatal(refused)
		}
		if r.Restore(c) == nil && (r.Worth() < 500 || r.Worth() > 512) {
			t.Errorf("a claim of %d, 500 and four ticks were signed", r.Worth())
		}
	})
}

// Whatever terms a sender writes, they are refused when the channel is opened, or the receiver's claim is paid on every
// day: no sum of them overflows later.
func TestNoTermsKeepAReceiverFromItsClaim(t *testing.T) {
	p := program(t)
	extremes := []money.Tiyn{0, 1, 1000, 1_000_000_000_000_000, 1_000_000_000_000_001, 5_000_000_000_000_000_000, 1<<63 - 1}
	taken := 0
	for _, tick := range extremes {
		for _, maxDay := range extremes {
			if !takesTerms(t, p, tick, maxDay) {
				continue
			}
			taken++
			s, terms := open(t, p, 1000, tick, maxDay)
			v, err := channel.Sign(terms.ID, sender, 1, channel.Word{})
			if err != nil {
				t.Fatal(err)
			}
			claim := channel.Claim{Voucher: v}
			if refused := s.act(1, "close", opened+99*86_400_000, claim.Args()...); refused != nil || s.got != 1 {
				t.Errorf("tick %d, day_most %d: %v", tick, maxDay, refused)
			}
		}
	}
	if taken != 16 {
		t.Errorf("%d pairs of terms are taken, want those within bounds", taken)
	}
}

// refusable notes a failure of open instead of ending the test.
type refusable struct{ failed bool }

func (r *refusable) Helper()      {}
func (r *refusable) Fatal(...any) { r.failed = true }

func takesTerms(t *testing.T, p *contract.Program, tick, maxDay money.Tiyn) bool {
	t.Helper()
	var r refusable
	open(&r, p, 1000, tick, maxDay)
	return !r.failed
}
