package wallet

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog/quorum"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/signer"
)

// Files of a follower's cosigning key, in a book's folder.
const (
	followerKeyFile = "keys/follower.secret"
	followerPubFile = "keys/follower.pub.note"
)

// Cosigner opens the key with which a follower cosigns checkpoints (C2SP tlog-cosignature), making it under a name the
// first time. public is what the leader must be told.
func (b *Keyring) Cosigner(name string) (cosigner note.Signer, public string, err error) {
	path := filepath.Join(b.dir, followerKeyFile)
	secret, err := signer.LoadSecret(b.files, path, b.prompt)
	if errors.Is(err, fs.ErrNotExist) {
		var verifier string
		if secret, verifier, err = note.GenerateKey(rand.Reader, name); err != nil {
			return nil, "", err
		}
		if public, err = formats.VKeyToCosignatureV1(verifier); err != nil {
			return nil, "", err
		}
		// The public half first: with the secret there, the key is complete.
		if err := b.files.MkdirAll(filepath.Join(b.dir, keysDir)); err != nil {
			return nil, "", err
		}
		if err := durable.Replace(b.files, filepath.Join(b.dir, followerPubFile), []byte(public+"\n")); err != nil {
			return nil, "", err
		}
		err = signer.SaveSecret(b.files, path, secret, b.passphrase)
	}
	if err != nil {
		return nil, "", err
	}
	content, err := durable.Read(b.files, filepath.Join(b.dir, followerPubFile), maxFile)
	if err != nil {
		return nil, "", err
	}
	cosigner, err = formats.NewSignerForCosignatureV1(secret)
	return cosigner, strings.TrimSpace(string(content)), err
}

// FollowerKeys is the public half of the key with which this directory's follower cosigns and signs its snapshots, if
// it has one. No secret is opened.
func (b *Keyring) FollowerKeys() []note.Verifier {
	content, err := os.ReadFile(filepath.Join(b.dir, followerPubFile))
	if err != nil {
		return nil
	}
	verifier, err := node.ParseFollower(strings.TrimSpace(string(content)))
	if err != nil {
		return nil // a snapshot under it is not believed, that is all
	}
	return []note.Verifier{verifier}
}

// KeyLives says until when the keys of the log and of a follower live that are here: so many days from the day on which
// their files were made. The ledger knows by itself how old the key sets are that stand on it.
func (b *Keyring) KeyLives(days int) []node.KeyLife {
	var lives []node.KeyLife
	for _, key := range []struct{ name, file string }{{"the log's signing key", LogKeyFile},
		{"this follower's cosigning key", followerKeyFile}, {"this validator's keys", ValidatorKeyFile}} {
		if info, err := os.Stat(filepath.Join(b.dir, key.file)); err == nil {
			lives = append(lives, node.KeyLife{Name: key.name, Ends: info.ModTime().AddDate(0, 0, days)})
		}
	}
	return lives
}

// ReadLogKey reads the log's signing key from another file: a follower that is to lead needs it. A key that is not the
// one of public, as the genesis states it, is refused.
func (b *Keyring) ReadLogKey(path, public string) (secret string, key note.Signer, err error) {
	if secret, err = signer.LoadSecret(vfs.OS, path, b.prompt); err != nil {
		return "", nil, err
	}
	if key, _, err = quorum.OpenSecret(secret); err != nil {
		return "", nil, fmt.Errorf("%s: %w", path, err)
	}
	want, err := quorum.NewVerifier(public)
	if err != nil {
		return "", nil, fmt.Errorf("the genesis names no usable log key: %w", err)
	}
	if key.Name() != want.Name() || key.KeyHash() != want.KeyHash() {
		return "", nil, fmt.Errorf("%s is the key %s+%08x, the log's is %s+%08x", path, key.Name(), key.KeyHash(),
			want.Name(), want.KeyHash())
	}
	return secret, key, nil
}

// KeepLogKey keeps the log's signing key in the book, encrypted as the book's keys are.
func (b *Keyring) KeepLogKey(secret string) error {
	if err := b.files.MkdirAll(filepath.Join(b.dir, keysDir)); err != nil {
		return err
	}
	return signer.SaveSecret(b.files, filepath.Join(b.dir, LogKeyFile), secret, b.passphrase)
}
