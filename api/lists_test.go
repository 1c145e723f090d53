package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// Public lists come in pages of bounded size, which together are the whole, in order and without repetition.
func TestListsArePaged(t *testing.T) {
	w := newTown(t, api.Options{})
	text, _ := contract.Template("escrow")
	for i := range 7 {
		source, problems := contract.Parse([]byte(strings.Replace(string(text), "contract: escrow", fmt.Sprintf("contract: escrow_%d", i), 1)))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		var bank uint64
		if err := w.node.View(context.Background(), func(s *livestate.State, _ node.Head) { b, _ := s.Intermediary(w.bank); bank = b.Sequence }); err != nil {
			t.Fatal(err)
		}
		w.submit(t, w.world.Sign(&token.Define{Registrar: w.bank, Sequence: bank, Definition: source.Definition.Encode()}, soon(), sim.One(token.RoleIntermediary, 0, w.world.Key("bank"))))
	}
	page := func(after token.Hash, limit int) (list []api.DefinitionView) {
		t.Helper()
		status, _, body := w.call(t, "GET", fmt.Sprintf("/v1/definitions?limit=%d&after=%s", limit, after), "", "", nil)
		if err := json.Unmarshal(body, &list); status != 200 || err != nil {
			t.Fatalf("%d %s", status, body)
		}
		return list
	}
	var all []api.DefinitionView
	for after := (token.Hash{}); ; after = all[len(all)-1].ID {
		next := page(after, 3)
		if all = append(all, next...); len(next) < 3 {
			break
		}
	}
	for i := range all {
		if i > 0 && bytes.Compare(all[i-1].ID[:], all[i].ID[:]) >= 0 {
			t.Errorf("definition %d does not come after the one before", i)
		}
	}
	whole, err := w.client.Definitions(context.Background())
	if err != nil || len(all) != 7 || len(whole) != 7 {
		t.Errorf("%d definitions in pages, %d at once: %v", len(all), len(whole), err)
	}
	w.problem(t, "GET", "/v1/definitions?limit=100000", "", "", nil, 422, "invalid-request")
	w.problem(t, "GET", "/v1/purposes?limit=100000", "", "", nil, 422, "invalid-request")
}
