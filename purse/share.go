package purse

import (
	"math/bits"
	"slices"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Claim is what somebody asks for, under the id that orders it.
type Claim struct {
	ID     token.Hash
	Amount money.Tiyn
}

// Share divides money among claims in proportion to their amounts; the odd tiyn go one each to the claims lowest by id.
// Where the money covers all claims, each gets its amount. The order of the claims does not matter; the result stands
// in it. No claim gets more than its amount, and together they get all of the total, or all that they ask for.
func Share(total money.Tiyn, claims []Claim) []money.Tiyn {
	shares := make([]money.Tiyn, len(claims))
	var sum money.Tiyn
	for i := range claims {
		sum += claims[i].Amount // at most MaxAmount each, of fewer than 1,024: the caller's to see to
	}
	if total >= sum {
		for i := range claims {
			shares[i] = claims[i].Amount
		}
		return shares
	}
	order := make([]int, len(claims))
	odd := total
	for i := range claims {
		order[i] = i
		shares[i] = portion(total, claims[i].Amount, sum)
		odd -= shares[i]
	}
	slices.SortFunc(order, func(a, b int) int { return compareHashes(claims[a].ID, claims[b].ID) })
	// Fewer odd tiyn than claims with a fraction: whoever gets one stays within its amount.
	for _, i := range order {
		if odd == 0 {
			break
		}
		if shares[i] < claims[i].Amount {
			shares[i]++
			odd--
		}
	}
	return shares
}

// portion is ⌊total · amount / sum⌋, by way of 128 bits.
func portion(total, amount, sum money.Tiyn) money.Tiyn {
	high, low := bits.Mul64(uint64(total), uint64(amount))
	quotient, _ := bits.Div64(high, low, uint64(sum)) // high < sum, as total < sum and amount ≤ sum
	return money.Tiyn(quotient)
}
