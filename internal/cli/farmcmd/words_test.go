package farmcmd

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/notify"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// What happens to a farm is not told in the words of a payment: no money can have moved, and no node was asked.
func TestFarmsWordsAreNotOfPayments(t *testing.T) {
	nobody := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for _, c := range []struct {
		err     error
		exit    int
		want    string
		without []string
	}{
		{routeEnd(&notify.Failure{Route: "night", Reached: true, Unknown: true, Reason: "no answer"}), cli.ExitUnknown,
			"a test may arrive twice", []string{"Money may have moved", "same payment", "ledger"}},
		{routeEnd(&notify.Failure{Route: "night", Reason: "nobody"}), cli.ExitUnreached, "in farm.toml",
			[]string{"--node", "ledger"}},
		{routeEnd(&notify.Failure{Route: "night", Reached: true, Reason: "403"}), cli.ExitRefused, "in farm.toml", nil},
		{sitesEnd([]siteReading{{Name: "aktobe", err: nobody}}), cli.ExitUnreached, "joined farm's address in farm.toml", []string{"--node", "No node", "route"}},
		{&vfs.LockedError{Dir: "farm"}, cli.ExitRefused, "change one folder", []string{"change one ledger"}},
		{farm.Refuse("no-alert", "selector", "no alert holds for x that has no ticket"), cli.ExitRefused,
			"has a ticket already", []string{"acknowledge"}},
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
