package office

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/record"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog/vfs"
)

const reserveWallet = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// ledger is a ledger that never crashes: the reserve's payments, each at most once, and a clock that the test moves.
type ledger struct {
	mu       sync.Mutex
	millis   uint64
	index    uint64
	serial   int
	balance  money.Tiyn
	credits  []cash.Credit
	keysets  []string
	stamped  uint64
	executed map[string]money.Tiyn // payments out, by id
	paid     map[string]money.Tiyn // payees
	refuse   bool                  // takes nothing in
	lose     int                   // answers to be lost
	expired  string                // the policy's wallet for what is left of expired keysets
	day      money.Tiyn            // the policy's cap of a day, if it has one
	spent    map[uint64]money.Tiyn // of it, by day
	capped   bool                  // its key pays nothing more today, as the ledger says
	refusal  error                 // what is said of a payment that is not taken in
}

func (l *ledger) Payable(context.Context) (Payable, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.capped {
		return Payable{0, "its key has paid all of today", l.day}, nil
	}
	can := Payable{l.balance, "it holds no more", l.day}
	if l.day > 0 {
		can.Amount = min(can.Amount, l.day-l.spent[l.millis/dayMillis])
	}
	return can, nil
}

const dayMillis = 24 * 3600 * 1000

// within counts a payment against the cap of a day, if that allows it.
func (l *ledger) within(amount money.Tiyn) bool {
	today := l.millis / dayMillis
	if l.day > 0 && l.spent[today]+amount > l.day {
		return false
	}
	l.spent[today] += amount
	return true
}

func newLedger() *ledger {
	return &ledger{millis: 1_000_000, spent: map[uint64]money.Tiyn{}, executed: map[string]money.Tiyn{},
		paid: map[string]money.Tiyn{}}
}

func (l *ledger) Wallet() string { return reserveWallet }

func (l *ledger) Head(context.Context) (Head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Head{[]byte("network of thirty-two bytes here"), l.millis / 1000, l.millis}, nil
}

func (l *ledger) Prepare(_ context.Context, to string, amount money.Tiyn, memo string) (cash.Payment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serial++
	return cash.Payment{ID: fmt.Sprint("payment ", l.serial), Signed: []byte(memo), Until: l.millis + 60_000, To: to,
		Amount: amount}, nil
}

var errLost = errors.New("the answer is lost")

func (l *ledger) Send(_ context.Context, p *cash.Payment) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, done := l.executed[p.ID]; !done && !l.refuse && l.millis <= p.Until && l.within(p.Amount) {
		l.executed[p.ID] = p.Amount
		l.paid[p.To] += p.Amount
		l.balance -= p.Amount
		l.index++
	}
	if l.lose > 0 {
		l.lose--
		return errLost
	}
	if l.refuse {
		return l.refusal
	}
	return nil
}

func (l *ledger) Find(_ context.Context, p *cash.Payment) (Outcome, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch _, done := l.executed[p.ID]; {
	case done:
		return Durable, nil
	case l.millis > p.Until:
		return Never, nil
	}
	return Undecided, nil
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

func (l *ledger) pay(memo string, amount money.Tiyn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index++
	l.balance += amount
	l.credits = append(l.credits, cash.Credit{ID: fmt.Sprint("credit ", l.index), Index: l.index, From: "payer",
		Amount: amount, Memo: memo})
}

// world is an office on a disk that may fail, beside a ledger that does not.
type world struct {
	t      testing.TB
	files  vfs.FS
	ledger *ledger
	office *Office
	clock  time.Time
	seed   []byte
	next   uint64
	amount []money.Tiyn
	retry  time.Duration
}

func testSigner(t testing.TB) note.Signer {
	t.Helper()
	skey, _, err := note.GenerateKey(bytes.NewReader(make([]byte, ed25519.SeedSize)), "cash.example/log")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func newWorld(t testing.TB, files vfs.FS) *world {
	t.Helper()
	w := &world{t: t, files: files, ledger: newLedger(), clock: time.Unix(10_000, 0), seed: make([]byte, 64),
		amount: []money.Tiyn{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}}
	if err := files.MkdirAll("office"); err != nil {
		t.Fatal(err)
	}
	key, err := NewKey([32]byte{1}, w.amount, 0, 1<<40, 1<<41)
	if err != nil {
		t.Fatal(err)
	}
	key.Announcement = "transaction"
	w.ledger.keysets = append(w.ledger.keysets, key.ID.String())
	if err := UpdateKeys(files, "office", func(list []KeyFile) ([]KeyFile, error) {
		return append(list, key), nil
	}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) open() error {
	o, err := Open(context.Background(), Config{Dir: "office", FS: w.files, Ledger: w.ledger,
		Origin: "cash.example/log", Signer: testSigner(w.t),
		Retry: w.retry, Now: func() time.Time {
			return w.clock
		}, Entropy: rand.NewChaCha8([32]byte{9}), Background: func(work func()) { work() }})
	w.office = o
	return err
}

func (w *world) set() *cash.Keyset { return &w.office.Keysets()[0].Keyset }

// blanks takes the next outputs of the wallet's seed.
func (w *world) blanks(amounts ...money.Tiyn) []coin.Blank {
	list, err := coin.Blanks(w.seed, w.set().ID, w.next, amounts)
	if err != nil {
		w.t.Fatal(err)
	}
	w.next += uint64(len(amounts))
	return list
}

func keyOf(text any) [32]byte { return sha256.Sum256([]byte(fmt.Sprintf("%+v", text))) }

func (w *world) notes(blanks []coin.Blank, signatures []cash.Signature) (notes []cash.Proof) {
	for i, s := range signatures {
		n, err := coin.Open(w.set(), blanks[i], s)
		if err != nil {
			w.t.Fatal(err)
		}
		notes = append(notes, n)
	}
	return notes
}

// verify reads the public log as a stranger does, and holds it against the ledger.
func (w *world) verify() *record.Checker {
	w.t.Helper()
	checker, entries := checkLog(w.t, w.office)
	_ = entries
	if b := checker.Last.Reserve.Balance(); checker.Blocks > 0 && b != w.ledger.balance {
		w.t.Fatalf("the log says that the reserve is %d, the ledger %d", b, w.ledger.balance)
	}
	return checker
}

func checkLog(t testing.TB, o *Office) (*record.Checker, [][]byte) {
	t.Helper()
	var reader record.Reader
	checker := new(record.Checker)
	var entries [][]byte
	for i := range o.Log().Size() {
		entry, err := o.Log().Entry(i)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
		b, err := reader.Add(entry)
		if err != nil {
			t.Fatal(err)
		}
		if b != nil {
			if err := checker.Add(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	if reader.Open() {
		t.Fatal("the log ends within a block")
	}
	return checker, entries
}

// buy gets notes for an amount.
func (w *world) buy(ctx context.Context, amount money.Tiyn) ([]cash.Proof, error) {
	m, err := w.office.NewMintQuote(ctx, amount, "")
	if err != nil {
		return nil, err
	}
	w.ledger.pay(m.Memo, amount)
	if err := w.office.Settle(ctx); err != nil {
		return nil, err
	}
	blanks := w.blanks(cash.Split(amount, w.amount, 100)...)
	r := MintRequest{Quote: m.ID, Outputs: coin.Outputs(blanks)}
	signatures, err := w.office.Mint(ctx, keyOf(r), r)
	if err != nil {
		return nil, err
	}
	return w.notes(blanks, signatures), nil
}

func simulated(seed uint64) (*disk.Disk, vfs.FS) {
	d := disk.New(seed)
	return d, d.FS()
}

func (l *ledger) Reserve(context.Context) (Reserve, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Reserve{Height: l.millis / 1000, Millis: l.millis, Balance: l.balance, Keysets: l.keysets,
		Stamped: l.stamped, Expired: l.expired}, nil
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
