package purse_test

import (
	"cmp"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

// world is some purses, of which some are crooks' who work together.
type world struct {
	phones []*phone
	now    uint64
}

func anyWorld(t *rapid.T) *world {
	w := &world{now: noon}
	for i := range rapid.IntRange(3, 6).Draw(t, "purses") {
		p := newPhone(t, string(rune('A'+i)), money.Tiyn(rapid.IntRange(0, 300).Draw(t, "deposit")))
		p.crook = rapid.IntRange(0, 2).Draw(t, "crook") == 0
		w.phones = append(w.phones, p)
	}
	return w
}

// state is from where a phone pays: what it is in, or for a crook any that it was in, with whatever lie.
func (p *phone) state(t *rapid.T) purse.Device {
	if !p.crook || len(p.past) == 0 || rapid.IntRange(0, 2).Draw(t, "honestly") == 0 {
		return p.device
	}
	d := p.past[rapid.IntRange(0, len(p.past)-1).Draw(t, "rolled back to")]
	d.Pending = nil
	switch rapid.IntRange(0, 5).Draw(t, "lie") {
	case 0:
		d.Received += money.Tiyn(rapid.IntRange(1, 200).Draw(t, "invented"))
	case 1:
		d.Paid = max(money.Tiyn(d.Number), d.Paid-money.Tiyn(rapid.IntRange(1, 200).Draw(t, "denied")))
	case 2:
		d.Number++
		d.Paid++
	case 3:
		d.Number, d.Last, d.Paid = 0, token.Hash{}, 0
	}
	return d
}

// byHand signs a payment whatever the rules say, and shows with it what it likes of what it holds.
func (p *phone) byHand(t *rapid.T, d purse.Device, r purse.Request, now uint64) (purse.Device, purse.Message) {
	l := purse.Link{Purse: p.id(), Number: d.Number + 1, Previous: d.Last, PaidBefore: d.Paid,
		ReceivedBefore: d.Received,
		Amount:         r.Amount, Payee: r.Payee, Nonce: r.Nonce, TimeMillis: now}
	id := l.ID(network)
	var err error
	if l.Signature, err = p.key.Sign(id); err != nil {
		t.Fatal(err)
	}
	m := purse.Message{Links: []purse.Link{l}, Certificates: []purse.Certificate{d.Certificate}}
	for _, held := range d.Held {
		if rapid.Bool().Draw(t, "shown") {
			m.Links = purse.Known(network, m.Links, held.Links)
			m.Certificates = append(m.Certificates, held.Certificates...)
		}
	}
	at := slices.IndexFunc(m.Links, func(other purse.Link) bool { return other == l })
	m.Links[0], m.Links[at] = m.Links[at], m.Links[0]
	slices.SortFunc(m.Certificates, func(a, b purse.Certificate) int {
		return cmp.Or(slices.Compare(a.Purse[:], b.Purse[:]), cmp.Compare(b.Serial, a.Serial))
	})
	m.Certificates = slices.CompactFunc(m.Certificates, func(a, b purse.Certificate) bool { return a.Purse == b.Purse })
	d.Number, d.Last, d.Paid = l.Number, id, l.End()
	return d, m
}

// step is one payment, honest or not.
func (w *world) step(t *rapid.T) {
	w.now += uint64(rapid.IntRange(0, 3_600_000).Draw(t, "passes"))
	from := w.phones[rapid.IntRange(0, len(w.phones)-1).Draw(t, "from")]
	to := w.phones[rapid.IntRange(0, len(w.phones)-1).Draw(t, "to")]
	if rapid.IntRange(0, 9).Draw(t, "funds") == 0 {
		c := &from.device.Certificate
		c.Serial++
		c.Deposit += money.Tiyn(rapid.IntRange(1, 100).Draw(t, "added"))
		sign(t, c)
	}
	if from == to {
		return
	}
	d := from.state(t)
	most := d.Funds()
	if from.crook && rapid.IntRange(0, 2).Draw(t, "beyond its funds") == 0 {
		most += 100
	}
	if most < 1 {
		return
	}
	r := to.query(money.Tiyn(rapid.IntRange(1, int(most)).Draw(t, "amount")))
	next, m, err := d.Pay(network, r, w.now, from.key)
	switch {
	case from.crook && (err != nil || rapid.IntRange(0, 3).Draw(t, "by hand") == 0):
		next, m = from.byHand(t, d, r, w.now)
	case err != nil:
		settled(t, err)
		return
	}
	next.Pending = nil
	from.past = append(from.past, d, next)
	from.device = next
	if to.crook && rapid.Bool().Draw(t, "accomplices") { // takes it whatever it is
		to.device.Held = append(to.device.Held, m)
		to.device.Received += r.Amount
		return
	}
	received, _, _, err := to.device.Receive(view(w.now), r, m)
	switch {
	case err == nil:
		to.device = received
	case !w.crooked():
		t.Fatalf("a payment among honest purses was refused: %v", err)
	}
}

// settled wants a refusal to be one that tells an honest payer to settle first.
func settled(t *rapid.T, err error) {
	var refusal *token.Error
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	switch refusal.Code {
	case purse.SettleFirst, purse.TooManyHops, purse.NotCovered, purse.Unneeded, purse.NoCertificate, token.OutOfRange,
		token.Repeated:
	default:
		t.Fatal(err)
	}
}

func (w *world) crooked() bool {
	for _, p := range w.phones {
		if p.crook {
			return true
		}
	}
	return false
}

// known is what comes to light: what the phones hold that were not lost.
func (w *world) known(t *rapid.T) (known []purse.Link, kept []*phone) {
	var groups [][]purse.Link
	for _, p := range w.phones {
		if rapid.IntRange(0, 2).Draw(t, "lost") > 0 { // a third are
			groups, kept = append(groups, p.device.Seen()), append(kept, p)
		}
	}
	return purse.Known(network, groups...), kept
}

func (w *world) deposit(id token.WalletID) money.Tiyn {
	for _, p := range w.phones {
		if p.id() == id {
			most := p.device.Certificate.Deposit // of the ledger: what was certified last
			for i := range p.past {
				most = max(most, p.past[i].Certificate.Deposit)
			}
			return most
		}
	}
	return 0
}

// A purse for which more is claimed than it had is convicted by the links known; a purse that followed the rules never
// is; and what an honest payee holds is covered, whatever others hide.
func TestTheorems(t *testing.T) {
	overspent, hidden := 0, 0
	for round := 0; round < 6 && (overspent < 2 || hidden == 0); round++ { // one most often: worlds differ each time
		tryTheorems(t, &overspent, &hidden)
	}
	t.Logf("%d purses overspent, %d links were covered by nothing", overspent, hidden)
	if overspent == 0 || hidden == 0 {
		t.Error("no crook tried anything: the worlds prove nothing")
	}
}

// tryTheorems holds both theorems in a hundred worlds, and counts the frauds that it met.
func tryTheorems(t *testing.T, overspent, hidden *int) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld(t)
		for range rapid.IntRange(15, 40).Draw(t, "steps") {
			w.step(t)
		}
		known, kept := w.known(t)
		levels := purse.Cover(known, w.deposit, len(known))
		claimed, had := map[token.WalletID]money.Tiyn{}, map[token.WalletID]money.Tiyn{}
		covered := map[token.Hash]bool{}
		for i := range known {
			if levels[i] == 0 {
				*hidden++
				continue
			}
			covered[known[i].ID(network)] = true
			claimed[known[i].Purse] += known[i].Amount
			had[known[i].Payee] += known[i].Amount
		}
		for _, p := range w.phones {
			conviction, convicted := purse.Convict(network, p.id(), known)
			if convicted {
				if err := conviction.Verify(network, p.id(), p.key.Public()); err != nil {
					t.Fatalf("a conviction that does not hold: %v", err)
				}
				if !p.crook {
					t.Fatalf("an honest purse is convicted by %+v", conviction)
				}
			}
			if claimed[p.id()] > w.deposit(p.id())+had[p.id()] {
				*overspent++
				if !convicted {
					t.Fatalf("purse %s: %d claimed, %d had, and nothing convicts it", p.id(), claimed[p.id()],
						w.deposit(p.id())+had[p.id()])
				}
			}
		}
		for _, p := range kept {
			for i := range p.device.Held {
				if l := p.device.Held[i].Payment(); !p.crook && !covered[l.ID(network)] {
					t.Fatalf("an honest payee holds link %d of %s, which nothing covers", l.Number, l.Purse)
				}
			}
		}
	})
}

// The order in which links are known changes neither what is covered nor who is convicted.
func TestCoverHasNoOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWorld(t)
		for range 20 {
			w.step(t)
		}
		known, _ := w.known(t)
		shuffled := rapid.Permutation(known).Draw(t, "order")
		levels, again := purse.Cover(known, w.deposit, 5), purse.Cover(shuffled, w.deposit, 5)
		want := map[token.Hash]uint8{}
		for i := range known {
			want[known[i].ID(network)] = levels[i]
		}
		for i := range shuffled {
			if got := again[i]; got != want[shuffled[i].ID(network)] {
				t.Fatalf("level %d, in another order %d", want[shuffled[i].ID(network)], got)
			}
		}
		for _, p := range w.phones {
			a, x := purse.Convict(network, p.id(), known)
			b, y := purse.Convict(network, p.id(), shuffled)
			if x != y || a != b {
				t.Fatalf("convicted %v by %v, in another order %v by %v", x, a, y, b)
			}
		}
	})
}
