package document

import (
	"math"
	"strconv"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/systems"
)

// Chain is what a Bitcoin node measured: kept, since it cannot be asked for that
// day again.
type Chain struct {
	Node         string  `json:"node"`    // program and version
	Network      string  `json:"network"` // mainnet, or a network of tests
	Day          string  `json:"day"`
	Height       float64 `json:"height"`
	Blocks       float64 `json:"blocks"`        // over which the pace is a mean
	BlockSeconds float64 `json:"block_seconds"` // from one block to the next
	Peers        float64 `json:"peers"`
	Known        float64 `json:"known"`      // addresses of nodes; below zero where it does not tell
	PerSecond    float64 `json:"per_second"` // transactions
	Full         float64 `json:"full"`       // part of the weight allowed, 0 to 1
}

// confirmations by convention (Nakamoto 2008, section 11).
const confirmations = 6

// check refuses what no node can have said: the file comes from outside.
func (c *Chain) check() error {
	if _, err := time.Parse(time.DateOnly, c.Day); err != nil {
		return market.Refuse("node", "day", "%q is not a day YYYY-MM-DD", c.Day)
	}
	if len(c.Node) > 200 || len(c.Network) > 40 {
		return market.Refuse("node", "node", "a name of %d and %d bytes", len(c.Node), len(c.Network))
	}
	for _, v := range []float64{c.Height, c.Blocks, c.BlockSeconds, c.Peers, c.PerSecond, c.Full} {
		if !(v >= 0) || math.IsInf(v, 0) {
			return market.Refuse("node", "chain", "%g is no count and no mean", v)
		}
	}
	if c.Full > 1 || math.IsNaN(c.Known) || math.IsInf(c.Known, 0) {
		return market.Refuse("node", "chain", "%g of a block's weight, %g nodes", c.Full, c.Known)
	}
	return nil
}

// fill puts on Bitcoin's card what the node measured, beside what is cited.
func (c *Chain) fill(card *systems.Card) {
	source := c.Node + ", " + c.Network
	set := func(field string, v float64, digits int, unit string) {
		card.Set(field, strconv.FormatFloat(v, 'f', digits, 64), unit, source, c.Day)
	}
	set("block time, by the node", c.BlockSeconds, 1, "s")
	set("finality, measured", confirmations*c.BlockSeconds, 1, "s")
	set("peers", c.Peers, 0, "")
	if c.Known >= 0 {
		set("nodes known to it", c.Known, 0, "")
	}
	set("transactions seen", c.PerSecond, 3, "payments/s")
	set("block space filled", 100*c.Full, 2, "percent")
	if c.Full > 0 && c.PerSecond > 0 {
		set("capacity, by the node", c.PerSecond/c.Full, 1, "payments/s")
	}
}
