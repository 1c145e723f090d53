package planner

import (
	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/finance"
	"github.com/aqsha/aqsha/planner/paths"
	"github.com/aqsha/aqsha/planner/power"
)

// Never is the retirement month of machines that stay.
const Never = -1

// Owned is machines that there are. Of a kind, Class.Count of them are there at the start.
type Owned struct {
	Class     power.Class
	Bought    Month
	PriceTiyn money.Tiyn // of one, when bought: what is left of it by tax is depreciated
	Resale    money.Tiyn // of one, when retired
	Life      int        // months over which its price is written off
	Retire    []int      // months from the start at which it may be retired; Never
}

// Offer is machines that may be bought. One may be bought at any date of the plan from From to Until that leaves it the
// time to arrive before the end.
type Offer struct {
	Class      power.Class
	PriceUSD   float64
	From       Month // first month in which it is sold; Until is the last one
	Until      Month
	Max        int // of all dates; 0: as many as there are
	Delivery   int // months from payment to hashing
	Life       int // months over which it is depreciated
	ResalePart float64
}

// Loan finances a share of each purchase in equal instalments. A month's interest is a twelfth of the year's rate.
type Loan struct {
	Share  float64
	Rate   finance.Rate // a year
	Months int
}

// Tariff is the price of a kWh before VAT and fees from a day on, until the next one.
type Tariff struct {
	From  params.Date
	Price farm.MicroTiyn
}

// Law is what a month's law takes: the levy on power, VAT on power bought, the share of coins that must be sold, and
// the tax of profit. Shares are in millionths.
type Law struct {
	Levy  params.MiningLevy
	Part  farm.MicroTiyn // of a tiyn, that a kWh is levied above Levy: of laws in a currency of much worth
	VAT   params.PPM
	Quota params.PPM
	Tax   params.PPM
}

// Fact is a dated parameter that the plan took from the tables, or assumes.
type Fact struct {
	Name   string      `json:"name"`
	From   params.Date `json:"from"`
	Source string      `json:"source"`
}

// Plan is a checked plan file. Nothing changes it after Parse: the paths, the searches and the pages of one plan read
// it together.
type Plan struct {
	Name     string
	File     string
	Text     string            // the file itself
	Files    map[string]string // the files it names, so that a result can be computed again
	Start    Month
	Months   int
	Paths    int
	Seed     uint64
	Lambda   float64
	Capital  money.Tiyn
	Discount finance.Rate // a year
	Deposit  finance.Rate

	USDKZT       money.Tiyn // of one dollar
	RateDate     params.Date
	Depreciation float64 // a year, of the tenge

	// Fees are of a kWh before VAT, MonthlyCost of the whole site. Uptime, PoolFee and SaleCost are shares: of the
	// time, of what is mined, and of what is sold.
	Hosting     string // own (licence I), hosted (licence II)
	Licence     params.Date
	Source      params.PowerSource
	PUEMilli    int64
	LimitWatts  int64
	GridFee     farm.MicroTiyn
	HostingFee  farm.MicroTiyn
	MonthlyCost money.Tiyn
	Uptime      params.PPM
	PoolFee     params.PPM
	SaleCost    params.PPM
	Tariffs     []Tariff // ascending

	Fleet  []Owned
	Offers []Offer
	Dates  []int // months from the start
	Counts []int // ascending, 0 first
	Hold   []params.PPM
	Effort int // nodes that the search may open
	Loan   *Loan

	// PriceKind is fixed, garch or replay; Model is there with garch, History (one price a day) with replay only.
	// Growth is that of the expected price in a year; a replay has its own.
	PriceKind string
	PriceUSD  float64
	Growth    float64
	Model     *paths.Model
	History   []float64
	Network   paths.Network

	Laws []Law // by month
	// OwnLaws are those of the file that the plan names instead of the tables (Kazakhstan's); none: the tables.
	OwnLaws  []DatedLaw
	Currency string // of all amounts, ISO 4217; "": tenge
	Facts    []Fact
}

// Month of the plan as a calendar month.
func (p *Plan) Month(m int) Month { return p.Start + Month(m) }

// Days of the plan's months.
func (p *Plan) Days() paths.Calendar {
	days := make(paths.Calendar, p.Months)
	for m := range days {
		days[m] = p.Month(m).Days()
	}
	return days
}

// Tariff of a month before VAT and fees. It is that of the month's first day and first hour: a tariff that changes
// within a month holds from the next.
func (p *Plan) Tariff(m int) (farm.MicroTiyn, error) { return p.TariffOn(p.Month(m).First()) }

// TariffOn is the tariff of a day, also beyond the plan's months.
func (p *Plan) TariffOn(day params.Date) (farm.MicroTiyn, error) {
	for i := len(p.Tariffs) - 1; i >= 0; i-- {
		if p.Tariffs[i].From <= day {
			return p.Tariffs[i].Price, nil
		}
	}
	return 0, farm.Refuse("no-tariff", "tariff", "no tariff is in force on %s", day)
}

// LevyOf is what the law takes of a kWh from a source, bought at a price without VAT. Bands of a law begin at whole
// tiyn: the price's part of one does not decide between them.
func (l Law) LevyOf(source params.PowerSource, price farm.MicroTiyn) (farm.MicroTiyn, error) {
	whole := price / micro(1)
	if price%micro(1) < 0 {
		whole--
	}
	levy, err := l.Levy.PerKWh(source, money.Tiyn(whole))
	return micro(levy) + l.Part, err
}

// CostOf is what a metered kWh costs in all in a month of the law: (price + fees)·(1 + VAT) + levy, rounded to the
// nearest millionth of a tiyn.
func (p *Plan) CostOf(l Law, price farm.MicroTiyn) (farm.MicroTiyn, error) {
	levy, err := l.LevyOf(p.Source, price)
	if err != nil {
		return 0, err
	}
	net := price + p.GridFee + p.HostingFee
	// The VAT of whole tiyn is whole millionths; that of the parts is rounded, and stays far below 64 bits.
	vat := net/micro(1)*farm.MicroTiyn(l.VAT) + farm.Rounded(net%micro(1)*farm.MicroTiyn(l.VAT))
	return net + vat + levy, nil
}

// micro is an amount in millionths of a tiyn.
func micro(t money.Tiyn) farm.MicroTiyn { return 1_000_000 * farm.MicroTiyn(t) }

// Hashprice is what a block's reward pays for work at the plan's start, with the subsidy, fees and difficulty of its
// first month.
func (p *Plan) Hashprice() (farm.Hashprice, error) {
	reward := p.Network.SubsidyBTC[0] + p.Network.FeesBTC
	return farm.HashpriceOf(money.Satoshi(reward*float64(money.Bitcoin)), p.Network.Difficulty)
}
