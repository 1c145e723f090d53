package control_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
)

// image writes a firmware whose first line is its version.
func image(t *testing.T, version string) *control.Firmware {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.bin")
	content := version + "\n" + strings.Repeat("firmware", 5000)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return &control.Firmware{File: path, SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(content))), Version: version,
		Canaries: 1}
}

// fleetOf are doubles of AxeOS.
func fleetOf(t *testing.T, n int) (doubles []*double, machines []*fleet.Machine) {
	t.Helper()
	for i := range n {
		x := &double{d: protocol.AxeOS}
		m := start(t, x)
		m.ID, m.Place.Rack = fmt.Sprint("axe-", i), fmt.Sprint("r", i)
		doubles, machines = append(doubles, x), append(machines, m)
	}
	return doubles, machines
}

func (x *double) took(order string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return strings.Contains(strings.Join(x.orders, " "), order)
}

// A firmware goes to the canary, which is watched, and then to the rest; each tells the new version after a start.
func TestUpdate(t *testing.T) {
	t.Parallel()
	doubles, machines := fleetOf(t, 3)
	c, dir := controller(t)
	c.Confirm, c.HealthEvery = 5*time.Second, 10*time.Millisecond
	order := control.Order{Action: control.Update, Firmware: image(t, "v2.9.9")}
	order.Firmware.Healthy = 50 * time.Millisecond
	results, err := c.Give(t.Context(), machines, order)
	saidIn(t, results...)
	if err != nil || len(results) != 3 {
		t.Fatalf("%+v, %v", results, err)
	}
	for i, r := range results {
		if !r.Done() || doubles[i].version != "v2.9.9" {
			t.Errorf("%+v, runs %q", r, doubles[i].version)
		}
	}
	if results[0].Batch == results[1].Batch {
		t.Error("the canary was one of the rest")
	}
	trail, err := os.ReadFile(dir + "/audit.jsonl")
	if err != nil || !strings.Contains(string(trail), order.Firmware.SHA256) {
		t.Errorf("the trail does not say which firmware: %s, %v", trail, err)
	}
}

// A canary that does not take it, that is worse afterwards, or that was ill before: the rest is not touched.
func TestCanariesStopAnUpdate(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(x *double){
		"deaf":               func(x *double) { x.deaf = true },
		"slower afterwards":  func(x *double) { x.slower = true },
		"ill from the start": func(x *double) { x.asleep = true },
	} {
		doubles, machines := fleetOf(t, 3)
		spoil(doubles[0])
		c, _ := controller(t)
		c.Confirm, c.HealthEvery = 300*time.Millisecond, 10*time.Millisecond
		order := control.Order{Action: control.Update, Firmware: image(t, "v3")}
		order.Firmware.Healthy = 50 * time.Millisecond
		results, err := c.Give(t.Context(), machines, order)
		saidIn(t, results...)
		if err != nil || len(results) != 3 {
			t.Fatalf("%s: %+v, %v", name, results, err)
		}
		for i, r := range results[1:] {
			if r.Done() || !r.Halted || doubles[i+1].took("update") {
				t.Errorf("%s: %+v, took it: %t", name, r, doubles[i+1].took("update"))
			}
		}
		if took := doubles[0].took("update"); took == (name == "ill from the start") {
			t.Errorf("%s: the canary took it: %t", name, took)
		}
	}
}

// A file that is not the one that is meant goes to nobody, nor in a dry run.
func TestFirmwareIsChecked(t *testing.T) {
	t.Parallel()
	doubles, machines := fleetOf(t, 1)
	c, _ := controller(t)
	good := image(t, "v4")
	for name, change := range map[string]func(f *control.Firmware){
		"farm-checksum":  func(f *control.Firmware) { f.SHA256 = strings.Repeat("0", 64) },
		"farm-bad-order": func(f *control.Firmware) { f.Version = " " },
	} {
		bad := *good
		change(&bad)
		order := control.Order{Action: control.Update, Firmware: &bad}
		if _, err := c.Give(t.Context(), machines, order); code(err) != name {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := c.DryRun(machines, order); code(err) != name {
			t.Errorf("%s in a dry run: %v", name, err)
		}
	}
	for _, f := range []*control.Firmware{nil, {}, {File: "x", SHA256: good.SHA256, Version: "v"},
		{File: "x", SHA256: "AB", Version: "v", Canaries: 1}} {
		if _, err := c.Give(t.Context(), machines, control.Order{Action: control.Update,
			Firmware: f}); code(err) != "farm-bad-order" {
			t.Errorf("%+v: %v", f, err)
		}
	}
	if doubles[0].took("update") {
		t.Error("it was sent")
	}
}

// Uploads of the other firmwares: stock Antminers, which ask for digest authentication, and ePIC with its checksum.
func TestUploads(t *testing.T) {
	units := serve(t, protocol.AntminerNew)
	c, _ := controller(t)
	c.Confirm = 300 * time.Millisecond
	order := control.Order{Action: control.Update, Firmware: image(t, "bmminer-9")}
	if _, err := c.Give(t.Context(), machinesOf(units), order); err != nil {
		t.Fatal(err)
	}
	// it is away for a minute, so that it is unconfirmed here
	if version := units[0].Version(); version != "bmminer-9" {
		t.Errorf("the Antminer runs %q", version)
	}
	x := &double{d: protocol.EPIC}
	m := start(t, x)
	c.Confirm = 5 * time.Second
	results, err := c.Give(t.Context(), []*fleet.Machine{m}, order)
	saidIn(t, results...)
	if err != nil || !results[0].Done() || x.version != "bmminer-9" {
		t.Errorf("ePIC: %+v, %v", results, err)
	}
	c.Others = "wrong-one"
	if results, err = c.Give(t.Context(), []*fleet.Machine{m}, order); err != nil || results[0].Done() {
		t.Errorf("ePIC with a wrong password: %+v, %v", results, err)
	}
}

// Orders end with the batch of the first machine that answers and does not do it; one that is not there is no surprise.
func TestTheFirstSurpriseEndsOrders(t *testing.T) {
	t.Parallel()
	doubles, machines := fleetOf(t, 3)
	doubles[1].deaf = true
	gone := &fleet.Machine{ID: "gone", Serial: "gone", Address: fmt.Sprintf("127.0.0.1:%d", freePort(t)),
		Protocol: protocol.AxeOS, NominalWatts: 3000}
	machines = append([]*fleet.Machine{gone}, machines...)
	c, _ := controller(t)
	c.StepKW, c.Confirm = 3, 300*time.Millisecond
	order := control.Order{Action: control.Reboot}
	dry, err := c.DryRun(machines, order)
	if err != nil || len(dry) != 4 || dry[3].Batch != 4 || doubles[0].took("reboot") {
		t.Errorf("a dry run: %+v, %v", dry, err)
	}
	results, err := c.Give(t.Context(), machines, order)
	saidIn(t, results...)
	if err != nil || len(results) != 4 || !results[0].Unreached || !results[1].Done() || !results[2].Unknown ||
		!results[3].Halted || doubles[2].took("reboot") {
		t.Errorf("%+v, %v", results, err)
	}
	c.KeepGoing = true
	if results, err = c.Give(t.Context(), machines, order); err != nil || results[3].Halted ||
		!doubles[2].took("reboot") {
		t.Errorf("keeping going: %+v, %v", results, err)
	}
}
