package books_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/books"
)

func Example() {
	ctx := context.Background()
	b, _ := books.Open("")
	defer b.Close()
	block := books.Entry{Key: "block 1", Postings: []books.Posting{{Account: "immature", Amount: -50}, {Account: "user:1", Amount: 49}, {Account: "operator", Amount: 1}}}
	fmt.Println(b.Book(ctx, block), b.Book(ctx, block)) // the second time it is there already
	fmt.Println(b.Book(ctx, books.Entry{Key: "wrong", Postings: []books.Posting{{Account: "user:1", Amount: 1}}}))
	balances, _ := b.Balances(ctx)
	fmt.Println(int64(balances["user:1"]))
	// Output:
	// <nil> <nil>
	// entry wrong does not balance: off by 1 satoshi
	// 49
}

// Entries survive, are booked once, and a reversal brings every account back.
func TestBooks(t *testing.T) {
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "books.sqlite")
	b, err := books.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	first := books.Entry{Key: "a", TimeMillis: 1, Memo: "block", Postings: []books.Posting{{Account: "immature", Amount: -100}, {Account: "user:1", Amount: 60}, {Account: "user:2", Amount: 40}}}
	// A group with a wrong entry books nothing.
	if err := b.Book(ctx, first, books.Entry{Key: "b", Postings: []books.Posting{{Account: "x", Amount: 1}}}); err == nil {
		t.Fatal("booked an entry that does not balance")
	}
	if err := b.Book(ctx, first, first.Reverse("a-", "orphan", 2), books.Entry{Key: "c", Postings: []books.Posting{{Account: "wallet", Amount: -5}, {Account: "user:1", Amount: 5}}}); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if b, err = books.Open(file); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	balances, err := b.Balances(ctx)
	if err != nil || balances["user:1"] != 5 || balances["user:2"] != 0 || balances["immature"] != 0 {
		t.Fatalf("%v, %v", balances, err)
	}
	lines, err := b.Statement(ctx, "user:1", 10)
	if err != nil || len(lines) != 3 || lines[0].Amount != 60 || lines[1].Amount != -60 || lines[2].Memo != "" {
		t.Fatalf("%v, %v", lines, err)
	}
	if err := b.Audit(ctx); err != nil {
		t.Fatal(err)
	}
}

// Whatever is booked, the books sum to zero.
func TestBooksBalance(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		b, err := books.Open("")
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		booked := map[string]map[string]money.Satoshi{} // what each key's entry says of each account
		for i := range rapid.IntRange(1, 20).Draw(t, "entries") {
			e := books.Entry{Key: fmt.Sprint(rapid.IntRange(0, 10).Draw(t, "key"))}
			for range rapid.IntRange(1, 4).Draw(t, "postings") {
				e.Postings = append(e.Postings, books.Posting{Account: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "account"), Amount: money.Satoshi(rapid.Int64Range(-9, 9).Draw(t, "amount"))})
			}
			sums := map[string]money.Satoshi{"a": 0, "b": 0, "c": 0}
			for _, p := range e.Postings {
				sums[p.Account] += p.Amount
			}
			before, there := booked[e.Key]
			err := b.Book(ctx, e)
			var differs *books.DifferError
			switch {
			case e.Check() != nil:
				if err == nil || errors.As(err, &differs) {
					t.Fatalf("entry %d: %v", i, err)
				}
			case there && !maps.Equal(before, sums):
				if !errors.As(err, &differs) {
					t.Fatalf("entry %d says something else than the one before it: %v", i, err)
				}
			case err != nil:
				t.Fatalf("entry %d: %v", i, err)
			default:
				booked[e.Key] = sums
			}
		}
		balances, err := b.Balances(ctx)
		if err != nil || b.Audit(ctx) != nil || balances["a"]+balances["b"]+balances["c"] != 0 {
			t.Fatalf("%v, %v", balances, err)
		}
	})
}
