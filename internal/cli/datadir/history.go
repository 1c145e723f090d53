package datadir

import (
	"github.com/aqsha/aqsha/token"
)

// Codes of refusals to bring one ledger over another.
const (
	WrongNetwork token.Code = "wrong-network"   // the two are different networks
	WrongHistory token.Code = "another-history" // the same network, but one log does not begin with the other
	WouldLose    token.Code = "would-lose"      // what stands here is not there
)
