package books

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"
)

// What the books hold is the same, read at once or in two parts; and the second part is looked up, not searched for.
func TestBooksSinceAMoment(t *testing.T) {
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "books.sqlite")
	b, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	reading, err := OpenToRead(file)
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	entry := func(i int) Entry {
		return Entry{Key: fmt.Sprint("e", i), Postings: []Posting{{Account: fmt.Sprint("user:", i%7), Amount: 5}, {Account: "reserve", Amount: -5}}}
	}
	var before *Snapshot
	for i := range 40 {
		if err := b.Book(ctx, entry(i)); err != nil {
			t.Fatal(err)
		}
		if i == 25 {
			if before, err = reading.Snapshot(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	whole, err := reading.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := b.Since(ctx, before)
	if err != nil {
		t.Fatal(err)
	}
	if before.Entries != 26 || whole.Entries != 40 || parts.Entries != 40 || parts.Last != whole.Last || !maps.Equal(parts.Balances, whole.Balances) {
		t.Errorf("in two parts %+v, at once %+v", parts, whole)
	}
	for _, query := range []string{unbalancedSince, countSince, balancesSince} {
		rows, err := b.db.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, 5)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(step, "SCAN") {
				t.Errorf("%s: %s", query, step)
			}
		}
		rows.Close()
	}
	missing, err := reading.Missing(ctx, entry(3), entry(40), entry(39))
	if err != nil || len(missing) != 1 || missing[0].Key != "e40" {
		t.Errorf("missing %v, %v", missing, err)
	}
	other := entry(3)
	other.Postings[0].Account = "user:9"
	var differ *DifferError
	if _, err := reading.Missing(ctx, other); !errors.As(err, &differ) {
		t.Errorf("another entry: %v", err)
	}
	if err := reading.Book(ctx, entry(50)); err == nil {
		t.Error("books that are open to be read are written")
	}
}
