package node

import (
	"errors"

	"github.com/aqsha/aqsha/token"
)

// Codes of refusals that are the node's own, not the ledger's.
const (
	Overloaded token.Code = "overloaded" // the queue is full; try again later
	// so much came forged from where this came from that little of it is verified for now
	SourceBarred token.Code = "source-barred"
	// not signed as the ledger wants it; why is for who may read the wallets that sign
	NotAccepted token.Code = "not-accepted"
	Stopped     token.Code = "stopped"      // the node is shutting down
	WriteFailed token.Code = "write-failed" // the disk failed; the node takes no more writes
	// no room for more of the log; nothing is lost, send the same again later
	DiskFull     token.Code = "disk-full"
	NotFound     token.Code = "not-found"          // no such thing in the ledger or its log
	Insufficient token.Code = "insufficient-funds" // all live tokens together are less than the amount
	TokensBusy   token.Code = "tokens-busy"        // enough tokens, but others are paying with them; waited in vain
	// refused, but perhaps because it was executed before: send the same again
	LookupFailed token.Code = "lookup-failed"

	// UncommonSignature is of a signature that is valid by the log's rule (ZIP-215) and refused by common libraries.
	UncommonSignature token.Code = "uncommon-signature"

	Following      token.Code = "following"      // this node copies another's log; writes go there
	Unacknowledged token.Code = "unacknowledged" // durable here, but too few followers have it yet; it may be executed
	// handed to those who order with this node, and not in a block when its wait ended; it may be executed
	Undecided token.Code = "undecided"
	// a read would show what is not acknowledged, or not stored, and waited in vain
	NotYet   token.Code = "not-yet"
	NotShown token.Code = "not-shown" // a read would show what this node will never be told that it may show
	Fenced   token.Code = "fenced"    // another node has become the leader; this one must not write
	// this validator has not joined the others yet; send it again later, or to another
	NotJoined token.Code = "not-joined"
	// this node has not the one key of the log: it follows, only reads, or belongs to a quorum
	NoLogKey token.Code = "no-log-key"
	// two nodes were promoted at once; neither may write before one is promoted again
	FenceConflict token.Code = "fence-conflict"
)

func refuse(code token.Code, field, format string, args ...any) *token.Error {
	return token.Errorf(code, field, format, args...)
}

// codeIs says whether an error is a refusal with a code.
func codeIs(err error, code token.Code) bool {
	var refusal *token.Error
	return errors.As(err, &refusal) && refusal.Code == code
}
