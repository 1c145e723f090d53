package index

import (
	"fmt"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// writer books what an entry does. While a block is indexed it keeps only where each id stands; to answer a
// question it keeps what the entry gave to whom.
type writer struct {
	index   *Index
	records [tables][]record

	answering   bool
	netsAlone   bool      // what is answered has no use for outputs
	remembered  *Nets     // nets of the latest payments; may be nil
	sought      *token.ID // what is answered is about an output, or a transaction, and has no use for nets
	transaction token.TransactionID
	outputs     map[token.ID]Output
	nets        map[token.WalletID]money.Tiyn
}

// entry books one entry. A proposal does nothing.
func (w *writer) entry(number uint64, e ledger.Entry) error {
	if e.System != nil && e.System.Kind != ledger.SystemProposal {
		w.system(number, e.System)
	}
	if e.Transaction == nil {
		return nil
	}
	// Nearly all there is: without hashing anything.
	if t, is := e.Transaction.Body.(*token.Transfer); is && w.netsAlone {
		return w.transfer(number, token.TransactionID{}, t)
	}
	return w.body(number, e)
}

// body books a transaction whose id is wanted.
func (w *writer) body(number uint64, e ledger.Entry) error {
	id := e.Transaction.ID()
	w.transaction = id
	w.stands(ofIDs, id[:], number)
	var err error
	switch t := e.Transaction.Body.(type) {
	case *token.Transfer:
		err = w.transfer(number, id, t)
	case *token.Issue:
		total, _ := t.Total()
		for i, amount := range t.Amounts {
			w.output(token.OutputID(id, i), number, t.To, amount)
		}
		w.touch(t.To, number, total)
	case *token.Redeem:
		w.output(token.OutputID(id, 0), number, t.From, t.Change)
		w.touch(t.From, number, -t.Amount)
	case *token.Seize:
		w.output(token.OutputID(id, 0), number, t.Court, t.Amount)
		w.output(token.OutputID(id, 1), number, t.Wallet, t.Change)
		w.touch(t.Wallet, number, -t.Amount)
		w.touch(t.Court, number, t.Amount)
	case *token.Release:
		w.output(token.OutputID(id, 0), number, t.To, t.Amount)
		w.output(token.OutputID(id, 1), number, t.Held, t.Change)
		w.touch(t.Held, number, -t.Amount)
		w.touch(t.To, number, t.Amount)
		if t.For != t.To && t.For != (token.WalletID{}) {
			w.touch(t.For, number, 0) // a closed wallet's history tells where its money went
		}
	case *token.Register:
		w.touch(token.RegisteredID(id), number, 0)
		w.keyed(number, t.Key, t.Recovery)
	case *token.Admit:
		w.touch(token.RegisteredID(id), number, 0)
	case *token.Rekey:
		w.touch(t.Wallet, number, 0)
		w.keyed(number, t.Key, t.Recovery)
	case *token.AnnounceKeyset:
		reserve := t.Reserve
		if reserve == (token.WalletID{}) {
			reserve = token.RegisteredID(id)
		}
		w.touch(reserve, number, 0)
	case *token.StampCash:
		w.touch(t.Reserve, number, 0)
	case *token.BondPurses, *token.OpenPurse, *token.FundPurse, *token.SettlePurses, *token.ClosePurse:
		err = w.purses(number, e)
	case *token.EarmarkedTransfer:
		w.earmarked(number, id, t)
	case *token.Create:
		err = w.contract(number, e, token.RegisteredID(id), t.Creator, t.Inputs)
		for _, party := range t.Parties {
			w.touch(party, number, 0)
		}
	case *token.Act:
		err = w.contract(number, e, t.Contract, t.Caller, t.Inputs)
	case *token.Move:
		for _, wallet := range t.Wallets {
			w.touch(wallet, number, 0)
		}
	default:
		if wallet, ok := ledger.Target(e.Transaction.Body); ok {
			w.touch(wallet, number, 0)
		}
	}
	return err
}

// transfer books every party's net. With one payer it follows from the outputs; with several the inputs' amounts are
// looked up, when they are asked for: not where an output is sought, for else each output of such a transfer would ask
// for its inputs, and these for theirs, back to where the money was issued.
func (w *writer) transfer(number uint64, id token.TransactionID, t *token.Transfer) error {
	nets := make([]money.Tiyn, len(t.Parties))
	if w.netsAlone && t.Payers > 1 && w.remembered.fill(number, nets) {
		for party, wallet := range t.Parties {
			w.touch(wallet, number, nets[party])
		}
		return nil
	}
	for i, o := range t.Outputs {
		nets[o.Party] += o.Amount
		if t.Payers == 1 {
			nets[0] -= o.Amount
		}
		if !w.netsAlone {
			w.output(token.OutputID(id, i), number, t.Parties[o.Party], o.Amount)
		}
	}
	// While the index is being written nobody waits for nets: they are looked up once somebody asks for a history.
	if t.Payers > 1 && w.answering && w.sought == nil {
		for _, input := range t.Inputs {
			in, found, err := w.index.Output(input)
			if err != nil {
				return err
			}
			if !found {
				return fmt.Errorf("input %s was never indexed", input)
			}
			for party := range t.Payers {
				if t.Parties[party] == in.Wallet {
					nets[party] -= in.Amount
				}
			}
		}
	}
	for party, wallet := range t.Parties {
		w.touch(wallet, number, nets[party])
	}
	return nil
}

// earmarked books a payment by one payer: what the others gain he gives.
func (w *writer) earmarked(number uint64, id token.TransactionID, t *token.EarmarkedTransfer) {
	for i, o := range t.Outputs {
		w.output(token.OutputID(id, i), number, t.Parties[o.Party], o.Amount)
		w.touch(t.Parties[o.Party], number, o.Amount)
		w.touch(t.Parties[0], number, -o.Amount)
	}
}

// effects books the tokens that an entry's effects made, and returns their sum.
func (w *writer) effects(number uint64, makes token.TransactionID, effects []ledger.Effect) (total money.Tiyn) {
	for i, e := range effects {
		w.output(token.OutputID(makes, i), number, e.Wallet, e.Amount)
		w.touch(e.Wallet, number, e.Amount)
		if e.For != (token.WalletID{}) {
			w.touch(e.For, number, 0) // a closed wallet's history tells where its money went
		}
		total += e.Amount
	}
	return total
}

// contract books what a contract's creation or action made: the caller gave the inputs, and the rest came
// from what the contract held.
func (w *writer) contract(number uint64, e ledger.Entry, contract, caller token.WalletID, inputs []token.ID) error {
	total := w.effects(number, e.Transaction.ID(), e.Effects.Made)
	var brought money.Tiyn
	if w.answering && w.sought == nil {
		for _, input := range inputs {
			in, found, err := w.index.Output(input)
			if err != nil {
				return err
			}
			if !found {
				return fmt.Errorf("input %s was never indexed", input)
			}
			brought += in.Amount
		}
	}
	w.touch(caller, number, -brought)
	w.touch(contract, number, brought-total)
	return nil
}

// purses books what a transaction about purses moves between wallets and the fund. Settling and closing nobody brings
// anything.
func (w *writer) purses(number uint64, e ledger.Entry) error {
	switch t := e.Transaction.Body.(type) {
	case *token.BondPurses:
		return w.contract(number, e, ledger.PurseFund, t.Intermediary, t.Inputs)
	case *token.OpenPurse:
		return w.contract(number, e, ledger.PurseFund, t.Owner, t.Inputs)
	case *token.FundPurse:
		return w.contract(number, e, ledger.PurseFund, t.From, t.Inputs)
	}
	if !e.Effects.Empty() {
		w.touch(ledger.PurseFund, number, -w.effects(number, e.Transaction.ID(), e.Effects.Made))
	}
	return nil
}

// system books what happened by the rules alone: what was held is given.
func (w *writer) system(number uint64, s *ledger.System) {
	var total money.Tiyn
	if !s.Effects.Empty() {
		total = w.effects(number, s.Makes(), s.Effects.Made)
	}
	w.touch(s.Wallet, number, -total)
}

// stands records that an id stands in an entry.
func (w *writer) stands(t table, id []byte, number uint64) {
	if !w.answering {
		w.records[t] = append(w.records[t], record{prefixOf(id), number})
	}
}

// output books a token that was made.
func (w *writer) output(id token.ID, number uint64, wallet token.WalletID, amount money.Tiyn) {
	if amount == 0 {
		return // no change was made
	}
	w.stands(ofIDs, id[:], number)
	if w.answering && !w.netsAlone && (w.sought == nil || *w.sought == id) {
		if w.outputs == nil {
			w.outputs = map[token.ID]Output{}
		}
		w.outputs[id] = Output{number, wallet, amount}
	}
}

// keyed records that an entry names keys of a wallet: under what a key hashes to, among the wallets, of whose ids none
// is that.
func (w *writer) keyed(number uint64, keys ...token.PublicKey) {
	for _, key := range keys {
		if key != token.NoKey {
			mark := markOf(key)
			w.stands(ofWallets, mark[:], number)
		}
	}
}

// touch books that an entry touches a wallet, and what it gained by it; several of one entry add up.
func (w *writer) touch(wallet token.WalletID, number uint64, net money.Tiyn) {
	w.stands(ofWallets, wallet[:], number)
	if w.answering && w.sought == nil {
		if w.nets == nil {
			w.nets = map[token.WalletID]money.Tiyn{}
		}
		w.nets[wallet] += net
	}
}
