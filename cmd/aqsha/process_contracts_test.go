package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// diners are customers of whom each has a contract out of which it pays its neighbour, and marked money.
type diners struct {
	*customers
	contracts []token.WalletID
	purpose   uint32

	mu    sync.Mutex
	deeds []deed
}

// deed is an action or a marked payment whose fate may be unknown.
type deed struct {
	from   int
	meal   bool // out of the contract; otherwise marked money out of the wallet
	amount money.Tiyn
	id     token.TransactionID
	acked  bool
}

const (
	mealMoney      = 50_000 * money.Tenge
	earmarkedMoney = 20_000 * money.Tenge
)

func newDiners(t *testing.T, n int) *diners {
	t.Helper()
	d := &diners{customers: newCustomers(t, n)}
	ctx := context.Background()
	client := d.client(t, up(t, d.dir))
	defer client.process.stop(t)
	if _, err := client.GrantAgency(ctx, "agency"); err != nil {
		t.Fatal(err)
	}
	agency, _ := client.Keyring.Resolve("agency")
	if _, err := client.RegisterPurpose(ctx, agency, token.Purpose{Name: "p", Earmark: "true", FromMillis: 1, UntilMillis: client.Now() + 86_400_000, Returns: d.ids[0],
		Permits: []token.Permit{{When: "amount > 0", Becomes: token.BecomesSame}}}); err != nil {
		t.Fatal(err)
	}
	purpose, err := client.Purpose(ctx, "p")
	if err != nil {
		t.Fatal(err)
	}
	d.purpose = purpose.Number
	text, _ := contract.Template("school-meals")
	source, problems := contract.Parse(text)
	if problems != nil {
		t.Fatal(problems)
	}
	if _, err := client.Define(ctx, token.Authority, &source.Definition); err != nil {
		t.Fatal(err)
	}
	for i, id := range d.ids {
		if _, _, err := client.PayEarmarked(ctx, wallet.EarmarkedPayment{From: id, To: id, Amount: earmarkedMoney, Purpose: purpose, Earmark: true}); err != nil {
			t.Fatal(err)
		}
		next := d.ids[(i+1)%n]
		receipt, err := client.CreateContract(ctx, &token.Create{Creator: id, Definition: source.Definition.ID(), Parties: []token.WalletID{id, id, next, id}, Assets: []uint32{0},
			Terms: []token.Value{token.Int(1 << 40), token.Int(1 << 50), token.Int(int64(client.Now() + 86_400_000))}, Paid: []money.Tiyn{mealMoney}})
		if err != nil {
			t.Fatal(err)
		}
		d.contracts = append(d.contracts, token.RegisteredID(receipt.ID))
	}
	return d
}

// dineUntilItDies has diner i act and pay marked money in turn.
func (d *diners) dineUntilItDies(i int, client *testClient, random *rand.Rand) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var signed *token.Transaction
	client.Out = func(draft *wallet.Draft) error { signed = draft.Transaction; return nil }
	for meal := true; ; meal = !meal {
		a := deed{from: i, meal: meal, amount: money.Tiyn(1 + random.IntN(1000))}
		if meal {
			c, err := client.API.Contract(ctx, d.contracts[i], 0)
			if err != nil {
				return
			}
			_, _ = client.Act(ctx, &token.Act{Contract: d.contracts[i], Version: c.Version, Action: "eat", Caller: d.ids[i],
				Args: []token.Value{token.Int(int64(a.amount))}, Paid: []money.Tiyn{0}}, c.Assets)
		} else {
			purpose, err := client.Purpose(ctx, "p")
			if err != nil {
				return
			}
			_, _, _ = client.PayEarmarked(ctx, wallet.EarmarkedPayment{From: d.ids[i], To: d.ids[(i+1)%len(d.ids)], Amount: a.amount, Purpose: purpose})
		}
		if signed == nil {
			return
		}
		a.id = signed.ID()
		_, err := client.API.Submit(ctx, signed)
		signed = nil
		a.acked = err == nil
		d.mu.Lock()
		d.deeds = append(d.deeds, a)
		d.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (d *diners) check(t *testing.T, client *testClient) {
	t.Helper()
	ctx := context.Background()
	want, held := make([]money.Tiyn, len(d.ids)), make([]money.Tiyn, len(d.ids))
	for i := range want {
		want[i], held[i] = startMoney-mealMoney, mealMoney
	}
	for _, a := range d.deeds {
		_, err := client.API.Transaction(ctx, a.id)
		if err != nil && a.acked {
			t.Fatalf("transaction %s was acknowledged and is lost: %v", a.id, err)
		}
		if err != nil {
			continue
		}
		want[(a.from+1)%len(d.ids)] += a.amount
		if a.meal {
			held[a.from] -= a.amount
		} else {
			want[a.from] -= a.amount
		}
	}
	for i := range d.ids {
		view, err := client.API.Wallet(ctx, d.ids[i])
		if err != nil {
			t.Fatal(err)
		}
		c, err := client.API.Contract(ctx, d.contracts[i], 0)
		if err != nil {
			t.Fatal(err)
		}
		if view.Balance != want[i] || c.Held[0] != held[i] {
			t.Fatalf("diner %d has %s and %s in the contract, what was done makes it %s and %s", i, view.Balance, c.Held[0], want[i], held[i])
		}
	}
	purpose, err := client.Purpose(ctx, "p")
	if err != nil || purpose.Live != earmarkedMoney*money.Tiyn(len(d.ids)) {
		t.Fatalf("marked now %s, %v", purpose.Live, err)
	}
}

// The node is killed while contracts and marked money are moved. What was acknowledged is there, nothing is there twice.
func TestKillLosesNothingOfContracts(t *testing.T) {
	t.Parallel()
	const clients, kills = 4, 10
	d := newDiners(t, clients)
	untilKilled(t, d.dir, clients, kills, func(p *process) { d.check(t, d.client(t, p)) }, func(p *process, i int, random *rand.Rand) {
		if client, err := d.open(p); err == nil { // a client of its own: it keeps what it signed; killed before it opened, it did nothing
			d.dineUntilItDies(i, client, random)
		}
	})
	if len(d.deeds) < 2*kills {
		t.Fatalf("only %d deeds were done: the test shows nothing", len(d.deeds))
	}
}
