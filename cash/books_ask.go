package cash

import (
	"encoding/hex"
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2"

	"github.com/aqsha/aqsha/cash/curve"
)

// Swappable says whether a swap would be refused by what is spent and signed, before anybody multiplies points for it.
// It promises nothing: DecideSwap looks again.
func (b *Books) Swappable(in []Input, out []Blinded) *Refusal {
	if err := b.spendable(in); err != nil {
		return err
	}
	return b.signable(out)
}

// Mintable says whether a quote can be minted now.
func (b *Books) Mintable(id string, now uint64) *Refusal { return mintable(b.mints[id], "quote", now) }

// RestorePoints reads the outputs of a restore. Only B_ counts: what it was signed as is the office's to say.
func RestorePoints(outputs []Output) ([]curve.Point, *Refusal) {
	if len(outputs) > MaxArray {
		return nil, refuse(TooManyOutputs, "outputs", "has %d, at most %d", len(outputs), MaxArray)
	}
	points := make([]curve.Point, len(outputs))
	for i := range outputs {
		p, err := parsePoint("B_", outputs[i].B)
		if err != nil {
			return nil, err.at("outputs", i)
		}
		points[i] = p
	}
	return points, nil
}

// StatePoints reads the Ys of a state check.
func StatePoints(ys []string) ([]curve.Point, *Refusal) {
	if len(ys) > MaxArray {
		return nil, refuse(TooManyInputs, "Ys", "has %d, at most %d", len(ys), MaxArray)
	}
	points := make([]curve.Point, len(ys))
	for i := range ys {
		p, err := parsePoint(fmt.Sprintf("Ys[%d]", i), ys[i])
		if err != nil {
			return nil, err
		}
		points[i] = p
	}
	return points, nil
}

// CheckKey reads the key of a mint quote (NUT-20); none is right too.
func CheckKey(key string) *Refusal {
	if key == "" {
		return nil
	}
	raw, err := hex.DecodeString(key)
	if err != nil || !isHex(key, 33) {
		return refuse(KeyRequired, "pubkey", "must be a compressed point: 66 hexadecimal digits in lower case")
	}
	if _, err := btcec.ParsePubKey(raw); err != nil {
		return refuse(KeyRequired, "pubkey", "is not on the curve")
	}
	return nil
}
