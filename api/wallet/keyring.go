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

// KeysOf are the key that bears a wallet's name, and then those that were made for it later (NAME-new, NAME-new-2): which of them
// is the wallet's at present only the ledger knows. A wallet without a name here is somebody else's: no key is opened for it, and
// nobody asked for a passphrase.
func (k keyring) KeysOf(id token.WalletID) (list []func() (token.Signer, error)) {
	keys, err := k.book.list(keysDir, pubSuffix)
	name := k.book.NameOf(id)
	if err != nil || name == id.String() {
		return nil
	}
	own := func(key string) bool { return key == name }
	later := func(key string) bool { return strings.HasPrefix(key, name+"-new") }
	for _, is := range []func(string) bool{own, later} {
		for _, key := range keys {
			if is(key) {
				list = append(list, func() (token.Signer, error) { return k.book.Key(key) })
			}
		}
	}
	return list
}
