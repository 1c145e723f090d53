package api_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/node"
)

// Where everybody may ask, what somebody set aside and does not spend is another payer's after a while; where an
// access says who asks, it is his, and another is refused in words at the end of his own time.
func TestReservationsHoldWhereItIsKnownWhoAsks(t *testing.T) {
	for _, open := range []bool{true, false} {
		t.Run(fmt.Sprintf("open %v", open), func(t *testing.T) {
			w := newTownOf(t, api.Options{Open: open}, func(c *node.Config) { c.Patience = 10 * time.Millisecond })
			w.server.SetAccess([]api.Access{{Name: "bank", Role: api.RoleIntermediary, Intermediary: w.bank, TokenSHA256: api.HashToken("bank's")}})
			client := api.NewClient(w.http.URL, "bank's")
			if _, err := client.Select(context.Background(), w.alice, 100, 1000); err != nil {
				t.Fatal(err)
			}
			selection, err := client.Select(context.Background(), w.alice, 100, 1000)
			var problem *api.Problem
			switch {
			case open && (err != nil || len(selection.Tokens) != 1):
				t.Errorf("%v, %v", selection, err)
			case !open && (!errors.As(err, &problem) || problem.Code != string(node.TokensBusy) || problem.Status != 409):
				t.Errorf("%v, %v", selection, err)
			}
		})
	}
}
