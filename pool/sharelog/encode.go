package sharelog

import (
	"encoding/binary"
	"fmt"

	"github.com/aqsha/aqsha/bitcoin"
)

// Append encodes a record. It panics on a type that is no record. It does not check limits: an entry that is too long
// is refused by the log.
func Append(to []byte, record Record) []byte {
	switch r := record.(type) {
	case *Share:
		return AppendShare(to, r)
	case *Job:
		return appendJob(append(to, kindJob), r)
	case *Worker:
		to = uvarints(append(to, kindWorker), r.Number, r.User)
		return text(text(to, r.Address), r.Name)
	case *Status:
		to = uvarints(append(to, kindStatus), uint64(r.TimeMillis))
		return uvarints(append(to, r.Hash[:]...), r.Status)
	case *Payment:
		return payees(uvarints(append(to, kindPayment), r.Number, uint64(r.TimeMillis)), r.Payees)
	case *Paid:
		to = append(uvarints(append(to, kindPaid), r.Number, uint64(r.TimeMillis)), r.TxID[:]...)
		return uvarints(to, uint64(r.Fee))
	case *Lease:
		return uvarints(append(to, kindLease), r.First, r.Count)
	// Terms of before have the form that they had: what is in a log keeps its bytes, by which its root stands.
	case *Scheme:
		if r.Rules <= RulesAtJob {
			to = uvarints(text(append(to, kindScheme), r.Name), r.FeePPM)
			return text(to, r.Address)
		}
		to = text(uvarints(text(append(to, kindTerms), r.Name), r.FeePPM), r.Address)
		return uvarints(to, r.Rules, boolean(r.InCoinbase))
	case *Sent:
		to = append(uvarints(append(to, kindSent), r.Number, uint64(r.TimeMillis)), r.TxID[:]...)
		return uvarints(to, uint64(r.Fee), r.Height)
	case *Child:
		to = append(append(uvarints(append(to, kindChild), r.Number, uint64(r.TimeMillis)), r.TxID[:]...),
			r.Parent[:]...)
		return uvarints(to, uint64(r.Fee), r.Height)
	case *Settled:
		to = uvarints(append(to, kindSettled), r.Number, uint64(r.TimeMillis), r.Outcome)
		to = uvarints(append(to, r.TxID[:]...), uint64(r.Fee), r.Height)
		return append(to, r.Block[:]...)
	case *PaymentTerms:
		return uvarints(append(to, kindPaymentTerms), uint64(r.Minimum), r.SweepMillis)
	case *Override:
		return text(uvarints(append(to, kindOverride), uint64(r.TimeMillis), r.First, r.Last), r.Reason)
	case *Reconciled:
		return uvarints(append(to, kindReconciled), uint64(r.TimeMillis), r.Height)
	case *Recovered:
		to = append(uvarints(append(to, kindRecovered), r.Number, uint64(r.TimeMillis)), r.TxID[:]...)
		to = append(uvarints(to, uint64(r.Fee), boolean(r.Coinbase), r.Height), r.Block[:]...)
		return text(payees(to, r.Payees), r.Reason)
	}
	panic(fmt.Sprintf("sharelog: no such record %T", record))
}

// AppendShare is Append for shares, which must not allocate.
func AppendShare(to []byte, s *Share) []byte {
	flags := s.Difficulty.K
	if s.SolvesBlock {
		flags |= 0x80
	}
	to = append(to, kindShare, flags)
	to = uvarints(to, uint64(s.TimeMillis), s.Worker, s.Job, s.Variant, s.Difficulty.N)
	to = binary.LittleEndian.AppendUint32(to, s.Version)
	to = binary.LittleEndian.AppendUint32(to, s.Time)
	to = binary.LittleEndian.AppendUint32(to, s.Nonce)
	to = append(to, s.HashPrefix[:]...)
	return append(to, s.Extranonce...) // the rest of the entry
}

// appendJob encodes a job with all coinbases that were handed out of it.
func appendJob(to []byte, j *Job) []byte {
	to = uvarints(to, j.Number, uint64(j.TimeMillis), j.Height, uint64(j.Version), uint64(j.Bits), uint64(j.MinTime),
		uint64(j.CoinbaseValue), uint64(j.Fees), uint64(j.MeanFees), j.Position)
	to = append(to, j.Previous[:]...)
	to = uvarints(to, uint64(len(j.Branch)))
	for _, sibling := range j.Branch {
		to = append(to, sibling[:]...)
	}
	to = uvarints(to, uint64(len(j.Variants)))
	for _, v := range j.Variants {
		to = uvarints(text(to, v.Name), boolean(v.Witness))
		to = text(text(to, string(v.Head)), string(v.Tail))
		to = payees(to, v.Payees)
	}
	return to
}

// payees encodes whom a coinbase pays, and what stays owed.
func payees(to []byte, list []Payee) []byte {
	to = uvarints(to, uint64(len(list)))
	for _, p := range list {
		to = uvarints(to, p.User, uint64(p.Amount), uint64(p.Debt))
	}
	return to
}

// boolean is 0 or 1.
func boolean(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}

// uvarints encodes numbers one after the other.
func uvarints(to []byte, values ...uint64) []byte {
	for _, v := range values {
		to = binary.AppendUvarint(to, v)
	}
	return to
}

func text(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

// Header rebuilds the header whose hash a share has shown, from the share and its job: anybody can check the work. The
// job must be the share's. Two hashes and as many as the branch is long.
func (s *Share) Header(j *Job) (bitcoin.Header, error) {
	if s.Job != j.Number || s.Variant >= uint64(len(j.Variants)) {
		return bitcoin.Header{}, fmt.Errorf("share of job %d, variant %d does not belong to job %d", s.Job, s.Variant,
			j.Number)
	}
	v := j.Variants[s.Variant]
	coinbase := make([]byte, 0, len(v.Head)+len(s.Extranonce)+len(v.Tail))
	coinbase = append(append(append(coinbase, v.Head...), s.Extranonce...), v.Tail...)
	return bitcoin.Header{
		Version: s.Version, Previous: j.Previous, MerkleRoot: bitcoin.RootOf(bitcoin.HashOf(coinbase), j.Branch),
		Time: s.Time, Bits: j.Bits, Nonce: s.Nonce,
	}, nil
}

// Verify checks that a share carries the work it is credited with. That the job is of the right tip, and the share new
// and in time, it does not say.
func (s *Share) Verify(j *Job) error {
	header, err := s.Header(j)
	if err != nil {
		return err
	}
	hash := header.Hash()
	if [16]byte(hash[:16]) != s.HashPrefix {
		return fmt.Errorf("share of job %d: hash %s is not the one logged", s.Job, hash)
	}
	if target := s.Difficulty.Target(); !target.Met(hash) {
		return fmt.Errorf("share of job %d: hash %s does not meet difficulty %s", s.Job, hash, s.Difficulty)
	}
	return nil
}
