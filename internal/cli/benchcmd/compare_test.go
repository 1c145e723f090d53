package benchcmd

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli"
)

// Figures are set beside each other round by round: a machine that becomes slower between rounds changes no ratio. What is the same in
// all, what is missing in one and what is nothing is left out.
func TestFiguresArePaired(t *testing.T) {
	base := []map[string]float64{{"rate": 100, "cores": 2, "gone": 1, "zero": 0, "cpu": 4}, {"rate": 50, "cores": 2, "gone": 1, "zero": 0, "cpu": 8},
		{"rate": 80, "cores": 2, "gone": 1, "zero": 0, "cpu": 6}}
	now := []map[string]float64{{"rate": 90, "cores": 2, "zero": 0, "cpu": 4.4}, {"rate": 45, "cores": 2, "zero": 0, "cpu": 7}, {"rate": 72, "cores": 2, "zero": 0, "cpu": 6}}
	list := pairFigures("ledger", base, now)
	if len(list) != 2 || list[0].Figure != "cpu" || list[1].Figure != "rate" {
		t.Fatalf("%+v", list)
	}
	if r := list[1]; math.Abs(r.Ratio-0.9) > 1e-9 || math.Abs(r.Least-0.9) > 1e-9 || math.Abs(r.Most-0.9) > 1e-9 || r.Base != 80 || r.Now != 72 {
		t.Errorf("rate: %+v", r)
	}
	var out bytes.Buffer
	describeCompared(&out, list)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || strings.Contains(lines[1], "differs") || !strings.Contains(lines[2], "differs") {
		t.Errorf("rounds that disagree show nothing, those that agree do:\n%s", out.String())
	}
}

// Every number of a result has a name, wherever it stands in it.
func TestNumbersOfAResult(t *testing.T) {
	got := map[string]float64{}
	flatten("", map[string]any{"a": 1.5, "b": map[string]any{"c": 2.0, "d": []any{3.0, "text", map[string]any{"e": 4.0}}}, "f": true}, got)
	want := map[string]float64{"a": 1.5, "b.c": 2, "b.d[0]": 3, "b.d[2].e": 4}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
	if middle([]float64{4, 1}) != 2.5 || middle([]float64{9, 1, 5}) != 5 {
		t.Error(middle([]float64{4, 1}), middle([]float64{9, 1, 5}))
	}
}

// program is a shell script that stands for a build.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aqsha")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// Both programs are run in turns, in folders that are gone afterwards; what a bench of one says when it fails is passed on.
func TestProgramsTakeTurns(t *testing.T) {
	t.Chdir(t.TempDir())
	turns := filepath.Join(t.TempDir(), "turns")
	base := program(t, `printf base >>`+turns+`; echo "{\"rate\": 100, \"args\": \"$*\"}"`)
	now := program(t, `printf now >>`+turns+`; touch left; echo '{"rate": 200}'`)
	command := newBenchCompareCommand()
	command.SetErr(io.Discard)
	command.SetContext(t.Context())
	list, err := compareBench(command, "farm", nil, base, now, 3)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, c := range list {
		found = found || c.Figure == "rate" && c.Ratio == 2 && c.Least == 2 && c.Most == 2
	}
	order, err := os.ReadFile(turns)
	if err != nil || !found || string(order) != "basenow"+"nowbase"+"basenow" {
		t.Errorf("%+v in the order %s, %v", list, order, err)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	broken := program(t, `echo "no disk" >&2; exit 1`)
	if _, err := compareBench(command, "farm", nil, broken, now, 1); err == nil || !strings.Contains(err.Error(), "no disk") {
		t.Error(err)
	}
	if _, err := compareBench(command, "farm", nil, program(t, "echo ready"), now, 1); err == nil || !strings.Contains(err.Error(), "no result") {
		t.Error(err)
	}
}

// What cannot be compared is refused before anything runs.
func TestWhatIsCompared(t *testing.T) {
	runs := program(t, "exit 0")
	for says, args := range map[string][]string{
		"--rounds": {runs, "--rounds", "0"}, "at most": {runs, "--rounds", "26"}, "--bench": {runs, "--bench", "chain"}, "is no program": {t.TempDir()},
	} {
		command := newBenchCompareCommand()
		command.SetArgs(args)
		command.SetErr(io.Discard)
		command.SetOut(io.Discard)
		err := command.ExecuteContext(t.Context())
		if err == nil || !isUsage(err) || says != "at most" && !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func isUsage(err error) bool { var usage cli.UsageError; return errors.As(err, &usage) }
