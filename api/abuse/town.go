package abuse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// seed makes the network's keys: every process of a measurement knows them.
const seed = 20

// Payers pay each other, a bank's half of them with its access. Definitions are what lists are long of, and what a
// refused contract has compiled.
const (
	payers      = 16
	definitions = 200
	bankSecret  = "the bank's access"
)

// Place is what other processes need to know of the measured network.
type Place struct {
	URL     string           `json:"url"`
	Bank    token.WalletID   `json:"bank"`
	Wallets []token.WalletID `json:"wallets"` // the payers', and at the end the attacker's
	Tokens  []token.ID       `json:"tokens"`  // one of each
	Amount  money.Tiyn       `json:"amount"`  // of each
	Stratum string           `json:"stratum"` // where a pool takes shares
}

func newWorld() *sim.World {
	world := sim.NewWorld(seed)
	world.Genesis.DailyCap = 1 << 60
	world.Refound()
	return world
}

func payerName(i int) string { return fmt.Sprintf("payer %d", i) }

func soon() uint64 { return uint64(time.Now().Add(50 * time.Minute).UnixMilli()) }

// variant is a contract like others, under a name of its own.
func variant(i int) ([]byte, error) {
	text, _ := contract.Template("escrow")
	source, problems := contract.Parse([]byte(strings.Replace(string(text), "contract: escrow",
		fmt.Sprintf("contract: escrow_%d", i), 1)))
	if len(problems) > 0 {
		return nil, problems
	}
	return source.Definition.Encode(), nil
}

// found makes the network with its wallets, money and definitions, and a node on it. The node is the caller's to
// close.
func found(ctx context.Context, dir string) (*node.Node, Place, error) {
	world := newWorld()
	config := node.Config{Dir: dir, Options: txlog.Options{Origin: world.Genesis.Name,
		Signers: []note.Signer{world.LogSigner}}}
	if err := node.Init(config, world.Genesis); err != nil {
		return nil, Place{}, err
	}
	n, err := node.Open(config)
	if err != nil {
		return nil, Place{}, err
	}
	place := Place{Amount: 1_000_000 * money.Tenge}
	submit := func(txs ...*token.Transaction) error {
		_, errs := n.SubmitAll(ctx, txs)
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		return nil
	}
	admit, bank := world.Admit("bank", 1, soon())
	place.Bank = bank
	amounts := make([]money.Tiyn, payers+1)
	for i := range amounts {
		amounts[i] = place.Amount
	}
	issue := world.Issue(1, bank, soon(), amounts...)
	err = submit(admit, issue)
	var pay []*token.Transaction
	// One more than pay: the last is the attackers', so that what they do to their own wallet blocks no payer's.
	for i := range payers + 1 {
		if err != nil {
			break
		}
		var register *token.Transaction
		var id token.WalletID
		register, id = world.Register("bank", bank, uint64(i+1), payerName(i), 2, soon())
		err = submit(register)
		place.Wallets = append(place.Wallets, id)
		tx := world.Pay(bank, world.Key("bank treasury"), id, place.Amount, []token.ID{token.OutputID(issue.ID(), i)},
			place.Amount, soon())
		place.Tokens = append(place.Tokens, token.OutputID(tx.ID(), 0))
		pay = append(pay, tx)
	}
	if err == nil {
		err = submit(pay...)
	}
	for i := range definitions {
		if err != nil {
			break
		}
		var encoded []byte
		if encoded, err = variant(i); err == nil {
			err = submit(world.Sign(&token.Define{Registrar: bank, Sequence: uint64(payers + 2 + i),
				Definition: encoded}, soon(), sim.One(token.RoleIntermediary, 0, world.Key("bank"))))
		}
	}
	if err != nil {
		_ = n.Close()
		return nil, Place{}, err
	}
	return n, place, nil
}

// access is what the node lets read: the bank.
func access(bank token.WalletID) []api.Access {
	return []api.Access{{Name: "bank", Role: api.RoleIntermediary, Intermediary: bank,
		TokenSHA256: api.HashToken(bankSecret)}}
}
