package pool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/books"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/txlog"
	"pgregory.net/rapid"
)

// drawnRecords is a pool's log with workers, leases, jobs on changing tips and shares of late ones too.
func drawnRecords(t *rapid.T) []sharelog.Record {
	net, _ := bitcoin.FindNetwork("regtest")
	records := []sharelog.Record{&sharelog.Scheme{Name: payout.PPS, FeePPM: 10_000, Rules: sharelog.RulesAtBlock}, paying(1, 1)}
	workers, jobs, tip := uint64(0), uint64(1), byte(1)
	for i := range rapid.IntRange(1, 150).Draw(t, "records") {
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			workers++
			script := append([]byte{0, 20, byte(workers)}, make([]byte, 19)...)
			records = append(records, &sharelog.Worker{Number: workers, User: workers, Address: net.AddressOf(script)})
		case 1:
			records = append(records, &sharelog.Lease{First: uint64(i) * 10, Count: uint64(i)})
		case 2, 3:
			if rapid.Bool().Draw(t, "a block") {
				tip++
			}
			jobs++
			records = append(records, paying(jobs, tip))
		default:
			job := jobs - min(jobs-1, rapid.Uint64Range(0, 3).Draw(t, "late by"))
			if workers > 0 {
				records = append(records, &sharelog.Share{Worker: 1 + uint64(i)%workers, Job: job, Difficulty: unit, HashPrefix: [16]byte{byte(i), tip}})
			}
		}
	}
	return records
}

// A pool that was prepared at any entry, with books at any earlier one, is the one that has read the whole log itself;
// it has read only what came since.
func TestAPreparedPoolIsTheSame(tb *testing.T) {
	net, _ := bitcoin.FindNetwork("regtest")
	ctx := context.Background()
	run := 0
	rapid.Check(tb, func(t *rapid.T) {
		run++
		dir := filepath.Join(tb.TempDir(), fmt.Sprint(run))
		options := txlog.Options{Origin: "test", SegmentBytes: 1 << 16}
		log, err := txlog.Open(filepath.Join(dir, "shares"), options)
		if err != nil {
			t.Fatal(err)
		}
		records := drawnRecords(t)
		booked := rapid.IntRange(1, len(records)).Draw(t, "booked")
		cut := rapid.IntRange(booked, len(records)).Draw(t, "prepared")
		file := filepath.Join(dir, "books.sqlite")
		appendTo(tb, log, records[:booked]...)
		behind, err := OpenAccounts(log, file)
		if err != nil {
			t.Fatal(err)
		}
		_ = behind.Close()
		if cut > booked {
			appendTo(tb, log, records[booked:cut]...)
		}
		reader, err := txlog.OpenReader(filepath.Join(dir, "shares"), options)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		prepared, err := Prepare(ctx, net, reader, file)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) > cut {
			appendTo(tb, log, records[cut:]...)
		}
		_ = log.Close()
		options.Scanned = reader
		if log, err = txlog.Open(filepath.Join(dir, "shares"), options); err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		want := Pool{config: Defaults(), network: net, log: log}
		if err := want.readLog(ctx, Options{BooksFile: filepath.Join(dir, "anew.sqlite")}); err != nil {
			t.Fatal(err)
		}
		defer want.accounts.Close()
		got := Pool{config: Defaults(), network: net, log: log}
		if err := got.readLog(ctx, Options{BooksFile: file, Prepared: prepared}); err != nil {
			t.Fatal(err)
		}
		defer got.accounts.Close()
		sameAfterReading(t, &got, &want)
		if got.Replayed() != uint64(len(records)-cut) || want.Replayed() != uint64(len(records)) {
			t.Fatalf("%d entries read, %d are new", got.Replayed(), len(records)-cut)
		}
	})
}

func sameAfterReading(t *rapid.T, got, want *Pool) {
	a, b := got.accounts.state, want.accounts.state
	if !maps.Equal(a.Balance, b.Balance) || a.Position != b.Position || a.Entries != b.Entries || len(a.Jobs) != len(b.Jobs) {
		t.Fatalf("accounts %+v, want %+v", a, b)
	}
	if err := got.accounts.Fault(); err != nil {
		t.Fatal(err)
	}
	if got.extranonce.Load() != want.extranonce.Load() || got.lastJob.Load() != want.lastJob.Load() || !maps.Equal(got.registry.users, want.registry.users) {
		t.Fatal("another extranonce, job or user")
	}
	if len(got.seen.byTip) != len(want.seen.byTip) {
		t.Fatalf("shares of %d tips, want %d", len(got.seen.byTip), len(want.seen.byTip))
	}
	for tip, shares := range want.seen.byTip {
		for i := range shares.shards {
			if !maps.Equal(shares.shards[i].known, got.seen.byTip[tip].shards[i].known) {
				t.Fatalf("other shares are known on %v", tip)
			}
		}
	}
}

// What the books say otherwise than the log is not taken over from a preparation, and neither is another log.
func TestAPreparationIsHeldAgainstTheBooks(t *testing.T) {
	net, _ := bitcoin.FindNetwork("regtest")
	ctx := context.Background()
	records := []sharelog.Record{
		&sharelog.Scheme{Name: payout.PPS, FeePPM: 10_000, Rules: sharelog.RulesAtBlock}, &sharelog.Worker{Number: 1, User: 1, Address: net.AddressOf(append([]byte{0, 20}, make([]byte, 20)...))},
		paying(1, 1), &sharelog.Share{Worker: 1, Job: 1, Difficulty: unit}, paying(2, 1),
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "books.sqlite")
	log := logOf(t, dir, records...)
	accounts, err := OpenAccounts(log, file)
	if err != nil {
		t.Fatal(err)
	}
	_ = accounts.Close()
	options := txlog.Options{Origin: "test", SegmentBytes: 1 << 20}
	reader, err := txlog.OpenReader(filepath.Join(dir, "shares"), options)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	prepared, err := Prepare(ctx, net, reader, file)
	if err != nil || prepared.size != uint64(len(records)) || len(prepared.unbooked) != 0 {
		t.Fatalf("%+v, %v", prepared, err)
	}
	if other := logOf(t, t.TempDir(), append(records[:4:4], paying(3, 1))...); prepared.of(other) {
		t.Error("another log is taken for the one that was read")
	}
	if _, err := Prepare(ctx, net, reader, filepath.Join(dir, "none.sqlite")); err == nil {
		t.Error("books that are not there agree")
	}
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE posting SET amount = amount * 2"); err != nil { // it still balances
		t.Fatal(err)
	}
	var differ *books.DifferError
	if _, err := Prepare(ctx, net, reader, file); !errors.As(err, &differ) {
		t.Errorf("changed books: %v", err)
	}
}
