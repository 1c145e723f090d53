package payout

import (
	"fmt"
	"math/big"
	"slices"
	"sort"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
)

// Schemes by name.
const (
	PPS   = "pps"
	FPPS  = "fpps"
	PPLNS = "pplns"
	TIDES = "tides"
	PROP  = "prop"
	SOLO  = "solo"
)

// Schemes lists the names of all.
var Schemes = []string{PPS, FPPS, PPLNS, TIDES, PROP, SOLO}

// Windows of the schemes that look back, in multiples of the network's work.
const (
	pplnsWindow = 2
	tidesWindow = 8
)

// SchemeError says that a scheme does not exist.
type SchemeError struct{ Name string }

func (e *SchemeError) Error() string {
	return fmt.Sprintf("scheme %.20q: want pps, fpps, pplns, tides, prop or solo", e.Name)
}
func (e *SchemeError) ErrorCode() string  { return "unknown-scheme" }
func (e *SchemeError) ErrorField() string { return "scheme" }

// CheckScheme tells whether a scheme exists.
func CheckScheme(name string) error {
	if !slices.Contains(Schemes, name) {
		return &SchemeError{name}
	}
	return nil
}

// PerShare tells the schemes that pay each share when it comes, whatever blocks are found.
func PerShare(scheme string) bool { return scheme == PPS || scheme == FPPS }

// entry is a share in the history.
type entry struct {
	index uint64 // in the log
	user  uint64
	units *big.Int
}

// History is the shares of a log in order, and the rounds that blocks end. The zero History is empty. Invariants:
// indices rise along shares; kept is the sum of their units. It has no lock.
type History struct {
	Rounds Rounds
	shares []entry
	kept   *big.Int // sum of shares
	widest *big.Int // the greatest network work W of any job so far; nil: none yet
}

// Add appends a share; its index must be above all before.
func (h *History) Add(index, user uint64, units *big.Int) {
	if n := len(h.shares); n > 0 && h.shares[n-1].index >= index {
		panic(fmt.Sprintf("payout: share %d after %d", index, h.shares[n-1].index))
	}
	if h.kept == nil {
		h.kept = new(big.Int)
	}
	h.shares = append(h.shares, entry{index, user, units})
	h.kept.Add(h.kept, units)
}

// harder is how many times as much work a block may take after one change of the difficulty
// (Bitcoin's consensus: at most four times, every 2,016 blocks).
const harder = 4

// Target notes how hard a job is.
func (h *History) Target(target bitcoin.Target) {
	if w := NetworkUnits(target, 1); h.widest == nil || w.Cmp(h.widest) > 0 {
		h.widest = w
	}
}

// Forget drops shares that no round reaches and behind which more newer work stands than the widest
// window of the hardest job so far, made harder once more. An easy job in between, as test networks
// have them, forgets nothing.
func (h *History) Forget() {
	if h.widest == nil {
		return
	}
	bound := new(big.Int).Mul(h.widest, big.NewInt(tidesWindow*harder))
	oldest := h.Rounds.Oldest()
	drop := 0
	for drop < len(h.shares) && h.shares[drop].index < oldest {
		rest := new(big.Int).Sub(h.kept, h.shares[drop].units)
		if rest.Cmp(bound) < 0 {
			break
		}
		h.kept = rest
		drop++
	}
	// Moving what is kept costs as much as is kept, so it is done when that much has gone.
	if drop > 0 {
		h.shares = h.shares[drop:]
		if cap(h.shares) < 2*len(h.shares) || drop > len(h.shares) {
			h.shares = slices.Clone(h.shares)
		}
	}
}

// Len is the number of shares kept.
func (h *History) Len() uint64 { return uint64(len(h.shares)) }

// before returns the shares with an index below position.
func (h *History) before(position uint64) []entry {
	n := sort.Search(len(h.shares), func(i int) bool { return h.shares[i].index >= position })
	return h.shares[:n]
}

// Window is the newest work before position, at most bound: the oldest share is cut to fit. Ordered by user. A window
// that is not filled has all there is. It takes as long as the window has shares.
func (h *History) Window(position uint64, bound *big.Int) []Weight {
	sums := map[uint64]*big.Int{}
	left := new(big.Int).Set(bound)
	shares := h.before(position)
	for i := len(shares) - 1; i >= 0 && left.Sign() > 0; i-- {
		part := shares[i].units
		if part.Cmp(left) > 0 {
			part = new(big.Int).Set(left)
		}
		left.Sub(left, part)
		add(sums, shares[i].user, part)
	}
	return ordered(sums)
}

// Round is the work of the round that was open at a position of the log.
func (h *History) Round(position uint64) []Weight {
	sums := map[uint64]*big.Int{}
	paid := h.Rounds.asOf(position)
	for _, share := range h.before(position) {
		if !within(share.index, paid) {
			add(sums, share.user, share.units)
		}
	}
	return ordered(sums)
}

func add(sums map[uint64]*big.Int, user uint64, units *big.Int) {
	if sums[user] == nil {
		sums[user] = new(big.Int)
	}
	sums[user].Add(sums[user], units)
}

func ordered(sums map[uint64]*big.Int) []Weight {
	weights := make([]Weight, 0, len(sums))
	for user, units := range sums {
		weights = append(weights, Weight{user, units})
	}
	slices.SortFunc(weights, func(a, b Weight) int { return compare(a.User, b.User) })
	return weights
}

// Reward is what a job's block brings and how hard it is. Amounts are in satoshi.
type Reward struct {
	Total    money.Satoshi // the coinbase's value
	Target   bitcoin.Target
	Position uint64 // of the job: shares before it count
	Finder   uint64 // user of the share that solves it; 0 while nobody has
}

// Split divides a reward by a scheme that pays at blocks; the operator's fee is user 0's. With
// nobody to pay, as before the first share, all is the operator's. The credits sum to the total.
func (h *History) Split(scheme string, feePPM uint64, r Reward) ([]Credit, error) {
	var weights []Weight
	switch scheme {
	case PPLNS:
		weights = h.Window(r.Position, NetworkUnits(r.Target, pplnsWindow))
	case TIDES:
		weights = h.Window(r.Position, NetworkUnits(r.Target, tidesWindow))
	case PROP:
		weights = h.Round(r.Position)
	case SOLO:
		if r.Finder != 0 {
			weights = []Weight{{r.Finder, big.NewInt(1)}}
		}
	case PPS, FPPS:
	default:
		return nil, &SchemeError{scheme}
	}
	if len(weights) == 0 {
		return []Credit{{0, r.Total}}, nil
	}
	fee := Fee(r.Total, feePPM)
	credits := Divide(r.Total-fee, weights)
	if fee > 0 {
		credits = append([]Credit{{0, fee}}, credits...)
	}
	return credits, nil
}
