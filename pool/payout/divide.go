package payout

import (
	"math/big"
	"slices"

	"github.com/aqsha/aqsha/money"
)

// Credit is what a user earns. User 0 is the operator.
type Credit struct {
	User   uint64
	Amount money.Satoshi
}

// Weight is a user's part of a whole.
type Weight struct {
	User  uint64
	Units *big.Int
}

// Divide splits an amount by weights, exactly: each gets the whole satoshi of its quotient, and
// the satoshi left over go one each to the largest remainders, ties to the lower user number.
// Weights must be positive and users distinct; the result is ordered by user.
//
// It is monotone: if one user's weight rises and no other's does, that user's part does not fall.
// Its quotient rises and the others' fall. Suppose its whole part stays and it loses its satoshi of
// remainder, to as many others as satoshi are left over. Each of those whose whole part fell has
// added the satoshi that it takes to those left over; the rest were ahead of the user before already,
// as many as were left over then, so the user had no satoshi to lose.
func Divide(amount money.Satoshi, weights []Weight) []Credit {
	total := new(big.Int)
	for _, w := range weights {
		if w.Units.Sign() <= 0 {
			panic("payout: weight is not positive")
		}
		total.Add(total, w.Units)
	}
	if amount < 0 {
		panic("payout: dividing a negative amount")
	}
	type part struct {
		Credit
		remainder *big.Int
	}
	// In integers of any size: a weight is a sum of difficulties and an amount up to 2^51, whose product no float
	// holds.
	parts := make([]part, len(weights))
	left := amount
	for i, w := range weights {
		quotient, remainder := new(big.Int).Mul(big.NewInt(int64(amount)), w.Units), new(big.Int)
		quotient.QuoRem(quotient, total, remainder)
		parts[i] = part{Credit{w.User, money.Satoshi(quotient.Int64())}, remainder}
		left -= parts[i].Amount
	}
	slices.SortFunc(parts, func(a, b part) int {
		if c := b.remainder.Cmp(a.remainder); c != 0 {
			return c
		}
		return compare(a.User, b.User)
	})
	credits := make([]Credit, len(parts))
	for i, p := range parts {
		if money.Satoshi(i) < left {
			p.Amount++
		}
		credits[i] = p.Credit
	}
	slices.SortFunc(credits, func(a, b Credit) int { return compare(a.User, b.User) })
	return credits
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Fee is the operator's part of an amount, rounded down. So the users never get less than their part by rounding.
func Fee(amount money.Satoshi, feePPM uint64) money.Satoshi {
	fee := new(big.Int).Mul(big.NewInt(int64(amount)), new(big.Int).SetUint64(feePPM))
	return money.Satoshi(fee.Quo(fee, big.NewInt(1_000_000)).Int64())
}
