package office

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// KeyFile is a keyset on disk: 32 secret bytes from which the private keys follow, and what is announced of it. It must
// be secret, and be in a copy: without it no note of the keyset can be redeemed.
type KeyFile struct {
	ID           cash.KeysetID `json:"id"`
	Secret       string        `json:"secret"`
	Amounts      []money.Tiyn  `json:"amounts"`
	From         uint64        `json:"from"`
	Until        uint64        `json:"until"`
	Expiry       uint64        `json:"expiry"`
	Announcement string        `json:"announcement,omitempty"` // the ledger's transaction that names it
	Retired      bool          `json:"retired,omitempty"`      // signs nothing more, before its time
}

const (
	keysName    = "keysets.json"
	maxKeysFile = 4 << 20

	secretName, publicName = "log.secret", "log.key"
)

// Signing makes the private keys. A keyset that is not announced on the ledger has none: it is neither served nor
// accepted.
func (k *KeyFile) Signing() (*cash.Signing, error) {
	secret, err := hex.DecodeString(k.Secret)
	if err != nil || len(secret) != 32 {
		return nil, fmt.Errorf("keyset %s: its secret is not 32 bytes", k.ID)
	}
	s := new(cash.Signing)
	var public []curve.Point
	for _, amount := range k.Amounts {
		private, err := privateKey(secret, amount)
		if err != nil {
			return nil, err
		}
		s.Signers = append(s.Signers, curve.NewSigner(private))
		public = append(public, curve.PublicKey(private))
	}
	if s.Keyset, err = cash.NewKeyset(cash.Unit, k.Amounts, public, k.From, k.Until, k.Expiry); err != nil {
		return nil, err
	}
	if k.ID != (cash.KeysetID{}) && k.ID != s.ID {
		return nil, fmt.Errorf("keyset %s: its secret makes %s", k.ID, s.ID)
	}
	if k.Retired {
		s.Until = min(s.Until, s.From)
	}
	return s, nil
}

// privateKey derives one denomination's key: the first of HMAC-SHA256(secret, tag, amount, n) that is a scalar.
func privateKey(secret []byte, amount money.Tiyn) (key curve.Scalar, err error) {
	for n := range byte(255) {
		h := hmac.New(sha256.New, secret)
		h.Write([]byte("aqsha cash keyset 1"))
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(amount)))
		h.Write([]byte{n})
		if key, err = curve.ParseScalar(h.Sum(nil)); err == nil {
			return key, nil
		}
	}
	return key, err
}

// ReadKeys reads an office's keysets, in the order in which they were made.
func ReadKeys(files vfs.FS, dir string) (list []KeyFile, err error) {
	raw, err := durable.Read(files, filepath.Join(dir, keysName), maxKeysFile)
	if err != nil {
		return nil, err
	}
	return list, json.Unmarshal(raw, &list)
}

// UpdateKeys changes an office's keysets: what is there keeps its place. The change is whole or none after a crash.
func UpdateKeys(files vfs.FS, dir string, change func(list []KeyFile) ([]KeyFile, error)) error {
	return durable.Update(files, filepath.Join(dir, keysName), maxKeysFile, func(content []byte) ([]byte, error) {
		var list []KeyFile
		if content != nil {
			if err := json.Unmarshal(content, &list); err != nil {
				return nil, fmt.Errorf("%s: %w", keysName, err)
			}
		}
		after, err := change(list)
		if err != nil {
			return nil, err
		}
		raw, err := json.MarshalIndent(after, "", "  ")
		return append(raw, '\n'), err
	})
}

// NewKey makes a keyset of secret bytes.
func NewKey(secret [32]byte, amounts []money.Tiyn, from, until, expiry uint64) (KeyFile, error) {
	k := KeyFile{Secret: hex.EncodeToString(secret[:]), Amounts: amounts, From: from, Until: until, Expiry: expiry}
	s, err := k.Signing()
	if err != nil {
		return k, err
	}
	k.ID = s.ID
	return k, nil
}

// LogSigner opens the key of an office's public log, making it the first time, for an origin. It returns the verifier
// key too, which the office's keysets announce.
func LogSigner(files vfs.FS, dir, origin string) (note.Signer, string, error) {
	raw, err := durable.Read(files, filepath.Join(dir, secretName), 1<<12)
	if errors.Is(err, fs.ErrNotExist) {
		secret, public, err := note.GenerateKey(rand.Reader, origin)
		if err != nil {
			return nil, "", err
		}
		// The secret comes last: a crash in between leaves a public key that the next call replaces.
		if err := durable.Replace(files, filepath.Join(dir, publicName), []byte(public+"\n")); err != nil {
			return nil, "", err
		}
		if err := durable.Create(files, filepath.Join(dir, secretName), []byte(secret)); err != nil {
			return nil, "", err
		}
		raw = []byte(secret)
	} else if err != nil {
		return nil, "", err
	}
	signer, err := note.NewSigner(string(raw))
	if err != nil {
		return nil, "", err
	}
	public, err := durable.Read(files, filepath.Join(dir, publicName), 1<<12)
	return signer, strings.TrimSpace(string(public)), err
}
