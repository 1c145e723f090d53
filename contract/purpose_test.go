package contract

import (
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

func meals() token.Purpose {
	return token.Purpose{
		Name: "school meals", Earmark: `payer.role == "treasury"`, FromMillis: 100, UntilMillis: 200, MaxPayment: 5000,
		Permits: []token.Permit{{When: `payee.role == "canteen" && payee.region == "KZ-75"`, Becomes: 0}, {When: `payee.role == "school"`, Becomes: token.BecomesSame}},
	}
}

func rule(t testing.TB, p token.Purpose) *Rule {
	t.Helper()
	r, problems := CompilePurpose(p)
	if problems != nil {
		t.Fatal(problems)
	}
	return r
}

func someone(role, region string) *Party {
	return &Party{ID: named(role), Attributes: token.Attributes{Role: role, Region: region}}
}

func TestPurposePermits(t *testing.T) {
	r := rule(t, meals())
	cases := []struct {
		payee   *Party
		amount  money.Tiyn
		now     uint64
		becomes uint32
		code    token.Code
	}{
		{someone("canteen", "KZ-75"), 5000, 100, 0, ""},
		{someone("canteen", "KZ-75"), 5001, 100, 0, PurposeForbids},
		{someone("canteen", "KZ-10"), 10, 100, 0, PurposeForbids},
		{someone("school", ""), 10, 199, token.BecomesSame, ""},
		{someone("school", ""), 10, 99, 0, PurposeNotBegun},
		{someone("school", ""), 10, 200, 0, PurposeExpired},
		{someone("casino", "KZ-75"), 10, 150, 0, PurposeForbids},
	}
	for range 2 { // the second time from memory
		for _, c := range cases {
			becomes, err := r.Permit(&Payment{Payer: someone("school", ""), Payee: c.payee, Amount: c.amount, Now: c.now})
			if code(err) != c.code || becomes != c.becomes {
				t.Errorf("%s of %d at %d: %d, %v; want %d, %q", c.payee.Attributes.Role, c.amount, c.now, becomes, err, c.becomes, c.code)
			}
		}
	}
	if !r.ofPayee || len(r.memory) == 0 {
		t.Error("what depends on the payee alone is not remembered")
	}
}

func TestWhoMayMark(t *testing.T) {
	r := rule(t, meals())
	want(t, r.MayEarmark(&Payment{Payer: someone("treasury", ""), Payee: someone("school", ""), Amount: 1, Now: 50}), "")
	want(t, r.MayEarmark(&Payment{Payer: someone("shop", ""), Payee: someone("school", ""), Amount: 1, Now: 50}), EarmarkingForbidden)
	want(t, r.MayEarmark(&Payment{Payer: someone("treasury", ""), Payee: someone("school", ""), Amount: 1, Now: 200}), PurposeExpired)
}

func TestRulesOverMoreThanThePayeeAreNotRemembered(t *testing.T) {
	p := meals()
	p.Permits = []token.Permit{{When: "amount < 100 && size(document) == 32"}}
	r := rule(t, p)
	pay := &Payment{Payer: someone("a", ""), Payee: someone("b", ""), Amount: 50, Now: 150, Document: make([]byte, 32)}
	_, err := r.Permit(pay)
	want(t, err, "")
	pay.Amount = 100
	_, err = r.Permit(pay)
	want(t, err, PurposeForbids)
	pay.Amount, pay.Document = 50, nil
	_, err = r.Permit(pay)
	want(t, err, PurposeForbids)
}

func TestPurposesAreChecked(t *testing.T) {
	for name, change := range map[string]func(p *token.Purpose){
		"the memo is not to be seen": func(p *token.Purpose) { p.Permits[0].When = `memo == "x"` },
		"nobody":                     func(p *token.Purpose) { p.Permits[0].When = `1 > 2` },
		"false":                      func(p *token.Purpose) { p.Earmark = "false" },
		"all before others":          func(p *token.Purpose) { p.Permits[0].When = "true" },
		"a number":                   func(p *token.Purpose) { p.Earmark = "amount" },
		"too dear": func(p *token.Purpose) {
			p.Earmark = "verify(payer.key, document, document) && verify(payee.key, document, document)"
		},
	} {
		p := meals()
		change(&p)
		if _, problems := CompilePurpose(p); (len(problems) == 0) != (name == "nobody") {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

func BenchmarkPermit(b *testing.B) {
	r := rule(b, meals())
	pay := &Payment{Payer: someone("school", ""), Payee: someone("canteen", "KZ-75"), Amount: 50, Now: 150}
	for b.Loop() {
		if _, err := r.Permit(pay); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPermitByAmount(b *testing.B) {
	p := meals()
	p.Permits[0].When += " && amount < 1000"
	r := rule(b, p)
	pay := &Payment{Payer: someone("school", ""), Payee: someone("canteen", "KZ-75"), Amount: 50, Now: 150}
	for b.Loop() {
		if _, err := r.Permit(pay); err != nil {
			b.Fatal(err)
		}
	}
}

// A purpose can demand that its money moves by contracts alone, whatever document a payment attaches.
func TestPurposeByContractAlone(t *testing.T) {
	p := meals()
	p.Permits = []token.Permit{{When: `payee.role == "school" && size(definition) == 32`, Becomes: token.BecomesSame}}
	r := rule(t, p)
	payment := Payment{Payer: someone("treasury", ""), Payee: someone("school", ""), Amount: 1, Now: 150, Document: make([]byte, 32)}
	if _, err := r.Permit(&payment); code(err) != PurposeForbids {
		t.Errorf("between wallets: %v", err)
	}
	payment.Definition = make([]byte, 32)
	if _, err := r.Permit(&payment); err != nil {
		t.Errorf("out of a contract: %v", err)
	}
}

// A chain's length is written out, so that its cost is known; a guard that lets the caller choose it is refused.
func TestChainIsBounded(t *testing.T) {
	for text, want := range map[string]bool{"chain(args.word, args.n, 4096) == args.word": true, "chain(args.word, args.n, args.n) == args.word": false, "chain(args.word, args.n, 4097) == args.word": false} {
		d := &Definition{Name: "ticks", Parties: []string{"alice"}, Assets: []string{"tenge"}, Create: Action{Takes: []Take{{"tenge", Any}}},
			Actions: []Action{{Name: "tick", Args: []Field{{"word", token.BytesValue}, {"n", token.IntValue}}, When: text, Ends: true}},
			End:     End{At: "created + day", Pay: []Share{{To: "alice", Share: 1}}}}
		if _, problems := Compile(d); (len(problems) == 0) != want {
			t.Errorf("%s: %v", text, problems)
		}
	}
}

// What creating is guarded by may be what is paid in, and who pays it.
func TestCreationSeesWhatIsPaid(t *testing.T) {
	d := &Definition{Name: "deposit", Parties: []string{"alice"}, Assets: []string{"tenge"}, Create: Action{When: "paid.tenge >= 100 && caller.id == alice.id && now > 0", Takes: []Take{{"tenge", Any}}},
		Actions: []Action{{Name: "stop", Ends: true}}, End: End{At: "created + day", Pay: []Share{{To: "alice", Share: 1}}}}
	p, problems := Compile(d)
	if problems != nil {
		t.Fatal(problems)
	}
	if _, err := tryBegin(t, p, []money.Tiyn{100}); err != nil {
		t.Error(err)
	}
	if _, err := tryBegin(t, p, []money.Tiyn{99}); code(err) != GuardNotMet {
		t.Errorf("with 99: %v", err)
	}
}
