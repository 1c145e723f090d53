package bitcoin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// templateRequest serves all nodes: Core wants the rule "segwit", and on signet "signet" (BIP 325);
// it takes rules that it does not need. btcd wants the capability: without it it leaves coinbasevalue out.
func templateRequest() map[string]any {
	return map[string]any{
		"rules":        []string{"segwit", "signet"},
		"capabilities": []string{"coinbasevalue", "longpoll", "proposal"},
	}
}

// Template asks the node for a block template, and checks it as DecodeTemplate says. A node that is still loading or
// has no peers answers an RPCError.
func (c *Client) Template(ctx context.Context) (*Template, error) {
	var raw json.RawMessage
	if err := c.Call(ctx, &raw, "getblocktemplate", templateRequest()); err != nil {
		return nil, err
	}
	return DecodeTemplate(raw)
}

// waitTemplate long-polls (BIP 22): it returns when the node has a template other than
// the one with this id, or when ctx ends.
func (c *Client) waitTemplate(ctx context.Context, longPollID string) (*Template, error) {
	asked := templateRequest()
	asked["longpollid"] = longPollID
	var raw json.RawMessage
	if err := c.callOver(ctx, c.polls, &raw, "getblocktemplate", asked); err != nil {
		return nil, err
	}
	return DecodeTemplate(raw)
}

// Verdict is what a node says of a block.
type Verdict int

const (
	// Accepted: the block is valid and, as far as the node says, on its best chain.
	Accepted Verdict = iota
	// SideChain: valid as far as was looked at, but not the tip ("inconclusive").
	SideChain
	// Known: the node had it already ("duplicate").
	Known
	// Rejected: the block breaks a rule; the reason says which.
	Rejected
)

func (v Verdict) String() string {
	return [...]string{"accepted", "side-chain", "known", "rejected"}[v]
}

// verdictOf reads BIP 22's result strings. Nodes differ: btcd says "rejected: …" in prose and null
// for a sibling of the tip, so only a later look at the chain tells whether a block stays.
func verdictOf(result *string) (Verdict, string) {
	switch {
	case result == nil:
		return Accepted, ""
	case strings.HasPrefix(*result, "inconclusive"):
		return SideChain, *result
	case *result == "duplicate" || strings.HasPrefix(*result, "rejected: already have block"):
		return Known, *result
	}
	return Rejected, strings.TrimPrefix(*result, "rejected: ")
}

// Submit hands a solved block to the node, over connections of its own. With an error it is open whether the node has
// the block; to submit it again does no harm, the verdict is Known then. An accepted block may still lose to a sibling.
func (c *Client) Submit(ctx context.Context, block []byte) (Verdict, string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var result *string
	if err := c.callOver(ctx, c.blocks, &result, "submitblock", hex.EncodeToString(block)); err != nil {
		return Rejected, "", err
	}
	verdict, reason := verdictOf(result)
	return verdict, reason, nil
}

// ErrNoProposals means that the node does not check proposals.
var ErrNoProposals = errors.New("node does not check block proposals")

// Propose asks whether a block would be valid apart from its proof of work (BIP 23). It must build on the node's tip.
func (c *Client) Propose(ctx context.Context, block []byte) (Verdict, string, error) {
	asked := templateRequest()
	asked["mode"] = "proposal"
	asked["data"] = hex.EncodeToString(block)
	var result *string
	err := c.Call(ctx, &result, "getblocktemplate", asked)
	var refusal *RPCError
	if errors.As(err, &refusal) && refusal.Code == codeMethodNotFound {
		return Rejected, "", fmt.Errorf("%w: %s", ErrNoProposals, refusal.Message)
	}
	if err != nil {
		return Rejected, "", err
	}
	verdict, reason := verdictOf(result)
	return verdict, reason, nil
}
