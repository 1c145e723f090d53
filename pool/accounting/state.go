package accounting

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// State is the accounts as the log's records make them, entry by entry. It is a function of the log: two runs over the
// same records give the same entries, which is what anybody recomputes. The pool and the auditor run the same. It has
// no lock; the maps and slices that it shows are its own, to be read between two calls of Apply.
//
// Invariants: Balance is the sum of all entries, each of which sums to zero; Pending is what blocks that are neither
// final nor orphaned credit beyond what their coinbases pay; Jobs has those of the living tips (all, without Recall);
// Refused has the records that were taken and booked nothing.
type State struct {
	Position uint64 // records applied
	Entries  uint64 // booked
	Scheme   sharelog.Scheme
	Users    map[uint64]uint64 // by worker
	Address  map[uint64]string // by user
	Jobs     map[uint64]*terms // of the living tips
	tips     []bitcoin.Hash    // that jobs are kept of, oldest first
	// recall finds a job again that has been forgotten, for a share that comes late; nil: none is
	// forgotten.
	Recall    func(number, before uint64) (job *sharelog.Job, index uint64, err error)
	schemes   []schemeFrom // all, oldest first
	History   payout.History
	accrual   payout.Accrual
	Blocks    []*Block
	firstOpen int    // of blocks: those before are buried
	Height    uint64 // of the newest job
	JobCount  uint64
	Balance   map[string]money.Satoshi
	// pending is what users have from blocks that are not final yet. What such a block's coinbase has
	// paid of older debts is not in it: another block's payment makes nobody's credit certain.
	Pending map[uint64]money.Satoshi
	// since is the log's entry from which on a user has been owed something.
	Since      map[uint64]uint64
	LastShare  map[uint64]int64 // time of the user's newest share, milliseconds
	FirstMilli int64            // time of the first record that has one
	orphans    int
	Payments   []*Payment
	work       *big.Int               // credited since the last block, in payout's units
	MeanFees   money.Satoshi          // of the newest job
	PayTerms   *sharelog.PaymentTerms // in force; nil: the log names none yet
	Refused    []*RecordError         // that no Override covers, in the log's order

	NewestMilli int64                // the newest time that a share, a job or a payment names
	Reconciled  *sharelog.Reconciled // the newest; nil in logs of before
	Starts      []Start              // of the pool's processes since Reconciled
	// known are the transactions of payments, and those that were set aside.
	known map[bitcoin.Hash]bool
	// parents are the blocks that jobs since Reconciled were on, and somewhat before.
	parents map[bitcoin.Hash]lastJob
}

// terms are a job and the scheme in force when it was handed out.
type terms struct {
	*sharelog.Job
	scheme sharelog.Scheme
	// debts are what its coinbases pay users beside their credits: most of the variants. While the
	// job is out the wallet does not pay them.
	debts map[uint64]money.Satoshi
}

// schemeFrom is a scheme and the entry that names it.
type schemeFrom struct {
	index  uint64
	scheme sharelog.Scheme
}

// schemeAt is the scheme in force at an entry.
func (a *State) schemeAt(index uint64) (scheme sharelog.Scheme) {
	for i := len(a.schemes) - 1; i >= 0; i-- {
		if a.schemes[i].index < index {
			return a.schemes[i].scheme
		}
	}
	return scheme
}

// Block is a block that a share has solved. Its credits are fixed when it is entered and do not change with what comes
// later.
type Block struct {
	Hash     bitcoin.Hash
	Height   uint64
	Share    uint64 // index in the log
	User     uint64
	Job      *sharelog.Job
	Variant  uint64
	Status   uint64          // 0: provisional
	Reversed int             // how often, for the keys of entries
	Position uint64          // shares before it count
	Scheme   sharelog.Scheme // that its split follows
	Credits  []payout.Credit
	Entry    Entry
	pending  map[uint64]money.Satoshi
	Work     *big.Int // credited since the block before, in payout's units; for people
	restore  func(at uint64)
	Settled  int64 // time at which it became final, milliseconds
}

// FinalConfirmations is consensus: a coinbase can be spent from the 100th block after it.
const FinalConfirmations = 100

// livingTips is how many blocks jobs are out on at a time: the tip, and the one before it, of which
// late shares come. A chain that goes back and forth between two keeps both.
const livingTips = 2

// New is the accounts before the log's first record.
func New() *State {
	return &State{
		work: new(big.Int), Users: map[uint64]uint64{}, Address: map[uint64]string{}, Jobs: map[uint64]*terms{},
		Balance: map[string]money.Satoshi{},
		Pending: map[uint64]money.Satoshi{}, Since: map[uint64]uint64{}, LastShare: map[uint64]int64{},
		known: map[bitcoin.Hash]bool{}, parents: map[bitcoin.Hash]lastJob{},
	}
}

// RecordError is a record of the log that the accounts cannot take. It books nothing, and stops
// payments, not the pool, until somebody has looked at it and an Override says so.
type RecordError struct {
	Entry uint64 // index in the log
	Err   error
}

func (e *RecordError) Error() string     { return fmt.Sprintf("log entry %d: %v", e.Entry, e.Err) }
func (e *RecordError) Unwrap() error     { return e.Err }
func (e *RecordError) ErrorCode() string { return "log-not-understood" }

func (a *State) refuse(index uint64, err error) error {
	refused := &RecordError{index, err}
	a.Refused = append(a.Refused, refused)
	return refused
}

// UserAccount is the account of a user by number; 0 is the operator's.
func UserAccount(user uint64) string {
	if user == 0 {
		return "operator"
	}
	return "user:" + strconv.FormatUint(user, 10)
}

// userOf undoes userAccount.
func userOf(account string) (user uint64, isUser bool) {
	text, isUser := strings.CutPrefix(account, "user:")
	if isUser {
		n, err := strconv.ParseUint(text, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// Apply takes the next record of the log and returns what it books. After a *RecordError the record counts as taken,
// and changed nothing that is booked.
func (a *State) Apply(record sharelog.Record) (entries []Entry, err error) {
	index := a.Position
	a.Position++
	// Nothing here asks a clock, a node or a setting: the live accounts and an auditor's come to the same sums years
	// apart.
	switch r := record.(type) {
	case *sharelog.Scheme:
		a.Starts = append(a.Starts, Start{index, a.NewestMilli})
		entries, err = a.changeScheme(index, r)
	case *sharelog.Worker:
		a.Users[r.Number] = r.User
		a.Address[r.User] = r.Address
	case *sharelog.Job:
		a.addJob(r)
		a.NewestMilli = max(a.NewestMilli, r.TimeMillis)
		a.FirstMilli = cmp.Or(a.FirstMilli, r.TimeMillis)
		if payout.PerShare(a.Scheme.Name) {
			entries, err = a.settle(index, r.TimeMillis)
		}
	case *sharelog.Share:
		entries, err = a.share(index, r)
	case *sharelog.Status:
		entries, err = a.status(index, r)
	case *sharelog.Payment:
		entries, err = a.payment(r)
	case *sharelog.Paid:
		entries, err = a.paid(r)
	case *sharelog.Sent:
		err = a.sent(r)
	case *sharelog.Child:
		err = a.child(r)
	case *sharelog.Settled:
		entries, err = a.settled(r)
	case *sharelog.PaymentTerms:
		a.PayTerms = r
	case *sharelog.Reconciled:
		a.reconciled(r)
	case *sharelog.Recovered:
		entries, err = a.recovered(index, r)
	case *sharelog.Override:
		a.Refused = slices.DeleteFunc(a.Refused, func(e *RecordError) bool {
			return r.First <= e.Entry &&
				e.Entry <= r.Last
		})
	}
	// An entry that does not balance is a fault of this program: nothing of the record is booked, and the pool goes on
	// without paying.
	for _, e := range entries {
		err = cmp.Or(err, e.Check())
	}
	if err != nil {
		return nil, a.refuse(index, err)
	}
	a.Entries += uint64(len(entries))
	for _, e := range entries {
		for _, p := range e.Postings {
			a.Balance[p.Account] += p.Amount
		}
		for _, p := range e.Postings {
			a.noteDebt(p.Account, index)
		}
	}
	return entries, nil
}

// ApplyEntry is Apply for the bytes that the log holds.
func (a *State) ApplyEntry(entry []byte) ([]Entry, error) {
	return a.ApplyDecoded(sharelog.Decode(entry))
}

// ApplyDecoded is Apply for what Decode has returned: an entry that it did not understand is taken, and refused.
func (a *State) ApplyDecoded(record sharelog.Record, err error) ([]Entry, error) {
	if err != nil {
		a.Position++
		return nil, a.refuse(a.Position-1, err)
	}
	return a.Apply(record)
}

// noteDebt keeps since which entry an account is owed something.
func (a *State) noteDebt(account string, index uint64) {
	user, isUser := userOf(account)
	if !isUser {
		return
	}
	if a.Balance[account] <= 0 {
		delete(a.Since, user)
	} else if _, known := a.Since[user]; !known {
		a.Since[user] = index
	}
}

// changeScheme settles what shares have earned before another scheme begins, or other rules.
func (a *State) changeScheme(index uint64, r *sharelog.Scheme) (entries []Entry, err error) {
	if err := payout.CheckScheme(r.Name); err != nil {
		return nil, err
	}
	if r.Rules >= sharelog.RulesAtBlock {
		entries, err = a.settle(index, 0)
	}
	if err == nil {
		if n := len(a.schemes); n == 0 || a.schemes[n-1].scheme != *r { // each start names it again
			a.schemes = append(a.schemes, schemeFrom{index, *r})
		}
		a.Scheme = *r
	}
	return entries, err
}

// addJob takes in a job and forgets what no living job or open block can ask for any more: without that a pool's memory
// would grow with its log.
func (a *State) addJob(j *sharelog.Job) {
	a.MeanFees, a.Height = j.MeanFees, j.Height
	a.JobCount++
	if at := slices.Index(a.tips, j.Previous); at >= 0 {
		a.tips = append(slices.Delete(a.tips, at, at+1), j.Previous)
	} else {
		a.tips = append(a.tips, j.Previous)
	}
	if len(a.tips) > livingTips {
		a.tips = a.tips[len(a.tips)-livingTips:]
		if a.Recall != nil {
			maps.DeleteFunc(a.Jobs, func(_ uint64, t *terms) bool { return !slices.Contains(a.tips, t.Previous) })
		}
		a.History.Rounds.Forget(a.oldestPosition())
	}
	// A job that pays one user comes with its first share, perhaps after newer ones.
	a.parents[j.Previous] = lastJob{height: j.Height, number: max(j.Number, a.parents[j.Previous].number)}
	a.Jobs[j.Number] = &terms{Job: j, scheme: a.Scheme, debts: a.debtsIn(j)}
	if target, err := bitcoin.TargetOfBits(j.Bits); err == nil {
		a.History.Target(target)
		a.History.Forget()
	}
}

// oldestPosition is the earliest position that a job may name whose block is not buried: of the living
// jobs, and of the jobs since the oldest block that is not final.
func (a *State) oldestPosition() uint64 {
	oldest := a.Position
	for _, t := range a.Jobs { // any order: the least
		oldest = min(oldest, t.Position)
	}
	for a.firstOpen < len(a.Blocks) && a.buried(a.Blocks[a.firstOpen]) {
		a.firstOpen++
	}
	if a.firstOpen < len(a.Blocks) {
		oldest = min(oldest, a.Blocks[a.firstOpen].Job.Position)
	}
	return oldest
}

// buried tells whether a block's fate is decided for good.
func (a *State) buried(b *Block) bool {
	return b.Status == sharelog.StatusConfirmed || b.Status == sharelog.StatusOrphaned &&
		b.Height+2*FinalConfirmations < a.Height
}

// debtsIn are what a job's coinbases pay of users' debts, as they stand at its record.
func (a *State) debtsIn(j *sharelog.Job) map[uint64]money.Satoshi {
	var debts map[uint64]money.Satoshi
	for _, v := range j.Variants {
		for _, p := range v.Payees {
			if p.User == 0 || p.Amount == 0 {
				continue
			}
			if part := min(a.Debt(p.User)-p.Debt, p.Amount); part > 0 {
				if debts == nil {
					debts = map[uint64]money.Satoshi{}
				}
				debts[p.User] = max(debts[p.User], part)
			}
		}
	}
	return debts
}

// Job finds the terms of a share whose entry in the log is index, among those that are kept or by Recall.
func (a *State) Job(number, index uint64) (*terms, error) {
	if t := a.Jobs[number]; t != nil {
		return t, nil
	}
	if a.Recall != nil {
		if j, at, err := a.Recall(number, index); err != nil {
			return nil, err
		} else if j != nil {
			return &terms{Job: j, scheme: a.schemeAt(at)}, nil
		}
	}
	return nil, fmt.Errorf("share of job %d, which the log does not know", number)
}

// share credits a share to the user of its worker: by amount where the scheme pays each share, otherwise into the
// history that blocks are split by. Its work is not verified here; who must believe nothing does that (package audit).
func (a *State) share(index uint64, s *sharelog.Share) ([]Entry, error) {
	user, known := a.Users[s.Worker]
	if !known {
		return nil, fmt.Errorf("share of worker %d, which the log does not know", s.Worker)
	}
	job, err := a.Job(s.Job, index)
	if err != nil {
		return nil, err
	}
	if s.Variant >= uint64(len(job.Variants)) {
		return nil, fmt.Errorf("share of variant %d of job %d, which has %d", s.Variant, s.Job, len(job.Variants))
	}
	units := payout.Units(s.Difficulty)
	if payout.PerShare(a.Scheme.Name) {
		rate := payout.ShareRate(a.Scheme.Name, job.CoinbaseValue-job.Fees, job.MeanFees)
		if err := a.accrual.Add(user, units, rate, job.Bits, a.Scheme.FeePPM); err != nil {
			return nil, err
		}
	}
	if !payout.PerShare(a.Scheme.Name) || a.Scheme.Rules < sharelog.RulesAtBlock {
		a.History.Add(index, user, units)
	}
	a.work.Add(a.work, units)
	a.LastShare[user] = s.TimeMillis
	a.NewestMilli = max(a.NewestMilli, s.TimeMillis)
	if !s.SolvesBlock {
		return nil, nil
	}
	header, err := s.Header(job.Job)
	if err != nil {
		return nil, err
	}
	block := &Block{Hash: header.Hash(), Height: job.Height, Share: index, User: user, Job: job.Job, Variant: s.Variant,
		Work: a.work}
	block.Scheme, block.Position = a.fixed(job, index)
	if block.Credits, err = a.credits(block.Scheme.Name, block.Scheme.FeePPM, block); err != nil {
		return nil, err
	}
	if block.Scheme.Name == payout.SOLO && block.Scheme.InCoinbase {
		// its job is logged with its first share, perhaps after another fee
		block.Credits = paidBy(job.Variants[s.Variant])
	}
	a.work = new(big.Int)
	a.Blocks = append(a.Blocks, block)
	return a.book(block, s.TimeMillis)
}

// paidBy are a coinbase's payees as credits.
func paidBy(v sharelog.Variant) (credits []payout.Credit) {
	for _, p := range v.Payees {
		credits = append(credits, payout.Credit{User: p.User, Amount: p.Amount})
	}
	return credits
}

// fixed is where a block's split is fixed: at its job when the coinbase pays it, with the scheme that
// was in force then; otherwise at the block, whose own share is the last that counts.
func (a *State) fixed(job *terms, index uint64) (sharelog.Scheme, uint64) {
	switch {
	case a.Scheme.Rules < sharelog.RulesAtBlock:
		return a.Scheme, job.Position
	case job.scheme.InCoinbase:
		return job.scheme, job.Position
	}
	return a.Scheme, index + 1
}

// credits are what a block brings each user under a scheme.
func (a *State) credits(scheme string, feePPM uint64, b *Block) ([]payout.Credit, error) {
	target, err := bitcoin.TargetOfBits(b.Job.Bits)
	if err != nil {
		return nil, err
	}
	return a.History.Split(scheme, feePPM, payout.Reward{Total: b.Job.CoinbaseValue, Target: target,
		Position: b.Position, Finder: a.Finder(b)})
}

// Finder is whose block it is under SOLO: the user that its coinbase pays, if it pays one.
func (a *State) Finder(b *Block) uint64 {
	if b.Scheme.Name != payout.SOLO {
		return b.User
	}
	for _, p := range b.Job.Variants[b.Variant].Payees {
		if p.User != 0 && p.Amount > 0 {
			return p.User
		}
	}
	return b.User
}

// book enters a block: the reward to its users, and what its coinbase pays them already. The reward comes from the
// account "immature", which is negative by it until the coinbase matures. Under schemes that pay per share it goes to
// the reserve, as the users were credited when their shares came. pending is what each user has of it, so that a block
// that leaves the chain can be taken back.
func (a *State) book(b *Block, timeMillis int64) ([]Entry, error) {
	total := b.Job.CoinbaseValue
	e := Entry{
		Key: fmt.Sprintf("block %s %d", b.Hash, b.Reversed), TimeMillis: timeMillis,
		Memo:     fmt.Sprintf("block %d", b.Height),
		Postings: []Posting{{Account: "immature", Amount: -total}},
	}
	b.pending = map[uint64]money.Satoshi{}
	if payout.PerShare(b.Scheme.Name) {
		e.Postings = append(e.Postings, Posting{Account: "reserve", Amount: total})
	} else {
		for _, c := range b.Credits {
			e.Postings = append(e.Postings, Posting{Account: UserAccount(c.User), Amount: c.Amount})
			b.pending[c.User] += c.Amount
		}
	}
	for _, p := range b.Job.Variants[b.Variant].Payees {
		if p.User != 0 && p.Amount > 0 {
			e.Postings = append(e.Postings, Posting{Account: UserAccount(p.User), Amount: -p.Amount},
				Posting{Account: "immature", Amount: p.Amount})
			b.pending[p.User] -= p.Amount
		}
	}
	a.pend(b)
	b.Entry = e
	a.History.Rounds.Close(b.Share, b.Share, b.Position)
	return []Entry{e}, nil
}

// settle books what PPS and FPPS have accrued since the last time.
func (a *State) settle(index uint64, timeMillis int64) ([]Entry, error) {
	e := Entry{Key: fmt.Sprintf("accrual %d", index), TimeMillis: timeMillis, Memo: a.Scheme.Name}
	for _, user := range a.accrual.Users() {
		earned, err := a.accrual.Take(user)
		if err != nil {
			return nil, err
		}
		if earned > 0 {
			e.Postings = append(e.Postings, Posting{Account: UserAccount(user), Amount: earned},
				Posting{Account: "reserve", Amount: -earned})
			e.TimeMillis = max(e.TimeMillis, a.LastShare[user])
		}
	}
	if len(e.Postings) == 0 {
		return nil, nil
	}
	return []Entry{e}, nil
}

// status confirms, reverses or restores a block.
func (a *State) status(index uint64, s *sharelog.Status) ([]Entry, error) {
	at := slices.IndexFunc(a.Blocks, func(b *Block) bool { return b.Hash == s.Hash })
	if at < 0 {
		return nil, fmt.Errorf("status of block %s, which no share has solved", s.Hash)
	}
	b := a.Blocks[at]
	before := b.Status
	if before == sharelog.StatusConfirmed {
		return nil, nil // final is final: what it brought may have been paid
	}
	b.Status = s.Status
	switch {
	case s.Status == sharelog.StatusConfirmed && before != sharelog.StatusOrphaned:
		a.settlePending(b)
		b.Settled = s.TimeMillis
		a.History.Rounds.Settle(b.Share)
		mature := money.Satoshi(0)
		for _, p := range b.Entry.Postings {
			if p.Account == "immature" {
				mature += p.Amount
			}
		}
		if mature == 0 {
			return nil, nil
		}
		return []Entry{{
			Key: fmt.Sprintf("mature %s %d", b.Hash, b.Reversed), TimeMillis: s.TimeMillis,
			Memo:     fmt.Sprintf("block %d is final", b.Height),
			Postings: []Posting{{Account: "immature", Amount: -mature}, {Account: "wallet", Amount: mature}},
		}}, nil
	case s.Status == sharelog.StatusOrphaned && before != sharelog.StatusOrphaned:
		a.settlePending(b)
		a.orphans++
		b.restore = a.History.Rounds.Reopen(b.Share, index)
		undo := b.Entry.Reverse(fmt.Sprintf("orphan %s %d", b.Hash, b.Reversed),
			fmt.Sprintf("block %d is an orphan", b.Height), s.TimeMillis)
		b.Reversed++
		return []Entry{undo}, nil
	case s.Status == sharelog.StatusRestored && before == sharelog.StatusOrphaned:
		b.Status = 0
		a.orphans--
		b.restore(index)
		return a.rebook(b, s.TimeMillis)
	}
	b.Status = before
	return nil, nil
}

// rebook enters a restored block exactly as it was entered first: its coinbase has not changed.
func (a *State) rebook(b *Block, timeMillis int64) ([]Entry, error) {
	e := b.Entry
	e.Key, e.TimeMillis = fmt.Sprintf("block %s %d", b.Hash, b.Reversed), timeMillis
	a.pend(b)
	return []Entry{e}, nil
}

// pend adds a block's amounts to what is not certain.
func (a *State) pend(b *Block) {
	for user, amount := range b.pending { // any order: each on its own
		if amount > 0 {
			a.Pending[user] += amount
		}
	}
}

// settlePending takes a block's amounts out of what is not certain.
func (a *State) settlePending(b *Block) {
	for user, amount := range b.pending { // any order: each on its own
		if amount <= 0 {
			continue
		}
		if a.Pending[user] -= amount; a.Pending[user] == 0 {
			delete(a.Pending, user)
		}
	}
}

// Debt is what a user is owed for certain, in satoshi: the balance without what may still be reversed, and never less
// than 0.
func (a *State) Debt(user uint64) money.Satoshi {
	return max(a.Balance[UserAccount(user)]-a.Pending[user], 0)
}

// Payable is the debt that no coinbase pays that is still out: the wallet would pay it twice.
func (a *State) Payable(user uint64) money.Satoshi {
	most := money.Satoshi(0)
	for _, t := range a.Jobs { // any order: the most
		if slices.Contains(a.tips, t.Previous) {
			most = max(most, t.debts[user])
		}
	}
	return max(a.Debt(user)-most, 0)
}
