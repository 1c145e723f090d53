package coin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"

	"github.com/aqsha/aqsha/cash"
)

// LockTo makes a secret that only the holder of a key can spend (NUT-11), for ever or until a time (Unix seconds),
// after which the refund keys can too. What cannot be spent by anybody is refused here, before money is locked by it.
func LockTo(key string, nonce [16]byte, until uint64, refund ...string) (string, error) {
	var tags [][]string
	if until > 0 {
		tags = append(tags, []string{"locktime", fmt.Sprint(until)})
	}
	if len(refund) > 0 {
		tags = append(tags, append([]string{"refund"}, refund...))
	}
	return LockedSecret(Lock{Kind: cash.P2PK, Data: strings.ToLower(key), Tags: tags}, nonce)
}

// LockedSecret makes the secret of a condition, such as a payee's request wants.
func LockedSecret(l Lock, nonce [16]byte) (string, error) {
	body := struct {
		Nonce string     `json:"nonce"`
		Data  string     `json:"data"`
		Tags  [][]string `json:"tags,omitempty"`
	}{hex.EncodeToString(nonce[:]), l.Data, l.Tags}
	raw, err := json.Marshal([]any{l.Kind, body})
	if err != nil {
		return "", err
	}
	if len(raw) > cash.MaxSecret {
		return "", badFormat("lock", "makes a secret of more than %d characters", cash.MaxSecret)
	}
	if _, err := cash.ParseCondition(string(raw)); err != nil {
		return "", err
	}
	return string(raw), nil
}

// SignNotes signs the notes that a key opens, each by itself (SIG_INPUTS); others are left as they are. A signature is
// BIP 340's over SHA-256 of the secret's text. It overwrites a note's witness.
func SignNotes(key *btcec.PrivateKey, notes []cash.Proof) error {
	for i := range notes {
		c, err := cash.ParseCondition(notes[i].Secret)
		if err != nil || c == nil {
			continue
		}
		signer := key
		if notes[i].E != "" {
			if signer, err = unblindKey(key, notes[i].E, c); err != nil {
				return err
			}
			if signer == nil {
				continue
			}
		}
		signature, err := signText(signer, []byte(notes[i].Secret))
		if err != nil {
			return err
		}
		witness, err := json.Marshal(map[string]any{"signatures": []string{signature}})
		if err != nil {
			return err
		}
		notes[i].Witness = string(witness)
	}
	return nil
}

// SignAll signs a transaction whose notes want it whole (SIG_ALL): the first note has the signature.
func SignAll(key *btcec.PrivateKey, notes []cash.Proof, outputs []cash.Output, quote string) error {
	signature, err := signText(key, cash.MessageOf(notes, outputs, quote))
	if err != nil {
		return err
	}
	witness, err := json.Marshal(map[string]any{"signatures": []string{signature}})
	notes[0].Witness = string(witness)
	return err
}

func signText(key *btcec.PrivateKey, message []byte) (string, error) {
	digest := sha256.Sum256(message)
	s, err := schnorr.Sign(key, digest[:])
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(s.Serialize()), nil
}

// SignMint signs a mint quote's outputs (NUT-20).
func SignMint(key *btcec.PrivateKey, quote string, outputs []cash.Output) (string, error) {
	return signText(key, cash.MintMessage(quote, outputs))
}

// blindingTag is the domain of NUT-28.
const blindingTag = "Cashu_P2BK_v1"

// Tweak is r of NUT-28 for a slot: what hides a payee's key from everybody but him.
func Tweak(public *btcec.PublicKey, private *btcec.PrivateKey, slot byte) (*btcec.ModNScalar, error) {
	shared := btcec.GenerateSharedSecret(private, public) // the x-coordinate
	for _, end := range [][]byte{{slot}, {slot, 0xff}} {
		sum := sha256.Sum256(append(append([]byte(blindingTag), shared...), end...))
		var r btcec.ModNScalar
		if overflow := r.SetBytes(&sum); overflow == 0 && !r.IsZero() {
			return &r, nil
		}
	}
	return nil, badFormat("key", "gives no blinding factor: take another one-time key")
}

// BlindKey is a payee's key as the office sees it (NUT-28). It is P + r·G.
func BlindKey(payee *btcec.PublicKey, once *btcec.PrivateKey, slot byte) (*btcec.PublicKey, error) {
	r, err := Tweak(payee, once, slot)
	if err != nil {
		return nil, err
	}
	var p, tweak, sum btcec.JacobianPoint
	payee.AsJacobian(&p)
	btcec.ScalarBaseMultNonConst(r, &tweak)
	btcec.AddNonConst(&p, &tweak, &sum)
	sum.ToAffine()
	return btcec.NewPublicKey(&sum.X, &sum.Y), nil
}

// unblindKey finds the private key of a blinded lock, or nil if it is for another.
func unblindKey(key *btcec.PrivateKey, e string, c *cash.Condition) (*btcec.PrivateKey, error) {
	raw, err := hex.DecodeString(e)
	if err != nil {
		return nil, badFormat("p2pk_e", "is not in hexadecimal digits")
	}
	once, err := btcec.ParsePubKey(raw)
	if err != nil {
		return nil, badFormat("p2pk_e", "is not a compressed key")
	}
	for slot, text := range c.Slots() {
		r, err := Tweak(once, key, byte(slot))
		if err != nil {
			return nil, err
		}
		// Keys of locks are compared by their x alone (BIP 340), so the key that was blinded may have been the
		// negative of ours.
		for _, negate := range []bool{false, true} {
			k := key.Key
			if negate {
				k.Negate()
			}
			k.Add(r)
			var raw [32]byte
			k.PutBytes(&raw)
			private, public := btcec.PrivKeyFromBytes(raw[:])
			if hex.EncodeToString(schnorr.SerializePubKey(public)) == strings.ToLower(text[2:]) {
				return private, nil
			}
		}
	}
	return nil, nil
}
