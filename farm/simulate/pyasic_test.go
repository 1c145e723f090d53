package simulate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/usage"
)

// pyasic reads simulated machines and sees what Aqsha sees. AQSHA_PYASIC names a Python that has pyasic ("make interop").
// Machines are named as their models here, without the word simulated, since pyasic chooses how to ask by the model. Of
// Whatsminers it finds no boards in what simulated ones say. LuxOS, Braiins and Whatsminer API 3 it asks for what simulated
// machines do not answer.
func TestPyasicSeesWhatAqshaSees(t *testing.T) {
	python := os.Getenv("AQSHA_PYASIC")
	if python == "" {
		t.Skip("AQSHA_PYASIC names no Python with pyasic; \"make interop\" sets it")
	}
	now := usage.At(time.Now())
	models := []struct {
		protocol protocol.Protocol
		model    string
		boards   int // as pyasic reads them
	}{{protocol.AntminerNew, "Antminer S19", 3}, {protocol.AntminerOld, "Antminer S17 Pro", 3},
		{protocol.WhatsminerV2, "M30S++_VG30", 0}}
	var units []*simulate.Unit
	for i, m := range models {
		u := simulate.NewUnit(i, 7, m.protocol, now)
		u.Machine.Model = m.model
		units = append(units, u)
	}
	if err := simulate.Settle(units, netip.MustParseAddr("127.94.0.1")); err != nil {
		t.Fatal(err)
	}
	server := &simulate.Server{Units: units, HTTPPort: 80}
	if err := server.Listen(); err != nil {
		t.Skip("this user may not listen at port 80, where pyasic asks: ", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	defer func() { stop(); <-served }()
	arguments := []string{"testdata/pyasic_read.py"}
	for _, u := range units {
		host, _, _ := net.SplitHostPort(u.Machine.Address)
		arguments = append(arguments, host)
	}
	command := exec.CommandContext(t.Context(), python, arguments...)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	for i, u := range units {
		var seen struct {
			Class, MAC, Error  string
			MHs, Uptime, Watts int64
			Boards, Fans       int
			Pools              []string
		}
		if err := decoder.Decode(&seen); err != nil {
			t.Fatal(err)
		}
		ours, err := fleet.Poll(t.Context(), &u.Machine)
		if err != nil {
			t.Fatal(err)
		}
		// Each asks at another instant: the rate of five seconds scatters, and the uptime goes on.
		if off := ours.ElapsedSeconds - seen.Uptime; seen.Error != "" || off < 0 || off > 60 ||
			seen.MHs < ours.RateMHs*7/10 || seen.MHs > ours.RateMHs*13/10 || seen.MAC != u.Machine.MAC ||
			seen.Boards != models[i].boards || seen.Fans == 0 || !slices.Equal(seen.Pools, []string{u.Pool}) ||
			(ours.PowerWatts > 0 && (seen.Watts < ours.PowerWatts*7/10 || seen.Watts > ours.PowerWatts*13/10)) {
			t.Errorf("%s: pyasic %+v\nAqsha %+v", models[i].protocol, seen, ours)
		}
	}
}
