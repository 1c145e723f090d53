package payout

import (
	"slices"

	"github.com/aqsha/aqsha/money"
)

// Dust is the least output that nodes relay; coinbases keep to it, because nobody can spend less
// without paying more (Bitcoin Core's default for P2PKH).
const Dust money.Satoshi = 546

// Owed is what a user has coming from a reward and what earlier ones still owe.
type Owed struct {
	User   uint64
	Credit money.Satoshi // of this reward
	Debt   money.Satoshi // from before
	Bytes  int           // that its output takes in a coinbase
}

// Laid is one payee of a coinbase, or a debt.
type Laid struct {
	User uint64
	Paid money.Satoshi // by an output; 0: none
	Debt money.Satoshi // owed after the block
}

// Lay fits a reward into a coinbase with room for some bytes of outputs beside the operator's.
// The largest sums go first. Whoever does not fit, or is below dust, becomes a debt in the
// operator's keeping; earlier debts are paid from what the operator would get. Paid sums to the
// total; the operator comes first.
//
// Amounts are in satoshi. The sum of credits must not exceed the total. The result has every user that was given, also
// those without an output. The order depends on amounts and numbers alone, so an auditor lays out the same.
func Lay(total money.Satoshi, owed []Owed, room int) []Laid {
	order := slices.Clone(owed)
	slices.SortFunc(order, func(a, b Owed) int {
		if x, y := a.Credit+a.Debt, b.Credit+b.Debt; x != y {
			return compare(uint64(y), uint64(x))
		}
		return compare(a.User, b.User)
	})
	operator := total
	laid := []Laid{{}}
	var fit []int // indices into laid
	for _, o := range order {
		if o.User == 0 {
			continue
		}
		one := Laid{User: o.User, Debt: o.Credit + o.Debt}
		// Only a credit of at least dust is sure of an output: debts are paid as far as funds reach.
		if o.Credit >= Dust && o.Bytes <= room {
			room -= o.Bytes
			one.Paid, one.Debt = o.Credit, o.Debt
			operator -= o.Credit
			fit = append(fit, len(laid))
		}
		laid = append(laid, one)
	}
	for _, i := range fit {
		pay := min(laid[i].Debt, operator)
		laid[i].Paid += pay
		laid[i].Debt -= pay
		operator -= pay
	}
	// A user without enough of this reward is paid an old debt of at least dust, if there is room.
	for i := range laid {
		o := laid[i]
		if o.User == 0 || o.Paid > 0 || o.Debt < Dust || o.Debt > operator {
			continue
		}
		at := slices.IndexFunc(order, func(x Owed) bool { return x.User == o.User })
		if order[at].Bytes <= room {
			room -= order[at].Bytes
			laid[i].Paid, laid[i].Debt = o.Debt, 0
			operator -= o.Debt
		}
	}
	laid[0].Paid = operator
	return laid
}
