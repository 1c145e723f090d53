package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// everyFlag visits the flags that a command's help shows, those of its parents too.
func everyFlag(c *cobra.Command, visit func(f *pflag.Flag)) {
	for _, set := range []*pflag.FlagSet{c.LocalFlags(), c.InheritedFlags()} {
		set.VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				visit(f)
			}
		})
	}
}

// --data is a directory of the program's, --node a ledger's URL and --bitcoin a Bitcoin node's RPC, wherever they stand. A time is
// written in one form. An earlier spelling stands in no help.
func TestFlagsMeanOneThing(t *testing.T) {
	seen := map[string]int{}
	everyCommand(newRootCommand(), func(c *cobra.Command) {
		everyFlag(c, func(f *pflag.Flag) {
			wrong := func(why string) { t.Errorf("%s --%s: %s: %q", c.CommandPath(), f.Name, why, f.Usage) }
			usage := strings.ToLower(f.Usage)
			switch f.Name {
			case "dir":
				wrong("a directory is --data")
			case "data":
				if f.Value.Type() != "string" || !strings.Contains(usage, "director") && !strings.Contains(usage, "folder") && !strings.Contains(usage, "where to write") {
					wrong("is a directory")
				}
			case "node":
				if strings.Contains(usage, "bitcoin") || strings.Contains(usage, "rpc") || !strings.Contains(usage, "url") {
					wrong("is a ledger's URL; a Bitcoin node's is --bitcoin")
				}
			case "bitcoin":
				if !strings.Contains(usage, "rpc") {
					wrong("is a Bitcoin node's RPC")
				}
			default:
				if f.Value.Type() != "duration" {
					return
				}
				seen["duration"]++
				before := f.Value.String()
				for _, span := range []string{"90s", "36h", "30d", before} {
					if err := f.Value.Set(span); err != nil {
						wrong("takes no " + span + ": " + err.Error())
					}
				}
				if strings.Contains(f.DefValue, "0m0s") {
					wrong("shows " + f.DefValue + " as its default")
				}
				return
			}
			seen[f.Name]++
		})
	})
	for name, least := range map[string]int{"data": 60, "node": 40, "bitcoin": 10, "duration": 30} {
		if seen[name] < least {
			t.Errorf("only %d flags --%s were looked at", seen[name], name)
		}
	}
}

// What was spelled otherwise a version ago works still, and says how it is spelled.
func TestEarlierSpellingsOfFlagsWork(t *testing.T) {
	for _, line := range [][]string{
		{"farm", "today", "--dir", "x"}, {"pool", "up", "--dir", "x", "--node", "http://x", "--operator", "x"}, {"chain", "up", "--dir", "x"},
		{"market", "demo", "--dir", "x"}, {"bench", "ledger", "--dir", "x"}, {"verify", "farm", "0", "--log", "x", "--dir", "x"},
		{"farm", "price", "--difficulty", "1", "--bitcoin", "1"},
	} {
		exit, said := exitOf(t, line...)
		if !strings.Contains(said, "the command began") || !strings.Contains(said, " now") {
			t.Errorf("aqsha %s: exit %d, %s", strings.Join(line, " "), exit, said)
		}
	}
}
