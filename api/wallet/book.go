package wallet

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aqsha/aqsha/node/signer"
	"github.com/aqsha/aqsha/token"
)

// Book is a folder of keys and names. A name is a file, so that processes do not disturb each other.
type Book struct {
	dir        string
	passphrase string            // for new keys; empty leaves them unencrypted
	ask        signer.Passphrase // for keys that are encrypted

	mu     sync.Mutex // a book serves several payers at once
	loaded map[token.PublicKey]token.Signer
}

// Name is what a name stands for.
type Name struct {
	Name      string         `json:"name"`
	ID        token.WalletID `json:"id"`
	Bank      bool           `json:"bank,omitempty"`
	Registrar token.WalletID `json:"registrar,omitzero"`
}

const (
	keysDir   = "keys"
	namesDir  = "names"
	keySuffix = ".key"
	pubSuffix = ".pub"
)

// OpenBook opens the folder, making it if need be.
func OpenBook(dir, passphrase string, ask signer.Passphrase) (*Book, error) {
	for _, d := range []string{keysDir, namesDir} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, err
		}
	}
	return &Book{dir: dir, passphrase: passphrase, ask: ask, loaded: map[token.PublicKey]token.Signer{}}, nil
}

var namePattern = regexp.MustCompile(`^[\pL\pN][\pL\pN._-]{0,63}$`)

// ErrName is wrapped by errors about names that cannot be used.
var ErrName = errors.New("a name has 1 to 64 letters, digits, dots, dashes or underscores, and begins with a letter or digit")

// CheckName says whether a name can be used.
func CheckName(name string) error {
	if !namePattern.MatchString(name) || isID(name) {
		return fmt.Errorf("name %q: %w", name, ErrName)
	}
	return nil
}

// isID tells an id from a name: an id is 32 hexadecimal digits.
func isID(text string) bool {
	var id token.WalletID
	return id.UnmarshalText([]byte(text)) == nil
}

func (b *Book) path(folder, file string) string { return filepath.Join(b.dir, folder, file) }

// NewKey makes a key under a name that is free.
func (b *Book) NewKey(name string) (token.Signer, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	key, err := token.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := signer.Save(b.path(keysDir, name+keySuffix), key, b.passphrase); err != nil {
		return nil, fmt.Errorf("key %q: %w", name, err)
	}
	return key, b.public(name, key)
}

// AddCommand adds a key that an external program holds.
func (b *Book) AddCommand(name string, command ...string) (token.Signer, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	key, err := signer.NewCommand(command...)
	if err != nil {
		return nil, err
	}
	if err := signer.SaveCommand(b.path(keysDir, name+keySuffix), command...); err != nil {
		return nil, err
	}
	return key, b.public(name, key)
}

// public notes a key's public half beside it, so that it is found without its passphrase.
func (b *Book) public(name string, key token.Signer) error {
	b.keep(key)
	return os.WriteFile(b.path(keysDir, name+pubSuffix), []byte(key.Public().String()+"\n"), 0o600)
}

// Key opens the key of a name.
func (b *Book) Key(name string) (token.Signer, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	key, err := signer.Load(b.path(keysDir, name+keySuffix), b.ask)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no key %q in %s", name, filepath.Join(b.dir, keysDir))
	}
	if err == nil {
		b.keep(key)
	}
	return key, err
}

// keep remembers an opened key.
func (b *Book) keep(key token.Signer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loaded[key.Public()] = key
}

// Find opens the key with a public half, if it is here.
func (b *Book) Find(public token.PublicKey) (token.Signer, bool, error) {
	b.mu.Lock()
	key, ok := b.loaded[public]
	b.mu.Unlock()
	if ok {
		return key, true, nil
	}
	files, err := filepath.Glob(b.path(keysDir, "*"+pubSuffix))
	if err != nil {
		return nil, false, err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, false, err
		}
		var found token.PublicKey
		if found.UnmarshalText([]byte(strings.TrimSpace(string(content)))) == nil && found == public {
			key, err := b.Key(strings.TrimSuffix(filepath.Base(file), pubSuffix))
			return key, err == nil, err
		}
	}
	return nil, false, nil
}

// RemoveKey forgets a key: a phone that is lost.
func (b *Book) RemoveKey(name string) error {
	key, err := b.Key(name)
	if err != nil {
		return err
	}
	b.mu.Lock()
	delete(b.loaded, key.Public())
	b.mu.Unlock()
	return errors.Join(os.Remove(b.path(keysDir, name+keySuffix)), os.Remove(b.path(keysDir, name+pubSuffix)))
}

// RenameKey gives a key another name, replacing what bore it.
func (b *Book) RenameKey(from, to string) error {
	return errors.Join(
		os.Rename(b.path(keysDir, from+keySuffix), b.path(keysDir, to+keySuffix)),
		os.Rename(b.path(keysDir, from+pubSuffix), b.path(keysDir, to+pubSuffix)))
}

// Put notes a name. A name stands for one id for ever.
func (b *Book) Put(n Name) error {
	if err := CheckName(n.Name); err != nil {
		return err
	}
	content, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(b.path(namesDir, n.Name+".json"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("name %q is taken: %w", n.Name, err)
	}
	_, err = f.Write(append(content, '\n'))
	return errors.Join(err, f.Close())
}

// Has says whether a name is noted.
func (b *Book) Has(name string) bool {
	_, err := os.Stat(b.path(namesDir, name+".json"))
	return err == nil
}

// Names lists all names in order.
func (b *Book) Names() ([]Name, error) {
	files, err := filepath.Glob(b.path(namesDir, "*.json"))
	if err != nil {
		return nil, err
	}
	names := make([]Name, 0, len(files))
	for _, file := range files {
		n, err := readName(file)
		if err != nil {
			return nil, err
		}
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b Name) int { return strings.Compare(a.Name, b.Name) })
	return names, nil
}

func readName(file string) (n Name, err error) {
	content, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(content, &n)
	}
	return n, err
}

// UnknownName is what Resolve returns for a name that is not in the book.
type UnknownName struct{ Name, Dir string }

func (e *UnknownName) Error() string {
	return fmt.Sprintf("no wallet or bank is named %q in %s, and it is not an id of 32 hexadecimal digits", e.Name, e.Dir)
}
func (e *UnknownName) ErrorCode() string  { return "unknown-name" }
func (e *UnknownName) ErrorField() string { return e.Name }

// Resolve reads a name or an id.
func (b *Book) Resolve(text string) (token.WalletID, error) {
	var id token.WalletID
	if id.UnmarshalText([]byte(text)) == nil {
		return id, nil
	}
	if err := CheckName(text); err != nil {
		return id, &UnknownName{text, b.dir}
	}
	n, err := readName(b.path(namesDir, text+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return id, &UnknownName{text, b.dir}
	}
	return n.ID, err
}

// NameOf is the name of an id, or the id itself.
func (b *Book) NameOf(id token.WalletID) string {
	if id == token.Authority {
		return "authority"
	}
	names, err := b.Names()
	if err == nil {
		for _, n := range names {
			if n.ID == id {
				return n.Name
			}
		}
	}
	return id.String()
}
