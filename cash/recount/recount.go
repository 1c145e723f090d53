package recount

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/record"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog"
)

// Report is what reading a cash log from its beginning came to.
type Report struct {
	Origin      string       `json:"origin"`
	Size        uint64       `json:"size"`
	Root        txlog.Hash   `json:"root"`
	Key         string       `json:"key"` // that signed the checkpoint
	Blocks      uint64       `json:"blocks"`
	Notes       uint64       `json:"notes_verified"`
	Circulating money.Tiyn   `json:"circulating"`
	Reserve     cash.Reserve `json:"reserve"`
	Wallet      string       `json:"reserve_wallet"`
	Keysets     []Shelf      `json:"keysets"`
	Ledger      *Held        `json:"ledger,omitempty"` // where it was held against its ledger
	Unverified  []string     `json:"unverified"`       // what this check does not show, in English
	Gaps        []Gap        `json:"-"`                // the same, for who says it in a reader's language

	first      uint64 // the ledger's time in its first block
	last       record.Header
	shelves    []*record.Shelf
	checkpoint string
}

// Shelf is a keyset of a report.
type Shelf struct {
	ID           string         `json:"id"`
	Announcement string         `json:"announcement"`
	Until        uint64         `json:"signs_until"`
	Expiry       uint64         `json:"expiry"`
	Counts       []record.Count `json:"counts"`
	WrittenOff   money.Tiyn     `json:"written_off"` // of its notes that never came back, once its time was over
}

// Last is the newest block's header.
func (c *Report) Last() *record.Header { return &c.last }

// KeyError is a key that is no verifier key of a log.
type KeyError struct{ Cause error }

func (e *KeyError) Error() string { return "the log's key: " + e.Cause.Error() }

// Unwrap is why.
func (e *KeyError) Unwrap() error { return e.Cause }

// Log reads a log from its beginning and verifies all of it; what is not right is a *record.CheckError. against, if
// not nil, is the ledger that it is held against; watch, if not nil, sees each block that was verified.
func Log(ctx context.Context, s Source, against *Against, watch func(*record.Block)) (c Report, err error) {
	verifier, err := note.NewVerifier(s.Key)
	if err != nil {
		return c, &KeyError{err}
	}
	stated, _, err := txlog.OpenCheckpoint(s.Checkpoint, verifier.Name(), note.VerifierList(verifier))
	if err != nil {
		return c, err
	}
	var tree txlog.Tree
	checker := &record.Checker{Watch: watch}
	if err := c.read(ctx, s, stated.Size, &tree, checker, against); err != nil {
		return c, err
	}
	// Held against what was signed before any sum is reported: until here the entries are only somebody's bytes.
	if tree.Size() != stated.Size || tree.Root() != stated.Root {
		return c, &record.CheckError{Block: checker.Blocks, Rule: fmt.Sprintf(
			"%d entries have the root %s, the checkpoint says %d and %s", tree.Size(), tree.Root(), stated.Size,
			stated.Root)}
	}
	c.Origin, c.Size, c.Root, c.Key, c.checkpoint = stated.Origin, stated.Size, stated.Root, s.Key, string(s.Checkpoint)
	c.take(checker)
	if against == nil {
		c.lacks([]Gap{{Name: "no-ledger"}})
		return c, nil
	}
	if checker.Blocks > 0 {
		held, err := against.check(ctx, &c, &checker.Last)
		if err != nil {
			return c, err
		}
		c.Ledger = &held
		c.lacks(against.unverified(&held, &c))
	}
	return c, nil
}

// read verifies entries up to a size.
func (c *Report) read(ctx context.Context, s Source, size uint64, tree *txlog.Tree, checker *record.Checker,
	against *Against) error {
	var reader record.Reader
	for entry, err := range s.Entries {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if tree.Size() == size {
			break // what was written since the checkpoint
		}
		tree.Add(txlog.LeafHash(entry))
		if against != nil {
			against.stamped(tree)
		}
		block, err := reader.Add(entry)
		if err != nil {
			return err
		}
		if block == nil {
			continue
		}
		if err := checker.Add(block); err != nil {
			return err
		}
		if checker.Blocks == 1 {
			c.first = block.Header.LedgerMillis
		}
		if against != nil {
			against.block(block)
		}
	}
	if reader.Open() {
		return &record.CheckError{Block: checker.Blocks, Rule: "is not whole"}
	}
	return nil
}

// take notes what a checker has counted.
func (c *Report) take(checker *record.Checker) {
	c.last, c.shelves, c.Blocks, c.Notes = checker.Last, checker.Shelves, checker.Blocks, checker.Notes
	c.Unverified, c.Circulating = []string{}, checker.Outstanding()
	c.Reserve, c.Wallet, c.Keysets = checker.Last.Reserve, checker.Last.Wallet, []Shelf{}
	for _, s := range checker.Shelves {
		shelf := Shelf{s.ID.String(), s.Announcement, s.Until, s.Expiry, s.Counts, 0}
		if s.WrittenOff {
			shelf.WrittenOff = s.Outstanding()
		}
		c.Keysets = append(c.Keysets, shelf)
	}
}
