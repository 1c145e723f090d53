package api_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/contract/meter"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// utility is power that alice pays bob for by a meter of its own; her bank decides where they differ. A kilowatt-hour
// is 20 tenge.
type utility struct {
	*walletPage
	id    token.WalletID
	last  meter.Reading
	chain token.Hash
}

// bindMeter has alice put 1,000 tenge of a token into a contract whose bills she may dispute for a window, and returns
// it and what is left of the token. The definition is registered.
func (w *walletPage) bindMeter(device token.WalletID, from token.ID, window time.Duration) (*utility, token.ID) {
	w.t.Helper()
	since := time.Now().Add(-24 * time.Hour).UnixMilli()
	id, rest := w.bindDefined(w.t, "metered", from, []token.WalletID{w.alice, w.bob, device, w.bank},
		token.Ints([]int64{2_000, 2_000, 2_000}), token.Ints([]int64{0, 0, 0, 0}), token.Ints([]int64{0, 0, 0}),
		token.Int(since), token.Int(10_000), token.Int(int64(900*money.Tenge)), token.Int(window.Milliseconds()),
		token.Int(time.Hour.Milliseconds()), token.Int(time.Now().Add(30*24*time.Hour).UnixMilli()))
	return &utility{walletPage: w, id: id, last: meter.Reading{AtMillis: uint64(since)}}, rest
}

// act has a party act on a contract from another device than the phone.
func (w *walletPage) act(id, caller token.WalletID, key, action string, document *token.Hash, args ...token.Value) {
	w.t.Helper()
	w.submit(w.t, w.world.Sign(&token.Act{Contract: id, Version: w.version(id), Action: action, Caller: caller, Args: args,
		Paid: []money.Tiyn{0}, Document: document}, soon(), sim.One(token.RoleWallet, 0, w.world.Key(key))))
}

// version is a live contract's, or 0 of one that has ended.
func (w *walletPage) version(id token.WalletID) uint64 {
	w.t.Helper()
	for _, c := range w.contracts(w.t) {
		if c.ID == id {
			return c.Version
		}
	}
	return 0
}

// bill has the meter sign so many kilowatt-hours more, and the supplier bill them.
func (u *utility) bill(kilowattHours int64) {
	u.t.Helper()
	next := meter.Reading{AtMillis: u.last.AtMillis + uint64(time.Hour.Milliseconds()), Registers: u.last.Registers}
	next.Registers[0] += 1_000 * kilowattHours
	u.chain = meter.Link(u.chain, &next)
	signature, err := u.world.Key("meter").Sign(meter.Digest(u.node.Network(), u.id, &next, u.chain))
	if err != nil {
		u.t.Fatal(err)
	}
	u.act(u.id, u.bob, "bob", "bill", &u.chain, token.Int(int64(next.AtMillis)), token.Int(next.Registers[0]),
		token.Int(next.Registers[1]), token.Int(next.Registers[2]), token.Bytes(signature[:]))
	u.last = next
}

// back is somebody who comes back to the page, which looks anew: what moved no money makes no event.
func (w *walletPage) back() {
	w.t.Helper()
	w.do(chromedp.Evaluate(`dispatchEvent(new Event("focus"))`, nil))
}

// twoPhones are alice's phone and bob's, each on its page of rules.
func (w *walletPage) twoPhones() (supplier *walletPage) {
	w.t.Helper()
	w.takeAlice()
	w.turn("rules")
	supplier = w.another()
	supplier.take("bob", w.bob)
	supplier.turn("rules")
	return supplier
}

// paidTo waits until a wallet holds a sum.
func (w *walletPage) paidTo(wallet token.WalletID, sum money.Tiyn) {
	w.t.Helper()
	w.until("a wallet has "+sum.String(), func() bool { return w.balanceOf(wallet) == sum })
}

// Power by the meter on the phone: a bill comes and is accepted; the next one was disputed on another device meanwhile,
// which the page that did not know is refused in words, and the arbiter decides; bills nobody speaks against the
// supplier's phone collects; it leaves, and nothing binds either.
func TestPowerByTheMeterOnThePhone(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	registered, device := w.world.Register("bank", w.bank, 3, "meter", 1, soon())
	w.submit(t, registered)
	w.submit(t, w.world.Sign(&token.Define{Registrar: w.bank, Sequence: 4, Definition: sim.Template("metered")}, soon(),
		sim.One(token.RoleIntermediary, 0, w.world.Key("bank"))))
	power, rest := w.bindMeter(device, token.OutputID(w.money.ID(), 0), 24*time.Hour)
	supplier := w.twoPhones()
	for _, phone := range []*walletPage{w, supplier} {
		phone.see("Use by the meter")
		phone.see("Nothing")
	}
	w.picture("meter-before")

	power.bill(3)
	w.back()
	w.see("Taken without the payer's word from")
	w.picture("meter-bill")
	w.press("Accept the bill: 60.00")
	w.see("goes to the other side now")
	w.press("Accept the bill: 60.00")
	w.paidTo(w.bob, 60*money.Tenge)
	w.see("940.00")

	power.bill(5)
	w.back()
	w.press("Accept the bill: 100.00")
	w.act(power.id, w.alice, "alice", "dispute", new(token.Hash))
	w.press("Accept the bill: 100.00")
	w.see("Nothing left your wallet")
	w.see("Disputed: the arbiter decides") // the page looked anew, and offers nothing that cannot be
	w.picture("meter-refused")
	if w.has("Accept the bill") || w.balanceOf(w.bob) != 60*money.Tenge {
		t.Errorf("a disputed bill: the payee has %s, and the page says %q", w.balanceOf(w.bob), w.text("main"))
	}
	w.act(power.id, w.bank, "bank treasury", "decide", nil, token.Int(int64(40*money.Tenge)))
	w.paidTo(w.bob, 100*money.Tenge)
	w.see("900.00")

	hasty, _ := w.bindMeter(device, rest, time.Second)
	hasty.bill(1)
	supplier.until("the window is over", func() bool {
		supplier.turn("home")
		supplier.turn("rules")
		supplier.see("20.00")
		return supplier.has("Collect the bill: 20.00")
	})
	supplier.press("Collect the bill: 20.00")
	supplier.see("comes to you now")
	supplier.press("Collect the bill: 20.00")
	w.paidTo(w.bob, 120*money.Tenge)
	for _, live := range []token.WalletID{power.id, hasty.id} {
		w.act(live, w.bob, "bob", "leave", nil)
	}
	w.see("Nothing binds this wallet")
	supplier.see("Nothing binds this wallet")
	w.paidTo(w.alice, 99_880*money.Tenge)
	w.clean()
}

// has is whether a page has a text now.
func (w *walletPage) has(text string) (has bool) {
	w.t.Helper()
	w.do(chromedp.Evaluate(fmt.Sprintf(`document.body.innerText.includes(%q)`, text), &has))
	return has
}

// A channel on the phone, opened for a day: vouchers that the payer signed are brought, and both pages say what was
// taken; the payer's page, which did not hear that another device closed it, is refused in words; a newer voucher comes
// within the window, and what is left goes back.
func TestAChannelIsUsedAndClosedOnThePhone(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	key := w.world.Key("alice").Public()
	id, _ := w.bind(t, "channel", 3, token.OutputID(w.money.ID(), 0), token.Bytes(key[:]), token.Int(0), token.Int(0),
		token.Int(time.Hour.Milliseconds()), token.Int(time.Now().Add(24*time.Hour).UnixMilli()))
	bring := func(action string, total money.Tiyn) {
		t.Helper()
		v, err := channel.Sign(channel.ID{Network: w.node.Network(), Contract: id}, w.world.Key("alice"), total, channel.Word{})
		if err != nil {
			t.Fatal(err)
		}
		w.act(id, w.bob, "bob", action, nil, (&channel.Claim{Voucher: v, Word: v.Root}).Args()...)
	}
	payee := w.twoPhones()
	for _, phone := range []*walletPage{w, payee} {
		phone.see("Payment channel")
		phone.see("1,000.00")
	}
	bring("claim", 250*money.Tenge)
	for _, phone := range []*walletPage{w, payee} { // both heard of it: money moved
		phone.see("250.00")
		phone.see("750.00")
	}
	w.paidTo(w.bob, 250*money.Tenge)
	w.picture("channel-used")

	w.press("Close the channel")
	w.act(id, w.alice, "alice", "leave", nil)
	w.press("Close the channel")
	w.see("Nothing left your wallet")
	w.see("Can be finished from")
	w.picture("channel-refused")
	if w.version(id) != 3 {
		t.Errorf("the channel has version %d after a claim and one leave", w.version(id))
	}
	payee.back()
	payee.see("Can be finished from")
	payee.press("Give it up")
	payee.see("goes back for good")
	bring("close", 400*money.Tenge) // another device of the payee's has a newer voucher
	payee.see("Nothing binds this wallet")
	w.see("Nothing binds this wallet")
	w.paidTo(w.bob, 400*money.Tenge)
	w.paidTo(w.alice, 99_600*money.Tenge)
	w.clean()
}
