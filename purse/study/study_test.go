package study_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/purse/study"
	"github.com/aqsha/aqsha/token"
)

const kzt = money.Tenge

func town() study.Options {
	return study.Options{Seed: 1, Purses: 40, Crooks: 50, Days: 4, Payments: 3, Least: 200 * kzt, Most: 3000 * kzt,
		Deposit: 10_000 * kzt, Limits: purse.Limits{MaxPayment: 20_000 * kzt, MaxOffline: 100_000 * kzt, MaxHops: 5,
			AgeHours: 168}, Settles: 500, Lost: 50, Bond: 1_000_000 * kzt}
}

func run(t *testing.T, change func(o *study.Options)) *study.Result {
	t.Helper()
	o := town()
	change(&o)
	r, err := study.Run(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What a run says is recounted from the payments that came to the ledger, by nothing of it but them: what is claimed of
// a purse beyond what it had, who is convicted, and who bears it.
func TestARunIsRecounted(t *testing.T) {
	for seed := range uint64(4) {
		o := town()
		o.Seed, o.Bond = seed, 15_000*kzt
		o.Limits.MaxOffline = 20_000 * kzt
		deposits := map[token.WalletID]money.Tiyn{}
		var network token.NetworkID
		messages, r, err := study.Settlements(o)
		if err != nil {
			t.Fatal(err)
		}
		var groups [][]purse.Link
		for _, m := range messages {
			groups = append(groups, m.Links)
			for i := range m.Certificates {
				deposits[m.Certificates[i].Purse] = m.Certificates[i].Deposit
			}
		}
		known := purse.Known(network, groups...)
		for i, level := range purse.Cover(known, func(id token.WalletID) money.Tiyn { return deposits[id] }, 99) {
			if level == 0 {
				t.Fatalf("link %d of %s is not covered by what came to the ledger", known[i].Number, known[i].Purse)
			}
		}
		left := map[token.WalletID]money.Tiyn{}
		for id, deposit := range deposits { // any order
			left[id] += deposit
		}
		for i := range known {
			left[known[i].Purse] -= known[i].Amount
			if _, pays := deposits[known[i].Payee]; pays {
				left[known[i].Payee] += known[i].Amount
			}
		}
		var fraud, worst, bond money.Tiyn
		convicted := 0
		for id := range deposits { // any order: sums
			if _, found := purse.Convict(network, id, known); found {
				convicted++
			}
			if short := -left[id]; short > 0 {
				fraud += short
				worst = max(worst, short)
				bond += min(short, o.Limits.MaxOffline)
			}
		}
		bond = min(bond, o.Bond)
		if fraud == 0 || r.Fraud != fraud || r.Worst != worst || r.Convicted != convicted || r.BondBears != bond ||
			r.PayeeBears != fraud-bond {
			t.Errorf("seed %d: the run says %+v; recounted %s fraud, %s the worst, %d convicted, %s by the bond",
				seed, r, fraud.Format(), worst.Format(), convicted, bond.Format())
		}
	}
}

// A run follows from its options, and another seed gives another.
func TestARunIsItsOptions(t *testing.T) {
	one, two := run(t, func(*study.Options) {}), run(t, func(*study.Options) {})
	if !reflect.DeepEqual(one, two) {
		t.Errorf("%+v and %+v", one, two)
	}
	if other := run(t, func(o *study.Options) { o.Seed = 2 }); other.Paid == one.Paid {
		t.Error("two seeds give one run")
	}
}

// What bounds fraud: without crooks there is none; where payees look up who is revoked there is less, by what is
// convicted in the evening; who settles seldom is defrauded longer; a crook's payment is at most its limit, and the
// bond bears at most the limit of all payments.
func TestWhatBoundsFraud(t *testing.T) {
	var often, seldom, looked, small money.Tiyn
	for seed := range uint64(3) {
		at := func(change func(o *study.Options)) *study.Result {
			return run(t, func(o *study.Options) { o.Seed = seed; change(o) })
		}
		if r := at(func(o *study.Options) { o.Crooks = 0 }); r.Fraud != 0 || r.Convicted != 0 || r.Payments == 0 {
			t.Errorf("without crooks: %+v", r)
		}
		often += at(func(o *study.Options) { o.Settles = 1000 }).Fraud
		seldom += at(func(o *study.Options) { o.Settles = 0 }).Fraud
		looked += at(func(o *study.Options) { o.Settles, o.LookUps = 1000, 1000 }).Fraud
		small += at(func(o *study.Options) { o.Limits.MaxPayment, o.Most = 3000*kzt, 3000*kzt }).Fraud
		r := at(func(o *study.Options) { o.Limits.MaxOffline, o.Limits.MaxPayment = 9000*kzt, 9000*kzt })
		if r.BondBears > 9000*kzt*money.Tiyn(r.Crooks) || r.BondBears+r.PayeeBears != r.Fraud {
			t.Errorf("the bond bears %s of %d crooks", r.BondBears.Format(), r.Crooks)
		}
	}
	if looked > often || often >= seldom || small >= seldom || looked == 0 {
		t.Errorf("fraud: settled each evening %s, looked up besides %s, settled at the end %s, small payments %s",
			often, looked, seldom, small)
	}
}

func TestOptions(t *testing.T) {
	for name, change := range map[string]func(o *study.Options){ // any order: each by itself
		"one purse": func(o *study.Options) { o.Purses = 1 }, "no day": func(o *study.Options) { o.Days = 0 },
		"too much":        func(o *study.Options) { o.Purses, o.Payments = 5000, 100 },
		"a share":         func(o *study.Options) { o.Lost = 1001 },
		"beyond limits":   func(o *study.Options) { o.Most = 30_000 * kzt },
		"limits of none":  func(o *study.Options) { o.Limits.MaxOffline = 0 },
		"upside down":     func(o *study.Options) { o.Most = o.Least - 1 },
		"negative":        func(o *study.Options) { o.Deposit = -1 },
		"a bond too high": func(o *study.Options) { o.Bond = 1 << 60 },
	} {
		o := town()
		change(&o)
		if _, err := study.Run(o); err == nil || name != "limits of none" && !errors.Is(err, study.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
