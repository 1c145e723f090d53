package benchcmd

import (
	"fmt"
	"time"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/node/bench"
)

// between is what a flag may be. It is judged as the line is read, and not by the bench, which has a folder by then;
// and a slip in a number would fill a disk.
type between struct {
	flag               string
	value, least, most int
}

// checkNumbers refuses what lies outside.
func checkNumbers(all ...between) error {
	for _, one := range all {
		if one.value < one.least || one.value > one.most {
			return cli.Usage(fmt.Errorf("--%s %d: want %d to %d", one.flag, one.value, one.least, one.most))
		}
	}
	return nil
}

// maxRows bounds populations: ten times what is measured by default.
const maxRows = 100_000_000

// checkPopulation judges what is common to the benches of a population.
func checkPopulation(o bench.Options) error {
	return checkNumbers(between{"wallets", o.Wallets, 1000, maxRows},
		between{"live-tokens", o.LiveTokens, 2000, maxRows}, between{"transfers", o.Transfers, 4096, maxRows},
		between{"runs", o.Runs, 1, 1000},
		between{"two-owners", o.TwoOwners, 0, 100}, between{"grow-to", o.GrowTo, 0, maxRows})
}

// checkLoad judges a population, the load's share of what it reaches flat out, and how long that lasts.
func checkLoad(o bench.Options, load float64, flag string, d time.Duration) error {
	if err := checkPopulation(o); err != nil {
		return err
	}
	if !(load > 0 && load <= 1) {
		return cli.Usage(fmt.Errorf("--load %g: want a share, more than 0 and at most 1", load))
	}
	if d < time.Second || d > 7*24*time.Hour {
		return cli.Usage(fmt.Errorf("--%s %s: want a second to a week", flag, d))
	}
	return nil
}
