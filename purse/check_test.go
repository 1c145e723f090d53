package purse_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

func codeOf(err error) token.Code {
	var refusal *token.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

// A chain of five payments passes and fits; the sixth hop is refused before anything is signed.
func TestChainOfFiveHops(t *testing.T) {
	phones := []*phone{newPhone(t, "0", 20_000*kzt)}
	for i := range 6 {
		next := newPhone(t, fmt.Sprint(i+1), 0)
		phones = append(phones, next)
		r := next.query(20_000*kzt - money.Tiyn(i))
		before := phones[i].device
		d, m, err := before.Pay(network, r, noon, phones[i].key)
		if i == 5 {
			if c := codeOf(err); c != purse.SettleFirst && c != purse.TooManyHops || d.Number != 0 {
				t.Fatalf("the sixth hop: %v, state %d", err, d.Number)
			}
			if !strings.Contains(err.Error(), "settle") {
				t.Errorf("%q does not say to settle first", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		size := len(m.Append(nil))
		t.Logf("%d hops: %d bytes", i+1, size)
		if size > purse.MaxMessage || len(m.Links) != i+1 {
			t.Fatalf("%d bytes and %d links at hop %d", size, len(m.Links), i+1)
		}
		received, receipt, _, err := next.device.Receive(view(noon), r, m)
		if err != nil {
			t.Fatal(err)
		}
		next.device = received
		if phones[i].device, err = d.Finish(network, receipt); err != nil {
			t.Fatal(err)
		}
	}
}

// The longest certificate and link keep within their bytes.
func TestSizes(t *testing.T) {
	p := newPhone(t, "p", 0)
	c := p.device.Certificate
	c.Serial, c.Deposit, c.ExpiryMillis = 1<<32-1, purse.MaxAmount, token.MaxValidUntil
	c.Class, c.MaxPayment, c.MaxOffline = purse.Hardware, 100_000*kzt, 1_000_000*kzt
	if size := len(c.Append(nil)); size > purse.MaxCertificate {
		t.Errorf("a certificate has %d bytes", size)
	} else {
		t.Logf("a certificate has at most %d bytes", size)
	}
	l := purse.Link{Number: 1<<32 - 1, PaidBefore: purse.MaxAmount / 2, ReceivedBefore: purse.MaxAmount, Amount: purse.MaxAmount / 2, TimeMillis: token.MaxValidUntil}
	l.Payee[0], l.Signature[0] = 1, byte(token.Ed25519)
	data := l.Append(nil)
	t.Logf("a link has at most %d bytes", len(data))
	if back, err := purse.DecodeLink(data); err != nil || back != l || len(data) > purse.MaxLink {
		t.Errorf("%d bytes: %v", len(data), err)
	}
}

// Each rule of the payee's, broken by itself, is refused with its code.
func TestPayeeRefuses(t *testing.T) {
	type scene struct {
		a, b, c *phone
		r       purse.Request
		m       purse.Message
		v       purse.View
	}
	resign := func(s *scene, i int, by *phone) {
		l := &s.m.Links[i]
		sig, err := by.key.Sign(l.ID(network))
		if err != nil {
			t.Fatal(err)
		}
		l.Signature = sig
	}
	recertify := func(s *scene, change func(*purse.Certificate)) {
		for i := range s.m.Certificates {
			if c := &s.m.Certificates[i]; c.Purse == s.b.id() {
				change(c)
				sign(t, c)
			}
		}
	}
	cases := map[string]struct {
		spoil func(*scene)
		want  token.Code
	}{
		"as it is":             {func(*scene) {}, ""},
		"another payee":        {func(s *scene) { s.r.Payee[0] ^= 1 }, purse.OtherPayee},
		"replayed":             {func(s *scene) { s.r.Nonce[0] ^= 1 }, purse.OtherPayee},
		"another amount":       {func(s *scene) { s.r.Amount++ }, purse.OtherPayee},
		"unknown intermediary": {func(s *scene) { s.v.Certifiers = nil }, purse.NoCertifier},
		"forged certificate":   {func(s *scene) { s.m.Certificates[0].Deposit++ }, purse.BadSignature},
		"expired":              {func(s *scene) { s.v.NowMillis = noon + 24*31*hour }, purse.Expired},
		"old source":           {func(s *scene) { s.v.NowMillis = noon + 24*8*hour }, purse.Expired},
		"clock ahead":          {func(s *scene) { s.v.NowMillis = noon - 25*hour }, purse.Expired},
		"revoked payer":        {func(s *scene) { s.v.Revoked = func(id token.WalletID) bool { return id == s.b.id() } }, purse.Revoked},
		"revoked source":       {func(s *scene) { s.v.Revoked = func(id token.WalletID) bool { return id == s.a.id() } }, purse.Revoked},
		"payment's limit":      {func(s *scene) { recertify(s, func(c *purse.Certificate) { c.MaxPayment = 100 }) }, purse.OverLimit},
		"offline limit": {func(s *scene) {
			recertify(s, func(c *purse.Certificate) { c.MaxPayment, c.MaxOffline = 200, 200 })
			s.m.Links[0].Number, s.m.Links[0].PaidBefore = 2, 100
			resign(s, 0, s.b)
		}, purse.OverLimit},
		"hops": {func(s *scene) { recertify(s, func(c *purse.Certificate) { c.MaxHops = 1 }) }, purse.TooManyHops},
		"hidden sources": {func(s *scene) {
			s.m.Links = s.m.Links[:1]
			s.m.Certificates = s.m.Certificates[:0]
			s.m.Certificates = append(s.m.Certificates, s.b.device.Certificate)
		}, purse.NotCovered},
		"unneeded source": {func(s *scene) {
			recertify(s, func(c *purse.Certificate) { c.Deposit = 10_000 })
		}, purse.Unneeded},
		"unneeded certificate": {func(s *scene) {
			s.m.Certificates = []purse.Certificate{s.b.device.Certificate, s.c.device.Certificate}
			s.m.Links = s.m.Links[:1]
			if s.m.Certificates[0].Purse.String() > s.m.Certificates[1].Purse.String() {
				s.m.Certificates[0], s.m.Certificates[1] = s.m.Certificates[1], s.m.Certificates[0]
			}
		}, purse.Unneeded},
		"missing certificate": {func(s *scene) { s.m.Certificates = s.m.Certificates[:1] }, purse.NoCertificate},
		"link twice":          {func(s *scene) { s.m.Links = append(s.m.Links, s.m.Links[0]) }, token.Repeated},
		"forged link":         {func(s *scene) { s.m.Links[0].TimeMillis++ }, purse.BadSignature},
		"signed by another":   {func(s *scene) { resign(s, 0, s.c) }, purse.BadSignature},
		"forged source":       {func(s *scene) { s.m.Links[1].Amount++ }, purse.BadSignature},
		"seen otherwise": {func(s *scene) {
			other := s.m.Links[0]
			other.Amount--
			sig, _ := s.b.key.Sign(other.ID(network))
			other.Signature = sig
			s.v.Seen = []purse.Link{other}
		}, purse.Conflicting},
		"totals fall": {func(s *scene) {
			other := s.m.Links[0]
			other.Number, other.PaidBefore, other.ReceivedBefore = 5, 5_000, 0
			sig, _ := s.b.key.Sign(other.ID(network))
			other.Signature = sig
			s.v.Seen = []purse.Link{other}
		}, purse.Conflicting},
	}
	for name, test := range cases { // any order: each by itself
		t.Run(name, func(t *testing.T) {
			s := &scene{a: newPhone(t, "a", 1000), b: newPhone(t, "b", 0), c: newPhone(t, "c", 0), v: view(noon)}
			mustPay(t, s.a, s.b, 500)
			s.r = s.c.query(300)
			var err error
			if _, s.m, err = s.b.device.Pay(network, s.r, noon, s.b.key); err != nil {
				t.Fatal(err)
			}
			test.spoil(s)
			conviction, refusal := purse.Check(&s.v, &s.r, &s.m)
			if got := (token.Code)(""); refusal != nil {
				if got = refusal.Code; got != test.want {
					t.Fatalf("%v, want %s", refusal, test.want)
				}
			} else if test.want != "" {
				t.Fatalf("passed, want %s", test.want)
			}
			if (conviction != nil) != (test.want == purse.Conflicting) {
				t.Fatalf("conviction %v", conviction)
			}
			if conviction != nil && conviction.Verify(network, s.b.id(), s.b.key.Public()) != nil {
				t.Fatal("the conviction does not hold")
			}
		})
	}
}

// A payment broken off anywhere leaves nothing or what both finish later, none twice.
func TestBrokenExchange(t *testing.T) {
	a, b := newPhone(t, "a", 1000), newPhone(t, "b", 0)
	r := b.query(400)
	signed, m, err := a.device.Pay(network, r, noon, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := signed.Pay(network, b.query(1), noon, a.key); codeOf(err) != purse.PaymentPending {
		t.Fatalf("another payment beside a pending one: %v", err)
	}
	again, shown, err := signed.Pay(network, r, noon+hour, a.key)
	if err != nil || string(shown.Append(nil)) != string(m.Append(nil)) || again.Number != 1 {
		t.Fatalf("shown again it is another payment: %v", err)
	}
	received, receipt, _, err := b.device.Receive(view(noon), r, m)
	if err != nil {
		t.Fatal(err)
	}
	twice, second, _, err := received.Receive(view(noon), r, shown)
	if err != nil || second != receipt || twice.Received != 400 {
		t.Fatalf("the same payment again: %v, %s received", err, twice.Received)
	}
	done, err := signed.Finish(network, second)
	if err != nil || done.Funds() != 600 || done.Pending != nil {
		t.Fatalf("%v, %s left", err, done.Funds())
	}
	if _, err := done.Finish(network, second); codeOf(err) != purse.OtherPayee {
		t.Fatalf("a receipt with nothing pending: %v", err)
	}
}

// Who has no key convicts nobody.
func TestForgedConviction(t *testing.T) {
	a, b := newPhone(t, "a", 1000), newPhone(t, "b", 0)
	_, one, _ := a.device.Pay(network, b.query(1), noon, a.key)
	_, two, _ := a.device.Pay(network, b.query(2), noon, a.key)
	genuine := purse.NewConviction(network, *one.Payment(), *two.Payment())
	if err := genuine.Verify(network, a.id(), a.key.Public()); err != nil {
		t.Fatal(err)
	}
	back, err := purse.DecodeConviction(genuine.Append(nil))
	if err != nil || back != genuine {
		t.Fatalf("%v", err)
	}
	forged := genuine
	forged.B.Amount++
	forged = purse.NewConviction(network, forged.A, forged.B)
	swapped := purse.Conviction{A: genuine.B, B: genuine.A}
	same := purse.NewConviction(network, genuine.A, genuine.A)
	for name, c := range map[string]struct { // any order: each by itself
		c    purse.Conviction
		of   *phone
		want token.Code
	}{
		"changed": {forged, a, purse.BadSignature}, "another purse's": {genuine, b, purse.OtherPurse},
		"out of order": {swapped, a, token.NotCanonical}, "one link twice": {same, a, purse.NoConflict},
	} {
		if err := c.c.Verify(network, c.of.id(), c.of.key.Public()); err == nil || err.Code != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if err := genuine.Verify(token.NetworkID{8}, a.id(), a.key.Public()); err == nil {
		t.Error("a conviction of another network holds")
	}
}
