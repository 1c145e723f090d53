package wallet_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
)

// town is a node on a disk that holds, whose customers keep their books on disks that fail.
type town struct {
	*wallet.Client
	t     testing.TB
	disk  *disk.Disk
	clock atomic.Uint64
	payer token.WalletID
	node  *node.Node
}

const startMillis = 1_790_000_000_000

func newTown(t testing.TB) *town {
	t.Helper()
	w := &town{t: t, disk: disk.New(1)}
	w.clock.Store(startMillis)
	keyring, err := wallet.OpenKeyringOn(w.disk.FS(), "town", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	hour := uint64(time.Hour.Milliseconds())
	f, err := keyring.Genesis(wallet.NewNetwork{Name: "crash.town", TimeMillis: startMillis, Day: params.DateOf(time.UnixMilli(startMillis)), SharedKeys: true,
		DailyCap: 1_000_000_000 * money.Tenge, DelayMillis: hour, RekeyDelayMillis: hour})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := keyring.LogSigner()
	if err != nil {
		t.Fatal(err)
	}
	config := node.Config{Dir: "town", Now: w.clock.Load, Options: txlog.Options{Origin: "crash.town", Signers: []note.Signer{signer}, FS: w.disk.FS(), SegmentBytes: 1 << 20}}
	if err := node.Init(config, f.Genesis); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	w.node = n
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	if w.Client, err = wallet.NewClient(t.Context(), api.Local(api.New(n, api.Options{Open: true})), keyring); err != nil {
		t.Fatal(err)
	}
	w.Now = w.clock.Load
	admitted, err := w.Admit(t.Context(), "bank")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Issue(t.Context(), token.RegisteredID(admitted.ID), 1_000_000*money.Tenge); err != nil {
		t.Fatal(err)
	}
	w.payer = w.register("payer")
	if _, err := w.Pay(t.Context(), token.RegisteredID(admitted.ID), w.payer, 900_000*money.Tenge, token.Memo{}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *town) register(name string) token.WalletID {
	w.t.Helper()
	bank, err := w.Keyring.Resolve("bank")
	if err != nil {
		w.t.Fatal(err)
	}
	receipt, err := w.Register(w.t.Context(), wallet.NewWallet{Name: name, Registrar: bank, Tier: wallet.TierBusiness})
	if err != nil {
		w.t.Fatal(err)
	}
	return token.RegisteredID(receipt.ID)
}

// pocket copies the payer's book to another disk, durably.
func (w *town) pocket(d *disk.Disk) {
	w.t.Helper()
	files := d.FS()
	for _, name := range []string{"keys/payer.key", "keys/payer.pub", "names/payer.json"} {
		path := filepath.Join("town", name)
		if err := files.MkdirAll(filepath.Dir(path)); err != nil {
			w.t.Fatal(err)
		}
		f, err := files.Create(path)
		if err == nil {
			_, err = f.WriteAt(w.disk.Contents(path), 0)
		}
		if err := errors.Join(err, f.Sync(), files.SyncDir(filepath.Dir(path))); err != nil {
			w.t.Fatal(err)
		}
	}
}

// run has the payer run a batch from a book on a disk.
func (w *town) run(files vfs.FS, batch wallet.Batch) error {
	keyring, err := wallet.OpenKeyringOn(files, "town", "", nil)
	if err != nil {
		return err
	}
	client := &wallet.Client{API: w.API, Keyring: keyring, Network: w.Network, Now: w.Now}
	return client.PayBatch(context.Background(), batch, func(o wallet.Outcome) error {
		if o.Problem != nil {
			return o.Problem
		}
		return nil
	})
}

// crashes are the seeds of a campaign: SIM_SEED replays one, SIM_CRASHES says how many there are.
func crashes(t *testing.T, few uint64) (seeds []uint64) {
	if text := os.Getenv("SIM_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return []uint64{seed}
	}
	if text := os.Getenv("SIM_CRASHES"); text != "" {
		few, _ = strconv.ParseUint(text, 10, 64)
	}
	for seed := range few {
		seeds = append(seeds, seed)
	}
	return seeds
}

// Whatever the payer's disk does between two operations of a batch, and however often the machine goes down: when the
// batch has come to its end, every row was paid once.
func TestABatchIsPaidOnceThroughCrashes(t *testing.T) {
	w := newTown(t)
	failures, complete := 0, 0
	for _, seed := range crashes(t, 150) {
		payee := w.register(fmt.Sprintf("payee-%d", seed))
		d := disk.New(seed)
		w.pocket(d)
		batch := wallet.Batch{From: w.payer, File: "salaries.csv", Journal: "town/salaries.journal"}
		for i, amount := range []money.Tiyn{1, 1, 20, 300} {
			batch.Rows = append(batch.Rows, wallet.Row{Line: i + 2, To: payee.String(), Amount: amount})
		}
		for try := 0; ; try++ {
			if try == 20 {
				t.Fatalf("SIM_SEED=%d: the batch does not come to an end", seed)
			}
			n := int(seed/4)%30 + 1
			switch {
			case try > 4: // the machine is mended at last
			case seed%4 == 0 && try == 0:
				d.FailSyncAt(n%12 + 1)
			case seed%4 == 1 && try == 0:
				d.FailWriteAt(n%12 + 1)
			case seed%4 == 2 && try == 0:
				d.SetCapacity(int64(n) * 200)
			default:
				d.CrashAt(n + try)
			}
			err := w.run(d.FS(), batch)
			d.SetCapacity(0)
			var refused *token.Error
			if err == nil || (errors.As(err, &refused) && refused.Code == wallet.BatchComplete) {
				break
			}
			failures++
			if seed%3 == 0 && !errors.Is(err, disk.ErrCrashed) {
				d.Kill()
			} else {
				d.Restart()
			}
			w.clock.Add(uint64(time.Minute.Milliseconds())) // what was set aside is free again
			if seed%5 == 0 {
				w.clock.Add(uint64(time.Hour.Milliseconds())) // and what was signed has expired
			}
		}
		view, err := w.API.Wallet(t.Context(), payee)
		if err != nil || view.Balance != 322 {
			t.Fatalf("SIM_SEED=%d: the payee has %s, want 3.22: %v", seed, view.Balance, err)
		}
		d.Restart()
		var refused *token.Error
		if err := w.run(d.FS(), batch); errors.As(err, &refused) && refused.Code == wallet.BatchComplete {
			complete++
		} else if err != nil {
			t.Fatalf("SIM_SEED=%d: once more: %v", seed, err)
		}
		if view, err = w.API.Wallet(t.Context(), payee); err != nil || view.Balance != 322 {
			t.Fatalf("SIM_SEED=%d: after the run once more the payee has %s: %v", seed, view.Balance, err)
		}
	}
	if failures == 0 || complete == 0 {
		t.Errorf("%d failures, %d complete", failures, complete)
	}
}

// A key or a name is complete or absent, and a name that was taken stays taken.
func TestABookThroughCrashes(t *testing.T) {
	for _, seed := range crashes(t, 300) {
		d := disk.New(seed)
		switch n := int(seed/4)%30 + 1; seed % 4 {
		case 0, 1:
			d.CrashAt(n)
		case 2:
			d.FailSyncAt(n)
		case 3:
			d.SetCapacity(int64(n) * 30)
		}
		var done []string
		var publics []token.PublicKey
		work := func() error {
			keyring, err := wallet.OpenKeyringOn(d.FS(), "town", "", nil)
			if err != nil {
				return err
			}
			for i := range 3 {
				name := fmt.Sprintf("w%d", i)
				key, err := keyring.KeyOrNew(name)
				if err != nil {
					return err
				}
				if err := keyring.Put(wallet.Name{Name: name, ID: token.WalletID{byte(i + 1)}}); err != nil {
					return err
				}
				done, publics = append(done, name), append(publics, key.Public())
			}
			return nil
		}
		_ = work()
		d.SetCapacity(0)
		d.Restart()
		keyring, err := wallet.OpenKeyringOn(d.FS(), "town", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range done {
			key, found, err := keyring.Find(publics[i])
			if err != nil || !found || key.Public() != publics[i] {
				t.Fatalf("seed %d: key %s: found %v, %v", seed, name, found, err)
			}
			if id, err := keyring.Resolve(name); err != nil || id != (token.WalletID{byte(i + 1)}) {
				t.Fatalf("seed %d: name %s: %v, %v", seed, name, id, err)
			}
		}
		// What a crash left half is made, not stumbled over.
		for i := len(done); i < 3; i++ {
			if _, err := keyring.KeyOrNew(fmt.Sprintf("w%d", i)); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
	}
}
