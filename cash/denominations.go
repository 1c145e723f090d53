package cash

import (
	"slices"

	"github.com/aqsha/aqsha/money"
)

// MaxDenominations bounds a keyset: 2^0 to 2^62 are 63.
const MaxDenominations = 63

// largest is the largest note: 20,000 tenge.
const largest money.Tiyn = 2_000_000

// OneTwoFive are the denominations of a keyset unless it says otherwise: 1, 2 and 5 tiyn and so on to 20,000 tenge, 20
// of them, among which are all coins and banknotes of the tenge.
func OneTwoFive() (list []money.Tiyn) {
	for step := money.Tiyn(1); ; step *= 10 {
		for _, amount := range []money.Tiyn{step, 2 * step, 5 * step} {
			if amount > largest {
				return list
			}
			list = append(list, amount)
		}
	}
}

// Binary are powers of two up to the last below the largest note of OneTwoFive, for wallets that can only split so.
func Binary() (list []money.Tiyn) {
	for amount := money.Tiyn(1); amount <= largest; amount *= 2 {
		list = append(list, amount)
	}
	return list
}

// Split takes an amount apart into as few notes as the denominations allow when each is taken as often as it fits, the
// smallest first: outputs in ascending order tell nobody which are the payment and which the change. denominations
// ascend. An amount that they cannot make, or only with more than most notes, gives nil.
func Split(amount money.Tiyn, denominations []money.Tiyn, most int) (notes []money.Tiyn) {
	if amount < 0 {
		return nil
	}
	for i := len(denominations) - 1; i >= 0; i-- {
		d := denominations[i]
		if n := amount / d; n > money.Tiyn(most-len(notes)) {
			return nil
		}
		for ; amount >= d; amount -= d {
			notes = append(notes, d)
		}
	}
	if amount != 0 {
		return nil
	}
	slices.Sort(notes)
	return notes
}
