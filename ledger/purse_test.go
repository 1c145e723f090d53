package ledger_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/props"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/sealed"
)

// phone is a purse of the town with its device.
type phone struct {
	name   string
	id     token.WalletID
	owner  token.WalletID
	key    token.PrivateKey
	device purse.Device
	nonces byte
}

func (w *town) bankSequence() uint64 { return w.model.Intermediaries[w.bank].Sequence }

// bond sets an amount aside for the bank's purses.
func (w *town) bonding(amount money.Tiyn) *token.BondPurses {
	b := &token.BondPurses{Intermediary: w.bank, Sequence: w.bankSequence(), Certifier: w.Key("certifier").Public(),
		Amount: amount}
	if amount > 0 {
		b.Inputs, b.Change = w.aside(w.bank, amount)
	}
	return b
}

// aside is all of a wallet's tokens, and what is left of them.
func (w *town) aside(id token.WalletID, amount money.Tiyn) (inputs []token.ID, change money.Tiyn) {
	return w.tokensOf(id), w.model.Wallets[id].Balance - amount
}

var purseLimits = token.PurseLimits{Payment: 20_000 * kzt, Offline: 100_000 * kzt, Hops: 5, AgeHours: 168}

func (w *town) opening(owner token.WalletID, name string, deposit money.Tiyn) *token.OpenPurse {
	o := &token.OpenPurse{Intermediary: w.bank, Sequence: w.bankSequence(), Owner: owner, Key: w.Key(name).Public(),
		Class:  1,
		Limits: purseLimits, ExpiryMillis: w.Now + 30*dayMillis, Deposit: deposit}
	if deposit > 0 {
		o.Inputs, o.Change = w.aside(owner, deposit)
	}
	return o
}

// phone opens a purse of a wallet with money.
func (w *town) phone(name string, deposit money.Tiyn) *phone {
	return w.phoneWith(name, deposit, purseLimits)
}

func (w *town) phoneWith(name string, deposit money.Tiyn, limits token.PurseLimits) *phone {
	p := &phone{name: name, owner: w.register("owner of "+name, 2), key: w.Key(name)}
	if deposit > 0 {
		w.fund(p.owner, 2*deposit)
	}
	o := w.opening(p.owner, name, deposit)
	o.Limits = limits
	p.id = token.RegisteredID(w.Must(o).ID())
	w.certify(p)
	return p
}

// certify gives a device the certificate that the ledger's record calls for.
func (w *town) certify(p *phone) {
	c := w.model.Purse(p.id).Certificate()
	if err := c.Sign(w.Network, w.Key("certifier")); err != nil {
		w.t.Fatal(err)
	}
	p.device.Certificate = c
}

func (p *phone) asks(amount money.Tiyn) purse.Request {
	p.nonces++
	return purse.Request{Payee: p.id, Nonce: purse.Nonce{p.nonces, p.id[0], p.id[1]}, Amount: amount}
}

// signs is a payment of a device as it stands, shown to nobody.
func (w *town) signs(from *phone, r purse.Request) purse.Message {
	w.t.Helper()
	next, m, err := from.device.Pay(w.Network, r, w.Now, from.key)
	if err != nil {
		w.t.Fatalf("%s: %v", from.name, err)
	}
	next.Pending = nil
	from.device = next
	return m
}

// pays has one phone pay another without a network.
func (w *town) pays(from, to *phone, amount money.Tiyn) purse.Message {
	w.t.Helper()
	r := to.asks(amount)
	m := w.signs(from, r)
	view := purse.View{Network: w.Network,
		Certifiers: map[token.WalletID]token.PublicKey{w.bank: w.Key("certifier").Public()}, NowMillis: w.Now}
	received, _, _, err := to.device.Receive(view, r, m)
	if err != nil {
		w.t.Fatalf("%s: %v", to.name, err)
	}
	to.device = received
	return m
}

func settling(links ...purse.Link) *token.SettlePurses {
	s := &token.SettlePurses{}
	for i := range links {
		s.Links = append(s.Links, links[i].Append(nil))
	}
	return s
}

func (w *town) lock(p *phone) money.Tiyn    { return w.model.Purse(p.id).Lock }
func (w *town) bondOf() money.Tiyn          { return w.model.PurseBook().Bond(w.bank).Amount }
func (w *town) balance(p *phone) money.Tiyn { return w.model.Wallets[p.owner].Balance }
func (w *town) wantLock(p *phone, want money.Tiyn) {
	w.t.Helper()
	if got := w.lock(p); got != want {
		w.t.Fatalf("%s holds %s, want %s", p.name, got, want)
	}
}

// withdrawal is a payment of a purse to a wallet.
func (w *town) withdrawal(from *phone, to token.WalletID, amount money.Tiyn) purse.Message {
	from.nonces++
	return w.signs(from, purse.Request{Payee: to, Nonce: purse.Nonce{from.nonces, 9}, Amount: amount})
}

func withPurses(t *testing.T) *town {
	w := newTown(t)
	w.Must(w.bonding(1_000_000 * kzt))
	return w
}

// Three hops settle in the payee's hands alone, and each has what it should; what is left returns after the window.
func TestThreeHopsSettle(t *testing.T) {
	w := withPurses(t)
	a, b, c := w.phone("a", 1000*kzt), w.phone("b", 0), w.phone("c", 50*kzt)
	w.pays(a, b, 600*kzt)
	w.pays(b, c, 500*kzt)
	shop := w.register("shop", 1)
	m := w.withdrawal(c, shop, 400*kzt)
	w.expect(purse.NotCovered, settling(m.Links[0]))
	w.Must(settling(m.Links...)) // with all that it rests on
	w.wantLock(a, 400*kzt)
	w.wantLock(b, 100*kzt)
	w.wantLock(c, 150*kzt)
	if got := w.model.Wallets[shop].Balance; got != 400*kzt {
		t.Errorf("the shop has %s", got)
	}
	w.expect(ledger.Duplicate, settling(m.Links...))
	w.expect(ledger.ClaimWindow, &token.ClosePurse{Purse: a.id})
	w.expect(ledger.NotEmpty, &token.ClosePurse{Purse: w.bank})
	before := w.balance(a)
	w.Now += 60*dayMillis + 1
	for _, p := range []*phone{a, b, c} {
		w.expect(ledger.PurseOver, settling(m.Links...))
		w.Must(&token.ClosePurse{Purse: p.id})
		w.expect(ledger.PurseOver, &token.ClosePurse{Purse: p.id})
	}
	if got := w.balance(a) - before; got != 400*kzt {
		t.Errorf("%s returned to a", got)
	}
	w.Must(&token.ClosePurse{Purse: w.bank})
	if book := w.model.PurseBook(); book.Locked != 0 || len(book.Bonds) != 0 || book.Token != (token.ID{}) {
		t.Errorf("the book says %+v", book)
	}
	if err := w.Replay(ledger.NewModel()); err != nil {
		t.Error(err)
	}
}

// Who restored an old copy and paid twice is convicted by his own two signatures; the payees are made whole by the
// bond.
func TestACloneIsPaidForByTheBond(t *testing.T) {
	w := withPurses(t)
	crook, canteen, friend := w.phone("crook", 300*kzt), w.phone("canteen", 0), w.phone("friend", 0)
	copied := crook.device
	w.pays(crook, canteen, 300*kzt)
	crook.device = copied // the clone
	w.pays(crook, friend, 250*kzt)
	circulating := w.model.Central.Circulating()
	w.Must(settling(canteen.device.Seen()...))
	if w.model.Purse(crook.id).Convicted {
		t.Fatal("convicted by one link")
	}
	w.Must(settling(friend.device.Seen()...))
	if !w.model.Purse(crook.id).Convicted {
		t.Error("not convicted")
	}
	w.wantLock(crook, 0)
	w.wantLock(canteen, 300*kzt)
	w.wantLock(friend, 250*kzt)
	if got := w.bondOf(); got != 999_750*kzt {
		t.Errorf("the bond has %s", got)
	}
	if w.model.Purse(crook.id).Bonded != 250*kzt || w.model.Central.Circulating() != circulating {
		t.Error("the bank has no claim, or money was made")
	}
	w.expect(ledger.PurseConvicted, w.funding(crook, 10*kzt))
	m := w.pays(w.phone("late", 100*kzt), crook, 100*kzt)
	w.Must(settling(m.Links...)) // what comes to the crook goes to the bond
	w.wantLock(crook, 0)
	if got := w.bondOf(); got != 999_850*kzt {
		t.Errorf("the bond has %s", got)
	}
}

func (w *town) funding(p *phone, amount money.Tiyn) *token.FundPurse {
	f := &token.FundPurse{From: p.owner, Purse: p.id, Amount: amount}
	f.Inputs, f.Change = w.aside(p.owner, amount)
	return f
}

// A pair convicts by itself, whoever brings it; one that its key did not sign convicts nobody.
func TestAConvictionIsATransaction(t *testing.T) {
	w := withPurses(t)
	p, q := w.phone("p", 300*kzt), w.phone("q", 0)
	copied := p.device
	one := w.pays(p, q, 100*kzt).Links[0]
	p.device = copied
	two := w.signs(p, q.asks(200*kzt)).Links[0]
	pair := purse.NewConviction(w.Network, one, two)
	forged := two
	forged.Amount++
	bad := purse.NewConviction(w.Network, one, forged)
	w.expect(purse.BadSignature, &token.ConvictPurse{Conviction: bad.Append(nil)})
	same := purse.NewConviction(w.Network, one, one)
	w.expect(purse.NoConflict, &token.ConvictPurse{Conviction: same.Append(nil)})
	w.Must(&token.ConvictPurse{Conviction: pair.Append(nil)})
	w.expect(ledger.PurseConvicted, &token.ConvictPurse{Conviction: pair.Append(nil)})
	w.Must(settling(one, two))
	w.wantLock(q, 300*kzt) // 300 in the lock covers both
	w.wantLock(p, 0)
}

// What the bond may not pay waits for the end of the window, and is shared in proportion, odd tiyn by the link's id.
func TestWhatTheBondMayNotPayIsShared(t *testing.T) {
	w := withPurses(t)
	limits := purseLimits
	limits.Payment, limits.Offline = 300*kzt, 300*kzt
	crook := w.phoneWith("crook", 300*kzt, limits)
	start := crook.device
	var payees []*phone
	for i := range 4 {
		p := w.phone(fmt.Sprint("payee ", i), 0)
		crook.device = start
		w.pays(crook, p, 300*kzt)
		w.Must(settling(p.device.Seen()...))
		payees = append(payees, p)
	}
	w.wantLock(payees[0], 300*kzt) // the lock
	w.wantLock(payees[1], 300*kzt) // the bond, up to the certificate's limit
	w.wantLock(payees[2], 0)
	w.wantLock(payees[3], 0)
	crook.device = start
	// something comes in, and fits neither claim
	w.expect("", settling(w.pays(w.phone("friend", 101*kzt), crook, 101*kzt).Links...))
	w.wantLock(crook, 101*kzt)
	w.Now += 60*dayMillis + 1
	w.Must(&token.ClosePurse{Purse: crook.id})
	if got := w.lock(payees[2]) + w.lock(payees[3]); got != 101*kzt || w.lock(payees[2])-w.lock(payees[3]) > 1 {
		t.Errorf("%s and %s are shared", w.lock(payees[2]), w.lock(payees[3]))
	}
}

var purseProvocations = map[token.Code]func(w *town, code token.Code){
	ledger.UnknownPurse: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		p := w.phone("p", 10*kzt)
		stranger := w.signs(p, purse.Request{Payee: token.WalletID{7}, Nonce: purse.Nonce{1}, Amount: kzt})
		w.expect(code, settling(stranger.Links...))
		w.expect(code, &token.ClosePurse{Purse: token.WalletID{7}})
	},
	ledger.NoBond: func(w *town, code token.Code) { w.expect(code, w.opening(w.alice, "p", kzt)) },
	ledger.PurseOver: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		p := w.phone("p", 10*kzt)
		w.Now += 60 * dayMillis
		w.Must(&token.ClosePurse{Purse: p.id})
		w.expect(code, &token.ClosePurse{Purse: p.id})
	},
	ledger.PurseConvicted: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		p, q := w.phone("p", 10*kzt), w.phone("q", 0)
		start := p.device
		one := w.signs(p, q.asks(kzt))
		p.device = start
		w.Must(settling(one.Links[0], w.signs(p, q.asks(kzt)).Links[0]))
		w.expect(code, w.funding(p, kzt))
	},
	token.UnknownKind: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		o := w.opening(w.alice, "p", kzt)
		o.Class = 3
		w.expect(code, o)
	},
	token.AmountOverflow: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		f := w.funding(w.phone("p", 10*kzt), kzt)
		f.Amount, f.Change = token.MaxPurseAmount, 0
		w.expect(code, f)
	},
	token.NotCanonical: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		p, q := w.phone("p", 10*kzt), w.phone("q", 0)
		start := p.device
		one := w.signs(p, q.asks(kzt)).Links[0]
		p.device = start
		pair := purse.NewConviction(w.Network, one, w.signs(p, q.asks(kzt)).Links[0])
		pair.A, pair.B = pair.B, pair.A
		w.expect(code, &token.ConvictPurse{Conviction: pair.Append(nil)})
	},
	purse.BadSignature: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		p, q := w.phone("p", 10*kzt), w.phone("q", 0)
		l := w.signs(p, q.asks(kzt)).Links[0]
		l.Amount++
		w.expect(code, settling(l))
		pair := purse.NewConviction(w.Network, l, w.signs(p, q.asks(kzt)).Links[0])
		w.expect(code, &token.ConvictPurse{Conviction: pair.Append(nil)})
	},
	purse.NoConflict: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		p, q := w.phone("p", 10*kzt), w.phone("q", 0)
		pair := purse.NewConviction(w.Network, w.signs(p, q.asks(kzt)).Links[0], w.signs(p, q.asks(kzt)).Links[0])
		w.expect(code, &token.ConvictPurse{Conviction: pair.Append(nil)})
	},
	purse.OtherPurse: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		p, q := w.phone("p", 10*kzt), w.phone("q", 10*kzt)
		pair := purse.NewConviction(w.Network, w.signs(p, q.asks(kzt)).Links[0], w.signs(q, p.asks(kzt)).Links[0])
		w.expect(code, &token.ConvictPurse{Conviction: pair.Append(nil)})
	},
	purse.NotCovered: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		p, q, r := w.phone("p", 10*kzt), w.phone("q", 0), w.phone("r", 0)
		w.pays(p, q, 5*kzt)
		w.expect(code, settling(w.pays(q, r, 5*kzt).Links[0]))
	},
	ledger.ClaimWindow: func(w *town, code token.Code) {
		w.Must(w.bonding(1000 * kzt))
		w.expect(code, &token.ClosePurse{Purse: w.phone("p", kzt).id})
	},
}

// Who may open, fund and bond, and with what.
func TestPursesAreOpenedByTheBankAndTheOwner(t *testing.T) {
	w := withPurses(t)
	o := w.opening(w.alice, "device", kzt)
	for name, tx := range map[string]*token.Transaction{ // any order: each is refused
		"the bank alone": w.Sign(o, w.Now+1000, sim.One(token.RoleIntermediary, 0, w.Key("bank")),
			sim.One(token.RolePossession, 0, w.Key("device"))),
		"the owner alone": w.Sign(o, w.Now+1000, sim.One(token.RoleWallet, 0, w.Key("alice")),
			sim.One(token.RolePossession, 0, w.Key("device"))),
		"without the device": w.Sign(o, w.Now+1000, sim.One(token.RoleIntermediary, 0, w.Key("bank")),
			sim.One(token.RoleWallet, 0, w.Key("alice"))),
	} {
		if err := w.Try(tx); err == nil || err.Code != ledger.MissingSignature {
			t.Errorf("%s: %v", name, err)
		}
	}
	spoil := func(code token.Code, change func(*token.OpenPurse)) {
		t.Helper()
		bad := w.opening(w.alice, "device", kzt)
		change(bad)
		w.expect(code, bad)
	}
	spoil(ledger.Expired, func(o *token.OpenPurse) { o.ExpiryMillis = w.Now })
	spoil(ledger.TooFarAhead, func(o *token.OpenPurse) { o.ExpiryMillis = w.Now + 367*dayMillis })
	spoil(token.OutOfRange, func(o *token.OpenPurse) { o.Limits.Payment = 20_001 * kzt })
	spoil(token.OutOfRange, func(o *token.OpenPurse) { o.Limits.Hops = 6 })
	spoil(token.UnknownKind, func(o *token.OpenPurse) { o.Class = 3 })
	spoil(ledger.StaleVersion, func(o *token.OpenPurse) { o.Sequence++ })
	spoil(ledger.NotBalanced, func(o *token.OpenPurse) { o.Change++ })
	spoil(ledger.WrongOwner, func(o *token.OpenPurse) { o.Owner = w.court })
	spoil(ledger.LimitPayment, func(o *token.OpenPurse) {
		o.Deposit = 500_001 * kzt
		o.Change = w.model.Wallets[w.alice].Balance - o.Deposit
	})
	w.expect(ledger.Held, w.payment(w.rich, ledger.PurseFund, kzt))
	w.expect(ledger.Held, &token.Freeze{Wallet: ledger.PurseFund, Version: 1, Mode: token.FreezeAll, Case: "case 1"})
	w.expect(ledger.Held, &token.Seize{Wallet: ledger.PurseFund, Inputs: []token.ID{w.model.PurseBook().Token},
		Amount: 1_000_000 * kzt, Court: w.court, Case: "case 1"})
}

func TestPursesExistFromVersionFive(t *testing.T) {
	w := townUnder(t, 4)
	w.expect(ledger.LaterRules, w.bonding(0))
	w.expect(ledger.LaterRules, w.opening(w.alice, "p", 0))
	w.expect(ledger.LaterRules, settling(purse.Link{Purse: token.WalletID{1}, Number: 1, Amount: 1}))
	w.expect(ledger.LaterRules, &token.ConvictPurse{Conviction: []byte{1}})
	w.expect(ledger.LaterRules, &token.ClosePurse{Purse: w.alice})
	w.expect(ledger.LaterRules, &token.FundPurse{From: w.alice, Purse: w.alice, Inputs: []token.ID{{1}}, Amount: 1})
}

// world is a town whose phones paid each other, some of them clones; papers are the messages that came to light.
type purseWorld struct {
	*town
	phones []*phone
	papers []purse.Message
}

// drawWorld plays payments among phones without a network.
func drawWorld(t *rapid.T, outer *testing.T, bond money.Tiyn) *purseWorld {
	w := &purseWorld{town: newTown(outer)}
	w.Must(w.bonding(bond))
	for i := range rapid.IntRange(3, 5).Draw(t, "phones") {
		w.phones = append(w.phones, w.phone(fmt.Sprint("phone ", i),
			money.Tiyn(rapid.IntRange(1, 300).Draw(t, "deposit"))*kzt))
	}
	past := map[*phone][]purse.Device{}
	crooks := map[*phone]bool{}
	for _, p := range w.phones {
		crooks[p] = rapid.Bool().Draw(t, "crook")
		past[p] = []purse.Device{p.device}
	}
	for range rapid.IntRange(4, 16).Draw(t, "payments") {
		pick := func(what string) *phone { return w.phones[rapid.IntRange(0, len(w.phones)-1).Draw(t, what)] }
		from, to := pick("from"), pick("to")
		if from == to {
			continue
		}
		if crooks[from] && rapid.Bool().Draw(t, "restored") {
			held := from.device
			from.device = past[from][rapid.IntRange(0, len(past[from])-1).Draw(t, "copy")]
			if rapid.Bool().Draw(t, "keeps what it got") {
				from.device.Held, from.device.Received = held.Held, held.Received
			}
		}
		most := int64(from.device.Funds() / kzt)
		if most < 1 {
			continue
		}
		amount := rapid.Int64Range(1, most).Draw(t, "amount")
		if rapid.Bool().Draw(t, "all it has") {
			amount = most
		}
		r := to.asks(money.Tiyn(amount) * kzt)
		next, m, err := from.device.Pay(w.Network, r, w.Now, from.key)
		if err != nil {
			continue // settle first
		}
		next.Pending = nil
		view := purse.View{Network: w.Network,
			Certifiers: map[token.WalletID]token.PublicKey{w.bank: w.Key("certifier").Public()}, NowMillis: w.Now}
		received, _, _, err := to.device.Receive(view, r, m)
		if from.device = next; err != nil {
			continue // the payee saw through it
		}
		past[from] = append(past[from], next)
		to.device = received
		if rapid.IntRange(0, 4).Draw(t, "lost") > 0 {
			w.papers = append(w.papers, m)
		}
	}
	return w
}

// settleIn brings the papers to the ledger in an order, all of each or its links one at a time, until nothing is new.
func (w *purseWorld) settleIn(t *rapid.T, order []purse.Message, singly bool) {
	links := 0
	for _, m := range order {
		links += len(m.Links)
	}
	for range links + 1 { // each round but the last takes one at least
		taken := 0
		for i := range order {
			bodies := []*token.SettlePurses{settling(order[i].Links...)}
			if singly {
				bodies = nil
				for _, l := range order[i].Links {
					bodies = append(bodies, settling(l))
				}
			}
			for _, body := range bodies {
				switch err := w.Try(w.Make(body)); {
				case err == nil:
					taken++
				case err.Code != ledger.Duplicate && err.Code != purse.NotCovered:
					t.Fatalf("%v", err)
				}
			}
		}
		if taken == 0 {
			return
		}
	}
	t.Fatal("settling comes to no end")
}

// shuffled is papers in another order.
func shuffled(t *rapid.T, papers []purse.Message) (others []purse.Message) {
	var places []int
	for i := range papers {
		places = append(places, i)
	}
	for _, i := range rapid.Permutation(places).Draw(t, "order") {
		others = append(others, papers[i])
	}
	return others
}

// outcome is what locks, bond and payees bear.
func (w *purseWorld) outcome() (locks []money.Tiyn, total, bond money.Tiyn) {
	for _, p := range w.phones {
		locks = append(locks, w.lock(p))
		total += w.lock(p)
	}
	return locks, total, w.bondOf()
}

// twin is the same ledger before anything was settled.
func (w *purseWorld) twin(outer *testing.T) *purseWorld {
	twin := *w.town
	twin.model = copyOf(w.model)
	twin.Chain = w.Chain.Fork(twin.model)
	return &purseWorld{town: &twin, phones: w.phones, papers: w.papers}
}

// Every order of settling, any parts of it, gives the same totals; and each purse the same wherever the bond suffices.
func TestEveryOrderOfSettlingGivesTheSame(t *testing.T) {
	convicted := 0
	props.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt, t, 1_000_000*kzt)
		twin := w.twin(t)
		w.settleIn(rt, w.papers, false)
		twin.settleIn(rt, shuffled(rt, w.papers), rapid.Bool().Draw(rt, "singly"))
		locks, total, bond := w.outcome()
		others, otherTotal, otherBond := twin.outcome()
		if !slices.Equal(locks, others) || total != otherTotal || bond != otherBond {
			rt.Fatalf("%v and %s of the bond, in another order %v and %s", locks, bond, others, otherBond)
		}
		var frauds money.Tiyn
		for i, p := range w.phones {
			record, other := w.model.Purse(p.id), twin.model.Purse(p.id)
			if record.Convicted != other.Convicted {
				rt.Fatalf("%s is convicted in one order", p.name)
			}
			if record.Fraud() > 0 && !record.Convicted {
				rt.Fatalf("%s: %s more claimed than it had, and nothing convicts it", p.name, record.Fraud())
			}
			if slices.ContainsFunc(record.Links, func(l ledger.PurseLink) bool { return !l.Paid }) {
				rt.Fatalf("a link of %s waits though the bond suffices", p.name)
			}
			if frauds += record.Bonded; record.Bonded != record.Guaranteed() {
				rt.Fatalf("the bond bears %s for purse %d, by the rule %s", record.Bonded, i, record.Guaranteed())
			}
			if record.Convicted {
				convicted++
			}
		}
		if bond != 1_000_000*kzt-frauds {
			rt.Fatalf("the bond has %s after frauds of %s", bond, frauds)
		}
	}, func() string {
		if convicted == 0 {
			return "no crook was met"
		}
		return ""
	})
}

// Where the bond does not suffice, orders differ in who is paid at once and who shares at the end; in each of them
// nothing of the money is left or made.
func TestAShortBondIsSharedOut(t *testing.T) {
	short := 0
	props.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt, t, money.Tiyn(rapid.IntRange(0, 20).Draw(rt, "bond"))*kzt)
		all := w.model.PurseBook().Locked
		twin := w.twin(t)
		w.settleIn(rt, w.papers, false)
		twin.settleIn(rt, shuffled(rt, w.papers), false)
		for _, one := range []*purseWorld{w, twin} {
			for _, p := range one.phones {
				if slices.ContainsFunc(one.model.Purse(p.id).Links, func(l ledger.PurseLink) bool { return !l.Paid }) {
					short++
				}
			}
			one.Now += 60*dayMillis + 1
			before := one.model.Wallets[one.bank].Balance
			for _, p := range one.phones {
				before += one.balance(p)
				one.Must(&token.ClosePurse{Purse: p.id})
			}
			one.Must(&token.ClosePurse{Purse: one.bank})
			after := one.model.Wallets[one.bank].Balance
			for _, p := range one.phones {
				after += one.balance(p)
			}
			if after-before != all || one.model.PurseBook().Locked != 0 {
				rt.Fatalf("%s was set aside, %s came out", all, after-before)
			}
		}
	}, func() string {
		if short == 0 {
			return "no bond was short"
		}
		return ""
	})
}

// purse draws what happens to purses: links of devices whose keys are at hand, of whatever past, in whatever order.
func (m *machine) purse(t *rapid.T, kind token.Kind, bank token.WalletID) token.Body {
	purses := m.model.Purses()
	sequence := off(t, m.model.Intermediaries[bank].Sequence)
	if len(purses) == 0 && kind > token.KindOpenPurse {
		kind = token.KindOpenPurse
	}
	if bond := m.model.PurseBook().Bond(bank); bond == nil && rapid.IntRange(0, 9).Draw(t, "without a bond") != 0 {
		kind = token.KindBondPurses
	}
	switch kind {
	case token.KindBondPurses:
		inputs, amount, change := m.taking(t, bank)
		if rapid.IntRange(0, 4).Draw(t, "nothing") == 0 {
			inputs, amount, change = nil, 0, 0
		}
		return &token.BondPurses{Intermediary: bank, Sequence: sequence, Certifier: m.newKey(), Inputs: inputs,
			Amount: min(amount, token.MaxPurseAmount), Change: change}
	case token.KindOpenPurse:
		owners := slices.DeleteFunc(sorted(m.model.Wallets), func(id token.WalletID) bool {
			return m.model.Wallets[id].Registrar != bank
		})
		owner := pick(t, "owner", owners)
		inputs, amount, change := m.taking(t, owner)
		opening := &token.OpenPurse{Intermediary: bank, Sequence: sequence, Owner: owner, Key: m.newKey(), Class: 1,
			Limits:       purseLimits,
			ExpiryMillis: m.plain.Now + rapid.Uint64Range(1, 40*dayMillis).Draw(t, "life"), Inputs: inputs,
			Deposit: min(amount, token.MaxPurseAmount), Change: change}
		if keys := m.model.PurseBook().Openers; len(keys) > 0 && rapid.IntRange(0, 9).Draw(t, "without a seal") != 0 {
			number := rapid.IntRange(max(1, len(keys)-1), len(keys)).Draw(t, "key")
			opening.Sealed = m.openers[keys[number-1].Commitments[0]].Seal(opening, uint32(number), "somebody")
		}
		return opening
	}
	p := m.model.Purse(rapid.SampledFrom(purses).Draw(t, "purse"))
	switch kind {
	case token.KindAnnounceOpeners:
		o := m.plain.NewOpeners(byte(len(m.openers)), 2, 3)
		m.openers[o.Key.Commitments[0]] = o
		return o.Announce(m.sequence(t, token.RolePolicy))
	case token.KindOpenName:
		return m.openName(t, p)
	case token.KindFundPurse:
		from := pick(t, "from", sorted(m.model.Wallets))
		inputs, amount, change := m.taking(t, from)
		return &token.FundPurse{From: from, Purse: p.ID, Inputs: inputs, Amount: min(amount, token.MaxPurseAmount),
			Change: change}
	case token.KindSettlePurses:
		return settling(m.link(t, p))
	case token.KindConvictPurse:
		pair := purse.NewConviction(m.plain.Network, m.link(t, p), m.link(t, p))
		return &token.ConvictPurse{Conviction: pair.Append(nil)}
	}
	if rapid.IntRange(0, 5).Draw(t, "a bond") == 0 {
		return &token.ClosePurse{Purse: bank}
	}
	return &token.ClosePurse{Purse: p.ID}
}

// link is one that a device might sign, or a clone of it, or a liar.
func (m *machine) link(t *rapid.T, p *ledger.Purse) purse.Link {
	l := purse.Link{Purse: p.ID, Number: 1, TimeMillis: m.plain.Now, Nonce: purse.Nonce{rapid.Byte().Draw(t, "nonce")}}
	if len(p.Links) > 0 && rapid.IntRange(0, 3).Draw(t, "goes on") != 0 {
		last := rapid.SampledFrom(p.Links).Draw(t, "after")
		l.Number, l.Previous, l.PaidBefore, l.ReceivedBefore = last.Number+1, last.ID, last.PaidBefore+last.Amount,
			last.ReceivedBefore
	}
	l.Amount = amountUpTo(t, max(1, p.Deposit+p.KnownIn-l.PaidBefore))
	l.Payee = rapid.SampledFrom(append(m.model.Purses(), sorted(m.model.Wallets)...)).Draw(t, "payee")
	if l.Payee == l.Purse {
		l.Payee = p.Owner
	}
	l.Amount = min(l.Amount, purse.MaxAmount-l.PaidBefore)
	key, ok := m.plain.Private(p.Key)
	if !ok {
		t.Fatal("a purse of a key that is not at hand")
	}
	signature, err := key.Sign(l.ID(m.plain.Network))
	if err != nil {
		t.Fatal(err)
	}
	l.Signature = signature
	return l
}

// openName opens a purse's name, at times for no reason or with an opener too few.
func (m *machine) openName(t *rapid.T, p *ledger.Purse) token.Body {
	var court token.Hash
	if rapid.Bool().Draw(t, "a court's") {
		court = token.Hash{1}
	}
	by, seal := m.plain.NewOpeners(200, 2, 3), token.Octets(nil)
	if s, err := sealed.Decode(p.Sealed); err == nil {
		by, seal = m.openers[m.model.PurseBook().Openers[s.KeyNumber-1].Commitments[0]], p.Sealed
	} else {
		seal = by.Seal(&token.OpenPurse{}, 1, "nobody")
	}
	openers := rapid.SampledFrom([][]uint8{{1, 2}, {1, 3}, {2, 3}, {2}}).Draw(t, "openers")
	opening, _ := by.Open(p.ID, seal, uint32(len(p.Openings)), court, openers...)
	return opening
}
