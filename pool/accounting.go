package pool

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/books"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// accounting turns the log's records into entries of the books. It is a function of the log: two
// runs over the same records give the same entries, which is what anybody recomputes. The pool and
// the auditor run the same.
type accounting struct {
	position uint64 // records applied
	entries  uint64 // booked
	scheme   sharelog.Scheme
	users    map[uint64]uint64 // by worker
	address  map[uint64]string // by user
	jobs     map[uint64]*terms // of the living tips
	tips     []bitcoin.Hash    // that jobs are kept of, oldest first
	// recall finds a job again that has been forgotten, for a share that comes late; nil: none is
	// forgotten.
	recall    func(number, before uint64) (job *sharelog.Job, index uint64, err error)
	schemes   []schemeFrom // all, oldest first
	history   payout.History
	accrual   payout.Accrual
	blocks    []*poolBlock
	firstOpen int    // of blocks: those before are buried
	height    uint64 // of the newest job
	jobCount  uint64
	balance   map[string]money.Satoshi
	// pending is what users have from blocks that are not final yet. What such a block's coinbase has
	// paid of older debts is not in it: another block's payment makes nobody's credit certain.
	pending map[uint64]money.Satoshi
	// since is the log's entry from which on a user has been owed something.
	since      map[uint64]uint64
	lastShare  map[uint64]int64 // time of the user's newest share, milliseconds
	firstMilli int64            // time of the first record that has one
	orphans    int
	payments   []*payment
	work       float64                // difficulty credited since the last block
	meanFees   money.Satoshi          // of the newest job
	payTerms   *sharelog.PaymentTerms // in force; nil: the log names none yet
	refused    []*RecordError         // that no Override covers, in the log's order
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
func (a *accounting) schemeAt(index uint64) (scheme sharelog.Scheme) {
	for i := len(a.schemes) - 1; i >= 0; i-- {
		if a.schemes[i].index < index {
			return a.schemes[i].scheme
		}
	}
	return scheme
}

// poolBlock is a block that a share has solved.
type poolBlock struct {
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
	credits  []payout.Credit
	entry    books.Entry
	pending  map[uint64]money.Satoshi
	work     float64 // difficulty credited since the block before, for people
	restore  func(at uint64)
	settled  int64 // time at which it became final, milliseconds
}

// livingTips is how many blocks jobs are out on at a time: the tip, and the one before it, of which
// late shares come. A chain that goes back and forth between two keeps both.
const livingTips = 2

func newAccounting() *accounting {
	return &accounting{
		users: map[uint64]uint64{}, address: map[uint64]string{}, jobs: map[uint64]*terms{}, balance: map[string]money.Satoshi{},
		pending: map[uint64]money.Satoshi{}, since: map[uint64]uint64{}, lastShare: map[uint64]int64{},
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

func (a *accounting) refuse(index uint64, err error) error {
	refused := &RecordError{index, err}
	a.refused = append(a.refused, refused)
	return refused
}

func userAccount(user uint64) string {
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

// apply takes the next record of the log and returns what it books. After a *RecordError the record
// counts as taken, and changed nothing.
func (a *accounting) apply(record sharelog.Record) (entries []books.Entry, err error) {
	index := a.position
	a.position++
	switch r := record.(type) {
	case *sharelog.Scheme:
		entries, err = a.changeScheme(index, r)
	case *sharelog.Worker:
		a.users[r.Number] = r.User
		a.address[r.User] = r.Address
	case *sharelog.Job:
		a.addJob(r)
		a.firstMilli = cmp.Or(a.firstMilli, r.TimeMillis)
		if payout.PerShare(a.scheme.Name) {
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
		a.payTerms = r
	case *sharelog.Override:
		a.refused = slices.DeleteFunc(a.refused, func(e *RecordError) bool { return r.First <= e.Entry && e.Entry <= r.Last })
	}
	for _, e := range entries {
		err = cmp.Or(err, e.Check())
	}
	if err != nil {
		return nil, a.refuse(index, err)
	}
	a.entries += uint64(len(entries))
	for _, e := range entries {
		for _, p := range e.Postings {
			a.balance[p.Account] += p.Amount
		}
		for _, p := range e.Postings {
			a.noteDebt(p.Account, index)
		}
	}
	return entries, nil
}

// noteDebt keeps since which entry an account is owed something.
func (a *accounting) noteDebt(account string, index uint64) {
	user, isUser := userOf(account)
	if !isUser {
		return
	}
	if a.balance[account] <= 0 {
		delete(a.since, user)
	} else if _, known := a.since[user]; !known {
		a.since[user] = index
	}
}

// changeScheme settles what shares have earned before another scheme begins, or other rules.
func (a *accounting) changeScheme(index uint64, r *sharelog.Scheme) (entries []books.Entry, err error) {
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
		a.scheme = *r
	}
	return entries, err
}

func (a *accounting) addJob(j *sharelog.Job) {
	a.meanFees, a.height = j.MeanFees, j.Height
	a.jobCount++
	if at := slices.Index(a.tips, j.Previous); at >= 0 {
		a.tips = append(slices.Delete(a.tips, at, at+1), j.Previous)
	} else {
		a.tips = append(a.tips, j.Previous)
	}
	if len(a.tips) > livingTips {
		a.tips = a.tips[len(a.tips)-livingTips:]
		if a.recall != nil {
			maps.DeleteFunc(a.jobs, func(_ uint64, t *terms) bool { return !slices.Contains(a.tips, t.Previous) })
		}
		a.history.Rounds.Forget(a.oldestPosition())
	}
	a.jobs[j.Number] = &terms{Job: j, scheme: a.scheme, debts: a.debtsIn(j)}
	if target, err := bitcoin.TargetOfBits(j.Bits); err == nil {
		a.history.Target(target)
		a.history.Forget()
	}
}

// oldestPosition is the earliest position that a job may name whose block is not buried: of the living
// jobs, and of the jobs since the oldest block that is not final.
func (a *accounting) oldestPosition() uint64 {
	oldest := a.position
	for _, t := range a.jobs {
		oldest = min(oldest, t.Position)
	}
	for a.firstOpen < len(a.blocks) && a.buried(a.blocks[a.firstOpen]) {
		a.firstOpen++
	}
	if a.firstOpen < len(a.blocks) {
		oldest = min(oldest, a.blocks[a.firstOpen].Job.Position)
	}
	return oldest
}

// buried tells whether a block's fate is decided for good.
func (a *accounting) buried(b *poolBlock) bool {
	return b.Status == sharelog.StatusConfirmed || b.Status == sharelog.StatusOrphaned && b.Height+2*finalConfirmations < a.height
}

// debtsIn are what a job's coinbases pay of users' debts, as they stand at its record.
func (a *accounting) debtsIn(j *sharelog.Job) map[uint64]money.Satoshi {
	var debts map[uint64]money.Satoshi
	for _, v := range j.Variants {
		for _, p := range v.Payees {
			if p.User == 0 || p.Amount == 0 {
				continue
			}
			if part := min(a.debt(p.User)-p.Debt, p.Amount); part > 0 {
				if debts == nil {
					debts = map[uint64]money.Satoshi{}
				}
				debts[p.User] = max(debts[p.User], part)
			}
		}
	}
	return debts
}

// job finds the terms of a share.
func (a *accounting) job(number, index uint64) (*terms, error) {
	if t := a.jobs[number]; t != nil {
		return t, nil
	}
	if a.recall != nil {
		if j, at, err := a.recall(number, index); err != nil {
			return nil, err
		} else if j != nil {
			return &terms{Job: j, scheme: a.schemeAt(at)}, nil
		}
	}
	return nil, fmt.Errorf("share of job %d, which the log does not know", number)
}

func (a *accounting) share(index uint64, s *sharelog.Share) ([]books.Entry, error) {
	user, known := a.users[s.Worker]
	if !known {
		return nil, fmt.Errorf("share of worker %d, which the log does not know", s.Worker)
	}
	job, err := a.job(s.Job, index)
	if err != nil {
		return nil, err
	}
	if s.Variant >= uint64(len(job.Variants)) {
		return nil, fmt.Errorf("share of variant %d of job %d, which has %d", s.Variant, s.Job, len(job.Variants))
	}
	units := payout.Units(s.Difficulty)
	if payout.PerShare(a.scheme.Name) {
		rate := payout.ShareRate(a.scheme.Name, job.CoinbaseValue-job.Fees, job.MeanFees)
		if err := a.accrual.Add(user, units, rate, job.Bits, a.scheme.FeePPM); err != nil {
			return nil, err
		}
	}
	if !payout.PerShare(a.scheme.Name) || a.scheme.Rules < sharelog.RulesAtBlock {
		a.history.Add(index, user, units)
	}
	a.work += s.Difficulty.Float()
	a.lastShare[user] = s.TimeMillis
	if !s.SolvesBlock {
		return nil, nil
	}
	header, err := s.Header(job.Job)
	if err != nil {
		return nil, err
	}
	block := &poolBlock{Hash: header.Hash(), Height: job.Height, Share: index, User: user, Job: job.Job, Variant: s.Variant, work: a.work}
	block.Scheme, block.Position = a.fixed(job, index)
	if block.credits, err = a.credits(block.Scheme.Name, block.Scheme.FeePPM, block); err != nil {
		return nil, err
	}
	if block.Scheme.Name == payout.SOLO && block.Scheme.InCoinbase {
		block.credits = paidBy(job.Variants[s.Variant]) // its job is logged with its first share, perhaps after another fee
	}
	a.work = 0
	a.blocks = append(a.blocks, block)
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
func (a *accounting) fixed(job *terms, index uint64) (sharelog.Scheme, uint64) {
	switch {
	case a.scheme.Rules < sharelog.RulesAtBlock:
		return a.scheme, job.Position
	case job.scheme.InCoinbase:
		return job.scheme, job.Position
	}
	return a.scheme, index + 1
}

// credits are what a block brings each user under a scheme.
func (a *accounting) credits(scheme string, feePPM uint64, b *poolBlock) ([]payout.Credit, error) {
	target, err := bitcoin.TargetOfBits(b.Job.Bits)
	if err != nil {
		return nil, err
	}
	return a.history.Split(scheme, feePPM, payout.Reward{Total: b.Job.CoinbaseValue, Target: target, Position: b.Position, Finder: a.finder(b)})
}

// finder is whose block it is under SOLO: the user that its coinbase pays, if it pays one.
func (a *accounting) finder(b *poolBlock) uint64 {
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

// book enters a block: the reward to its users, and what its coinbase pays them already.
func (a *accounting) book(b *poolBlock, timeMillis int64) ([]books.Entry, error) {
	total := b.Job.CoinbaseValue
	e := books.Entry{
		Key: fmt.Sprintf("block %s %d", b.Hash, b.Reversed), TimeMillis: timeMillis, Memo: fmt.Sprintf("block %d", b.Height),
		Postings: []books.Posting{{Account: "immature", Amount: -total}},
	}
	b.pending = map[uint64]money.Satoshi{}
	if payout.PerShare(b.Scheme.Name) {
		e.Postings = append(e.Postings, books.Posting{Account: "reserve", Amount: total})
	} else {
		for _, c := range b.credits {
			e.Postings = append(e.Postings, books.Posting{Account: userAccount(c.User), Amount: c.Amount})
			b.pending[c.User] += c.Amount
		}
	}
	for _, p := range b.Job.Variants[b.Variant].Payees {
		if p.User != 0 && p.Amount > 0 {
			e.Postings = append(e.Postings, books.Posting{Account: userAccount(p.User), Amount: -p.Amount}, books.Posting{Account: "immature", Amount: p.Amount})
			b.pending[p.User] -= p.Amount
		}
	}
	a.pend(b)
	b.entry = e
	a.history.Rounds.Close(b.Share, b.Share, b.Position)
	return []books.Entry{e}, nil
}

// settle books what PPS and FPPS have accrued since the last time.
func (a *accounting) settle(index uint64, timeMillis int64) ([]books.Entry, error) {
	e := books.Entry{Key: fmt.Sprintf("accrual %d", index), TimeMillis: timeMillis, Memo: a.scheme.Name}
	for _, user := range a.accrual.Users() {
		earned, err := a.accrual.Take(user)
		if err != nil {
			return nil, err
		}
		if earned > 0 {
			e.Postings = append(e.Postings, books.Posting{Account: userAccount(user), Amount: earned}, books.Posting{Account: "reserve", Amount: -earned})
			e.TimeMillis = max(e.TimeMillis, a.lastShare[user])
		}
	}
	if len(e.Postings) == 0 {
		return nil, nil
	}
	return []books.Entry{e}, nil
}

// status confirms, reverses or restores a block.
func (a *accounting) status(index uint64, s *sharelog.Status) ([]books.Entry, error) {
	at := slices.IndexFunc(a.blocks, func(b *poolBlock) bool { return b.Hash == s.Hash })
	if at < 0 {
		return nil, fmt.Errorf("status of block %s, which no share has solved", s.Hash)
	}
	b := a.blocks[at]
	before := b.Status
	if before == sharelog.StatusConfirmed {
		return nil, nil // final is final: what it brought may have been paid
	}
	b.Status = s.Status
	switch {
	case s.Status == sharelog.StatusConfirmed && before != sharelog.StatusOrphaned:
		a.settlePending(b)
		b.settled = s.TimeMillis
		a.history.Rounds.Settle(b.Share)
		mature := money.Satoshi(0)
		for _, p := range b.entry.Postings {
			if p.Account == "immature" {
				mature += p.Amount
			}
		}
		if mature == 0 {
			return nil, nil
		}
		return []books.Entry{{
			Key: fmt.Sprintf("mature %s %d", b.Hash, b.Reversed), TimeMillis: s.TimeMillis, Memo: fmt.Sprintf("block %d is final", b.Height),
			Postings: []books.Posting{{Account: "immature", Amount: -mature}, {Account: "wallet", Amount: mature}},
		}}, nil
	case s.Status == sharelog.StatusOrphaned && before != sharelog.StatusOrphaned:
		a.settlePending(b)
		a.orphans++
		b.restore = a.history.Rounds.Reopen(b.Share, index)
		undo := b.entry.Reverse(fmt.Sprintf("orphan %s %d", b.Hash, b.Reversed), fmt.Sprintf("block %d is an orphan", b.Height), s.TimeMillis)
		b.Reversed++
		return []books.Entry{undo}, nil
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
func (a *accounting) rebook(b *poolBlock, timeMillis int64) ([]books.Entry, error) {
	e := b.entry
	e.Key, e.TimeMillis = fmt.Sprintf("block %s %d", b.Hash, b.Reversed), timeMillis
	a.pend(b)
	return []books.Entry{e}, nil
}

// pend adds a block's amounts to what is not certain.
func (a *accounting) pend(b *poolBlock) {
	for user, amount := range b.pending {
		if amount > 0 {
			a.pending[user] += amount
		}
	}
}

// settlePending takes a block's amounts out of what is not certain.
func (a *accounting) settlePending(b *poolBlock) {
	for user, amount := range b.pending {
		if amount <= 0 {
			continue
		}
		if a.pending[user] -= amount; a.pending[user] == 0 {
			delete(a.pending, user)
		}
	}
}

// debt is what a user is owed for certain: the balance without what may still be reversed.
func (a *accounting) debt(user uint64) money.Satoshi {
	return max(a.balance[userAccount(user)]-a.pending[user], 0)
}

// payable is the debt that no coinbase pays that is still out.
func (a *accounting) payable(user uint64) money.Satoshi {
	most := money.Satoshi(0)
	for _, t := range a.jobs {
		if slices.Contains(a.tips, t.Previous) {
			most = max(most, t.debts[user])
		}
	}
	return max(a.debt(user)-most, 0)
}
