package wallet_test

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/wallet"
)

// clientUnder is a client at a network that was founded under a version of the rules.
func clientUnder(t *testing.T, rules uint32) *wallet.Client {
	t.Helper()
	files := disk.New(1)
	keyring, err := wallet.OpenKeyringOn(files.FS(), "town", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := keyring.Genesis(wallet.NewNetwork{Name: "old.town", TimeMillis: sim.StartMillis, Day: params.DateOf(time.UnixMilli(sim.StartMillis)), SharedKeys: true, DailyCap: 1000 * money.Tenge, DelayMillis: 86_400_000, RekeyDelayMillis: 86_400_000})
	if err != nil {
		t.Fatal(err)
	}
	f.Genesis.Policy, f.Genesis.Rules = sim.Policy(), rules
	signer, err := keyring.LogSigner()
	if err != nil {
		t.Fatal(err)
	}
	config := node.Config{Dir: "town", Now: func() uint64 { return sim.StartMillis }, NoIndex: true,
		Options: txlog.Options{Origin: "old.town", Signers: []note.Signer{signer}, FS: files.FS(), SegmentBytes: 1 << 20}}
	if err := node.Init(config, f.Genesis); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	client, err := wallet.NewClient(t.Context(), api.Local(api.New(n, api.Options{Open: true})), keyring)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// A network takes the template that its rules have names for: the newest there is, or the one before, or it is said which
// rules it needs. What is given is taken by the network's own check.
func TestTemplatesAreThoseOfTheNetworksRules(t *testing.T) {
	t.Parallel()
	for rules := uint32(ledger.FirstRules); rules <= ledger.LatestRules; rules++ {
		client := clientUnder(t, rules)
		for _, name := range contract.TemplateNames {
			p, err := client.Template(t.Context(), name)
			var refused *token.Error
			switch {
			case errors.As(err, &refused) && refused.Code == wallet.NeedsRules:
				if rules >= 3 {
					t.Errorf("rules %d, %s: %v", rules, name, err)
				}
				continue
			case err != nil:
				t.Fatal(err)
			}
			if _, problems := contract.CompileUnder(rules, p.Definition); problems != nil {
				t.Errorf("rules %d, %s: %v", rules, name, problems)
			}
			newest, err := contract.TemplateProgram(name)
			if err != nil {
				t.Fatal(err)
			}
			if since, _ := contract.TemplateSince(name); (p.ID() == newest.ID()) != (rules >= since) {
				t.Errorf("rules %d, %s: it is of other rules", rules, name)
			}
		}
	}
}
