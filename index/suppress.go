package index

import (
	"cmp"
	"slices"
)

// Suppressed says which cells of a division are not shown to everybody, and whether their total is not: those of few
// wallets, and so many others beside them that what is left of the total, when what is shown is taken away, is of many
// wallets again. people counts a cell's wallets; of a purpose, whose wallets may be another's too, one cell of many
// wallets has to be among them.
func Suppressed(by By, cells map[string]Cell, total Cell,
	people func(Cell) int64) (hidden map[string]bool, whole bool) {
	hidden = map[string]bool{}
	var names []string
	for name, c := range cells { // any order: sorted below
		if people(c) > 0 {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(people(cells[a]), people(cells[b])), cmp.Compare(a, b))
	})
	few := people(total) > 0 && people(total) < FewWallets
	sum, many := int64(0), false
	for _, name := range names {
		n := people(cells[name])
		enough := len(hidden) == 0 || len(hidden) > 1 && sum >= FewWallets && (by != ByPurpose || many)
		if !few && n >= FewWallets && enough {
			break
		}
		hidden[name] = true
		sum, many = sum+n, many || n >= FewWallets
	}
	enough := len(hidden) == 0 || len(hidden) > 1 && sum >= FewWallets && (by != ByPurpose || many)
	return hidden, few || !enough
}

// Payers counts the wallets of what was paid.
func Payers(c Cell) int64 { return c.Active }

// Holders counts the wallets of what is held.
func Holders(c Cell) int64 { return c.Wallets }
