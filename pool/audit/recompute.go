package audit

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/big"
	"slices"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
)

// Recomputation is a block's split, derived from the log alone.
type Recomputation struct {
	Scheme   string        `json:"scheme"`
	Height   uint64        `json:"height"`
	Hash     bitcoin.Hash  `json:"hash"`
	Status   string        `json:"status"`
	Position uint64        `json:"log_position"` // shares before it count
	Reward   money.Satoshi `json:"reward_satoshi"`
	Credits  []UserCredit  `json:"credits"`
	Paid     []UserPayment `json:"coinbase"` // what the block's coinbase pays
	Checked  *ShareChecks  `json:"checked,omitempty"`
}

// UserCredit is what a user earns by a scheme.
type UserCredit struct {
	User    uint64        `json:"user"` // 0: the operator
	Address string        `json:"address"`
	Amount  money.Satoshi `json:"amount_satoshi"`
	Work    float64       `json:"window_work,omitempty"` // part of the window or round
}

// UserPayment is what a coinbase pays and leaves owing.
type UserPayment struct {
	User    uint64        `json:"user"`
	Address string        `json:"address"`
	Amount  money.Satoshi `json:"amount_satoshi"`
	Debt    money.Satoshi `json:"debt_satoshi,omitempty"`
}

// ShareChecks counts the shares whose work was verified from the log.
type ShareChecks struct{ Shares, Blocks uint64 }

// Spread is what each scheme would have paid a user over the whole log.
type Spread struct {
	User    uint64                   `json:"user"`
	Address string                   `json:"address"`
	Shares  uint64                   `json:"shares"`
	Work    float64                  `json:"work_difficulty"`
	Earned  map[string]money.Satoshi `json:"earned_satoshi"` // by scheme
	// Deviation is the sample standard deviation of what a block that stands has paid, by scheme:
	// how uneven the income was.
	Deviation map[string]float64 `json:"deviation_satoshi"`
}

// Auditor replays a log. It knows nothing that the log does not say.
type Auditor struct {
	state   *accounting.State
	verify  bool
	checks  ShareChecks
	history payout.History // all shares, whatever scheme the pool had: what another would have paid
	all     payout.Accrual // at PPS rate
	full    payout.Accrual // at FPPS rate
	work    map[uint64]*big.Int
	shares  map[uint64]uint64
	// splits are by block and scheme, as of the moment the block was found: later orphans change
	// later rounds, not this one.
	splits   map[*accounting.Block]map[string][]payout.Credit
	restored map[*accounting.Block]func(at uint64) // rounds of orphans, for their return

	evidence  []Contradiction
	lastJobs  [2]uint64                // entries of the last job but one and of the last, whose coinbases pay
	debts     map[uint64]money.Satoshi // at the last job
	userOf    map[string]uint64
	hashed    map[bitcoin.Hash]bool  // with verify: headers of all shares
	solved    map[bitcoin.Hash]int64 // blocks on which the pool has one: when its first was found, milliseconds
	byParent  map[bitcoin.Hash][]*accounting.Block
	returned  map[uint64]int64 // when a user sent a share after having left, milliseconds
	unclaimed []unclaimed
	means     []meanClaim // of jobs under FPPS
}

// Records are a log's entries: of a txlog.Log, or of a copy that was fetched.
type Records interface {
	Size() uint64
	Entries(from, to uint64) iter.Seq2[[]byte, error]
}

// Replay replays a whole log; with verify every share's work is hashed again.
func Replay(log Records, verify bool) (*Auditor, error) {
	a := &Auditor{
		state: accounting.New(), verify: verify, work: map[uint64]*big.Int{}, shares: map[uint64]uint64{},
		splits: map[*accounting.Block]map[string][]payout.Credit{}, restored: map[*accounting.Block]func(uint64){},
		userOf: map[string]uint64{}, hashed: map[bitcoin.Hash]bool{}, solved: map[bitcoin.Hash]int64{},
		returned: map[uint64]int64{},
		byParent: map[bitcoin.Hash][]*accounting.Block{},
	}
	a.state.Recall = accounting.RecallFrom(log)
	for entry, err := range log.Entries(0, log.Size()) {
		if err != nil {
			return nil, err
		}
		if err := a.apply(entry); err != nil {
			return nil, err
		}
	}
	a.checkUnclaimed()
	return a, nil
}

// apply takes an entry. What the accounts refuse is evidence, and the rest is replayed all the same.
func (a *Auditor) apply(entry []byte) error {
	index := a.state.Position
	record, err := sharelog.Decode(entry)
	if err != nil {
		a.state.Position++
		a.convict(index, "record", err.Error(), "")
		return nil
	}
	a.before(index, record)
	// The accounts are the pool's own code, so that what they refuse was refused there, too, or the log is not of that
	// pool.
	blocks := len(a.state.Blocks)
	if _, err := a.state.Apply(record); err != nil {
		a.convict(index, "record", err.Error(), "")
		return nil
	}
	switch r := record.(type) {
	case *sharelog.Share:
		if err := a.share(index, r); err != nil {
			return err
		}
		if len(a.state.Blocks) > blocks {
			found := a.state.Blocks[blocks]
			a.checkBlock(found)
			a.byParent[found.Job.Previous] = append(a.byParent[found.Job.Previous], found)
			return a.block(found)
		}
	case *sharelog.Payment:
		a.state.Payments[len(a.state.Payments)-1].EntryIndex = index
	case *sharelog.Job:
		if target, err := bitcoin.TargetOfBits(r.Bits); err == nil {
			a.history.Target(target)
		}
		if a.state.Scheme.Name == payout.FPPS {
			a.claimMean(index, r)
		}
	case *sharelog.Status:
		a.status(index, r)
	case *sharelog.Override:
		for i := range a.evidence {
			if e := &a.evidence[i]; e.Field == "record" && r.First <= e.Entry && e.Entry <= r.Last {
				e.Fact = fmt.Sprintf("the operator has gone on without it: %q", r.Reason)
			}
		}
	}
	return nil
}

// before checks a record against what the log has said so far.
func (a *Auditor) before(index uint64, record sharelog.Record) {
	switch r := record.(type) {
	case *sharelog.Job:
		a.checkJob(index, r)
	case *sharelog.Worker:
		a.checkWorker(index, r)
	case *sharelog.Payment:
		a.checkPayment(index, r)
	case *sharelog.Share:
		a.noteReturn(r)
	}
}

// share counts a share that the accounts have taken.
func (a *Auditor) share(index uint64, s *sharelog.Share) error {
	job, err := a.state.Job(s.Job, index)
	if err != nil {
		return err
	}
	if a.verify {
		a.checkShare(index, s, job.Job)
		a.checks.Shares++
	}
	user, units := a.state.Users[s.Worker], payout.Units(s.Difficulty)
	subsidy := job.CoinbaseValue - job.Fees
	// A job whose target is none is the pool's lie, and no reason to look no further.
	if err := errors.Join(a.all.Add(user, units, subsidy, job.Bits, a.state.Scheme.FeePPM),
		a.full.Add(user, units, subsidy+job.MeanFees, job.Bits, a.state.Scheme.FeePPM)); err != nil {
		a.convict(index, "bits", fmt.Sprintf("%08x", job.Bits), err.Error())
	}
	if a.work[user] == nil {
		a.work[user] = new(big.Int)
	}
	a.work[user].Add(a.work[user], units)
	a.shares[user]++
	a.history.Add(index, user, units)
	return nil
}

// block computes every scheme's split of a block: the pool's own as its accounts have it, the others as they would
// have divided the same reward of the same shares, for the comparison.
func (a *Auditor) block(b *accounting.Block) error {
	target, err := bitcoin.TargetOfBits(b.Job.Bits)
	if err != nil {
		return err
	}
	a.checks.Blocks++
	splits := map[string][]payout.Credit{}
	for _, scheme := range blockSchemes {
		if scheme == b.Scheme.Name {
			splits[scheme] = b.Credits
			continue
		}
		reward := payout.Reward{Total: b.Job.CoinbaseValue, Target: target, Position: b.Position,
			Finder: a.state.Finder(b)}
		if splits[scheme], err = a.history.Split(scheme, b.Scheme.FeePPM, reward); err != nil {
			return err
		}
	}
	a.history.Rounds.Close(b.Share, b.Share, b.Position)
	a.splits[b] = splits
	return nil
}

// status follows the rounds of the other schemes.
func (a *Auditor) status(index uint64, s *sharelog.Status) {
	for _, b := range a.state.Blocks {
		if b.Hash != s.Hash {
			continue
		}
		restore := a.restored[b]
		switch {
		case b.Status == sharelog.StatusOrphaned && restore == nil:
			a.restored[b] = a.history.Rounds.Reopen(b.Share, index)
		case b.Status != sharelog.StatusOrphaned && restore != nil:
			restore(index)
			delete(a.restored, b)
		}
	}
}

// blockSchemes pay at blocks.
var blockSchemes = []string{payout.PPLNS, payout.TIDES, payout.PROP, payout.SOLO}

// RecomputeError says why there is nothing to recompute.
type RecomputeError struct{ Field, Rule string }

func (e *RecomputeError) Error() string      { return fmt.Sprintf("recompute %s: %s", e.Field, e.Rule) }
func (e *RecomputeError) ErrorCode() string  { return "cannot-recompute" }
func (e *RecomputeError) ErrorField() string { return e.Field }

// Block recomputes a block's split by any scheme, starting where the block's job says it was fixed.
// Of several at one height the one that stands counts.
func (a *Auditor) Block(scheme string, height uint64) (*Recomputation, error) {
	if err := payout.CheckScheme(scheme); err != nil {
		return nil, err
	}
	found := a.found(height)
	if found == nil {
		return nil, &RecomputeError{"block", fmt.Sprintf("the log has no block of the pool at height %d", height)}
	}
	result := &Recomputation{
		Scheme: scheme, Height: height, Hash: found.Hash, Position: found.Position, Reward: found.Job.CoinbaseValue,
		Status: [...]string{"provisional", "final", "orphaned", "provisional"}[found.Status],
	}
	if payout.PerShare(scheme) {
		result.Credits = []UserCredit{} // pays shares, not blocks; see Spread
	} else {
		for _, c := range a.splits[found][scheme] {
			result.Credits = append(result.Credits, UserCredit{User: c.User, Address: a.address(c.User),
				Amount: c.Amount})
		}
	}
	for _, p := range found.Job.Variants[found.Variant].Payees {
		result.Paid = append(result.Paid, UserPayment{p.User, a.address(p.User), p.Amount, p.Debt})
	}
	if a.verify {
		checks := a.checks
		result.Checked = &checks
	}
	return result, nil
}

// found is the pool's block at a height, the one that stands before an orphan.
func (a *Auditor) found(height uint64) (found *accounting.Block) {
	for _, b := range a.state.Blocks {
		if b.Height == height && (found == nil || found.Status == sharelog.StatusOrphaned) {
			found = b
		}
	}
	return found
}

// CheckCoinbase compares what a block's coinbase pays and leaves owing with the recomputed credits
// of the pool's own scheme: nobody's credit may be missing.
func (a *Auditor) CheckCoinbase(height uint64) error {
	b := a.found(height)
	if b == nil {
		return &RecomputeError{"block", fmt.Sprintf("the log has no block of the pool at height %d", height)}
	}
	r, err := a.Block(b.Scheme.Name, height)
	if err != nil {
		return err
	}
	var paid money.Satoshi
	covered := map[uint64]money.Satoshi{}
	for _, p := range r.Paid {
		paid += p.Amount
		covered[p.User] += p.Amount + p.Debt
	}
	if paid != r.Reward {
		return fmt.Errorf("block %d: coinbase pays %d of %d satoshi", height, paid, r.Reward)
	}
	if len(r.Paid) == 1 {
		return nil // the operator pays from its wallet
	}
	for _, c := range r.Credits {
		if c.User != 0 && covered[c.User] < c.Amount {
			return fmt.Errorf("block %d: %s has earned %d satoshi and is given %d", height, c.Address, c.Amount,
				covered[c.User])
		}
	}
	return nil
}

func (a *Auditor) address(user uint64) string {
	if user == 0 {
		return a.state.Scheme.Address
	}
	return a.state.Address[user]
}

// Heights lists the heights of the pool's blocks, ascending.
func (a *Auditor) Heights() []uint64 {
	var heights []uint64
	for _, b := range a.state.Blocks {
		heights = append(heights, b.Height)
	}
	slices.Sort(heights)
	return slices.Compact(heights)
}

// Spread recomputes every scheme over the same log: what each user would have earned, and how
// evenly.
func (a *Auditor) Spread() ([]Spread, error) {
	perBlock := map[uint64]map[string][]float64{}
	earned := map[uint64]map[string]money.Satoshi{}
	for user := range a.shares {
		perBlock[user], earned[user] = map[string][]float64{}, map[string]money.Satoshi{}
	}
	for _, b := range a.state.Blocks {
		// An orphan has paid nobody by block schemes. By PPS and FPPS its shares are owed all the same: that is the
		// risk which these take off the miner.
		if b.Status == sharelog.StatusOrphaned {
			continue
		}
		for _, scheme := range blockSchemes {
			got := map[uint64]money.Satoshi{}
			for _, c := range a.splits[b][scheme] {
				got[c.User] += c.Amount
			}
			for user := range a.shares {
				earned[user][scheme] += got[user]
				// Blocks in which a user has nothing count as zeros: leaving them out would make an uneven scheme
				// look even.
				perBlock[user][scheme] = append(perBlock[user][scheme], float64(got[user]))
			}
		}
	}
	var spreads []Spread
	for user := range a.shares {
		for scheme, accrual := range map[string]*payout.Accrual{payout.PPS: &a.all, payout.FPPS: &a.full} {
			amount, err := accrual.Earned(user)
			if err != nil {
				return nil, err
			}
			earned[user][scheme] = amount
		}
		work, _ := new(big.Rat).SetFrac(a.work[user], payout.Units(one)).Float64()
		s := Spread{User: user, Address: a.address(user), Shares: a.shares[user], Work: work, Earned: earned[user],
			Deviation: map[string]float64{}}
		for scheme, amounts := range perBlock[user] {
			s.Deviation[scheme] = deviation(amounts)
		}
		spreads = append(spreads, s)
	}
	slices.SortFunc(spreads, func(x, y Spread) int { return int(int64(x.User) - int64(y.User)) })
	return spreads, nil
}

// one is difficulty 1.
var one = stratum.Difficulty{N: 1}

// deviation is the sample standard deviation.
func deviation(values []float64) float64 {
	if len(values) < 2 {
		return 0
	}
	mean, squares := 0.0, 0.0
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return math.Sqrt(squares / float64(len(values)-1))
}
