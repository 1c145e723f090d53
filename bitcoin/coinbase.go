package bitcoin

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/money"
)

// Output is one payment of a coinbase.
type Output struct {
	Value  money.Satoshi
	Script []byte
}

// Coinbase describes the first transaction of a block, with a hole for the extranonces. Its input script is the height
// (BIP 34), Aux, a push of the extranonces and Tag, in this order and of at most maxScriptSig bytes together. That the
// outputs add up to the template's value is the caller's to see to.
type Coinbase struct {
	Height     uint32
	Aux        []byte // bytes that the node would like in the input script
	Extranonce int    // length of the hole in bytes
	Tag        []byte // text of the pool, after the hole
	Outputs    []Output
	Commitment []byte // witness commitment script, nil for none
}

const (
	maxScriptSig = 100 // of a coinbase, consensus
	minScriptSig = 2
	// coinbaseSequence is not final, so that the lock time binds (BIP 54).
	coinbaseSequence = 0xfffffffe
)

// CoinbaseParts are the bytes around the extranonces, without witness data: what Stratum calls coinb1 and coinb2. They
// are made once for a job and only read afterwards, so that all its miners share them.
type CoinbaseParts struct {
	Head, Tail []byte
	Extranonce int
	// HasWitness is set when the block needs the coinbase's witness (BIP 141).
	HasWitness bool
}

// Parts lays the coinbase out. Following BIP 54 before it is asked for, its lock time is
// height − 1: the height itself would not be final and the block would be lost. The extranonces take at most 75
// bytes, the longest push whose length is its opcode.
func (c Coinbase) Parts() (CoinbaseParts, error) {
	if c.Height == 0 {
		return CoinbaseParts{}, errors.New("coinbase: height 0 is the genesis block")
	}
	height := HeightPush(c.Height)
	scriptSize := len(height) + len(c.Aux) + c.Extranonce + len(c.Tag)
	if c.Extranonce > 0 {
		scriptSize++ // the push of the extranonces
	}
	if scriptSize < minScriptSig {
		return CoinbaseParts{}, fmt.Errorf("coinbase: input script of %d bytes, at least %d", scriptSize, minScriptSig)
	}
	if scriptSize > maxScriptSig || c.Extranonce > 75 {
		return CoinbaseParts{}, fmt.Errorf("coinbase: input script of %d bytes, at most %d", scriptSize, maxScriptSig)
	}
	head := binary.LittleEndian.AppendUint32(nil, 2)
	head = append(head, 1)
	head = append(head, make([]byte, 32)...)
	head = binary.LittleEndian.AppendUint32(head, 0xffffffff)
	head = append(head, byte(scriptSize))
	head = append(head, height...)
	head = append(head, c.Aux...)
	if c.Extranonce > 0 {
		head = append(head, byte(c.Extranonce))
	}
	tail := slices.Clone(c.Tag)
	tail = binary.LittleEndian.AppendUint32(tail, coinbaseSequence)
	outputs := slices.Clone(c.Outputs)
	// Last: where several outputs have the form of a commitment, the last one counts (BIP 141).
	if c.Commitment != nil {
		outputs = append(outputs, Output{0, c.Commitment})
	}
	if len(outputs) == 0 {
		return CoinbaseParts{}, errors.New("coinbase: no output")
	}
	tail = appendCompactSize(tail, uint64(len(outputs)))
	for i, out := range outputs {
		if out.Value < 0 || out.Value > MaxMoney {
			return CoinbaseParts{}, fmt.Errorf("coinbase: output %d of %d satoshi is no amount", i, out.Value)
		}
		tail = binary.LittleEndian.AppendUint64(tail, uint64(out.Value))
		tail = appendCompactSize(tail, uint64(len(out.Script)))
		tail = append(tail, out.Script...)
	}
	tail = binary.LittleEndian.AppendUint32(tail, c.Height-1)
	return CoinbaseParts{head, tail, c.Extranonce, c.Commitment != nil}, nil
}

// Size of the transaction without witness, in bytes.
func (p CoinbaseParts) Size() int { return len(p.Head) + p.Extranonce + len(p.Tail) }

// Fill puts the extranonces into the hole: the bytes whose hash is the transaction's id.
func (p CoinbaseParts) Fill(extranonce []byte) []byte {
	if len(extranonce) != p.Extranonce {
		panic(fmt.Sprintf("extranonce of %d bytes in a hole of %d", len(extranonce), p.Extranonce))
	}
	return slices.Concat(p.Head, extranonce, p.Tail)
}

// WithWitness turns the filled bytes into the form that stands in a block: marker, flag and
// the witness reserved value of 32 zero bytes (BIP 141), when the block commits to witnesses.
func (p CoinbaseParts) WithWitness(filled []byte) []byte {
	if !p.HasWitness {
		return filled
	}
	end := len(filled) - 4
	full := slices.Concat(filled[:4], []byte{0, 1}, filled[4:end], []byte{1, 32}, make([]byte, 32))
	return append(full, filled[end:]...)
}

// HeightPush encodes a height as the script push that BIP 34 asks for:
// heights to 16 are one opcode, as the script interpreter's shortest form.
func HeightPush(height uint32) []byte {
	if height == 0 {
		return []byte{0x00}
	}
	if height <= 16 {
		return []byte{0x50 + byte(height)}
	}
	var le []byte
	for n := height; n > 0; n >>= 8 {
		le = append(le, byte(n))
	}
	if le[len(le)-1]&0x80 != 0 {
		le = append(le, 0) // the top bit is the sign
	}
	return append([]byte{byte(len(le))}, le...)
}

func appendCompactSize(to []byte, n uint64) []byte {
	switch {
	case n < 0xfd:
		return append(to, byte(n))
	case n <= 0xffff:
		return binary.LittleEndian.AppendUint16(append(to, 0xfd), uint16(n))
	case n <= 0xffffffff:
		return binary.LittleEndian.AppendUint32(append(to, 0xfe), uint32(n))
	}
	return binary.LittleEndian.AppendUint64(append(to, 0xff), n)
}

// Block joins a solved header, the coinbase as it stands in the block (WithWitness), and the template's transactions in
// the template's order, on which the merkle root rests.
func (t *Template) Block(header Header, coinbase []byte) []byte {
	raw := header.Encode()
	var block bytes.Buffer
	block.Write(raw[:])
	block.Write(appendCompactSize(nil, uint64(1+len(t.Transactions))))
	block.Write(coinbase)
	for _, tx := range t.Transactions {
		block.Write(tx.Data)
	}
	return block.Bytes()
}
