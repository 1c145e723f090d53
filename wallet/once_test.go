package wallet_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// Whatever is paid under which keys, in what order and how often, with whatever the payer's disk does between: a key pays
// once, always answers with that payment, and is refused to any other payment.
func TestAKeyPaysOnce(t *testing.T) {
	w := newTown(t)
	shops := []string{"north", "south"}
	for _, name := range shops {
		w.register(name)
	}
	paid, run := money.Tiyn(0), 0
	receipts := map[token.TransactionID]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		run++
		type terms struct {
			to     string
			amount money.Tiyn
			memo   string
		}
		first := map[string]terms{}
		answered := map[string]node.Receipt{}
		d := disk.New(uint64(run))
		w.pocket(d)
		for range rapid.IntRange(1, 8).Draw(rt, "payments") {
			key := fmt.Sprint(run, " ", rapid.IntRange(0, 2).Draw(rt, "key"))
			is := terms{rapid.SampledFrom(shops).Draw(rt, "to"), money.Tiyn(rapid.IntRange(1, 2).Draw(rt, "amount")), rapid.SampledFrom([]string{"", "tea"}).Draw(rt, "memo")}
			if rapid.IntRange(0, 3).Draw(rt, "disk") == 0 {
				d.CrashAt(rapid.IntRange(1, 12).Draw(rt, "crash"))
			}
			outcome, err := w.once(d, key, is.to, is.amount, is.memo)
			if errors.Is(err, disk.ErrCrashed) { // the payer comes back, and does not know whether he has paid
				d.Restart()
				outcome, err = w.once(d, key, is.to, is.amount, is.memo)
			}
			was, known := first[key]
			var refusal *token.Error
			switch {
			case known && was != is:
				if !errors.As(err, &refusal) {
					rt.Fatalf("another payment under a key: %+v, %v", outcome, err)
				}
				continue
			case err != nil || outcome.Receipt == nil:
				rt.Fatalf("%+v, %v", outcome, err)
			case known && *outcome.Receipt != answered[key]:
				rt.Fatalf("a key's receipt was %+v and is %+v", answered[key], *outcome.Receipt)
			case !known && receipts[outcome.Receipt.ID]:
				rt.Fatal("a new key answers with another's payment")
			case !known:
				paid += is.amount
			}
			first[key], answered[key] = is, *outcome.Receipt
			receipts[outcome.Receipt.ID] = true
		}
		left, err := w.API.Wallet(t.Context(), w.payer)
		if err != nil || left.Balance != 900_000*money.Tenge-paid {
			rt.Fatalf("the payer has %s after paying %s: %v", left.Balance, paid, err)
		}
	})
}

// once pays under a key from a book on a disk.
func (w *town) once(d *disk.Disk, key, to string, amount money.Tiyn, memo string) (outcome wallet.Outcome, err error) {
	files := d.FS()
	keyring, err := wallet.OpenKeyringOn(files, "town", "", nil)
	if err != nil {
		return outcome, err
	}
	id, err := w.Keyring.Resolve(to)
	if err != nil {
		return outcome, err
	}
	client := &wallet.Client{API: w.API, Keyring: keyring, Network: w.Network, Now: w.Now}
	err = client.PayBatch(w.t.Context(), wallet.Batch{
		File: "idempotency key " + key, From: w.payer, Repeat: true, Options: wallet.BatchOptions{Memo: memo},
		Rows: []wallet.Row{{Line: 1, ID: key, To: id.String(), Amount: amount}}, Journal: "town/" + key + ".journal",
	}, func(o wallet.Outcome) error { outcome = o; return nil })
	return outcome, err
}
