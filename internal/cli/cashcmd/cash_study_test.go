package cashcmd

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli"
)

// A population of nobody is refused, and not played as one of the default's size.
func TestAStudyOfNobodyIsRefused(t *testing.T) {
	for _, n := range []string{"0", "-1", "100001"} {
		command := newCashStudyCommand()
		command.SetOut(io.Discard)
		command.SetErr(io.Discard)
		command.SetArgs([]string{"--wallets", n, "--rounding", "500", "--deposits", "1"})
		var usage cli.UsageError
		if err := command.Execute(); !errors.As(err, &usage) || !strings.Contains(err.Error(), "want 1 to 100000") {
			t.Errorf("%s wallets: %v", n, err)
		}
	}
}
