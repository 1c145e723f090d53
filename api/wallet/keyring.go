package wallet

import (
	"strings"

	"github.com/aqsha/aqsha/token"
)

// keyring shows a book's keys to a client that is to open sessions.
type keyring struct{ book *Book }

// Wallets are the wallets that have a name and a key of that name here.
func (k keyring) Wallets() (list []token.WalletID) {
	names, err := k.book.Names()
	if err != nil {
		return nil
	}
	for _, n := range names {
		if there(k.book.files, k.book.path(keysDir, n.Name+keySuffix)) {
			list = append(list, n.ID)
		}
	}
	return list
}

// KeysOf are the keys that bear a wallet's name, and then those that were made for it later (NAME-new, NAME-new-2): which of them is
// the wallet's at present only the ledger knows. A wallet without a name may have any key.
func (k keyring) KeysOf(id token.WalletID) (list []func() (token.Signer, error)) {
	keys, err := k.book.list(keysDir, pubSuffix)
	if err != nil {
		return nil
	}
	name := k.book.NameOf(id)
	add := func(key string) {
		list = append(list, func() (token.Signer, error) { return k.book.Key(key) })
	}
	for _, key := range keys {
		if key == name {
			add(key)
		}
	}
	for _, key := range keys {
		if key != name && (strings.HasPrefix(key, name+"-new") || name == id.String()) {
			add(key)
		}
	}
	return list
}
