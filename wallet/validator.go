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

// NextValidatorKeyFile holds a validator's keys that are to take the place of the present ones.
const NextValidatorKeyFile = "keys/validator.next.secret"

// SaveNextValidator keeps a validator's next keys. It refuses where some wait already.
func (b *Keyring) SaveNextValidator(text string) error {
	return signer.SaveSecret(b.files, filepath.Join(b.dir, NextValidatorKeyFile), text, b.passphrase)
}

// NextValidator reads a validator's next keys; empty without any.
func (b *Keyring) NextValidator() (string, error) {
	path := filepath.Join(b.dir, NextValidatorKeyFile)
	if !there(b.files, path) {
		return "", nil
	}
	return signer.LoadSecret(b.files, path, b.prompt)
}

// PromoteValidator puts a validator's next keys in the place of the present ones, which nobody needs any more. It is
// one rename: there is a complete key at any time.
func (b *Keyring) PromoteValidator() error {
	return b.files.Rename(filepath.Join(b.dir, NextValidatorKeyFile), filepath.Join(b.dir, ValidatorKeyFile))
}
