package register

import (
	"math/big"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/flow"
)

// LevyRow is a quarter's declaration, or the part of it at one rate. WattHours is what the levy is of, metered as far
// as Basis says so, and Planned what the plan has for the same time; PerKWh is the law's rate, and Levy what is due.
type LevyRow struct {
	Quarter   string      `json:"quarter"`
	Basis     string      `json:"basis"` // metered, planned, metered in part
	WattHours int64       `json:"watt_hours"`
	Planned   int64       `json:"planned_watt_hours"`
	PerKWh    money.Tiyn  `json:"per_kwh_tiyn"`
	Levy      money.Tiyn  `json:"levy_tiyn"`
	DeclareBy params.Date `json:"declare_by"`
	PayBy     params.Date `json:"pay_by"`
}

// TaxRow is a month's part of the tax base; a December's row closes the year. Amounts are in tiyn, Coins in satoshi.
type TaxRow struct {
	Month   string        `json:"month"`
	Coins   money.Satoshi `json:"satoshi"`
	Income  money.Tiyn    `json:"income_tiyn"` // at the price of receipt
	Invoice money.Tiyn    `json:"invoice_tiyn"`
	Levy    money.Tiyn    `json:"levy_tiyn"`
	Fixed   money.Tiyn    `json:"fixed_tiyn"`
	Written money.Tiyn    `json:"depreciation_tiyn"`
	Base    money.Tiyn    `json:"base_tiyn"`      // of the month
	YearTo  money.Tiyn    `json:"year_base_tiyn"` // of the year so far, less losses carried forward
	Tax     money.Tiyn    `json:"tax_tiyn"`       // of the year so far
	Declare params.Date   `json:"declare_by,omitempty"`
	PayBy   params.Date   `json:"pay_by,omitempty"`
}

// QuotaRow is a month's coins against the share that must be sold, within its year.
type QuotaRow struct {
	Month  string        `json:"month"`
	Mined  money.Satoshi `json:"mined_satoshi"`
	Quota  params.PPM    `json:"quota_ppm"`
	Due    money.Satoshi `json:"due_satoshi"`
	Sold   money.Satoshi `json:"sold_satoshi"`
	Behind money.Satoshi `json:"behind_satoshi"` // of the year so far; never below 0
}

// LicenceRow is the licence with its end.
type LicenceRow struct {
	Kind  string      `json:"kind"`
	From  params.Date `json:"from"`
	Until params.Date `json:"until"` // its last day
	Fee   money.Tiyn  `json:"fee_tiyn"`
}

// Registers are all of them.
type Registers struct {
	Levy []LevyRow `json:"levy"`
	// absent where no receipts are given: a register of nothing received would be false
	Tax     []TaxRow     `json:"tax,omitempty"`
	Quota   []QuotaRow   `json:"quota,omitempty"` // likewise
	Licence []LicenceRow `json:"licence"`
}

// month is what is known of one. Income is that of the coins at the price on the day of each receipt; metered says
// that the meter speaks of it, and without that planned stands in.
type month struct {
	at              planner.Month
	law             planner.Law
	tariff          farm.MicroTiyn
	planned, actual int64 // Wh
	metered         bool
	coins, sold     money.Satoshi
	income          money.Tiyn
	depreciation    money.Tiyn
}

// Build makes the registers of a plan's months: of those that the meter or the receipts speak of, or, without
// either, of the first twelve as planned. The plan's machines are those there are now. Tax and quota are of coins
// received: no plan stands in for them.
func Build(p *planner.Plan, metered []Metered, received []Received) (*Registers, error) {
	if len(p.OwnLaws) > 0 {
		return nil, farm.Refuse("farm-law", "law",
			"declarations and registers are those of Kazakhstan's law, and this "+
				"plan names another")
	}
	months, err := gather(p, metered, received)
	if err != nil {
		return nil, err
	}
	r := &Registers{}
	if err := r.levies(p, months); err != nil {
		return nil, err
	}
	if len(received) > 0 {
		if err := r.taxes(p, months); err != nil {
			return nil, err
		}
		r.quotas(months)
	}
	return r, r.licence(p)
}

// gather puts what was metered and received into the months that it is of. A month without a meter's word is planned.
func gather(p *planner.Plan, metered []Metered, received []Received) ([]*month, error) {
	// Without books, the plan's first year; with them, the months that they are of, whatever the plan's.
	first, last := p.Start, p.Start+planner.Month(min(12, p.Months)-1)
	if len(metered)+len(received) > 0 {
		first, last = 1<<30, 0
		for _, m := range metered {
			first, last = min(first, planner.MonthOf(m.Day)), max(last, planner.MonthOf(m.Day))
		}
		for _, x := range received {
			first, last = min(first, planner.MonthOf(x.Day)), max(last, planner.MonthOf(x.Day))
		}
	}
	var months []*month
	for at := first; at <= last; at++ {
		m, err := expected(p, at)
		if err != nil {
			return nil, err
		}
		months = append(months, m)
	}
	for _, x := range metered {
		m := months[planner.MonthOf(x.Day)-first]
		m.actual, m.metered = m.actual+x.WattHours, true
	}
	for _, x := range received {
		m := months[planner.MonthOf(x.Day)-first]
		income, err := valued(x.Coins, x.Price)
		if err != nil {
			return nil, err
		}
		m.coins, m.sold, m.income = m.coins+x.Coins, m.sold+x.Sold, m.income+income
	}
	return months, nil
}

// expected is a month of the machines that there are, all running, and what is written off of them in it.
func expected(p *planner.Plan, at planner.Month) (*month, error) {
	law, err := p.LawAt(at)
	if err != nil {
		return nil, err
	}
	m := &month{at: at, law: law}
	if m.tariff, err = p.TariffOn(at.First()); err != nil {
		return nil, err
	}
	for _, f := range p.Fleet {
		hours := new(big.Int).Mul(big.NewInt(int64(24*at.Days())*int64(p.Uptime)),
			big.NewInt(f.Class.MeterWatts(p.PUEMilli)*int64(f.Class.Count)))
		m.planned += hours.Quo(hours, big.NewInt(int64(params.WholePPM))).Int64()
		if age := int(at - f.Bought); age >= 0 && age < f.Life {
			m.depreciation += f.PriceTiyn * money.Tiyn(f.Class.Count) / money.Tiyn(f.Life)
		}
	}
	return m, nil
}

// valued is coins at a price, to the nearest tiyn.
func valued(coins money.Satoshi, price money.Tiyn) (money.Tiyn, error) {
	n := new(big.Int).Mul(big.NewInt(int64(coins)), big.NewInt(int64(price)))
	n.Add(n, big.NewInt(int64(money.Bitcoin)/2))
	n.Quo(n, big.NewInt(int64(money.Bitcoin)))
	if !n.IsInt64() {
		return 0, money.ErrOverflow
	}
	return money.Tiyn(n.Int64()), nil
}

// energy is what was metered, or else what was planned.
func (m *month) energy() int64 {
	if m.metered {
		return m.actual
	}
	return m.planned
}

// levy of a kWh of the month: Kazakhstan's law has none with parts of a tiyn.
func (m *month) levy(p *planner.Plan) (money.Tiyn, error) {
	levy, err := m.law.LevyOf(p.Source, m.tariff)
	return levy.Tiyn(), err
}

// perKWh multiplies watt-hours by a price of a kWh, to the nearest tiyn.
func perKWh(wattHours int64, price farm.MicroTiyn) money.Tiyn {
	n := new(big.Int).Mul(big.NewInt(wattHours), big.NewInt(int64(price)))
	n.Add(n, big.NewInt(500_000_000))
	return money.Tiyn(n.Quo(n, big.NewInt(1_000_000_000)).Int64())
}

// levies sums energy up by quarter and rate. Deadlines are those in force in the quarter's last month.
func (r *Registers) levies(p *planner.Plan, months []*month) error {
	for _, m := range months {
		rate, err := m.levy(p)
		if err != nil {
			return err
		}
		end := m.at - m.at%3 + 2
		quarter := quarterName(m.at)
		// A row ends with its quarter or its rate: a law that changes within a quarter makes two rows of one
		// declaration.
		if n := len(r.Levy); n == 0 || r.Levy[n-1].Quarter != quarter || r.Levy[n-1].PerKWh != rate {
			filing, err := params.LevyFiling.At(end.First())
			if err != nil {
				return err
			}
			row := LevyRow{Quarter: quarter, PerKWh: rate, PayBy: due(end, filing.Value.PayMonths, filing.Value.PayDay)}
			if filing.Value.DeclareDay > 0 {
				row.DeclareBy = due(end, filing.Value.DeclareMonths, filing.Value.DeclareDay)
			}
			r.Levy = append(r.Levy, row)
		}
		row := &r.Levy[len(r.Levy)-1]
		basis := "metered"
		if !m.metered {
			basis = "planned"
		}
		if row.Basis != "" && row.Basis != basis {
			basis = "metered in part"
		}
		row.Basis = basis
		row.WattHours += m.energy()
		row.Planned += m.planned
		// Of the quarter's sum: months rounded one by one would not add up to what is declared.
		row.Levy = perKWh(row.WattHours, 1_000_000*farm.MicroTiyn(rate))
	}
	return nil
}

func quarterName(m planner.Month) string {
	return m.String()[:4] + "-Q" + string(rune('1'+(m.Number()-1)/3))
}

// due is a day so many months after one, never beyond that month's end.
func due(after planner.Month, months, day int) params.Date {
	at := after + planner.Month(months)
	return at.Day(min(day, at.Days()))
}

// taxes sums the base up over the year, month by month: base = income − invoice − levy − fixed − depreciation. A
// year's loss is carried into the next, where it lowers the base.
func (r *Registers) taxes(p *planner.Plan, months []*month) error {
	var base, carried money.Tiyn
	for i, m := range months {
		levy, err := m.levy(p)
		if err != nil {
			return err
		}
		net := perKWh(m.energy(), m.tariff+p.GridFee+p.HostingFee)
		vat := new(big.Int).Mul(big.NewInt(int64(net)), big.NewInt(int64(m.law.VAT)))
		vat.Add(vat, big.NewInt(int64(params.WholePPM)/2)).Quo(vat, big.NewInt(int64(params.WholePPM)))
		row := TaxRow{Month: m.at.String(), Coins: m.coins, Income: m.income, Invoice: net + money.Tiyn(vat.Int64()),
			Levy: perKWh(m.energy(), 1_000_000*farm.MicroTiyn(levy)), Fixed: p.MonthlyCost, Written: m.depreciation}
		row.Base = row.Income - row.Invoice - row.Levy - row.Fixed - row.Written
		// A loss is carried into the next year; a profit was taxed in its own.
		if i > 0 && m.at.Number() == 1 {
			carried, base = min(0, base), 0
			base += carried
		}
		base += row.Base
		row.YearTo, row.Tax = base, flow.ProfitTax(base, m.law.Tax)
		if m.at.Number() == 12 {
			filing, err := params.ProfitTaxFiling.At(m.at.First())
			if err != nil {
				return err
			}
			row.Declare, row.PayBy = due(m.at, filing.Value.DeclareMonths, filing.Value.DeclareDay),
				due(m.at, filing.Value.PayMonths, filing.Value.PayDay)
		}
		r.Tax = append(r.Tax, row)
	}
	return nil
}

// quotas holds sales against the quota within each year. What was sold in advance counts within the year, what is
// behind goes over into the next. What is due is rounded up to a satoshi.
func (r *Registers) quotas(months []*month) {
	var behind money.Satoshi // above: coins that are still to be sold; below: sold in advance within the year
	for _, m := range months {
		if m.at.Number() == 1 {
			behind = max(0, behind)
		}
		share := new(big.Int).Mul(big.NewInt(int64(m.coins)), big.NewInt(int64(m.law.Quota)))
		share.Add(share, big.NewInt(int64(params.WholePPM)-1))
		owed := money.Satoshi(share.Quo(share, big.NewInt(int64(params.WholePPM))).Int64())
		behind += owed - m.sold
		r.Quota = append(r.Quota, QuotaRow{m.at.String(), m.coins, m.law.Quota, owed, m.sold, max(0, behind)})
	}
}

// licence says until when it lasts, and its fee where the index of its year is known.
func (r *Registers) licence(p *planner.Plan) error {
	kind, term, err := p.LicenceTerm()
	if err != nil {
		return err
	}
	from, err := time.Parse(time.DateOnly, string(p.Licence))
	if err != nil {
		return err
	}
	index, err := params.MonthlyCalculationIndex.At(p.Licence)
	row := LicenceRow{Kind: kind, From: p.Licence, Until: params.DateOf(from.AddDate(term.Years, 0, -1))}
	if err == nil { // the index is known from 2025 on
		row.Fee = index.Value * money.Tiyn(term.FeeMCI)
	}
	r.Licence = append(r.Licence, row)
	return nil
}
