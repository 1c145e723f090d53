package walletcmd

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// What is no wallet, or not for who asks, is left out; a wallet that cannot be read now is not passed over in silence.
func TestAListOfWalletsHasNoGaps(t *testing.T) {
	broken := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := map[string]int{"01": 200, "02": 404, "03": 403, "04": 401, "05": broken}[r.URL.Path[len("/v1/wallets/"):][:2]]
		if status == 200 {
			_, _ = w.Write([]byte(`{"balance": 700}`))
			return
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(api.Problem{Status: status, Code: "some-code"})
	}))
	t.Cleanup(server.Close)
	client := api.NewClient(server.URL, "")
	names := []wallet.Name{}
	for i, name := range strings.Fields("mine contract others hidden") {
		names = append(names, wallet.Name{Name: name, ID: token.WalletID{byte(i + 1)}})
	}
	list, err := namedWallets(t.Context(), client, names)
	if err != nil || len(list) != 1 || list[0].Name != "mine" || list[0].Balance != 700 {
		t.Errorf("%+v, %v; want mine alone", list, err)
	}
	names = append(names, wallet.Name{Name: "second", ID: token.WalletID{5}})
	for _, broken = range []int{500, 400, 422} {
		if list, err := namedWallets(t.Context(), client, names); err == nil {
			t.Errorf("with %d for the second wallet: %+v and no error", broken, list)
		}
	}
}
