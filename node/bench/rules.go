package bench

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// rules is a state with plain and marked tokens and contracts, to execute on without signatures or disk.
type rules struct {
	world    *sim.World
	state    *livestate.State
	executor *ledger.Executor
	wallets  int
	meals    token.Hash // the definition of the contracts
}

func numbered(domain string, i int) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte(domain), uint64(i)))
}

func (r *rules) wallet(i int) token.WalletID {
	h := numbered("wallet", i%r.wallets)
	return token.WalletID(h[:16])
}

// Purposes of the measurements: the first asks for more than what the payee is, so that its rule is evaluated at
// each payment; the second's answer is remembered.
const (
	evaluated  = 1
	remembered = 2
)

func benchPurpose(when string, returns token.WalletID, until uint64) token.Purpose {
	return token.Purpose{Name: "bench", Earmark: "true", FromMillis: 0, UntilMillis: until, Returns: returns,
		Permits: []token.Permit{{When: when, Becomes: token.BecomesSame}}}
}

const (
	whenEvaluated  = `payee.role == "shop" && amount <= 100000000 && now > 0`
	whenRemembered = `payee.role == "shop"`
)

// newRules makes a state of some wallets with a plain token and one of each purpose. It is put together and not
// executed: its sums are set so that conservation holds, and signatures are trusted, since rules alone are measured.
func newRules(wallets int) *rules {
	r := &rules{world: sim.NewWorld(1), state: livestate.New(sha256.Sum256([]byte("rules"))), wallets: wallets}
	ledger.ApplyGenesis(r.state, r.world.Genesis)
	until := uint64(sim.StartMillis + 86_400_000*300)
	r.state.AddPurpose(ledger.Purpose{Purpose: benchPurpose(whenEvaluated, r.wallet(0), until)})
	r.state.AddPurpose(ledger.Purpose{Purpose: benchPurpose(whenRemembered, r.wallet(0), until)})
	key := r.world.Key("everybody").Public()
	for i := range wallets {
		r.state.PutWallet(r.wallet(i), ledger.Wallet{Key: key, Version: 1, Tier: 2, Balance: 3 * tokenMoney, Tokens: 3,
			Attributes: token.Attributes{Role: "shop"}})
	}
	for i := range wallets {
		for purpose := range uint32(3) {
			r.state.AddToken(r.token(purpose, i), ledger.Token{Wallet: r.wallet(i), Asset: token.PurposeAsset(purpose),
				Amount: tokenMoney})
		}
	}
	for number := uint32(1); number <= 2; number++ {
		r.state.Purpose(number).Entered = r.state.LiveOf(number)
	}
	encoded := sim.Template("school-meals")
	r.meals = sha256.Sum256(encoded)
	r.state.AddDefinition(r.meals, encoded, ledger.Registered{})
	r.state.Authority().Issued = r.state.LiveTotal()
	r.executor = ledger.NewExecutor(r.world.Network, r.state)
	r.executor.TrustSignatures = true
	r.executor.Begin(1, sim.StartMillis)
	return r
}

func (r *rules) token(purpose uint32, i int) token.ID {
	return token.ID(numbered(fmt.Sprint("token", purpose), i))
}

func unsigned(body token.Body) *token.Transaction {
	tx, err := token.New(body, sim.StartMillis+1_800_000)
	if err != nil {
		panic(fmt.Sprintf("bench: %v", err))
	}
	tx.Add(token.Witness{Role: token.RoleWallet, Signature: token.Signature{1}})
	return tx
}

// payments are one of each wallet: a token in, a payment and change out, plain or of a purpose.
func (r *rules) payments(purpose uint32) []*token.Transaction {
	txs := make([]*token.Transaction, r.wallets)
	parallel(r.wallets, func(i int) {
		parties, inputs := []token.WalletID{r.wallet(i), r.wallet(i + r.wallets/2)}, []token.ID{r.token(purpose, i)}
		if purpose == 0 {
			txs[i] = unsigned(&token.Transfer{Parties: parties, Payers: 1, Inputs: inputs,
				Outputs: []token.Output{{Party: 1, Amount: tokenMoney / 2}, {Party: 0, Amount: tokenMoney / 2}}})
			return
		}
		txs[i] = unsigned(&token.EarmarkedTransfer{Parties: parties, Inputs: inputs,
			Outputs: []token.EarmarkedOutput{{Party: 1, Amount: tokenMoney / 2, From: purpose, Becomes: purpose},
				{Amount: tokenMoney / 2, From: purpose, Becomes: purpose}}})
	})
	return txs
}

// contracts creates a contract of each of some wallets, out of the change of their plain payments, and returns an
// action of each: a meal is eaten.
func (r *rules) contracts(n int, plain []*token.Transaction) (create, act []*token.Transaction) {
	for i := range n {
		tx := unsigned(&token.Create{Creator: r.wallet(i), Definition: r.meals,
			Parties: []token.WalletID{r.wallet(i), r.wallet(i), r.wallet(i + 1), r.wallet(0)}, Assets: []uint32{0},
			Terms:  []token.Value{token.Int(1 << 40), token.Int(1 << 50), token.Int(sim.StartMillis + 86_400_000*30)},
			Inputs: []token.ID{token.OutputID(plain[i].ID(), 1)}, Paid: []money.Tiyn{tokenMoney / 4}})
		create = append(create, tx)
		act = append(act, unsigned(&token.Act{Contract: token.RegisteredID(tx.ID()), Version: 1, Action: "eat",
			Caller: r.wallet(i),
			Args:   []token.Value{token.Int(int64(tokenMoney / 8))}, Paid: []money.Tiyn{0}}))
	}
	return create, act
}

// nanos executes transactions and returns the time of each, on one core.
func (r *rules) nanos(txs []*token.Transaction) (float64, error) {
	start := time.Now()
	for _, tx := range txs {
		if err := r.executor.Apply(tx, nil); err != nil {
			return 0, fmt.Errorf("%s: %w", tx.Body.Kind(), err)
		}
	}
	return float64(time.Since(start)) / float64(len(txs)), nil
}

// ruleCosts is what executing takes, in nanoseconds.
type ruleCosts struct{ plain, evaluated, remembered, create, act float64 }

// measureRules executes each kind on a fresh state, the payments in an order that turns with the run: tables grow
// while they are executed.
func measureRules(run, wallets, contracts int) (c ruleCosts, err error) {
	r := newRules(wallets)
	plain := r.payments(0)
	create, act := r.contracts(contracts, plain)
	type part struct {
		txs  []*token.Transaction
		into *float64
	}
	payments := []part{{plain, &c.plain}, {r.payments(evaluated), &c.evaluated},
		{r.payments(remembered), &c.remembered}}
	first := run % len(payments)
	parts := append(append(payments[first:len(payments):len(payments)], payments[:first]...), part{create, &c.create},
		part{act, &c.act})
	for _, part := range parts {
		if *part.into, err = r.nanos(part.txs); err != nil {
			return c, err
		}
	}
	r.executor.Leaf(token.Hash{}) // conservation, of every purpose too
	return c, nil
}
