package coin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/tyler-smith/go-bip39"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/curve"
)

// Words makes twelve words of BIP 39 of 16 random bytes.
func Words(entropy [16]byte) (string, error) { return bip39.NewMnemonic(entropy[:]) }

// Seed is what words stand for.
func Seed(words string) ([]byte, error) {
	seed, err := bip39.NewSeedWithErrorChecking(strings.Join(strings.Fields(strings.ToLower(words)), " "), "")
	if err != nil {
		return nil, fmt.Errorf("words: %w", err)
	}
	return seed, nil
}

// derivation says what a seed's number becomes (NUT-13, keysets of version 01).
const derivation = "Cashu_KDF_HMAC_SHA256"

// Derive is a keyset's secret and blinding factor by counter.
func Derive(seed []byte, id cash.KeysetID, counter uint64) (secret string, r curve.Scalar, err error) {
	message := append([]byte(derivation), id[:]...)
	message = binary.BigEndian.AppendUint64(message, counter)
	secret = hex.EncodeToString(keyed(seed, append(message, 0)))
	// modulo n, as the standard says; n is so near to 2^256 that it changes nothing that anybody has seen.
	x := new(big.Int).SetBytes(keyed(seed, append(message, 1)))
	r, err = curve.ParseScalar(x.Mod(x, btcec.S256().N).FillBytes(make([]byte, 32)))
	return secret, r, err
}

func keyed(seed, message []byte) []byte {
	h := hmac.New(sha256.New, seed)
	h.Write(message)
	return h.Sum(nil)
}
