package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"pgregory.net/rapid"
)

func TestAnEarlierSpellingWorksAndSaysSo(t *testing.T) {
	var dir string
	var said, out bytes.Buffer
	child := &cobra.Command{Use: "child", RunE: func(c *cobra.Command, _ []string) error {
		if !c.Flags().Changed("data") {
			t.Error("the flag does not count as given")
		}
		return nil
	}}
	root := &cobra.Command{Use: "root"}
	root.PersistentFlags().StringVar(&dir, "data", "here", "directory")
	Formerly(root.PersistentFlags(), "data", "dir")
	root.AddCommand(child)
	root.SetErr(&said)
	root.SetArgs([]string{"child", "--dir", "there"})
	root.SetOut(&out)
	if err := root.Execute(); err != nil || dir != "there" {
		t.Fatal(dir, err)
	}
	if warned := said.String() + out.String(); !strings.Contains(warned, "--dir") || !strings.Contains(warned, "--data now") {
		t.Errorf("no warning: %q", warned)
	}
	out.Reset()
	root.SetArgs([]string{"child", "--help"})
	if err := root.Execute(); err != nil || strings.Contains(out.String(), "--dir") {
		t.Errorf("help names the earlier spelling: %s, %v", out.String(), err)
	}
}

// Both spellings of a flag in one line are refused, in whichever order; one of them given twice is not.
func TestBothSpellingsAreRefused(t *testing.T) {
	for line, wrong := range map[string]bool{
		"--data a --dir b": true, "--dir b --data a": true, "--dir b --dir c --data a": true, "--data a": false, "--dir a": false,
		"--data a --data b": false, "--dir a --dir b": false, "--data a --for 3d --period 2d": true, "--period 2d --for 3d": true, "--period 2d --dir a": false,
	} {
		flags := pflag.NewFlagSet("x", pflag.ContinueOnError)
		flags.SetOutput(new(bytes.Buffer))
		data, span := flags.StringArray("data", nil, ""), flags.Duration("for", 0, "")
		Formerly(flags, "data", "dir")
		Formerly(flags, "for", "period")
		spansOfOneForm(flags)
		err := flags.Parse(strings.Fields(line))
		if (err != nil) != wrong || err != nil && !strings.Contains(err.Error(), "both are given") {
			t.Errorf("%s: %v", line, err)
		}
		if !wrong && strings.Contains(line, "period") && *span != 48*time.Hour {
			t.Errorf("%s: %s", line, *span)
		}
		if got, err := flags.GetStringArray("data"); err != nil || !wrong && len(got) != strings.Count(line, "--d") || len(got) != len(*data) {
			t.Errorf("%s: %q, %v", line, got, err)
		}
	}
}

func TestSpansOfOneForm(t *testing.T) {
	flags := pflag.NewFlagSet("x", pflag.ContinueOnError)
	d := flags.Duration("for", 30*24*time.Hour, "")
	spansOfOneForm(flags)
	spansOfOneForm(flags)
	if got := flags.Lookup("for").DefValue; got != "30d" {
		t.Errorf("default %s", got)
	}
	for text, want := range map[string]time.Duration{"90s": 90 * time.Second, "36h": 36 * time.Hour, "30d": 720 * time.Hour, "1.5d": 36 * time.Hour, "1m30s": 90 * time.Second} {
		if err := flags.Set("for", text); err != nil || *d != want {
			t.Errorf("%s: %s, %v", text, *d, err)
		}
		if got, err := flags.GetDuration("for"); err != nil || got != want {
			t.Errorf("%s read by name: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "30", "d", "1w", "3 d"} {
		if err := flags.Set("for", text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestASpanIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]time.Duration{time.Nanosecond, time.Millisecond, time.Second, time.Minute, time.Hour, 24 * time.Hour}).Draw(t, "unit")
		d := time.Duration(rapid.Int64Range(0, 10_000).Draw(t, "n")) * unit
		if back, err := Duration(Span(d)); err != nil || back != d {
			t.Fatalf("%s: %s, %v", Span(d), back, err)
		}
	})
}

// A whole number is written in decimal digits at every flag: no other base, and no mark between digits.
func TestWholeNumbersOfOneForm(t *testing.T) {
	flags := pflag.NewFlagSet("x", pflag.ContinueOnError)
	n, small, some := flags.Int("n", 3, ""), flags.Uint8("small", 1, ""), flags.IntSlice("some", nil, "")
	wholeOfOneForm(flags)
	wholeOfOneForm(flags)
	for text, want := range map[string]int{"0": 0, "10": 10, "010": 10, "-7": -7, "+7": 7, "000": 0} {
		if err := flags.Set("n", text); err != nil || *n != want {
			t.Errorf("%s: %d, %v", text, *n, err)
		}
		if got, err := flags.GetInt("n"); err != nil || got != want {
			t.Errorf("%s read by name: %d, %v", text, got, err)
		}
	}
	if err := flags.Set("some", "1,020"); err != nil || len(*some) != 2 || (*some)[1] != 20 {
		t.Errorf("several: %v, %v", *some, err)
	}
	for _, text := range []string{"", "1_000", "1__0", "_1", "1_", "0x10", "0b1", "0o7", "1e3", "1.0",
		" 1", "--1", "1,"} {
		for _, name := range []string{"n", "small", "some"} {
			if err := flags.Set(name, text); err == nil {
				t.Errorf("--%s %q is taken", name, text)
			}
		}
	}
	if err := flags.Set("small", "256"); err == nil {
		t.Errorf("--small 256 is %d", *small)
	}
}
