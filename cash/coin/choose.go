package coin

import (
	"cmp"
	"slices"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/money"
)

// Total is what notes are worth. Amounts were checked when they were read: their sum is bounded by MaxNotes and 2^62.
func Total(notes []cash.Proof) (sum money.Tiyn) {
	for _, n := range notes {
		sum += money.Tiyn(n.Amount)
	}
	return sum
}

// searchSteps bounds the search for notes that make an amount exactly.
const searchSteps = 200_000

// Exact finds few notes that make an amount exactly, or nil: as paper, without change.
func Exact(notes []cash.Proof, amount money.Tiyn) []cash.Proof {
	sorted := slices.Clone(notes)
	slices.SortStableFunc(sorted, func(a, b cash.Proof) int { return cmp.Compare(b.Amount, a.Amount) })
	left := make([]money.Tiyn, len(sorted)+1) // what all from here on are worth
	for i := len(sorted) - 1; i >= 0; i-- {
		left[i] = left[i+1] + money.Tiyn(sorted[i].Amount)
	}
	steps := searchSteps
	var picked []cash.Proof
	var search func(i int, rest money.Tiyn) bool
	search = func(i int, rest money.Tiyn) bool {
		if rest == 0 {
			return true
		}
		if steps--; steps < 0 || i == len(sorted) || left[i] < rest {
			return false
		}
		if d := money.Tiyn(sorted[i].Amount); d <= rest {
			picked = append(picked, sorted[i])
			if search(i+1, rest-d) {
				return true
			}
			picked = picked[:len(picked)-1]
		}
		// another of the same amount changes nothing
		for i++; i < len(sorted) && sorted[i].Amount == sorted[i-1].Amount; i++ {
		}
		return search(i, rest)
	}
	if amount <= 0 || !search(0, amount) {
		return nil
	}
	return picked
}

// Choose finds few notes worth at least an amount: exactly, if it can be; else the largest that fit, and last the
// smallest one that covers the rest. nil if there are not enough.
func Choose(notes []cash.Proof, amount money.Tiyn) []cash.Proof {
	if exact := Exact(notes, amount); exact != nil || amount <= 0 || Total(notes) < amount {
		return exact
	}
	sorted := slices.Clone(notes)
	slices.SortStableFunc(sorted, func(a, b cash.Proof) int { return cmp.Compare(b.Amount, a.Amount) })
	var picked []cash.Proof
	rest := amount
	for _, n := range sorted {
		if d := money.Tiyn(n.Amount); d <= rest {
			picked, rest = append(picked, n), rest-d
		}
	}
	// Whatever was left out is more than the rest, so that one note covers it; then some of the others are not needed.
	picked = append(picked, *smallestOver(sorted, picked, rest))
	spare := Total(picked) - amount
	for i := len(picked) - 1; i >= 0; i-- {
		if d := money.Tiyn(picked[i].Amount); d <= spare {
			picked, spare = slices.Delete(picked, i, i+1), spare-d
		}
	}
	return picked
}

// smallestOver is the smallest note that covers an amount and was not picked. sorted descends.
func smallestOver(sorted, picked []cash.Proof, amount money.Tiyn) *cash.Proof {
	for i := len(sorted) - 1; i >= 0; i-- {
		if money.Tiyn(sorted[i].Amount) >= amount && !slices.ContainsFunc(picked, func(p cash.Proof) bool {
			return p.Secret == sorted[i].Secret
		}) {
			return &sorted[i]
		}
	}
	return nil
}
