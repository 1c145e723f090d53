package wallet

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/token"
)

// sessionKeys shows a book's keys to a client that is to open sessions.
type sessionKeys struct{ keyring *Keyring }

// Wallets are the wallets whose sessions can be opened.
func (k sessionKeys) Wallets() []token.WalletID {
	names, err := k.keyring.Names()
	if err != nil {
		return nil
	}
	list, treasuries := []token.WalletID(nil), []token.WalletID(nil)
	for _, n := range names {
		switch {
		case k.keyring.hasKey(n.Name):
			list = append(list, n.ID)
		case n.Bank && k.keyring.hasKey(n.Name+treasuryKey):
			treasuries = append(treasuries, n.ID)
		}
	}
	return append(list, treasuries...)
}

// OwnWallets are the wallets that have a name and a key of that name here: those that whoever has this book speaks for.
func (b *Keyring) OwnWallets() (list []token.WalletID, err error) {
	names, err := b.Names()
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if b.hasKey(n.Name) {
			list = append(list, n.ID)
		}
	}
	return list, nil
}

// hasKey says whether the secret half of a name's key is here.
func (b *Keyring) hasKey(name string) bool { return there(b.files, b.path(keysDir, name+keySuffix)) }

// KeysOf are the key that bears a wallet's name, or that of a bank's treasury, and then those that were made for it
// later (NAME-new, NAME-new-2): which of them is the wallet's at present only the ledger knows. A wallet without a name
// here is somebody else's: no key is opened for it, and nobody asked for a passphrase.
func (k sessionKeys) KeysOf(id token.WalletID) (list []func() (token.Signer, error)) {
	keys, err := k.keyring.list(keysDir, pubSuffix)
	name := k.keyring.NameOf(id)
	if err != nil || name == id.String() {
		return nil
	}
	// A name with the treasury's suffix is of a bank, or of nobody: the node says whose key it is.
	own := func(key string) bool { return key == name || key == name+treasuryKey }
	later := func(key string) bool { return strings.HasPrefix(key, name+"-new") }
	for _, is := range []func(string) bool{own, later} {
		for _, key := range keys {
			if is(key) {
				list = append(list, func() (token.Signer, error) { return k.keyring.Key(key) })
			}
		}
	}
	return list
}

// sessionsFile holds open sessions, so that commands that follow each other sign in once. Whoever reads it reads, for a
// quarter of an hour, what these wallets' keys beside it would open for good; like them it is its owner's alone.
const (
	sessionsFile = "sessions.json"
	maxKept      = 64
)

// Kept are the sessions that have not ended, by the node's address. A file that cannot be read keeps none.
func (k sessionKeys) Kept() map[string][]api.Session {
	content, err := durable.Read(k.keyring.files, filepath.Join(k.keyring.dir, sessionsFile), maxFile)
	if err != nil {
		return nil
	}
	return readSessions(content, uint64(time.Now().UnixMilli()))
}

// readSessions are the sessions of the file that have not ended; nil of a file that is none.
func readSessions(content []byte, now uint64) map[string][]api.Session {
	kept := map[string][]api.Session{}
	if json.Unmarshal(content, &kept) != nil {
		return nil
	}
	for base, sessions := range kept {
		if kept[base] = slices.DeleteFunc(sessions,
			func(s api.Session) bool { return s.Expires <= now }); len(kept[base]) == 0 {
			delete(kept, base)
		}
	}
	return kept
}

// Keep notes a session in the place of the wallet's last one at that node.
func (k sessionKeys) Keep(base string, s api.Session) {
	_ = durable.Update(k.keyring.files, filepath.Join(k.keyring.dir, sessionsFile), maxFile,
		func(content []byte) ([]byte, error) {
			kept := readSessions(content, uint64(time.Now().UnixMilli()))
			if kept == nil || len(kept) > maxKept {
				kept = map[string][]api.Session{}
			}
			others := slices.DeleteFunc(kept[base], func(old api.Session) bool { return old.Wallet == s.Wallet })
			kept[base] = append(others[:min(len(others), maxKept)], s)
			return json.Marshal(kept)
		})
}
