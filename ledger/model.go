package ledger

import (
	"bytes"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Model is the plain reference of a State: maps, no compactness. Tests compare livestate with it, and dry runs work on
// it. Each answer takes as long as there are rows; it has no lock and one user.
type Model struct {
	Tokens         map[token.ID]Token
	Wallets        map[token.WalletID]Wallet
	Details        map[token.WalletID]Detail
	Intermediaries map[token.WalletID]Intermediary
	Central        Authority
	Programs
}

// NewModel makes an empty state.
func NewModel() *Model {
	return &Model{
		Tokens: map[token.ID]Token{}, Wallets: map[token.WalletID]Wallet{},
		Details: map[token.WalletID]Detail{}, Intermediaries: map[token.WalletID]Intermediary{},
		Programs: NewPrograms(),
	}
}

func (m *Model) Token(id token.ID) (Token, bool) {
	t, ok := m.Tokens[id]
	return t, ok
}

func (m *Model) AddToken(id token.ID, t Token) { m.Tokens[id] = t }
func (m *Model) RemoveToken(id token.ID)       { delete(m.Tokens, id) }

func (m *Model) Wallet(id token.WalletID) (Wallet, bool) {
	w, ok := m.Wallets[id]
	return w, ok
}

func (m *Model) PutWallet(id token.WalletID, w Wallet) { m.Wallets[id] = w }

func (m *Model) RemoveWallet(id token.WalletID) {
	delete(m.Wallets, id)
	delete(m.Details, id)
}

func (m *Model) Detail(id token.WalletID) Detail { return m.Details[id] }

func (m *Model) PutDetail(id token.WalletID, d Detail) {
	if d == (Detail{}) {
		delete(m.Details, id)
		return
	}
	m.Details[id] = d
}

func (m *Model) Intermediary(id token.WalletID) (Intermediary, bool) {
	i, ok := m.Intermediaries[id]
	return i, ok
}

func (m *Model) PutIntermediary(id token.WalletID, i Intermediary) { m.Intermediaries[id] = i }
func (m *Model) Authority() *Authority                             { return &m.Central }

func (m *Model) NextRekey() (wallet token.WalletID, dueMillis uint64, found bool) {
	for id, d := range m.Details { // any order: the least of all
		due := d.Rekey.DueMillis
		if due == 0 {
			continue
		}
		if !found || due < dueMillis || (due == dueMillis && bytes.Compare(id[:], wallet[:]) < 0) {
			wallet, dueMillis, found = id, due, true
		}
	}
	return wallet, dueMillis, found
}

// LiveTotal adds up all tokens, each time anew.
func (m *Model) LiveTotal() money.Tiyn {
	var total money.Tiyn
	for _, t := range m.Tokens { // any order: a sum
		total += t.Amount
	}
	return total
}

// NextExpired looks through all tokens for the one whose purpose ended first; of equals, the least id.
func (m *Model) NextExpired(now uint64) (id token.ID, found bool) {
	least := now
	for candidate, t := range m.Tokens { // any order: the least of all
		p := m.Purpose(t.Asset.Purpose)
		if p == nil || p.UntilMillis > least {
			continue
		}
		if !found || p.UntilMillis < least || bytes.Compare(candidate[:], id[:]) < 0 {
			id, found, least = candidate, true, p.UntilMillis
		}
	}
	return id, found
}

func (m *Model) LiveOf(purpose uint32) money.Tiyn {
	var total money.Tiyn
	for _, t := range m.Tokens { // any order: a sum
		if t.Asset.Purpose == purpose {
			total += t.Amount
		}
	}
	return total
}

func (m *Model) Apart(wallet token.WalletID) money.Tiyn {
	var total money.Tiyn
	for _, t := range m.Tokens { // any order: a sum
		if p := m.Purpose(t.Asset.Purpose); p != nil && p.OwnLimits && t.Wallet == wallet {
			total += t.Amount
		}
	}
	return total
}
