package books

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aqsha/aqsha/money"
)

// credited is an entry of so much for one user.
func credited(key string, amount int64) Entry {
	return Entry{Key: key, Postings: []Posting{{Account: "user:1", Amount: money.Satoshi(amount)},
		{Account: "reserve", Amount: -money.Satoshi(amount)}}}
}

func opened(t *testing.T, file string) *Books {
	t.Helper()
	b, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// holds says whether the books stand in balance at so much for the user, with so much in each table of before.
func (b *Books) holds(t *testing.T, amount int64, before map[string]int64) {
	t.Helper()
	if err := b.Audit(t.Context()); err != nil {
		t.Error(err)
	}
	balances, err := b.Balances(t.Context())
	if err != nil || balances["user:1"] != money.Satoshi(amount) {
		t.Errorf("%v, %v, want %d", balances, err, amount)
	}
	for suffix, want := range before {
		var got int64
		err := b.db.QueryRow("SELECT SUM(amount) FROM posting" + suffix + " p JOIN entry" + suffix +
			" e ON e.id = p.entry WHERE account = 'user:1'").Scan(&got)
		if err != nil || got != want {
			t.Errorf("%s has %d, %v, want %d", suffix, got, err, want)
		}
	}
	var tables int
	if err := b.db.QueryRow("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name LIKE 'entry%'").
		Scan(&tables); err != nil || tables != 1+len(before) {
		t.Errorf("%d tables of entries, %v, want %d", tables, err, 1+len(before))
	}
}

// A rebuild may be run again, after one that was done and after one that failed in its middle; each keeps what stood
// before it.
func TestARebuildMayBeRunAgain(t *testing.T) {
	ctx, file := t.Context(), filepath.Join(t.TempDir(), "books.sqlite")
	b := opened(t, file)
	if err := b.Book(ctx, credited("a", 5)); err != nil {
		t.Fatal(err)
	}
	wrong := Entry{Key: "b", Postings: []Posting{{Account: "user:1", Amount: 1}}}
	rebuild := func(amount int64) {
		t.Helper()
		// The first try fails once everything else is done.
		if err := b.Rebuild(ctx, []Entry{credited("a", amount), wrong}); err == nil {
			t.Fatal("an entry that does not balance is booked")
		}
		if err := b.Rebuild(ctx, []Entry{credited("a", amount)}); err != nil {
			t.Fatal(err)
		}
	}
	b.holds(t, 5, nil)
	rebuild(6)
	b.holds(t, 6, map[string]int64{"_before": 5})
	rebuild(7)
	b.holds(t, 7, map[string]int64{"_before": 5, "_before_2": 6})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = opened(t, file)
	defer b.Close()
	rebuild(8)
	b.holds(t, 8, map[string]int64{"_before": 5, "_before_2": 6, "_before_3": 7})
	// They are books as all others are.
	if err := b.Book(ctx, credited("c", 2)); err != nil {
		t.Fatal(err)
	}
	if err := b.Book(ctx, credited("a", 9)); !errors.As(err, new(*DifferError)) {
		t.Error(err)
	}
	b.holds(t, 10, map[string]int64{"_before": 5, "_before_2": 6, "_before_3": 7})
}

// rebuilding is the file whose books this process is to rebuild, and be killed while it does.
const rebuilding = "AQSHA_TEST_REBUILDING"

// A process that is killed in the middle of a rebuild, once some of it is in the file, leaves the old books, and the
// rebuild is done by the next.
func TestAKilledRebuildIsRunAgain(t *testing.T) {
	if file := os.Getenv(rebuilding); file != "" {
		b := opened(t, file)
		entries := []Entry{}
		for i := range 1 << 20 {
			entries = append(entries, credited(fmt.Sprint("accrual ", i), 1))
		}
		t.Fatal(b.Rebuild(context.Background(), entries))
	}
	file := filepath.Join(t.TempDir(), "books.sqlite")
	b := opened(t, file)
	if err := errors.Join(b.Book(t.Context(), credited("a", 5)), b.Rebuild(t.Context(), []Entry{credited("a", 6)}),
		b.Close()); err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
	child.Env = append(os.Environ(), rebuilding+"="+file)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for alive := true; alive; { // until pages of the transaction are in the write-ahead log
		select {
		case err := <-ended:
			t.Fatalf("the rebuild ended before it was killed: %v", err)
		case <-time.After(time.Millisecond):
			info, err := os.Stat(file + "-wal")
			alive = err != nil || info.Size() < 1<<20
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	b = opened(t, file)
	defer b.Close()
	b.holds(t, 6, map[string]int64{"_before": 5})
	if err := b.Rebuild(t.Context(), []Entry{credited("a", 7)}); err != nil {
		t.Fatal(err)
	}
	b.holds(t, 7, map[string]int64{"_before": 5, "_before_2": 6})
}
