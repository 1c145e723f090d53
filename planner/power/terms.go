package power

import (
	"fmt"
	"math/big"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
)

// Terms are what decides the worth of a kWh on a day. Profit tax is not among them: it takes a share of
// a gain, and never turns a gain into a loss.
type Terms struct {
	Hashprice farm.Hashprice
	Bitcoin   money.Tiyn // of one bitcoin
	PoolFee   params.PPM
	Sold      params.PPM // share of the coins that is sold
	SaleCost  params.PPM // of what is sold
	PUEMilli  int64      // power usage effectiveness times 1,000
	Source    params.PowerSource
	Levy      params.MiningLevy
	VAT       params.PPM // on power, of which nothing can be deducted because the sale of coins is exempt
	GridFee   money.Tiyn // a kWh, before VAT
}

// Check refuses terms that cannot be.
func (t Terms) Check() error {
	for _, share := range []struct {
		name  string
		value params.PPM
		most  params.PPM
	}{{"pool fee", t.PoolFee, params.WholePPM - 1}, {"sold share", t.Sold, params.WholePPM},
		{"sale cost", t.SaleCost, params.WholePPM - 1}, {"VAT", t.VAT, params.WholePPM}} {
		if share.value < 0 || share.value > share.most {
			return farm.Refuse("farm-out-of-range", share.name, "want 0 to %d ppm, got %d", share.most, share.value)
		}
	}
	switch {
	case t.Hashprice < 0 || t.Bitcoin < 0 || t.GridFee < 0:
		return farm.Refuse("farm-out-of-range", "price", "hashprice, bitcoin and grid fee must not be negative")
	case t.PUEMilli < 1000 || t.PUEMilli > 3000:
		return farm.Refuse("farm-out-of-range", "PUE", "want 1 to 3, got %d/1000", t.PUEMilli)
	}
	return nil
}

// The constants keep the value of a kWh in whole numbers: a rational of integers, rounded once, at the end.
var (
	whole = big.NewInt(int64(params.WholePPM))
	// mJ a kWh · 10^12 hashes · 1000 of PUE
	kWhWork = new(big.Int).Mul(big.NewInt(36), new(big.Int).Exp(big.NewInt(10), big.NewInt(23), nil))
	// 10^18 hashes · 10^6 µsat · 10^8 satoshi
	perTenge = new(big.Int).Exp(big.NewInt(10), big.NewInt(32), nil)
)

// Revenue is what a metered kWh earns in a machine, in tiyn, after the pool's fee and the cost of selling:
// hashprice·price·(1 − fee)·(1 − sold·cost) / (0.024·J/TH·PUE).
func (t Terms) Revenue(milliJTH int64) *big.Rat {
	n := new(big.Int).Mul(big.NewInt(int64(t.Hashprice)), big.NewInt(int64(t.Bitcoin)))
	n.Mul(n, kWhWork)
	n.Mul(n, big.NewInt(int64(params.WholePPM-t.PoolFee)))
	n.Mul(n, new(big.Int).Sub(new(big.Int).Mul(whole, whole), big.NewInt(int64(t.Sold)*int64(t.SaleCost))))
	d := new(big.Int).Mul(big.NewInt(milliJTH), big.NewInt(t.PUEMilli))
	d.Mul(d, perTenge)
	d.Mul(d, whole)
	d.Mul(d, new(big.Int).Mul(whole, whole))
	return new(big.Rat).SetFrac(n, d)
}

// Ceiling is the highest price of a kWh, before VAT and grid fees, at which a machine of an efficiency does
// not lose: (revenue − levy)/(1 + VAT) − grid fees, rounded down to a tiyn. It may be negative. Where the
// levy falls as the price rises, it is the highest price that fits its own band.
func (t Terms) Ceiling(milliJTH int64) (money.Tiyn, error) {
	if err := t.Check(); err != nil {
		return 0, err
	}
	if milliJTH <= 0 {
		return 0, farm.Refuse("farm-out-of-range", "efficiency", "want J/TH above 0, got %d mJ/TH", milliJTH)
	}
	revenue := t.Revenue(milliJTH)
	if t.Source != params.PowerBought {
		levy, err := t.Levy.PerKWh(t.Source, 0)
		if err != nil {
			return 0, err
		}
		return t.highest(revenue, levy)
	}
	// From the highest band down: the first that holds its own price is the highest that there is.
	for i := len(t.Levy.Bands) - 1; i >= 0; i-- {
		band := t.Levy.Bands[i]
		levy, err := t.Levy.PerKWh(t.Source, max(0, band.From))
		if err != nil {
			return 0, err
		}
		price, err := t.highest(revenue, levy)
		if err != nil {
			return 0, err
		}
		if i < len(t.Levy.Bands)-1 {
			price = min(price, t.Levy.Bands[i+1].From-1)
		}
		if price >= band.From || i == 0 {
			return price, nil
		}
	}
	return 0, fmt.Errorf("levy without bands")
}

// highest solves revenue = (price + grid fee)·(1 + VAT) + levy for the price, rounded down: at that price a machine
// does not lose.
func (t Terms) highest(revenue *big.Rat, levy money.Tiyn) (money.Tiyn, error) {
	rest := new(big.Rat).Sub(revenue, new(big.Rat).SetInt64(int64(levy)))
	rest.Mul(rest, big.NewRat(int64(params.WholePPM), int64(params.WholePPM+t.VAT)))
	rest.Sub(rest, new(big.Rat).SetInt64(int64(t.GridFee)))
	floor := new(big.Int).Div(rest.Num(), rest.Denom()) // Euclidean with a positive divisor: down
	if !floor.IsInt64() {
		return 0, money.ErrOverflow
	}
	return money.Tiyn(floor.Int64()), nil
}

// MaxPrice is the highest price of a kWh that anything here reckons with: 10,000 tenge; MinPrice the lowest, of power
// that pays who takes it.
const (
	MaxPrice = 10_000 * money.Tenge
	MinPrice = -1_000 * money.Tenge
)

// CostPerKWh is what a metered kWh costs in all at a price: (price + grid fees)·(1 + VAT) + levy, rounded
// to the nearest millionth of a tiyn.
func (t Terms) CostPerKWh(price money.Tiyn) (farm.MicroTiyn, error) {
	if price < MinPrice || price > MaxPrice || t.GridFee > MaxPrice {
		return 0, farm.Refuse("farm-out-of-range", "price", "want a kWh for %s to %s, got %s and a grid fee of %s",
			MinPrice, MaxPrice, price, t.GridFee)
	}
	levy, err := t.Levy.PerKWh(t.Source, price)
	if err != nil {
		return 0, err
	}
	return farm.MicroTiyn(int64(price+t.GridFee)*int64(params.WholePPM+t.VAT) + int64(levy)*int64(params.WholePPM)), nil
}

// RevenuePerKWh is Revenue rounded down to a millionth of a tiyn.
func (t Terms) RevenuePerKWh(milliJTH int64) (farm.MicroTiyn, error) {
	if err := t.Check(); err != nil {
		return 0, err
	}
	if milliJTH <= 0 {
		return 0, farm.Refuse("farm-out-of-range", "efficiency", "want J/TH above 0, got %d mJ/TH", milliJTH)
	}
	r := t.Revenue(milliJTH)
	micro := new(big.Int).Mul(r.Num(), whole)
	micro.Quo(micro, r.Denom())
	if most := int64(MaxPrice) * int64(params.WholePPM); !micro.IsInt64() || micro.Int64() > most {
		return 0, farm.Refuse("farm-out-of-range", "hashprice",
			"a kWh would earn more than %s: look at reward, difficulty and the price of bitcoin", MaxPrice)
	}
	return farm.MicroTiyn(micro.Int64()), nil
}
