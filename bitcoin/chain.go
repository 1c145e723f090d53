package bitcoin

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/money"
)

// Info is the state of a node's chain. It is put together from several calls, between which a block may come: Height
// and Tip are of one answer, the rest may be of a moment later. Headers may be more than Height while blocks are
// fetched, which Syncing says; Bits is the target's compact form in hexadecimal, as the node writes it, and Difficulty
// the same as a multiple of the easiest target.
type Info struct {
	Node       string    `json:"node"`    // the software's name, as far as the node tells
	Network    string    `json:"network"` // Aqsha's name of the chain
	Height     int       `json:"height"`
	Headers    int       `json:"headers"`
	Tip        Hash      `json:"tip"`
	TipTime    time.Time `json:"tip_time"`
	Bits       string    `json:"bits"`
	Difficulty float64   `json:"difficulty"`
	// HashRate is the estimate from the last 120 blocks, in hashes per second.
	HashRate float64 `json:"hash_rate_per_second"`
	Pruned   bool    `json:"pruned"`
	Peers    int     `json:"peers"`
	Syncing  bool    `json:"syncing"`
	Mempool  int     `json:"mempool_transactions"`
}

// Network asks which chain the node follows. A signet comes with its challenge, since signets differ in nothing else;
// without one where the node gives none and has no template yet.
func (c *Client) Network(ctx context.Context) (Network, error) {
	var chain struct {
		Chain     string `json:"chain"`
		Challenge string `json:"signet_challenge"` // Core from version 28 on
	}
	if err := c.Call(ctx, &chain, "getblockchaininfo"); err != nil {
		return Network{}, err
	}
	network, err := FindNetwork(chain.Chain)
	if err != nil || network.Name != "signet" {
		return network, err
	}
	if chain.Challenge == "" { // in its templates at all versions that have signet (BIP 325)
		var template struct {
			Challenge string `json:"signet_challenge"`
		}
		if err := c.Call(ctx, &template, "getblocktemplate", templateRequest()); err != nil {
			return network, nil //nolint:nilerr // not ready; who wants to mine finds the challenge missing
		}
		chain.Challenge = template.Challenge
	}
	if network.Challenge, err = hex.DecodeString(chain.Challenge); err != nil {
		return Network{}, fmt.Errorf("signet_challenge: %w", err)
	}
	return network, nil
}

// Info collects what both nodes can tell, in one batch. Only getblockchaininfo must be answered: of the others a node
// may lack any (getnetworkinfo is Core's, getinfo is btcd's), and what it does not say is zero.
func (c *Client) Info(ctx context.Context) (*Info, error) {
	var chain struct {
		Chain    string `json:"chain"`
		Blocks   int    `json:"blocks"`
		Headers  int    `json:"headers"`
		Best     Hash   `json:"bestblockhash"`
		Pruned   bool   `json:"pruned"`
		Download bool   `json:"initialblockdownload"`
	}
	var mining struct {
		HashRate float64 `json:"networkhashps"`
		Pooled   int     `json:"pooledtx"`
	}
	var core struct {
		Subversion string `json:"subversion"`
	}
	var btcd struct {
		Version int `json:"version"`
	}
	var peers int
	queries := []Query{
		{Method: "getblockchaininfo", Result: &chain}, {Method: "getmininginfo", Result: &mining},
		{Method: "getnetworkinfo", Result: &core}, {Method: "getinfo", Result: &btcd},
		{Method: "getconnectioncount", Result: &peers},
	}
	if err := c.Batch(ctx, queries); err != nil {
		return nil, err
	}
	if err := queries[0].Err; err != nil {
		return nil, err
	}
	network, err := FindNetwork(chain.Chain)
	if err != nil {
		return nil, err
	}
	header, err := c.HeaderOf(ctx, chain.Best)
	if err != nil {
		return nil, err
	}
	target, err := TargetOfBits(header.Bits)
	if err != nil {
		return nil, err
	}
	// btcd computes its own difficulty on other grounds than Core; ours is from the bits.
	info := &Info{
		Node: core.Subversion, Network: network.Name, Height: chain.Blocks, Headers: chain.Headers, Tip: chain.Best,
		TipTime: header.At(), Bits: fmt.Sprintf("%08x", header.Bits), Difficulty: target.Difficulty(),
		HashRate: mining.HashRate,
		Pruned:   chain.Pruned, Peers: peers, Syncing: chain.Download || chain.Headers > chain.Blocks,
		Mempool: mining.Pooled,
	}
	if info.Node == "" && queries[3].Err == nil {
		info.Node = fmt.Sprintf("btcd %d.%d.%d", btcd.Version/10000, btcd.Version/100%100, btcd.Version%100)
	}
	return info, nil
}

// HeaderOf fetches a header and checks that it is the one asked for.
func (c *Client) HeaderOf(ctx context.Context, hash Hash) (Header, error) {
	var digits string
	if err := c.Call(ctx, &digits, "getblockheader", hash.String(), false); err != nil {
		return Header{}, err
	}
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return Header{}, fmt.Errorf("header %s: %w", hash, err)
	}
	header, err := DecodeHeader(raw)
	if err != nil {
		return Header{}, err
	}
	if header.Hash() != hash {
		return Header{}, fmt.Errorf("node sent header %s when asked for %s", header.Hash(), hash)
	}
	return header, nil
}

// HashAt is the hash of the best chain's block at a height. Above the tip the error is one of BeyondTip; the hash is
// the node's word, which HeaderOf and RawBlock check.
func (c *Client) HashAt(ctx context.Context, height int) (Hash, error) {
	var hash Hash
	err := c.Call(ctx, &hash, "getblockhash", height)
	return hash, err
}

// Tip is the best chain's last block.
func (c *Client) Tip(ctx context.Context) (Hash, error) {
	var hash Hash
	err := c.Call(ctx, &hash, "getbestblockhash")
	return hash, err
}

// Position says where a block stands: its height and confirmations, −1 off the best chain
// (where btcd leaves the height at 0).
func (c *Client) Position(ctx context.Context, hash Hash) (height, confirmations int, err error) {
	var header struct {
		Height        int `json:"height"`
		Confirmations int `json:"confirmations"`
	}
	err = c.Call(ctx, &header, "getblockheader", hash.String(), true)
	var refusal *RPCError
	if errors.As(err, &refusal) && strings.Contains(refusal.Message, "not in the main chain") {
		return 0, -1, nil // btcd does not tell the height of a side chain's block
	}
	if err != nil {
		return 0, 0, err
	}
	// btcd counts confirmations from the height even for side chains; the chain itself decides.
	// No answer is not the answer that it lies elsewhere: a block would be given up for a lost connection.
	onChain, err := c.HashAt(ctx, header.Height)
	if err != nil && !BeyondTip(err) {
		return 0, 0, err
	}
	if err != nil || onChain != hash {
		return header.Height, -1, nil //nolint:nilerr // the chain is not so high, and so does not have it
	}
	return header.Height, header.Confirmations, nil
}

// BeyondTip says whether a node answers that its chain is not as high as what was asked for. A node that is warming up,
// or does not answer, says nothing of its chain.
func BeyondTip(err error) bool {
	var refusal *RPCError
	return errors.As(err, &refusal) && (refusal.Code == codeOutOfRange || refusal.Code == codeBeyondTip)
}

// NotFound says whether the node does not know what was asked for. For a transaction that may also mean that the node
// keeps no index of transactions.
func NotFound(err error) bool {
	var refusal *RPCError
	return errors.As(err, &refusal) && refusal.Code == codeNotFound
}

// RawBlock fetches a block by its hash, which it has, with the transactions of its merkle root.
func (c *Client) RawBlock(ctx context.Context, hash Hash) (*wire.MsgBlock, error) {
	var digits string
	if err := c.Call(ctx, &digits, "getblock", hash.String(), 0); err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return nil, fmt.Errorf("block %s: %w", hash, err)
	}
	block, err := decodeBlock(raw)
	if err != nil {
		return nil, err
	}
	if Hash(block.BlockHash()) != hash {
		return nil, fmt.Errorf("node sent block %s when asked for %s", Hash(block.BlockHash()), hash)
	}
	return block, nil
}

// Block fetches a block by hash, or by height written in decimal.
func (c *Client) Block(ctx context.Context, network Network, which string) (*BlockView, error) {
	hash, err := ParseHash(which)
	if err != nil {
		height, notNumber := strconv.Atoi(which)
		if notNumber != nil {
			return nil, fmt.Errorf("block %.80q: want a height or a hash of 64 hexadecimal digits", which)
		}
		if hash, err = c.HashAt(ctx, height); err != nil {
			return nil, err
		}
	}
	block, err := c.RawBlock(ctx, hash)
	if err != nil {
		return nil, err
	}
	// Asked after the block: it may have left the chain between the two calls, and then has fewer than no
	// confirmations, which a transaction's view does not show.
	height, confirmations, err := c.Position(ctx, hash)
	if err != nil {
		return nil, err
	}
	header := block.Header
	target, err := TargetOfBits(header.Bits)
	if err != nil {
		return nil, err
	}
	view := &BlockView{
		Hash: hash, Height: height, Confirmations: confirmations, Time: header.Timestamp.UTC(),
		Previous:   Hash(header.PrevBlock),
		MerkleRoot: Hash(header.MerkleRoot), Bits: fmt.Sprintf("%08x", header.Bits), Difficulty: target.Difficulty(),
		Nonce: header.Nonce, SizeBytes: block.SerializeSize(),
	}
	for i, tx := range block.Transactions {
		one := viewTransaction(network, tx)
		one.Block, one.Height, one.Confirmations = &hash, height, max(confirmations, 0)
		if i == 0 {
			view.Issued = one.outputsTotal
		}
		view.Transactions = append(view.Transactions, one)
	}
	c.fillSenders(ctx, network, view.Transactions)
	return view, nil
}

// Transaction fetches a transaction by id from the mempool or the chain; for the latter the node
// needs its transaction index.
func (c *Client) Transaction(ctx context.Context, network Network, id Hash) (*TransactionView, error) {
	var answer struct {
		Hex           string `json:"hex"`
		Block         *Hash  `json:"blockhash"`
		Confirmations int    `json:"confirmations"`
	}
	if err := c.Call(ctx, &answer, "getrawtransaction", id.String(), 1); err != nil {
		return nil, err
	}
	tx, err := decodeTransaction(answer.Hex)
	if err != nil {
		return nil, err
	}
	if Hash(tx.TxHash()) != id {
		return nil, fmt.Errorf("node sent transaction %s when asked for %s", tx.TxHash(), id)
	}
	view := viewTransaction(network, tx)
	view.Block, view.Confirmations = answer.Block, answer.Confirmations
	if view.Block != nil {
		if view.Height, _, err = c.Position(ctx, *view.Block); err != nil {
			return nil, err
		}
	}
	views := []TransactionView{view}
	c.fillSenders(ctx, network, views)
	return &views[0], nil
}

func decodeTransaction(digits string) (*wire.MsgTx, error) {
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return nil, fmt.Errorf("transaction: %w", err)
	}
	var tx wire.MsgTx
	if err := tx.Deserialize(bytes.NewReader(raw)); err != nil {
		return nil, fmt.Errorf("transaction: %w", err)
	}
	return &tx, nil
}

// maxPrevious bounds the look-ups for one view; a full block spends some 7,000 outputs.
const maxPrevious = 10_000

// fillSenders looks up the outputs that are spent, where the node keeps an index of transactions.
// What it cannot tell stays as the inputs themselves reveal it. No error: a view without senders is worth showing.
func (c *Client) fillSenders(ctx context.Context, network Network, views []TransactionView) {
	raws := map[Hash]*string{}
	var queries []Query
	for _, view := range views {
		for _, in := range view.inputs {
			id := Hash(in.PreviousOutPoint.Hash)
			if view.Coinbase || raws[id] != nil || len(queries) == maxPrevious {
				continue
			}
			raws[id] = new(string)
			queries = append(queries, Query{Method: "getrawtransaction", Params: []any{id.String()}, Result: raws[id]})
		}
	}
	if len(queries) == 0 || c.Batch(ctx, queries) != nil {
		return
	}
	for i := range views {
		views[i].fill(network, raws)
	}
}

// fill adds senders, fee and change from the outputs spent, each of which must hash to the id that its input names.
// With one of them missing the fee stays unknown: a fee of some inputs would be a wrong number, not a part of it.
func (v *TransactionView) fill(network Network, raws map[Hash]*string) {
	if v.Coinbase {
		return
	}
	var spent money.Satoshi
	for _, in := range v.inputs {
		id, index := Hash(in.PreviousOutPoint.Hash), in.PreviousOutPoint.Index
		if raws[id] == nil || *raws[id] == "" {
			return
		}
		tx, err := decodeTransaction(*raws[id])
		if err != nil || Hash(tx.TxHash()) != id || int(index) >= len(tx.TxOut) {
			return
		}
		out := tx.TxOut[index]
		spent += money.Satoshi(out.Value)
		if sender := network.AddressOf(out.PkScript); sender != "" {
			v.addSender(sender)
		}
	}
	fee := spent - v.outputsTotal
	v.Fee = &fee
	v.markChange()
}
