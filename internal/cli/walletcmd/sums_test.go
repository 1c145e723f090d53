package walletcmd

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Amounts that come to more than money goes are refused as the line is read, before anything is issued, and their sum
// is printed nowhere as another.
func TestAnIssueOfMoreThanThereIs(t *testing.T) {
	l := served.Start(t, nouns)
	l.Done("bank", "admit", "Halyk")
	most := money.Tiyn(math.MaxInt64).String()
	for _, amounts := range []string{most + " 0.01", "0.01 " + most, most + " " + most + " 1", most + " " + most + " 0.02"} {
		l.Refused("amount-overflow", append([]string{"issue", "Halyk"}, strings.Fields(amounts)...)...)
	}
	l.Wrong("decimal", "issue", "Halyk", "5", "x")
	l.Done("supply").Wants(t, 0, "0.00 ₸")
	if _, total, err := amountsOf([]string{most, "0.01"}); err == nil || total != 0 {
		t.Errorf("%d, %v", total, err)
	}
	if amounts, total, err := amountsOf([]string{"5", "0.25", "7"}); err != nil || total != 1225 || len(amounts) != 3 {
		t.Errorf("%v, %d, %v", amounts, total, err)
	}
}

// A node that lists more marked money than there can be is not believed.
func TestABalanceOfMoreThanThereIs(t *testing.T) {
	tokens := []livestate.LiveToken{}
	for i := range 2 {
		tokens = append(tokens, livestate.LiveToken{ID: token.ID{byte(i)},
			Token: ledger.Token{Asset: token.PurposeAsset(1), Amount: math.MaxInt64}})
	}
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer := map[string]any{}
		switch {
		case q.URL.Path == "/v1/purposes":
			_, _ = w.Write([]byte("[]"))
			return
		case q.URL.Path == "/v1/network":
			answer["network"] = token.NetworkID{1}
		case strings.HasSuffix(q.URL.Path, "/tokens"):
			answer["tokens"] = tokens
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	defer liar.Close()
	e := clitest.Run(t, nouns, "balance", token.WalletID{7}.String(), "--node", liar.URL, "--data", t.TempDir())
	if e.Exit == 0 || !strings.Contains(e.Err, "purpose 1") || !strings.Contains(e.Err, "overflows 64 bits") {
		t.Errorf("exit %d\n%s%s", e.Exit, e.Out, e.Err)
	}
	tokens = tokens[:1]
	clitest.Run(t, nouns, "balance", token.WalletID{7}.String(), "--node", liar.URL, "--data", t.TempDir()).Wants(t, 0,
		money.Tiyn(math.MaxInt64).Format())
}
