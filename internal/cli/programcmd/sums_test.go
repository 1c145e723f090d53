package programcmd

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/token"
)

// A node whose contract holds more over its assets than there can be is not believed; what it holds of each is not
// shown as another sum.
func TestAContractThatHoldsMoreThanThereIs(t *testing.T) {
	held := []int64{math.MaxInt64, 1}
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if q.URL.Path == "/v1/network" {
			_ = json.NewEncoder(w).Encode(map[string]any{"network": token.NetworkID{1}})
			return
		}
		_ = json.NewEncoder(w).Encode([]any{map[string]any{"id": token.WalletID{1}, "name": "rent", "held": held}})
	}))
	defer liar.Close()
	list := []string{"contract", "list", "--node", liar.URL, "--data", t.TempDir()}
	clitest.Run(t, nouns, list...).Wants(t, 1, "overflows 64 bits", token.WalletID{1}.String())
	held[0] = 41
	clitest.Run(t, nouns, list...).Wants(t, 0, "0.42 ₸")
}
