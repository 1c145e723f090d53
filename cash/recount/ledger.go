package recount

import (
	"context"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/cash/record"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// stampedWithin is within what time of a cash log's last block its state is on the ledger, in milliseconds of the
// ledger.
const stampedWithin = 3_600_000

// maxCompared bounds for how many blocks of the cash log, the latest, the ledger's leaves are asked for.
const maxCompared = 100

// inFlight is how many blocks of the ledger later a payment may stand that the office's books had when it saw a
// height: it asks for the height first, then for what was paid in.
const inFlight = 8

// Against is what a cash log is held against: what the ledger says of its reserve.
type Against struct {
	// leaf is what the ledger's leaf at a height says that all reserves hold.
	leaf     func(ctx context.Context, height uint64) (holds money.Tiyn, found bool, err error)
	reserves []ledger.CashReserve
	root     txlog.Hash // of the cash log where the ledger's stamp has it
	compared []record.Header
	all      int             // blocks that say that they were compared
	newest   []record.Header // that were not, since the last that was
	newer    int             // how many those are; newest has the last of them
}

// Held is what holding a cash log against its ledger came to.
type Held struct {
	Keysets       int        `json:"keysets_announced"`
	StampedSize   uint64     `json:"stamped_size"` // of the cash log, entered on the ledger
	StampedRoot   token.Hash `json:"stamped_root"`
	StampedMillis uint64     `json:"stamped_millis"`
	Compared      int        `json:"blocks_compared"` // whose reserve is that of the ledger's leaf
	// NotCompared is how many of the newest blocks the office closed without finding its books and the ledger alike.
	NotCompared int `json:"newest_blocks_not_compared"`
}

// NewAgainst is a ledger to hold a cash log against: leaf is what the ledger's leaf at a height says that all
// reserves hold, reserves are those that its authority has announced.
func NewAgainst(leaf func(ctx context.Context, height uint64) (holds money.Tiyn, found bool, err error),
	reserves []ledger.CashReserve) *Against {
	return &Against{leaf: leaf, reserves: reserves}
}

// stamped notes the cash log's root at the size that the ledger has.
func (h *Against) stamped(tree *txlog.Tree) {
	for i := range h.reserves {
		if s := h.reserves[i].Stamp; s.Size == tree.Size() && txlog.Hash(s.Root) == tree.Root() {
			h.root = tree.Root()
		}
	}
}

// block notes a block: whether it says that it was compared.
func (h *Against) block(b *record.Block) {
	if b.Header.Compared {
		h.compared, h.all = latest(append(h.compared, b.Header)), h.all+1
		h.newest, h.newer = nil, 0
		return
	}
	h.newest, h.newer = latest(append(h.newest, b.Header)), h.newer+1
}

// latest are the last maxCompared headers.
func latest(list []record.Header) []record.Header { return list[max(0, len(list)-maxCompared):] }

// check holds a log that is right by itself against the ledger: its reserve, origin and key, keysets, last state and
// sums.
func (h *Against) check(ctx context.Context, c *Report, last *record.Header) (l Held, err error) {
	wrong := func(rule string, args ...any) error {
		return &record.CheckError{Block: last.Number, Rule: fmt.Sprintf(rule, args...)}
	}
	at := slices.IndexFunc(h.reserves, func(r ledger.CashReserve) bool { return r.Wallet.String() == c.Wallet })
	if at < 0 {
		return l, wrong("names the reserve %s, which the ledger does not announce", c.Wallet)
	}
	r := &h.reserves[at]
	if r.Origin != c.Origin || r.LogKey != c.Key {
		return l, wrong("is of the log %s with the key %s; the ledger announces %s with %s", c.Origin, c.Key,
			r.Origin, r.LogKey)
	}
	for _, k := range c.Keysets {
		// The ledger forgets a keyset that has expired, to make room for new ones: its absence speaks against a log
		// only before that.
		announced := slices.ContainsFunc(r.Keysets, func(a ledger.CashKeyset) bool {
			return a.Keyset.String() == k.ID && a.Transaction.String() == k.Announcement && a.Expiry == k.Expiry
		})
		if !announced && last.LedgerMillis < k.Expiry*1000 {
			return l, wrong("uses keyset %s, which the ledger does not announce", k.ID)
		}
		l.Keysets++
	}
	l.StampedSize, l.StampedRoot, l.StampedMillis = r.Stamp.Size, r.Stamp.Root, r.Stamp.Millis
	switch {
	// The state on the ledger is what everybody sees: a log that is shorter, or has another root there, was shown to
	// this reader alone.
	case r.Stamp.Size > c.Size:
		return l, wrong("ends at %d entries; the ledger has a state of %d: this is an old copy, or another view",
			c.Size, r.Stamp.Size)
	case r.Stamp.Size > 0 && h.root != txlog.Hash(r.Stamp.Root):
		return l, wrong("has another root at %d entries than the ledger, which has %s: this is another view of the log",
			r.Stamp.Size, r.Stamp.Root)
	case last.LedgerMillis > r.Stamp.Millis+stampedWithin && (r.Stamp.Size > 0 || c.Blocks > 1 &&
		last.LedgerMillis > c.first+stampedWithin):
		return l,
			wrong("is of %d s after the last state on the ledger, at most %d: nobody can tell whether others see the same log", (last.LedgerMillis-r.Stamp.Millis)/1000, stampedWithin/1000)
	}
	l.NotCompared = h.newer
	if l.Compared, err = h.leaves(ctx, wrong); err != nil {
		return l, err
	}
	return l, h.lacking(ctx, wrong)
}

// lacking holds the newest blocks, which the office closed without finding the ledger's reserve to be that of its
// books, against the ledger all the same: whatever was on its way, the reserve holds what circulates but for what is
// being paid out.
func (h *Against) lacking(ctx context.Context, wrong func(string, ...any) error) error {
	for i := range h.newest {
		b := &h.newest[i]
		var holds money.Tiyn
		for height := b.LedgerHeight; height <= b.LedgerHeight+inFlight; height++ {
			leaf, found, err := h.leaf(ctx, height)
			if err != nil {
				return err
			}
			if !found {
				break
			}
			holds = max(holds, leaf)
		}
		if owes := b.Reserve.Circulating() - b.Reserve.Owed; holds < owes {
			return wrong("block %d says that notes for %s circulate; the ledger's reserves hold %s at its block %d: "+
				"%s are missing",
				b.Number, owes.Format(), holds.Format(), b.LedgerHeight, (owes - holds).Format())
		}
	}
	return nil
}

// unverified says what was not held against the ledger, in sentences for whoever reads the result.
func (h *Against) unverified(l *Held, c *Report) (list []Gap) {
	// An auditor must not take silence for proof: each check that could be made of a part only has its sentence.
	if h.newer > 0 && len(h.compared) > 0 {
		last := &h.compared[len(h.compared)-1]
		list = append(list, Gap{"newer", []any{"count", h.newer, "block", last.Number, "at",
			terminal.Moment(uint64(last.Time) * 1000)}})
	} else if h.newer > 0 {
		list = append(list, Gap{"newer-ever", []any{"count", h.newer}})
	}
	if older := h.all - l.Compared; older > 0 {
		list = append(list, Gap{"older", []any{"count", older, "most", maxCompared}})
	}
	if between := int(c.Blocks) - h.all - h.newer; between > 0 {
		list = append(list, Gap{"between", []any{"count", between}})
	}
	if len(h.reserves) > 1 {
		list = append(list, Gap{"reserves", []any{"count", len(h.reserves)}})
	}
	if l.StampedSize == 0 {
		list = append(list, Gap{Name: "no-state"})
	} else if rest := c.Size - l.StampedSize; rest > 0 {
		list = append(list, Gap{"newest", []any{"count", rest}})
	}
	return list
}

// leaves holds the reserves of compared blocks against the ledger's leaves at their heights. A leaf says what all
// reserves hold.
func (h *Against) leaves(ctx context.Context, wrong func(string, ...any) error) (n int, err error) {
	for i := range h.compared {
		b := &h.compared[i]
		leaf, found, err := h.leaf(ctx, b.LedgerHeight)
		if err != nil {
			return n, err
		}
		if !found {
			return n, wrong("speaks of block %d of the ledger, which is not there", b.LedgerHeight)
		}
		if holds := b.Reserve.Balance(); leaf < holds || len(h.reserves) == 1 && leaf != holds {
			return n, wrong("block %d says that the reserve was %s at the ledger's block %d, whose leaf says %s",
				b.Number, holds, b.LedgerHeight, leaf)
		}
		n++
	}
	return n, nil
}
