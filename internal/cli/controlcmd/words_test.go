package controlcmd

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/internal/cli"
)

// What becomes of an order to machines is not said in the words of a payment: no money can have moved, and no node was
// asked.
func TestOrdersWordsAreNotOfPayments(t *testing.T) {
	for _, c := range []struct {
		err     error
		exit    int
		want    string
		without []string
	}{
		{orderEnd([]control.Result{{Outcome: "unconfirmed: nothing", Unknown: true}}), cli.ExitUnknown, "a restart comes twice",
			[]string{"Money may have moved", "may be on the ledger", "exactly the same"}},
		{orderEnd([]control.Result{{Outcome: "connection refused", Unreached: true}}), cli.ExitUnreached, "No machine answered",
			[]string{"--node", "ledger", "No node"}},
	} {
		var out bytes.Buffer
		command := &cobra.Command{Use: "farm"}
		command.SetErr(&out)
		t.Setenv("LC_ALL", "en_US.UTF-8")
		if exit := cli.Report(command, c.err); exit != c.exit || !strings.Contains(out.String(), c.want) {
			t.Errorf("exit %d, want %d and %q: %s", exit, c.exit, c.want, out.String())
		}
		for _, word := range c.without {
			if strings.Contains(out.String(), word) {
				t.Errorf("it says %q: %s", word, out.String())
			}
		}
	}
}
