package passkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
)

// Device has one passkey.
type Device struct {
	ID     []byte // of the passkey
	Handle []byte // of the account that it is for
	Count  uint32 // rises with each use; one that keeps no counter has Still
	Still  bool
	// Unverified leaves out that the person was verified.
	Unverified bool

	key *ecdsa.PrivateKey
}

// Made is what a device answers when a passkey is made.
type Made struct{ ID, ClientData, Object []byte }

// Signed is what it answers when a passkey is used.
type Signed struct{ ID, ClientData, Authenticator, Signature, Handle []byte }

// Flags of authenticator data (section 6.1).
const (
	flagPresent  = 0x01
	flagVerified = 0x04
	flagAttested = 0x40
)

// New makes a device with a fresh key.
func New(handle []byte) *Device {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	return &Device{ID: id, Handle: handle, key: key}
}

// Copy is the device of somebody who has stolen its key.
func (d *Device) Copy() *Device { c := *d; return &c }

func clientData(kind, origin string, challenge []byte) []byte {
	text, err := json.Marshal(map[string]any{"type": kind, "origin": origin, "crossOrigin": false,
		"challenge": base64.RawURLEncoding.EncodeToString(challenge)})
	if err != nil {
		panic(err)
	}
	return text
}

func (d *Device) data(site string, flags byte) []byte {
	sum := sha256.Sum256([]byte(site))
	if !d.Unverified {
		flags |= flagVerified
	}
	return binary.BigEndian.AppendUint32(append(sum[:], flags|flagPresent), d.Count)
}

// Make makes the passkey at an origin; its attestation is of format "none" (section 8.7).
func (d *Device) Make(origin, site string, challenge []byte) Made {
	data := append(d.data(site, flagAttested), make([]byte, 16)...)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(d.ID))), d.ID...)
	public, err := d.key.PublicKey.Bytes() // 04, x, y
	if err != nil {
		panic(err)
	}
	// COSE key (RFC 9053, 7.1.1): EC2, ES256, P-256.
	data = append(data, 0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20)
	data = append(data, public[1:33]...)
	data = append(append(data, 0x22, 0x58, 0x20), public[33:]...)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59"), byte(len(data)>>8), byte(len(data)))
	return Made{d.ID, clientData("webauthn.create", origin, challenge), append(object, data...)}
}

// Sign answers a challenge.
func (d *Device) Sign(origin, site string, challenge []byte) Signed {
	if !d.Still {
		d.Count++
	}
	s := Signed{ID: d.ID, ClientData: clientData("webauthn.get", origin, challenge), Authenticator: d.data(site, 0),
		Handle: d.Handle}
	inner := sha256.Sum256(s.ClientData)
	sum := sha256.Sum256(append(append([]byte(nil), s.Authenticator...), inner[:]...))
	var err error
	if s.Signature, err = ecdsa.SignASN1(rand.Reader, d.key, sum[:]); err != nil {
		panic(err)
	}
	return s
}
