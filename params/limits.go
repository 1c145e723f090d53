package params

import "github.com/aqsha/aqsha/money"

// MonthlyCalculationIndex (MCI, АЕК) is the unit in which Kazakhstan's laws state amounts.
var MonthlyCalculationIndex = Series[money.Tiyn]{
	Name: "monthly calculation index",
	Facts: []Fact[money.Tiyn]{
		{"2025-01-01", 3_932 * money.Tenge, "Law on the republican budget 2025–2027"},
		{"2026-01-01", 4_325 * money.Tenge, "Law on the republican budget 2026–2028"},
	},
}

// UnidentifiedMultiple is how many MCI an unidentified holder of electronic money
// may pay at once, in a day, and hold.
var UnidentifiedMultiple = Series[int64]{
	Name:  "limit of unidentified electronic money",
	Facts: []Fact[int64]{{"2025-01-01", 3, "Law on payments and payment systems, electronic money"}},
}
