package accounts

import (
	"math"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/payout"
)

// BlockView is a block that the pool has found.
type BlockView struct {
	Height     uint64        `json:"height"`
	Hash       bitcoin.Hash  `json:"hash"`
	Status     string        `json:"status"` // provisional, final or orphaned
	Finder     string        `json:"finder"`
	Reward     money.Satoshi `json:"reward_satoshi"`
	Difficulty float64       `json:"difficulty"`
	Work       float64       `json:"work_difficulty"` // credited since the block before
	// Luck is the expected work over the work it took: above 1 is lucky.
	Luck float64   `json:"luck"`
	Time time.Time `json:"time"`
}

var statusNames = [...]string{"provisional", "final", "orphaned", "provisional"}

// Blocks lists the pool's blocks, oldest first.
func (a *Accounts) Blocks() []BlockView {
	list, _ := a.BlocksAfter(0, math.MaxInt)
	return list
}

// BlocksAfter lists so many blocks after the first ones, and says whether there are more.
func (a *Accounts) BlocksAfter(after uint64, most int) (list []BlockView, more bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	there := uint64(len(a.state.Blocks))
	after = min(after, there)
	last := after + min(uint64(most), there-after)
	list = make([]BlockView, 0, last-after)
	for i := range a.state.Blocks[after:last] {
		list = append(list, a.blockView(int(after)+i))
	}
	return list, last < there
}

// NewestBlocks lists so many blocks, the newest first.
func (a *Accounts) NewestBlocks(most int) (list []BlockView) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := len(a.state.Blocks) - 1; i >= 0 && len(list) < most; i-- {
		list = append(list, a.blockView(i))
	}
	return list
}

// blockView is a block as it is shown. The lock is held.
func (a *Accounts) blockView(i int) BlockView {
	b := a.state.Blocks[i]
	target, _ := bitcoin.TargetOfBits(b.Job.Bits)
	v := BlockView{
		Height: b.Height, Hash: b.Hash, Status: statusNames[b.Status], Finder: a.state.Address[b.User],
		Reward:     b.Job.CoinbaseValue,
		Difficulty: target.Difficulty(), Work: payout.Difficulty(b.Work),
		Time: time.UnixMilli(b.Entry.TimeMillis).UTC(),
	}
	if v.Work > 0 {
		v.Luck = v.Difficulty / v.Work
	}
	return v
}

// Owed is what the pool owes each address, provisional amounts included.
func (a *Accounts) Owed() map[string]money.Satoshi {
	a.mu.Lock()
	defer a.mu.Unlock()
	owed := map[string]money.Satoshi{}
	for user, address := range a.state.Address {
		owed[address] = a.state.Balance[accounting.UserAccount(user)]
	}
	return owed
}

// Balance is what an account has by the log.
func (a *Accounts) Balance(account string) money.Satoshi {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.Balance[account]
}

// OwedTo is what a user is owed for certain, and of blocks that are not final.
func (a *Accounts) OwedTo(user uint64) (certain, pending money.Satoshi) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.Debt(user), a.state.Pending[user]
}

// PayoutView is a payment to a user from the wallet.
type PayoutView struct {
	Time   time.Time     `json:"time"`
	Amount money.Satoshi `json:"amount_satoshi"`
	// that has paid; while it is open, the one that was sent last
	Transaction string `json:"transaction,omitempty"`
	// it is on its way: not deep enough in the chain, or not in it
	Open bool `json:"open,omitempty"`
}

// Payouts lists the newest payments to a user.
func (a *Accounts) Payouts(user uint64, most int) (list []PayoutView) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := len(a.state.Payments) - 1; i >= 0 && len(list) < most; i-- {
		one := a.state.Payments[i]
		for _, payee := range one.Payees {
			if payee.User != user {
				continue
			}
			view := PayoutView{Time: time.UnixMilli(one.TimeMillis).UTC(), Amount: payee.Amount, Open: one.Open()}
			if id, _, paid := one.Transaction(); paid {
				view.Transaction = id.String()
			} else if n := len(one.Sent); view.Open && n > 0 {
				view.Transaction = one.Sent[n-1].TxID.String()
			}
			if view.Open || view.Transaction != "" { // else its users are owed again
				list = append(list, view)
			}
		}
	}
	return list
}
