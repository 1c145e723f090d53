package bench

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// coin is a live token as the workload knows it.
type coin struct {
	id     token.ID
	amount money.Tiyn
}

// population is wallets and the tokens they hold, as the ledger has them.
type population struct {
	world *sim.World
	bank  token.WalletID
	ids   []token.WalletID
	coins [][]coin // of each wallet

	numbers map[token.WalletID]int
	issued  uint64 // times
	paidOut int    // tokens
}

// numberAll lets wallets be found by id.
func (p *population) numberAll() {
	p.numbers = make(map[token.WalletID]int, len(p.ids))
	for i, id := range p.ids {
		p.numbers[id] = i
	}
}

func (p *population) number(id token.WalletID) int { return p.numbers[id] }

// keyOf is a wallet's public key.
func (p *population) keyOf(o Options, id token.WalletID) token.PublicKey {
	return secret(o.Seed, p.numbers[id]).Public()
}

// tokenMoney is what each of the first tokens is worth: a few mean tickets.
const tokenMoney = 50_000 * money.Tenge

// maxBatch is how many transactions are submitted at a time while the population is built.
const maxBatch = 1024

// secret is a wallet's seed.
func secret(seed uint64, wallet int) token.PrivateKey {
	var preimage [24]byte
	copy(preimage[:], "bench")
	binary.BigEndian.PutUint64(preimage[8:], seed)
	binary.BigEndian.PutUint64(preimage[16:], uint64(wallet))
	return token.NewPrivateKey(sha256.Sum256(preimage[:]))
}

// parallel does n things on all cores.
func parallel(n int, do func(i int)) {
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		group.Go(func() {
			for i := w; i < n; i += workers {
				do(i)
			}
		})
	}
	group.Wait()
}

// populate registers wallets with a bank and gives them tokens, through the node like everybody else.
func populate(ctx context.Context, n *node.Node, world *sim.World, o Options,
	notify func(phase string, done, of int)) (*population, error) {
	p := &population{world: world, ids: make([]token.WalletID, o.Wallets), coins: make([][]coin, o.Wallets)}
	tx, bank := world.Admit("bank", 1, valid())
	if _, err := n.Submit(ctx, tx); err != nil {
		return nil, err
	}
	p.bank = bank
	bankKey := world.Key("bank")
	for from := 0; from < o.Wallets; from += maxBatch {
		txs := make([]*token.Transaction, min(maxBatch, o.Wallets-from))
		until := valid()
		parallel(len(txs), func(i int) {
			key := secret(o.Seed, from+i)
			body := &token.Register{Registrar: bank, Sequence: uint64(from + i + 1), Key: key.Public(), Tier: 1}
			txs[i] = world.Sign(body, until, sim.One(token.RoleIntermediary, 0, bankKey),
				sim.One(token.RolePossession, 0, key))
			p.ids[from+i] = token.RegisteredID(txs[i].ID())
		})
		if err := submitAll(ctx, n, txs); err != nil {
			return nil, fmt.Errorf("registering wallets: %w", err)
		}
		notify("registering wallets", from+len(txs), o.Wallets)
	}
	return p, p.fund(ctx, n, o, o.LiveTokens, notify)
}

func submitAll(ctx context.Context, n *node.Node, txs []*token.Transaction) error {
	_, errs := n.SubmitAll(ctx, txs)
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// valid is until when what is made now may be executed.
func valid() uint64 { return uint64(time.Now().Add(30 * time.Minute).UnixMilli()) }

// fundedPerTransfer is how many tokens one transfer of funding makes.
const fundedPerTransfer = 63

// fund issues a treasury token for each transfer of funding, and pays them out: so many tokens more.
func (p *population) fund(ctx context.Context, n *node.Node, o Options, tokens int,
	notify func(string, int, int)) error {
	transfers := (tokens + fundedPerTransfer - 1) / fundedPerTransfer
	treasury := p.world.Key("bank treasury")
	before := p.paidOut
	for from := 0; from < transfers; from += maxBatch {
		count := min(maxBatch, transfers-from)
		var sources []token.ID
		for len(sources) < count {
			amounts := make([]money.Tiyn, min(64, count-len(sources)))
			for i := range amounts {
				amounts[i] = fundedPerTransfer * tokenMoney
			}
			p.issued++
			tx := p.world.Issue(p.issued, p.bank, valid(), amounts...)
			// Issues one after the other, for each names the sequence of the issue set; what they pay for is sent
			// together.
			if err := submitAll(ctx, n, []*token.Transaction{tx}); err != nil {
				return fmt.Errorf("issuing: %w", err)
			}
			for i := range amounts {
				sources = append(sources, token.OutputID(tx.ID(), i))
			}
		}
		txs, until := make([]*token.Transaction, count), valid()
		parallel(count, func(i int) {
			txs[i] = p.payOut(o, before+(from+i)*fundedPerTransfer, sources[i], treasury, until)
		})
		if err := submitAll(ctx, n, txs); err != nil {
			return fmt.Errorf("funding wallets: %w", err)
		}
		for i, tx := range txs {
			p.receive(o, before+(from+i)*fundedPerTransfer, tx)
		}
		p.paidOut += count * fundedPerTransfer
		notify("funding wallets", min(tokens, (from+count)*fundedPerTransfer), tokens)
	}
	return nil
}

// holder says which wallet gets the k-th of the first tokens: two in a row to each, around the population.
func (o Options) holder(k int) int { return (k / 2) % o.Wallets }

// payOut pays tokens first to first+62 to their holders.
func (p *population) payOut(o Options, first int, source token.ID, treasury token.PrivateKey,
	until uint64) *token.Transaction {
	body := &token.Transfer{Parties: []token.WalletID{p.bank}, Payers: 1, Inputs: []token.ID{source}}
	at := map[int]int{}
	for k := first; k < first+fundedPerTransfer; k++ {
		holder := o.holder(k)
		if _, ok := at[holder]; !ok {
			at[holder] = len(body.Parties)
			body.Parties = append(body.Parties, p.ids[holder])
		}
		body.Outputs = append(body.Outputs, token.Output{Party: at[holder], Amount: tokenMoney})
	}
	return p.world.Sign(body, until, sim.One(token.RoleWallet, 0, treasury))
}

func (p *population) receive(o Options, first int, tx *token.Transaction) {
	for i := range fundedPerTransfer {
		holder := o.holder(first + i)
		p.coins[holder] = append(p.coins[holder], coin{token.OutputID(tx.ID(), i), tokenMoney})
	}
}
