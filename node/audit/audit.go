package audit

import (
	"context"
	"fmt"
	"iter"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Source is a log as somebody shows it.
type Source interface {
	// Checkpoint is the newest signed checkpoint.
	Checkpoint(ctx context.Context) ([]byte, error)
	// Entries are the first of them, up to a size.
	Entries(ctx context.Context, size uint64) iter.Seq2[[]byte, error]
	// Tile is a hash tile.
	Tile(ctx context.Context, t txlog.Tile) ([]byte, error)
}

// Fault is something that does not hold.
type Fault struct {
	Code string `json:"code"`           // stable
	File string `json:"file,omitempty"` // where, in a directory
	What string `json:"what"`
}

// Codes of faults.
const (
	FaultSlot   = "checkpoint-slot"   // a slot of the checkpoint file is damaged
	FaultBeyond = "beyond-checkpoint" // entries for which nobody has signed
	FaultTail   = "log-tail"          // bytes behind the last batch that are none
)

// What a verification could not check.
const (
	UncheckedNetwork = "network" // that this is the network one means: no id from elsewhere was given
	UncheckedEntries = "entries" // signatures and rules: entries are not for everybody to read
)

// Report is what was derived, and what could not be.
type Report struct {
	node.Report
	Source string `json:"source"` // as it was named
	// each entry was read and judged by the rules; else leaves and hashes alone
	Entries   bool     `json:"entries"`
	Tiles     uint64   `json:"tiles"`               // hash tiles that were compared
	Leaves    uint64   `json:"leaves,omitempty"`    // leaves that were compared, where entries are not readable
	Unchecked []string `json:"unchecked,omitempty"` // see UncheckedNetwork and the others
	Faults    []Fault  `json:"faults,omitempty"`    // if there are any, the log does not verify
}

// FaultsError is the error of a log in which what is under a checkpoint holds, and something else does not.
type FaultsError struct{ Faults []Fault }

func (e *FaultsError) Error() string {
	more := ""
	if n := len(e.Faults) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return "verification failed: " + e.Faults[0].What + more
}
func (e *FaultsError) ErrorCode() string  { return e.Faults[0].Code }
func (e *FaultsError) ErrorField() string { return e.Faults[0].File }

func mismatch(format string, args ...any) error {
	return &node.VerifyError{Detail: fmt.Sprintf(format, args...)}
}

// Log replays a log and compares its hash tiles. network, unless zero, is the one that it must be.
func Log(ctx context.Context, source Source, network token.NetworkID,
	progress func(done, size uint64)) (Report, error) {
	return verify(ctx, source, network, nil, progress, tileCheck{ctx: ctx, source: source})
}

// verify holds the entries against the newest checkpoint, or those of a copy of the past against the point that it
// names.
func verify(ctx context.Context, source Source, network token.NetworkID, point *node.Point,
	progress func(done, size uint64), tiles tileCheck) (r Report, err error) {
	r.Entries = true
	evidence := node.Evidence{Network: network, Entries: func(size uint64) iter.Seq2[[]byte, error] {
		return source.Entries(ctx, size)
	}}
	if evidence.Point = point; point == nil {
		if evidence.Checkpoint, err = source.Checkpoint(ctx); err != nil {
			return r, err
		}
	}
	evidence.Hashes = func(hashes []txlog.Hash) error {
		for _, h := range hashes {
			if err := tiles.stream.Add(h, tiles.compare); err != nil {
				return err
			}
		}
		return nil
	}
	r.Report, _, err = node.Verify(ctx, evidence, progress)
	if err == nil {
		err = tiles.stream.Finish(tiles.compare)
	}
	r.Tiles = tiles.compared
	r.missing(network)
	return r, err
}

// missing names what could not be checked.
func (r *Report) missing(network token.NetworkID) {
	if network == (token.NetworkID{}) {
		r.Unchecked = append(r.Unchecked, UncheckedNetwork)
	}
	if !r.Entries {
		r.Unchecked = append(r.Unchecked, UncheckedEntries)
	}
}

// tileCheck compares the tiles that follow from the entries with those of a source.
type tileCheck struct {
	ctx      context.Context
	source   Source
	partial  bool // the source may keep the beginning of a tile only, or nothing of it
	stream   txlog.TileStream
	compared uint64
}

// compare holds a tile against the hashes that the entries give. Partial tiles may be shorter at a source that is
// being written to; what there is of them must fit.
func (c *tileCheck) compare(t txlog.Tile, want []txlog.Hash) error {
	got, err := c.source.Tile(c.ctx, t)
	if err != nil {
		return fmt.Errorf("hash tile %s: %w", t.Path(), err)
	}
	if have := len(want) * txlog.HashBytes; len(got) > have || (len(got) < have && !c.partial) ||
		len(got)%txlog.HashBytes != 0 {
		return mismatch("hash tile %s has %d bytes, want %d", t.Path(), len(got), len(want)*txlog.HashBytes)
	}
	for i := range len(got) / txlog.HashBytes {
		if txlog.Hash(got[i*txlog.HashBytes:]) != want[i] {
			return mismatch("hash tile %s: hash %d is not that of the entries; whoever reads the log by its tiles "+
				"sees another one", t.Path(), i)
		}
	}
	if len(got) > 0 {
		c.compared++
	}
	return nil
}
