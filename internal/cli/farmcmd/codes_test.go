package farmcmd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/faults"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/telemetry"
	"github.com/aqsha/aqsha/farm/usage"
)

// farmWithACode is a farm of one Whatsminer that was polled for two hours and shows an error code.
func farmWithACode(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if config := records.Defaults(); config.Write(dir) != nil {
		t.Fatal("no settings")
	}
	b, err := records.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	begin := usage.At(time.Now().Add(-2 * time.Hour))
	u := simulate.NewUnit(0, 5, protocol.WhatsminerV2, begin)
	b.Fleet.Machines = append(b.Fleet.Machines, u.Machine)
	if err := b.Fleet.Save(); err != nil {
		t.Fatal(err)
	}
	numbers, err := b.Store.Numbers([]string{u.Machine.ID})
	if err != nil {
		t.Fatal(err)
	}
	var rows []telemetry.Row
	for at := begin; at < usage.At(time.Now()); at += 5 * usage.Minute {
		if reading, ok := u.Reading(at); ok {
			rows = append(rows, telemetry.Row{Machine: numbers[0], Poll: u.Machine.Observe(reading, at.Time(), nil)})
		}
	}
	if _, err := b.Store.Append(rows); err != nil {
		t.Fatal(err)
	}
	line, err := json.Marshal(alert.Notice{At: begin.Time(), Kind: alert.Code, Raised: true, Scope: u.Machine.ID,
		Machines: []string{u.Machine.ID}, Detail: "shows whatsminer/110", Codes: "whatsminer/110"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "alerts.jsonl"), append(line, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// An error code is shown with what it means, what to do and which part to bring, in the reader's language: by the daily
// report, by what holds, by the history, and by a ticket.
func TestCodesAreExplained(t *testing.T) {
	dir := farmWithACode(t)
	for _, arguments := range []string{"today", "alerts", "alerts --since 2020-01-01", "ticket open *", "tickets"} {
		for _, language := range faults.Languages {
			root := &cobra.Command{Use: "aqsha", SilenceUsage: true, SilenceErrors: true}
			root.PersistentFlags().String("lang", "", "")
			root.PersistentFlags().Bool("json", false, "")
			root.AddCommand(NewFarmCommand())
			var out bytes.Buffer
			root.SetOut(&out)
			root.SetArgs(append([]string{"farm", "--data", dir, "--lang", language}, strings.Fields(arguments)...))
			err := root.Execute()
			if arguments == "ticket open *" && language != faults.Languages[0] {
				continue // it is open
			}
			e := faults.Explain("whatsminer", "110", language)
			if err != nil || !strings.Contains(out.String(), e.Means) || !strings.Contains(out.String(), e.Do) ||
				!strings.Contains(out.String(), e.Part) {
				t.Errorf("%s in %s: %v\n%s", arguments, language, err, out.String())
			}
		}
	}
}
