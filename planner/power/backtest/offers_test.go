package backtest_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/power/backtest"
)

// What is prepaid is the offer's price with VAT, rounded up: a tiyn too little, and the offer is void.
func TestPrepayIsRoundedUp(t *testing.T) {
	s := sample(t)
	rapid.Check(t, func(t *rapid.T) {
		o := backtest.Offer{Price: money.Tiyn(rapid.Int64Range(0, 100_000).Draw(t, "price")),
			WattHour: rapid.Int64Range(0, 1e10).Draw(t, "watt-hours")}
		due, err := o.Prepay(s)
		if err != nil {
			t.Fatal(err)
		}
		exact := new(big.Rat).SetInt64(int64(o.Price))
		exact.Mul(exact, new(big.Rat).SetFrac64(o.WattHour, 1000))
		exact.Mul(exact, new(big.Rat).SetFrac64(int64(params.WholePPM+s.Terms.VAT), int64(params.WholePPM)))
		over := new(big.Rat).Sub(new(big.Rat).SetInt64(int64(due)), exact)
		if over.Sign() < 0 || over.Cmp(big.NewRat(1, 1)) >= 0 {
			t.Fatalf("%d tiyn, exactly %s", due, exact.FloatString(6))
		}
	})
	if _, err := (backtest.Offer{Price: 1 << 62, WattHour: 4}).Prepay(s); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("beyond 63 bits: %v", err)
	}
	if _, err := (backtest.Offer{Price: 1 << 62, WattHour: 1}).Prepay(s); err != nil {
		t.Errorf("a thousandth of it: %v", err)
	}
}

// An hour's offers stay within its limit, at prices that the market takes and no machine loses by; and the file that is submitted has
// each of them with its deadlines.
func TestOffersAndTheirFile(t *testing.T) {
	s := sample(t)
	past := backtest.Example("2026-09-01", 60, 3)
	for name, policy := range map[string]backtest.Policy{"rule": backtest.ByRule(s.Auction.Limits),
		"margin": backtest.ByMargin(s.Auction.Limits, 100_000), "ceiling": backtest.ByMargin(s.Auction.Limits, 0)} {
		offers, err := backtest.Offers(s, past, policy)
		if err != nil || len(offers) == 0 {
			t.Fatalf("%s: %d offers, %v", name, len(offers), err)
		}
		byHour := [24]int64{}
		for _, o := range offers {
			byHour[o.Hour] += o.WattHour
			if o.Price > o.Ceiling || o.Price < s.Auction.Limits.Floor || s.Auction.Limits.Cap > 0 && o.Price > s.Auction.Limits.Cap {
				t.Errorf("%s: %+v", name, o)
			}
		}
		for h, watts := range byHour {
			if watts > s.LimitWatts[h] {
				t.Errorf("%s: %d Wh are bid for at %02d:00, the limit is %d W", name, watts, h, s.LimitWatts[h])
			}
		}
		var out bytes.Buffer
		if err := backtest.WriteOffers(&out, s, offers); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(rows) != len(offers)+1 {
			t.Fatalf("%s: %d rows for %d offers, %v", name, len(rows), len(offers), err)
		}
		for i, row := range rows[1:] {
			due, err := offers[i].Prepay(s)
			if err != nil {
				t.Fatal(err)
			}
			line := strings.Join(row, ",")
			if row[0] != string(s.Day) || !strings.Contains(line, due.String()) || !strings.Contains(line, offers[i].Class) ||
				strings.Count(row[len(row)-1], ":") != 1 {
				t.Errorf("%s: %v for %+v", name, row, offers[i])
			}
		}
	}
	early := *s
	early.Day = "2019-01-01"
	if err := backtest.WriteOffers(&bytes.Buffer{}, &early, nil); err == nil {
		t.Error("a bid from before there was an auction has deadlines")
	}
}
