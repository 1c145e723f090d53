package scenario

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/sealed"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/wallet/purse"
)

// purseSteps are payments from phone to phone where there is no signal.
func purseSteps() []Step {
	return []Step{
		{"purse-open", "Workers who will be without signal open offline purses; their names are sealed for a court",
			openPurses},
		{"purse-mine", "At the mine money goes through three hands with no network, and one phone is lost",
			payAtTheMine},
		{"purse-evening", "In the evening they settle; who restored an old copy and paid twice is convicted",
			settleInTheEvening},
	}
}

// Phones of the mine, and whose they are. The canteen's till receives.
const (
	firstPhone, secondPhone, tillPhone, crookPhone = "phone-1", "phone-2", "till", "phone-4"

	firstWorker, secondWorker, crook = "miner-1", "miner-2", "miner-3"
)

// What is paid at the mine.
const (
	minersPay  = 20_000 * money.Tenge
	minerSaves = 5_000 * money.Tenge // in a purse
	debt       = 1_000 * money.Tenge // the first hop
	meal       = 800 * money.Tenge   // the second
	crookHas   = 3_000 * money.Tenge
	crookOnce  = 3_000 * money.Tenge
	crookTwice = 2_500 * money.Tenge
)

const purseOpeners, purseThreshold = 3, 2

func (w *Stage) phonePath(name string) string {
	return filepath.Join(w.DataDir, "phones", name+".json")
}

func (w *Stage) phone(name string) *purse.Phone {
	return purse.Open(vfs.OS, w.phonePath(name), w.Client.Now, rand.Reader)
}

// dealOpeners lets three openers make their key; each keeps its share in a file of its own.
func (w *Stage) dealOpeners(ctx context.Context) error {
	own, members := make([]*sealed.Secret, purseOpeners), make([]sealed.Point, purseOpeners)
	dealings := make([]*sealed.Dealing, purseOpeners)
	var err error
	for i := range own {
		if own[i], err = sealed.NewSecret(rand.Reader); err != nil {
			return err
		}
		members[i] = own[i].Public()
	}
	network := w.Client.Network
	for i := range dealings {
		if dealings[i], err = sealed.Deal(rand.Reader, network, uint8(i+1), purseThreshold, members); err != nil {
			return err
		}
	}
	var key *sealed.Key
	for i := range own {
		joint, share, err := sealed.Join(network, members, uint8(i+1), own[i], dealings)
		if err != nil {
			return err
		}
		// Played again before the key was announced, the openers deal anew.
		if err := durable.Replace(vfs.OS, w.sharePath(i+1), []byte(share.Bytes().String()+"\n")); err != nil {
			return err
		}
		key = joint
	}
	_, err = w.Client.AnnounceOpeners(ctx, key)
	return err
}

func (w *Stage) sharePath(opener int) string {
	return filepath.Join(w.DataDir, "openers", fmt.Sprintf("opener-%d.share", opener))
}

// openPurses prepares openers, bond, owners and phones, in this order: names are sealed under the openers' key, and a
// purse is certified by the key that comes with its bank's bond.
func openPurses(ctx context.Context, w *Stage) error {
	err := errors.Join(durable.Folder(vfs.OS, filepath.Join(w.DataDir, "phones")),
		durable.Folder(vfs.OS, filepath.Join(w.DataDir, "openers")))
	if err != nil {
		return err
	}
	if err := w.Once("openers", func() error { return w.dealOpeners(ctx) }); err != nil {
		return err
	}
	bank := w.id(bankTwo)
	err = w.Once("bond", func() error { _, err := w.Client.BondPurses(ctx, bank, 100_000*money.Tenge); return err })
	if err != nil {
		return err
	}
	// Each step is done once and noted: a scenario that was broken off goes on from where it stood, and nobody is
	// paid twice.
	for _, p := range []struct {
		phone, owner string
		deposit      money.Tiyn
	}{{firstPhone, firstWorker, minerSaves}, {secondPhone, secondWorker, 0}, {crookPhone, crook, crookHas},
		{tillPhone, canteen, 0}} {
		if p.owner != canteen {
			if err := w.Once("owner "+p.owner, func() error { return w.hire(ctx, p.owner) }); err != nil {
				return err
			}
			if err := w.Once("pay "+p.owner, func() error {
				return w.pay(ctx, bankTwo, p.owner, minersPay, "wages")
			}); err != nil {
				return err
			}
		}
		if err := w.Once("open "+p.phone, func() error {
			return w.openPurse(ctx, p.phone, p.owner, p.deposit)
		}); err != nil {
			return err
		}
	}
	if err := w.link("purses", "", "/explorer#purses"); err != nil {
		return err
	}
	w.Say("purse-open-say", "bank", bankTwo)
	w.Proves("purse-open-proves", "threshold", purseThreshold, "openers", purseOpeners)
	return nil
}

func (w *Stage) hire(ctx context.Context, name string) error {
	if w.Client.Keyring.Has(name) {
		return nil
	}
	_, err := w.Client.Register(ctx, wallet.NewWallet{Name: name, Registrar: w.id(bankTwo), Tier: wallet.TierPerson,
		Attributes: token.Attributes{Role: "person"}})
	return err
}

// openPurse opens a purse on a phone, its owner's name sealed by the bank. Once calls it until it is done: a purse
// that came to the ledger without this being noted is left there, with its deposit, and another is opened.
func (w *Stage) openPurse(ctx context.Context, name, owner string, deposit money.Tiyn) error {
	// Played again: a phone whose purse never came to the ledger begins anew.
	if err := os.Remove(w.phonePath(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	p := w.phone(name)
	if _, err := p.New(w.Client.Network); err != nil {
		return err
	}
	device, err := p.Signer()
	if err != nil {
		return err
	}
	view, err := w.Client.API.Purses(ctx)
	if err != nil {
		return err
	}
	t := token.OpenPurse{Intermediary: w.id(bankTwo), Owner: w.id(owner), Key: device.Public(),
		Class: uint8(rules.Software), ExpiryMillis: w.Client.Now() + 90*86_400_000, Deposit: deposit,
		Limits: token.PurseLimits{Payment: 20_000 * money.Tenge, Offline: 100_000 * money.Tenge, Hops: 5,
			AgeHours: 168}}
	number := uint32(len(view.Openers))
	seal, err := sealed.New(rand.Reader, &view.Openers[number-1], &sealed.Purse{Network: w.Client.Network,
		Intermediary: t.Intermediary, Owner: t.Owner, Device: t.Key, KeyNumber: number}, owner)
	if err != nil {
		return err
	}
	t.Sealed = seal.Append(nil)
	receipt, err := w.Client.OpenPurse(ctx, t, device)
	if err != nil {
		return err
	}
	opened, err := w.Client.API.Purse(ctx, token.RegisteredID(receipt.ID))
	if err != nil {
		return err
	}
	certifier, err := w.Client.Keyring.Key(w.Client.CertifierName(t.Intermediary))
	if err != nil {
		return err
	}
	c := opened.Certificate()
	if err := c.Sign(w.Client.Network, certifier); err != nil {
		return err
	}
	if err := w.Client.TeachPurse(ctx, p, false); err != nil {
		return err
	}
	return p.Certify(c.Append(nil))
}

// meet lets one phone pay another over a pipe: no node is asked.
func (w *Stage) meet(payer, payee *purse.Phone, amount money.Tiyn) error {
	here, there := net.Pipe()
	defer here.Close()
	given := make(chan error, 1)
	go func() {
		_, err := payer.Give(there, amount)
		given <- errors.Join(err, there.Close())
	}()
	_, err := payee.Collect(here, amount)
	return errors.Join(err, here.Close(), <-given)
}

// payAtTheMine has phones pay each other without a ledger. The crook's phone is copied before it pays: both copies
// then sign the same number, which is what convicts it.
func payAtTheMine(_ context.Context, w *Stage) error {
	first, lost, till, copied := w.phone(firstPhone), w.phone(secondPhone), w.phone(tillPhone),
		w.phone(crookPhone+"-copy")
	if err := w.Once("hop 1", func() error { return w.meet(first, lost, debt) }); err != nil {
		return err
	}
	if err := w.Once("hop 2", func() error { return w.meet(lost, till, meal) }); err != nil {
		return err
	}
	// The third hop pays the first worker's own purse: the till buys berries of him.
	if err := w.Once("hop 3", func() error { return w.meet(till, first, meal/2) }); err != nil {
		return err
	}
	w.Say("purse-mine-say-1", "debt", debt.Format(), "meal", meal.Format(), "rest", (meal / 2).Format())
	err := w.Once("copy", func() error {
		content, err := os.ReadFile(w.phonePath(crookPhone))
		if err != nil {
			return err
		}
		return durable.Replace(vfs.OS, w.phonePath(crookPhone+"-copy"), content)
	})
	if err != nil {
		return err
	}
	if err := w.Once("crook once", func() error { return w.meet(w.phone(crookPhone), till, crookOnce) }); err != nil {
		return err
	}
	// The till would know the first payment: the copy pays the other worker.
	if err := w.Once("crook twice", func() error { return w.meet(copied, first, crookTwice) }); err != nil {
		return err
	}
	if err := os.Remove(w.phonePath(secondPhone)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	w.Say("purse-mine-say-2", "has", crookHas.Format(), "once", crookOnce.Format(), "twice", crookTwice.Format())
	w.Proves("purse-mine-proves")
	return nil
}

// settleInTheEvening brings what the phones have to the ledger, the till's first. What the bond pays is asserted to
// the tiyn: claims of the crook's two payments less what his purse had.
func settleInTheEvening(ctx context.Context, w *Stage) error {
	before, err := w.Client.API.Supply(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{tillPhone, firstPhone} {
		if err := w.Once("settle "+name, func() error { return w.settlePhone(ctx, w.phone(name)) }); err != nil {
			return err
		}
	}
	view, err := w.Client.API.Purses(ctx)
	if err != nil {
		return err
	}
	after, err := w.Client.API.Supply(ctx)
	if err != nil {
		return err
	}
	// The story asserts what it says: fraud moves the bond's money and makes none.
	if len(view.Convicted) != 1 || before.Live != after.Live {
		return fmt.Errorf("%d purses are convicted, want 1; %s live before and %s after", len(view.Convicted),
			before.Live.Format(), after.Live.Format())
	}
	bond := view.Bond(w.id(bankTwo))
	w.Say("purse-evening-say-1", "purse", view.Convicted[0], "paid", (100_000*money.Tenge - bond.Amount).Format(),
		"left", bond.Amount.Format())
	// The bond pays exactly what was spent twice beyond the purse's own money.
	if bond.Amount != 100_000*money.Tenge-(crookOnce+crookTwice-crookHas) {
		return fmt.Errorf("the bond has %s left", bond.Amount.Format())
	}
	var name string
	if err := w.Once("name", func() error { name, err = w.openName(ctx, view.Convicted[0]); return err }); err != nil {
		return err
	}
	if view, err = w.Client.API.Purses(ctx); err != nil {
		return err
	}
	if name != "" {
		w.Say("purse-evening-say-2", "name", name)
	}
	if err := errors.Join(w.link("purses", "", "/explorer#purses"),
		w.link("history", canteen, "/wallet/history")); err != nil {
		return err
	}
	w.Say("purse-evening-say-3", "count", view.Openings)
	w.Proves("purse-evening-proves", "live", after.Live.Format())
	return nil
}

// settlePhone settles a phone's payments one by one; one that another phone has brought is no error.
func (w *Stage) settlePhone(ctx context.Context, p *purse.Phone) error {
	all, err := p.Settlements()
	if err != nil {
		return err
	}
	for _, links := range all {
		var refused *token.Error
		_, err := w.Client.Do(ctx, &token.SettlePurses{Links: links})
		if errors.As(err, &refused) && refused.Code == ledger.Duplicate {
			continue // another brought it
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// openName lets two openers open a convicted purse's name for who asks.
func (w *Stage) openName(ctx context.Context, id token.WalletID) (string, error) {
	view, err := w.Client.API.Purse(ctx, id)
	if err != nil {
		return "", err
	}
	seal, err := sealed.Decode(view.Sealed)
	if err != nil {
		return "", err
	}
	asker, err := sealed.NewSecret(rand.Reader)
	if err != nil {
		return "", err
	}
	network := w.Client.Network
	request, err := sealed.NewRequest(rand.Reader, network,
		sealed.Request{Purse: id, Number: uint32(len(view.Openings))}, asker)
	if err != nil {
		return "", err
	}
	t := &token.OpenName{Purse: id, Number: request.Number, Asker: request.Asker, Proof: request.Proof[:]}
	// No more than it takes: a third opener need not be there, and learns nothing.
	for opener := 1; opener <= purseThreshold; opener++ {
		content, err := durable.Read(vfs.OS, w.sharePath(opener), 128)
		if err != nil {
			return "", err
		}
		var b token.Hash
		if err := b.UnmarshalText(bytes.TrimSpace(content)); err != nil {
			return "", fmt.Errorf("%s: %w", w.sharePath(opener), err)
		}
		secret, err := sealed.SecretOf(b)
		if err != nil {
			return "", fmt.Errorf("%s: %w", w.sharePath(opener), err)
		}
		share, err := sealed.NewShare(rand.Reader, network, request, seal, uint8(opener), secret)
		if err != nil {
			return "", err
		}
		t.Shares = append(t.Shares, token.NameShare{Opener: share.Opener, Point: share.Point, Proof: share.Proof[:]})
	}
	if _, err := w.Client.Do(ctx, t); err != nil {
		return "", err
	}
	all, err := w.Client.API.Purses(ctx)
	if err != nil {
		return "", err
	}
	return seal.Read(&all.Openers[seal.KeyNumber-1], asker, all.Opened[len(all.Opened)-1].Combined)
}
