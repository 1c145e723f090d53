package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/purse/study"
	"github.com/aqsha/aqsha/token"
)

// The study's count of a fraud and of who bears it is the ledger's: the same payments, brought to a ledger on which the
// same purses were opened, in another order, convict the same purses and cost bond and payees the same.
func TestTheStudyCountsAsTheLedger(t *testing.T) {
	for seed := range uint64(3) {
		w := newTown(t)
		w.Must(w.bonding(20_000 * kzt))
		limits := purseLimits
		limits.Payment, limits.Offline = 5_000*kzt, 8_000*kzt
		var opened []*phone
		o := study.Options{Seed: seed, Purses: 14, Crooks: 140, Days: 3, Payments: 3, Least: 50 * kzt, Most: 900 * kzt,
			Deposit: 5_000 * kzt, Limits: purse.Limits{MaxPayment: limits.Payment, MaxOffline: limits.Offline,
				MaxHops: limits.Hops, AgeHours: limits.AgeHours},
			Settles: 400, Lost: 70, LookUps: 100, Bond: 20_000 * kzt, Network: w.Network, Certifier: w.Key("certifier"),
			Begin: w.Now, Opened: func(i int) (token.PrivateKey, purse.Certificate) {
				p := w.phoneWith(fmt.Sprint("purse ", i), 5_000*kzt, limits)
				opened = append(opened, p)
				return p.key, p.device.Certificate
			}}
		messages, result, err := study.Settlements(o)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(seed, 1))
		r.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
		for _, m := range messages {
			if err := w.Try(w.Make(settling(m.Links...))); err != nil && err.Code != ledger.Duplicate {
				t.Fatal(err)
			}
		}
		var fraud money.Tiyn
		convicted := 0
		for _, p := range opened {
			of := w.model.Purse(p.id)
			if fraud += of.Fraud(); of.Convicted {
				convicted++
			}
		}
		if fraud == 0 || result.Fraud != fraud || result.Convicted != convicted {
			t.Errorf("seed %d: the ledger has a fraud of %s and %d convicted; the study says %s and %d", seed,
				fraud.Format(), convicted, result.Fraud.Format(), result.Convicted)
		}
		// What the bond owes of a claim that waits whole it pays when the purse is closed.
		w.Now += 60*dayMillis + 1
		for _, p := range opened {
			for w.model.Purse(p.id).State != ledger.PurseEnded {
				w.Must(&token.ClosePurse{Purse: p.id})
			}
		}
		if bore := o.Bond - w.bondOf(); bore != result.BondBears || result.PayeeBears != fraud-bore {
			t.Errorf("seed %d: the bond bore %s of %s; the study says %s and leaves %s to the payees", seed,
				bore.Format(), fraud.Format(), result.BondBears.Format(), result.PayeeBears.Format())
		}
	}
}
