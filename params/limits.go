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

// BlockSubsidy is what a block issues on Bitcoin's main network, by the day of the halving.
var BlockSubsidy = Series[money.Satoshi]{
	Name: "block subsidy",
	Facts: []Fact[money.Satoshi]{
		{"2016-07-09", 1_250_000_000, "block 420,000"},
		{"2020-05-11", 625_000_000, "block 630,000"},
		{"2024-04-20", 312_500_000, "block 840,000"},
	},
}
