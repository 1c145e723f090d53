package speed

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/aqsha/aqsha/cash/curve"
)

// Batch is how many notes are redeemed, and proved, at once.
const Batch = 1024

// signatures is how many notes are signed, or redeemed one by one, in a round.
const signatures = 64

// Report has ratios of processor time, and the times in microseconds a note.
type Report struct {
	// SignOverDecred is decred's time to sign with proof, of ours.
	SignOverDecred float64 `json:"sign_over_decred"`
	// RedeemBatchOverDecred is decred's time to redeem a note, of ours in a batch.
	RedeemBatchOverDecred float64 `json:"redeem_batch_over_decred"`
	// SignOverGnark and RedeemBatchOverGnark are gnark-crypto's times for the same work, of ours.
	SignOverGnark        float64 `json:"sign_over_gnark"`
	RedeemBatchOverGnark float64 `json:"redeem_batch_over_gnark"`
	// ProofShareOfCPU is what proving both lists takes of a note's way: signed, redeemed, and proved twice.
	ProofShareOfCPU float64 `json:"proof_share_of_cpu"`
	// CheckOverMaking is what checking both lists takes, points decompressed, of what making them took.
	CheckOverMaking float64 `json:"check_over_making"`

	SignMicros         float64 `json:"sign_micros"`
	SignDecredMicros   float64 `json:"sign_decred_micros"`
	RedeemMicros       float64 `json:"redeem_micros"`
	RedeemDecredMicros float64 `json:"redeem_decred_micros"`
	ProveMicros        float64 `json:"prove_micros"`
	CheckMicros        float64 `json:"check_micros"`
}

// Measure takes about two seconds. It fails if the two sides do not agree.
func Measure() (Report, error) { return measure(7) }

func measure(rounds int) (Report, error) {
	w, err := newWorld(bufio.NewReaderSize(rand.Reader, 1<<12))
	if err != nil {
		return Report{}, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	works := []work{
		{"sign", signatures, w.sign}, {"sign with decred", signatures, w.signDecred},
		{"redeem", Batch, w.redeem}, {"redeem with decred", signatures, w.redeemDecred},
		{"prove", Batch, w.prove}, {"check", Batch, w.check},
		{"sign with gnark", signatures, w.signGnark}, {"redeem with gnark", Batch, w.redeemGnark},
	}
	best := make([]time.Duration, len(works))
	for range rounds {
		for i, x := range works {
			// Processor time of this one thread, in turns, and the best of each: what else runs on the machine falls
			// on all alike.
			before := threadTime()
			if err := x.do(); err != nil {
				return Report{}, fmt.Errorf("%s: %w", x.name, err)
			}
			if took := threadTime() - before; best[i] == 0 || took < best[i] {
				best[i] = took
			}
		}
	}
	micros := make([]float64, len(works))
	for i, x := range works {
		micros[i] = float64(best[i].Nanoseconds()) / 1000 / float64(x.notes)
	}
	r := Report{
		SignMicros: micros[0], SignDecredMicros: micros[1], RedeemMicros: micros[2], RedeemDecredMicros: micros[3],
		ProveMicros: micros[4], CheckMicros: micros[5],
	}
	making := r.SignMicros + r.RedeemMicros + 2*r.ProveMicros
	r.SignOverDecred = r.SignDecredMicros / r.SignMicros
	r.RedeemBatchOverDecred = r.RedeemDecredMicros / r.RedeemMicros
	r.SignOverGnark = micros[6] / r.SignMicros
	r.RedeemBatchOverGnark = micros[7] / r.RedeemMicros
	r.ProofShareOfCPU = 2 * r.ProveMicros / making
	r.CheckOverMaking = 2 * r.CheckMicros / making
	return r, nil
}

// work is something that is done with a number of notes.
type work struct {
	name  string
	notes int
	do    func() error
}

// world is an office's key and notes as they come: bytes.
type world struct {
	signer  *curve.Signer
	plain   *plain
	gnark   *gnark
	entropy io.Reader

	secrets, blinded, signed [][]byte // of one index is one note: its secret, B_, and C
	ys, cs                   []curve.Point
	context                  []byte
	proof                    curve.BlockProof
}

func newWorld(entropy io.Reader) (*world, error) {
	k, err := draw(entropy)
	if err != nil {
		return nil, err
	}
	w := &world{signer: curve.NewSigner(k), plain: newPlain(k.Bytes()), gnark: newGnark(k.Bytes()),
		entropy: entropy, context: []byte("measured")}
	for range Batch {
		var random [32]byte
		if _, err := io.ReadFull(entropy, random[:]); err != nil {
			return nil, err
		}
		r, err := draw(entropy)
		if err != nil {
			return nil, err
		}
		secret := []byte(hex.EncodeToString(random[:]))
		y := curve.HashToCurve(secret)
		b_ := curve.Blind(y, r)
		c_, _, err := w.signer.Sign(b_, entropy)
		if err != nil {
			return nil, err
		}
		c := curve.Unblind(c_, r, w.signer.Key())
		rawB, rawC := b_.Bytes(), c.Bytes()
		w.secrets, w.blinded, w.signed = append(w.secrets, secret), append(w.blinded, rawB[:]),
			append(w.signed, rawC[:])
		w.ys, w.cs = append(w.ys, y), append(w.cs, c)
	}
	w.proof, err = w.signer.ProveBlock(w.context, w.ys, w.cs)
	if err != nil {
		return nil, err
	}
	// All implementations must give the same points before they are timed.
	return w, w.agree()
}

func draw(entropy io.Reader) (curve.Scalar, error) {
	var b [curve.ScalarSize]byte
	if _, err := io.ReadFull(entropy, b[:]); err != nil {
		return curve.Scalar{}, err
	}
	return curve.ParseScalar(b[:])
}

var errDisagree = errors.New("decred's library and package curve disagree")

// agree compares what the two sides answer.
func (w *world) agree() error {
	for i := range signatures {
		answer, err := w.signOne(i)
		if err != nil {
			return err
		}
		if theirs, err := w.plain.sign(w.blinded[i]); err != nil || theirs != answer {
			return errors.Join(errDisagree, err)
		}
		if valid, err := w.plain.redeem(w.secrets[i], w.signed[i]); err != nil || !valid {
			return errors.Join(errDisagree, err)
		}
		if valid, err := w.plain.redeem(w.secrets[i], w.signed[i+1]); err != nil || valid {
			return errors.Join(errDisagree, err)
		}
	}
	// The other library signs the same, takes all notes, and not all but one.
	signed, err := w.gnark.sign(w.blinded[0])
	if err != nil {
		return err
	}
	answer, err := w.signOne(0)
	if x := signed.X.Bytes(); err != nil || !bytes.Equal(x[:], answer[1:33]) {
		return errors.Join(errDisagree, err)
	}
	if err := w.redeemGnark(); err != nil {
		return err
	}
	others := append([][]byte{w.signed[1]}, w.signed[1:]...)
	if valid, err := w.gnark.redeem(w.secrets, others, w.entropy); err != nil || valid {
		return errors.Join(errDisagree, err)
	}
	return nil
}

func (w *world) signGnark() error {
	for i := range signatures {
		if _, err := w.gnark.sign(w.blinded[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) redeemGnark() error {
	valid, err := w.gnark.redeem(w.secrets, w.signed, w.entropy)
	if err == nil && !valid {
		err = errDisagree
	}
	return err
}

func (w *world) signOne(i int) (answer [97]byte, err error) {
	b_, err := curve.ParsePoint(w.blinded[i])
	if err != nil {
		return answer, err
	}
	c_, proof, err := w.signer.Sign(b_, w.entropy)
	if err != nil {
		return answer, err
	}
	c, e, s := c_.Bytes(), proof.E.Bytes(), proof.S.Bytes()
	copy(answer[:33], c[:])
	copy(answer[33:65], e[:])
	copy(answer[65:], s[:])
	return answer, nil
}

func (w *world) sign() error {
	for i := range signatures {
		if _, err := w.signOne(i); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) signDecred() error {
	for i := range signatures {
		if _, err := w.plain.sign(w.blinded[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) redeem() error { return w.redeemFirst(Batch) }

// redeemFirst redeems so many notes together.
func (w *world) redeemFirst(n int) error {
	ys, cs := make([]curve.Point, n), make([]curve.Point, n)
	for i := range ys {
		ys[i] = curve.HashToCurve(w.secrets[i])
		var err error
		if cs[i], err = curve.ParsePoint(w.signed[i]); err != nil {
			return err
		}
	}
	if slices.Contains(w.signer.ValidBatch(ys, cs, w.entropy), false) {
		return errDisagree
	}
	return nil
}

func (w *world) redeemDecred() error {
	for i := range signatures {
		if valid, err := w.plain.redeem(w.secrets[i], w.signed[i]); err != nil || !valid {
			return errors.Join(errDisagree, err)
		}
	}
	return nil
}

// prove proves one list; each note is in two.
func (w *world) prove() error {
	_, err := w.signer.ProveBlock(w.context, w.ys, w.cs)
	return err
}

// check reads one list from its bytes and verifies its proof.
func (w *world) check() error {
	ins, outs := make([]curve.Point, Batch), make([]curve.Point, Batch)
	for i := range ins {
		raw := w.ys[i].Bytes()
		var err error
		if ins[i], err = curve.ParsePoint(raw[:]); err != nil {
			return err
		}
		if outs[i], err = curve.ParsePoint(w.signed[i]); err != nil {
			return err
		}
	}
	if !curve.VerifyBlock(w.context, w.signer.Key(), ins, outs, w.proof) {
		return errDisagree
	}
	return nil
}
