package controlcmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/orders"
)

// What is waited for, moved and tried has bounds: below nothing nothing is ordered, kept or tried, and no machine hears
// of it.
func TestBoundsOfOrders(t *testing.T) {
	t.Parallel()
	f := newFarm(t)
	const one = "SMT0000"
	for name, line := range map[string][]string{
		"a window before its time": {"control", one, "sleep", "--at", "2099-01-01T10:00", "--within", "-1h"},
		"no window":                {"control", one, "sleep", "--at", "2099-01-01T10:00", "--within", "0s"},
		"a time that is none":      {"control", one, "sleep", "--at", "tomorrow"},
		"a day that is none":       {"control", one, "sleep", "--at", "2099-02-30T10:00"},
		"a step back":              {"control", one, "sleep", "--step-kw", "-1", "--dry-run"},
		"no time for a machine":    {"control", one, "sleep", "--timeout", "0s", "--allow-control"},
		"a time before now":        {"control", one, "sleep", "--timeout", "-1s", "--allow-control"},
		"no time to show it":       {"control", one, "sleep", "--confirm", "-1s", "--allow-control"},
		"a settling before":        {"control", one, "sleep", "--settle", "-1m", "--allow-control"},
		"an action that is none":   {"control", one, "dance", "--dry-run"},
		"an action in capitals":    {"control", one, "SLEEP", "--dry-run"},
		"no watts":                 {"control", one, "power", "--dry-run"},
		"watts below nothing":      {"control", one, "power", "--watts", "-1", "--dry-run"},
		"a fan beyond":             {"control", one, "fan", "--fan", "101", "--dry-run"},
		"a fan that is none":       {"control", one, "fan", "--fan", "fast", "--dry-run"},
		"a light that is none":     {"control", one, "led", "--led", "blink", "--dry-run"},
		"no pool":                  {"control", one, "pool", "--dry-run"},
		"a pool that is none":      {"control", one, "pool", "--pool", "gopher://x", "--user", "u", "--dry-run"},
		"no profile":               {"control", one, "profile", "--dry-run"},
		"no file":                  {"control", one, "update", "--file", filepath.Join(f.dir, "none"), "--dry-run"},
		"nobody":                   {"control", "SMT9999", "sleep", "--dry-run"},
		"one setting":              {"tune", one, "--watts", "3000", "--dry-run"},
		"settings of two kinds":    {"tune", one, "--watts", "3000,2000", "--profile", "a", "--dry-run"},
		"all held":                 {"tune", "ekibastuz", "--watts", "3000,2000", "--hold", "100", "--dry-run"},
		"fewer held than none":     {"tune", "ekibastuz", "--watts", "3000,2000", "--hold", "-1", "--dry-run"},
		"a price below nothing":    {"tune", one, "--watts", "3000,2000", "--power-price", "-1", "--dry-run"},
	} {
		if e := f.run("", line...); e.Exit != 2 && e.Exit != 3 {
			t.Errorf("%s: exit %d, %s%s", name, e.Exit, e.Out, e.Err)
		}
	}
	var kept []json.RawMessage
	f.run("", "orders", "--all", "--json").JSON(t, &kept)
	if len(kept) != 0 {
		t.Errorf("what was refused is kept: %s", kept)
	}
	audit, err := os.ReadFile(filepath.Join(f.dir, "audit.jsonl"))
	if len(audit) > 0 {
		t.Errorf("what was refused is in the audit trail: %s, %v", audit, err)
	}
}

// Orders that are kept at the same moment each have a number, or are refused whole, and one that is withdrawn by two is
// withdrawn once; a list that is torn is not written over.
func TestOrdersAreKept(t *testing.T) {
	t.Parallel()
	f := newFarm(t)
	type entry struct {
		ID    int64        `json:"id"`
		State orders.State `json:"state"`
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			line := []string{"control", "SMT0001", "sleep", "--at", "2099-01-01T10:00"}
			e := f.run("", line...)
			for e.Exit == 3 && strings.Contains(e.Err, "in use by process") { // by another of these
				e = f.run("", line...)
			}
			e.Wants(t, 0)
		})
	}
	all.Wait()
	var list []entry
	f.run("", "orders", "--json").JSON(t, &list)
	seen := map[int64]bool{}
	for _, e := range list {
		if seen[e.ID] || e.State == orders.Due {
			t.Errorf("%+v", list)
		}
		seen[e.ID] = true
	}
	if len(seen) != 4 {
		t.Fatalf("%+v", list)
	}
	var ended [2]int
	for i := range ended {
		all.Go(func() { ended[i] = f.run("", "orders", "withdraw", "2").Exit }) // or the other has the list in hand
	}
	all.Wait()
	if ended[0]+ended[1] != 3 || ended[0]*ended[1] != 0 {
		t.Errorf("withdrawn by two: %v", ended)
	}
	for _, wrong := range []string{"0", "-1", "2.5", "99999999999999999999"} {
		if e := f.run("", "orders", "withdraw", "--", wrong); e.Exit != 2 && e.Exit != 3 {
			t.Errorf("%s: exit %d, %s", wrong, e.Exit, e.Err)
		}
	}
	paths, err := filepath.Glob(filepath.Join(f.dir, "orders*"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	whole, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	torn := strings.Replace(string(whole), "{", "[", 1)
	if err := os.WriteFile(paths[0], []byte(torn), 0o600); err != nil {
		t.Fatal(err)
	}
	if e := f.run("", "control", "SMT0001", "wake", "--at", "2099-01-01T11:00"); e.Exit == 0 {
		t.Errorf("kept beside what cannot be read: %s", e.Out)
	}
	if now, err := os.ReadFile(paths[0]); err != nil || string(now) != torn {
		t.Errorf("it was written over: %v", err)
	}
}

// What is offered to complete a line is an order that there is, each once, and nothing behind it.
func TestActionsThatAreOffered(t *testing.T) {
	t.Parallel()
	offered, _ := completeActions(nil, []string{"SMT0000"}, "")
	more, _ := completeActions(nil, []string{"SMT0000", "sleep"}, "")
	if len(offered) != len(control.Actions) || more != nil {
		t.Errorf("%v, then %v", offered, more)
	}
}
