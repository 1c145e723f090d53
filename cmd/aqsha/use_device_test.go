package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/wallet/channels"
	"github.com/aqsha/aqsha/wallet/device"
)

// programsTown is a running node with a bank and business wallets who hold 10,000 tenge each.
type programsTown struct {
	t   *testing.T
	dir string
}

func newProgramsTown(t *testing.T, wallets ...string) *programsTown {
	t.Helper()
	w := initProgramsTown(t)
	node := up(t, w.dir)
	t.Cleanup(func() { node.stop(t); w.run("verify") })
	w.settle(wallets...)
	return w
}

// initProgramsTown is the town before anybody lives in it and its node runs.
func initProgramsTown(t *testing.T) *programsTown {
	t.Helper()
	w := &programsTown{t, filepath.Join(t.TempDir(), "net")}
	w.run("init", "--development", "--shared-keys")
	w.run("bank", "admit", "bank")
	w.run("issue", "bank", "300000000")
	return w
}

// settle gives business wallets 10,000 tenge each.
func (w *programsTown) settle(wallets ...string) {
	w.t.Helper()
	for _, name := range wallets {
		w.run("wallet", "new", name, "--bank", "bank", "--tier", "business")
		w.run("pay", "bank", name, "10000")
	}
}

func (w *programsTown) run(args ...string) string {
	w.t.Helper()
	return run1(w.t, append(args, "--data", w.dir)...)
}

// balance of a wallet in tiyn.
func (w *programsTown) balance(name string) int64 {
	w.t.Helper()
	var views []struct {
		Balance int64 `json:"balance"`
	}
	if err := json.Unmarshal([]byte(w.run("balance", name, "--json")), &views); err != nil || len(views) != 1 {
		w.t.Fatal(err, views)
	}
	return views[0].Balance
}

func (w *programsTown) expect(name string, want int64) {
	w.t.Helper()
	if got := w.balance(name); got != want {
		w.t.Errorf("%s holds %d tiyn, want %d", name, got, want)
	}
}

// machine is a charger process.
type machine struct {
	*exec.Cmd
	address string
	out     bytes.Buffer
}

func (w *programsTown) charger(args ...string) *machine {
	w.t.Helper()
	m := &machine{Cmd: aqsha(append([]string{"device", "charger", "--wallet", "charger", "--listen", "127.0.0.1:0", "--sessions", "1", "--look", "20ms", "--json", "--data", w.dir}, args...)...)}
	m.Stdout = &m.out
	stderr, err := m.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := m.Start(); err != nil {
		w.t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), " listens at "); ok {
			m.address = address
			go func() {
				for lines.Scan() {
				}
			}()
			return m
		}
	}
	w.t.Fatal("the charger did not start")
	return nil
}

func (m *machine) result(t *testing.T) (r device.Result) {
	t.Helper()
	if err := m.Wait(); err != nil {
		t.Fatalf("charger: %v\n%s", err, m.out.String())
	}
	if err := json.Unmarshal(m.out.Bytes(), &r); err != nil {
		t.Fatalf("%v\n%s", err, m.out.String())
	}
	return r
}

// Two machines pay each other with nobody present: thousands of ticks, two transactions.
func TestCarAtTheCharger(t *testing.T) {
	t.Parallel()
	w := newProgramsTown(t, "owner", "charger")
	w.run("device", "key", "car")
	w.run("channel", "open", "ride", "--from", "owner", "--to", "charger", "--deposit", "500", "--tick", "0.05", "--key", "car")
	m := w.charger("--keep", "64")
	w.run("device", "car", "ride", "--to", m.address, "--ticks", "5000", "--ahead", "64") // more than a chain has
	r := m.result(t)
	if r.Ticks != 5000 || r.Total != 25_000 || r.Closed == nil {
		t.Errorf("%+v", r)
	}
	w.expect("charger", 1_025_000)
	w.expect("owner", 975_000)
}

// The mandate and the deposit bound what a device can spend; the channel is closed with that.
func TestDeviceUnderMandate(t *testing.T) {
	t.Parallel()
	w := newProgramsTown(t, "owner", "charger")
	w.run("channel", "open", "ride", "--from", "owner", "--to", "charger", "--deposit", "500", "--tick", "1")
	m := w.charger()
	out, err := aqsha("device", "car", "ride", "--to", m.address, "--ticks", "100", "--day-most", "30", "--data", w.dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "over-mandate") {
		t.Errorf("%v\n%s", err, out)
	}
	if r := m.result(t); r.Ticks != 30 {
		t.Errorf("%+v", r)
	}
	w.expect("charger", 1_003_000)
}

// A stolen device: the owner revokes it in mid-stream. What was ticked before is paid, nothing after.
func TestDeviceRevokedInMidStream(t *testing.T) {
	t.Parallel()
	w := newProgramsTown(t, "owner", "charger")
	w.run("channel", "open", "ride", "--from", "owner", "--to", "charger", "--deposit", "5000", "--tick", "1")
	m := w.charger()
	car := aqsha("device", "car", "ride", "--to", m.address, "--ticks", "4000", "--every", "10ms", "--data", w.dir)
	var said bytes.Buffer
	car.Stderr = &said
	if err := car.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond) // in the middle of the ride: it takes twenty seconds and more
	w.run("channel", "leave", "ride")
	if err := car.Wait(); err == nil || !strings.Contains(said.String(), "channel-left") {
		t.Errorf("the car went on: %v\n%s", err, said.String())
	}
	r := m.result(t)
	if r.Closed == nil || r.Ticks == 0 || r.Ticks >= 4000 || !strings.Contains(r.Why, "channel-left") {
		t.Errorf("%+v", r)
	}
	w.expect("charger", 1_000_000+int64(r.Ticks)*100)
	w.expect("owner", 1_000_000-int64(r.Ticks)*100)
	// No other charger takes the device any more.
	w.run("channel", "open", "second", "--from", "owner", "--to", "charger", "--deposit", "100", "--tick", "1")
	w.run("channel", "leave", "second")
	late := w.charger()
	out, err := aqsha("device", "car", "second", "--to", late.address, "--ticks", "1", "--data", w.dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no-channel") {
		t.Errorf("a revoked device is served: %v\n%s", err, out)
	}
	if err := late.Wait(); err != nil {
		t.Error(err)
	}
}

// rides waits until this many channels have had ticks accepted.
func (w *programsTown) rides(t *testing.T, want int) {
	t.Helper()
	for range 1200 {
		files, err := filepath.Glob(filepath.Join(w.dir, "channels", "*.receiver.json"))
		if err != nil {
			t.Fatal(err)
		}
		begun := 0
		for _, file := range files {
			if f, err := channels.Read(file); err == nil && f.Total > 0 {
				begun++
			}
		}
		if begun >= want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("no ride got under way")
}

// Either machine disappears: the charger is paid what it had accepted.
func TestMachineDisappears(t *testing.T) {
	t.Parallel()
	w := newProgramsTown(t, "owner", "charger")
	w.run("channel", "open", "ride", "--from", "owner", "--to", "charger", "--deposit", "5000", "--tick", "1")
	m := w.charger()
	car := aqsha("device", "car", "ride", "--to", m.address, "--ticks", "4000", "--every", "5ms", "--data", w.dir)
	if err := car.Start(); err != nil {
		t.Fatal(err)
	}
	w.rides(t, 1) // it takes twenty seconds and more
	_ = car.Process.Kill()
	_ = car.Wait()
	r := m.result(t)
	if r.Closed == nil || r.Ticks == 0 {
		t.Errorf("the car was killed: %+v", r)
	}
	w.expect("charger", 1_000_000+int64(r.Ticks)*100)

	w.run("channel", "open", "third", "--from", "owner", "--to", "charger", "--deposit", "5000", "--tick", "1")
	m = w.charger()
	car = aqsha("device", "car", "third", "--to", m.address, "--ticks", "4000", "--every", "5ms", "--data", w.dir)
	if err := car.Start(); err != nil {
		t.Fatal(err)
	}
	w.rides(t, 2)
	_ = m.Process.Kill()
	_ = m.Wait()
	_ = car.Wait()
	before := w.balance("charger")
	// The charger's file has all but the ticks of its last moments; it is enough to close with.
	var files []string
	files, err := filepath.Glob(filepath.Join(w.dir, "channels", "*.receiver.json"))
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	for _, file := range files {
		id := strings.TrimSuffix(filepath.Base(file), ".receiver.json")
		if out, err := aqsha("channel", "close", id, "--data", w.dir).CombinedOutput(); err == nil {
			closed = true
		} else if !strings.Contains(string(out), "no live contract") {
			t.Errorf("%s", out)
		}
	}
	if got := w.balance("charger") - before; !closed || got < 0 || got > 4000*100 {
		t.Errorf("closed: %v, %d tiyn", closed, got)
	}
}

// Two processes close a channel at once: one closes it, the other finds it gone, the money moves once.
// Both succeed if they made the same transaction, in the same millisecond, for then it is one.
func TestRacingCloses(t *testing.T) {
	t.Parallel()
	w := newProgramsTown(t, "owner", "charger")
	w.run("channel", "open", "stream", "--from", "owner", "--to", "charger", "--deposit", "100")
	voucher := filepath.Join(w.dir, "voucher.json")
	if err := os.WriteFile(voucher, []byte(w.run("channel", "pay", "stream", "40")), 0o600); err != nil {
		t.Fatal(err)
	}
	w.run("channel", "accept", "stream", voucher)
	results := make(chan error, 2)
	for range 2 {
		go func() { results <- aqsha("channel", "close", "stream", "--data", w.dir).Run() }()
	}
	first, second := <-results, <-results
	if first != nil && second != nil {
		t.Errorf("closed by neither: %v, %v", first, second)
	}
	w.expect("charger", 1_004_000)
	w.expect("owner", 996_000)
}

// A peer that sends more than a message may have is cut off, whatever it sends.
func TestDeviceMessagesAreBounded(t *testing.T) {
	car, charger := net.Pipe()
	defer car.Close()
	defer charger.Close()
	go func() { _, _ = car.Write(bytes.Repeat([]byte(" "), 3*device.MaxDeviceLine)) }()
	link, limit := device.NewLink(charger)
	if _, err := link.Receive(limit); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("%v", err)
	}
}
