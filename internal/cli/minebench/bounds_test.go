package minebench

import (
	"encoding/json"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli/clitest"
)

func bench() *cobra.Command {
	command := &cobra.Command{Use: "bench"}
	command.AddCommand(NewBenchPoolCommand(), NewBenchSHA256dCommand(), NewBenchFarmCommand(), NewBenchPlanCommand())
	return command
}

// Loads that a pool or a farm could not be of are refused before a process is started for them.
func TestLoadsAreJudgedFirst(t *testing.T) {
	for _, line := range [][]string{
		{"pool", "--miners", "0"}, {"pool", "--miners", "60001"}, {"pool", "--connections", "0"}, {"pool", "--connections", "10001"},
		{"farm", "--machines", "0"}, {"farm", "--machines", "19001"}, {"farm", "--workers", "0"}, {"farm", "--stored", "0"},
		{"pool", "--duration", "0s"}, {"pool", "--duration", "-1s"}, {"farm", "--duration", "-1s"}, {"farm", "--duration", "2h"},
		{"sha256d", "--rounds", "0"}, {"sha256d", "--rounds", "100001"}, {"plan", "surplus"},
	} {
		if e := clitest.Run(t, clitest.Nouns{bench}, append([]string{"bench"}, line...)...); e.Exit != 2 {
			t.Errorf("bench %v: exit %d, %s%s", line, e.Exit, e.Out, e.Err)
		}
	}
}

// Every kernel is named, with its rate or with what the processor lacks for it, beside the standard library's.
func TestEveryKernelIsNamed(t *testing.T) {
	e := clitest.Run(t, clitest.Nouns{bench}, "bench", "sha256d", "--rounds", "1", "--json")
	var result struct {
		Kernels []struct {
			Name, Needs string
			Supported   bool
		}
		Std json.RawMessage
	}
	e.JSON(t, &result)
	if len(result.Kernels) == 0 {
		t.Fatalf("%s", e.Out)
	}
	human := clitest.Run(t, clitest.Nouns{bench}, "bench", "sha256d", "--rounds", "1")
	for _, k := range result.Kernels {
		if !k.Supported && k.Needs == "" {
			t.Errorf("%s is not supported, and nothing says why", k.Name)
		}
		human.Wants(t, 0, k.Name)
	}
	human.Wants(t, 0, "standard library")
}
