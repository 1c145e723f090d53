package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// What stands in for the machine in processes of the tests.
const (
	testClock = "AQSHA_TEST_CLOCK" // a duration by which the clock is wrong, or a file that holds one
	testStuck = "AQSHA_TEST_STUCK" // a file: while it exists, the disk does not answer when the log is synced
)

// standInForTheMachine gives this process another clock, or a disk that hangs, when the environment says so.
func standInForTheMachine() {
	if setting := os.Getenv(testClock); setting != "" {
		datadir.NodeNow = func() uint64 {
			content, err := os.ReadFile(setting)
			if err != nil {
				content = []byte(setting)
			}
			wrong, err := time.ParseDuration(strings.TrimSpace(string(content)))
			if err != nil {
				panic(err)
			}
			return uint64(time.Now().Add(wrong).UnixMilli())
		}
		started := time.Now()
		datadir.NodeMonotonic = func() time.Duration { return time.Since(started) }
	}
	if path := os.Getenv(testStuck); path != "" {
		datadir.NodeFS = stuckDisk{vfs.OS, path}
	}
}

type stuckDisk struct {
	vfs.FS
	while string
}

type stuckFile struct {
	vfs.File
	while string
}

func (d stuckDisk) Create(name string) (vfs.File, error) {
	f, err := d.FS.Create(name)
	if err != nil {
		return nil, err
	}
	return stuckFile{f, d.while}, nil
}

func (d stuckDisk) OpenReadWrite(name string) (vfs.File, error) {
	f, err := d.FS.OpenReadWrite(name)
	if err != nil {
		return nil, err
	}
	return stuckFile{f, d.while}, nil
}

func (f stuckFile) Datasync() error {
	for {
		if _, err := os.Stat(f.while); err != nil {
			return f.File.Datasync()
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// newPilot founds a ledger that is no development network, but whose keys need no passphrase.
func newPilot(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "net")
	run1(t, "init", "--development", "--shared-keys", "--data", dir)
	run1(t, "bank", "admit", "bank", "--data", dir)
	path := filepath.Join(dir, "config.toml")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content = bytes.Replace(content, []byte("development = true"), []byte("development = false"), 1)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func health(t *testing.T, url string) (h api.Health) {
	t.Helper()
	response, err := http.Get(url + "/health")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&h); err != nil {
		t.Fatal(err)
	}
	return h
}

// A process whose clock is wrong by more than the delays in force makes no block until somebody says it is right; one whose
// clock is wrong by less, or behind, goes on: of a night nobody is asked.
func TestAProcessWithAnotherClock(t *testing.T) {
	for wrong, taken := range map[string]bool{"2h": true, "30h": false, "87600h": false, "-2h": true, "-30h": true, "-87600h": true} {
		t.Run(wrong, func(t *testing.T) {
			t.Parallel()
			dir := newPilot(t)
			t.Log(wrong)
			issue := aqsha("issue", "bank", "5", "--data", dir, "--json")
			issue.Env = append(os.Environ(), testClock+"="+wrong)
			out, err := issue.CombinedOutput()
			if taken && err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if !taken && (issue.ProcessState.ExitCode() != cli.ExitRefused || !bytes.Contains(out, []byte(`"clock-doubted"`)) || !bytes.Contains(out, []byte("--accept-time"))) {
				t.Fatalf("exit code %d\n%s", issue.ProcessState.ExitCode(), out)
			}
			if supply := run1(t, "supply", "--data", dir); strings.Contains(supply, "5.00") != taken {
				t.Errorf("supply: %s", supply)
			}
			run1(t, "issue", "bank", "7", "--data", dir) // by the right clock, which the wallet asks the node for
		})
	}
}

// The clock of a running node is set; /health says so, and that it is right again.
func TestTheClockOfARunningProcessIsSet(t *testing.T) {
	dir := newPilot(t)
	file := filepath.Join(t.TempDir(), "clock")
	set := func(wrong string) {
		if err := os.WriteFile(file+".new", []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	set("0s")
	t.Setenv(testClock, file)
	p := up(t, dir)
	defer p.stop(t)
	if h := health(t, p.url); h.Status != "ok" || !h.Clock.Believed || h.Clock.Guard == "" {
		t.Fatalf("%+v", h)
	}
	set("30h")
	if h := health(t, p.url); h.Status != "clock-doubted" || h.Clock.Believed || h.Clock.StepMillis < 29*3_600_000 || h.Detail == "" {
		t.Fatalf("%+v", h)
	}
	set("0s")
	if h := health(t, p.url); h.Status != "ok" || !h.Clock.Believed {
		t.Fatalf("%+v", h)
	}
}

// A node whose disk does not answer says so, and ends soon after SIGTERM all the same.
func TestAHungProcessSaysSoAndEnds(t *testing.T) {
	c := newCustomers(t, 1)
	stuck := filepath.Join(t.TempDir(), "stuck")
	t.Setenv(testStuck, stuck)
	p := up(t, c.dir)
	t.Setenv(testStuck, "")
	if err := os.WriteFile(stuck, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	paying := aqsha("issue", "bank", "1", "--data", c.dir)
	if err := paying.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = paying.Process.Kill(); _ = paying.Wait() }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if h := health(t, p.url); h.Status == "stalled" && len(h.Stalled) > 0 && h.Stalled[0].Stage == "committer" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v", health(t, p.url))
		}
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait() // that it returns is the test; the whole run has a time limit
	if code := p.ProcessState.ExitCode(); code != cli.ExitHung {
		t.Errorf("exit code %d, want %d", code, cli.ExitHung)
	}
	if err := os.Remove(stuck); err != nil {
		t.Fatal(err)
	}
	// What it had not signed when it ended is named; a node that starts again signs it, and is killed before it writes anything.
	if out, err := aqsha("verify", "--data", c.dir).CombinedOutput(); err == nil || !strings.Contains(string(out), "beyond-checkpoint") {
		t.Errorf("%v\n%s", err, out)
	}
	up(t, c.dir).kill()
	run1(t, "verify", "--data", c.dir)
	run1(t, "bank", "admit", "another", "--data", c.dir)
	run1(t, "verify", "--data", c.dir)
}
