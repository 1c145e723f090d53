package marketcmd

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli/chaincmd"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/document"
)

// chainOf is what the Bitcoin node measured, or nil when none was named. A node
// that only the environment names is asked for Bitcoin's own study alone.
func chainOf(command *cobra.Command, f *chaincmd.NodeFlags, system string) (*document.Chain, error) {
	switch {
	case system == "bitcoin" && f.URL != "":
	case command.Flags().Changed("bitcoin"):
		return nil, market.Refuse("choice", "bitcoin", "a Bitcoin node is asked for \"study bitcoin\", not for %q",
			system)
	default:
		return nil, nil
	}
	client, _, err := f.Dial(command.Context())
	if err != nil {
		return nil, err
	}
	defer client.Close()
	m, err := client.Measure(command.Context())
	if err != nil {
		return nil, err
	}
	c := document.Chain{Node: m.Node, Network: m.Network, Day: time.Now().UTC().Format(time.DateOnly),
		Height: float64(m.Height), Blocks: float64(m.Blocks), BlockSeconds: m.BlockSeconds, Peers: float64(m.Peers),
		Known: -1, PerSecond: m.PerSecond, Full: m.Full}
	if m.Known != nil {
		c.Known = float64(*m.Known)
	}
	return &c, nil
}
