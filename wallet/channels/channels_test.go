package channels_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/wallet/channels"
)

const (
	tick    money.Tiyn = 100
	deposit            = 1000 * tick
	now                = 1_800_000_000_000
)

var key = token.NewPrivateKey([32]byte{1})

func terms() channel.Terms {
	return channel.Terms{ID: channel.ID{Network: token.NetworkID{7}, Contract: token.WalletID{9}}, Key: key.Public(), Tick: tick, Deposit: deposit, Created: now}
}

func newSender(base money.Tiyn) *channel.Sender {
	return channel.NewSender(terms(), key, [32]byte{5}, rand.Reader, base, &channel.Purse{})
}

// oneChannel is a ledger of one channel.
type oneChannel struct {
	terms channel.Terms
	err   error
}

func (l oneChannel) Channel(context.Context, token.WalletID) (wallet.Channel, error) {
	return wallet.Channel{Terms: l.terms}, l.err
}

func codeOf(err error) token.Code {
	var refused *token.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

func amount(a money.Tiyn) *money.Tiyn { return &a }

// What was paid is known to the tiyn, or within the run that was cut off; the receiver's word is taken only within that.
func TestPaidSoFar(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file channels.File
		from *money.Tiyn
		paid money.Tiyn
		code token.Code
	}{
		"known":                         {channels.File{Total: 700, Paid: amount(500)}, nil, 500, ""},
		"an older file, nothing paid":   {channels.File{}, nil, 0, ""},
		"an older file":                 {channels.File{Total: 500}, nil, 0, channels.PaidUnclear},
		"an older file, said":           {channels.File{Total: 500}, amount(300), 300, ""},
		"cut off":                       {channels.File{Total: 700, Paid: amount(500), Ahead: 200}, nil, 0, channels.PaidUnclear},
		"cut off, the least":            {channels.File{Total: 700, Paid: amount(500), Ahead: 200}, amount(300), 300, ""},
		"cut off, the most":             {channels.File{Total: 700, Paid: amount(500), Ahead: 200}, amount(500), 500, ""},
		"cut off, less than possible":   {channels.File{Total: 700, Paid: amount(500), Ahead: 200}, amount(299), 0, channels.PaidUnclear},
		"cut off, more than possible":   {channels.File{Total: 700, Paid: amount(500), Ahead: 200}, amount(501), 0, channels.PaidUnclear},
		"known, and another is claimed": {channels.File{Total: 700, Paid: amount(500)}, amount(600), 0, channels.PaidUnclear},
	} {
		paid, err := c.file.PaidSoFar(c.from)
		if paid != c.paid || codeOf(err) != c.code || (err != nil) != (c.code != "") {
			t.Errorf("%s: %s, %v; want %s, %q", name, paid, err, c.paid, c.code)
		}
	}
}

// A file that is none is the mistake of whoever named it, and stays as it is.
func TestWhatIsNoFileOfAChannel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "b.sender.json")
	if _, err := channels.Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := channels.Update(path, func(f *channels.File) error { f.Channel.Contract[0], f.Total = 1, 5; return nil }); err != nil { // makes the folder, too
		t.Fatal(err)
	}
	if f, err := channels.Read(path); err != nil || f.Total != 5 {
		t.Errorf("read %+v, %v", f, err)
	}
	refusal := errors.New("no")
	if err := channels.Update(path, func(f *channels.File) error { f.Total = 6; return refusal }); !errors.Is(err, refusal) {
		t.Errorf("a refused change: %v", err)
	}
	if f, _ := channels.Read(path); f.Total != 5 {
		t.Errorf("a refused change was kept: %s", f.Total)
	}
	large := make([]byte, channels.MaxFile+1)
	for content, what := range map[string]string{"{": "cut", "[]": "a list", "{}": "of no channel", "null": "nothing", string(large): "too large"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		var bad interface{ BadInput() }
		if _, err := channels.Read(path); !errors.As(err, &bad) {
			t.Errorf("%s: reading says %v", what, err)
		}
		if err := channels.Update(path, func(*channels.File) error { return nil }); err == nil {
			t.Errorf("%s: was replaced", what)
		}
		if there, err := os.ReadFile(path); err != nil || string(there) != content {
			t.Errorf("%s: the file changed (%v)", what, err)
		}
	}
}

// Of many processes that pay from the same total, one does; what the others knew is not theirs to go on from.
func TestTotalsMoveOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.sender.json")
	start := channels.File{Channel: terms().ID, Total: 0, Paid: amount(0)}
	if err := channels.Update(path, func(f *channels.File) error { *f = start; return nil }); err != nil {
		t.Fatal(err)
	}
	const payers = 12
	var wait sync.WaitGroup
	errs := make([]error, payers)
	for i := range payers {
		wait.Go(func() {
			mine := start
			mine.Paid = amount(0)
			errs[i] = channels.MovePaid(path, &mine, money.Tiyn(i+1)*tick, 0, money.Tiyn(i+1)*tick)
			if errs[i] != nil && mine.Total != 0 {
				t.Errorf("payer %d was refused and went on from %s", i, mine.Total)
			}
		})
	}
	wait.Wait()
	f, err := channels.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	won := 0
	for i, err := range errs {
		switch {
		case err == nil:
			won++
			if f.Total != money.Tiyn(i+1)*tick {
				t.Errorf("payer %d was answered, the file says %s", i, f.Total)
			}
		case codeOf(err) != channels.Moved:
			t.Errorf("payer %d: %v", i, err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d payers went on from one total", won, payers)
	}
}

// A receiver that ends at any moment has, when it is back, no less than what it kept, and takes no voucher twice for more.
func TestAReceiverComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		path := filepath.Join(dir, rapid.StringMatching(`[a-z]{12}`).Draw(t, "name"))
		ledger, sender := oneChannel{terms: terms()}, newSender(0)
		r, _, err := channels.ReceiverOf(t.Context(), ledger, path, terms().ID.Contract, now)
		if err != nil {
			t.Fatal(err)
		}
		kept := money.Tiyn(0)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"voucher", "tick", "keep", "crash"}).Draw(t, "step") {
			case "voucher":
				v, err := sender.Pay(tick*money.Tiyn(rapid.IntRange(0, 3).Draw(t, "amount")), 4, now)
				if err == nil {
					if refused := r.Accept(&v, now); refused != nil {
						t.Fatal(refused)
					}
				}
			case "tick":
				if word, refused := sender.NextTick(now); refused == nil {
					if refused := r.Tick(word, now); refused != nil {
						t.Fatal(refused)
					}
				}
			case "keep":
				if err := channels.KeepClaim(path, r); err != nil {
					t.Fatal(err)
				}
				kept = r.Worth()
			case "crash":
				if r, _, err = channels.ReceiverOf(t.Context(), ledger, path, terms().ID.Contract, now); err != nil {
					t.Fatal(err)
				}
				if r.Worth() != kept {
					t.Fatalf("%s was kept, %s came back", kept, r.Worth())
				}
				sender = newSender(kept) // who asks what was accepted, as a car does
			}
		}
	})
}

// A better claim that another process kept stays; one that agreed to close takes nothing more.
func TestTheBetterClaimStays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.receiver.json")
	ledger := oneChannel{terms: terms()}
	take := func(total money.Tiyn) *channel.Receiver {
		r, refused := channel.NewReceiver(terms())
		if refused != nil {
			t.Fatal(refused)
		}
		r.Asked = now
		v, err := newSender(0).Pay(total, 0, now)
		if err != nil {
			t.Fatal(err)
		}
		if refused := r.Accept(&v, now); refused != nil {
			t.Fatal(refused)
		}
		return r
	}
	for _, c := range []struct{ brought, kept money.Tiyn }{{5 * tick, 5 * tick}, {3 * tick, 5 * tick}, {8 * tick, 8 * tick}} {
		if err := channels.KeepClaim(path, take(c.brought)); err != nil {
			t.Fatal(err)
		}
		if f, err := channels.Read(path); err != nil || f.Total != c.kept || f.Claim == nil || f.Claim.Amount != c.kept {
			t.Errorf("%s brought: the file says %s (%v), want %s", c.brought, f.Total, err, c.kept)
		}
	}
	if r, refused := channel.NewReceiver(terms()); refused != nil || channels.KeepClaim(filepath.Join(t.TempDir(), "none"), r) != nil {
		t.Errorf("a receiver without a claim: %v", refused)
	}
	if err := channels.Update(path, func(f *channels.File) error { f.Closing = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := channels.KeepClaim(path, take(9*tick)); codeOf(err) != "channel-closing" {
		t.Errorf("a claim after the agreement to close: %v", err)
	}
	if _, _, err := channels.ReceiverOf(t.Context(), ledger, path, terms().ID.Contract, now); codeOf(err) != "channel-closing" {
		t.Errorf("a receiver that agreed to close came back: %v", err)
	}
	gone := errors.New("no node")
	if _, _, err := channels.ReceiverOf(t.Context(), oneChannel{err: gone}, path, terms().ID.Contract, now); !errors.Is(err, gone) {
		t.Errorf("a ledger that does not answer: %v", err)
	}
}

// A claim of another channel, or a forged one, is not taken up.
func TestAForgedClaimIsNotTakenUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.receiver.json")
	v, err := newSender(0).Pay(5*tick, 0, now)
	if err != nil {
		t.Fatal(err)
	}
	v.Amount += tick
	err = channels.Update(path, func(f *channels.File) error {
		*f = channels.File{Channel: terms().ID, Total: v.Amount, Claim: &channel.Claim{Voucher: v, Word: v.Root}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := channels.ReceiverOf(t.Context(), oneChannel{terms: terms()}, path, terms().ID.Contract, now); err == nil {
		t.Error("a claim whose signature does not hold was taken up")
	}
}
