package copycmd

import (
	"context"
	"encoding/hex"
	"fmt"
	"sort"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// noSuchPoint is the code of a point in time before the ledger began.
const noSuchPoint token.Code = "no-such-point"

// point is how far a ledger is restored: all of it, or up to the last block that ends by a size, or was made by a time.
type point struct {
	size   uint64 // entries; 0 is not set
	millis uint64 // Unix ms; 0 is not set
}

func addPointFlags(command *cobra.Command) {
	command.Flags().Uint64("to-size", 0, "restore the ledger as it stood with at most so many entries")
	command.Flags().String("to-time", "", "restore the ledger as it stood at this time: 2026-11-28, "+
		"2026-11-28T17:30, or with a zone (default: the network's)")
}

// pointOf reads a command's flags.
func pointOf(command *cobra.Command) (p point, err error) {
	p.size, _ = command.Flags().GetUint64("to-size")
	text := cli.Flag(command, "to-time")
	switch {
	case command.Flags().Changed("to-size") && p.size == 0:
		return p, cli.Usage(fmt.Errorf("--to-size: want the number of entries, 1 or more"))
	case text == "":
		return p, nil
	case p.size > 0:
		return p, cli.Usage(fmt.Errorf("--to-size and --to-time: give one of them"))
	}
	for _, layout := range []string{time.RFC3339Nano, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04",
		"2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, contract.Zone); err == nil && at.UnixMilli() > 0 {
			if layout == time.DateOnly {
				at = at.AddDate(0, 0, 1).Add(-time.Millisecond) // the day's end
			}
			p.millis = uint64(at.UnixMilli())
			return p, nil
		}
	}
	return p, cli.Usage(fmt.Errorf("--to-time %q: want a day such as 2026-11-28 (its end), or a time such as "+
		"2026-11-28T17:30", text))
}

func (p point) whole() bool { return p == point{} }

// holds says whether a block is not beyond the point.
func (p point) holds(b api.BlockView) bool {
	if p.size > 0 {
		return b.Size <= p.size
	}
	return b.TimeMillis <= p.millis
}

// find is where a source stood at the point: its head, if that is not beyond it.
func (p point) find(ctx context.Context, from *api.Client, head node.Head) (node.Head, error) {
	if p.whole() {
		return head, nil
	}
	if p.size > head.Size {
		return head, token.Errorf(noSuchPoint, "to", "the copy has %d entries, not %d", head.Size, p.size)
	}
	var failed error
	block := func(height uint64) (b api.BlockView) {
		blocks, err := from.Blocks(ctx, height+1, 1)
		if err == nil && (len(blocks) != 1 || blocks[0].Height != height) {
			err = fmt.Errorf("the source has no block %d", height)
		}
		if err != nil {
			failed = err
			return b
		}
		return blocks[0]
	}
	// The number of blocks that are not beyond the point: sizes and times only grow.
	count := sort.Search(int(head.Height)+1, func(height int) bool {
		return failed == nil && !p.holds(block(uint64(height)))
	})
	if failed != nil {
		return head, failed
	}
	if count == 0 {
		return head, token.Errorf(noSuchPoint, "to", "the ledger began with block 0 at %s",
			contract.Moment(int64(block(0).TimeMillis)))
	}
	last := block(uint64(count - 1))
	if failed != nil {
		return head, failed
	}
	var root txlog.Hash
	if n, err := hex.Decode(root[:], []byte(last.Root)); err != nil || n != len(root) {
		return head, fmt.Errorf("block %d of the source has the root %q", last.Height, last.Root)
	}
	return node.Head{Leaf: last.Leaf, Size: last.Size, Root: root}, nil
}
