package pool_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/pool/payments"
	"github.com/aqsha/aqsha/pool/web"
)

// A user's page names the transaction of a payout from when it is sent, and says that it is on its way until it is deep
// in the chain, and no longer. A payment whose coin was spent otherwise is not on it.
func TestTheUsersPageFollowsAPayout(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k := openTill(t, 4)
	page := func() string {
		t.Helper()
		answer := httptest.NewRecorder()
		web.Handler(k.Pool).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/user/"+alice, nil))
		return answer.Body.String()
	}
	pay := func() *payments.PaymentSent {
		t.Helper()
		k.work(alice)
		sent, err := k.Pay(ctx, k.options)
		if err != nil {
			t.Fatal(err)
		}
		return sent
	}
	on := "on its way"
	first := pay()
	if body := page(); !strings.Contains(body, on) || !strings.Contains(body, first.TxID.String()) {
		t.Errorf("of a payment that is open the page says\n%s", body)
	}
	k.settle()
	if body := page(); strings.Contains(body, on) || !strings.Contains(body, first.TxID.String()) {
		t.Errorf("of a payment that is deep in the chain the page says\n%s", body)
	}
	second := pay()
	k.doubleSpend(second.TxID)
	k.settle()
	if body := page(); strings.Contains(body, on) || strings.Contains(body, second.TxID.String()) {
		t.Errorf("of a payment that was spent otherwise the page says\n%s", body)
	}
}
