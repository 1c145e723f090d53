package protocol_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
)

var update = flag.Bool("update", false, "rewrite what is expected from the replies in testdata")

func golden(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func replies(t *testing.T, d protocol.Protocol, kind string, n int) [][]byte {
	t.Helper()
	out := make([][]byte, n)
	for i := range out {
		content, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("%s.%s%d", d, kind, i)))
		if err != nil && i == 0 {
			t.Fatal(err)
		}
		out[i] = content // nil: the machine says nothing to an optional request
	}
	return out
}

// composed are the protocols whose replies lie in testdata; those of the others are in the recordings (farm/replay).
var composed = []protocol.Protocol{protocol.Cgminer, protocol.AntminerOld, protocol.AntminerNew, protocol.WhatsminerV2, protocol.WhatsminerV3, protocol.Braiins}

// Every protocol's replies read into what is written beside them.
func TestGoldenReadings(t *testing.T) {
	for _, d := range composed {
		t.Run(string(d), func(t *testing.T) {
			got, err := protocol.Read(d, replies(t, d, "poll", len(d.Polls())))
			if err != nil {
				t.Fatal(err)
			}
			identities := min(len(d.Identities()), 2)
			if d == protocol.Braiins {
				identities = 0
			}
			if d == protocol.AntminerNew {
				identities = 1 // over HTTP
			}
			if identities > 0 {
				if err := protocol.ReadIdentity(got, replies(t, d, "identity", identities)); err != nil {
					t.Fatal(err)
				}
			}
			text, err := json.MarshalIndent(got, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", string(d)+".want")
			if *update {
				if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(golden(t, string(d)+".want")), string(text)+"\n"); diff != "" {
				t.Errorf("read otherwise (−want +got):\n%s", diff)
			}
		})
	}
}

func TestDetect(t *testing.T) {
	for _, d := range composed {
		if d == protocol.WhatsminerV3 {
			continue // another port
		}
		want := d
		if d == protocol.AntminerNew {
			want = protocol.AntminerOld // told by a second question
		}
		got, _, err := protocol.Detect(golden(t, string(d)+".version"))
		if err != nil || got != want {
			t.Errorf("%s detected as %q, %v", d, got, err)
		}
	}
	if !protocol.DetectNewAntminer(golden(t, "antminer-new.poll0")) {
		t.Error("a new Antminer is not told from an old one")
	}
	if protocol.DetectNewAntminer([]byte(`{"STATUS":[{"STATUS":"E","Code":14,"Msg":"Invalid command"}]}`)) {
		t.Error("a refusal passes for a new Antminer")
	}
	_, _, err := protocol.Detect([]byte(`{"hello":"world"}`))
	var refusal *farm.Error
	if !errors.As(err, &refusal) || refusal.Code != "unknown-dialect" {
		t.Errorf("a stranger: %v", err)
	}
}

func TestBoards(t *testing.T) {
	old, err := protocol.Read(protocol.AntminerOld, replies(t, protocol.AntminerOld, "poll", 1))
	if err != nil {
		t.Fatal(err)
	}
	if old.LiveBoards() != 2 || len(old.Boards) != 3 {
		t.Errorf("%d of %d boards live, want 2 of 3: %v", old.LiveBoards(), len(old.Boards), old.Boards)
	}
	modern, err := protocol.Read(protocol.AntminerNew, replies(t, protocol.AntminerNew, "poll", 2))
	if err != nil {
		t.Fatal(err)
	}
	if modern.SlowestFan() != 0 || modern.LiveBoards() != 3 {
		t.Errorf("slowest fan %d, %d boards", modern.SlowestFan(), modern.LiveBoards())
	}
	if pool := modern.ActivePool(); pool.User != "farm.s19-07" || !pool.Alive {
		t.Errorf("pool %+v", pool)
	}
}

// What firmwares get wrong is read; what is no reply is refused.
func TestLeniency(t *testing.T) {
	for _, tc := range []struct {
		reply string
		ok    bool
	}{
		{`{"a":[{"b":1}{"c":2}]}`, true}, {"{\"a\":nan,\"b\":-inf}\x00\x00", true}, {`{"a":1,}`, true}, {"{\"a\":\"x\ty\"}", true}, {`[]`, true},
		{`STATUS=S,When=1|`, true}, {``, false}, {`STATUS S`, false}, {`{"a":`, false}, {`{"a":1`, false}, {`{"a" 1}`, false}, {`{1:2}`, false}, {`{"a":"b`, false}, {`{"a":}`, false},
		{strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40), false},
		{`{"a":"` + strings.Repeat("x", protocol.MaxReply) + `"}`, false},
	} {
		_, err := protocol.Parse([]byte(tc.reply))
		if (err == nil) != tc.ok {
			t.Errorf("%.60q: %v, want ok %v", tc.reply, err, tc.ok)
		}
		var refusal *farm.Error
		if err != nil && !errors.As(err, &refusal) {
			t.Errorf("%.60q: %T is not a refusal", tc.reply, err)
		}
	}
	v, _ := protocol.Parse([]byte(`{"a":"12.5","b":nan,"c":"\u001b[31mred","d":-1,"e":"A\/B"}`))
	if f, ok := v.Get("a").Number(); !ok || f != 12.5 {
		t.Error("a number in a string is not read")
	}
	if _, ok := v.Get("b").Number(); ok {
		t.Error("nan is a number")
	}
	if got := v.Get("c").Text(); strings.ContainsRune(got, 0x1b) {
		t.Errorf("%q reaches the terminal", got)
	}
	if v.Get("d").Count() != protocol.Unknown || v.Get("z").OK() || v.Get("e").Text() != "A/B" {
		t.Error("negative count, missing member or escape")
	}
}

func TestRefusedCommands(t *testing.T) {
	no := []byte(`{"STATUS":[{"STATUS":"E","When":1,"Code":45,"Msg":"Access denied to 'summary' command","Description":"x"}],"id":1}`)
	for _, d := range protocol.Protocols {
		all := make([][]byte, len(d.Polls()))
		for i := range all {
			all[i] = no
		}
		_, err := protocol.Read(d, all)
		var refusal *farm.Error
		if !errors.As(err, &refusal) || refusal.Code != "no-section" {
			t.Errorf("%s: %v", d, err)
		}
	}
	if _, err := protocol.Read(protocol.AntminerNew, nil); err == nil {
		t.Error("a poll without replies was read")
	}
}

func TestNormalMAC(t *testing.T) {
	for in, want := range map[string]string{"A2:B4:C6:D8:E0:F2": "a2:b4:c6:d8:e0:f2", "a2b4c6d8e0f2": "a2:b4:c6:d8:e0:f2", "00:00:00:00:00:00": "", "xx": "", "": "", "zz:b4:c6:d8:e0:f2": ""} {
		if got := protocol.NormalMAC(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for i, d := range composed {
		for j := range d.Polls() {
			content, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("%s.poll%d", d, j)))
			if err != nil {
				continue // an optional request
			}
			f.Add(uint8(i), content)
		}
	}
	for i, seed := range map[int]string{7: `{"summary":[{"SUMMARY":[{"Elapsed":1}]}],"stats":[{"STATS":[{"MM ID0":"Ver[1] MGHS[1 2] MTmax[61 64] TA[240] PS[0 0 0 0 0 0 9] SoftOFF[1]"}]}]}`,
		8: `{"summary":[{"SUMMARY":[{"Elapsed":1}]}],"psu":[{"PSU":[{"PowerIn":"58.94W"}]}]}`, 9: `{"summary":[{"SUMMARY":[{"Elapsed":1,"MHS 5m":2}]}],"stats":[{"STATS":[{"0Online":true,"0Temp0":55,"Fan Count":1,"0Speed":9}]}]}`,
		10: `{"miner_stats":{"real_hashrate":{"last_1m":{"gigahash_per_second":1}}}}`, 11: `{"data":{"bosminer":{"info":{"fans":[{"rpm":1}]}}}}`, 12: `{"mining-status":{"hashrate_ghs":1}}`,
		13: `{"hashRate":1,"stratumURL":"a","stratumPort":1}`, 14: `{"miner":{"chains":[{"id":1}],"pools":[{"url":"a","pool_type":"DevFee"}]}}`, 15: `{"Session":{"Uptime":1},"HBStatus":[{"Detected":true,"Index":0}],"HBs":[{"Index":0,"Hashrate":[1]}]}`,
		16: `{"hashrate_realtime":1,"elapsed":2}`, 17: `{"data":{"rtpow":"1.5T","boards":[{"no":1,"rtpow":"1G"}],"runtime":"1:2:3:4"}}`} {
		f.Add(uint8(i), []byte(seed))
	}
	for _, k := range slices.Concat(kinds, unseen) {
		for _, reply := range k.replies {
			f.Add(uint8(slices.Index(protocol.Protocols, k.protocol)), []byte(reply))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, reply []byte) {
		d := protocol.Protocols[int(which)%len(protocol.Protocols)]
		all := make([][]byte, len(d.Polls()))
		for i := range all {
			all[i] = reply
		}
		_, _, _ = protocol.Detect(reply)
		r, err := protocol.Read(d, all)
		if err != nil {
			return
		}
		_ = protocol.ReadIdentity(r, [][]byte{reply})
		for name, n := range map[string]int64{"elapsed": r.ElapsedSeconds, "rate": r.RateMHs, "ideal": r.IdealMHs, "total": r.TotalMH, "accepted": r.AcceptedMH, "rejected": r.RejectedMH, "stale": r.StaleMH, "watts": r.PowerWatts} {
			if n < protocol.Unknown {
				t.Errorf("%s is %d", name, n)
			}
		}
		if len(r.Boards) > 16 || len(r.Pools) > 32 || len(r.Fans) > 16 || r.LiveBoards() > len(r.Boards) {
			t.Errorf("%d boards, %d pools, %d fans", len(r.Boards), len(r.Pools), len(r.Fans))
		}
		if text, err := json.Marshal(r); err != nil || len(text) > 64<<10 {
			t.Errorf("a reading of %d bytes, %v", len(text), err)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	reply, err := os.ReadFile(filepath.Join("testdata", "antminer-old.poll0"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(reply)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := protocol.Read(protocol.AntminerOld, [][]byte{reply}); err != nil {
			b.Fatal(err)
		}
	}
}
