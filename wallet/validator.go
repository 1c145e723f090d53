package wallet

import (
	"path/filepath"

	"github.com/aqsha/aqsha/wallet/signer"
)

// ValidatorKeyFile holds a validator's keys in a book's folder.
const ValidatorKeyFile = "keys/validator.secret"

// SaveValidator keeps a validator's keys, one line of text, under the book's passphrase.
func (b *Keyring) SaveValidator(text string) error {
	if err := b.files.MkdirAll(filepath.Join(b.dir, keysDir)); err != nil {
		return err
	}
	return signer.SaveSecret(b.files, filepath.Join(b.dir, ValidatorKeyFile), text, b.passphrase)
}

// Validator reads a validator's keys.
func (b *Keyring) Validator() (string, error) {
	return signer.LoadSecret(b.files, filepath.Join(b.dir, ValidatorKeyFile), b.prompt)
}
