package wallet

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/token"
)

// madeForSuffix ends the name of a note beside a key that says what it is made for, until the ledger has it.
const madeForSuffix = ".made-for"

// KeyExistsError is a key that is there already, and was not made for what it would be taken for.
type KeyExistsError struct{ Path, Purpose string }

func (e *KeyExistsError) Error() string {
	return fmt.Sprintf("%s is there already and was not made for %s: a new registration has a new key: choose "+
		"another name, or move the file away", e.Path, e.Purpose)
}
func (e *KeyExistsError) ErrorCode() string  { return "key-exists" }
func (e *KeyExistsError) ErrorField() string { return "key" }

// KeyFor makes a key for a registration, or opens the one that an interrupted run of the same registration made. Any
// other key of that name is refused: it is the authority's, a bank's or another wallet's. The note is written before
// the key, so that a crash leaves no key whose purpose is not known.
func (b *Keyring) KeyFor(name, purpose string) (token.Signer, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	made, err := b.keyMadeFor(name)
	if err != nil {
		return nil, err
	}
	path := b.path(keysDir, name+keySuffix)
	switch taken := there(b.files, path); {
	case taken && made == purpose:
		return b.Key(name)
	case taken:
		if _, err := b.Key(name); err != nil { // what is wrong with it says more
			return nil, err
		}
		return nil, &KeyExistsError{path, purpose}
	}
	if err := b.files.MkdirAll(filepath.Join(b.dir, keysDir)); err != nil {
		return nil, err
	}
	if err := durable.Replace(b.files, b.path(keysDir, name+madeForSuffix), []byte(purpose)); err != nil {
		return nil, err
	}
	return b.NewKey(name)
}

// TookKey forgets what a key was made for: the ledger has it.
func (b *Keyring) TookKey(name string) error {
	err := durable.Remove(b.files, b.path(keysDir, name+madeForSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// keyMadeFor is what a key of a name was made for; empty where there is no note.
func (b *Keyring) keyMadeFor(name string) (string, error) {
	content, err := durable.Read(b.files, b.path(keysDir, name+madeForSuffix), maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(content), err
}
