package sim

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/quorum"
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

// validators has who has the world's log key stand as its only validator, and then vote with another key: the log is
// signed with the one key throughout.
func (w *World) validators(c *Chain) {
	for _, name := range []string{"central", "central-2"} {
		c.Must(&token.SetValidators{Sequence: RootSequence(c.State), Reason: "the vote key is " + name + "'s",
			Validators: []token.Validator{w.LogValidator(name)}})
	}
}

// RootSequence is that of the authority's root set.
func RootSequence(state ledger.Reader) uint64 { return state.Authority().Set(token.RoleRoot).Sequence }

// Signer signs the log for validators of this world, with the checkpoint keys of those whose places are named; with
// fewer than the quorum it refuses to sign.
func (w *World) Signer(members []token.Validator, places ...int) note.Signer {
	if len(members) == 1 && members[0].Checkpoint == w.LogValidator("").Checkpoint {
		return w.LogSigner
	}
	q := quorum.Quorum{Threshold: quorum.Max(len(members))}
	var keys []ed25519.PrivateKey
	for i := range members {
		q.Members = append(q.Members, members[i].Checkpoint[1:])
		if !slices.Contains(places, i) {
			continue
		}
		private, known := w.Private(members[i].Checkpoint)
		if !known {
			panic("no key of " + members[i].Name)
		}
		seed := private.Seed()
		keys = append(keys, ed25519.NewKeyFromSeed(seed[:]))
	}
	if len(members) == 1 {
		return w.single(members[0].Checkpoint, keys[0])
	}
	signer, err := quorum.NewSigner(w.Genesis.Name, q, keys)
	if err != nil {
		panic(err)
	}
	return signer
}

// single signs the log with one key.
func (w *World) single(public token.PublicKey, key ed25519.PrivateKey) note.Signer {
	const algorithm = "\x01" // Ed25519, of signed notes
	hash := sha256.Sum256([]byte(w.Genesis.Name + "\n" + algorithm + string(public[1:])))
	signer, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%x+%s", w.Genesis.Name, hash[:4],
		base64.StdEncoding.EncodeToString(append([]byte(algorithm), key.Seed()...))))
	if err != nil {
		panic(err)
	}
	return signer
}
