package token

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Hash is a SHA-256 digest.
type Hash [32]byte

// TransactionID is the SHA-256 of a transaction's body bytes.
type TransactionID [32]byte

// ID names one token for ever: SHA-256 of the id of the transaction that made it and its output's number.
type ID [32]byte

// WalletID names a wallet or an intermediary: the first 16 bytes of the id of the transaction
// that registered it. Sixteen bytes keep two wallets and their change in a small log entry;
// registering an id that exists is refused, so a collision gains nothing.
type WalletID [16]byte

// Authority is the zero WalletID: as a registrar it means the central bank itself.
var Authority WalletID

// NetworkID is the RFC 6962 leaf hash of the log's first entry, the genesis.
// It is part of everything signed, so nothing signed for one network is valid on another.
type NetworkID [32]byte

// OutputID derives the id of output number index of a transaction.
func OutputID(tx TransactionID, index int) ID {
	var preimage [34]byte
	copy(preimage[:], tx[:])
	binary.BigEndian.PutUint16(preimage[32:], uint16(index))
	return sha256.Sum256(preimage[:])
}

// RegisteredID derives the id of what a transaction registers.
func RegisteredID(tx TransactionID) WalletID { return WalletID(tx[:16]) }

func (h Hash) String() string           { return hex.EncodeToString(h[:]) }
func (id TransactionID) String() string { return hex.EncodeToString(id[:]) }
func (id ID) String() string            { return hex.EncodeToString(id[:]) }
func (id WalletID) String() string      { return hex.EncodeToString(id[:]) }
func (id NetworkID) String() string     { return hex.EncodeToString(id[:]) }

func (h Hash) MarshalText() ([]byte, error)           { return hexText(h[:]), nil }
func (id TransactionID) MarshalText() ([]byte, error) { return hexText(id[:]), nil }
func (id ID) MarshalText() ([]byte, error)            { return hexText(id[:]), nil }
func (id WalletID) MarshalText() ([]byte, error)      { return hexText(id[:]), nil }
func (id NetworkID) MarshalText() ([]byte, error)     { return hexText(id[:]), nil }

func (h *Hash) UnmarshalText(text []byte) error           { return fromHex(h[:], text) }
func (id *TransactionID) UnmarshalText(text []byte) error { return fromHex(id[:], text) }
func (id *ID) UnmarshalText(text []byte) error            { return fromHex(id[:], text) }
func (id *WalletID) UnmarshalText(text []byte) error      { return fromHex(id[:], text) }
func (id *NetworkID) UnmarshalText(text []byte) error     { return fromHex(id[:], text) }

func hexText(b []byte) []byte { return hex.AppendEncode(nil, b) }

func fromHex(target, text []byte) error {
	if len(text) != 2*len(target) {
		return fmt.Errorf("want %d hexadecimal digits, got %d characters", 2*len(target), len(text))
	}
	_, err := hex.Decode(target, text)
	return err
}
