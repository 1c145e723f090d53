package bitcoin

import (
	"encoding/binary"
	"fmt"
	"time"
)

// HeaderSize is the length of a block header in bytes.
const HeaderSize = 80

// Header is the part of a block that is hashed.
type Header struct {
	Version    uint32
	Previous   Hash
	MerkleRoot Hash
	Time       uint32 // seconds since 1970
	Bits       uint32
	Nonce      uint32
}

// Encode writes the 80 bytes that are hashed.
func (h Header) Encode() (raw [HeaderSize]byte) {
	binary.LittleEndian.PutUint32(raw[0:], h.Version)
	copy(raw[4:], h.Previous[:])
	copy(raw[36:], h.MerkleRoot[:])
	binary.LittleEndian.PutUint32(raw[68:], h.Time)
	binary.LittleEndian.PutUint32(raw[72:], h.Bits)
	binary.LittleEndian.PutUint32(raw[76:], h.Nonce)
	return raw
}

// DecodeHeader reads exactly 80 bytes.
func DecodeHeader(raw []byte) (Header, error) {
	if len(raw) != HeaderSize {
		return Header{}, fmt.Errorf("block header has %d bytes, want %d", len(raw), HeaderSize)
	}
	return Header{
		Version:    binary.LittleEndian.Uint32(raw[0:]),
		Previous:   Hash(raw[4:36]),
		MerkleRoot: Hash(raw[36:68]),
		Time:       binary.LittleEndian.Uint32(raw[68:]),
		Bits:       binary.LittleEndian.Uint32(raw[72:]),
		Nonce:      binary.LittleEndian.Uint32(raw[76:]),
	}, nil
}

// Hash is the block's id.
func (h Header) Hash() Hash {
	raw := h.Encode()
	return HashOf(raw[:])
}

// Check says whether the header carries the proof of work that its own bits ask for. Whether the bits are those that
// the chain asks for at its height is another question, which only the chain answers.
func (h Header) Check() error {
	target, err := TargetOfBits(h.Bits)
	if err != nil {
		return err
	}
	if !target.Met(h.Hash()) {
		return fmt.Errorf("header %s does not meet its target %s", h.Hash(), target)
	}
	return nil
}

// At is the header's time.
func (h Header) At() time.Time { return time.Unix(int64(h.Time), 0).UTC() }
