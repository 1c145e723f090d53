package api_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// escrow registers the template and makes a contract of alice's money with bob.
func (w *town) escrow(t testing.TB) token.WalletID {
	t.Helper()
	encoded := sim.Template("escrow")
	w.submit(t, w.world.Sign(&token.Define{Registrar: w.bank, Sequence: 3, Definition: encoded}, soon(), sim.One(token.RoleIntermediary, 0, w.world.Key("bank"))))
	price := 40 * money.Tenge
	create := w.world.Sign(&token.Create{Creator: w.alice, Definition: sha256.Sum256(encoded), Parties: []token.WalletID{w.alice, w.bob, w.bank}, Assets: []uint32{0},
		Terms: []token.Value{token.Int(int64(price)), token.Int(3)}, Inputs: []token.ID{token.OutputID(w.money.ID(), 0)}, Paid: []money.Tiyn{price}},
		soon(), sim.One(token.RoleWallet, 0, w.world.Key("alice")))
	w.submit(t, create)
	return token.RegisteredID(create.ID())
}

func TestContractsAreAnswered(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	id := w.escrow(t)
	ctx := context.Background()
	c, err := w.client.Contract(ctx, id, 0)
	if err != nil || c.Name != "escrow" || c.Version != 1 || len(c.Held) != 1 || c.Held[0] != 40*money.Tenge || c.Parties[1] != w.bob {
		t.Fatalf("%+v, %v", c, err)
	}
	list, err := w.client.Contracts(ctx, token.WalletID{})
	if err != nil || len(list) != 1 || list[0].ID != id {
		t.Errorf("%+v, %v", list, err)
	}
	definitions, err := w.client.Definitions(ctx)
	if err != nil || len(definitions) != 1 || definitions[0].Name != "escrow" || definitions[0].Definition.ID() != c.Definition {
		t.Errorf("%+v, %v", definitions, err)
	}
	view, err := w.client.Wallet(ctx, id)
	if err != nil || !view.Contract || view.Balance != 40*money.Tenge {
		t.Errorf("%+v, %v", view, err)
	}
	network, err := w.client.Network(ctx)
	if err != nil {
		t.Fatal(err)
	}
	history, err := w.client.History(ctx, id, 0, 10, network.Head.Size)
	if err != nil || len(history.Lines) != 1 || history.Lines[0].Net != 40*money.Tenge || len(history.Lines[0].Effects.Made) != 2 {
		t.Errorf("%+v, %v", history, err)
	}
	var problem *api.Problem
	if _, err := w.client.Contract(ctx, w.bob, 0); !errors.As(err, &problem) || problem.Code != string(node.NotFound) {
		t.Errorf("a wallet is no contract: %v", err)
	}
}

func TestWhoReadsContracts(t *testing.T) {
	options := api.Options{Access: []api.Access{{Name: "auditor", Role: api.RoleAuditor, TokenSHA256: api.HashToken("auditor")}}}
	w := newTown(t, options)
	id := w.escrow(t)
	ctx := context.Background()
	if _, err := api.NewClient(w.http.URL, "auditor").Contract(ctx, id, 0); err != nil {
		t.Error(err)
	}
	var problem *api.Problem
	if _, err := w.client.Contract(ctx, id, 0); !errors.As(err, &problem) || problem.Status != 401 {
		t.Errorf("without a token: %v", err)
	}
	if _, err := w.client.Contracts(ctx, token.WalletID{}); !errors.As(err, &problem) || problem.Status != 401 {
		t.Errorf("the list without a token: %v", err)
	}
	if _, err := w.client.Purposes(ctx); err != nil { // rules are public
		t.Error(err)
	}
}
