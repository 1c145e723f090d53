package planner

import "github.com/aqsha/aqsha/internal/strict"

// form is a plan as it is written, key by key; strict refuses keys that are not here. A number that may be left out is
// a decimal that knows whether it was set, or a pointer, so that an absent key is told from a zero.
type form struct {
	Name      string         `toml:"name"`
	Law       string         `toml:"law"`
	Currency  string         `toml:"currency"`
	Start     string         `toml:"start"`
	Months    int            `toml:"months"`
	Paths     *int           `toml:"paths"`
	Seed      uint64         `toml:"seed"`
	Lambda    strict.Decimal `toml:"lambda"`
	Capital   strict.Tenge   `toml:"capital_kzt"`
	Discount  strict.Decimal `toml:"discount_rate"`
	Deposit   strict.Decimal `toml:"deposit_rate"`
	Rate      rateForm       `toml:"rate"`
	Site      siteForm       `toml:"site"`
	Tariffs   []tariffForm   `toml:"tariff"`
	Fleet     []fleetForm    `toml:"fleet"`
	Offers    []offerForm    `toml:"offer"`
	Decisions decisionForm   `toml:"decisions"`
	Price     priceForm      `toml:"price"`
	Network   networkForm    `toml:"network"`
	Loan      *loanForm      `toml:"loan"`
	Assume    []assumeForm   `toml:"assume"`
}

// rateForm is [rate]: tenge for a dollar on a day.
type rateForm struct {
	USDKZT       strict.Decimal `toml:"usd_kzt"`
	Date         string         `toml:"date"`
	Depreciation strict.Decimal `toml:"depreciation"`
}

// siteForm is [site]; prices are of a kWh, before VAT.
type siteForm struct {
	Hosting     string         `toml:"hosting"`
	Licence     string         `toml:"licence_from"`
	Source      string         `toml:"power"`
	PUE         strict.Decimal `toml:"pue"`
	LimitKW     int64          `toml:"limit_kw"`
	GridFee     strict.Price   `toml:"grid_fee"`
	HostingFee  strict.Price   `toml:"hosting_fee"`
	MonthlyCost strict.Tenge   `toml:"monthly_cost_kzt"`
	Uptime      strict.Decimal `toml:"uptime"`
	PoolFee     strict.Decimal `toml:"pool_fee"`
	SaleCost    strict.Decimal `toml:"sale_cost"`
}

// tariffForm is one [[tariff]]: the price of a kWh from a day on.
type tariffForm struct {
	From  string       `toml:"from"`
	Price strict.Price `toml:"price"`
}

// fleetForm is one [[fleet]]: machines that there are. Rate and power may be left out for a model of the catalogue.
type fleetForm struct {
	Model     string         `toml:"model"`
	Count     int            `toml:"count"`
	RateTHs   strict.Decimal `toml:"rate_ths"`
	Watts     int64          `toml:"watts"`
	Bought    string         `toml:"bought"`
	PriceKZT  strict.Tenge   `toml:"price_kzt"`
	ResaleKZT strict.Tenge   `toml:"resale_kzt"`
	Life      int            `toml:"life_months"`
	Retire    []string       `toml:"retire"`
}

// offerForm is one [[offer]]: machines that may be bought. Resale is a share of the price.
type offerForm struct {
	Model    string         `toml:"model"`
	RateTHs  strict.Decimal `toml:"rate_ths"`
	Watts    int64          `toml:"watts"`
	PriceUSD strict.Decimal `toml:"price_usd"`
	From     string         `toml:"from"`
	Until    string         `toml:"until"`
	Max      int            `toml:"most"`
	Delivery int            `toml:"delivery_months"`
	Life     int            `toml:"life_months"`
	Resale   strict.Decimal `toml:"resale"`
}

// decisionForm is [decisions]: the grid that is searched.
type decisionForm struct {
	Dates  []string         `toml:"dates"`
	Counts []int            `toml:"counts"`
	Hold   []strict.Decimal `toml:"hold"`
	Effort *int             `toml:"effort"`
}

// priceForm is [price]: a kind, and the file that the kind reads. Growth is a share a year.
type priceForm struct {
	Kind   string         `toml:"kind"`
	USD    strict.Decimal `toml:"usd"`
	Growth strict.Decimal `toml:"growth"`
	File   string         `toml:"file"`
	Column string         `toml:"column"`
}

// networkForm is [network]; a key that is absent leaves paths.Defaults as it is. Of the two counts of months a zero
// does so, too.
type networkForm struct {
	Difficulty  *float64       `toml:"difficulty"`
	FeesBTC     strict.Decimal `toml:"fees_btc"`
	Lag         *int           `toml:"lag_months"`
	Elasticity  strict.Decimal `toml:"elasticity"`
	MaxGrowth   strict.Decimal `toml:"max_growth"`
	Attrition   strict.Decimal `toml:"attrition"`
	EntryUSD    strict.Decimal `toml:"entry_usd_per_ths"`
	EntryJTH    strict.Decimal `toml:"entry_jth"`
	EntryPower  strict.Decimal `toml:"entry_power_usd"`
	EntryReturn strict.Decimal `toml:"entry_return"`
	EntryMonths *int           `toml:"entry_months"`
	Improvement strict.Decimal `toml:"improvement"`
	MedianOpex  strict.Decimal `toml:"median_opex_usd"`
}

// loanForm is [loan].
type loanForm struct {
	Share  strict.Decimal `toml:"share"`
	Rate   strict.Decimal `toml:"rate"`
	Months int            `toml:"months"`
}

// assumeForm is one [[assume]]: what a future law is taken to say from a day on. What it leaves out stays as it was.
type assumeForm struct {
	From  string         `toml:"from"`
	Levy  strict.Price   `toml:"levy"`
	Quota strict.Decimal `toml:"quota"`
	Tax   strict.Decimal `toml:"tax"`
	VAT   strict.Decimal `toml:"vat"`
}
