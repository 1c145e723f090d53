package purse

import (
	"crypto/sha256"
	"errors"
	"io"

	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Hardware keeps a purse's key where no copy of the purse's file takes it along, a secure element say, and proves that
// to a bank. This program is built with none: whoever builds a wallet on such hardware gives it to OpenHardware.
//
// What signs, the key alone or also what it has signed before, is the hardware's: a key that is kept does not keep its
// owner from restoring an old file beside it. It makes a clone impossible, and a roll-back no harder.
type Hardware interface {
	token.Signer
	// Attest is the hardware's evidence that it has the key, for a challenge (AttestationChallenge).
	Attest(challenge [32]byte) (evidence []byte, err error)
}

// Attestor judges evidence for a bank: whether hardware that it trusts has a key. The errors are its own.
type Attestor interface {
	CheckAttestation(key token.PublicKey, challenge [32]byte, evidence []byte) error
}

// attestationDomain keeps a challenge from being one of another use.
const attestationDomain = "aqsha purse attestation v1\x00"

// AttestationChallenge is what hardware attests a purse's key for: this network, this bank, this key. A purse is opened
// once for a key, so that evidence is of no use a second time.
func AttestationChallenge(network token.NetworkID, bank token.WalletID, key token.PublicKey) [32]byte {
	b := append([]byte(attestationDomain), network[:]...)
	return sha256.Sum256(append(append(b, bank[:]...), key[:]...))
}

// NoAttestor is of a bank that is to open a purse of hardware, and judges none.
const NoAttestor token.Code = "purse-attestation"

// ClassOf is the class that a bank may open a purse with: software without evidence; hardware where its attestor takes
// the evidence. A bank without an attestor opens none of hardware (purse-attestation).
func ClassOf(a Attestor, network token.NetworkID, bank token.WalletID, key token.PublicKey,
	evidence []byte) (rules.Class, error) {
	if len(evidence) == 0 {
		return rules.Software, nil
	}
	if a == nil {
		return 0, token.Errorf(NoAttestor, "class", "no hardware is attested here: open a purse of software")
	}
	if err := a.CheckAttestation(key, AttestationChallenge(network, bank, key), evidence); err != nil {
		return 0, token.Errorf(NoAttestor, "class", "the key is not attested: %v", err)
	}
	return rules.Hardware, nil
}

// OpenHardware is Open for a purse whose key is in hardware; the file has no secret then.
func OpenHardware(files vfs.FS, path string, now func() uint64, random io.Reader, hardware Hardware) *Phone {
	return &Phone{files, path, now, random, hardware}
}

var errElsewhere = errors.New("its key is in hardware that is not here")

// signer is the purse's key: of the file, or of the hardware.
func (p *Phone) signer(f *file) (token.Signer, error) {
	if f.Key == (token.PublicKey{}) {
		return token.NewPrivateKey(f.Seed), nil
	}
	if p.hardware == nil || p.hardware.Public() != f.Key {
		return nil, FileError{errElsewhere}
	}
	return p.hardware, nil
}

// public is the purse's public key.
func (f *file) public() token.PublicKey {
	if f.Key != (token.PublicKey{}) {
		return f.Key
	}
	return token.NewPrivateKey(f.Seed).Public()
}
