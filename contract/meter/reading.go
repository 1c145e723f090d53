package meter

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/token"
)

// Zones is how many registers a meter has: zones of the hour.
const Zones = 3

// Codes of readings that are not believed.
const (
	Backwards token.Code = "meter-backwards" // a register fell
	Jump      token.Code = "meter-jump"      // a register rose faster than the line can carry
	NotLater  token.Code = "meter-not-later" // not after the reading before it: replayed or reordered
	Unsigned  token.Code = "meter-unsigned"  // not signed by the meter for this contract
)

// Registers are what a meter has counted in each zone since it was made, in watt-hours.
type Registers [Zones]int64

// Total is their sum.
func (r Registers) Total() int64 { return r[0] + r[1] + r[2] }

// Reading is what the registers said at a time.
type Reading struct {
	AtMillis  uint64    `json:"at_millis"`
	Registers Registers `json:"registers_wh"`
}

// maxRegister keeps every sum of registers within 64 bits.
const maxRegister = 1 << 60

// Judge says whether a reading can follow another on a line that carries so many watts.
func (r *Reading) Judge(before *Reading, watts int64) *token.Error {
	if r.AtMillis <= before.AtMillis || r.AtMillis > math.MaxInt64 {
		return token.Errorf(NotLater, "at", "%d is not after %d", r.AtMillis, before.AtMillis)
	}
	for zone := range r.Registers {
		if r.Registers[zone] < before.Registers[zone] || r.Registers[zone] > maxRegister {
			return token.Errorf(Backwards, "registers", "zone %d says %d Wh after %d", zone+1, r.Registers[zone],
				before.Registers[zone])
		}
	}
	// Wh = W · ms / 3,600,000, rounded down, as the contract's part(elapsed, watts, hour).
	const hour = 3_600_000
	high, low := bits.Mul64(r.AtMillis-before.AtMillis, uint64(max(watts, 0)))
	if high >= hour {
		return nil // the line could carry more than a register can count
	}
	most, _ := bits.Div64(high, low, hour)
	if used := r.Registers.Total() - before.Registers.Total(); uint64(used) > most {
		return token.Errorf(Jump, "registers", "%d Wh in %d ms, the line carries %d at most", used,
			r.AtMillis-before.AtMillis, most)
	}
	return nil
}

// Link is the hash that a reading adds to the chain of readings before it.
func Link(before token.Hash, r *Reading) token.Hash {
	b := append(make([]byte, 0, 96), "aqsha reading v1\x00"...)
	b = append(b, before[:]...)
	return sha256.Sum256(appendReading(b, r))
}

func appendReading(b []byte, r *Reading) []byte {
	b = binary.BigEndian.AppendUint64(b, r.AtMillis)
	for _, wh := range r.Registers {
		b = binary.BigEndian.AppendUint64(b, uint64(wh))
	}
	return b
}

// Digest is what a meter's key signs under a contract: the reading, and the chain that led to it.
func Digest(network token.NetworkID, id token.WalletID, r *Reading, chain token.Hash) [32]byte {
	b := append(make([]byte, 0, 128), "reading"...)
	b = append(append(b, network[:]...), id[:]...)
	return contract.MessageDigest(append(appendReading(b, r), chain[:]...))
}

// Tally checks readings one after the other and keeps what a bill needs of them.
type Tally struct {
	Watts int64
	Last  Reading
	Chain token.Hash // link of the last reading
	Count int
}

// Add takes the next reading.
func (t *Tally) Add(r Reading) *token.Error {
	if err := r.Judge(&t.Last, t.Watts); err != nil {
		return err
	}
	t.Chain = Link(t.Chain, &r)
	t.Last = r
	t.Count++
	return nil
}
