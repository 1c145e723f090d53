package wallet

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"

	"filippo.io/age"

	"github.com/aqsha/aqsha/token"
)

// EncryptMemo makes a memo that only the holder of an age identity reads. recipient is an X25519 recipient ("age1…").
// Its length still tells how long the text is.
func EncryptMemo(text, recipient string) (token.Memo, error) {
	to, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		return token.Memo{}, err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		return token.Memo{}, err
	}
	_, err = io.WriteString(w, text)
	if err := errors.Join(err, w.Close()); err != nil {
		return token.Memo{}, err
	}
	return token.Memo{Scheme: token.EncryptedMemo, Bytes: out.Bytes()}, nil
}

// HashMemo makes a memo that says nothing to whoever lacks salt and text: SHA-256(salt ‖ text).
func HashMemo(text string) (token.Memo, [16]byte, error) {
	var salt [16]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return token.Memo{}, salt, err
	}
	sum := sha256.Sum256(append(salt[:], text...))
	return token.Memo{Scheme: token.HashedMemo, Bytes: sum[:]}, salt, nil
}
