package wallet

import (
	"context"
	"errors"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/token"
)

// RemoveKey loses a key, as a phone is lost.
func (b *Keyring) RemoveKey(name string) error {
	key, err := b.Key(name)
	if err != nil {
		return err
	}
	b.mu.Lock()
	delete(b.loaded, key.Public())
	b.mu.Unlock()
	return errors.Join(durable.Remove(b.files, b.path(keysDir, name+keySuffix)),
		durable.Remove(b.files, b.path(keysDir, name+pubSuffix)))
}

// Sources are the payer's marks that may pay.
func (d *Client) Sources(ctx context.Context, p EarmarkedPayment) ([]Source, error) {
	return d.sources(ctx, p)
}

// SessionKeys shows a book's keys as a client that opens sessions sees them.
func SessionKeys(b *Keyring) interface {
	Wallets() []token.WalletID
	KeysOf(id token.WalletID) []func() (token.Signer, error)
	Kept() map[string][]api.Session
	Keep(base string, s api.Session)
} {
	return sessionKeys{b}
}
