package pool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/accounts"
	"github.com/aqsha/aqsha/pool/books"
	"github.com/aqsha/aqsha/pool/commit"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/txlog"
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
		behind, err := accounts.Open(accounts.Options{Log: log, File: file})
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
		want := Pool{network: net, log: log}
		wanted, err := want.readLog(ctx, Options{BooksFile: filepath.Join(dir, "anew.sqlite")})
		if err != nil {
			t.Fatal(err)
		}
		defer want.accounts.Close()
		got := Pool{network: net, log: log}
		said, err := got.readLog(ctx, Options{BooksFile: file, Prepared: prepared})
		if err != nil {
			t.Fatal(err)
		}
		defer got.accounts.Close()
		sameAfterReading(t, &got, &want, said, wanted, records)
		if got.Replayed() != uint64(len(records)-cut) || want.Replayed() != uint64(len(records)) {
			t.Fatalf("%d entries read, %d are new", got.Replayed(), len(records)-cut)
		}
	})
}

// sameAfterReading compares what two pools know of a log, and what they make of the same shares and job after it.
func sameAfterReading(t *rapid.T, got, want *Pool, said, wanted *restored, records []sharelog.Record) {
	if err := got.accounts.Fault(); err != nil {
		t.Fatal(err)
	}
	if said.extranonce != wanted.extranonce || said.lastJob != wanted.lastJob || len(said.jobs) != len(wanted.jobs) || !maps.Equal(got.registry.ByScript(), want.registry.ByScript()) {
		t.Fatal("another extranonce, job or user")
	}
	var late []sharelog.Record // a share of each job that the log has, and a job that settles them
	for _, r := range records {
		switch r := r.(type) {
		case *sharelog.Job:
			late = append(late, &sharelog.Share{Worker: 1, Job: r.Number, Difficulty: unit, HashPrefix: [16]byte{255, byte(r.Number)}})
			if g, w := got.seen.Known(r.Previous) != nil, want.seen.Known(r.Previous) != nil; g != w {
				t.Fatalf("shares on %v are known: %v, want %v", r.Previous, g, w)
			}
		case *sharelog.Share:
			for tip := range byte(30) {
				known, wanted := got.seen.Known(bitcoin.Hash{tip}), want.seen.Known(bitcoin.Hash{tip})
				if known != nil && wanted != nil && known.Add(r.HashPrefix) != wanted.Add(r.HashPrefix) {
					t.Fatalf("share %x on %d is known to one", r.HashPrefix, tip)
				}
			}
		}
	}
	appendTo(t, got.log, append(late, paying(said.lastJob+1, 200))...)
	for _, a := range []*accounts.Accounts{got.accounts, want.accounts} {
		if err := a.CatchUp(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	for account, balance := range want.Owed() {
		if got.Owed()[account] != balance {
			t.Fatalf("%s is owed %d, want %d", account, got.Owed()[account], balance)
		}
	}
	if g, w := got.accounts.Position(), want.accounts.Position(); g != w || len(got.Owed()) != len(want.Owed()) {
		t.Fatalf("position %d and %d users, want %d and %d", g, len(got.Owed()), w, len(want.Owed()))
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
	opened, err := accounts.Open(accounts.Options{Log: log, File: file})
	if err != nil {
		t.Fatal(err)
	}
	_ = opened.Close()
	options := txlog.Options{Origin: "test", SegmentBytes: 1 << 20}
	reader, err := txlog.OpenReader(filepath.Join(dir, "shares"), options)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	prepared, err := Prepare(ctx, net, reader, file)
	if err != nil || prepared.size != uint64(len(records)) {
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

var unit = stratum.Difficulty{N: 1}

func paying(number uint64, tip byte) *sharelog.Job {
	return &sharelog.Job{
		Number: number, Height: uint64(tip), Previous: bitcoin.Hash{tip}, Bits: 0x1d00ffff, CoinbaseValue: 10_000,
		Variants: []sharelog.Variant{{Head: []byte{byte(number)}}},
	}
}

// logOf writes records as a log.
func logOf(t *testing.T, dir string, records ...sharelog.Record) *txlog.Log {
	t.Helper()
	log, err := txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: "test", SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	appendTo(t, log, records...)
	return log
}

func appendTo(t interface{ Fatal(...any) }, log *txlog.Log, records ...sharelog.Record) {
	writer := commit.New(log, func(err error) { t.Fatal(err) })
	for _, r := range records {
		writer.Record(r)
	}
	if err := writer.Commit(); err != nil {
		t.Fatal(err)
	}
}
