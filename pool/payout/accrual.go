package payout

import (
	"math/big"
	"slices"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
)

// Accrual sums what PPS or FPPS owes each user, less the fee that was in force at each share. The
// zero Accrual is empty.
//
// A share earns units · amount / W · (1 − fee), with W = networkTop / target and the fee in parts per million: every
// such product is a whole number of the same fraction of a satoshi, whatever the block, so one number for each user is
// exact. Take leaves the fraction below a satoshi, so that however often it is taken the sum is the same.
type Accrual struct {
	earned map[uint64]*big.Int // in satoshi / fractions
}

// fractions of a satoshi that all rates and fees have in common.
var fractions = new(big.Int).Mul(networkTop, big.NewInt(million))

// million: fees are in parts of it.
const million = 1_000_000

// Add credits a share: units · amount / W, less the fee, with W the network's work at the job's bits. The fee is at
// most a million parts.
func (a *Accrual) Add(user uint64, units *big.Int, amount money.Satoshi, bits uint32, feePPM uint64) error {
	target, err := bitcoin.TargetOfBits(bits)
	if err != nil {
		return err
	}
	if a.earned == nil {
		a.earned = map[uint64]*big.Int{}
	}
	if a.earned[user] == nil {
		a.earned[user] = new(big.Int)
	}
	top := new(big.Int).Mul(units, big.NewInt(int64(amount)))
	top.Mul(top, target.Big())
	top.Mul(top, big.NewInt(int64(million-feePPM)))
	a.earned[user].Add(a.earned[user], top)
	return nil
}

// Earned is the user's whole satoshi.
func (a *Accrual) Earned(user uint64) (money.Satoshi, error) {
	if a.earned[user] == nil {
		return 0, nil
	}
	whole := new(big.Int).Quo(a.earned[user], fractions)
	if !whole.IsInt64() {
		return 0, money.ErrOverflow
	}
	return money.Satoshi(whole.Int64()), nil
}

// Take takes the user's whole satoshi out; the fraction below one waits for the next share.
func (a *Accrual) Take(user uint64) (money.Satoshi, error) {
	whole, err := a.Earned(user)
	if err == nil && whole > 0 {
		a.earned[user].Sub(a.earned[user], new(big.Int).Mul(big.NewInt(int64(whole)), fractions))
	}
	return whole, err
}

// Users lists whom anything was accrued for, ascending.
func (a *Accrual) Users() []uint64 {
	users := make([]uint64, 0, len(a.earned))
	for user := range a.earned {
		users = append(users, user)
	}
	slices.Sort(users)
	return users
}

// ShareRate is what a share of a job is paid by under PPS (the subsidy) or FPPS (with the mean
// fees of the 144 blocks before).
func ShareRate(scheme string, subsidy, meanFees money.Satoshi) money.Satoshi {
	if scheme == FPPS {
		return subsidy + meanFees
	}
	return subsidy
}
