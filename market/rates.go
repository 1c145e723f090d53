package market

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// codes are the currencies for which the National Bank of Kazakhstan publishes
// rates and people keep files (ISO 4217).
var codes = strings.Fields("aed amd aud azn brl byn cad chf cny czk dkk eur gbp gel hkd huf ils inr irr jpy kgs krw " +
	"kwd mdl mxn myr nok pln rub sar sek sgd thb tjs try uah usd uzs xdr zar")

// rateForm recognises a table of official rates by its headers: a date and,
// for the rest, currency codes, each perhaps with the quantity that the rate
// is for before it ("quant", "USD_quant").
func rateForm(headers []string) *form {
	known := &form{name: "official-rate", time: []string{"date"}, origin: "National Bank of Kazakhstan, official rates"}
	date, ours := false, false // ours: only a bank of this country writes so
	for _, h := range headers {
		name := normal(h)
		code, isQuant := strings.CutSuffix(name, "_quant")
		if !isQuant {
			code, isQuant = strings.CutSuffix(name, " quant")
		}
		switch {
		case name == "date":
			date = true
			ours = ours || name != strings.ToLower(strings.TrimSpace(h))
		case name == "":
		case name == "quant":
			ours = true
		case !slices.Contains(codes, code):
			return nil
		case isQuant:
			ours = true
		default:
			known.needs, known.numbers = append(known.needs, name),
				append(known.numbers, field{name, "kzt_per_" + name, "KZT/" + strings.ToUpper(name)})
		}
	}
	if !date || !ours || len(known.numbers) == 0 {
		return nil
	}
	return known
}

// applyQuantities divides each rate by the quantity of units that it is for:
// "quant" for the column after it or the only one, "usd_quant" for its currency.
func (t *Table) applyQuantities(g *grid) error {
	rates := slices.DeleteFunc(slices.Clone(t.Columns), func(c Column) bool {
		return !strings.HasPrefix(c.Name, "kzt_per_") && !(t.index("nominal") >= 0 && c.Name == "close")
	})
	for _, rate := range rates {
		code := strings.TrimPrefix(rate.Name, "kzt_per_")
		i := -1
		for _, name := range []string{code + "_quant", code + " quant"} {
			i = max(i, t.index(name))
		}
		only := max(t.index("quantity"), t.index("quant"), t.index("nominal"))
		if i < 0 && only >= 0 && len(rates) == 1 {
			i = only
		} else if i < 0 && only >= 0 && len(rates) > 1 {
			return Refuse("quantity", rate.Header, "one column of quantities for %d rates; it does not say whose",
				len(rates))
		}
		if i < 0 {
			continue
		}
		changed := 0
		for row, quantity := range t.Columns[i].Values {
			// A rate for 0 units, or for how many nobody says, is refused: a division would make a price of any size.
			if !math.IsNaN(rate.Values[row]) && !(quantity > 0) {
				return Refuse("quantity", t.Columns[i].Header, "line %d: the rate is for %v units", t.Lines[row],
					quantity)
			}
			if quantity != 1 {
				changed++
			}
			rate.Values[row] /= quantity
		}
		g.decide("quantity", fmt.Sprintf("%s divided by %q in %d rows", rate.Name, t.Columns[i].Header, changed),
			"the rate is for so many units")
	}
	return nil
}
