package replay_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/replay"
)

// oddAnswers says what must come of answers that were made odd on purpose.
var oddAnswers = map[string]func(m fleet.Machine, r *protocol.Reading, err error) bool{
	"odd-02-trailing-commas": s17Pro,
	"odd-04-nan-rate":        s17Pro,
	"odd-05-minus-nan-inf": func(_ fleet.Machine, r *protocol.Reading, _ error) bool {
		return r != nil && r.IdealMHs == protocol.Unknown && r.RateMHs == 54_997_010
	},
	"odd-07-truncated": refusedCleanly,
	"odd-09-negative-temps": func(_ fleet.Machine, r *protocol.Reading, _ error) bool {
		return r != nil && r.ChipTemp < 12
	},
	"odd-10-board-missing-acn0": func(_ fleet.Machine, r *protocol.Reading, _ error) bool {
		return r != nil && len(r.Boards) == 3 && r.LiveBoards() == 2
	},
	"odd-12-uptime-1970-jump": func(_ fleet.Machine, r *protocol.Reading, _ error) bool {
		return r != nil && r.TotalMH == 13_815_920_605_290
	},
	"odd-14-uptime-string-float":     s17Pro,
	"odd-15-two-STATS-summary-first": s17Pro,
	"odd-17-html-answer":             refusedCleanly,
	"odd-20-utf8-bom":                s17Pro,
	"odd-22-slow-drip":               s17Pro,
	"odd-24-no-nul-no-close":         s17Pro,
	"odd-30-lux-serial-NA": func(m fleet.Machine, r *protocol.Reading, _ error) bool {
		return r != nil && m.Serial == "" && m.MAC == "62:f7:5e:00:00:a1"
	},
	"odd-32-lux-dup-mac-b": func(m fleet.Machine, _ *protocol.Reading, _ error) bool { return m.MAC == "62:f7:5e:00:00:b1" },
	"odd-34-lux-serial-placeholder-b": func(m fleet.Machine, _ *protocol.Reading, _ error) bool {
		return m.Serial == "" && m.MAC == "62:f7:5e:00:00:c2"
	},
	"odd-35-wm-max-connect": func(m fleet.Machine, r *protocol.Reading, err error) bool {
		return m.Protocol == protocol.WhatsminerV2 && r == nil && err != nil && strings.Contains(err.Error(), "too many connections")
	},
}

func s17Pro(m fleet.Machine, r *protocol.Reading, err error) bool {
	return err == nil && r.Model == "Antminer S17 Pro" && len(r.Boards) == 3 && r.RateMHs > 54_000_000 && r.RateMHs < 55_000_000 && r.ChipTemp == 80 && len(r.Fans) == 4
}

func refusedCleanly(_ fleet.Machine, r *protocol.Reading, err error) bool {
	return r == nil && err != nil
}

// Answers that were made odd are read, or refused with a reason.
func TestOddAnswers(t *testing.T) {
	cases, err := replay.LoadAll(recordings(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if !strings.HasPrefix(c.Name, "odd-") {
			continue
		}
		m, r, err := fleet.Look(t.Context(), c)
		want, known := oddAnswers[c.Name]
		if !known {
			if (r == nil) == (err == nil) {
				t.Errorf("%s: neither read nor refused", c.Name)
			}
			continue
		}
		if !want(m, r, err) {
			t.Errorf("%s: %+v, %+v, %v", c.Name, m, r, err)
		}
	}
}

// A case is refused with what is wrong with it, and only what is recorded is answered.
func TestCases(t *testing.T) {
	dir := t.TempDir()
	if _, err := replay.LoadAll(dir); err == nil {
		t.Error("an empty folder passes for a case")
	}
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, "one", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("rpc/summary.txt", `{"SUMMARY":[{"Elapsed":5}]}`)
	write("rpc/joined.stats+pools.txt", `{"stats":[{"STATS":[{"x":"]}"}]}],"pools":[{"POOLS":[]}]}`)
	write("http/api__system__info.txt", `{"hashRate":1}`)
	cases, err := replay.LoadAll(dir)
	if err != nil || len(cases) != 1 {
		t.Fatalf("%v, %v", cases, err)
	}
	c := cases[0]
	for request, want := range map[string]string{
		`{"command":"summary"}`: `{"SUMMARY":[{"Elapsed":5}]}`, `{"command":"stats"}`: `{"STATS":[{"x":"]}"}]}`, `pools`: `{"POOLS":[]}`,
	} {
		if got := string(c.Answer([]byte(request))); got != want {
			t.Errorf("%s: %s", request, got)
		}
	}
	if got := c.Answer([]byte(`{"command":"restart"}`)); !protocol.Refused(got) {
		t.Errorf("what is not recorded: %s", got)
	}
	if reply, err := c.Web(t.Context(), protocol.AxeOS, "GET /api/system/info"); err != nil || string(reply) != `{"hashRate":1}` {
		t.Errorf("%s, %v", reply, err)
	}
	if _, err := c.Web(t.Context(), protocol.AxeOS, "GET /other"); err == nil {
		t.Error("a page that is not recorded")
	}
	write("expected.json", `{"_joinedCommands":"none"}`)
	if c, err = replay.Load(filepath.Join(dir, "one")); err != nil || c.Joined || !protocol.Refused(c.Answer([]byte(`{"command":"stats+pools"}`))) {
		t.Errorf("joined commands: %+v, %v", c, err)
	}
	write("expected.json", `{`)
	if _, err := replay.Load(filepath.Join(dir, "one")); err == nil {
		t.Error("a torn expectation")
	}
}

// Served at addresses, recorded machines are read over the network as they are from the folder.
func TestServer(t *testing.T) {
	cases, err := replay.LoadAll(recordings(t))
	if err != nil {
		t.Fatal(err)
	}
	first := netip.MustParseAddr("127.78.0.1")
	s := &replay.Server{Cases: cases, First: first, Port: 40281, PortV3: 44331, WebPort: 40801}
	ctx, stop := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.Serve(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		t.Skipf("no addresses to serve at: %v", err)
	}
	at := first
	for _, c := range cases {
		_, want, _ := fleet.Look(t.Context(), c)
		_, got := fleet.ReadAt(t.Context(), at.String(), fleet.ScanOptions{Port: s.Port, PortV3: s.PortV3, HTTPPort: s.WebPort})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s over the network (−folder +network):\n%s", c.Name, diff)
		}
		at = at.Next()
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
