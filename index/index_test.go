package index_test

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aqsha/aqsha/index"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

func open(t *testing.T, dir string, chain *sim.Chain) *index.Index {
	t.Helper()
	x, err := index.Open(vfs.OS, dir, chain.Network, chain)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

// feed indexes a chain's blocks from where the index stands, up to a number of them.
func feed(t *testing.T, x *index.Index, chain *sim.Chain, blocks int) {
	t.Helper()
	first := uint64(0)
	for _, block := range chain.Blocks[:blocks] {
		if first >= x.Size() {
			if err := x.Block(first, block); err != nil {
				t.Fatal(err)
			}
		}
		first += uint64(len(block))
	}
}

// story is a network in which everything happened, and its entries.
func story(t *testing.T) (*sim.Chain, *ledger.Model, []ledger.Entry) {
	t.Helper()
	model := ledger.NewModel()
	chain, _ := sim.NewWorld(1).Story(model)
	var entries []ledger.Entry
	for _, block := range chain.Blocks {
		for _, data := range block {
			e, err := ledger.DecodeEntry(data)
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, e)
		}
	}
	return chain, model, entries
}

// checkAll holds the index against the entries and the state that they lead to.
func checkAll(t *testing.T, x *index.Index, model *ledger.Model, entries []ledger.Entry) {
	t.Helper()
	for number, e := range entries {
		if e.Transaction == nil {
			continue
		}
		if entry, found, err := x.Transaction(e.Transaction.ID()); err != nil || !found || entry != uint64(number) {
			t.Errorf("transaction of entry %d found at %d (%v, %v)", number, entry, found, err)
		}
	}
	for id, want := range model.Tokens {
		o, found, err := x.Output(id)
		if err != nil || !found || o.Wallet != want.Wallet || o.Amount != want.Amount {
			t.Errorf("token %s: %+v (%v, %v), want %+v", id, o, found, err, want)
		}
	}
	for id, want := range model.Wallets {
		items, err := x.History(id, 1<<63, 1000)
		if err != nil {
			t.Fatal(err)
		}
		var sum money.Tiyn
		for _, item := range items {
			sum += item.Net
		}
		if sum != want.Balance || len(items) == 0 || !slices.IsSortedFunc(items, func(a, b index.Item) int { return int(b.Entry) - int(a.Entry) }) {
			t.Errorf("the history of %s gives %s in %d lines, its balance is %s", id, sum, len(items), want.Balance)
		}
		// In pages, the same.
		var paged []index.Item
		for before := uint64(1 << 63); ; before = paged[len(paged)-1].Entry {
			page, err := x.History(id, before, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
		}
		if !slices.Equal(paged, items) {
			t.Errorf("the history of %s in pages differs", id)
		}
	}
}

func TestIndexAgreesWithTheLedger(t *testing.T) {
	chain, model, entries := story(t)
	x := open(t, t.TempDir(), chain)
	feed(t, x, chain, len(chain.Blocks))
	checkAll(t, x, model, entries)
	if _, found, err := x.Output(token.ID{1}); found || err != nil {
		t.Errorf("a token that never was: %v, %v", found, err)
	}
	if _, found, err := x.Transaction(token.TransactionID{1}); found || err != nil {
		t.Errorf("a transaction that never was: %v, %v", found, err)
	}
}

func TestIndexGoesOnWhereItStopped(t *testing.T) {
	chain, model, entries := story(t)
	dir := t.TempDir()
	for blocks := 0; blocks <= len(chain.Blocks); blocks += 7 {
		x, err := index.Open(vfs.OS, dir, chain.Network, chain)
		if err != nil {
			t.Fatal(err)
		}
		feed(t, x, chain, blocks)
		if err := x.Block(x.Size()+1, chain.Blocks[0]); err == nil {
			t.Error("a block out of order was indexed")
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := index.Open(vfs.OS, dir, token.NetworkID{1}, chain); err == nil {
		t.Error("the index of another network was opened")
	}
	x := open(t, dir, chain)
	feed(t, x, chain, len(chain.Blocks))
	checkAll(t, x, model, entries)
}

func TestWaitSize(t *testing.T) {
	chain, _, _ := story(t)
	x := open(t, t.TempDir(), chain)
	done := make(chan error, 1)
	go func() { done <- x.WaitSize(context.Background(), chain.Size) }()
	feed(t, x, chain, len(chain.Blocks))
	if err := <-done; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if err := x.WaitSize(ctx, chain.Size+1); err == nil {
		t.Error("it waited for what did not come and said it came")
	}
}

// Every wallet of the story is found by its key, and by its recovery key, from memory and from files.
func TestWalletsAreFoundByTheirKeys(t *testing.T) {
	chain, model, _ := story(t)
	dir := t.TempDir()
	for range 2 { // what memory holds is in a file the second time
		x, err := index.Open(vfs.OS, dir, chain.Network, chain)
		if err != nil {
			t.Fatal(err)
		}
		feed(t, x, chain, len(chain.Blocks))
		keys := 0
		for id, w := range model.Wallets {
			for _, key := range []token.PublicKey{w.Key, model.Detail(id).Recovery} {
				if !key.Usable() || !registered(chain, id) {
					continue
				}
				keys++
				if got, err := x.Keyed(key); err != nil || !slices.Contains(got, id) {
					t.Errorf("%s is not among %v, which have its key (%v)", id, got, err)
				}
			}
		}
		if keys < 5 {
			t.Errorf("%d keys were asked for", keys)
		}
		if got, err := x.Keyed(token.PublicKey{1, 2, 3}); err != nil || len(got) > 0 {
			t.Errorf("a key that never was: %v, %v", got, err)
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// registered says whether a wallet was registered by a transaction of its own: treasuries and funds were not.
func registered(chain *sim.Chain, id token.WalletID) bool {
	for _, block := range chain.Blocks {
		for _, data := range block {
			e, err := ledger.DecodeEntry(data)
			if err != nil || e.Transaction == nil {
				continue
			}
			if _, is := e.Transaction.Body.(*token.Register); is && token.RegisteredID(e.Transaction.ID()) == id {
				return true
			}
		}
	}
	return false
}

// The files of an older program are made again from the log, without a word of damage and without anybody's doing: it did
// not note which entries name a key, and the wallets that it indexed are found by theirs.
func TestAnOlderProgramsIndexIsMadeAgain(t *testing.T) {
	chain, model, entries := story(t)
	dir := t.TempDir()
	x, err := index.Open(vfs.OS, dir, chain.Network, chain)
	if err != nil {
		t.Fatal(err)
	}
	feed(t, x, chain, len(chain.Blocks))
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.run"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files { // as the older program has written it, with the first page's checksum
		content, err := os.ReadFile(file)
		if err != nil || string(content[:8]) != "AQINDEX2" {
			t.Fatalf("%.8s, %v", content, err)
		}
		copy(content, "AQINDEX1")
		binary.BigEndian.PutUint32(content[4092:], crc32.Checksum(content[:4092], crc32.MakeTable(crc32.Castagnoli)))
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x = open(t, dir, chain)
	if x.Size() != 0 || len(x.Dropped()) != 0 {
		t.Fatalf("it stands at %d, damage %v", x.Size(), x.Dropped())
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.run")); err != nil || len(left) != 0 {
		t.Errorf("%v, %v are left", left, err)
	}
	feed(t, x, chain, len(chain.Blocks))
	checkAll(t, x, model, entries)
	found := 0
	for id, w := range model.Wallets {
		if w.Key.Usable() && registered(chain, id) {
			if got, err := x.Keyed(w.Key); err != nil || !slices.Contains(got, id) {
				t.Errorf("%s is not among %v, %v", id, got, err)
			}
			found++
		}
	}
	if found == 0 {
		t.Error("no wallet was looked for")
	}
}
