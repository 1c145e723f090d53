package bench

import (
	"math/rand/v2"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// channel is a kind of card payment: how many there were in 2021 and what they amounted to
// (Sabyrzhan et al., Table 3).
type channel struct {
	name    string
	count   float64 // billion a year
	tenge   float64 // trillion a year
	perUnit money.Tiyn
}

var channels = []channel{
	{"international", 0.94, 11.9, 12_660 * money.Tenge},
	{"local", 4.1, 45.8, 11_171 * money.Tenge},
}

// yearPayments is what Table 3 adds up to for 2021.
const yearPayments = 5.04e9

// workload is transfers in the order in which they are executed, encoded as they arrive.
type workload struct {
	encoded    [][]byte
	wave       int // transfers in each run of this many do not depend on each other
	signatures int
	txs        []*token.Transaction // the same, decoded, for the raw rates
}

// draft is a transfer before it is signed: signing costs most and is done on all cores.
type draft struct {
	body   *token.Transfer
	payers []int
}

// wave is how many transfers in a row have payers of their own: of wallets drawn by Zipf's law, fewer are to be had.
func (o Options) wave() int {
	if o.Zipf {
		return o.Wallets / 64
	}
	return o.Wallets / 4
}

// generate makes n transfers from wallets drawn by pick. Each spends up to two tokens of its payer (or o.MostInputs),
// or one each of two payers (twoOwners in a hundred), pays a ticket of a channel, and gives change.
func (p *population) generate(o Options, n int, random *rand.Rand, pick func() int, validUntil uint64,
	twoOwners int) *workload {
	wave := min(n, o.wave())
	w := &workload{encoded: make([][]byte, n), txs: make([]*token.Transaction, n), wave: wave}
	for from := 0; from < n; from += wave {
		drafts := make([]draft, 0, wave)
		// A wave's payments are signed side by side and their order is free: no payer stands twice in one, for its
		// second payment would spend change that the first has not made.
		busy := map[int]bool{}
		for len(drafts) < min(wave, n-from) {
			d, ok := p.draft(random, pick, busy, twoOwners, max(2, o.MaxInputs))
			if !ok {
				continue
			}
			drafts = append(drafts, d)
		}
		parallel(len(drafts), func(i int) {
			groups := make([]sim.Signature, len(drafts[i].payers))
			for k, payer := range drafts[i].payers {
				groups[k] = sim.Signature{Role: token.RoleWallet, Index: k, Key: secret(o.Seed, payer)}
			}
			tx := p.world.Sign(drafts[i].body, validUntil, groups)
			w.txs[from+i], w.encoded[from+i] = tx, tx.Encode()
		})
		for i := range drafts {
			p.settle(w.txs[from+i])
		}
	}
	for _, tx := range w.txs {
		w.signatures += len(tx.Witnesses)
	}
	return w
}

// draft draws one transfer whose payers have no other in this wave, whose change nobody knows yet.
func (p *population) draft(random *rand.Rand, pick func() int, busy map[int]bool, twoOwners,
	maxInputs int) (draft, bool) {
	payer, payee := pick(), pick()
	if payer == payee || busy[payer] || len(p.coins[payer]) == 0 {
		return draft{}, false
	}
	d := draft{payers: []int{payer}}
	if random.IntN(100) < twoOwners {
		second := pick()
		if second == payer || second == payee || busy[second] || len(p.coins[second]) == 0 {
			return draft{}, false
		}
		d.payers = append(d.payers, second)
	}
	d.body = &token.Transfer{Payers: len(d.payers)}
	totals := make([]money.Tiyn, len(d.payers))
	for k, payer := range d.payers {
		// What was taken from coins is not put back where the draft fails: all that can refuse it stands before this
		// line.
		busy[payer] = true
		d.body.Parties = append(d.body.Parties, p.ids[payer])
		take := 1
		if len(d.payers) == 1 {
			take = min(maxInputs, len(p.coins[payer]))
		}
		for range take {
			last := len(p.coins[payer]) - 1
			in := p.coins[payer][last]
			p.coins[payer] = p.coins[payer][:last]
			d.body.Inputs = append(d.body.Inputs, in.id)
			totals[k] += in.amount
		}
	}
	d.body.Parties = append(d.body.Parties, p.ids[payee])
	d.body.Outputs = outputs(random, totals)
	return d, true
}

// outputs pays a ticket, of which each payer bears a part, and returns the change.
func outputs(random *rand.Rand, totals []money.Tiyn) []token.Output {
	kind := channels[0]
	if random.Float64()*(channels[0].count+channels[1].count) > channels[0].count {
		kind = channels[1]
	}
	ticket := max(1, money.Tiyn(float64(kind.perUnit)*(0.1+1.8*random.Float64()))/money.Tiyn(len(totals)))
	out := []token.Output{{Party: len(totals)}}
	for k, total := range totals {
		part := min(ticket, total)
		out[0].Amount += part
		if total > part {
			out = append(out, token.Output{Party: k, Amount: total - part})
		}
	}
	return out
}

// settle gives the outputs to their holders once the transfer's id is known.
func (p *population) settle(tx *token.Transaction) {
	t := tx.Body.(*token.Transfer)
	for i, o := range t.Outputs {
		holder := p.number(t.Parties[o.Party])
		p.coins[holder] = append(p.coins[holder], coin{token.OutputID(tx.ID(), i), o.Amount})
	}
}
