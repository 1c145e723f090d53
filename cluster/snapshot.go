package cluster

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/txlog"
)

// A snapshot, to CometBFT, is the log up to the end of one of the cluster's blocks: the state of the ledger follows
// from it, and whoever takes it executes it. Chunk i of it begins with block i of the log and has as many as fit;
// whoever has the beginning of the log asks for no more than the rest. A snapshot's metadata are an offer, which proves
// how the log stands after which block of the cluster's; each chunk proves that it is in that log.
//
//	offer: { length(uvarint) field }… of position, checkpoint, signed header, signed header of the next block; and
//	       where validators have changed: a file of links to those who signed the checkpoint, and CometBFT's
//	       validators, with whose turn it is, of the block and of the next two
//	chunk: length(uvarint) of proof, proof{ hash(32) }…, frames of blocks (node.ReadFrame)
const (
	snapshotFormat   = 1
	chunkBytes       = 2 << 20  // a chunk ends with the block that reaches it
	maxChunkBytes    = 15 << 20 // more CometBFT does not carry
	maxOfferBytes    = 3 << 20
	maxProofHashes   = 2 * 64
	rememberedBlocks = 4096 // positions of so many blocks are remembered, for those who fetch one of them
)

// offer is how the log stands after a block, and what proves it.
type offer struct {
	at         position
	checkpoint []byte // over the log at that position or before it, signed by enough
	block      *cmttypes.SignedHeader
	next       *cmttypes.SignedHeader // its header has what the validators agree on after the block

	changed bool // what follows is there
	links   []signers.Link
	voters  [voterSets]*cmttypes.ValidatorSet // of the block, and of the next two
}

const (
	offerFields = 4
	voterSets   = 3
)

// encode writes the fields one after the other, each behind its length.
func (o *offer) encode() ([]byte, error) {
	block, err := o.block.ToProto().Marshal()
	if err != nil {
		return nil, err
	}
	next, err := o.next.ToProto().Marshal()
	if err != nil {
		return nil, err
	}
	fields := [][]byte{o.at.encode(), o.checkpoint, block, next}
	// What an offer without changes of validators says has the bytes that it had before there were changes, so that
	// validators of both programs understand each other.
	if o.changed {
		fields = append(fields, signers.Encode(o.links))
		for _, set := range o.voters {
			encoded, err := set.ToProto()
			if err != nil {
				return nil, err
			}
			field, err := encoded.Marshal()
			if err != nil {
				return nil, err
			}
			fields = append(fields, field)
		}
	}
	var b []byte
	for _, field := range fields {
		b = append(binary.AppendUvarint(b, uint64(len(field))), field...)
	}
	return b, nil
}

// decodeOffer decodes metadata from a peer; nothing of them is believed yet.
func decodeOffer(b []byte) (*offer, error) {
	if len(b) > maxOfferBytes {
		return nil, fmt.Errorf("an offer of %d bytes", len(b))
	}
	var fields [offerFields + 1 + voterSets][]byte
	count := 0
	for i := range fields {
		// Either all of the later fields are there or none: what is cut in between is an offer that ends early.
		if i == offerFields && len(b) == 0 {
			break
		}
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) {
			return nil, errors.New("an offer that ends early")
		}
		fields[i], b = b[n:n+int(length)], b[n+int(length):]
		count++
	}
	if len(b) > 0 {
		return nil, errors.New("an offer with more after its end")
	}
	at, err := decodePosition(fields[0])
	if err != nil {
		return nil, err
	}
	o := &offer{at: at, checkpoint: fields[1]}
	for i, header := range []**cmttypes.SignedHeader{&o.block, &o.next} {
		var encoded cmtproto.SignedHeader
		if err := encoded.Unmarshal(fields[2+i]); err != nil {
			return nil, err
		}
		if *header, err = cmttypes.SignedHeaderFromProto(&encoded); err != nil {
			return nil, err
		}
	}
	if count > offerFields {
		return o, o.decodeChanged(fields[offerFields:])
	}
	return o, nil
}

// decodeChanged decodes what an offer has where validators have changed.
func (o *offer) decodeChanged(fields [][]byte) (err error) {
	o.changed = true
	if o.links, err = signers.Decode(fields[0]); err != nil {
		return err
	}
	for i := range o.voters {
		var encoded cmtproto.ValidatorSet
		if err := encoded.Unmarshal(fields[1+i]); err != nil {
			return err
		}
		if len(encoded.Validators) > maxMembers {
			return fmt.Errorf("%d validators", len(encoded.Validators))
		}
		if o.voters[i], err = cmttypes.ValidatorSetFromProto(&encoded); err != nil {
			return err
		}
	}
	return nil
}

// check says what is wrong with an offer: more than two thirds of these validators must have signed both blocks, the
// second must follow on the first and state the position, and the checkpoint may not be of more (that it is of the
// same log, its adoption shows).
func (o *offer) check(c Charter, chain string, first *cmttypes.ValidatorSet, sound func(o *offer) error) error {
	voters := o.voters
	if !o.changed {
		voters = [voterSets]*cmttypes.ValidatorSet{first, first, first}
	}
	for i, h := range []*cmttypes.SignedHeader{o.block, o.next} {
		if err := h.ValidateBasic(chain); err != nil {
			return err
		}
		if !bytes.Equal(h.ValidatorsHash, voters[i].Hash()) || !bytes.Equal(h.NextValidatorsHash, voters[i+1].Hash()) {
			return fmt.Errorf("block %d is of other validators", h.Height)
		}
		if err := voters[i].VerifyCommitLight(chain, h.Commit.BlockID, h.Height, h.Commit); err != nil {
			return err
		}
	}
	checkpoint, err := txlog.ParseSigned(o.checkpoint)
	if err != nil {
		return err
	}
	switch {
	case o.next.Height != o.block.Height+1 || !o.next.LastBlockID.Equals(o.block.Commit.BlockID):
		return errors.New("the second block does not follow on the first")
	case o.at.Height != uint64(o.block.Height) || !bytes.Equal(o.at.appHash(c.Network), o.next.AppHash):
		return errors.New("the validators have agreed on another position")
	case checkpoint.Size > o.at.Size || checkpoint.Size == o.at.Size && checkpoint.Root != o.at.Root:
		return errors.New("the checkpoint is of another log than the position")
	case o.changed && checkpoint.Size != o.at.Size:
		return errors.New("the checkpoint is not of the position") // who signs more than it is not known yet
	}
	return sound(o)
}

// chunk is blocks of a log, and the proof that they are its next ones.
type chunk struct {
	proof  []txlog.Hash // that the log up to their end begins the one that was offered
	frames []byte
}

// encode writes the proof behind its count, and the frames behind it.
func (c chunk) encode() []byte {
	b := binary.AppendUvarint(nil, uint64(len(c.proof)))
	for _, hash := range c.proof {
		b = append(b, hash[:]...)
	}
	return append(b, c.frames...)
}

// decodeChunk reads a chunk from a stranger; the proof is bounded, and checked by the caller.
func decodeChunk(b []byte) (c chunk, err error) {
	count, n := binary.Uvarint(b)
	if n <= 0 || count > maxProofHashes || uint64(len(b)-n) < count*txlog.HashBytes {
		return c, errors.New("a chunk without its proof")
	}
	for b = b[n:]; count > 0; count-- {
		c.proof, b = append(c.proof, txlog.Hash(b[:txlog.HashBytes])), b[txlog.HashBytes:]
	}
	c.frames = b
	return c, nil
}

// open verifies a chunk that follows on an edge of the log, against the log that was offered. The edge is moved by
// what holds.
func (c chunk) open(edge *txlog.Tree, at position) (blocks [][][]byte, err error) {
	next := *edge
	for r := bytes.NewReader(c.frames); r.Len() > 0; {
		f, err := node.ReadFrame(r)
		if err != nil {
			return nil, err
		}
		if f.Entries == nil {
			return nil, errors.New("a chunk with a frame that is no block")
		}
		for _, entry := range f.Entries {
			next.Add(txlog.LeafHash(entry))
		}
		blocks = append(blocks, f.Entries)
	}
	if len(blocks) == 0 || next.Size() > at.Size {
		return nil, fmt.Errorf("a chunk to entry %d of %d", next.Size(), at.Size)
	}
	if err := txlog.VerifyConsistency(next.Size(), at.Size, next.Root(), at.Root, c.proof); err != nil {
		return nil, fmt.Errorf("a chunk that is not of the log: %w", err)
	}
	*edge = next
	return blocks, nil
}

// ListSnapshots offers the log after the block before the last: the header that states its position is that of the
// last.
func (a *app) ListSnapshots(context.Context, *abci.RequestListSnapshots) (*abci.ResponseListSnapshots, error) {
	a.mu.Lock()
	at, checkpoint := a.offered, a.offeredUnder
	a.mu.Unlock()
	response := &abci.ResponseListSnapshots{}
	if checkpoint == nil || a.signed == nil {
		return response, nil
	}
	o := &offer{at: at, checkpoint: checkpoint, block: a.signed(at.Height), next: a.signed(at.Height + 1)}
	if o.block == nil || o.next == nil {
		return response, nil
	}
	if err := a.showChanges(o); err != nil {
		a.logger.Debug("nothing is offered to those who fetch the log", "cause", err)
		return response, nil
	}
	metadata, err := o.encode()
	if err != nil {
		return nil, err
	}
	// How many chunks there are depends on who fetches them, and from which block on.
	response.Snapshots = []*abci.Snapshot{{Height: at.Height, Format: snapshotFormat, Chunks: 1,
		Hash: at.Root[:], Metadata: metadata}}
	if v, ok := a.voting(at.Height); ok {
		response.Snapshots = append(response.Snapshots, votingSnapshot(v))
	}
	return response, nil
}

// showChanges puts into an offer what shows the changes of validators, if there were any.
func (a *app) showChanges(o *offer) (err error) {
	if a.now().first {
		return nil
	}
	checkpoint, err := txlog.ParseSigned(o.checkpoint)
	if err != nil {
		return err
	}
	if checkpoint.Size != o.at.Size {
		return errors.New("the newest checkpoint is not of the block before the last")
	}
	o.changed = true
	if o.links, err = a.ledger.SignerLinks(checkpoint.Size); err != nil {
		return err
	}
	for i := range o.voters {
		if o.voters[i], err = a.voters(o.at.Height + uint64(i)); err != nil {
			return err
		}
	}
	return nil
}

// LoadSnapshotChunk reads the blocks of the log that begin with one, up to a position that is remembered. Without it
// the peer is answered that the chunk is missing, and asks for a newer snapshot.
func (a *app) LoadSnapshotChunk(_ context.Context, r *abci.RequestLoadSnapshotChunk) (*abci.ResponseLoadSnapshotChunk,
	error) {
	a.mu.Lock()
	at, known := a.remembered[r.Height]
	a.mu.Unlock()
	response := &abci.ResponseLoadSnapshotChunk{}
	if !known || r.Format != snapshotFormat {
		return response, nil
	}
	frames, to, err := a.ledger.StoredBlocks(uint64(r.Chunk), at.Size, chunkBytes)
	if err != nil {
		return response, nil //nolint:nilerr // it is missing
	}
	proof, err := a.ledger.ConsistencyProof(to, at.Size)
	if err != nil {
		return response, nil //nolint:nilerr // it is missing
	}
	if encoded := (chunk{proof, frames}).encode(); len(encoded) <= maxChunkBytes {
		response.Chunk = encoded
	}
	return response, nil
}

// remember keeps the position of a block, and offers that of the one before. The lock is held.
func (a *app) remember(before, at position) {
	if before.Height > 0 && a.kept != nil && a.keptSize <= before.Size {
		a.offered, a.offeredUnder = before, a.kept
	}
	if a.remembered == nil {
		a.remembered = map[uint64]position{}
	}
	a.remembered[at.Height] = at
	delete(a.remembered, at.Height-rememberedBlocks)
}
