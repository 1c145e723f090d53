package sim

import (
	"math/rand/v2"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/sealed"
)

// Openers are those of a key for sealed names, each with the share that came to it when they dealt.
type Openers struct {
	Network token.NetworkID
	Key     *sealed.Key
	shares  []*sealed.Secret
	random  *rand.ChaCha8
}

// NewOpeners lets members deal a key that takes so many of them as threshold. The seed makes all of it: each member's
// own key, and every dealing.
func (w *World) NewOpeners(seed byte, threshold, members int) *Openers {
	o := &Openers{Network: w.Network, random: rand.NewChaCha8([32]byte{seed})}
	own, public := make([]*sealed.Secret, members), make([]sealed.Point, members)
	for i := range own {
		own[i] = must(sealed.NewSecret(o.random))
		public[i] = own[i].Public()
	}
	dealings := make([]*sealed.Dealing, members)
	for i := range dealings {
		dealings[i] = must(sealed.Deal(o.random, w.Network, uint8(i+1), threshold, public))
	}
	for i := range own {
		key, share, err := sealed.Join(w.Network, public, uint8(i+1), own[i], dealings)
		if err != nil {
			panic(err)
		}
		o.Key, o.shares = key, append(o.shares, share)
	}
	return o
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Announce is the transaction's body that announces the key.
func (o *Openers) Announce(sequence uint64) *token.AnnounceOpeners {
	return &token.AnnounceOpeners{Sequence: sequence, Members: o.Key.Members, Commitments: o.Key.Commitments}
}

// Seal seals a name for a purse that is to be opened, under the key of that number.
func (o *Openers) Seal(t *token.OpenPurse, keyNumber uint32, name string) token.Octets {
	return must(sealed.New(o.random, o.Key, &sealed.Purse{Network: o.Network, Intermediary: t.Intermediary,
		Owner: t.Owner, Device: t.Key, KeyNumber: keyNumber}, name)).Append(nil)
}

// Open asks for a purse's name and lets the openers of those numbers, from 1, answer. asker reads it.
func (o *Openers) Open(purse token.WalletID, seal token.Octets, opening uint32, court token.Hash,
	openers ...uint8) (_ *token.OpenName, asker *sealed.Secret) {
	asker = must(sealed.NewSecret(o.random))
	r := must(sealed.NewRequest(o.random, o.Network, sealed.Request{Purse: purse, Number: opening, Case: court}, asker))
	t := &token.OpenName{Purse: purse, Number: opening, Case: court, Asker: r.Asker, Proof: r.Proof[:]}
	for _, i := range openers {
		s := must(sealed.NewShare(o.random, o.Network, r, must(sealed.Decode(seal)), i, o.shares[i-1]))
		t.Shares = append(t.Shares, token.NameShare{Opener: i, Point: s.Point, Proof: s.Proof[:]})
	}
	return t, asker
}
