package pool

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/books"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// accounting turns the log's records into entries of the books. It is a function of the log: two
// runs over the same records give the same entries, which is what anybody recomputes.
type accounting struct {
	position uint64 // records applied
	scheme   sharelog.Scheme
	users    map[uint64]uint64 // by worker
	address  map[uint64]string // by user
	jobs     map[uint64]*sharelog.Job
	oldest   uint64 // number of the oldest job kept
	history  payout.History
	accrual  payout.Accrual
	accrued  map[uint64]money.Satoshi // booked so far, PPS and FPPS
	blocks   []*poolBlock
	balance  map[string]money.Satoshi
	// pending is what users have from blocks that are not final yet, less what those paid them.
	pending  map[uint64]money.Satoshi
	orphans  int
	payments []*payment
	work     float64 // difficulty credited since the last block
	keepAll  bool    // for an audit: the history forgets nothing
}

// poolBlock is a block that a share has solved.
type poolBlock struct {
	Hash     bitcoin.Hash
	Height   uint64
	Share    uint64 // index in the log
	User     uint64
	Job      *sharelog.Job
	Variant  uint64
	Status   uint64 // 0: provisional
	Reversed int    // how often, for the keys of entries
	entry    books.Entry
	pending  map[uint64]money.Satoshi
	work     float64 // difficulty credited since the block before, for people
}

// keptJobs is how many jobs stay known; a share's job is among the newest few.
const keptJobs = 4096

func newAccounting() *accounting {
	return &accounting{
		users: map[uint64]uint64{}, address: map[uint64]string{}, jobs: map[uint64]*sharelog.Job{}, accrued: map[uint64]money.Satoshi{},
		balance: map[string]money.Satoshi{}, pending: map[uint64]money.Satoshi{},
	}
}

func userAccount(user uint64) string {
	if user == 0 {
		return "operator"
	}
	return "user:" + strconv.FormatUint(user, 10)
}

// apply takes the next record of the log and returns what it books.
func (a *accounting) apply(record sharelog.Record) (entries []books.Entry, err error) {
	index := a.position
	a.position++
	switch r := record.(type) {
	case *sharelog.Scheme:
		a.scheme = *r
	case *sharelog.Worker:
		a.users[r.Number] = r.User
		a.address[r.User] = r.Address
	case *sharelog.Job:
		a.addJob(r)
		if payout.PerShare(a.scheme.Name) {
			entries, err = a.settle(index, r.TimeMillis)
		}
	case *sharelog.Share:
		entries, err = a.share(index, r)
	case *sharelog.Status:
		entries, err = a.status(index, r)
	case *sharelog.Payment:
		entries = a.payment(r)
	case *sharelog.Paid:
		entries, err = a.paid(r)
	}
	if err != nil {
		return nil, fmt.Errorf("log entry %d: %w", index, err)
	}
	for _, e := range entries {
		if err := e.Check(); err != nil {
			return nil, err
		}
		for _, p := range e.Postings {
			a.balance[p.Account] += p.Amount
		}
	}
	return entries, nil
}

func (a *accounting) addJob(j *sharelog.Job) {
	a.jobs[j.Number] = j
	for ; a.oldest+keptJobs < j.Number; a.oldest++ {
		delete(a.jobs, a.oldest)
	}
	if target, err := bitcoin.TargetOfBits(j.Bits); err == nil && !a.keepAll {
		a.history.Forget(target)
	}
}

func (a *accounting) share(index uint64, s *sharelog.Share) ([]books.Entry, error) {
	user, known := a.users[s.Worker]
	job := a.jobs[s.Job]
	if !known || job == nil {
		return nil, fmt.Errorf("share of worker %d and job %d, which the log does not know", s.Worker, s.Job)
	}
	units := payout.Units(s.Difficulty)
	a.history.Add(index, user, units)
	a.work += s.Difficulty.Float()
	if payout.PerShare(a.scheme.Name) {
		rate := payout.ShareRate(a.scheme.Name, job.CoinbaseValue-job.Fees, job.MeanFees)
		a.accrual.Add(user, units, rate, job.Bits)
	}
	if !s.SolvesBlock {
		return nil, nil
	}
	header, err := s.Header(job)
	if err != nil {
		return nil, err
	}
	block := &poolBlock{Hash: header.Hash(), Height: job.Height, Share: index, User: user, Job: job, Variant: s.Variant, work: a.work}
	a.work = 0
	a.blocks = append(a.blocks, block)
	return a.book(block, s.TimeMillis)
}

// credits are what a block brings each user under the pool's scheme.
func (a *accounting) credits(scheme string, feePPM uint64, b *poolBlock) ([]payout.Credit, error) {
	target, err := bitcoin.TargetOfBits(b.Job.Bits)
	if err != nil {
		return nil, err
	}
	return a.history.Split(scheme, feePPM, payout.Reward{Total: b.Job.CoinbaseValue, Target: target, Position: b.Job.Position, Finder: b.User})
}

// book enters a block: the reward to its users, and what its coinbase pays them already.
func (a *accounting) book(b *poolBlock, timeMillis int64) ([]books.Entry, error) {
	total := b.Job.CoinbaseValue
	e := books.Entry{
		Key: fmt.Sprintf("block %s %d", b.Hash, b.Reversed), TimeMillis: timeMillis, Memo: fmt.Sprintf("block %d", b.Height),
		Postings: []books.Posting{{Account: "immature", Amount: -total}},
	}
	b.pending = map[uint64]money.Satoshi{}
	if payout.PerShare(a.scheme.Name) {
		e.Postings = append(e.Postings, books.Posting{Account: "reserve", Amount: total})
	} else {
		credits, err := a.credits(a.scheme.Name, a.scheme.FeePPM, b)
		if err != nil {
			return nil, err
		}
		for _, c := range credits {
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
	for user, amount := range b.pending {
		a.pending[user] += amount
	}
	b.entry = e
	a.history.EndRound(b.Job.Position)
	return []books.Entry{e}, nil
}

// settle books what PPS and FPPS have accrued since the last time.
func (a *accounting) settle(index uint64, timeMillis int64) ([]books.Entry, error) {
	e := books.Entry{Key: fmt.Sprintf("accrual %d", index), TimeMillis: timeMillis, Memo: a.scheme.Name}
	for _, user := range a.accrual.Users() {
		earned, err := a.accrual.Earned(user, a.scheme.FeePPM)
		if err != nil {
			return nil, err
		}
		if delta := earned - a.accrued[user]; delta > 0 {
			e.Postings = append(e.Postings, books.Posting{Account: userAccount(user), Amount: delta}, books.Posting{Account: "reserve", Amount: -delta})
			a.accrued[user] = earned
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
	b.Status = s.Status
	switch {
	case s.Status == sharelog.StatusConfirmed && before != sharelog.StatusOrphaned:
		a.settlePending(b)
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
		a.history.Reopen(b.Job.Position)
		undo := b.entry.Reverse(fmt.Sprintf("orphan %s %d", b.Hash, b.Reversed), fmt.Sprintf("block %d is an orphan", b.Height), s.TimeMillis)
		b.Reversed++
		return []books.Entry{undo}, nil
	case s.Status == sharelog.StatusRestored && before == sharelog.StatusOrphaned:
		b.Status = 0
		a.orphans--
		return a.rebook(b, s.TimeMillis)
	}
	b.Status = before
	return nil, nil
}

// rebook enters a restored block exactly as it was entered first: its coinbase has not changed.
func (a *accounting) rebook(b *poolBlock, timeMillis int64) ([]books.Entry, error) {
	e := b.entry
	e.Key, e.TimeMillis = fmt.Sprintf("block %s %d", b.Hash, b.Reversed), timeMillis
	for user, amount := range b.pending {
		a.pending[user] += amount
	}
	a.history.EndRound(b.Job.Position)
	return []books.Entry{e}, nil
}

// settlePending takes a block's amounts out of what is not final.
func (a *accounting) settlePending(b *poolBlock) {
	if b.Status == 0 || b.pending == nil {
		return
	}
	for user, amount := range b.pending {
		if a.pending[user] -= amount; a.pending[user] == 0 {
			delete(a.pending, user)
		}
	}
}

// debt is what a user is owed for certain: the balance without what may still be reversed.
func (a *accounting) debt(user uint64) money.Satoshi {
	return max(a.balance[userAccount(user)]-max(a.pending[user], 0), 0)
}

// payment is a payment from the operator's wallet.
type payment struct {
	*sharelog.Payment
	entry books.Entry
	done  *sharelog.Paid // nil: nobody knows yet
}

// payment takes what is to be paid out of the users' accounts before the node is asked.
func (a *accounting) payment(r *sharelog.Payment) []books.Entry {
	e := books.Entry{Key: fmt.Sprintf("payment %d", r.Number), TimeMillis: r.TimeMillis, Memo: "payment"}
	for _, p := range r.Payees {
		e.Postings = append(e.Postings, books.Posting{Account: userAccount(p.User), Amount: -p.Amount}, books.Posting{Account: "paying", Amount: p.Amount})
	}
	a.payments = append(a.payments, &payment{Payment: r, entry: e})
	return []books.Entry{e}
}

// paid books the outcome: out of the wallet, with the fee, or back to the users.
func (a *accounting) paid(r *sharelog.Paid) ([]books.Entry, error) {
	at := slices.IndexFunc(a.payments, func(p *payment) bool { return p.Number == r.Number })
	if at < 0 || a.payments[at].done != nil {
		return nil, fmt.Errorf("outcome of payment %d, which is not open", r.Number)
	}
	p := a.payments[at]
	p.done = r
	if r.TxID == (bitcoin.Hash{}) {
		return []books.Entry{p.entry.Reverse(fmt.Sprintf("unpaid %d", r.Number), "payment refused", r.TimeMillis)}, nil
	}
	var total money.Satoshi
	for _, payee := range p.Payees {
		total += payee.Amount
	}
	return []books.Entry{{
		Key: fmt.Sprintf("paid %d", r.Number), TimeMillis: r.TimeMillis, Memo: "transaction " + r.TxID.String(),
		Postings: []books.Posting{{Account: "paying", Amount: -total}, {Account: "wallet", Amount: total + r.Fee}, {Account: "operator", Amount: -r.Fee}},
	}}, nil
}
