package device_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/wallet/channels"
	"github.com/aqsha/aqsha/wallet/device"
)

// What machines do to each other whatever they like is in the commands' room, with the contract behind it; here is what one
// side does when the other is plain.

const tick money.Tiyn = 100

const now = 1_800_000_000_000 // Unix milliseconds

var (
	key     = token.NewPrivateKey([32]byte{1})
	network = token.NetworkID{7}
	payee   = token.WalletID{2}
)

func terms() channel.Terms {
	return channel.Terms{ID: channel.ID{Network: network, Contract: token.WalletID{9}}, Key: key.Public(), Tick: tick, Deposit: 1000 * tick, Created: now}
}

// ledgerOf shows one channel.
type ledgerOf struct{ known wallet.Channel }

func (l ledgerOf) Channel(context.Context, token.WalletID) (wallet.Channel, error) {
	return l.known, nil
}

func good() wallet.Channel {
	return wallet.Channel{Terms: terms(), Receiver: payee, Window: 600_000, Ends: now + 3_600_000}
}

// car is a machine that pays, with its files in a folder.
func car(t *testing.T, dir string, maxDay money.Tiyn) *device.Car {
	t.Helper()
	path := filepath.Join(dir, "c.sender.json")
	f := channels.File{Channel: terms().ID, Key: "car", Seed: &token.Hash{5}, Paid: new(money.Tiyn)}
	if there, err := channels.Read(path); err == nil {
		f = there
	} else if err := channels.Update(path, func(x *channels.File) error { *x = f; return nil }); err != nil {
		t.Fatal(err)
	}
	purse := &channel.Purse{}
	purse.MaxDay = maxDay
	return &device.Car{Now: func() uint64 { return now }, Lead: 3, File: f, Path: path, Purse: purse, Spent: filepath.Join(dir, "car.spent.json"),
		Resume: func(base money.Tiyn) *channel.Sender {
			return channel.NewSender(terms(), key, *f.Seed, rand.Reader, base, purse)
		}}
}

// charger is a machine that is paid.
func charger(dir string, known wallet.Channel, results *[]device.Result) *device.Charger {
	return &device.Charger{Ledger: ledgerOf{known}, Now: func() uint64 { return now }, Network: network, Wallet: payee,
		Look: time.Minute, LeastWindow: time.Minute, LeastLife: time.Minute, Keep: 2,
		Path:  func(token.WalletID) string { return filepath.Join(dir, "c.receiver.json") },
		Close: func(context.Context, channels.File) (node.Receipt, error) { return node.Receipt{Index: 3}, nil },
		Show:  func(r device.Result) error { *results = append(*results, r); return nil }}
}

// session lets a car ride at a charger, over a pipe.
func session(t *testing.T, c *device.Car, ch *device.Charger, ticks int) (car, charger error) {
	t.Helper()
	a, b := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- ch.Serve(t.Context(), b) }()
	car = c.Drive(t.Context(), a, ticks, 0)
	return car, <-served
}

// A session pays what was ticked, to the tiyn, in both files; the next goes on from there.
func TestASession(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var results []device.Result
	total := money.Tiyn(0)
	for _, ticks := range []int{1, 7, 3} {
		c := car(t, dir, 0)
		if drove, served := session(t, c, charger(dir, good(), &results), ticks); drove != nil || served != nil {
			t.Fatalf("%d ticks: %v, %v", ticks, drove, served)
		}
		total += money.Tiyn(ticks) * tick
		paid, err := channels.Read(filepath.Join(dir, "c.sender.json"))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := channels.Read(filepath.Join(dir, "c.receiver.json"))
		if err != nil {
			t.Fatal(err)
		}
		if least, most := paid.PaidBetween(); least != total || most != total || kept.Total != total {
			t.Errorf("after %d ticks: the car's file has %s to %s, the charger's %s, want %s", ticks, least, most, kept.Total, total)
		}
		last := results[len(results)-1]
		if last.Ticks != ticks || last.Total != total || last.Closed == nil || last.Closed.Index != 3 || last.Why != "the car has gone" {
			t.Errorf("the session of %d ticks came to %+v", ticks, last)
		}
	}
	var day struct{ Spent money.Tiyn }
	content, err := os.ReadFile(filepath.Join(dir, "car.spent.json"))
	if err != nil || json.Unmarshal(content, &day) != nil || day.Spent != total {
		t.Errorf("the day's account says %s (%v), want %s", day.Spent, err, total)
	}
}

// A day's limit holds over sessions, and over channels that share the day's file.
func TestADaysLimitHoldsOverSessions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var results []device.Result
	if drove, served := session(t, car(t, dir, 5*tick), charger(dir, good(), &results), 4); drove != nil || served != nil {
		t.Fatal(drove, served)
	}
	drove, served := session(t, car(t, dir, 5*tick), charger(dir, good(), &results), 4)
	var refused *token.Error
	if !errors.As(drove, &refused) || served != nil {
		t.Fatalf("the second session: %v, %v", drove, served)
	}
	if f, err := channels.Read(filepath.Join(dir, "c.receiver.json")); err != nil || f.Total != 5*tick {
		t.Errorf("%s was paid (%v), a day allows %s", f.Total, err, 5*tick)
	}
}

// Channels that a charger does not take: it says so, and serves nothing.
func TestChannelsThatAChargerDoesNotTake(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(c *wallet.Channel, ch *device.Charger){
		"another network": func(_ *wallet.Channel, ch *device.Charger) { ch.Network = token.NetworkID{8} },
		"somebody else":   func(c *wallet.Channel, _ *device.Charger) { c.Receiver = token.WalletID{3} },
		"owner left":      func(c *wallet.Channel, _ *device.Charger) { c.Left = now },
		"window to claim": func(c *wallet.Channel, _ *device.Charger) { c.Window = 59_999 },
		"it ends at":      func(c *wallet.Channel, _ *device.Charger) { c.Ends = now + 59_999 },
	} {
		dir := t.TempDir()
		var results []device.Result
		known := good()
		ch := charger(dir, known, &results)
		change(&known, ch)
		ch.Ledger = ledgerOf{known}
		drove, served := session(t, car(t, dir, 0), ch, 3)
		if drove == nil || !strings.Contains(drove.Error(), want) || served == nil || len(results) != 0 {
			t.Errorf("%s: the car heard %v, the charger ended with %v and %d results", want, drove, served, len(results))
		}
		if f, err := channels.Read(filepath.Join(dir, "c.sender.json")); err != nil || f.Total != 0 {
			t.Errorf("%s: %s was signed for (%v)", want, f.Total, err)
		}
	}
}

// Lines are bounded in length, and who says nothing is waited for no longer than DeviceSilence.
func TestLinesAreBounded(t *testing.T) {
	t.Parallel()
	a, b := net.Pipe()
	go func() {
		_, _ = io.WriteString(a, `{"detail":"`+strings.Repeat("x", 2*device.MaxDeviceLine)+`"}`)
		_ = a.Close()
	}()
	link, limit := device.NewLink(b)
	if _, err := link.Receive(limit); err == nil || !strings.Contains(err.Error(), "more than 4096 bytes") {
		t.Errorf("a long line: %v", err)
	}
	_ = b.Close()
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer a.Close()
		began := time.Now()
		link, limit := device.NewLink(b)
		_, err := link.Receive(limit)
		var slow net.Error
		if !errors.As(err, &slow) || !slow.Timeout() || time.Since(began) != device.DeviceSilence {
			t.Errorf("silence: %v after %s", err, time.Since(began))
		}
	})
}
