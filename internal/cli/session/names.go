package session

import (
	"context"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// WalletOf is a wallet by its name or id.
func (s *Session) WalletOf(name string) (token.WalletID, error) {
	ids, err := s.Resolve(name)
	if err != nil {
		return token.WalletID{}, err
	}
	return ids[0], nil
}

// WalletAndAmount reads the two arguments of a payment: a wallet's name or id, and tenge with at most two decimals.
// What is wrong with them is the command line's mistake, found before anything is asked for.
func (s *Session) WalletAndAmount(name, text string) (token.WalletID, money.Tiyn, error) {
	ids, err := s.Resolve(name)
	if err != nil {
		return token.WalletID{}, 0, err
	}
	amount, err := money.ParseTenge(text)
	if err != nil {
		return ids[0], 0, cli.Usage(err)
	}
	if amount < 0 {
		return ids[0], 0, cli.Usage(fmt.Errorf("amount %q: it is below zero", text))
	}
	return ids[0], amount, nil
}

// Resolve reads names or ids of arguments.
func (s *Session) Resolve(texts ...string) ([]token.WalletID, error) {
	ids := make([]token.WalletID, len(texts))
	for i, text := range texts {
		id, err := s.Keyring.Resolve(text)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return ids, nil
}

// PublicKey reads a public key ("ed25519:…"), or the name of a key that is here, made if need be.
func (s *Session) PublicKey(text string) (token.PublicKey, error) {
	var public token.PublicKey
	if public.UnmarshalText([]byte(text)) == nil && public != token.NoKey {
		return public, nil
	}
	key, err := s.Keyring.KeyOrNew(text)
	if err != nil {
		return public, err
	}
	return key.Public(), nil
}

// WalletName is a wallet's name here, the central bank's in English.
func (s *Session) WalletName(id token.WalletID) string { return s.WalletNameIn(words.English, id) }

// WalletNameIn is a wallet's name here, the central bank's in a language.
func (s *Session) WalletNameIn(l words.Language, id token.WalletID) string {
	if id == token.Authority {
		return l.Text("history.central-bank")
	}
	return s.Keyring.NameOf(id)
}

// PurposesIn are the purposes that a payment's money is of or becomes, each once.
func PurposesIn(tx *token.Transaction) (numbers []uint32) {
	t, ok := tx.Body.(*token.EarmarkedTransfer)
	if !ok {
		return nil
	}
	for _, o := range t.Outputs {
		for _, number := range []uint32{o.From, o.Becomes} {
			if number != 0 && !slices.Contains(numbers, number) {
				numbers = append(numbers, number)
			}
		}
	}
	return numbers
}

// PurposeNames are the names of the purposes that a history speaks of; nothing is asked where it speaks of none.
func (s *Session) PurposeNames(ctx context.Context, h api.History) (map[uint32]string, error) {
	if !slices.ContainsFunc(h.Lines, func(line api.HistoryLine) bool {
		return line.Transaction != nil && len(PurposesIn(line.Transaction)) > 0
	}) {
		return nil, nil
	}
	return s.NamesOfPurposes(ctx)
}

// NamesOfPurposes are the names of all purposes, by number.
func (s *Session) NamesOfPurposes(ctx context.Context) (map[uint32]string, error) {
	list, err := s.API.Purposes(ctx)
	if err != nil {
		return nil, err
	}
	names := map[uint32]string{}
	for _, p := range list {
		names[p.Number] = p.Name
	}
	return names, nil
}
