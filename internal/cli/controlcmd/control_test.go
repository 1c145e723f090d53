package controlcmd

import (
	"bytes"
	"errors"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/internal/cli"
)

// An order ends with 4 as soon as one machine may still do it, with 5 where none was there, with 3 where all that failed refused.
func TestHowAnOrderEnds(t *testing.T) {
	t.Parallel()
	done, no := control.Result{Outcome: "done"}, control.Result{Outcome: "not ordered: it has no pool"}
	silent, gone := control.Result{Outcome: "unconfirmed: nothing", Unknown: true}, control.Result{Outcome: "connection refused", Unreached: true}
	for name, c := range map[string]struct {
		results []control.Result
		exit    int
	}{
		"done":                    {[]control.Result{done, done}, cli.ExitOK},
		"one refuses":             {[]control.Result{done, no}, cli.ExitRefused},
		"one is silent":           {[]control.Result{done, no, silent, gone}, cli.ExitUnknown},
		"none is there":           {[]control.Result{gone, gone}, cli.ExitUnreached},
		"one of two is not there": {[]control.Result{done, gone}, cli.ExitRefused},
	} {
		command := &cobra.Command{}
		command.SetErr(&bytes.Buffer{})
		exit := cli.ExitOK
		if err := orderEnd(c.results); err != nil {
			exit = cli.Report(command, errors.Join(err))
		}
		if exit != c.exit {
			t.Errorf("%s: exit %d, want %d", name, exit, c.exit)
		}
	}
}
