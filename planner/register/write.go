package register

import (
	"fmt"
	"io"

	"github.com/aqsha/aqsha/internal/safecsv"
)

// File is one register as CSV.
type File struct {
	Name string
	rows [][]string
}

// Write writes it.
func (f File) Write(out io.Writer) error {
	return safecsv.NewWriter(out).WriteAll(f.rows)
}

// Files are the registers as CSV: those that there are.
func (r *Registers) Files() []File {
	levy := File{"levy.csv",
		[][]string{{"quarter", "basis", "kwh", "planned_kwh", "difference_kwh", "levy_tenge_per_kwh", "levy_tenge",
			"declare_by", "pay_by"}}}
	for _, x := range r.Levy {
		levy.rows = append(levy.rows, []string{x.Quarter, x.Basis, kWh(x.WattHours), kWh(x.Planned),
			kWh(x.WattHours - x.Planned), x.PerKWh.String(), x.Levy.String(), string(x.DeclareBy), string(x.PayBy)})
	}
	tax := File{"tax.csv", [][]string{{"month", "received_btc", "income_tenge", "power_invoice_tenge", "levy_tenge",
		"fixed_tenge", "depreciation_tenge", "base_tenge", "year_base_tenge", "year_tax_tenge", "declare_by",
		"pay_by"}}}
	for _, x := range r.Tax {
		tax.rows = append(tax.rows, []string{x.Month, x.Coins.String(), x.Income.String(), x.Invoice.String(),
			x.Levy.String(), x.Fixed.String(), x.Written.String(), x.Base.String(), x.YearTo.String(), x.Tax.String(),
			string(x.Declare), string(x.PayBy)})
	}
	quota := File{"quota.csv",
		[][]string{{"month", "mined_btc", "quota_percent", "to_sell_btc", "sold_btc", "behind_btc"}}}
	for _, x := range r.Quota {
		quota.rows = append(quota.rows,
			[]string{x.Month, x.Mined.String(), fmt.Sprintf("%d.%04d", x.Quota/10_000, x.Quota%10_000), x.Due.String(),
				x.Sold.String(), x.Behind.String()})
	}
	licence := File{"licence.csv", [][]string{{"licence", "from", "until", "state_fee_tenge"}}}
	for _, x := range r.Licence {
		licence.rows = append(licence.rows, []string{x.Kind, string(x.From), string(x.Until), x.Fee.String()})
	}
	// Without books of what was received there is nothing to say of tax and quota.
	if len(r.Tax) == 0 {
		return []File{levy, licence}
	}
	return []File{levy, tax, quota, licence}
}

func kWh(wattHours int64) string {
	sign := ""
	if wattHours < 0 {
		sign, wattHours = "-", -wattHours
	}
	return fmt.Sprintf("%s%d.%03d", sign, wattHours/1000, wattHours%1000)
}
