package sim

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// Validator is one of this world's, by name.
func (w *World) Validator(name string) token.Validator {
	v := token.Validator{Name: name, Vote: w.Key(name + " vote").Public(),
		Checkpoint: w.Key(name + " checkpoint").Public()}
	sum := sha256.Sum256([]byte(name))
	copy(v.Peer[:], sum[:])
	return v
}

// LogValidator is who has the log's key, as the only validator.
func (w *World) LogValidator(name string) token.Validator {
	v := w.Validator(name)
	key, err := base64.StdEncoding.DecodeString(strings.SplitN(w.Genesis.LogKey, "+", 3)[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize {
		panic("the world's log key is no single one")
	}
	v.Checkpoint[0] = byte(token.Ed25519)
	copy(v.Checkpoint[1:], key[1:])
	return v
}

// validators has the world's log signed by four, and one after the other leaves, until who had it first has it alone.
func (w *World) validators(c *Chain) {
	all := []token.Validator{w.LogValidator("central")}
	for _, name := range []string{"dala", "tulpar", "farmers"} {
		all = append(all, w.Validator(name))
	}
	for n, reason := range []string{"", "", "", "equivocation of farmers at block 12"} {
		c.Must(&token.SetValidators{Sequence: RootSequence(c.State), Reason: reason, Validators: all[:len(all)-n]})
	}
}

// RootSequence is that of the authority's root set.
func RootSequence(state ledger.Reader) uint64 { return state.Authority().Set(token.RoleRoot).Sequence }
