package cluster

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// appVersion is that of what this application does with blocks, besides the rules of the ledger, which have their own.
const appVersion = 1

// Ledger is what the application drives: a node that was opened with a Sequencer. Batches and ordered blocks are the
// node's own types; what its methods promise stands there.
type Ledger interface {
	VerifyBatch(*node.Batch)
	Unsigned(*node.Batch) []int
	ExecuteOrdered(node.Ordered) (node.Outcome, error)
	CommitOrdered() error
	AdoptCheckpoint(signed []byte) error
	CheckpointText() (text string, size uint64)
	StoredBlocks(height, size uint64, bytes int) (frames []byte, to uint64, err error)
	ConsistencyProof(from, to uint64) ([]txlog.Hash, error)
	CatchUp(ctx context.Context, blocks iter.Seq2[[][]byte, error]) error
	Edge() (edge txlog.Tree, blocks uint64, err error)
	CheckCheckpoint(signed []byte) error
	Published() (signed []byte, c txlog.Checkpoint)
	Network() token.NetworkID
	Genesis() ledger.Genesis
	ValidatorSets() ([]node.ValidatorSet, error)
	ExecutedValidators() (members []token.Validator, changes int)
	Handover() (size uint64, missing bool, err error)
	KeepSigned(signed []byte) error
	CheckpointTextAt(size uint64) (string, error)
	SignerLinks(size uint64) ([]signers.Link, error)
	LearnSigners(links []signers.Link) error
	Head() node.Head
}

// app is the ABCI application: CometBFT calls it on three connections, each one call at a time.
//
// What FinalizeBlock answers follows from the decided blocks alone. No clock, no mempool and no order of a map of this
// machine may enter it, or this validator disagrees with the others and stops.
type app struct {
	abci.BaseApplication
	ledger   Ledger
	name     string // of the network
	logger   *slog.Logger
	charter  Charter
	cosigns  *cosigning
	verifies *verifying
	peers    []string     // besides members
	busy     atomic.Int64 // calls of FinalizeBlock and Commit under way
	retain   uint64       // blocks of CometBFT's that are kept; 0 keeps all

	// mu is over what follows: the consensus connection writes it, and queries and checks of proposals read it beside.
	// executed is between FinalizeBlock, which executes, and Commit, which alone makes durable; a crash between the two
	// loses nothing that anybody was told: CometBFT has the block and calls again.
	mu        sync.Mutex
	positions *positions
	at        position // after the last committed block
	next      position // after the executed one
	executed  []*batch // of that
	seen      seen
	spent     spent

	sets    []set  // who has ordered, and does; the first is the genesis's
	changed uint64 // height of the block that held the newest change, 0 where it is not known

	faults       *durable.Journal
	evidence     func(height uint64) map[string][]byte               // in a block, by address
	voters       func(height uint64) (*cmttypes.ValidatorSet, error) // who votes for a block, with whose turn it is
	votes        func(height uint64) map[string][]byte               // extensions of the votes for a block, by address
	signed       func(height uint64) *cmttypes.SignedHeader          // a block with its votes; nil for one not kept
	voting       func(offered uint64) (voting, bool)                 // of the block that is voted on; false without one
	remembered   map[uint64]position                                 // of the last blocks, by height
	kept         []byte                                              // the newest checkpoint that enough have signed
	keptSize     uint64
	offered      position // the newest that can be proved
	offeredUnder []byte   // its checkpoint; nil without one
}

// Info says after which block the ledger stands, so that CometBFT replays what comes after it.
func (a *app) Info(context.Context, *abci.RequestInfo) (*abci.ResponseInfo, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	info := &abci.ResponseInfo{Data: "aqsha", AppVersion: appVersion, LastBlockHeight: int64(a.at.Height)}
	if a.at.Height > 0 {
		info.LastBlockAppHash = a.at.appHash(a.ledger.Network())
	}
	return info, nil
}

// InitChain begins the cluster: all begin from the same ledger.
func (a *app) InitChain(_ context.Context, r *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	charter, err := decodeCharter(r.AppStateBytes)
	if err != nil {
		return nil, err
	}
	if charter.Network != a.ledger.Network() {
		return nil, fmt.Errorf("the cluster's genesis is of network %s, this ledger of %s", charter.Network,
			a.ledger.Network())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return &abci.ResponseInitChain{AppHash: a.at.appHash(charter.Network)}, nil
}

// CheckTx takes a batch into the mempool: cheaply, and has it verified meanwhile.
func (a *app) CheckTx(_ context.Context, r *abci.RequestCheckTx) (*abci.ResponseCheckTx, error) {
	if r.Type == abci.CheckTxType_Recheck {
		if a.verifies.replaced(r.Tx) {
			return &abci.ResponseCheckTx{Code: 1, Log: "a block had another in its place"}, nil
		}
		return &abci.ResponseCheckTx{}, nil
	}
	if err := checkBatch(r.Tx); err != nil {
		return &abci.ResponseCheckTx{Code: 1, Log: err.Error()}, nil //nolint:nilerr // it is the answer
	}
	a.verifies.of(r.Tx)
	return &abci.ResponseCheckTx{}, nil
}

// protoBytes is the most that CometBFT counts for a transaction besides its bytes.
const protoBytes = 8

// PrepareProposal makes a block of what waits: a header, and batches in which everything is signed. The seed of salts
// is new for each proposal, so that nobody knows salts before a block is proposed.
func (a *app) PrepareProposal(_ context.Context, r *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal,
	error) {
	var seed [seedBytes]byte
	_, _ = rand.Read(seed[:]) // never fails
	txs := [][]byte{appendHeader(nil, seed)}
	room := r.MaxTxBytes - int64(len(txs[0])) - protoBytes
	waiting := make([]*batch, len(r.Txs))
	for i, encoded := range r.Txs {
		waiting[i] = a.verifies.of(encoded)
	}
	if len(waiting) > 0 && !slices.ContainsFunc(waiting, (*batch).ready) {
		waiting[0].wait()
	}
	count := 0
	for i, b := range waiting {
		// The others wait for the proposal: what is not verified by now comes with the next one.
		if !b.ready() || b.broken != nil || a.verifies.replaced(r.Txs[i]) {
			continue
		}
		encoded := r.Txs[i]
		if drop := a.ledger.Unsigned(b.batch); len(drop) > 0 {
			if b = a.without(b, drop); b == nil {
				continue
			}
			encoded = encodeBatch(b.replaces, b.batch.Len(), b.batch.Transaction)
			a.verifies.remember(encoded, b.replaces, b.batch)
		}
		if count += b.batch.Len(); count > node.MaxOrdered {
			break
		}
		if room -= int64(len(encoded)) + protoBytes; room < 0 {
			break
		}
		txs = append(txs, encoded)
	}
	return &abci.ResponsePrepareProposal{Txs: txs}, nil
}

// without is a batch without what nobody has signed; nil when nothing is left. That one keeps its place in the mempool
// until a key changes again or its transactions' time has passed.
func (a *app) without(b *batch, drop []int) *batch {
	kept := b.batch.Without(drop)
	if kept.Len() == 0 {
		a.verifies.drop(b)
		return nil
	}
	return &batch{replaces: b.hash, batch: kept}
}

// opened is a proposal's transactions, decoded.
type opened struct {
	seed    [seedBytes]byte
	batches []*batch
	count   int
}

// open decodes and verifies a block. What is wrong with it depends on its bytes alone. So all validators find the same
// wrong, and a proposer is refused by all or by none.
func (a *app) open(txs [][]byte) (o opened, err error) {
	if len(txs) == 0 {
		return o, errors.New("a block without a header")
	}
	if o.seed, err = decodeHeader(txs[0]); err != nil {
		return o, err
	}
	for _, encoded := range txs[1:] {
		if err := checkBatch(encoded); err != nil {
			return o, err
		}
		o.batches = append(o.batches, a.verifies.of(encoded))
	}
	all(o.batches)
	for i, b := range o.batches {
		if b.broken != nil {
			return o, fmt.Errorf("batch %d: %w", i, b.broken)
		}
		if slices.ContainsFunc(o.batches[:i], func(other *batch) bool { return other.hash == b.hash }) {
			return o, fmt.Errorf("batch %d stands twice", i)
		}
		if o.count += b.batch.Len(); o.count > node.MaxOrdered {
			return o, fmt.Errorf("more than %d transactions", node.MaxOrdered)
		}
	}
	return o, nil
}

// ProcessProposal says whether a block may be voted for: whoever proposes one with a batch that cannot be decoded, or
// with a transaction that nobody has signed, has his block refused whole. What cannot be executed in its order costs it
// nothing.
func (a *app) ProcessProposal(_ context.Context, r *abci.RequestProcessProposal) (*abci.ResponseProcessProposal,
	error) {
	begun := time.Now()
	err := a.judge(r.Txs)
	a.spent.judging.Add(int64(time.Since(begun)))
	if err != nil {
		a.logger.Warn("a proposal is refused", "height", r.Height, "proposer", a.memberName(r.ProposerAddress), "cause",
			err)
		return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_REJECT}, nil
	}
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
}

// judge says why a block may not be voted for. It asks the state after the last committed block, which all who vote
// have.
func (a *app) judge(txs [][]byte) error {
	o, err := a.open(txs)
	if err != nil {
		return err
	}
	for i, b := range o.batches {
		if unsigned := a.ledger.Unsigned(b.batch); len(unsigned) > 0 {
			return fmt.Errorf("batch %d: transaction %d of it is not signed", i, unsigned[0])
		}
	}
	return nil
}

// FinalizeBlock executes a block that is decided. An error stops this validator: CometBFT does not go on without the
// answer.
func (a *app) FinalizeBlock(_ context.Context, r *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	a.busy.Add(1)
	defer a.busy.Add(-1)
	if err := a.keepCheckpoint(); err != nil {
		return nil, err
	}
	if err := a.note(r); err != nil {
		return nil, err
	}
	present, changes := a.ledger.ExecutedValidators()
	o, err := a.open(r.Txs)
	if err != nil { // more than two thirds have accepted it: this node decodes otherwise than they do
		return nil, fmt.Errorf("block %d was decided, and cannot be opened here: %w", r.Height, err)
	}
	ordered := node.Ordered{TimeMillis: uint64(max(0, r.Time.UnixMilli())), Seed: o.seed}
	for _, b := range o.batches {
		ordered.Batches = append(ordered.Batches, b.batch)
	}
	begun := time.Now()
	out, err := a.ledger.ExecuteOrdered(ordered)
	a.spent.executing.Add(int64(time.Since(begun)))
	if err != nil {
		return nil, err
	}
	changed := a.change(present, changes)
	results := []*abci.ExecTxResult{{}}
	a.mu.Lock()
	defer a.mu.Unlock()
	next := position{Height: uint64(r.Height), Size: out.Head.Size, Root: out.Head.Root,
		Verdicts: a.at.Verdicts}
	for _, b := range o.batches {
		sum := verdictsDigest(out.Verdicts[:b.batch.Len()])
		out.Verdicts = out.Verdicts[b.batch.Len():]
		next.Verdicts = sha256.Sum256(append(next.Verdicts[:], sum[:]...))
		results = append(results, &abci.ExecTxResult{Data: sum[:]})
	}
	a.next, a.executed = next, o.batches
	return &abci.ResponseFinalizeBlock{TxResults: results, AppHash: next.appHash(a.ledger.Network()),
		ValidatorUpdates: changed}, nil
}

// verdictsDigest is over the codes of refusals: their texts are for people, and may differ between programs. It is
// SHA-256 over each code after its length in two bytes; of what was executed the code is empty.
func verdictsDigest(verdicts []*token.Error) digest {
	h := sha256.New()
	for _, v := range verdicts {
		code := ""
		if v != nil {
			code = string(v.Code)
		}
		var length [2]byte
		binary.BigEndian.PutUint16(length[:], uint16(len(code)))
		h.Write(length[:])
		h.Write([]byte(code))
	}
	return digest(h.Sum(nil))
}

// Commit makes the block durable: its position first, see positions.
func (a *app) Commit(context.Context, *abci.RequestCommit) (*abci.ResponseCommit, error) {
	a.busy.Add(1)
	defer a.busy.Add(-1)
	begun := time.Now()
	defer func() { a.spent.committing.Add(int64(time.Since(begun))) }()
	// The position first. After a crash between the two it is of a block that the log lacks, and CometBFT, which has
	// it, brings it again; the other way round the log would have a block of which nobody knows at what height it
	// stands.
	a.mu.Lock()
	next := a.next
	err := a.positions.add(next)
	a.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if err := a.ledger.CommitOrdered(); err != nil {
		return nil, err
	}
	sets, err := a.readSets()
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(sets) > len(a.sets) {
		a.sets, a.changed = sets, next.Height
	}
	a.remember(a.at, next)
	a.at, a.seen.at = next, time.Now()
	if len(a.executed) > 0 {
		a.seen.batches, a.seen.count = len(a.executed), 0
	}
	for _, b := range a.executed {
		a.seen.count += b.batch.Len()
		a.seen.traffic.Batches++
		a.seen.traffic.Transactions += int64(b.batch.Len())
		a.seen.traffic.Bytes += int64(b.batch.Bytes())
		a.verifies.forget(b)
	}
	a.executed = nil
	response := &abci.ResponseCommit{}
	if a.retain > 0 && next.Height > a.retain {
		response.RetainHeight = int64(next.Height - a.retain)
	}
	return response, nil
}

// ExtendVote signs the checkpoint of the state on which the block builds. That state is durable and the same at all who
// vote, so their signatures are over one text.
func (a *app) ExtendVote(context.Context, *abci.RequestExtendVote) (*abci.ResponseExtendVote, error) {
	text, size := a.ledger.CheckpointText()
	a.mu.Lock()
	by, handing := a.setOf(size), a.handing()
	a.mu.Unlock()
	return &abci.ResponseExtendVote{VoteExtension: a.cosigns.sign(by, text, size, handing)}, nil
}

// VerifyVoteExtension takes another member's signature of the checkpoint. One that does not hold is no reason to refuse
// the vote: the block may need it. But behind a change of validators it is, as nobody signs that checkpoint later: with
// each vote that counts comes a signature.
func (a *app) VerifyVoteExtension(_ context.Context,
	r *abci.RequestVerifyVoteExtension) (*abci.ResponseVerifyVoteExtension, error) {
	text, size := a.ledger.CheckpointText()
	a.mu.Lock()
	by, handing := a.setOf(size), a.handing()
	a.mu.Unlock()
	if len(r.VoteExtension) > 0 || handing {
		if !a.cosigns.hear(by, r.ValidatorAddress, r.VoteExtension, text, size) {
			a.logger.Warn("a validator's signature of the checkpoint does not hold", "validator",
				a.memberName(r.ValidatorAddress), "height", r.Height)
			if handing {
				return &abci.ResponseVerifyVoteExtension{Status: abci.ResponseVerifyVoteExtension_REJECT}, nil
			}
		}
	}
	return &abci.ResponseVerifyVoteExtension{Status: abci.ResponseVerifyVoteExtension_ACCEPT}, nil
}

// keepCheckpoint keeps the checkpoint of the state before a block, which has come with the votes for it.
func (a *app) keepCheckpoint() error {
	signed := a.cosigns.complete(a.name)
	if signed == nil {
		return a.recoverHandover()
	}
	if err := a.ledger.AdoptCheckpoint(signed); err != nil {
		return err
	}
	c, err := txlog.ParseSigned(signed)
	if err != nil {
		return err
	}
	a.cosigns.keeps(c.Size)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kept, a.keptSize = signed, c.Size
	return nil
}

func (a *app) memberName(address []byte) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.nameOf(address)
}

// keyOf is the key of votes of who orders, or did; nil of somebody else. The lock is held.
func (a *app) keyOf(address []byte) ed25519.PublicKey {
	for i := len(a.sets) - 1; i >= 0; i-- {
		if k := a.sets[i].byAddress(address); k >= 0 {
			return a.sets[i].members[k].Consensus
		}
	}
	return nil
}

// nameOf is memberName with the lock held: of those who order, or did.
func (a *app) nameOf(address []byte) string {
	for i := len(a.sets) - 1; i >= 0; i-- {
		if k := a.sets[i].byAddress(address); k >= 0 {
			return a.sets[i].members[k].Name
		}
	}
	return fmt.Sprintf("%X", address)
}
