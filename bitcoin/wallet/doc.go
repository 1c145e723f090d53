// Package wallet pays many addresses in one transaction from the wallet of a
// node: Bitcoin Core's, or btcwallet's beside btcd.
//
// A payment has two steps. Draft chooses coins, has the wallet sign, and
// returns the whole transaction without sending it; Send gives it to the
// network. Between them the caller makes the transaction durable, so that
// after a crash the same transaction is sent again: its id says whether it was,
// and nobody is paid twice. The wallet's own sendmany cannot do that.
//
// What the wallet answers is checked: the signed transaction must spend the
// coins and pay the outputs that were asked for, to the satoshi.
//
// It may import bitcoin and money.
package wallet
