package flow

import (
	"math/big"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/power"
)

// Input is what a month was like.
type Input struct {
	Classes      []power.Class // with their counts
	Days         int
	Uptime       params.PPM
	Terms        power.Terms // Sold is the legal quota
	Tariff       money.Tiyn  // of a kWh before VAT
	Hold         params.PPM  // of what need not be sold
	FixedCost    money.Tiyn
	Depreciation money.Tiyn
}

// Statement is the month in numbers that are paid.
type Statement struct {
	WattHours    int64         `json:"watt_hours"`
	Mined        money.Satoshi `json:"mined_satoshi"` // after the pool's fee
	Quota        money.Satoshi `json:"quota_satoshi"`
	Sold         money.Satoshi `json:"sold_satoshi"`
	Kept         money.Satoshi `json:"kept_satoshi"`
	Receipt      money.Tiyn    `json:"receipt_tiyn"` // all coins at the price of their receipt: income for tax
	SaleIncome   money.Tiyn    `json:"sale_tiyn"`
	SaleCost     money.Tiyn    `json:"sale_cost_tiyn"`
	Energy       money.Tiyn    `json:"energy_tiyn"`
	GridFee      money.Tiyn    `json:"grid_fee_tiyn"`
	VAT          money.Tiyn    `json:"vat_tiyn"`
	Invoice      money.Tiyn    `json:"invoice_tiyn"` // energy, grid fee and VAT
	LevyPerKWh   money.Tiyn    `json:"levy_per_kwh_tiyn"`
	Levy         money.Tiyn    `json:"levy_tiyn"`
	FixedCost    money.Tiyn    `json:"fixed_tiyn"`
	Depreciation money.Tiyn    `json:"depreciation_tiyn"`
	Taxable      money.Tiyn    `json:"taxable_tiyn"` // may be a loss
	Cash         money.Tiyn    `json:"cash_tiyn"`    // before profit tax
}

// Month computes a month in which all machines run, in whole numbers: energy and coins are rounded down, money to the
// nearest tiyn. It is the statement that the simulation's floats are held against.
func Month(in Input) (Statement, error) {
	s := Statement{FixedCost: in.FixedCost, Depreciation: in.Depreciation}
	if err := in.Terms.Check(); err != nil {
		return s, err
	}
	if in.Days < 1 || in.Days > 366 || in.Uptime < 0 || in.Uptime > params.WholePPM || in.Hold < 0 ||
		in.Hold > params.WholePPM {
		return s, farm.Refuse("farm-out-of-range", "month", "want 1 to 366 days, an uptime and a share held of 0 to 1")
	}
	work, energy := new(big.Int), new(big.Int)
	for _, c := range in.Classes {
		seconds := big.NewInt(int64(in.Days) * 86_400 * int64(in.Uptime))
		hashes := new(big.Int).Mul(big.NewInt(c.RateGHs*int64(c.Count)), big.NewInt(1_000_000_000))
		work.Add(work, hashes.Mul(hashes, seconds))
		hours := big.NewInt(int64(in.Days) * 24 * int64(in.Uptime))
		energy.Add(energy, hours.Mul(hours, big.NewInt(c.MeterWatts(in.Terms.PUEMilli)*int64(c.Count))))
	}
	var ok [3]bool
	s.WattHours, ok[0] = down(energy, big.NewInt(1_000_000))
	// satoshi = work·µsat per 10^18 hashes / 10^6, work being a million times too large by the uptime, less the fee
	coins := new(big.Int).Mul(work, big.NewInt(int64(in.Terms.Hashprice)))
	coins.Mul(coins, big.NewInt(int64(params.WholePPM-in.Terms.PoolFee)))
	mined, fits := down(coins, new(big.Int).Exp(big.NewInt(10), big.NewInt(18+6+6+6), nil))
	s.Mined, ok[1] = money.Satoshi(mined), fits
	ok[2] = s.sell(in)
	if !ok[0] || !ok[1] || !ok[2] {
		return s, money.ErrOverflow
	}
	return s, s.pay(in)
}

// sell divides the coins: the quota, what is kept of the rest, and the rest, which is sold too.
func (s *Statement) sell(in Input) bool {
	quota, ok1 := up(mul(int64(s.Mined), int64(in.Terms.Sold)), whole)
	kept, ok2 := down(mul(int64(s.Mined)-quota, int64(in.Hold)), whole)
	s.Quota, s.Kept, s.Sold = money.Satoshi(quota), money.Satoshi(kept), s.Mined-money.Satoshi(kept)
	receipt, ok3 := nearest(mul(int64(s.Mined), int64(in.Terms.Bitcoin)), big.NewInt(int64(money.Bitcoin)))
	sale, ok4 := nearest(mul(int64(s.Sold), int64(in.Terms.Bitcoin)), big.NewInt(int64(money.Bitcoin)))
	cost, ok5 := nearest(mul(sale, int64(in.Terms.SaleCost)), whole)
	s.Receipt, s.SaleIncome, s.SaleCost = money.Tiyn(receipt), money.Tiyn(sale), money.Tiyn(cost)
	return ok1 && ok2 && ok3 && ok4 && ok5
}

// pay computes the invoice, the levy and what is left.
func (s *Statement) pay(in Input) error {
	levy, err := in.Terms.Levy.PerKWh(in.Terms.Source, in.Tariff)
	if err != nil {
		return err
	}
	thousand := big.NewInt(1000)
	energy, ok1 := nearest(mul(s.WattHours, int64(in.Tariff)), thousand)
	grid, ok2 := nearest(mul(s.WattHours, int64(in.Terms.GridFee)), thousand)
	vat, ok3 := nearest(mul(energy+grid, int64(in.Terms.VAT)), whole)
	due, ok4 := nearest(mul(s.WattHours, int64(levy)), thousand)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return money.ErrOverflow
	}
	s.Energy, s.GridFee, s.VAT, s.LevyPerKWh, s.Levy = money.Tiyn(energy), money.Tiyn(grid), money.Tiyn(vat), levy,
		money.Tiyn(due)
	if s.Invoice, err = money.Sum(s.Energy, s.GridFee, s.VAT); err != nil {
		return err
	}
	if s.Cash, err = money.Sum(s.SaleIncome, -s.SaleCost, -s.Invoice, -s.Levy, -s.FixedCost); err != nil {
		return err
	}
	s.Taxable, err = money.Sum(s.Receipt, -s.SaleCost, -s.Invoice, -s.Levy, -s.FixedCost, -s.Depreciation)
	return err
}

// ProfitTax is due on a taxable profit, rounded half up; a loss owes nothing.
func ProfitTax(taxable money.Tiyn, rate params.PPM) money.Tiyn {
	if taxable <= 0 {
		return 0
	}
	due, _ := nearest(mul(int64(taxable), int64(rate)), whole)
	return money.Tiyn(due)
}

var whole = big.NewInt(int64(params.WholePPM))

func mul(a, b int64) *big.Int { return new(big.Int).Mul(big.NewInt(a), big.NewInt(b)) }

func down(n, d *big.Int) (int64, bool) {
	q := new(big.Int).Quo(n, d)
	return q.Int64(), q.IsInt64()
}

func up(n, d *big.Int) (int64, bool) {
	return down(new(big.Int).Add(n, new(big.Int).Sub(d, big.NewInt(1))), d)
}

func nearest(n, d *big.Int) (int64, bool) {
	return down(new(big.Int).Add(n, new(big.Int).Rsh(d, 1)), d)
}
