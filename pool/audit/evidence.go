package audit

import (
	"bytes"
	"fmt"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
)

// Contradiction is a place where a log contradicts itself, or the chain: evidence against who has signed it.
type Contradiction struct {
	Entry uint64 `json:"entry"` // index in the log
	Field string `json:"field"`
	Claim string `json:"claim"`          // what the log says
	Fact  string `json:"fact,omitempty"` // what follows from the bytes that were hashed, or from the chain
}

func (c Contradiction) String() string {
	if c.Fact == "" {
		return fmt.Sprintf("log entry %d, %s: %s", c.Entry, c.Field, c.Claim)
	}
	return fmt.Sprintf("log entry %d, %s: the log says %s; %s", c.Entry, c.Field, c.Claim, c.Fact)
}

func (a *Auditor) convict(entry uint64, field, claim, fact string) {
	a.evidence = append(a.evidence, Contradiction{entry, field, claim, fact})
}

// Contradictions lists what was found, in the order of the log.
func (a *Auditor) Contradictions() []Contradiction { return a.evidence }

// networkOf is the network of an address; false when it is of several or none.
func networkOf(address string) (network bitcoin.Network, known bool) {
	count := 0
	for _, n := range bitcoin.Networks {
		if _, err := n.PayTo(address); err == nil {
			network = n
			count++
		}
	}
	return network, count == 1
}

// scriptOf pays an address on whatever network it is of: networks that share addresses share scripts.
func scriptOf(address string) []byte {
	for _, n := range bitcoin.Networks {
		if script, err := n.PayTo(address); err == nil {
			return script
		}
	}
	return nil
}

// checkJob holds a job's fields against its coinbases' bytes, which every share of it has hashed.
func (a *Auditor) checkJob(index uint64, j *sharelog.Job) {
	if a.state.Jobs[j.Number] != nil {
		a.convict(index, "number", fmt.Sprintf("job %d", j.Number), "which is another's")
	}
	if network, known := networkOf(a.state.Scheme.Address); known {
		if subsidy := payout.Subsidy(network, int(j.Height)); j.CoinbaseValue-j.Fees != subsidy {
			a.convict(index, "fees", fmt.Sprintf("%d satoshi of a reward of %d", j.Fees, j.CoinbaseValue),
				fmt.Sprintf("the subsidy at height %d is %d", j.Height, subsidy))
		}
	}
	a.checkPosition(index, j)
	a.checkPayees(index, j)
	for _, v := range j.Variants {
		a.checkCoinbase(index, j, v)
	}
}

// checkPosition: under RulesAtBlock a coinbase counts at least what the log held before the last job but one.
func (a *Auditor) checkPosition(index uint64, j *sharelog.Job) {
	if j.Position > index {
		a.convict(index, "position", fmt.Sprintf("the split counts the log before entry %d", j.Position),
			"which had not been written")
	}
	s := a.state.Scheme
	if s.Rules < sharelog.RulesAtBlock || !s.InCoinbase || s.Name == payout.SOLO {
		return
	}
	if j.Position < a.lastJobs[0] {
		a.convict(index, "position", fmt.Sprintf("the split counts the log before entry %d", j.Position),
			fmt.Sprintf("two jobs have followed entry %d", a.lastJobs[0]))
	}
	a.lastJobs[0], a.lastJobs[1] = a.lastJobs[1], index
}

// checkPayees holds what a job's coinbases pay and leave owing against the scheme: each user's credit, and debts as
// far as there were any when the job was laid out, which was after the last one. Debts that the wallet is about to pay
// are left out.
func (a *Auditor) checkPayees(index uint64, j *sharelog.Job) {
	s := a.state.Scheme
	if s.Rules < sharelog.RulesAtBlock || s.Name == payout.SOLO {
		return
	}
	debts := map[uint64]money.Satoshi{}
	for user := range a.state.Since {
		debts[user] = a.state.Debt(user)
	}
	// A job is laid out after the one before it and before this entry: what was owed then is between what was owed at
	// the two.
	before := a.debts
	a.debts = debts
	credit := map[uint64]money.Satoshi{}
	if target, err := bitcoin.TargetOfBits(j.Bits); err == nil && s.InCoinbase {
		credits, err := a.state.History.Split(s.Name, s.FeePPM, payout.Reward{Total: j.CoinbaseValue, Target: target,
			Position: j.Position})
		if err != nil {
			return
		}
		for _, c := range credits {
			credit[c.User] = c.Amount
		}
	}
	for _, v := range j.Variants {
		for _, p := range v.Payees {
			if p.User == 0 && p.Debt != 0 {
				a.convict(index, "payees", fmt.Sprintf("the operator is owed %d satoshi", p.Debt),
					"what nobody else gets is the operator's at once")
			}
			if p.User == 0 {
				continue
			}
			if !s.InCoinbase {
				a.convict(index, "payees", fmt.Sprintf("user %d is paid %d satoshi", p.User, p.Amount),
					"the scheme pays from the wallet")
			} else if most := credit[p.User] + max(before[p.User], debts[p.User]); p.Amount+p.Debt > most {
				a.convict(index, "payees", fmt.Sprintf("user %d is paid, or left owing, %d satoshi", p.User,
					p.Amount+p.Debt), fmt.Sprintf("at most %d are earned and owed", most))
			}
		}
	}
}

// checkCoinbase holds reward, payees, height and witness against a coinbase's bytes.
func (a *Auditor) checkCoinbase(index uint64, j *sharelog.Job, v sharelog.Variant) {
	raw := bytes.Join([][]byte{v.Head, make([]byte, sharelog.ExtranonceSize), v.Tail}, nil)
	tx, from := new(wire.MsgTx), bytes.NewReader(raw)
	if err := tx.DeserializeNoWitness(from); err != nil || from.Len() > 0 || len(tx.TxIn) != 1 {
		a.convict(index, "coinbase", fmt.Sprintf("%d bytes", len(raw)), "which are no transaction")
		return
	}
	if from := tx.TxIn[0].PreviousOutPoint; from.Hash != (chainhash.Hash{}) || from.Index != wire.MaxPrevOutIndex {
		a.convict(index, "coinbase", "one", fmt.Sprintf("it spends %s", from))
	}
	// The height stands twice in our coinbases (BIP 34, and the lock time that keeps them apart): a job's claim must be
	// both.
	if !bytes.HasPrefix(tx.TxIn[0].SignatureScript, bitcoin.HeightPush(uint32(j.Height))) ||
		uint64(tx.LockTime)+1 != j.Height {
		a.convict(index, "height", fmt.Sprint(j.Height), fmt.Sprintf("the coinbase's lock time is %d", tx.LockTime))
	}
	// By script, not by user: one address may be under two numbers in an old log, and is paid once for both.
	claimed, pays := map[string]money.Satoshi{}, map[string]money.Satoshi{}
	for _, p := range v.Payees {
		address := a.address(p.User)
		script := scriptOf(address)
		if script == nil {
			a.convict(index, "payees", fmt.Sprintf("%d satoshi to user %d", p.Amount, p.User),
				"whom the log does not know")
		}
		if p.Amount > 0 {
			claimed[string(script)] += p.Amount
		}
	}
	total, commits := money.Satoshi(0), false
	for _, out := range tx.TxOut {
		commits = commits || bytes.HasPrefix(out.PkScript, witnessCommitment)
		total += money.Satoshi(out.Value)
		if out.Value > 0 {
			pays[string(out.PkScript)] += money.Satoshi(out.Value)
		}
	}
	if total != j.CoinbaseValue {
		a.convict(index, "reward", fmt.Sprintf("%d satoshi", j.CoinbaseValue),
			fmt.Sprintf("the coinbase pays %d", total))
	}
	if commits != v.Witness {
		a.convict(index, "witness", fmt.Sprint(v.Witness), fmt.Sprintf("the coinbase commits to witnesses: %v",
			commits))
	}
	for script, amount := range claimed {
		if pays[script] != amount {
			a.convict(index, "payees", fmt.Sprintf("%d satoshi to script %x", amount, script),
				fmt.Sprintf("the coinbase pays it %d", pays[script]))
		}
	}
	for script, amount := range pays {
		if claimed[script] == 0 {
			a.convict(index, "payees", "nothing of it", fmt.Sprintf("the coinbase pays %d satoshi to script %x", amount,
				script))
		}
	}
}

// witnessCommitment begins the script of BIP 141's commitment.
var witnessCommitment = []byte{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed}

// checkShare holds a share against its job: work, time, version, and whether it solves a block.
func (a *Auditor) checkShare(index uint64, s *sharelog.Share, j *sharelog.Job) {
	if err := s.Verify(j); err != nil {
		a.convict(index, "share", err.Error(), "")
		return
	}
	header, err := s.Header(j)
	if err != nil {
		return
	}
	hash := header.Hash()
	if s.Time < j.MinTime {
		a.convict(index, "time", fmt.Sprint(s.Time), fmt.Sprintf("the job's least is %d", j.MinTime))
	}
	if (s.Version^j.Version)&^stratum.MaskBIP323 != 0 {
		a.convict(index, "version", fmt.Sprintf("%08x", s.Version), fmt.Sprintf("the job's is %08x", j.Version))
	}
	// The same work twice, under whatever job, worker or extranonce it was entered, is paid once.
	if a.hashed[hash] {
		a.convict(index, "share", fmt.Sprintf("the header %s", hash), "which was a share already")
	}
	a.hashed[hash] = true
	target, err := bitcoin.TargetOfBits(j.Bits)
	if err != nil {
		a.convict(index, "bits", fmt.Sprintf("%08x", j.Bits), err.Error())
		return
	}
	switch solves := target.Met(hash); {
	case s.SolvesBlock && !solves:
		a.convict(index, "solves", "a block is solved", fmt.Sprintf("the hash %s does not meet the target", hash))
	case s.SolvesBlock:
		if first, known := a.solved[j.Previous]; !known || s.TimeMillis < first {
			a.solved[j.Previous] = s.TimeMillis
		}
	case solves:
		a.unclaimed = append(a.unclaimed, unclaimed{index, s.TimeMillis, j.Height, j.Previous, hash})
	}
}

// unclaimed is a share that meets the network's target and is not called a block. That is right only where an
// earlier one on the same parent is, and not for the one that the chain has.
type unclaimed struct {
	entry      uint64
	timeMillis int64
	height     uint64
	previous   bitcoin.Hash
	hash       bitcoin.Hash
}

// claimSlack is how much later the block may come that explains an unclaimed one, milliseconds: two loops of a pool
// write their shares independently.
const claimSlack = 1000

// checkUnclaimed convicts of shares that solved a block which the pool did not claim. A miner who finds one on a
// parent on which the pool has another is late, and no fault of anybody's.
func (a *Auditor) checkUnclaimed() {
	for _, u := range a.unclaimed {
		switch first, known := a.solved[u.previous]; {
		case !known:
			a.convict(u.entry, "solves", "no block",
				fmt.Sprintf("the hash %s meets the target, and no other block of the pool is on %s", u.hash,
					u.previous))
		case first > u.timeMillis+claimSlack:
			a.convict(u.entry, "solves", "no block",
				fmt.Sprintf("the hash %s meets the target, and the pool's first block on %s came only %d ms later",
					u.hash, u.previous, first-u.timeMillis))
		}
	}
}

// checkBlock holds a block's credits against what its coinbase pays.
func (a *Auditor) checkBlock(b *accounting.Block) {
	credit := map[uint64]money.Satoshi{}
	for _, c := range b.Credits {
		credit[c.User] += c.Amount
	}
	if b.Scheme.Rules >= sharelog.RulesAtBlock && !b.Scheme.InCoinbase {
		return // the wallet pays, which the payments show
	}
	covered := map[uint64]money.Satoshi{}
	for _, p := range b.Job.Variants[b.Variant].Payees {
		covered[p.User] += p.Amount + p.Debt
		before := a.state.Balance[accounting.UserAccount(p.User)] - credit[p.User] + p.Amount + a.paidBeside(b, p.User)
		if p.User != 0 && p.Amount > credit[p.User]+max(before, 0) {
			a.convict(b.Share, "payees", fmt.Sprintf("user %d is paid %d satoshi", p.User, p.Amount),
				fmt.Sprintf("the scheme gives %d, and %d were owed", credit[p.User], max(before, 0)))
		}
	}
	if len(b.Job.Variants[b.Variant].Payees) == 1 && b.Scheme.Rules < sharelog.RulesAtBlock {
		return // as before: logs of then do not say who pays
	}
	for user, amount := range credit {
		if user != 0 && covered[user] < amount {
			a.convict(b.Share, "payees", fmt.Sprintf("user %d is paid, or left owing, %d satoshi", user, covered[user]),
				fmt.Sprintf("%s gives %d", b.Scheme.Name, amount))
		}
	}
}

// paidBeside is what the pool's earlier blocks on the same parent, of which only one can stand, have booked against
// a user's debts: this one's coinbase was laid out without it.
func (a *Auditor) paidBeside(b *accounting.Block, user uint64) (sum money.Satoshi) {
	for _, other := range a.byParent[b.Job.Previous] {
		if other.Status == sharelog.StatusOrphaned || other == b {
			continue
		}
		for _, p := range other.Job.Variants[other.Variant].Payees {
			if p.User == user {
				sum += p.Amount
			}
		}
		for _, c := range other.Credits {
			if c.User == user {
				sum -= c.Amount
			}
		}
	}
	return sum
}

// choosing is how long a pool may take from choosing whom it pays to the payment's record, milliseconds.
const choosing = 10 * 60 * 1000

// noteReturn keeps when a user who had left came back, for a payment that was chosen just before.
func (a *Auditor) noteReturn(s *sharelog.Share) {
	user := a.state.Users[s.Worker]
	if t := a.state.PayTerms; t != nil && t.SweepMillis > 0 &&
		s.TimeMillis-a.state.LastShare[user] > int64(t.SweepMillis) {
		a.returned[user] = s.TimeMillis
	}
}

// hadLeft tells whether a user was to be swept at a time.
func (a *Auditor) hadLeft(user uint64, timeMillis int64, t *sharelog.PaymentTerms) bool {
	if t.SweepMillis == 0 {
		return false
	}
	back, came := a.returned[user]
	return timeMillis-a.state.LastShare[user] > int64(t.SweepMillis) || came && timeMillis-back <= choosing
}

// checkPayment: a payment pays what is owed, and nobody less than the minimum in force who has not left.
func (a *Auditor) checkPayment(index uint64, p *sharelog.Payment) {
	for _, payee := range p.Payees {
		if owed := a.state.Debt(payee.User); payee.Amount > owed {
			a.convict(index, "payment", fmt.Sprintf("user %d is paid %d satoshi", payee.User, payee.Amount),
				fmt.Sprintf("%d were owed for certain", owed))
		}
		if t := a.state.PayTerms; t != nil && payee.Amount < t.Minimum && !a.hadLeft(payee.User, p.TimeMillis, t) {
			a.convict(index, "payment", fmt.Sprintf("user %d is paid %d satoshi", payee.User, payee.Amount),
				fmt.Sprintf("the least payment is %d, and the user had not left", t.Minimum))
		}
	}
}

// checkWorker: a user is an address, and the number of its first worker.
func (a *Auditor) checkWorker(index uint64, w *sharelog.Worker) {
	if scriptOf(w.Address) == nil {
		a.convict(index, "address", fmt.Sprintf("%.100q", w.Address), "which is none")
	}
	if _, known := a.state.Users[w.Number]; known {
		a.convict(index, "worker", fmt.Sprintf("number %d", w.Number), "which is another's")
	}
	want := w.Number
	if user, known := a.userOf[w.Address]; known {
		want = user
	}
	if w.User != want {
		a.convict(index, "user", fmt.Sprintf("%s is user %d", w.Address, w.User), fmt.Sprintf("it is %d", want))
	}
	a.userOf[w.Address] = w.User
}
