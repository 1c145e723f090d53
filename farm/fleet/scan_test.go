package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/freeport"
	"github.com/aqsha/aqsha/pool/miner"
)

// freePort is a port that is free on every loopback address, as far as one can know.
func freePort(t *testing.T) int {
	t.Helper()
	port, err := freeport.Port()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// serve lets simulated machines of every protocol answer in 127.77.0.0/28 and returns how to scan them.
func serve(t *testing.T) ([]*simulate.Unit, fleet.ScanOptions) {
	t.Helper()
	if l, err := net.Listen("tcp", "127.77.0.1:0"); err != nil {
		t.Skipf("no loopback addresses beyond 127.0.0.1 here: %v", err)
	} else {
		_ = l.Close()
	}
	o := fleet.ScanOptions{Port: freePort(t), PortV3: freePort(t), HTTPPort: freePort(t), Timeout: 2 * time.Second}
	units := simulate.Units(len(simulate.Spoken), 1, "", usage.At(time.Now()), nil)
	for i, u := range units {
		port := o.Port
		if u.Machine.Protocol.Framed() {
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
		anonymous := want.Protocol == protocol.Cgminer || want.Protocol == protocol.Braiins
		if f.Problem != "" || f.Machine.Protocol != want.Protocol || f.Machine.Address != want.Address || f.Identified == anonymous {
			t.Errorf("%s found as %+v", want.Protocol, f)
			continue
		}
		if !anonymous && (f.Machine.ID != want.Serial || f.Machine.MAC != want.MAC || !strings.HasPrefix(f.Machine.Model, "Simulated")) {
			t.Errorf("%s identified as %+v", want.Protocol, f.Machine)
		}
		if !f.Machine.Simulated {
			t.Errorf("%s does not pass for simulated", want.Protocol)
		}
		if rate, _, _ := f.Machine.Nameplate(); rate < 40e6 {
			t.Errorf("%s: nameplate %d MH/s", want.Protocol, rate)
		}
	}
}

func TestPollAndIdentify(t *testing.T) {
	units, _ := serve(t)
	for _, u := range units {
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		r, err := fleet.Poll(ctx, &u.Machine)
		if err != nil || r.RateMHs <= 0 {
			t.Errorf("%s: %+v, %v", u.Machine.Protocol, r, err)
		}
		if _, serial, err := fleet.Identify(ctx, &u.Machine); len(u.Machine.Protocol.Identities()) > 0 && u.Machine.Protocol != protocol.Braiins && (err != nil || serial != u.Machine.Serial) {
			t.Errorf("%s: serial %q, %v", u.Machine.Protocol, serial, err)
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
	if err != nil || len(found) != 1 || found[0].Machine.Protocol != protocol.Cgminer || found[0].Problem != "" || found[0].Identified {
		t.Fatalf("%+v, %v", found, err)
	}
	r, err := fleet.Poll(t.Context(), &found[0].Machine)
	if err != nil || r.TotalMH != 0 || r.LiveBoards() != 1 || len(r.Pools) != 0 || !r.PoolsReported { // it has not been told a pool yet
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAddresses(t *testing.T) {
	for prefix, want := range map[string]int{"10.0.0.0/30": 2, "10.0.0.7/32": 1, "10.0.0.0/31": 2, "10.0.0.9/24": 254} {
		if got, err := fleet.Addresses(netip.MustParsePrefix(prefix)); err != nil || len(got) != want {
			t.Errorf("%s: %d addresses, %v, want %d", prefix, len(got), err, want)
		}
	}
	if _, err := fleet.Addresses(netip.MustParsePrefix("10.0.0.0/8")); code(err) != "farm-too-many" {
		t.Errorf("a /8: %v", err)
	}
}

func TestTargets(t *testing.T) {
	for text, want := range map[string]int{"10.0.0.7": 1, "10.0.0.0/30": 2, "10.0.0.10-40": 31, "10.0.0.250-10.0.1.5": 12, "10.0.0.1, 10.0.0.1-3 10.0.0.2": 3, "::1": 1} {
		if got, err := fleet.Targets([]string{text}); err != nil || len(got) != want {
			t.Errorf("%s: %v, %v, want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]string{"": "farm-bad-address", "farm": "farm-bad-address", "10.0.0.9-3": "farm-bad-address", "10.0.0.1-x": "farm-bad-address", "10.0.0.1-::1": "farm-bad-address", "0.0.0.0-255.0.0.0": "farm-too-many", "10.0.0.0/8": "farm-too-many"} {
		if _, err := fleet.Targets([]string{text}); code(err) != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// Two machines that answer under one name in one scan are told, and neither is taken for the other.
func TestTwins(t *testing.T) {
	units, o := serve(t)
	var lux []*simulate.Unit
	for _, u := range units {
		if u.Machine.Protocol == protocol.LuxOS || u.Machine.Protocol == protocol.WhatsminerV2 {
			lux = append(lux, u)
		}
	}
	scan := func() (ids []string, problems int) {
		found, err := fleet.Scan(t.Context(), netip.MustParsePrefix("127.77.0.0/28"), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if d := f.Machine.Protocol; d == protocol.LuxOS || d == protocol.WhatsminerV2 {
				if f.Identified {
					ids = append(ids, f.Machine.ID)
				}
				if strings.Contains(f.Problem, "calls itself") {
					problems++
				}
			}
		}
		return ids, problems
	}
	lux[1].Machine.Serial = lux[0].Machine.Serial
	if ids, problems := scan(); len(ids) != 2 || problems != 0 || ids[0] == ids[1] || !strings.Contains(ids[0], ":") {
		t.Errorf("one serial number, two MACs: %v, %d problems", ids, problems)
	}
	lux[1].Machine.MAC = lux[0].Machine.MAC
	if ids, problems := scan(); len(ids) != 0 || problems != 2 {
		t.Errorf("one identity, two addresses: %v, %d problems", ids, problems)
	}
	for _, blank := range []string{"N/A", "123456", "0000000000"} {
		lux[0].Machine.Serial, lux[1].Machine.Serial, lux[1].Machine.MAC = blank, "GOOD0001", "02:51:00:00:00:77"
		if ids, _ := scan(); len(ids) != 2 || !slices.Contains(ids, lux[0].Machine.MAC) {
			t.Errorf("serial number %q: %v", blank, ids)
		}
	}
}

// refuser answers as a firmware that takes no joined commands and is denied one of its commands.
type refuser struct{ asked []string }

func (r *refuser) Web(context.Context, protocol.Protocol, string) ([]byte, error) {
	return nil, errors.New("no pages")
}

func (r *refuser) Command(_ context.Context, request string, _ bool) ([]byte, error) {
	r.asked = append(r.asked, request)
	replies := map[string]string{
		`{"command":"summary"}`: `{"STATUS":[{"STATUS":"S"}],"SUMMARY":[{"Elapsed":100,"GHS 5s":"95000.1","GHS av":95000,"Accepted":5,"Rejected":0,"Total MH":9500000000}],"id":1}`,
		`{"command":"stats"}`:   `{"STATUS":[{"STATUS":"S"}],"STATS":[{"Type":"Antminer S19"},{"GHS 5s":"95000.1","miner_id":"abc","chain_acn1":76,"chain_acn2":76,"chain_acn3":76,"miner_count":3,"fan_num":2,"fan1":5000,"fan2":5100}],"id":1}`,
		`{"command":"pools"}`:   `{"STATUS":[{"STATUS":"E","Code":45,"Msg":"Access denied to 'pools' command"}],"id":1}`,
	}
	if reply, ok := replies[request]; ok {
		return []byte(reply), nil
	}
	return []byte(`{"STATUS":[{"STATUS":"E","Code":14,"Msg":"Invalid command"}],"id":1}`), nil
}

// A joined command that a firmware refuses is asked piece by piece, which is remembered; one that is
// denied does not lose the rest.
func TestRefusedJoin(t *testing.T) {
	link, m := &refuser{}, &fleet.Machine{Protocol: protocol.AntminerOld}
	for round, asks := range []int{4, 3} {
		link.asked = nil
		r, err := fleet.PollOver(t.Context(), link, m)
		if err != nil || r.RateMHs != 95_000_100 || len(r.Boards) != 3 || r.MinerID != "abc" || r.PoolsReported || !m.Single {
			t.Fatalf("%+v, %v", r, err)
		}
		if len(link.asked) != asks {
			t.Errorf("round %d asks %q", round, link.asked)
		}
	}
}

// A swap of addresses is told by whatever both machines tell: here the control board's number, or the model.
func TestSwapIsTold(t *testing.T) {
	for what, m := range map[string]fleet.Machine{"control board": {ID: "x", Model: "Antminer S19", MinerID: "other"}, "model": {ID: "x", Model: "Antminer S9k", ModelSeen: true}} {
		outcomes := make(chan fleet.Outcome, 10)
		m.Protocol, m.Address = protocol.AntminerOld, "127.0.0.1:1"
		w := &fleet.Watcher{Machines: []*fleet.Machine{&m}, Interval: 50 * time.Millisecond, Timeout: 40 * time.Millisecond,
			Query: func(ctx context.Context, m *fleet.Machine) (*protocol.Reading, error) {
				return fleet.PollOver(ctx, &refuser{}, m)
			},
			Handle: func(all []fleet.Outcome) { outcomes <- all[0] }}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		o := <-outcomes
		stop()
		<-done
		var other *fleet.OtherMachine
		if !errors.As(o.Err, &other) {
			t.Errorf("%s: %+v", what, o)
		}
	}
}

// A web server on the API's port is told, and is no machine.
func TestWebServerIsNoMachine(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
			_ = conn.Close()
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	f, reading := fleet.ReadAt(t.Context(), "127.0.0.1", fleet.ScanOptions{Port: port, PortV3: 1, HTTPPort: 1, Timeout: time.Second})
	if f == nil || reading != nil || f.Identified || f.Machine.Protocol != "" || !strings.Contains(f.Problem, "web server") {
		t.Errorf("%+v, %+v", f, reading)
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
		if _, err := fleet.Query(t.Context(), l.Addr().String(), []byte("{}"), framed); code(err) != "farm-too-large" {
			t.Errorf("framed %v: %v", framed, err)
		}
	}
}

// Of a machine whose framed port answers what is none, the scan says so, with that port, and not that another is shut.
func TestTheOpenPortIsSpokenOf(t *testing.T) {
	for what, answer := range map[string]string{"nonsense": "\x05\x00\x00\x00{\"a\":", "zeros": strings.Repeat("\x00", 1<<16), "nothing": ""} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		web, err := net.Listen("tcp", "127.0.0.1:0") // its port is the greater or the smaller by luck
		if err != nil {
			t.Fatal(err)
		}
		for l, text := range map[net.Listener]string{listener: answer, web: ""} {
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(conn, text)
					_ = conn.Close()
				}
			}()
		}
		at := listener.Addr().(*net.TCPAddr)
		found, reading := fleet.ReadAt(t.Context(), "127.0.0.1", fleet.ScanOptions{Port: 1, PortV3: at.Port,
			HTTPPort: web.Addr().(*net.TCPAddr).Port, TLSPort: 1})
		if found == nil || reading != nil || found.Problem == "" || strings.Contains(found.Problem, "nobody listens") ||
			found.Machine.Address != at.String() {
			t.Errorf("%s: %+v", what, found)
		}
		listener.Close()
		web.Close()
	}
}
