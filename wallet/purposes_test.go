package wallet_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// Purposes that have ended make room for others, and the list of them has gaps: a number is no place in it.
func TestANumberIsThatOfItsPurpose(t *testing.T) {
	t.Parallel()
	var list []api.PurposeView
	for number, name := range map[uint32]string{2: "books", 5: "meals", 6: "meals", 9: "roads"} {
		p := token.Purpose{Name: name, UntilMillis: uint64(1000 * number), Earmark: "true",
			Permits: []token.Permit{{When: "true"}}}
		if number == 6 {
			p.Amends = 5
		}
		list = append(list, api.PurposeView{Number: number, Purpose: ledger.Purpose{Purpose: p}})
	}
	slices.SortFunc(list, func(a, b api.PurposeView) int { return int(a.Number) - int(b.Number) })
	list[1].AmendedBy = 6
	held := livestate.LiveToken{ID: token.ID{1}, Token: ledger.Token{Asset: token.PurposeAsset(5), Amount: 100}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = list
		if r.URL.Path != "/v1/purposes" {
			answer = api.WalletTokens{Tokens: []livestate.LiveToken{held}}
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	client := &wallet.Client{API: api.NewClient(server.URL, ""), Now: func() uint64 { return 1 }}
	for text, want := range map[string]uint32{"1": 0, "2": 2, "3": 0, "4": 0, "5": 5, "6": 6, "9": 9, "10": 0, "0": 0} {
		p, err := client.Purpose(t.Context(), text)
		if p.Number != want || (err == nil) != (want != 0) {
			t.Errorf("number %s: purpose %d (%s), %v", text, p.Number, p.Name, err)
		}
	}
	if newest, err := client.Newest(t.Context(), list[1]); err != nil || newest.Number != 6 {
		t.Errorf("the newest of 5 is %d, %v; want 6", newest.Number, err)
	}
	for _, p := range []wallet.EarmarkedPayment{{Any: true}, {Purpose: list[1]}} {
		sources, err := client.Sources(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(sources, func(s wallet.Source) bool { return s.Number == 5 })
		if i < 0 || len(sources[i].Tokens) != 1 || len(sources[i].Rules) != 2 || sources[i].Until != 6000 {
			t.Errorf("any %v: %+v; want 5's rule and its amendment's, until 6000", p.Any, sources)
		}
	}
}
