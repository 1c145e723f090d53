package payout

import (
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
)

// F of FPPS, for the pool that pays by it and for whoever holds its log against the chain.
const (
	// MeanFeeBlocks is how many blocks FPPS averages fees over: about a day.
	MeanFeeBlocks = 144
	// CarriedBlocks is how many blocks may have come since the last job of an earlier run whose F is carried on.
	CarriedBlocks = 6
)

// FeesIn is what a block's coinbase takes beyond the subsidy; a miner may claim less than it could. It looks at the
// coinbase alone, and believes that the block is valid.
func FeesIn(network bitcoin.Network, block *wire.MsgBlock, height int) money.Satoshi {
	fees := -Subsidy(network, height)
	for _, out := range block.Transactions[0].TxOut {
		fees += money.Satoshi(out.Value)
	}
	return max(fees, 0)
}

// Subsidy is what a block of a height may issue: 50 BTC, halved each interval of the network.
func Subsidy(network bitcoin.Network, height int) money.Satoshi {
	halvings := height / int(network.Params.SubsidyReductionInterval)
	if halvings >= 63 {
		return 0
	}
	return 50 * money.Bitcoin >> halvings
}
