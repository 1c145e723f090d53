package sharelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/stratum"
)

// Limits of a record, which must fit an entry of 65,535 bytes.
const (
	maxBranch     = 32
	maxVariants   = 64
	maxPayees     = 4096
	maxText       = 40_000
	maxExtranonce = 64
)

// errBad is wrapped by every error of Decode.
var errBad = errors.New("log record is malformed")

// reader takes fields from an entry; after the first mistake all are zero.
type reader struct {
	data []byte
	bad  bool
}

// uvarint reads a number in its shortest form; after a failure all that is read is zero.
func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.data)
	if size <= 0 || size > 1 && r.data[size-1] == 0 { // cut, too large, or not the shortest form
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[size:]
	return n
}

// below reads a number that must be less than a limit, before anything is made of that size.
func (r *reader) below(limit uint64) uint64 {
	n := r.uvarint()
	if n >= limit {
		r.bad = true
		return 0
	}
	return n
}

func (r *reader) millis() int64 { return int64(r.below(1 << 50)) }
func (r *reader) amount() money.Satoshi {
	return money.Satoshi(r.below(uint64(bitcoin.MaxMoney) * 1000))
}
func (r *reader) uint32() uint32 { return uint32(r.below(math.MaxUint32 + 1)) }

// bytes takes the next n; they are a part of the record.
func (r *reader) bytes(n int) []byte {
	if n > len(r.data) {
		r.bad, r.data = true, nil
		return make([]byte, n)
	}
	taken := r.data[:n]
	r.data = r.data[n:]
	return taken
}

func (r *reader) hash() bitcoin.Hash { return bitcoin.Hash(r.bytes(32)) }
func (r *reader) fixed32() uint32    { return binary.LittleEndian.Uint32(r.bytes(4)) }

// text reads a text behind its length.
func (r *reader) text() string {
	n := r.below(maxText)
	if n > uint64(len(r.data)) {
		r.bad, r.data = true, nil
		return ""
	}
	return string(r.bytes(int(n)))
}

// Decode reads one entry. The record does not refer to entry's memory. Every error wraps one value and says the kind.
// What it accepts Append gives back byte for byte.
func Decode(entry []byte) (Record, error) {
	if len(entry) == 0 {
		return nil, fmt.Errorf("%w: empty", errBad)
	}
	r := &reader{data: entry[1:]}
	var record Record
	switch entry[0] {
	case kindShare:
		share := new(Share)
		if err := DecodeShare(entry, share); err != nil {
			return nil, err
		}
		return share, nil
	case kindJob:
		record = r.job()
	case kindWorker:
		record = &Worker{r.uvarint(), r.uvarint(), r.text(), r.text()}
	case kindStatus:
		record = &Status{r.millis(), r.hash(), r.below(StatusRestored + 1)}
	case kindPayment:
		record = &Payment{r.uvarint(), r.millis(), r.payees()}
	case kindPaid:
		record = &Paid{r.uvarint(), r.millis(), r.hash(), r.amount()}
	case kindLease:
		record = &Lease{r.uvarint(), r.uvarint()}
	case kindScheme:
		record = &Scheme{Name: r.text(), FeePPM: r.below(1_000_001), Address: r.text()}
	case kindTerms:
		s := &Scheme{Name: r.text(), FeePPM: r.below(1_000_001), Address: r.text(), Rules: r.uvarint(),
			InCoinbase: r.below(2) == 1}
		r.bad = r.bad || s.Rules != RulesAtBlock // later rules are for later programs
		record = s
	case kindSent:
		record = &Sent{r.uvarint(), r.millis(), r.hash(), r.amount(), r.below(1 << 31)}
	case kindChild:
		record = &Child{r.uvarint(), r.millis(), r.hash(), r.hash(), r.amount(), r.below(1 << 31)}
	case kindSettled:
		s := &Settled{Number: r.uvarint(), TimeMillis: r.millis(), Outcome: r.below(OutcomeDropped + 1)}
		s.TxID, s.Fee, s.Height, s.Block = r.hash(), r.amount(), r.below(1<<31), r.hash()
		r.bad = r.bad || s.Outcome == 0
		record = s
	case kindPaymentTerms:
		record = &PaymentTerms{r.amount(), r.below(1 << 50)}
	case kindOverride:
		o := &Override{r.millis(), r.uvarint(), r.uvarint(), r.text()}
		r.bad = r.bad || o.First > o.Last
		record = o
	case kindReconciled:
		record = &Reconciled{r.millis(), r.below(1 << 31)}
	case kindRecovered:
		record = &Recovered{
			Number: r.uvarint(), TimeMillis: r.millis(), TxID: r.hash(), Fee: r.amount(), Coinbase: r.below(2) == 1,
			Height: r.below(1 << 31), Block: r.hash(), Payees: r.payees(), Reason: r.text(),
		}
	default:
		return nil, fmt.Errorf("%w: kind %d", errBad, entry[0])
	}
	if r.bad || len(r.data) != 0 {
		return nil, fmt.Errorf("%w: kind %d", errBad, entry[0])
	}
	return record, nil
}

// IsShare tells without decoding.
func IsShare(entry []byte) bool { return len(entry) > 0 && entry[0] == kindShare }

// DecodeShare reads a share's entry into s, whose Extranonce is copied.
func DecodeShare(entry []byte, s *Share) error {
	if len(entry) < 2 || entry[0] != kindShare {
		return fmt.Errorf("%w: not a share", errBad)
	}
	r := &reader{data: entry[2:]}
	s.SolvesBlock = entry[1]&0x80 != 0
	s.TimeMillis, s.Worker, s.Job, s.Variant = r.millis(), r.uvarint(), r.uvarint(), r.below(maxVariants)
	s.Difficulty = stratum.Difficulty{N: r.uvarint(), K: entry[1] & 0x7f}
	s.Version, s.Time, s.Nonce = r.fixed32(), r.fixed32(), r.fixed32()
	s.HashPrefix = [16]byte(r.bytes(16))
	if r.bad || !s.Difficulty.Valid() || len(r.data) > maxExtranonce {
		return fmt.Errorf("%w: share", errBad)
	}
	s.Extranonce = append([]byte(nil), r.data...)
	return nil
}

// job reads what appendJob writes.
func (r *reader) job() *Job {
	j := &Job{
		Number: r.uvarint(), TimeMillis: r.millis(), Height: r.below(1 << 31), Version: r.uint32(), Bits: r.uint32(),
		MinTime:       r.uint32(),
		CoinbaseValue: r.amount(), Fees: r.amount(), MeanFees: r.amount(), Position: r.uvarint(), Previous: r.hash(),
	}
	for range r.below(maxBranch + 1) {
		j.Branch = append(j.Branch, r.hash())
	}
	for range r.below(maxVariants + 1) {
		v := Variant{Name: r.text(), Witness: r.below(2) == 1, Head: []byte(r.text()), Tail: []byte(r.text())}
		v.Payees = r.payees()
		j.Variants = append(j.Variants, v)
		if r.bad {
			break
		}
	}
	return j
}

// payees reads whom a coinbase pays.
func (r *reader) payees() (payees []Payee) {
	for range r.below(maxPayees + 1) {
		payees = append(payees, Payee{r.uvarint(), r.amount(), r.amount()})
		if r.bad {
			return nil
		}
	}
	return payees
}
