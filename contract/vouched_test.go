package contract

import (
	"slices"
	"testing"

	"github.com/aqsha/aqsha/token"
)

// A permit that believes every bank is named; one that asks who vouches is not.
func TestPermitsThatBelieveEveryBankAreNamed(t *testing.T) {
	for when, want := range map[string][]string{ // any order: each by itself
		`payee.role == "budget"`:                                                 {"payee.role"},
		`payee.role == "budget" && payee.bank == authority`:                      nil,
		`payee.role == "budget" || payee.bank == authority`:                      {"payee.role"},
		`payee.role == "a" && payee.bank == authority || payee.category == 5912`: {"payee.category"},
		`payee.region == "KZ-75" && payee.bank != authority`:                     {"payee.region"},
		`payee.role == "quarry" && size(definition) == 32`:                       nil,
		`amount < 100`:                        nil,
		`"ministry/canteen" in payee.vouched`: nil,
		`payee.role == "canteen" && "ministry/canteen" in payee.vouched`:            nil,
		`payee.role == "canteen" && payee.vouched.exists(v, v.endsWith("canteen"))`: {"payee.role", "payee.vouched"}, // of whatever agency
		`payee.role == "canteen" && "ministry/canteen" in payer.vouched`:            {"payee.role"},                  // the other's word
		`payee.role == "canteen" && payee.bank == payer.bank`:                       {"payee.role"},                  // any bank has two customers
		`payee.role == "canteen" && payee.id == payee.id`:                           {"payee.role"},
		`payee.role == "canteen" && size(definition) >= 0`:                          {"payee.role"},
		`payee.role == "canteen" && size(definition) == 0`:                          {"payee.role"},
		`payee.tier == 2`: {"payee.tier"},
		`payer.role == "treasury" && payer.bank == authority && payee.role == "school"`: {"payee.role"},
		`["a", "b"].exists(r, r == payee.role) && amount > 5`:                           {"payee.role"},
	} {
		p := meals()
		p.Earmark, p.Permits = "payer.bank == authority", []token.Permit{{When: when}}
		r := rule(t, p)
		var got []string
		for _, u := range r.Unvouched() {
			got = append(got, u.Attributes...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
	}
}

// The authority's own wallets are told apart from a bank's with the same role.
func TestRulesAskForTheAuthority(t *testing.T) {
	p := meals()
	p.Permits = []token.Permit{{When: `payee.role == "budget" && payee.bank == authority`}}
	r := rule(t, p)
	pay := func(bank token.WalletID) token.Code {
		payee := someone("budget", "")
		payee.Bank = bank
		_, err := r.Permit(&Payment{Payer: someone("mill", ""), Payee: payee, Amount: 10, Now: 150})
		return code(err)
	}
	if got := pay(token.Authority); got != "" {
		t.Error(got)
	}
	if got := pay(named("Evil")); got != PurposeForbids {
		t.Errorf("a bank's word is taken for the authority's: %q", got)
	}
}
