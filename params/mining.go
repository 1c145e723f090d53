package params

import (
	"fmt"

	"github.com/aqsha/aqsha/money"
)

// PPM is a share in parts per million: 75 % is 750,000.
type PPM int64

// WholePPM is all of it.
const WholePPM PPM = 1_000_000

// PowerSource is where a mining farm's electricity comes from; the levy depends on it.
type PowerSource string

// The sources that the levy tells apart.
const (
	PowerBought       PowerSource = "bought"
	PowerRenewable    PowerSource = "renewable" // bought from a renewable station
	PowerOwn          PowerSource = "own"
	PowerOwnRenewable PowerSource = "own-renewable"
	PowerUnmetered    PowerSource = "unmetered"
)

// LevyBand is a rate for bought power whose price is at least From a kWh.
type LevyBand struct {
	From    money.Tiyn
	PerKWh  money.Tiyn
	Unknown bool // the law has steps here that these tables do not hold
}

// MiningLevy is the levy on electricity used for digital mining, a kWh.
type MiningLevy struct {
	Bands     []LevyBand // ascending; the first from 0
	Renewable money.Tiyn
	Own       money.Tiyn
	OwnGreen  money.Tiyn
	Unmetered money.Tiyn
}

// PerKWh is the levy on a kWh from a source, bought at a price without VAT.
func (l MiningLevy) PerKWh(source PowerSource, price money.Tiyn) (money.Tiyn, error) {
	switch source {
	case PowerRenewable:
		return l.Renewable, nil
	case PowerOwn:
		return l.Own, nil
	case PowerOwnRenewable:
		return l.OwnGreen, nil
	case PowerUnmetered:
		return l.Unmetered, nil
	case PowerBought:
		for i := len(l.Bands) - 1; i >= 0; i-- {
			if band := l.Bands[i]; price >= band.From || i == 0 {
				if band.Unknown {
					return 0, fmt.Errorf("levy on power at %s a kWh: the steps of that year below the highest price "+
						"are not in the tables", price)
				}
				return band.PerKWh, nil
			}
		}
		return 0, fmt.Errorf("levy on power at %s a kWh: no band", price)
	}
	return 0, fmt.Errorf("power source %q is not one of bought, renewable, own, own-renewable, unmetered", source)
}

// flatLevy is the same for any price.
func flatLevy(rate, renewable money.Tiyn) MiningLevy {
	return MiningLevy{[]LevyBand{{From: 0, PerKWh: rate}}, renewable, rate, renewable, rate}
}

// NotConfirmed2026 is the source of what nobody has confirmed for that year.
const NotConfirmed2026 = "carried over from 2025; not confirmed for 2026"

// MiningLevies is the levy over time.
var MiningLevies = Series[MiningLevy]{
	Name: "levy on digital mining",
	Facts: []Fact[MiningLevy]{
		{"2022-01-01", flatLevy(1*money.Tenge, 1*money.Tenge),
			"Tax Code 2017, chapter 69 § 11, as of Law 53-VII of 24 June 2021"},
		{"2023-01-01", MiningLevy{[]LevyBand{{From: 0, Unknown: true},
			{From: 24 * money.Tenge, PerKWh: 1 * money.Tenge}},
			1 * money.Tenge, 10 * money.Tenge, 1 * money.Tenge, 25 * money.Tenge},
			"Tax Code 2017, article 606-3, as of Law 135-VII of 11 July 2022; from 25 tenge down to 1 by the price of power"},
		{"2024-01-01", flatLevy(2*money.Tenge, 1*money.Tenge), "Tax Code 2017, article 606-3, as in force 2024–2025"},
		{"2026-01-01", flatLevy(2*money.Tenge, 1*money.Tenge), NotConfirmed2026},
	},
}

// Filing is when something about a quarter is due: so many months after its last, on a day of that month.
type Filing struct {
	DeclareMonths, DeclareDay int // 0: no declaration
	PayMonths, PayDay         int
}

// LevyFiling is when the levy is declared and paid.
var LevyFiling = Series[Filing]{
	Name: "filing of the levy on digital mining",
	Facts: []Fact[Filing]{
		{"2022-01-01", Filing{0, 0, 1, 20},
			"Tax Code 2017, chapter 69 § 11: paid by the 20th of the month after the quarter, without a declaration"},
		{"2023-01-01", Filing{2, 15, 2, 25},
			"Tax Code 2017: declared by the 15th, paid by the 25th of the second month after the quarter"},
	},
}

// MiningSaleQuota is the share of mined coins that must be sold through exchanges of the Astana financial centre.
var MiningSaleQuota = Series[PPM]{
	Name: "quota of coins to be sold in Astana",
	Facts: []Fact[PPM]{
		{"2023-04-01", 0, "Law 193-VII of 6 February 2023: no share before 2024"},
		{"2024-01-01", 500_000, "Law 193-VII of 6 February 2023"},
		{"2025-01-01", 750_000, "Law 193-VII of 6 February 2023"},
		{"2026-01-01", 750_000, NotConfirmed2026},
	},
}

// CorporateIncomeTax is the rate on profit.
var CorporateIncomeTax = Series[PPM]{
	Name: "corporate income tax",
	Facts: []Fact[PPM]{
		{"2018-01-01", 200_000, "Tax Code of 25 December 2017"},
		{"2026-01-01", 200_000, "Tax Code of 18 July 2025, general rate"},
	},
}

// ValueAddedTax is the general rate. A miner's sales of coins are exempt, so that it cannot deduct the tax on its
// power.
var ValueAddedTax = Series[PPM]{
	Name: "value added tax",
	Facts: []Fact[PPM]{
		{"2009-01-01", 120_000, "Tax Codes of 2008 and 2017"},
		{"2026-01-01", 160_000, "Tax Code of 18 July 2025"},
	},
}

// MiningLicence is what a kind of licence asks for.
type MiningLicence struct {
	Years  int   // of validity
	FeeMCI int64 // state fee in monthly calculation indices
}

// MiningLicenceOwn is kind I: the miner owns the data centre. MiningLicenceHosted is kind II: its machines stand in
// another's.
var (
	MiningLicenceOwn = Series[MiningLicence]{"mining licence of kind I", []Fact[MiningLicence]{
		{"2023-04-01", MiningLicence{3, 2000}, "Law 193-VII of 6 February 2023; licensing rules of 2023"}}}
	MiningLicenceHosted = Series[MiningLicence]{"mining licence of kind II", []Fact[MiningLicence]{
		{"2023-04-01", MiningLicence{3, 5}, "Law 193-VII of 6 February 2023; licensing rules of 2023"}}}
)

// PowerAuction is the single buyer's day-ahead auction for miners. Times are minutes of the day before delivery, in
// Astana.
type PowerAuction struct {
	PrepaidBy, Opens, Closes int
	PayAsBid                 bool
	Zones                    []string
}

// MiningPowerAuction is how surplus of the grid is sold to miners.
var MiningPowerAuction = Series[PowerAuction]{
	Name: "day-ahead auction of power for miners",
	Facts: []Fact[PowerAuction]{
		{"2023-04-01", PowerAuction{8 * 60, 9*60 + 30, 10 * 60, true, []string{"north-south", "west"}},
			"Law 193-VII of 6 February 2023; the single buyer's auction rules"},
	},
}

// SubsidyEra is what a block issues from a day on.
type SubsidyEra struct {
	Height  int64
	Subsidy money.Satoshi
}

// SubsidyEras are bitcoin's halvings: heights and amounts are consensus, days of the coming ones are ten minutes a
// block from the last.
var SubsidyEras = Series[SubsidyEra]{
	Name: "subsidy of a block",
	Facts: []Fact[SubsidyEra]{
		{"2016-07-09", SubsidyEra{420_000, 1_250_000_000}, "Bitcoin consensus"},
		{"2020-05-11", SubsidyEra{630_000, 625_000_000}, "Bitcoin consensus"},
		{"2024-04-20", SubsidyEra{840_000, 312_500_000}, "Bitcoin consensus"},
		{"2028-04-18", SubsidyEra{1_050_000, 156_250_000}, "Bitcoin consensus; day expected at ten minutes a block"},
		{"2032-04-16", SubsidyEra{1_260_000, 78_125_000}, "Bitcoin consensus; day expected at ten minutes a block"},
		{"2036-04-14", SubsidyEra{1_470_000, 39_062_500}, "Bitcoin consensus; day expected at ten minutes a block"},
	},
}

// ProfitTaxFiling is when a year's profit tax is declared and paid, in months after December.
var ProfitTaxFiling = Series[Filing]{
	Name: "filing of corporate income tax",
	Facts: []Fact[Filing]{{"2018-01-01", Filing{3, 31, 4, 10},
		"Tax Code: declared by 31 March, paid within ten days after"}},
}
