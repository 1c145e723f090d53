package planner

import (
	"fmt"

	"github.com/aqsha/aqsha/internal/strict"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/power"
)

// class takes a model from the catalogue, or its rate and power from the plan. With it comes the day on which the model
// came to the market; it is empty, and so before every day, for a machine that the plan describes.
func (r *parser) class(key, model string, rate strict.Decimal, watts int64,
	count int) (power.Class, params.Date, error) {
	if model == "" {
		return power.Class{}, "", r.Refuse("missing", key+".model", "want a model")
	}
	if !rate.Set && watts == 0 {
		fact, ok := params.FindMiningMachine(model)
		if !ok {
			return power.Class{}, "", r.Refuse("unknown-machine", key+".model",
				"nobody sells %q: it is not in the catalogue; give rate_ths and watts if it is new", model)
		}
		return power.ClassOf(fact.Value, count), fact.From, nil
	}
	milli, ok := rate.Milli()
	if !ok || milli <= 0 || milli > 100_000_000 {
		return power.Class{}, "", r.Refuse("farm-out-of-range", key+".rate_ths",
			"want above 0 with at most three decimals, got %s", rate)
	}
	if watts <= 0 || watts > 1_000_000 {
		return power.Class{}, "", r.Refuse("negative", key+".watts", "want 1 to 1000000, got %d", watts)
	}
	return power.ClassOf(params.MiningMachine{Name: model, RateGHs: milli, Watts: watts}, count), "", nil
}

// fleet takes the machines that there are. All of them together must keep within the site's limit.
func (r *parser) fleet() error {
	p := r.plan
	if len(r.Fleet) > maxFleet {
		return r.Refuse("farm-out-of-range", fmt.Sprintf("fleet[%d]", maxFleet), "want at most %d kinds of machines",
			maxFleet)
	}
	var watts int64
	for i, f := range r.Fleet {
		key := fmt.Sprintf("fleet[%d]", i)
		if f.Count < 1 || f.Count > maxMachines {
			return r.Refuse("negative", key+".count", "want 1 to %d, got %d", maxMachines, f.Count)
		}
		class, _, err := r.class(key, f.Model, f.RateTHs, f.Watts, f.Count)
		if err != nil {
			return err
		}
		bought, err := ParseMonth(f.Bought)
		if err != nil {
			return r.Refuse("date", key+".bought", "%v", err)
		}
		if bought >= p.Start {
			return r.Refuse("order", key+".bought", "%s is not before the plan starts, %s", bought, p.Start)
		}
		if f.PriceKZT.Tiyn < 0 || f.ResaleKZT.Tiyn < 0 || max(f.PriceKZT.Tiyn, f.ResaleKZT.Tiyn) > maxMoney {
			return r.Refuse("negative", key+".price_kzt", "want a price and a resale of 0 to %s", maxMoney)
		}
		if f.Life < 1 || f.Life > 240 {
			return r.Refuse("negative", key+".life_months", "want 1 to 240, got %d", f.Life)
		}
		owned := Owned{class, bought, f.PriceKZT.Tiyn, f.ResaleKZT.Tiyn, f.Life, []int{Never}}
		for _, text := range f.Retire {
			month, err := ParseMonth(text)
			at := int(month - p.Start)
			if err != nil || at < 0 || at >= p.Months {
				return r.Refuse("date", key+".retire", "%q: want months within the plan", text)
			}
			owned.Retire = append(owned.Retire, at)
		}
		if len(owned.Retire) > 7 {
			return r.Refuse("farm-out-of-range", key+".retire", "want at most 6 months, got %d", len(f.Retire))
		}
		p.Fleet = append(p.Fleet, owned)
		// Within the loop, so that the sum stays small: counts and watts are bounded, their products' sum is not.
		if watts += class.MeterWatts(p.PUEMilli) * int64(f.Count); watts > p.LimitWatts {
			return r.Refuse("power", key+".count", "the machines draw %d kW, site.limit_kw is %d", watts/1000,
				p.LimitWatts/1000)
		}
	}
	return nil
}

// offers takes the machines that may be bought. Their number is not known yet: the search keeps what it buys within the
// limit.
func (r *parser) offers() error {
	if len(r.Offers) > maxOffers {
		return r.Refuse("farm-out-of-range", fmt.Sprintf("offer[%d]", maxOffers), "want at most %d offers", maxOffers)
	}
	for i, o := range r.Offers {
		key := fmt.Sprintf("offer[%d]", i)
		class, onSale, err := r.class(key, o.Model, o.RateTHs, o.Watts, 0)
		if err != nil {
			return err
		}
		from, err := params.ParseDate(o.From)
		if err != nil {
			return r.Refuse("date", key+".from", "%v", err)
		}
		until, err := params.ParseDate(o.Until)
		if err != nil {
			return r.Refuse("date", key+".until", "%v", err)
		}
		switch {
		// A machine that is not on the market yet makes every plan look good.
		case from < onSale:
			return r.Refuse("not-sold", key+".from", "nobody sells a %s on %s: it came to the market on %s", class.Name,
				from, onSale)
		case until < from:
			return r.Refuse("order", key+".until", "%s comes before %s", until, from)
		case o.PriceUSD.Nano <= 0:
			return r.Refuse("negative", key+".price_usd", "want a price above 0, got %s", o.PriceUSD)
		case o.Max < 0 || o.Max > maxMachines:
			return r.Refuse("negative", key+".most", "want 0 to %d, got %d", maxMachines, o.Max)
		case o.Delivery < 0 || o.Delivery > 36:
			return r.Refuse("negative", key+".delivery_months", "want 0 to 36, got %d", o.Delivery)
		case o.Life < 1 || o.Life > 240:
			return r.Refuse("negative", key+".life_months", "want 1 to 240, got %d", o.Life)
		case o.Resale.Nano < 0 || o.Resale.Float() > 1:
			return r.Refuse("farm-out-of-range", key+".resale", "want 0 to 1 of the price, got %s", o.Resale)
		}
		r.plan.Offers = append(r.plan.Offers, Offer{class, o.PriceUSD.Float(), MonthOf(from), MonthOf(until), o.Max,
			o.Delivery, o.Life, o.Resale.Float()})
	}
	return nil
}
