package fleet_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/dialect"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/use"
	"github.com/aqsha/aqsha/pool/miner"
)

// freePort is a port that is free on every loopback address, as far as one can know.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// serve lets simulated machines of every dialect answer in 127.77.0.0/28 and returns how to scan them.
func serve(t *testing.T) ([]*simulate.Unit, fleet.ScanOptions) {
	t.Helper()
	if l, err := net.Listen("tcp", "127.77.0.1:0"); err != nil {
		t.Skipf("no loopback addresses beyond 127.0.0.1 here: %v", err)
	} else {
		_ = l.Close()
	}
	o := fleet.ScanOptions{Port: freePort(t), PortV3: freePort(t), HTTPPort: freePort(t), Timeout: 2 * time.Second}
	units := simulate.Units(len(simulate.Spoken), 1, "", use.At(time.Now()), nil)
	for i, u := range units {
		port := o.Port
		if u.Machine.Dialect.Framed() {
			port = o.PortV3
		}
		u.Machine.Address = fmt.Sprintf("127.77.0.%d:%d", i+1, port)
	}
	server := &simulate.Server{Units: units, HTTPPort: o.HTTPPort}
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- server.Serve(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return units, o
}

func TestScanFindsEveryDialect(t *testing.T) {
	units, o := serve(t)
	calls := 0
	o.Progress = func(done, all int) { calls++ }
	found, err := fleet.Scan(t.Context(), netip.MustParsePrefix("127.77.0.0/28"), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(units) || calls != 14 {
		t.Fatalf("found %d of %d, %d addresses asked", len(found), len(units), calls)
	}
	for i, f := range found {
		want := units[i].Machine
		// cgminer and Braiins say nowhere on this port who they are.
		anonymous := want.Dialect == dialect.Cgminer || want.Dialect == dialect.Braiins
		if f.Problem != "" || f.Machine.Dialect != want.Dialect || f.Machine.Address != want.Address || f.Identified == anonymous {
			t.Errorf("%s found as %+v", want.Dialect, f)
			continue
		}
		if !anonymous && (f.Machine.ID != want.Serial || f.Machine.MAC != want.MAC || !strings.HasPrefix(f.Machine.Model, "Simulated")) {
			t.Errorf("%s identified as %+v", want.Dialect, f.Machine)
		}
		if !f.Machine.Simulated {
			t.Errorf("%s does not pass for simulated", want.Dialect)
		}
		if rate, _, _ := f.Machine.Nameplate(); rate < 40e6 {
			t.Errorf("%s: nameplate %d MH/s", want.Dialect, rate)
		}
	}
}

func TestPollAndIdentify(t *testing.T) {
	units, _ := serve(t)
	for _, u := range units {
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		r, err := fleet.Poll(ctx, &u.Machine)
		if err != nil || r.RateMHs <= 0 {
			t.Errorf("%s: %+v, %v", u.Machine.Dialect, r, err)
		}
		if _, serial, err := fleet.Identify(ctx, &u.Machine); len(u.Machine.Dialect.Identities()) > 0 && u.Machine.Dialect != dialect.Braiins && (err != nil || serial != u.Machine.Serial) {
			t.Errorf("%s: serial %q, %v", u.Machine.Dialect, serial, err)
		}
		stop()
	}
}

// Broken machines end a poll with an error, within its deadline.
func TestPollOfTheBroken(t *testing.T) {
	units, _ := serve(t)
	for i, kind := range []simulate.Kind{simulate.Offline, simulate.Silent, simulate.Garbage, simulate.Slow} {
		units[i].Break(simulate.Fault{Kind: kind})
		ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if r, err := fleet.Poll(ctx, &units[i].Machine); err == nil {
			t.Errorf("%s: %+v", kind, r)
		}
		stop()
	}
}

// Our own miner answers as cgminer does, and is understood like any machine.
func TestOurMiner(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	api := &miner.API{Stats: miner.NewStats(time.Now()), Version: "test", Now: time.Now}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- api.Serve(ctx, listener) }()
	t.Cleanup(func() { stop(); <-done })
	port := listener.Addr().(*net.TCPAddr).Port
	found, err := fleet.Scan(t.Context(), netip.MustParsePrefix("127.0.0.1/32"), fleet.ScanOptions{Port: port, Timeout: 2 * time.Second})
	if err != nil || len(found) != 1 || found[0].Machine.Dialect != dialect.Cgminer || found[0].Problem != "" || found[0].Identified {
		t.Fatalf("%+v, %v", found, err)
	}
	r, err := fleet.Poll(t.Context(), &found[0].Machine)
	if err != nil || r.TotalMH != 0 || r.LiveBoards() != 1 || len(r.Pools) != 0 || !r.PoolsTold { // it has not been told a pool yet
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAddresses(t *testing.T) {
	for prefix, want := range map[string]int{"10.0.0.0/30": 2, "10.0.0.7/32": 1, "10.0.0.0/31": 2, "10.0.0.9/24": 254} {
		if got, err := fleet.Addresses(netip.MustParsePrefix(prefix)); err != nil || len(got) != want {
			t.Errorf("%s: %d addresses, %v, want %d", prefix, len(got), err, want)
		}
	}
	if _, err := fleet.Addresses(netip.MustParsePrefix("10.0.0.0/8")); code(err) != "too_many" {
		t.Errorf("a /8: %v", err)
	}
}

func TestAskLimits(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 64))
				chunk := []byte(strings.Repeat("x", 64<<10))
				for range 10 {
					if _, err := conn.Write(chunk); err != nil {
						return
					}
				}
			}()
		}
	}()
	for _, framed := range []bool{false, true} {
		if _, err := fleet.Ask(t.Context(), l.Addr().String(), []byte("{}"), framed); code(err) != "too_large" {
			t.Errorf("framed %v: %v", framed, err)
		}
	}
}
