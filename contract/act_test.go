package contract

import (
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

func tenge(amounts ...money.Tiyn) []money.Tiyn { return amounts }

func want(t *testing.T, err *token.Error, c token.Code) {
	t.Helper()
	if code(err) != c {
		t.Fatalf("got %v, want code %q", err, c)
	}
}

func TestEscrowDivides(t *testing.T) {
	p := begin(t, "escrow", tenge(1000), token.Int(1000), token.Int(30))
	want(t, p.act("seller", "release", nil), WrongCaller)
	want(t, p.act("arbiter", "divide", nil, token.Int(1001)), GuardNotMet)
	want(t, p.act("arbiter", "divide", nil, token.Int(-1)), GuardNotMet)
	want(t, p.act("arbiter", "divide", nil, token.Text("1")), BadArguments)
	want(t, p.act("arbiter", "divide", nil), BadArguments)
	want(t, p.act("arbiter", "release", tenge(5)), WrongPayment)
	want(t, p.act("arbiter", "divide", nil, token.Int(400)), "")
	if p.got["seller"] != 400 || p.got["buyer"] != 600 {
		t.Fatal(p.got)
	}
}

func TestEscrowIsCreatedAsTheTermsSay(t *testing.T) {
	program := template(t, "escrow")
	_, err := tryBegin(t, program, tenge(999), token.Int(1000), token.Int(30))
	want(t, err, WrongPayment)
	_, err = tryBegin(t, program, tenge(0), token.Int(0), token.Int(30))
	want(t, err, GuardNotMet)
	_, err = tryBegin(t, program, tenge(1000), token.Int(1000), token.Int(1<<62))
	want(t, err, CannotEvaluate) // the end would be beyond 64 bits
	_, err = tryBegin(t, program, tenge(1000), token.Int(1000))
	want(t, err, BadTerms)
}

func TestHashLockIsBitcoins(t *testing.T) {
	// OP_SHA256 of 32 bytes: the lock of btcd's swap scripts
	secret := sha256.Sum256([]byte("secret"))
	lock := sha256.Sum256(secret[:])
	p := begin(t, "htlc", tenge(777), token.Bytes(lock[:]), token.Int(start+1000))
	want(t, p.act("sender", "claim", nil, token.Bytes([]byte("wrong"))), GuardNotMet)
	want(t, p.act("sender", "cancel", nil), WrongCaller)
	want(t, p.act("sender", "claim", nil, token.Bytes(secret[:])), "")
	if p.got["receiver"] != 777 {
		t.Fatal(p.got)
	}
}

func TestHashLockTimesOut(t *testing.T) {
	secret := sha256.Sum256([]byte("secret"))
	lock := sha256.Sum256(secret[:])
	p := begin(t, "htlc", tenge(777), token.Bytes(lock[:]), token.Int(start+1000))
	p.now = start + 1000
	want(t, p.act("receiver", "claim", nil, token.Bytes(secret[:])), TooLate)
	p.end()
	if p.got["sender"] != 777 {
		t.Fatal(p.got)
	}
}

func TestVATSplitsAndSetsOff(t *testing.T) {
	invoice := sha256.Sum256([]byte("e-invoice"))
	p := begin(t, "vat-split", nil, token.Int(100_000), token.Int(16), token.Bytes(invoice[:]), token.Int(10))
	want(t, p.act("buyer", "pay", tenge(116_000, 0)), WrongDocument)
	forged := sha256.Sum256([]byte("another"))
	p.document = forged[:]
	want(t, p.act("buyer", "pay", tenge(116_000, 0)), WrongDocument)
	p.document = invoice[:]
	want(t, p.act("buyer", "pay", tenge(115_999, 0)), GuardNotMet)
	want(t, p.act("buyer", "pay", tenge(99_999, 16_001)), GuardNotMet) // the net is not paid in VAT
	want(t, p.act("buyer", "pay", tenge(110_000, 6_000)), "")
	if p.got["seller"] != 116_000 {
		t.Fatal(p.got)
	}
}

func TestVATIsPaidMarked(t *testing.T) {
	invoice := sha256.Sum256([]byte("e-invoice"))
	p := begin(t, "vat-split", nil, token.Int(100_000), token.Int(16), token.Bytes(invoice[:]), token.Int(10))
	p.document = invoice[:]
	call := p.call(0, tenge(110_000, 6_000))
	out, err := p.program.Act(&p.instance, call)
	want(t, err, "")
	wantPaid := []Paid{{1, 0, 0, 100_000}, {1, 0, 1, 10_000}, {1, 1, 1, 6_000}}
	if len(out.Payouts) != len(wantPaid) {
		t.Fatal(out.Payouts)
	}
	for i := range wantPaid {
		if out.Payouts[i] != wantPaid[i] {
			t.Errorf("payout %d is %+v, want %+v", i, out.Payouts[i], wantPaid[i])
		}
	}
}

func TestSchoolMealsAreLimitedByDay(t *testing.T) {
	p := begin(t, "school-meals", tenge(10_000), token.Int(800), token.Int(1000), token.Int(start+100*86_400_000))
	want(t, p.act("card", "eat", nil, token.Int(900)), GuardNotMet)
	want(t, p.act("canteen", "eat", nil, token.Int(500)), WrongCaller)
	want(t, p.act("card", "eat", nil, token.Int(600)), "")
	want(t, p.act("card", "eat", nil, token.Int(600)), GuardNotMet)
	p.now += 86_400_000
	want(t, p.act("card", "eat", nil, token.Int(600)), "")
	want(t, p.act("school", "top_up", tenge(0)), GuardNotMet)
	want(t, p.act("budget", "stop", nil), "")
	if p.got["canteen"] != 1200 || p.got["budget"] != 8800 {
		t.Fatal(p.got)
	}
}

func TestRefundWithinAWindow(t *testing.T) {
	const day = 86_400_000
	terms := []token.Value{token.Int(5000), token.Int(100), token.Int(14)}
	p := begin(t, "refund", tenge(5000), terms...)
	want(t, p.act("seller", "collect", nil), TooEarly)
	want(t, p.act("seller", "confirm", nil), GuardNotMet)
	p.document = make([]byte, 32)
	p.now += 14 * day
	want(t, p.act("buyer", "send_back", nil), TooLate) // from this moment on the seller collects: never both
	p.now -= 1
	want(t, p.act("buyer", "send_back", nil), "")
	want(t, p.act("seller", "collect", nil), TooEarly)
	p.now += 5
	want(t, p.act("seller", "collect", nil), GuardNotMet)
	want(t, p.act("seller", "confirm", nil), "")
	if p.got["seller"] != 100 || p.got["buyer"] != 4900 {
		t.Fatal(p.got)
	}
}

// A period that passed untaken is not made up for: after a silence the merchant takes one price.
func TestSubscriptionTakesAtMostOncePerPeriod(t *testing.T) {
	const month = 30 * 86_400_000
	p := begin(t, "subscription", tenge(10_000), token.Int(300), token.Int(month), token.Int(5000), token.Int(start+12*month))
	p.now += 5 * month
	want(t, p.act("merchant", "charge", nil), "")
	want(t, p.act("merchant", "charge", nil), TooEarly)
	p.now += month - 1
	want(t, p.act("merchant", "charge", nil), TooEarly)
	p.now++
	want(t, p.act("merchant", "charge", nil), "")
	if p.got["merchant"] != 600 {
		t.Fatal(p.got)
	}
}

// Who decides between two is neither of them, in every template that has an arbiter, a registry or a meter.
func TestPartiesThatMustDifferDiffer(t *testing.T) {
	for _, c := range []struct {
		template string
		paid     []money.Tiyn
		terms    []token.Value
		pairs    [][2]string
	}{
		{"escrow", tenge(100), []token.Value{token.Int(100), token.Int(3)}, [][2]string{{"arbiter", "buyer"}, {"arbiter", "seller"}, {"seller", "buyer"}}},
		{"refund", tenge(100), []token.Value{token.Int(100), token.Int(1), token.Int(3)}, [][2]string{{"arbiter", "buyer"}, {"arbiter", "seller"}, {"seller", "buyer"}}},
		{"work", tenge(100), []token.Value{token.Int(100), token.Int(start + 1000), token.Text(Plain)}, [][2]string{{"arbiter", "buyer"}, {"arbiter", "supplier"}, {"supplier", "buyer"}}},
		{"grant", tenge(100), []token.Value{token.Bytes(make([]byte, 32)), token.Int(100), token.Int(start + 1000), token.Text(Plain)}, [][2]string{{"registry", "farmer"}, {"registry", "seller"}}},
		{"order", tenge(100), []token.Value{token.Int(1), token.Int(100), token.Int(start), token.Int(0), token.Int(0), token.Int(0), token.Int(0), token.Int(0), token.Int(1000), token.Int(0), token.Int(start + 5000), token.Text(Plain)},
			[][2]string{{"arbiter", "buyer"}, {"arbiter", "seller"}, {"arbiter", "subcontractor"}, {"seller", "buyer"}, {"subcontractor", "buyer"}}},
		{"metered", tenge(100), []token.Value{token.Ints([]int64{1, 1, 1}), token.Ints([]int64{0, 0, 0, 0}), token.Ints([]int64{0, 0, 0}), token.Int(start), token.Int(1000), token.Int(1000), token.Int(1000), token.Int(1000), token.Int(start + 5000)},
			[][2]string{{"arbiter", "customer"}, {"arbiter", "supplier"}, {"meter", "supplier"}, {"meter", "customer"}}},
	} {
		program := template(t, c.template)
		if _, err := tryBegin(t, program, c.paid, c.terms...); err != nil {
			t.Errorf("%s: %v", c.template, err)
		}
		for _, pair := range c.pairs {
			d := *program.Definition
			same := *program
			same.Definition = &d
			d.Parties = slices.Clone(d.Parties)
			at, _ := find(d.Parties, pair[0])
			d.Parties[at] = pair[1] // tryBegin names wallets by the parties' names
			if _, err := tryBegin(t, &same, c.paid, c.terms...); code(err) != GuardNotMet {
				t.Errorf("%s: %s is %s: %v", c.template, pair[0], pair[1], err)
			}
		}
	}
}

func TestSubscriptionIsCappedAndRevoked(t *testing.T) {
	const month = 30 * 86_400_000
	p := begin(t, "subscription", tenge(1000), token.Int(300), token.Int(month), token.Int(500), token.Int(start+12*month))
	want(t, p.act("merchant", "charge", nil), "")
	want(t, p.act("merchant", "charge", nil), TooEarly)
	p.now += month
	want(t, p.act("merchant", "charge", nil), GuardNotMet) // over the cap
	want(t, p.act("merchant", "revoke", nil), WrongCaller)
	want(t, p.act("subscriber", "add", tenge(50)), "")
	want(t, p.act("subscriber", "revoke", nil), "")
	if p.got["merchant"] != 300 || p.got["subscriber"] != 750 {
		t.Fatal(p.got)
	}
}

func BenchmarkAct(b *testing.B) {
	p := begin(b, "school-meals", tenge(1<<40), token.Int(800), token.Int(1<<40), token.Int(start+100*86_400_000))
	call := p.call(1, tenge(0))
	call.Args = []token.Value{token.Int(700)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.program.Act(&p.instance, call); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	p := template(b, "vat-split")
	for b.Loop() {
		if _, problems := Compile(p.Definition); problems != nil {
			b.Fatal(problems)
		}
	}
}
