package api_test

import (
	"context"
	"crypto/sha256"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// bind has alice put 1,000 tenge of her first token into a contract with bob, and returns it and what is left.
func (w *town) bind(t *testing.T, template string, sequence uint64, from token.ID,
	terms ...token.Value) (token.WalletID, token.ID) {
	t.Helper()
	return w.bindAll(t, template, sequence, from, []token.WalletID{w.alice, w.bob}, terms...)
}

// bindAll is bind with all parties, of whom alice is the first.
func (w *town) bindAll(t *testing.T, template string, sequence uint64, from token.ID, parties []token.WalletID,
	terms ...token.Value) (token.WalletID, token.ID) {
	t.Helper()
	w.submit(t, w.world.Sign(&token.Define{Registrar: w.bank, Sequence: sequence, Definition: sim.Template(template)}, soon(),
		sim.One(token.RoleIntermediary, 0, w.world.Key("bank"))))
	return w.bindDefined(t, template, from, parties, terms...)
}

// bindDefined is bindAll with a definition that is registered.
func (w *town) bindDefined(t *testing.T, template string, from token.ID, parties []token.WalletID,
	terms ...token.Value) (token.WalletID, token.ID) {
	t.Helper()
	create := w.world.Sign(&token.Create{Creator: w.alice, Definition: sha256.Sum256(sim.Template(template)),
		Parties: parties, Assets: []uint32{0}, Terms: terms, Inputs: []token.ID{from},
		Paid: []money.Tiyn{1_000 * money.Tenge}}, soon(), sim.One(token.RoleWallet, 0, w.world.Key("alice")))
	w.submit(t, create)
	return token.RegisteredID(create.ID()), token.OutputID(create.ID(), 0)
}

// bindAlice has her subscribe to bob for 300 a day and at most 700, and open a channel to him.
func (w *town) bindAlice(t *testing.T) (debit, channel token.WalletID) {
	t.Helper()
	end := token.Int(time.Now().Add(20 * 24 * time.Hour).UnixMilli())
	price, most := 300*money.Tenge, 700*money.Tenge
	debit, rest := w.bind(t, "subscription", 3, token.OutputID(w.money.ID(), 0), token.Int(int64(price)),
		token.Int(time.Hour.Milliseconds()), token.Int(int64(most)), end)
	channel, _ = w.bind(t, "channel", 4, rest, token.Bytes(make([]byte, 33)), token.Int(0), token.Int(0),
		token.Int(2_000), end)
	return debit, channel
}

// A wallet is told of its standing debits and channels who takes, what was taken and what may be taken yet, as both of
// its parties are; of an escrow what it holds.
func TestWhatAPayeeMayTakeYet(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	debit, channel := w.bindAlice(t)
	look := func(id token.WalletID) *api.Standing {
		t.Helper()
		c, err := w.client.Contract(context.Background(), id, 0)
		if err != nil || c.Standing == nil {
			t.Fatalf("%+v, %v", c, err)
		}
		return c.Standing
	}
	s := look(debit)
	if s.Kind != api.StandingDebit || s.Payer != w.alice || s.Payee != w.bob || s.Taken != 0 ||
		s.MayTake != 600*money.Tenge || s.Each != 300*money.Tenge || s.From == 0 { // 700 are two times and no third
		t.Errorf("%+v", s)
	}
	act := func(id token.WalletID, version uint64, action string, by token.WalletID, key string) {
		t.Helper()
		w.submit(t, w.world.Sign(&token.Act{Contract: id, Version: version, Action: action, Caller: by,
			Paid: []money.Tiyn{0}}, soon(), sim.One(token.RoleWallet, 0, w.world.Key(key))))
	}
	act(debit, 1, "charge", w.bob, "bob")
	if s := look(debit); s.Taken != 300*money.Tenge || s.MayTake != 300*money.Tenge ||
		s.From < uint64(time.Now().UnixMilli()) {
		t.Errorf("after a charge: %+v", s)
	}
	if s := look(channel); s.Kind != api.Channel || s.Payee != w.bob || s.MayTake != 1_000*money.Tenge || s.From != 0 {
		t.Errorf("%+v", s)
	}
	act(channel, 1, "leave", w.alice, "alice")
	if s := look(channel); s.From < uint64(time.Now().UnixMilli()) {
		t.Errorf("after its payer left: %+v", s)
	}
	w = newTown(t, api.Options{Open: true})
	c, err := w.client.Contract(context.Background(), w.escrow(t), 0)
	if err != nil || !reflect.DeepEqual(c.Standing, &api.Standing{Kind: api.Escrow, Payer: w.alice, Payee: w.bob,
		MayTake: 40 * money.Tenge}) {
		t.Errorf("an escrow: %+v, %v", c.Standing, err)
	}
}

// The wallet's page says who takes by a standing debit and a channel, and how much yet; the payer stops one and closes
// the other, and the payee takes.
func TestStandingDebitsAndChannelsOnThePhone(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	debit, channel := w.bindAlice(t)
	version := func(id token.WalletID) uint64 {
		for _, c := range w.contracts(t) {
			if c.ID == id {
				return c.Version
			}
		}
		return 0
	}
	w.takeAlice()
	w.turn("rules")
	w.see("Standing debit")
	w.see("Payment channel")
	for _, text := range []string{"600.00", "300.00", "1,000.00"} {
		w.see(text)
	}
	w.picture("standing")
	shop := w.another()
	shop.take("bob", w.bob)
	shop.turn("rules")
	shop.press("Take 300.00")
	shop.see("comes to you now")
	shop.press("Take 300.00")
	shop.until("the payee took once", func() bool { return version(debit) == 2 })
	shop.do(chromedp.Poll(`document.querySelector("[data-testid=standing-debit]").innerText`+
		`.split("300.00").length === 4`, nil, often))
	if balance := w.balanceOf(w.bob); balance != 300*money.Tenge {
		t.Errorf("the payee has %s", balance)
	}
	w.turn("home")
	w.turn("rules")
	w.press("Stop it and take the rest back")
	w.see("ends for good")
	w.press("Stop it and take the rest back")
	w.until("the payer stopped it", func() bool { return version(debit) == 0 })
	w.press("Close the channel")
	w.see("has some time to take")
	w.press("Close the channel")
	w.see("Can be finished from")
	if version(channel) != 2 {
		t.Errorf("the channel has version %d", version(channel))
	}
	w.until("its window is over", func() bool {
		w.turn("home")
		w.turn("rules")
		w.see("Can be finished from")
		return strings.Contains(w.text("main"), "Finish it")
	})
	w.press("Finish it")
	w.press("Finish it")
	w.see("Nothing binds this wallet")
	if balance := w.balanceOf(w.alice); balance != 99_700*money.Tenge {
		t.Errorf("the payer has %s after one charge of 300", balance)
	}
	w.clean()
}

// contracts are the live ones, as the node has them.
func (w *town) contracts(t *testing.T) (list []ledger.Contract) {
	t.Helper()
	err := w.node.View(context.Background(), func(state *livestate.State, _ node.Head) {
		for id := range state.EachContract() { // any order: looked up by id
			list = append(list, *state.Contract(id))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// bindOrder has her order of bob two deliveries of 500 each, due in ten days and then a day each, which she has three
// days to look at; her bank decides where they differ.
func (w *town) bindOrder(t *testing.T) (order token.WalletID) {
	t.Helper()
	now := time.Now()
	day := 24 * time.Hour
	order, _ = w.bindAll(t, "order", 3, token.OutputID(w.money.ID(), 0), []token.WalletID{w.alice, w.bob, w.bob, w.bank},
		token.Int(2), token.Int(int64(500*money.Tenge)), token.Int(now.Add(10*day).UnixMilli()), token.Int(day.Milliseconds()),
		token.Int(0), token.Int(0), token.Int(0), token.Int(0), token.Int((3 * day).Milliseconds()), token.Int(0),
		token.Int(now.Add(30*day).UnixMilli()), token.Text(contract.Plain))
	return order
}

// The wallet's page names an order in words: when the next delivery is due, then what is owed for it, which the buyer
// accepts, and how many are paid.
func TestAnOrderOnThePhone(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	order := w.bindOrder(t)
	w.takeAlice()
	w.turn("rules")
	w.see("Order in parts")
	w.see("0 of 2")
	w.see("Next delivery by")
	w.submit(t, w.world.Sign(&token.Act{Contract: order, Version: 1, Action: "deliver", Caller: w.bob, Paid: []money.Tiyn{0},
		Document: new(token.Hash)}, soon(), sim.One(token.RoleWallet, 0, w.world.Key("bob"))))
	w.do(chromedp.Evaluate(`dispatchEvent(new Event("focus"))`, nil)) // somebody comes back to the page
	w.see("without the payer's word from")
	w.picture("order")
	w.press("Accept the delivery: 500.00")
	w.see("goes to the other side now")
	w.press("Accept the delivery: 500.00")
	w.see("1 of 2")
	if got := w.balanceOf(w.bob); got != 500*money.Tenge {
		t.Errorf("the seller has %s", got)
	}
	w.clean()
}
