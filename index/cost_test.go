package index_test

import (
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/aqsha/aqsha/index"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// countedLog counts what an index reads of its log.
type countedLog struct {
	*sim.Chain
	single, readings, inOrder atomic.Int64 // entries read by themselves; readings of many, and the entries of these
}

func (l *countedLog) Entry(number uint64) ([]byte, error) {
	l.single.Add(1)
	return l.Chain.Entry(number)
}

func (l *countedLog) Entries(from, to uint64) iter.Seq2[[]byte, error] {
	l.readings.Add(1)
	return func(yield func([]byte, error) bool) {
		for data, err := range l.Chain.Entries(from, to) {
			if l.inOrder.Add(1); !yield(data, err) {
				return
			}
		}
	}
}

// pair is a network in which a bank pays a wallet in one block, and then both pay each other in common payments, each
// of which spends what the one before made; last is a token of the last of them.
func pair(t *testing.T, single, common int) (c *sim.Chain, bank token.WalletID, last token.ID) {
	t.Helper()
	w := sim.NewWorld(7)
	c = w.NewChain(ledger.NewModel())
	admit, bank := w.Admit("a bank", 1, c.Now+1000)
	if err := c.Try(admit); err != nil {
		t.Fatal(err)
	}
	wallet := token.RegisteredID(c.Must(&token.Register{Registrar: bank, Sequence: 1, Key: w.Key("a wallet").Public(),
		Tier: 1, Attributes: token.Attributes{Region: "KZ-75"}}).ID())
	issue := c.Must(&token.Issue{Sequence: 1, To: bank, Amounts: []money.Tiyn{1_000_000 * money.Tenge}})
	money1, rest := token.OutputID(issue.ID(), 0), 1_000_000*money.Tenge
	both := []token.WalletID{bank, wallet}
	var paid token.ID
	var block []*token.Transaction
	for range single {
		rest -= money.Tenge
		tx := c.Make(&token.Transfer{Parties: both, Payers: 1, Inputs: []token.ID{money1},
			Outputs: []token.Output{{Party: 1, Amount: money.Tenge}, {Party: 0, Amount: rest}}})
		block = append(block, tx)
		paid, money1 = token.OutputID(tx.ID(), 0), token.OutputID(tx.ID(), 1)
	}
	for _, refused := range c.Block(block...) {
		if refused != nil {
			t.Fatal(refused)
		}
	}
	for range common {
		id := c.Must(&token.Transfer{Parties: both, Payers: 2, Inputs: []token.ID{paid, money1},
			Outputs: []token.Output{{Party: 1, Amount: money.Tenge}, {Party: 0, Amount: rest}}}).ID()
		paid, money1 = token.OutputID(id, 0), token.OutputID(id, 1)
	}
	return c, bank, paid
}

func openCounted(t *testing.T, dir string, c *sim.Chain) (*index.Index, *countedLog) {
	t.Helper()
	log := &countedLog{Chain: c}
	x, err := index.Open(vfs.OS, dir, c.Network, log)
	if err != nil {
		t.Fatal(err)
	}
	return x, log
}

// Where a token was made stands in one entry. It is read alone: not what that entry's inputs were, nor theirs, however
// long several have paid each other in common.
func TestWhatAQuestionReads(t *testing.T) {
	const common = 12
	c, bank, last := pair(t, 1, common)
	x, log := openCounted(t, t.TempDir(), c)
	defer x.Close()
	feed(t, x, c, len(c.Blocks))
	if read := log.single.Load(); read != 2*common || log.inOrder.Load() != 0 {
		t.Errorf(
			"to count blocks as they come, %d entries were read for the %d inputs of common payments, and %d again",
			read, 2*common, log.inOrder.Load())
	}
	log.single.Store(0)
	if o, found, err := x.Output(last); err != nil || !found || o.Entry != c.Size-1 {
		t.Fatalf("the last token: %+v, %v, %v", o, found, err)
	}
	if read := log.single.Load(); read != 1 {
		t.Errorf("to find a token, %d entries were read", read)
	}
	log.single.Store(0)
	if items, err := x.History(bank, 1<<63, 1); err != nil || len(items) != 1 {
		t.Fatal(items, err)
	}
	if read := log.single.Load(); read != 3 {
		t.Errorf("for a line of a history, %d entries were read; the payment's and its two inputs' were to be", read)
	}
}

// A series that is not kept is counted from the log in order, each entry read once.
func TestWhatCatchingUpReads(t *testing.T) {
	c, _, _ := pair(t, 30, 3)
	dir := t.TempDir()
	x, _ := openCounted(t, dir, c)
	feed(t, x, c, len(c.Blocks))
	want := len(days(t, x))
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "daily")); err != nil {
		t.Fatal(err)
	}
	x, log := openCounted(t, dir, c)
	defer x.Close()
	if got := len(days(t, x)); got != want {
		t.Errorf("%d days, before %d", got, want)
	}
	if log.inOrder.Load() != int64(c.Size) || log.readings.Load() != 1 || log.single.Load() != 2*3 {
		t.Errorf("of %d entries %d were read in %d readings, and %d by themselves for 6 inputs", c.Size,
			log.inOrder.Load(),
			log.readings.Load(), log.single.Load())
	}
}

// A payment that is indexed and counted leaves little for the collector: what decoding it makes, and its records.
func TestWhatIndexingAllocates(t *testing.T) {
	const payments = 400
	c, _, _ := pair(t, payments, 0)
	x, _ := openCounted(t, t.TempDir(), c)
	defer x.Close()
	feed(t, x, c, len(c.Blocks)-1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	feed(t, x, c, len(c.Blocks))
	runtime.ReadMemStats(&after)
	per := float64(after.Mallocs-before.Mallocs) / payments
	if t.Logf("%.1f allocations a payment", per); per > 8.5 { // 7.1, under the race detector 8.1
		t.Errorf("%.1f allocations a payment", per)
	}
}

// What the executor hands over is not looked up, and counts the same; what it forgot is looked up.
func TestNetsThatAreHandedOver(t *testing.T) {
	const common = 12
	c, _, _ := pair(t, 1, common)
	x, _ := openCounted(t, t.TempDir(), c)
	defer x.Close()
	feed(t, x, c, len(c.Blocks))
	y, log := openCounted(t, t.TempDir(), c)
	defer y.Close()
	nets := index.NewNets()
	y.Remembered(nets)
	for entry := c.Size - 2*common; entry < c.Size; entry++ {
		data, err := c.Entry(entry)
		if err != nil {
			t.Fatal(err)
		}
		e, err := ledger.DecodeEntry(data)
		if err != nil {
			t.Fatal(err)
		}
		if e.Transaction != nil && entry > c.Size-12 { // six of twelve, in each of which both get what they gave
			nets.Put(entry, []money.Tiyn{0, 0})
		}
	}
	feed(t, y, c, len(c.Blocks))
	if read := log.single.Load(); read != common {
		t.Errorf("%d entries were read for the inputs of six payments", read)
	}
	if got, want := days(t, y), days(t, x); !reflect.DeepEqual(got, want) {
		t.Errorf("handed over:\n%v\nread:\n%v", got, want)
	}
}
