package study

import (
	"fmt"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

// Result is what a run came to. What is claimed of a purse beyond what it had is its fraud; the bond bears it up to the
// purse's limit of all payments and as far as it lasts; whom the links pay bear the rest.
type Result struct {
	Options    Options            `json:"options"`
	Crooks     int                `json:"crooks"`
	Payments   int                `json:"payments"` // that were taken
	Paid       money.Tiyn         `json:"paid_tiyn"`
	Poor       int                `json:"without_funds"` // that nobody could try: the purse was empty
	Refused    map[token.Code]int `json:"refused"`       // by the rules, on either side
	Fraud      money.Tiyn         `json:"fraud_tiyn"`
	Worst      money.Tiyn         `json:"worst_crook_tiyn"`
	BondBears  money.Tiyn         `json:"bond_bears_tiyn"`
	PayeeBears money.Tiyn         `json:"payees_bear_tiyn"`
	LostWith   money.Tiyn         `json:"lost_with_phones_tiyn"` // received on lost phones, and never settled
	Convicted  int                `json:"convicted"`
	// the day by whose evening half of those who were convicted were, from 1; 0 for nobody
	HalfBy int `json:"half_convicted_by_day"`
}

// Run lets a population live and counts.
func Run(o Options) (*Result, error) {
	_, result, err := run(o)
	return result, err
}

// Settlements are the payments that a run's phones brought to the ledger, each with what it rests on, in order.
func Settlements(o Options) (all []purse.Message, result *Result, err error) {
	w, result, err := run(o)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range w.phones {
		all = append(all, p.device.Held[:p.settled]...)
	}
	return all, result, nil
}

func run(o Options) (*world, *Result, error) {
	if err := o.check(); err != nil {
		return nil, nil, err
	}
	w, err := newWorld(&o)
	if err != nil {
		return nil, nil, err
	}
	w.play()
	return w, w.result, w.count()
}

// count adds up who bears what.
func (w *world) count() error {
	came := map[token.WalletID]money.Tiyn{} // by links known
	for _, of := range w.byID {             // any order: sums
		for i := range of.links {
			came[of.links[i].Payee] += of.links[i].Amount
		}
	}
	r := w.result
	guaranteed := money.Tiyn(0)
	byDay := make([]int, w.o.Days+1)
	for _, p := range w.phones {
		c := &p.device.Certificate
		of := w.byID[c.Purse]
		claimed := money.Tiyn(0)
		for i := range of.links {
			claimed += of.links[i].Amount
		}
		fraud := max(0, claimed-c.Deposit-came[c.Purse])
		if fraud > 0 && !of.convicted || of.convicted && !p.crook {
			return fmt.Errorf("%w: purse %s (a crook's: %t) has a fraud of %s and is convicted: %t", ErrTheorem,
				c.Purse, p.crook, fraud.Format(), of.convicted)
		}
		r.Fraud += fraud
		r.Worst = max(r.Worst, fraud)
		guaranteed += min(fraud, c.MaxOffline)
		if of.convicted {
			r.Convicted++
			byDay[of.convictDay]++
		}
		for _, m := range p.device.Held[p.settled:] {
			r.LostWith += w.unsettled(m.Payment())
		}
	}
	r.BondBears = min(guaranteed, w.o.Bond)
	r.PayeeBears = r.Fraud - r.BondBears
	r.HalfBy = median(byDay, r.Convicted)
	return nil
}

// unsettled is a payment's amount, if nobody whom it was paid on to brought it.
func (w *world) unsettled(l *purse.Link) money.Tiyn {
	if w.known[l.ID(w.o.Network)] {
		return 0
	}
	return l.Amount
}

func median(byDay []int, all int) int {
	sum := 0
	for i, n := range byDay {
		if sum += n; all > 0 && 2*sum >= all {
			return i + 1
		}
	}
	return 0
}
