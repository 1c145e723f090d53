package marketcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// An interrupted command ends with an error, whether it goes on computing, returns nothing, or shows what it has.
func TestAnInterruptedCommandEndsWithAnError(t *testing.T) {
	grace = 0
	never := make(chan struct{})
	defer close(never)
	for name, run := range map[string]func(command *cobra.Command, _ []string) error{
		"goes on":        func(*cobra.Command, []string) error { <-never; return nil },
		"returns":        func(*cobra.Command, []string) error { return nil },
		"shows":          func(c *cobra.Command, _ []string) error { return present(c, 1, nil) },
		"another reason": func(*cobra.Command, []string) error { return os.ErrClosed },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var out bytes.Buffer
		noun := &cobra.Command{Use: "market", SilenceErrors: true, SilenceUsage: true}
		noun.AddCommand(&cobra.Command{Use: "verb", RunE: func(c *cobra.Command, args []string) error {
			cancel()
			return run(c, args)
		}})
		noun.SetOut(&out)
		noun.SetArgs([]string{"verb"})
		if err := heeding(noun).ExecuteContext(ctx); !errors.Is(err, context.Canceled) || out.Len() > 0 {
			t.Errorf("%s: %v, %q", name, err, out.String())
		}
	}
	// Every verb of both nouns is held so: a study whose context is over before it begins.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	noun := NewMarketCommand()
	noun.SetArgs([]string{"memory", filepath.Join(extracts(t), "cm_btc_daily.csv")})
	noun.SilenceErrors, noun.SilenceUsage = true, true
	if err := noun.ExecuteContext(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("memory: %v", err)
	}
}

// A name that leads out of a folder, or that no file can have, is refused before anything is read.
func TestAssetsAreNames(t *testing.T) {
	for _, name := range []string{"BTC", "usd_kzt", "brk.b", "теңге", "S-P 500", "c+"} {
		if err := checkAsset(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"../../x", "a/b", `a\b`, "..", "", ".hidden", "x.", "CON", "nul.csv", "com1", "a\x00", "a:b",
		strings.Repeat("a", 65), "*"} {
		refusedAs(t, name, checkAsset(name), "choice", "asset")
	}
	out := filepath.Join(t.TempDir(), "out")
	refusedWith(t, "market-choice", "market", "report", "../../x", "--out", out, "--file", filepath.Join(extracts(t), "cm_btc_daily.csv"))
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Error("a folder was made for a report that was refused")
	}
}

// What would be passed over is refused by the flag that is wrong.
func TestOptionsThatWouldBePassedOver(t *testing.T) {
	btc, dir := filepath.Join(extracts(t), "cm_btc_daily.csv"), extracts(t)
	for _, line := range [][]string{
		{"garch", btc, "--level", "0.9"},
		{"garch", btc, "--seed", "2"}, {"garch", btc, "--model", "garhc"},
		{"garch", btc, "--law", "student"}, {"garch", btc, "--mean", "none"}, {"breaks", btc, "--breaks", "0"},
		{"breaks", btc, "--paths", "0"}, {"use", dir, "--value-norm", "-1"}, {"use", dir, "--country", "Kazahstan"},
	} {
		refusedWith(t, "market-choice", append([]string{"market"}, line...)...)
	}
	for _, line := range [][]string{{"--forecast", "-3"}, {"--forecast", "0"}, {"--forecast", "3", "--paths", "0"}} {
		refusedWith(t, "market-forecast", append([]string{"market", "garch", btc}, line...)...)
	}
	run(t, "study", "tenge", "--data", dir, "--kzt-per-usd", "-5", "--out", t.TempDir()).Wants(t, 2, "--kzt-per-usd")
	refusedWith(t, "market-choice", "study", "bitcoin", "--data", dir, "--country", "Kazahstan", "--out", t.TempDir())
	refusedWith(t, "market-spillover", "market", "spillover", btc, btc, "--ahead", "0")
	for _, model := range []string{"aparch", "igarch"} { // all nine are named
		if e := run(t, "market", "garch", btc, "--model", "garhc"); !strings.Contains(e.Err+e.Out, model) {
			t.Errorf("%s is not among the models: %s", model, e.Err)
		}
	}
}

// Every fit of every rate has a JSON form, whatever a start came to.
func TestFitsHaveAJSONForm(t *testing.T) {
	file := filepath.Join(extracts(t), "usd_kzt_daily.csv")
	for _, line := range [][]string{{"--model", "egarch", "--like", "arch"}, {"--model", "egarch"}, {"--model", "aparch"}} {
		e := run(t, append([]string{"market", "garch", file, "--json"}, line...)...)
		if !json.Valid([]byte(e.Out)) || !strings.Contains(e.Out, `"log_lik"`) {
			t.Errorf("%v: %.200s %s", line, e.Out, e.Err)
		}
	}
}
