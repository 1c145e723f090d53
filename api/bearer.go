package api

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
)

// HashToken is the form in which the configuration keeps an access token.
func HashToken(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// NewToken draws an access token. It is shown to its holder once; HashToken's form of it is kept.
func NewToken() string {
	var secret [32]byte
	_, _ = rand.Read(secret[:])
	return base64.RawURLEncoding.EncodeToString(secret[:])
}

// IsTokenHash says whether a text has the form that HashToken gives.
func IsTokenHash(text string) bool {
	sum, err := hex.DecodeString(text)
	return err == nil && len(sum) == sha256.Size
}

// BearerOf is the access token that a request shows (RFC 6750); false where it shows none.
func BearerOf(r *http.Request) (secret string, shown bool) {
	return strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// OpenedBy says whether the token of which hash is HashToken's form is the one that is kept. The time it takes depends
// on neither.
func OpenedBy(kept, hash string) bool {
	return subtle.ConstantTimeCompare([]byte(hash), []byte(strings.ToLower(kept))) == 1
}
