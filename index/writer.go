package index

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// writer collects what one block adds. It reads its own writes: a payment may spend what the one
// before it in the block made.
type writer struct {
	index *Index
	batch *pebble.Batch
	err   error // the first
}

func (w *writer) set(key, value []byte) {
	if err := w.batch.Set(key, value, nil); err != nil && w.err == nil {
		w.err = err
	}
}

func (w *writer) entry(number uint64, e ledger.Entry) error {
	if e.System != nil && e.System.Kind != ledger.SystemProposal {
		w.touch(e.System.Wallet, number, 0)
	}
	if e.Transaction == nil {
		return w.err
	}
	id := e.Transaction.ID()
	w.set(append([]byte{keyTransaction}, id[:prefixBytes]...), binary.BigEndian.AppendUint64(nil, number))
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
	case *token.Register, *token.Admit:
		w.touch(token.RegisteredID(id), number, 0)
	case *token.Move:
		for _, wallet := range t.Wallets {
			w.touch(wallet, number, 0)
		}
	default:
		if wallet, ok := ledger.Target(e.Transaction.Body); ok {
			w.touch(wallet, number, 0)
		}
	}
	if err != nil {
		return err
	}
	return w.err
}

// transfer books every party's net. With one payer it follows from the outputs; with several the
// inputs' amounts are looked up.
func (w *writer) transfer(number uint64, id token.TransactionID, t *token.Transfer) error {
	nets := make([]money.Tiyn, len(t.Parties))
	for i, o := range t.Outputs {
		nets[o.Party] += o.Amount
		if t.Payers == 1 {
			nets[0] -= o.Amount
		}
		w.output(token.OutputID(id, i), number, t.Parties[o.Party], o.Amount)
	}
	if t.Payers > 1 {
		for _, input := range t.Inputs {
			in, found, err := output(w.batch, input)
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

func (w *writer) output(id token.ID, number uint64, wallet token.WalletID, amount money.Tiyn) {
	if amount == 0 {
		return // no change was made
	}
	value := binary.BigEndian.AppendUint64(make([]byte, 0, 32), number)
	value = append(value, wallet[:]...)
	value = binary.BigEndian.AppendUint64(value, uint64(amount))
	w.set(append([]byte{keyOutput}, id[:prefixBytes]...), value)
}

func (w *writer) touch(wallet token.WalletID, number uint64, net money.Tiyn) {
	key := binary.BigEndian.AppendUint64(append([]byte{keyWallet}, wallet[:]...), number)
	w.set(key, binary.BigEndian.AppendUint64(nil, uint64(net)))
}
