package node

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// A wallet with more free tokens than this is consolidated: each payment gathers a few extra.
const (
	fragmentedOver = 16
	gatherExtra    = 8
)

// maxSearch bounds the search for tokens that leave no dust, where the first ways of choosing leave some.
const maxSearch = 50_000

// Bounds are what the policy demands of a transaction.
type Bounds struct {
	Max   int        // inputs
	Least money.Tiyn // of a token
}

// Usable are the tokens that may pay what is wanted, and how much of the asset may not because it has used its hops. A
// token of another asset is in neither.
func (w *Want) Usable(tokens []livestate.LiveToken) (usable []livestate.LiveToken, stuck money.Tiyn) {
	for _, t := range tokens {
		switch {
		case t.Asset != w.Asset:
		case w.HopsBelow != 0 && t.Hops >= w.HopsBelow:
			stuck += t.Amount
		default:
			usable = append(usable, t)
		}
	}
	return usable, stuck
}

// Choose is Usable and ChooseFor for who knows all tokens of a wallet: why they do not pay is the refusal. The code is
// amount-zero, insufficient-funds or dust. Like all that chooses, it reads its arguments alone: wallets that keep their
// own lists use it as the node does.
func Choose(tokens []livestate.LiveToken, want Want,
	b Bounds) (chosen []livestate.LiveToken, merge bool, _ *token.Error) {
	usable, stuck := want.Usable(tokens)
	if want.Amount <= 0 {
		return nil, false, refuse(token.AmountZero, "amount", "an amount is positive")
	}
	if has := AmountOf(usable); has < want.Amount {
		return nil, false, lacks(has, stuck, want.Asset)
	}
	if chosen, merge = ChooseFor(usable, want, b); len(chosen) == 0 {
		return nil, false, onlyDust(b)
	}
	return chosen, merge, nil
}

// lacks is the refusal of a wallet that holds too little, some of it perhaps stuck.
func lacks(has, stuck money.Tiyn, asset token.Asset) *token.Error {
	why := ""
	if stuck > 0 {
		why = fmt.Sprintf("; %s more were paid on as often as the purpose allows, and can only be paid where they "+
			"lose the mark", stuck)
	}
	return refuse(Insufficient, "amount", "the wallet holds %s tenge%s%s", has, ofPurpose(asset), why)
}

func onlyDust(b Bounds) *token.Error {
	return refuse(ledger.Dust, "amount", "whichever tokens pay it, the change would be less than %s tenge; pay a "+
		"little more or less", b.Least)
}

// AmountOf sums tokens.
func AmountOf(tokens []livestate.LiveToken) (sum money.Tiyn) {
	for _, t := range tokens {
		sum += t.Amount
	}
	return sum
}

// ChooseFor picks tokens out of those that are usable. Change keeps the most hops that went in, so tokens that have
// used fewer are put together with others only if those do not suffice: where the payment frees the money the most used
// go first, which can be paid nowhere else; where it keeps the mark the least used. Nil means that they do not suffice,
// or only with dust as change; merge that they are too many for one transaction.
func ChooseFor(usable []livestate.LiveToken, want Want, b Bounds) (chosen []livestate.LiveToken, merge bool) {
	var hops []uint16
	for _, t := range usable {
		if !slices.Contains(hops, t.Hops) {
			hops = append(hops, t.Hops)
		}
	}
	slices.Sort(hops)
	if want.HopsBelow == 0 {
		slices.Reverse(hops)
	}
	for n := range hops {
		of := hops[:n+1]
		some := slices.DeleteFunc(slices.Clone(usable), func(t livestate.LiveToken) bool {
			return !slices.Contains(of, t.Hops)
		})
		if chosen, merge = choose(some, want.Amount, b); len(chosen) > 0 && !merge {
			return chosen, false
		}
	}
	return chosen, merge
}

// choose picks the smallest token that suffices, else the largest until they suffice; of a fragmented wallet it takes
// some small change along. It sorts its argument. Without dust it takes O(n log n) of n tokens; the search after that
// is bounded by maxSearch.
func choose(free []livestate.LiveToken, amount money.Tiyn, b Bounds) (chosen []livestate.LiveToken, merge bool) {
	slices.SortFunc(free, func(a, b livestate.LiveToken) int {
		return cmp.Or(cmp.Compare(a.Amount, b.Amount), slices.Compare(a.ID[:], b.ID[:]))
	})
	clean := func(total money.Tiyn) bool { return total == amount || total > amount && total-amount >= b.Least }
	if enough := slices.IndexFunc(free, func(t livestate.LiveToken) bool { return clean(t.Amount) }); enough >= 0 {
		chosen = append(chosen, free[enough])
		return gather(chosen, slices.Delete(free, enough, enough+1), b.Max), false
	}
	var total money.Tiyn
	left := free
	for total < amount && len(chosen) < b.Max && len(left) > 0 {
		last := left[len(left)-1]
		left = left[:len(left)-1]
		chosen = append(chosen, last)
		total += last.Amount
	}
	for len(left) > 0 && len(chosen) < b.Max && total > amount && !clean(total) { // more change is no dust
		chosen, total = append(chosen, left[0]), total+left[0].Amount
		left = left[1:]
	}
	switch {
	case total >= amount && clean(total):
		return gather(chosen, left, b.Max), false
	case total < amount && len(chosen) == b.Max:
		return chosen, true
	case total < amount:
		return nil, false
	}
	steps := 0
	return search(free, b.Max, clean, &steps), false
}

// search tries what is left to try, the largest first: the change of the choices before was dust. It goes over the
// sets of at most so many tokens, exponentially many in the worst case, and ends after maxSearch steps. nil is that
// none was found, not that there is none.
func search(ascending []livestate.LiveToken, most int, clean func(money.Tiyn) bool,
	steps *int) []livestate.LiveToken {
	var chosen []livestate.LiveToken
	var try func(from int, total money.Tiyn) bool
	try = func(from int, total money.Tiyn) bool {
		if *steps++; *steps > maxSearch {
			return false
		}
		if clean(total) {
			return true
		}
		if len(chosen) == most {
			return false
		}
		for i := from; i >= 0; i-- {
			chosen = append(chosen, ascending[i])
			if try(i-1, total+ascending[i].Amount) {
				return true
			}
			chosen = chosen[:len(chosen)-1]
		}
		return false
	}
	if try(len(ascending)-1, 0) {
		return chosen
	}
	return nil
}

// gather takes small change of a fragmented wallet along, of no more hops than what is paid has used.
func gather(chosen, left []livestate.LiveToken, most int) []livestate.LiveToken {
	if len(left) <= fragmentedOver {
		return chosen
	}
	hops := uint16(0)
	for _, t := range chosen {
		hops = max(hops, t.Hops)
	}
	for _, t := range left {
		if len(chosen) >= most || len(chosen) > gatherExtra+1 {
			break
		}
		if t.Hops == hops {
			chosen = append(chosen, t)
		}
	}
	return chosen
}
