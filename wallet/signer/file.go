package signer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

const (
	magic       = "aqsha-key-1"
	maxFileSize = 64 << 10
	armorHeader = "-----BEGIN AGE ENCRYPTED FILE-----"
)

// Passphrase asks for the passphrase of a key file.
type Passphrase func(path string) (string, error)

// ErrNeedsPassphrase means that a key file is encrypted and nobody was there to ask.
var ErrNeedsPassphrase = errors.New("the key file is encrypted: a passphrase is needed")

// Save writes a key to a new file that only its owner can read. An empty passphrase leaves it
// unencrypted, which is for development networks alone.
func Save(files vfs.FS, path string, key token.PrivateKey, passphrase string) error {
	seed := key.Seed()
	return write(files, path, fmt.Sprintf("%s ed25519 %s\n", magic, hex.EncodeToString(seed[:])), passphrase)
}

// SaveCommand writes a key file that names an external program which holds the key.
func SaveCommand(files vfs.FS, path string, command ...string) error {
	for _, word := range command {
		if word == "" || strings.ContainsAny(word, " \t\n") {
			return fmt.Errorf("command %q: words must not be empty or contain blanks", command)
		}
	}
	return write(files, path, fmt.Sprintf("%s command %s\n", magic, strings.Join(command, " ")), "")
}

// SaveSecret writes any secret text to a new file in the same way; LoadSecret reads it back.
func SaveSecret(files vfs.FS, path, secret, passphrase string) error {
	return write(files, path, secret+"\n", passphrase)
}

// LoadSecret opens a file that SaveSecret wrote.
func LoadSecret(files vfs.FS, path string, ask Passphrase) (string, error) {
	text, err := readText(files, path, ask)
	if err != nil {
		return "", fmt.Errorf("secret file %s: %w", path, err)
	}
	if strings.TrimSpace(text) == "" {
		return "", &DamagedError{path, "holds nothing"}
	}
	return strings.TrimSpace(text), nil
}

// DamagedError is a key file that does not hold a whole key.
type DamagedError struct{ Path, Detail string }

func (e *DamagedError) Error() string {
	return fmt.Sprintf("key file %s: %s. Bring it back from where keys are kept; if its key was never used, remove "+
		"it and try again", e.Path, e.Detail)
}
func (e *DamagedError) ErrorCode() string  { return "key-file-damaged" }
func (e *DamagedError) ErrorField() string { return e.Path }

// write makes the file complete or not at all: half a key is worse than none.
func write(files vfs.FS, path, line, passphrase string) error {
	content := []byte(line)
	if passphrase != "" {
		var err error
		if content, err = encrypt(content, passphrase); err != nil {
			return fmt.Errorf("key file %s: %w", path, err)
		}
	}
	return durable.Create(files, path, content)
}

func encrypt(plain []byte, passphrase string) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	armored := armor.NewWriter(&out)
	w, err := age.Encrypt(armored, recipient)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(plain)
	if err := errors.Join(err, w.Close(), armored.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Load opens a key file. ask is called when it is encrypted; nil means nobody can be asked.
func Load(files vfs.FS, path string, ask Passphrase) (token.Signer, error) {
	line, err := readText(files, path, ask)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	words := strings.Fields(line)
	switch {
	case len(words) == 3 && words[0] == magic && words[1] == "ed25519":
		var seed [32]byte
		if n, err := hex.Decode(seed[:], []byte(words[2])); err != nil || n != len(seed) || len(words[2]) != 64 {
			return nil, &DamagedError{path, "want 64 hexadecimal digits"}
		}
		return token.NewPrivateKey(seed), nil
	case len(words) >= 3 && words[0] == magic && words[1] == "command":
		return NewCommand(words[2:]...)
	}
	if len(words) == 0 {
		return nil, &DamagedError{path, "holds nothing"}
	}
	return nil, &DamagedError{path, "not a whole key file of Aqsha"}
}

func readText(files vfs.FS, path string, ask Passphrase) (string, error) {
	content, err := durable.Read(files, path, maxFileSize)
	if err != nil {
		return "", err
	}
	if !bytes.HasPrefix(content, []byte(armorHeader)) {
		return string(content), nil
	}
	if ask == nil {
		return "", ErrNeedsPassphrase
	}
	passphrase, err := ask(path)
	if err != nil {
		return "", err
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return "", err
	}
	plain, err := age.Decrypt(armor.NewReader(bytes.NewReader(content)), identity)
	if err != nil {
		return "", err
	}
	line, err := io.ReadAll(io.LimitReader(plain, maxFileSize))
	return string(line), err
}
