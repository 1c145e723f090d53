package benchcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
)

// shortBench is a bench and the flags that keep it short.
type shortBench struct {
	name string
	args []string
}

// compared are the benches that compare runs, each as short as its figures allow.
var compared = []shortBench{
	{"ledger", []string{"--wallets", "20000", "--live-tokens", "40000", "--transfers", "20000", "--runs", "3",
		"--grow-to", "0"}},
	{"pool", []string{"--miners", "1000", "--connections", "200", "--duration", "3s"}},
	{"farm", []string{"--duration", "3s"}},
	{"market", []string{"--repetitions", "11", "--windows", "1000"}},
}

// maxCompareRounds bounds how often everything is run.
const maxCompareRounds = 25

// Compared is one figure of a bench under both programs.
type Compared struct {
	Bench string `json:"bench"`
	// the name in the bench's own --json, or cpu_seconds: user and system time of the process
	Figure string  `json:"figure"`
	Base   float64 `json:"base"`  // median of the rounds
	Now    float64 `json:"now"`   // the same of this program
	Ratio  float64 `json:"ratio"` // now to base: median of the rounds' own ratios
	// Least and Most bound the rounds' own ratios: where they lie on both sides of 1 the difference is noise.
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

func newBenchCompareCommand() *cobra.Command {
	var rounds int
	var only []string
	command := &cobra.Command{
		Use:   "compare PROGRAM",
		Short: "Measure this program beside another build of it, in turns, in one table",
		Long: `Runs the benches of the ledger, the pool, the farm and the market with this program and with
another build of it, in turns, and sets every figure of the one beside that of the other: the
median of each, and the ratio of the two within a round, with the least and the most of the
rounds. Both met the same machine in the same minutes, so the ratio counts; where the least is
below 1 and the most above, the rounds disagree and nothing is shown. Rounds of mere noise agree
by chance, too: of three in one figure of four, of five in one of sixteen. cpu_seconds is the
processor time of the whole bench, which other work on the machine disturbs least; it says
nothing of a bench that lasts a set time, or that measures more in the one program. "make
bench-compare BASE=COMMIT" builds the other program from a commit.`,
		Example: "  aqsha bench compare ./aqsha-before\n" +
			"  aqsha bench compare ./aqsha-before --bench ledger,farm --rounds 5 --json",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if rounds < 1 || rounds > maxCompareRounds {
				return cli.Usage(fmt.Errorf("--rounds: want 1 to %d", maxCompareRounds))
			}
			for _, name := range only {
				if !slices.ContainsFunc(compared, func(b shortBench) bool { return b.name == name }) {
					return cli.Usage(fmt.Errorf("--bench: %q is not one of ledger, pool, farm, market", name))
				}
			}
			base, err := filepath.Abs(args[0]) // each bench runs in a folder of its own
			if err != nil {
				return err
			}
			if info, err := os.Stat(base); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
				return cli.Usage(fmt.Errorf("%s is no program", args[0]))
			}
			own, err := os.Executable()
			if err != nil {
				return err
			}
			list := []Compared{}
			for _, b := range compared {
				if len(only) > 0 && !slices.Contains(only, b.name) {
					continue
				}
				figures, err := compareBench(command, b.name, b.args, base, own, rounds)
				if err != nil {
					return err
				}
				list = append(list, figures...)
			}
			return cli.Show(command, list, func(w io.Writer) { describeCompared(w, list) })
		},
	}
	command.Flags().IntVar(&rounds, "rounds", 5, "of each bench with each program, in turns")
	command.Flags().StringSliceVar(&only, "bench", nil, "only these of ledger, pool, farm, market")
	return command
}

// compareBench runs one bench with both programs, in turns that begin with the one and the other.
func compareBench(command *cobra.Command, name string, args []string, base, own string,
	rounds int) ([]Compared, error) {
	var figures [2][]map[string]float64
	for round := range rounds {
		for turn := range 2 {
			which := (round + turn) % 2
			program := []string{base, own}[which]
			fmt.Fprintf(command.ErrOrStderr(), "%s, round %d of %d: %s\n", name, round+1, rounds, program)
			got, err := runBench(command.Context(), program, append([]string{"bench", name, "--json"}, args...))
			if err != nil {
				return nil, err
			}
			figures[which] = append(figures[which], got)
		}
	}
	return pairFigures(name, figures[0], figures[1]), nil
}

// runBench runs a program in an empty folder of its own, and returns what numbers its result has.
func runBench(ctx context.Context, program string, args []string) (map[string]float64, error) {
	dir, err := os.MkdirTemp(".", "aqsha-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	run := exec.CommandContext(ctx, program, args...)
	run.Dir = dir
	var said bytes.Buffer
	run.Stderr = &said
	content, err := run.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	var value any
	if err := json.Unmarshal(content, &value); err != nil {
		return nil, fmt.Errorf("%s %s: no result: %w", program, strings.Join(args, " "), err)
	}
	figures := map[string]float64{}
	flatten("", value, figures)
	state := run.ProcessState
	figures["cpu_seconds"] = (state.UserTime() + state.SystemTime()).Seconds()
	return figures, nil
}

// flatten names every number of a result by the way to it.
func flatten(path string, value any, into map[string]float64) {
	switch value := value.(type) {
	case float64:
		into[path] = value
	case map[string]any:
		for key, inner := range value { // any order: into a map
			flatten(strings.TrimPrefix(path+"."+key, "."), inner, into)
		}
	case []any:
		for i, inner := range value {
			flatten(fmt.Sprintf("%s[%d]", path, i), inner, into)
		}
	}
}

// pairFigures sets figures of rounds beside each other: those that both programs have in every round, and that are no
// count or setting, which would be the same in all.
func pairFigures(bench string, base, now []map[string]float64) (list []Compared) {
	for _, name := range slices.Sorted(maps.Keys(base[0])) {
		c := Compared{Bench: bench, Figure: name, Least: math.Inf(1), Most: math.Inf(-1)}
		var before, after, ratios []float64
		for i := range base {
			b, has := base[i][name]
			n, too := now[i][name]
			if !has || !too || b <= 0 || n <= 0 {
				break
			}
			before, after, ratios = append(before, b), append(after, n), append(ratios, n/b)
			c.Least, c.Most = min(c.Least, n/b), max(c.Most, n/b)
		}
		if len(ratios) < len(base) || same(append(before, after...)) {
			continue
		}
		c.Base, c.Now, c.Ratio = middle(before), middle(after), middle(ratios)
		list = append(list, c)
	}
	return list
}

// same says whether all values are one.
func same(values []float64) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return v != values[0] })
}

// middle is the median; of an even number of values the mean of the two in the middle.
func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// describeCompared prints a line for each figure, and marks those whose rounds agree on a difference.
func describeCompared(w io.Writer, list []Compared) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer table.Flush()
	fmt.Fprintln(table, "bench\tfigure\tbase\tnow\tratio\tleast\tmost\t\t")
	for _, c := range list {
		differs := ""
		if c.Least > 1 || c.Most < 1 {
			differs = "differs"
		}
		fmt.Fprintf(table, "%s\t%s\t%.5g\t%.5g\t%.3f\t%.3f\t%.3f\t%s\t\n", c.Bench, c.Figure, c.Base, c.Now, c.Ratio,
			c.Least,
			c.Most, differs)
	}
}
