package main

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/wallet/channels"
	"github.com/aqsha/aqsha/wallet/device"
)

// cheat is a charger that plays one session as it likes: it says that it has total, takes so many ticks, hangs up, and
// keeps the voucher and the last word.
type cheat struct {
	net.Listener
	done chan channel.Claim
}

func newCheat(t *testing.T, total money.Tiyn, ticks int) *cheat {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	c := &cheat{listener, make(chan channel.Claim, 1)}
	go func() {
		var claim channel.Claim
		defer func() { c.done <- claim }()
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in, out := json.NewDecoder(bufio.NewReader(conn)), json.NewEncoder(conn)
		for {
			var m device.Message
			if in.Decode(&m) != nil {
				return
			}
			switch {
			case m.Voucher != nil:
				claim = channel.Claim{Voucher: *m.Voucher, Word: m.Voucher.Root}
			case m.Tick != nil:
				claim.Word = *m.Tick
				claim.Ticks++
			}
			if m.Hello == nil && claim.Ticks >= ticks {
				return // without an answer
			}
			if out.Encode(device.Message{Total: total}) != nil {
				return
			}
		}
	}()
	return c
}

func (w *programsTown) fails(code string, args ...string) {
	w.t.Helper()
	if out, err := aqsha(append(args, "--data", w.dir)...).CombinedOutput(); err == nil || !strings.Contains(string(out), code) {
		w.t.Errorf("%v: %v, want %s\n%s", args, err, code, out)
	}
}

// A charger that hangs up after the voucher, or lies about what it has, is signed nothing beyond what was revealed, however
// the run ended and whatever pays next over the channel.
func TestADishonestChargerGainsNothing(t *testing.T) {
	t.Parallel()
	w := newProgramsTown(t, "owner", "charger")
	w.run("channel", "open", "ride", "--from", "owner", "--to", "charger", "--deposit", "1000", "--tick", "1")
	ride := func(c *cheat) channel.Claim {
		_ = aqsha("device", "car", "ride", "--to", c.Addr().String(), "--ticks", "300", "--data", w.dir).Run()
		return <-c.done
	}
	worth := func(claim channel.Claim) money.Tiyn {
		total, ok := claim.Worth(100)
		if !ok {
			t.Fatalf("%+v", claim)
		}
		return total
	}
	if claim := ride(newCheat(t, 0, 1)); worth(claim) != 100 {
		t.Errorf("one tick was revealed, the charger has %s", worth(claim))
	}
	// It says that it has all that was signed for: what comes next stands on the one tick.
	if claim := ride(newCheat(t, 30_000, 1)); claim.Amount != 100 || worth(claim) != 200 {
		t.Errorf("a voucher for %s after one tick, worth %s", claim.Amount, worth(claim))
	}
	// Nor does a payment by hand pay for what was only signed for.
	ride(newCheat(t, 0, 0))
	var paid channels.File
	if err := json.Unmarshal([]byte(w.run("channel", "pay", "ride", "10")), &paid); err != nil || paid.Total != 1200 {
		t.Errorf("%v, a voucher for %s, want 12.00", err, paid.Total)
	}
}

// A car that was killed leaves a span: what was paid lies in it, and nothing is signed on top before somebody says where.
func TestAPaymentAfterAKilledRunAsksWhatWasPaid(t *testing.T) {
	t.Parallel()
	w := newProgramsTown(t, "owner", "charger")
	w.run("channel", "open", "ride", "--from", "owner", "--to", "charger", "--deposit", "1000", "--tick", "1")
	path := filepath.Join(w.dir, "channels", "ride.sender.json")
	err := channels.Update(path, func(f *channels.File) error {
		paid := money.Tiyn(6_400)
		f.Paid, f.Ahead, f.Total = &paid, 6_400, 100_000
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.fails("paid-unclear", "channel", "pay", "ride", "10")
	w.fails("paid-unclear", "channel", "pay", "ride", "10", "--from", "64.01")
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("a refusal changed the file: %v\n%s", err, after)
	}
	var paid channels.File
	if err := json.Unmarshal([]byte(w.run("channel", "pay", "ride", "10", "--from", "7")), &paid); err != nil || paid.Total != 1700 {
		t.Errorf("%v, a voucher for %s, want 17.00", err, paid.Total)
	}
}

// A charger does not deliver on a channel that ends before it could claim.
func TestAChargerRefusesAChannelThatEnds(t *testing.T) {
	t.Parallel()
	w := newProgramsTown(t, "owner", "charger")
	w.run("channel", "open", "ride", "--from", "owner", "--to", "charger", "--deposit", "500", "--tick", "1", "--window", "2m", "--for", "3m")
	m := w.charger("--least-life", "5m")
	w.fails("channel-ends-soon", "device", "car", "ride", "--to", m.address, "--ticks", "3")
	_ = m.Wait()
	w.expect("charger", 1_000_000)
}

// Two names of one channel are one book; after the receiver's consent to close nothing is accepted; a watchtower goes on
// past a claim that is refused.
func TestAReceiversBookIsTheContracts(t *testing.T) {
	t.Parallel()
	w := newProgramsTown(t, "owner", "shop", "tower")
	open := func(name string) string {
		w.run("channel", "open", name, "--from", "owner", "--to", "shop", "--deposit", "1000")
		f, err := channels.Read(filepath.Join(w.dir, "channels", name+".sender.json"))
		if err != nil {
			t.Fatal(err)
		}
		return f.Channel.Contract.String()
	}
	voucher := func(name, amount string) string {
		file := filepath.Join(w.dir, name+amount+".json")
		if err := os.WriteFile(file, []byte(w.run("channel", "pay", name, amount)), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	id := open("one")
	w.run("channel", "accept", "one", voucher("one", "10"))
	w.run("channel", "accept", id, voucher("one", "80"))
	w.run("channel", "close", "one")
	w.expect("shop", 1_009_000)

	open("two")
	w.run("channel", "accept", "two", voucher("two", "10"))
	w.run("channel", "final", "two")
	w.fails("channel-closing", "channel", "accept", "two", voucher("two", "800"))

	open("three")
	w.run("channel", "accept", "three", voucher("three", "30"))
	good, bad := filepath.Join(w.dir, "good.json"), filepath.Join(w.dir, "bad.json")
	exported := w.run("channel", "export", "three")
	var f channels.File
	if err := json.Unmarshal([]byte(exported), &f); err != nil {
		t.Fatal(err)
	}
	f.Claim.Signature[7] ^= 1
	forged, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{good: []byte(exported), bad: forged} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.run("channel", "leave", "three")
	w.fails("guard-not-met", "channel", "watch", bad, good, "--by", "tower", "--once")
	w.expect("shop", 1_012_000)
}

// A mandate of a day counts over channels and runs, also over one that was cut off.
func TestADaysMandateIsOverAllRuns(t *testing.T) {
	t.Parallel()
	w := newProgramsTown(t, "owner", "charger")
	w.run("device", "key", "car")
	for _, name := range []string{"one", "two", "three"} {
		w.run("channel", "open", name, "--from", "owner", "--to", "charger", "--deposit", "500", "--tick", "1", "--key", "car")
	}
	ride := func(name string, address string) string {
		out, _ := aqsha("device", "car", name, "--to", address, "--ticks", "5", "--day-most", "7", "--data", w.dir).CombinedOutput()
		return string(out)
	}
	c := newCheat(t, 0, 1)
	ride("one", c.Addr().String())
	<-c.done
	m := w.charger()
	ride("two", m.address)
	if r := m.result(t); r.Ticks != 5 {
		t.Errorf("%+v", r)
	}
	m = w.charger()
	if out := ride("three", m.address); !strings.Contains(out, "over-mandate") {
		t.Error(out)
	}
	if r := m.result(t); r.Ticks != 1 {
		t.Errorf("seven were allowed, one and five were spent; then %d more", r.Ticks)
	}
}
