package proof_test

import (
	"context"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Every token of a log in which everything happened once has a proof: paid out by a contract, kept by one, marked,
// freed, returned.
func TestEveryTokenOfTheStoryIsProved(t *testing.T) {
	model := ledger.NewModel()
	chain, _ := sim.NewWorld(33).Story(model)
	kinds := proveAll(t, chain, model)
	for _, kind := range []string{"marked-transfer", "create", "act", "end", "return", "bond-purses", "open-purse",
		"fund-purse", "settle-purses", "close-purse"} {
		if !kinds[kind] {
			t.Errorf("no token derives from a step of kind %s", kind)
		}
	}
}

// What a court left of marked money is proved with its mark, what it took without.
func TestTokensOfASeizureAreProved(t *testing.T) {
	model := ledger.NewModel()
	c := sim.NewWorld(33).NewChain(model)
	admit, bank := c.Admit("bank", 1, c.Now+1000)
	if err := c.Try(admit); err != nil {
		t.Fatal(err)
	}
	register := func(name, role string) token.WalletID {
		return token.RegisteredID(c.Must(&token.Register{Sequence: model.Central.Set(token.RolePolicy).Sequence, Key: c.Key(name).Public(), Tier: 2, Attributes: token.Attributes{Role: role}}).ID())
	}
	treasury, court := register("treasury", "treasury"), register("court", ledger.CourtRole)
	agency := token.RegisteredID(c.Must(&token.SetAgency{Sequence: model.Central.Set(token.RolePolicy).Sequence, Name: "ministry",
		Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{c.Key("ministry").Public()}}}).ID())
	c.Must(&token.RegisterPurpose{Agency: agency, Sequence: 1, Purpose: sim.Meals(treasury, c.Now)})
	issue := c.Must(&token.Issue{Sequence: 1, To: bank, Amounts: []money.Tiyn{1000}})
	fund := c.Must(&token.Transfer{Parties: []token.WalletID{bank, treasury}, Payers: 1, Inputs: []token.ID{token.OutputID(issue.ID(), 0)}, Outputs: []token.Output{{Party: 1, Amount: 1000}}})
	mark := c.Must(&token.EarmarkedTransfer{Parties: []token.WalletID{treasury}, Inputs: []token.ID{token.OutputID(fund.ID(), 0)}, Outputs: []token.EarmarkedOutput{{Amount: 1000, Becomes: 1}}})
	c.Must(&token.Freeze{Wallet: treasury, Version: 1, Mode: token.FreezeDebits, Case: "7"})
	seize := c.Must(&token.Seize{Wallet: treasury, Inputs: []token.ID{token.OutputID(mark.ID(), 0)}, Amount: 300, Change: 700, Court: court, Case: "7"})
	if rest := model.Tokens[token.OutputID(seize.ID(), 1)]; rest.Asset.Purpose != 1 || rest.Amount != 700 {
		t.Fatalf("the rest is %+v", rest)
	}
	if kinds := proveAll(t, c, model); !kinds["seize"] {
		t.Error("no token derives from a seizure")
	}
}

// proveAll serves a chain's log and checks the proof of every live token. It returns the kinds of steps that stand in them.
func proveAll(t *testing.T, chain *sim.Chain, model *ledger.Model) map[string]bool {
	t.Helper()
	n := served(t, chain)
	kinds := map[string]bool{}
	for id, want := range model.Tokens {
		f, err := proof.Make(context.Background(), n, id)
		if err != nil {
			t.Fatalf("token %s: %v", id, err)
		}
		r, err := proof.Check(f.Encode(), chain.World.Network)
		if err != nil {
			t.Fatalf("token %s: %v", id, err)
		}
		if r.Wallet != want.Wallet || r.Amount != want.Amount || r.Purpose != want.Asset.Purpose {
			t.Errorf("token %s: %+v, want %+v", id, r, want)
		}
		for _, s := range r.Steps {
			if kinds[s.Kind] = true; s.Kind == "open-purse" && f.MemosOfOthers(token.WalletID{0xff}) == 0 {
				t.Errorf("token %s: the proof tells a stranger whose purse was opened", id)
			}
		}
	}
	return kinds
}

// served opens a node on a chain's log.
func served(t *testing.T, chain *sim.Chain) *node.Node {
	t.Helper()
	w := chain.World
	config := node.Config{Dir: t.TempDir(), Options: txlog.Options{Origin: w.Genesis.Name, Signers: []note.Signer{w.LogSigner}, SegmentBytes: 1 << 20}}
	log, err := txlog.Open(filepath.Join(config.Dir, "log"), config.Options)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range chain.Blocks {
		batch, err := log.Stage(block)
		if err == nil {
			err = log.Commit(batch)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := log.Publish(); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}
