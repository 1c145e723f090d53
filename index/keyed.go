package index

import (
	"crypto/sha256"
	"slices"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// maxKeyed bounds how many entries are read for one key: a bank could name a stranger's key in any number of them.
const maxKeyed = 64

// markOf is under what a key's entries stand. The tag keeps it from being a wallet's id.
func markOf(key token.PublicKey) [sha256.Size]byte {
	return sha256.Sum256(append([]byte("aqsha index key\x00"), key[:]...))
}

// Keyed lists the wallets that a key was named for, as their key or recovery key, in the latest 64 entries that name
// it, the latest first. Whether it is theirs still, the ledger's state says.
func (x *Index) Keyed(key token.PublicKey) (wallets []token.WalletID, err error) {
	mark := markOf(key)
	entries, err := x.find(ofWallets, mark[:], noEntry, maxKeyed)
	if err != nil {
		return nil, err
	}
	for _, number := range entries {
		data, err := x.log.Entry(number)
		if err != nil {
			return nil, err
		}
		e, err := ledger.DecodeEntry(data)
		if err != nil {
			return nil, err
		}
		if wallet, names := walletOf(e, key); names && !slices.Contains(wallets, wallet) {
			wallets = append(wallets, wallet)
		}
	}
	return wallets, nil
}

// walletOf is the wallet to which an entry gives a key.
func walletOf(e ledger.Entry, key token.PublicKey) (wallet token.WalletID, names bool) {
	if e.Transaction == nil {
		return wallet, false
	}
	switch t := e.Transaction.Body.(type) {
	case *token.Register:
		return token.RegisteredID(e.Transaction.ID()), t.Key == key || t.Recovery == key
	case *token.Rekey:
		return t.Wallet, t.Key == key || t.Recovery == key
	}
	return wallet, false
}
