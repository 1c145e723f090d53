package api_test

import (
	"encoding/json"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/token"
)

// A transaction that its wallet has not signed tells why to those who may read the wallet, and to nobody else.
func TestWhoIsToldWhy(t *testing.T) {
	w := newTown(t, api.Options{})
	list := []api.Access{
		{Name: "auditor", Role: api.RoleAuditor, TokenSHA256: api.HashToken("auditor's")},
		{Name: "bank", Role: api.RoleIntermediary, Intermediary: w.bank, TokenSHA256: api.HashToken("bank's")},
		{Name: "other", Role: api.RoleIntermediary, Intermediary: token.WalletID{5}, TokenSHA256: api.HashToken("other's")},
	}
	w.server.SetAccess(list)
	body := w.payBob(500).Body
	unsigned, err := token.New(body, soon())
	if err != nil {
		t.Fatal(err)
	}
	form, _ := json.Marshal(unsigned)
	for _, test := range []struct{ access, code string }{
		{"", "not-accepted"}, {"nobody's", "not-accepted"}, {"other's", "not-accepted"}, {"bank's", "missing-signature"}, {"auditor's", "missing-signature"},
	} {
		status := 403
		if test.code == "missing-signature" {
			status = 422
		}
		w.problem(t, "POST", "/v1/transactions", "application/json", test.access, form, status, test.code)
	}
}
