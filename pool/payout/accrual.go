package payout

import (
	"math/big"
	"slices"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
)

// rate is what one share's work is multiplied by.
type rate struct {
	amount money.Satoshi // S, or S + F
	bits   uint32
}

// Accrual sums what PPS or FPPS owes each user. Satoshi are whole only in the sum: the work is
// kept per rate, and the fraction below a satoshi waits for the next share. The zero Accrual is empty.
type Accrual struct {
	work map[uint64]map[rate]*big.Int
}

// Add credits a share: units · amount / W, with W the network's work at the job's bits.
func (a *Accrual) Add(user uint64, units *big.Int, amount money.Satoshi, bits uint32) {
	if a.work == nil {
		a.work = map[uint64]map[rate]*big.Int{}
	}
	if a.work[user] == nil {
		a.work[user] = map[rate]*big.Int{}
	}
	at := rate{amount, bits}
	if a.work[user][at] == nil {
		a.work[user][at] = new(big.Int)
	}
	a.work[user][at].Add(a.work[user][at], units)
}

// Earned is the user's whole satoshi so far, less the operator's fee in parts per million.
func (a *Accrual) Earned(user uint64, feePPM uint64) (money.Satoshi, error) {
	sum := new(big.Rat)
	for at, units := range a.work[user] {
		target, err := bitcoin.TargetOfBits(at.bits)
		if err != nil {
			return 0, err
		}
		// units · amount · target / (0xffff · 2^248): exact, whatever the order of the map.
		top := new(big.Int).Mul(units, big.NewInt(int64(at.amount)))
		top.Mul(top, target.Big())
		sum.Add(sum, new(big.Rat).SetFrac(top, networkTop))
	}
	sum.Mul(sum, new(big.Rat).SetFrac64(int64(1_000_000-feePPM), 1_000_000))
	whole := new(big.Int).Quo(sum.Num(), sum.Denom())
	if !whole.IsInt64() {
		return 0, money.ErrOverflow
	}
	return money.Satoshi(whole.Int64()), nil
}

// Users lists whom anything was accrued for, ascending.
func (a *Accrual) Users() []uint64 {
	users := make([]uint64, 0, len(a.work))
	for user := range a.work {
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
