package bitcoin

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// Measured is what a node shows of the network that it follows: counts and
// means over its last blocks, of what it has seen itself.
type Measured struct {
	Node         string  `json:"node"`    // its program and version
	Network      string  `json:"network"` // as FindNetwork calls it
	Height       int     `json:"height"`
	Blocks       int     `json:"blocks"`        // over which is measured
	BlockSeconds float64 `json:"block_seconds"` // from one block to the next, mean
	HashRate     float64 `json:"hash_rate"`     // hashes a second, as the node reckons it
	Peers        int     `json:"peers"`         // connected now
	// Known are the addresses of nodes that it has heard of; null where it does not tell.
	Known *int `json:"known"`
	// Of blocks evenly chosen among the last: transactions a second, and the part of the weight allowed that they fill.
	PerSecond float64 `json:"per_second"`
	Full      float64 `json:"full"`
	Sampled   int     `json:"sampled"`
}

// The last two weeks' blocks give the pace, and so many of the last day's what is in them: a block comes with the id
// of each transaction.
const (
	paceBlocks    = 2016
	lastBlocks    = 144
	sampledBlocks = 12

	maxBlockWeight = 4_000_000 // weight units, BIP 141
)

// Measure asks the node for its chain's pace, for what is in its last blocks, and for its peers. A chain of fewer than
// three blocks is refused: nothing can be measured of it.
func (c *Client) Measure(ctx context.Context) (Measured, error) {
	info, err := c.Info(ctx)
	if err != nil {
		return Measured{}, err
	}
	if info.Height < 2 {
		return Measured{}, fmt.Errorf("the node's chain has %d blocks, too few to measure", info.Height+1)
	}
	m := Measured{Node: info.Node, Network: info.Network, Height: info.Height, HashRate: info.HashRate,
		Peers: info.Peers, Blocks: min(paceBlocks, info.Height-1)} // the genesis block's time is history
	if m.BlockSeconds, err = c.pace(ctx, info, m.Blocks); err != nil {
		return Measured{}, err
	}
	if err := c.fill(ctx, &m); err != nil {
		return Measured{}, err
	}
	var known []struct {
		Time int64 `json:"time"`
	}
	// Core takes 0 for all that it knows; a node without the call does not tell.
	err = c.Call(ctx, &known, "getnodeaddresses", 0)
	var refused *RPCError
	switch {
	case err == nil:
		n := len(known)
		m.Known = &n
	case !errors.As(err, &refused):
		return Measured{}, err
	}
	return m, nil
}

// pace is the mean time between so many blocks below the tip. Their times are their miners', so that a few blocks may
// seem to have come at once or backwards: below zero is none.
func (c *Client) pace(ctx context.Context, info *Info, blocks int) (float64, error) {
	hash, err := c.HashAt(ctx, info.Height-blocks)
	if err != nil {
		return 0, err
	}
	first, err := c.HeaderOf(ctx, hash)
	if err != nil {
		return 0, err
	}
	return math.Max(0, info.TipTime.Sub(first.At()).Seconds()/float64(blocks)), nil
}

// fill looks into blocks evenly chosen among the last day's, since asking for all of them costs a node minutes. Full
// is a share of the greatest weight, PerSecond the mean of the sampled blocks over the pace of the last two weeks'.
// What the node answers is held against what a block can be: it may be another's node.
func (c *Client) fill(ctx context.Context, m *Measured) error {
	span := min(lastBlocks, m.Height)
	m.Sampled = min(sampledBlocks, span)
	transactions, weight := 0.0, 0.0
	for i := range m.Sampled {
		hash, err := c.HashAt(ctx, m.Height-i*span/m.Sampled)
		if err != nil {
			return err
		}
		var block struct {
			Weight       float64  `json:"weight"`
			Transactions []string `json:"tx"`
		}
		if err := c.Call(ctx, &block, "getblock", hash.String(), 1); err != nil {
			return err
		}
		if !(block.Weight > 0 && block.Weight <= maxBlockWeight) || len(block.Transactions) == 0 {
			return fmt.Errorf("block %s of %g weight units and %d transactions", hash, block.Weight,
				len(block.Transactions))
		}
		transactions += float64(len(block.Transactions))
		weight += block.Weight
	}
	m.Full = weight / float64(m.Sampled) / maxBlockWeight
	if m.BlockSeconds > 0 {
		m.PerSecond = transactions / float64(m.Sampled) / m.BlockSeconds
	}
	return nil
}
