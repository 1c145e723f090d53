package recount

import (
	"fmt"
	"strings"
)

// Gap is one thing that a check does not show: its name, by which catalogues have texts of it, and what is filled in
// there, as pairs of a name and a value.
type Gap struct {
	Name   string
	Values []any
}

// gaps are the English texts; a test of the command line holds that its catalogue says the same.
var gaps = map[string]string{
	"no-ledger": "the reserve, the keysets' announcement, and that others see the same log: name the " +
		"ledger's node with --node, or its directory with --data",
	"newer": "the reserve of the newest {count} blocks: the office has not found it to be that of its " +
		"books since block {block} ({at})",
	"newer-ever": "the reserve of the newest {count} blocks: the office has not found it to be that of its " +
		"books ever",
	"older": "the reserve of {count} older blocks: the ledger's leaves are asked for the last {most} " +
		"that were compared",
	"between":  "the reserve of {count} blocks in between, which the office closed without comparing",
	"reserves": "this reserve alone: the ledger's leaf has the sum of {count}",
	"no-state": "that others see the same log: the ledger has no state of it yet",
	"newest":   "that others see the newest {count} entries too: the ledger's state of the log is older",
}

// String says it in English.
func (g Gap) String() string {
	var pairs []string
	for i := 0; i+1 < len(g.Values); i += 2 {
		pairs = append(pairs, fmt.Sprintf("{%v}", g.Values[i]), fmt.Sprint(g.Values[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(gaps[g.Name])
}

// lacks notes what a check does not show.
func (c *Report) lacks(gaps []Gap) {
	c.Gaps, c.Unverified = gaps, nil
	for _, gap := range gaps {
		c.Unverified = append(c.Unverified, gap.String())
	}
}
