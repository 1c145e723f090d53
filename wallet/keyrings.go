package wallet

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/signer"
)

// Keyring is a folder of keys and names. A name is a file, so that processes do not disturb each other. Another process
// may add to it at any time: what is here is read anew, but for keys that were opened.
type Keyring struct {
	files      vfs.FS
	dir        string
	passphrase string                 // for new keys; empty leaves them unencrypted
	prompt     signer.Passphrase      // for keys that are encrypted
	promptNew  func() (string, error) // for a new key's passphrase where there is none; nil leaves new keys unencrypted

	mu     sync.Mutex // over loaded: a keyring serves several payers at once
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

// OpenKeyring opens the folder. What is missing of it is made when something is put there: reading makes nothing.
func OpenKeyring(dir, passphrase string, ask signer.Passphrase) (*Keyring, error) {
	return OpenKeyringOn(vfs.OS, dir, passphrase, ask)
}

// OpenKeyringOn opens a folder of another file system.
func OpenKeyringOn(files vfs.FS, dir, passphrase string, ask signer.Passphrase) (*Keyring, error) {
	return &Keyring{files: files, dir: dir, passphrase: passphrase, prompt: ask,
		loaded: map[token.PublicKey]token.Signer{}}, nil
}

// EncryptNew has every new key encrypted: where no passphrase is known, ask says one, or refuses.
func (b *Keyring) EncryptNew(ask func() (string, error)) { b.promptNew = ask }

// forNew is the passphrase of a new key.
func (b *Keyring) forNew() (string, error) {
	if b.passphrase != "" || b.promptNew == nil {
		return b.passphrase, nil
	}
	passphrase, err := b.promptNew()
	if err == nil {
		b.passphrase = passphrase // of all that this command makes
	}
	return passphrase, err
}

// Files is the file system on which the book lies.
func (b *Keyring) Files() vfs.FS { return b.files }

// maxFile bounds a file of a book.
const maxFile = 64 << 10

var namePattern = regexp.MustCompile(`^[\pL\pN][\pL\pN._-]{0,63}$`)

// ErrName is wrapped by errors about names that cannot be used.
var ErrName = errors.New(
	"a name has 1 to 64 letters, digits, dots, dashes or underscores, and begins with a letter or digit")

// CheckName says whether a name can be used.
func CheckName(name string) error {
	if !namePattern.MatchString(name) || isID(name) {
		return &nameError{name}
	}
	return nil
}

// nameError refuses a name that cannot be used.
type nameError struct{ name string }

func (e *nameError) Error() string      { return fmt.Sprintf("name %q: %v", e.name, ErrName) }
func (e *nameError) Unwrap() error      { return ErrName }
func (e *nameError) ErrorCode() string  { return string(ledger.BadName) }
func (e *nameError) ErrorField() string { return "name" }

// isID tells an id from a name: an id is 32 hexadecimal digits.
func isID(text string) bool {
	var id token.WalletID
	return id.UnmarshalText([]byte(text)) == nil
}

// path is a file's in one of the two folders.
func (b *Keyring) path(folder, file string) string { return filepath.Join(b.dir, folder, file) }

// NewKey makes a key under a name that is free. It is durable when it is returned.
func (b *Keyring) NewKey(name string) (token.Signer, error) {
	if err := b.freshKey(name); err != nil {
		return nil, err
	}
	passphrase, err := b.forNew()
	if err != nil {
		return nil, err
	}
	key, err := token.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return key, b.add(name, key, func(path string) error { return signer.Save(b.files, path, key, passphrase) })
}

// freshKey refuses a name that is none, and one that differs from another key's in the case of its letters alone: on
// many disks the two are one file.
func (b *Keyring) freshKey(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	others, err := b.list(keysDir, pubSuffix)
	if err != nil {
		return err
	}
	return differsByMore(name, others)
}

// differsByMore refuses a name that differs from another in the case of its letters alone.
func differsByMore(name string, others []string) error {
	for _, other := range others {
		if other != name && strings.EqualFold(other, name) {
			return token.Errorf(NameTaken, "name",
				"name %q differs from %q in the case of its letters alone: choose another", name, other)
		}
	}
	return nil
}

// AddCommand adds a key that an external program holds.
func (b *Keyring) AddCommand(name string, command ...string) (token.Signer, error) {
	if err := b.freshKey(name); err != nil {
		return nil, err
	}
	key, err := signer.NewCommand(command...)
	if err != nil {
		return nil, err
	}
	return key, b.add(name, key, func(path string) error { return signer.SaveCommand(b.files, path, command...) })
}

// add writes the two files of a key under a name that is free: first its public half, by which it is found without
// its passphrase, so that after a crash a key that is there is complete.
func (b *Keyring) add(name string, key token.Signer, save func(path string) error) error {
	if err := b.files.MkdirAll(filepath.Join(b.dir, keysDir)); err != nil {
		return err
	}
	lock, err := durable.Lock(b.files, b.path(keysDir, name)) // both files
	if err != nil {
		return err
	}
	path := b.path(keysDir, name+keySuffix)
	if there(b.files, path) {
		err = &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	} else if err = durable.Replace(b.files, b.path(keysDir, name+pubSuffix),
		[]byte(key.Public().String()+"\n")); err == nil {
		err = save(path)
	}
	if err := errors.Join(err, lock.Close()); err != nil {
		return fmt.Errorf("key %q: %w", name, err)
	}
	b.keep(key)
	return nil
}

// there says whether a file can be opened.
func there(files vfs.FS, path string) bool {
	f, err := files.Open(path)
	return err == nil && f.Close() == nil
}

// Key opens the key of a name.
func (b *Keyring) Key(name string) (token.Signer, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	key, err := signer.Load(b.files, b.path(keysDir, name+keySuffix), b.prompt)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no key %q in %s: %w", name, filepath.Join(b.dir, keysDir), fs.ErrNotExist)
	}
	if err == nil {
		b.keep(key)
	}
	return key, err
}

// PublicKey reads the public half of a key, which wants no passphrase.
func (b *Keyring) PublicKey(name string) (public token.PublicKey, err error) {
	if err := CheckName(name); err != nil {
		return public, err
	}
	content, err := durable.Read(b.files, b.path(keysDir, name+pubSuffix), maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return public, fmt.Errorf("there is no key %q in %s: %w", name, filepath.Join(b.dir, keysDir), fs.ErrNotExist)
	}
	if err == nil {
		err = public.UnmarshalText([]byte(strings.TrimSpace(string(content))))
	}
	return public, err
}

// Signs says whether the secret half of a key is here, without opening it: beside a public half alone nothing can be
// signed.
func (b *Keyring) Signs(name string) bool { return there(b.files, b.path(keysDir, name+keySuffix)) }

// KeyOrNew opens the key of a name, or makes it if there is none.
func (b *Keyring) KeyOrNew(name string) (token.Signer, error) {
	key, err := b.Key(name)
	if errors.Is(err, fs.ErrNotExist) {
		return b.NewKey(name)
	}
	return key, err
}

// keep remembers an opened key.
func (b *Keyring) keep(key token.Signer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loaded[key.Public()] = key
}

// Find opens the key with a public half, if it is here. An opened key stays in memory; a closed one may ask for its
// passphrase.
func (b *Keyring) Find(public token.PublicKey) (token.Signer, bool, error) {
	b.mu.Lock()
	key, ok := b.loaded[public]
	b.mu.Unlock()
	if ok {
		return key, true, nil
	}
	files, err := b.list(keysDir, pubSuffix)
	if err != nil {
		return nil, false, err
	}
	for _, name := range files {
		content, err := durable.Read(b.files, b.path(keysDir, name+pubSuffix), maxFile)
		if err != nil {
			return nil, false, err
		}
		var found token.PublicKey
		if found.UnmarshalText([]byte(strings.TrimSpace(string(content)))) == nil && found == public {
			if !b.Signs(name) { // whose key it is has it: of several holders each keeps the public halves of all
				continue
			}
			key, err := b.Key(name)
			return key, err == nil, err
		}
	}
	return nil, false, nil
}

// list is the names of the files of a folder with a suffix, without it; none when there is no folder.
func (b *Keyring) list(folder, suffix string) ([]string, error) {
	files, err := b.files.List(filepath.Join(b.dir, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, file := range files {
		if name, ok := strings.CutSuffix(file, suffix); ok && !strings.HasPrefix(file, ".") {
			names = append(names, name)
		}
	}
	return names, err
}

// Put notes a name. A name stands for one id for ever.
func (b *Keyring) Put(n Name) error {
	if err := CheckName(n.Name); err != nil {
		return err
	}
	others, err := b.list(namesDir, ".json")
	if err != nil {
		return err
	}
	if err := differsByMore(n.Name, others); err != nil {
		return err
	}
	content, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	if err := b.files.MkdirAll(filepath.Join(b.dir, namesDir)); err != nil {
		return err
	}
	if err := durable.Create(b.files, b.path(namesDir, n.Name+".json"), append(content, '\n')); errors.Is(err,
		fs.ErrExist) {
		return fmt.Errorf("name %q is taken: %w", n.Name, err)
	} else if err != nil {
		return fmt.Errorf("name %q: %w", n.Name, err)
	}
	return nil
}

// Has says whether a name is noted.
func (b *Keyring) Has(name string) bool {
	return there(b.files, b.path(namesDir, name+".json"))
}

// Names lists all names in order.
func (b *Keyring) Names() ([]Name, error) {
	files, err := b.list(namesDir, ".json")
	if err != nil {
		return nil, err
	}
	names := make([]Name, 0, len(files))
	for _, file := range files {
		n, err := b.readName(file)
		if err != nil {
			return nil, err
		}
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b Name) int { return strings.Compare(a.Name, b.Name) })
	return names, nil
}

// readName reads the file of a name, which must be one.
func (b *Keyring) readName(name string) (n Name, err error) {
	path := b.path(namesDir, name+".json")
	content, err := durable.Read(b.files, path, maxFile)
	if err == nil {
		if err = json.Unmarshal(content, &n); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}
	return n, err
}

// UnknownName is what Resolve returns for a name that is not in the book.
type UnknownName struct{ Name, Dir string }

func (e *UnknownName) Error() string {
	return fmt.Sprintf("no wallet or bank is named %q in %s, and it is not an id of 32 hexadecimal digits", e.Name,
		e.Dir)
}
func (e *UnknownName) ErrorCode() string  { return "unknown-name" }
func (e *UnknownName) ErrorField() string { return e.Name }

// Resolve reads a name or an id.
func (b *Keyring) Resolve(text string) (token.WalletID, error) {
	var id token.WalletID
	if id.UnmarshalText([]byte(text)) == nil {
		return id, nil
	}
	if err := CheckName(text); err != nil {
		return id, &UnknownName{text, b.dir}
	}
	n, err := b.readName(text)
	if errors.Is(err, fs.ErrNotExist) {
		return id, &UnknownName{text, b.dir}
	}
	return n.ID, err
}

// NameOf is the name of an id, or the id itself. Of several names it is the first in order.
func (b *Keyring) NameOf(id token.WalletID) string {
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
