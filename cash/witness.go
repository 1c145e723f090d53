package cash

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/go-json-experiment/json"
)

// witness is what opens a condition (NUT-11, NUT-14).
type witness struct {
	Preimage   string   `json:"preimage"`
	Signatures []string `json:"signatures"`
}

// effort counts what one request has had verified.
type effort struct{ left int }

// spend takes one verification.
func (e *effort) spend() *Refusal {
	if e.left--; e.left < 0 {
		return refuse(TooManyInputs, "inputs", "need more than %d signatures verified", MaxVerifications)
	}
	return nil
}

// opens says whether a witness opens the condition for a message at a time. Each path stands for itself: signatures of
// the one do not count for the other. It is the one function for swap and melt.
func (c *Condition) opens(text string, message []byte, now uint64, e *effort) *Refusal {
	if err := checkLength("witness", text, MaxWitness); err != nil {
		return err
	}
	expired := c.Locktime != 0 && now > c.Locktime
	if expired && c.refunds == 0 {
		return nil // NUT-11: without a refund key it is anybody's once its time is over
	}
	var w witness
	if text != "" {
		if err := json.Unmarshal([]byte(text), &w); err != nil {
			return refuse(BadProof, "witness", "is not an object with signatures")
		}
	}
	digest := sha256.Sum256(message)
	if c.Kind != HTLC || c.preimageFits(w.Preimage) {
		if enough, err := signed(c.keys, c.needs, w.Signatures, digest[:], e); err != nil || enough {
			return err
		}
	}
	if expired {
		if enough, err := signed(c.refund, c.refunds, w.Signatures, digest[:], e); err != nil || enough {
			return err
		}
	}
	if c.Kind == HTLC && !c.preimageFits(w.Preimage) {
		return refuse(BadProof, "witness", "has no preimage of the hash lock")
	}
	return refuse(BadProof, "witness", "has not the signatures of %d keys that the secret wants", c.needs)
}

// preimageFits compares a preimage of 32 bytes with the hash lock.
func (c *Condition) preimageFits(preimage string) bool {
	raw, err := hex.DecodeString(preimage)
	return err == nil && len(raw) == 32 && sha256.Sum256(raw) == c.hash
}

// signed counts keys with a good signature, not signatures: two by one key are one.
func signed(keys []xonly, needs int, signatures []string, digest []byte, e *effort) (bool, *Refusal) {
	used := make([]bool, len(signatures))
	for _, x := range keys {
		if needs == 0 {
			break
		}
		key, err := x.key()
		if err != nil {
			continue
		}
		for i, text := range signatures {
			raw, err := hex.DecodeString(text)
			if used[i] || err != nil {
				continue
			}
			s, err := schnorr.ParseSignature(raw)
			if err != nil {
				continue
			}
			// Each try costs: ten keys and ten signatures are a hundred verifications, all chosen by whoever asks.
			if refused := e.spend(); refused != nil {
				return false, refused
			}
			if s.Verify(digest, key) {
				used[i] = true
				needs--
				break
			}
		}
	}
	return needs == 0, nil
}

// checkConditions opens the conditions of all inputs of a transaction. all is the message that SIG_ALL signs.
func checkConditions(inputs []Proof, conditions []*Condition, all func() []byte, now uint64) *Refusal {
	e := &effort{MaxVerifications}
	for _, c := range conditions {
		if c != nil && c.SigAll {
			return checkWhole(inputs, conditions, all(), now, e)
		}
	}
	for i, c := range conditions {
		if c == nil {
			continue
		}
		if err := c.opens(inputs[i].Witness, []byte(inputs[i].Secret), now, e); err != nil {
			return err.at("inputs", i)
		}
	}
	return nil
}

// checkWhole is SIG_ALL: all inputs have the same condition, and the first one's witness signs inputs and outputs.
func checkWhole(inputs []Proof, conditions []*Condition, message []byte, now uint64, e *effort) *Refusal {
	for i, c := range conditions {
		if !conditions[0].same(c) {
			return refuse(BadProof, "secret", "is not the condition of the first input, as %s wants",
				SigAll).at("inputs", i)
		}
	}
	if err := conditions[0].opens(inputs[0].Witness, message, now, e); err != nil {
		return err.at("inputs", 0)
	}
	return nil
}

// same is sameAs for conditions that may be missing: a note without one is not the same.
func (c *Condition) same(other *Condition) bool { return c != nil && c.sameAs(other) }

// MessageOf is what SIG_ALL signs (NUT-11): secrets and Cs, amounts and B_s, and a melt's quote.
func MessageOf(inputs []Proof, outputs []Output, quote string) (message []byte) {
	for i := range inputs {
		message = append(append(message, inputs[i].Secret...), inputs[i].C...)
	}
	for i := range outputs {
		message = appendAmount(message, outputs[i].Amount)
		message = append(message, outputs[i].B...)
	}
	return append(message, quote...)
}

// MintMessage is what a mint quote's key signs (NUT-20).
func MintMessage(quote string, outputs []Output) []byte {
	message := []byte(quote)
	for i := range outputs {
		message = append(message, outputs[i].B...)
	}
	return message
}

// CheckMintSignature holds a signature against a quote's key.
func CheckMintSignature(key, signature, quote string, outputs []Output) *Refusal {
	raw, err := hex.DecodeString(key)
	if err != nil || len(raw) != 33 {
		return refuse(KeyRequired, "pubkey", "is not a compressed key")
	}
	public, err := xonly(raw[1:]).key()
	if err != nil {
		return refuse(KeyRequired, "pubkey", "is not on the curve")
	}
	sig, err := hex.DecodeString(signature)
	if err != nil {
		return refuse(BadSignature, "signature", "is not in hexadecimal digits")
	}
	parsed, err := schnorr.ParseSignature(sig)
	digest := sha256.Sum256(MintMessage(quote, outputs))
	if err != nil || !parsed.Verify(digest[:], public) {
		return refuse(BadSignature, "signature", "is not the quote's key's over the quote and the outputs")
	}
	return nil
}
