package notes_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	apicash "github.com/aqsha/aqsha/api/cash"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/notes"
)

// ledger is a ledger in memory: the reserve's payments, each once.
type ledger struct {
	mu      sync.Mutex
	index   uint64
	balance money.Tiyn
	paid    map[string]money.Tiyn
	done    map[string]bool
	credits []cash.Credit
	keysets []string
	stamped uint64
	capped  bool // its key has paid all of today
	refuse  bool // takes no payment in
}

func (l *ledger) Payable(context.Context) (office.Payable, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.capped {
		return office.Payable{Why: "its key has paid all of today"}, nil
	}
	return office.Payable{Amount: l.balance, Why: "it holds no more"}, nil
}

func (l *ledger) Wallet() string { return "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }

func (l *ledger) Head(context.Context) (office.Head, error) {
	return office.Head{Network: []byte("network"), Height: 7, Millis: 7000}, nil
}

func (l *ledger) Prepare(_ context.Context, to string, amount money.Tiyn, _ string) (cash.Payment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index++
	return cash.Payment{ID: fmt.Sprint("payment ", l.index), Until: 1 << 50, To: to, Amount: amount}, nil
}

func (l *ledger) Send(_ context.Context, p *cash.Payment) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse {
		return fault.Refuse("limit-balance", "outputs", "the payee may not hold more")
	}
	if !l.done[p.ID] {
		l.done[p.ID] = true
		l.paid[p.To] += p.Amount
		l.balance -= p.Amount
	}
	return nil
}

func (l *ledger) Find(_ context.Context, p *cash.Payment) (office.Outcome, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done[p.ID] {
		return office.Durable, nil
	}
	return office.Undecided, nil
}

func (l *ledger) Credits(_ context.Context, from uint64) (list []cash.Credit, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.credits {
		if c.Index >= from {
			list = append(list, c)
		}
	}
	return list, nil
}

func (l *ledger) pay(request string) {
	p, err := cash.ParsePayRequest(request)
	if err != nil {
		panic(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index++
	l.balance += p.Amount
	l.credits = append(l.credits, cash.Credit{ID: fmt.Sprint("credit ", l.index), Index: l.index, From: "payer", Amount: p.Amount, Memo: p.Memo})
}

// town is an office that serves over HTTP, beside its ledger.
type town struct {
	t      *testing.T
	ledger *ledger
	office *office.Office
	server *httptest.Server
	client *apicash.Client
	files  vfs.FS // of wallets
	wallet int
}

func newTown(t *testing.T) *town { return newTownOf(t, cash.OneTwoFive()) }

// newTownOf has an office of other denominations.
func newTownOf(t *testing.T, denominations []money.Tiyn) *town {
	t.Helper()
	skey, vkey, err := note.GenerateKey(bytes.NewReader(make([]byte, ed25519.SeedSize)), "cash.example/log")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	files := disk.New(1).FS()
	if err := files.MkdirAll("office"); err != nil {
		t.Fatal(err)
	}
	now := uint64(time.Now().Unix())
	key, err := office.NewKey([32]byte{3}, denominations, now-10, now+1_000_000, now+2_000_000)
	if err != nil {
		t.Fatal(err)
	}
	key.Announcement = "transaction"
	if err := office.UpdateKeys(files, "office", func(list []office.KeyFile) ([]office.KeyFile, error) { return append(list, key), nil }); err != nil {
		t.Fatal(err)
	}
	l := &ledger{paid: map[string]money.Tiyn{}, done: map[string]bool{}, keysets: []string{key.ID.String()}}
	o, err := office.Open(t.Context(), office.Config{Dir: "office", FS: files, Ledger: l, Origin: "cash.example/log", Signer: signer, Interval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	town := &town{t: t, ledger: l, office: o, files: files}
	town.server = httptest.NewServer(apicash.NewServer(o, apicash.About{Name: "office", Version: "test", Max: 1_297_500, LogKey: vkey}, slog.New(slog.DiscardHandler)))
	t.Cleanup(func() { town.server.Close(); o.Close() })
	if town.client, err = apicash.NewClient(town.server.URL + apicash.Prefix + "/"); err != nil {
		t.Fatal(err)
	}
	return town
}

const testWords = "half depart obvious quality work element tank gorilla view sugar picture humble"

// open opens a wallet of the town over some mint.
func (w *town) open(dir string, mint notes.Mint) *notes.Wallet {
	w.t.Helper()
	opened, err := notes.Open(w.files, dir, func(string) (notes.Mint, error) { return mint, nil }, func() uint64 { return uint64(time.Now().Unix()) })
	if err != nil {
		w.t.Fatal(err)
	}
	return opened
}

func (w *town) newWallet(words string) (string, *notes.Wallet) {
	w.t.Helper()
	w.wallet++
	dir := fmt.Sprint("wallet", w.wallet)
	if err := notes.Create(w.files, dir, words, notes.Place{Mint: w.client.URL(), Unannounced: true}); err != nil {
		w.t.Fatal(err)
	}
	return dir, w.open(dir, w.client)
}

// buy fills a wallet.
func (w *town) buy(to *notes.Wallet, amount money.Tiyn) {
	w.t.Helper()
	op, err := to.Request(w.t.Context(), amount)
	if err != nil {
		w.t.Fatal(err)
	}
	w.ledger.pay(op.Request)
	if err := w.office.Settle(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := to.Take(w.t.Context(), op); err != nil {
		w.t.Fatal(err)
	}
}

const payeeID = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

func payRequest(amount money.Tiyn) string {
	p := cash.PayRequest{Amount: amount}
	_ = p.Wallet.UnmarshalText([]byte(payeeID))
	return p.String()
}

func (l *ledger) Reserve(context.Context) (office.Reserve, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return office.Reserve{Height: 7, Millis: 7000, Balance: l.balance, Keysets: l.keysets, Stamped: l.stamped}, nil
}

func (l *ledger) Stamp(_ context.Context, size uint64, _ [32]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if size <= l.stamped {
		return errors.New("a log that did not grow")
	}
	l.stamped = size
	return nil
}

func (l *ledger) Receipt(context.Context, string) ([]byte, error) { return []byte("receipt"), nil }
