package cash

import (
	"errors"
	"io"
	"math"
	"strconv"

	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

// Signing is a keyset with its private keys, behind what a scheme of signatures must be able to do.
type Signing struct {
	Keyset
	Signers []Signer // one per denomination
}

// Signer signs and recognises notes of one denomination. *curve.Signer is the scheme of keysets 01.
type Signer interface {
	Sign(b curve.Point, entropy io.Reader) (curve.Point, curve.DLEQ, error)
	Valid(y, c curve.Point) bool
	ValidBatch(ys, cs []curve.Point, entropy io.Reader) []bool
	ProveBlock(context []byte, in, out []curve.Point) (curve.BlockProof, error)
}

// Keyring is an office's keysets, in the order in which they came.
type Keyring []*Signing

// Find looks for a keyset by its id as a request writes it.
func (k Keyring) Find(id string) (int, *Refusal) {
	for i, s := range k {
		if s.ID.String() == id {
			return i, nil
		}
	}
	return 0, refuse(UnknownKeyset, "id", "is no keyset of this office")
}

// Input is a note that was checked by itself: its form, keyset and condition. Whether C is right is ValidInputs' to
// say.
type Input struct {
	Keyset  int // in the keyring
	Index   int // of the denomination
	Amount  money.Tiyn
	Y, C    curve.Point
	Witness string
}

// Blinded is an output that was checked by itself.
type Blinded struct {
	Keyset int
	Index  int // of the denomination; of a blank output, not known yet
	Amount money.Tiyn
	B      curve.Point
}

// Checker holds what requests are checked against: keysets, and the office's time in Unix seconds.
type Checker struct {
	Keys Keyring
	Now  uint64
	// Retired says of each keyset that it signs nothing more, before its time; nil of none.
	Retired []bool
}

// signs says whether a keyset signs now.
func (k Checker) signs(keyset int) bool {
	return k.Keys[keyset].Active(k.Now) && (keyset >= len(k.Retired) || !k.Retired[keyset])
}

// Inputs checks the notes of a request: how many, each one's form, keyset and denomination, none twice by Y,
// conditions. whole is what SIG_ALL signs.
func (k Checker) Inputs(proofs []Proof, whole func() []byte) ([]Input, money.Tiyn, *Refusal) {
	if len(proofs) == 0 {
		return nil, 0, refuse(Malformed, "inputs", "must not be empty")
	}
	if len(proofs) > MaxArray {
		return nil, 0, refuse(TooManyInputs, "inputs", "has %d notes, at most %d", len(proofs), MaxArray)
	}
	inputs := make([]Input, len(proofs))
	conditions := make([]*Condition, len(proofs))
	seen := make(map[[33]byte]bool, len(proofs))
	var total money.Tiyn
	for i := range proofs {
		in, condition, err := k.input(&proofs[i])
		if err != nil {
			return nil, 0, err.at("inputs", i)
		}
		// By Y and not by the text of the secret: Y is what the books spend.
		if seen[in.Y.Bytes()] {
			return nil, 0, refuse(DuplicateInput, "secret", "is that of another input").at("inputs", i)
		}
		seen[in.Y.Bytes()] = true
		inputs[i], conditions[i] = in, condition
		if total, err = add(total, in.Amount); err != nil {
			return nil, 0, err.at("inputs", i)
		}
		if k.Keys[in.Keyset].Unit != k.Keys[inputs[0].Keyset].Unit {
			return nil, 0, refuse(SeveralUnits, "id", "is of another unit than the first input's").at("inputs", i)
		}
	}
	// Conditions last: only they cost signatures, and a request that fails by its form pays for none.
	return inputs, total, checkConditions(proofs, conditions, whole, k.Now)
}

// add sums amounts that are not negative.
func add(a, b money.Tiyn) (money.Tiyn, *Refusal) {
	if a > math.MaxInt64-b {
		return 0, refuse(AmountLimits, "amount", "the sum is beyond 2^63 - 1")
	}
	return a + b, nil
}

// input checks one note by itself, what costs least first. Lengths go before everything that reads the text.
func (k Checker) input(p *Proof) (in Input, c *Condition, _ *Refusal) {
	if p.Secret == "" {
		return in, nil, refuse(Malformed, "secret", "must not be empty")
	}
	if err := checkLength("secret", p.Secret, MaxSecret); err != nil {
		return in, nil, err
	}
	if err := checkLength("witness", p.Witness, MaxWitness); err != nil {
		return in, nil, err
	}
	set, index, err := k.denomination(p.ID, p.Amount)
	if err != nil {
		return in, nil, err
	}
	if k.Keys[set].Expired(k.Now) {
		return in, nil, refuse(ExpiredKeyset, "id", "is a keyset that expired at %d", k.Keys[set].Expiry)
	}
	signature, err := parsePoint("C", p.C)
	if err != nil {
		return in, nil, err
	}
	c, wrong := ParseCondition(p.Secret)
	var refused *Refusal
	if errors.As(wrong, &refused) {
		return in, nil, refused
	}
	in = Input{Keyset: set, Index: index, Amount: money.Tiyn(p.Amount), Y: curve.HashToCurve([]byte(p.Secret)),
		C: signature}
	if c != nil {
		in.Witness = p.Witness // shown to whoever asks for the note's state (NUT-07): a preimage is found there
	}
	return in, c, nil
}

// denomination finds a keyset and the place of an amount in it.
func (k Checker) denomination(id string, amount Amount) (set, index int, _ *Refusal) {
	set, err := k.Keys.Find(id)
	if err != nil {
		return 0, 0, err
	}
	if index = k.Keys[set].Index(money.Tiyn(amount)); index < 0 {
		return 0, 0, refuse(AmountLimits, "amount", "%d is no denomination of the keyset", amount)
	}
	return set, index, nil
}

// Outputs checks what is to be signed: how many, each one's form, that its keyset signs now, none twice. The amounts of
// blank ones say nothing (NUT-08).
func (k Checker) Outputs(list []Output, blank bool) ([]Blinded, money.Tiyn, *Refusal) {
	if len(list) == 0 && !blank {
		return nil, 0, refuse(Malformed, "outputs", "must not be empty")
	}
	if len(list) > MaxArray {
		return nil, 0, refuse(TooManyOutputs, "outputs", "has %d, at most %d", len(list), MaxArray)
	}
	outputs := make([]Blinded, len(list))
	seen := make(map[[33]byte]bool, len(list))
	var total money.Tiyn
	for i := range list {
		out, err := k.output(&list[i], blank)
		if err != nil {
			return nil, 0, err.at("outputs", i)
		}
		if seen[out.B.Bytes()] {
			return nil, 0, refuse(DuplicateOutput, "B_", "is that of another output").at("outputs", i)
		}
		seen[out.B.Bytes()] = true
		outputs[i] = out
		if total, err = add(total, out.Amount); err != nil {
			return nil, 0, err.at("outputs", i)
		}
		if k.Keys[out.Keyset].Unit != k.Keys[outputs[0].Keyset].Unit {
			return nil, 0, refuse(SeveralUnits, "id", "is of another unit than the first output's").at("outputs", i)
		}
	}
	return outputs, total, nil
}

// output checks one output by itself.
func (k Checker) output(o *Output, blank bool) (out Blinded, _ *Refusal) {
	var err *Refusal
	if blank {
		out.Keyset, err = k.Keys.Find(o.ID)
	} else {
		out.Keyset, out.Index, err = k.denomination(o.ID, o.Amount)
		out.Amount = money.Tiyn(o.Amount)
	}
	if err != nil {
		return out, err
	}
	set := k.Keys[out.Keyset]
	switch {
	case set.Expired(k.Now):
		return out, refuse(ExpiredKeyset, "id", "is a keyset that expired at %d", set.Expiry)
	case !k.signs(out.Keyset):
		return out, refuse(InactiveKeyset, "id", "is a keyset that does not sign now")
	}
	out.B, err = parsePoint("B_", o.B)
	return out, err
}

// Swap checks a swap by itself: notes in, notes out, the same unit and sum (NUT-03).
func (k Checker) Swap(proofs []Proof, outputs []Output) ([]Input, []Blinded, *Refusal) {
	in, paid, err := k.Inputs(proofs, func() []byte { return MessageOf(proofs, outputs, "") })
	if err != nil {
		return nil, nil, err
	}
	out, made, err := k.Outputs(outputs, false)
	if err != nil {
		return nil, nil, err
	}
	if k.Keys[in[0].Keyset].Unit != k.Keys[out[0].Keyset].Unit {
		return nil, nil, refuse(OtherUnit, "outputs", "are of another unit than the inputs")
	}
	if paid != made {
		return nil, nil, refuse(Unbalanced, "outputs", "make %d of inputs of %d", made, paid)
	}
	return in, out, nil
}

// Blanks gives a melt's change to its blank outputs, in the order in which they came; those that get nothing are left
// out. Change that does not fit them refuses the melt: nobody's money is kept for want of outputs.
func (k Checker) Blanks(list []Output, change money.Tiyn) ([]Blinded, *Refusal) {
	blanks, _, err := k.Outputs(list, true)
	if err != nil || change == 0 {
		return nil, err
	}
	if len(blanks) == 0 {
		return nil, refuse(Unbalanced, "inputs",
			"are %d more than the quote's amount, and there is no output for the change", change)
	}
	set := k.Keys[blanks[0].Keyset]
	notes := Split(change, set.Amounts, len(blanks))
	if notes == nil {
		return nil, refuse(Unbalanced, "outputs", "are too few for a change of %d", change)
	}
	blanks = blanks[:len(notes)]
	for i, amount := range notes {
		if blanks[i].Keyset != blanks[0].Keyset {
			return nil, refuse(Unbalanced, "outputs", "of change are of several keysets")
		}
		blanks[i].Amount, blanks[i].Index = amount, set.Index(amount)
	}
	return blanks, nil
}

// ValidInputs says whether all notes are genuine, those of one denomination together: C = k·Y. The refusal names the
// first false one of the first denomination that has one; nothing follows from the order but that.
func (k Keyring) ValidInputs(inputs []Input, entropy io.Reader) *Refusal {
	type pile struct {
		ys, cs []curve.Point
		at     []int
	}
	piles := map[[2]int]*pile{}
	var order [][2]int
	for i, in := range inputs {
		key := [2]int{in.Keyset, in.Index}
		p := piles[key]
		if p == nil {
			p = new(pile)
			piles[key] = p
			order = append(order, key)
		}
		p.ys, p.cs, p.at = append(p.ys, in.Y), append(p.cs, in.C), append(p.at, i)
	}
	for _, key := range order {
		p := piles[key]
		for j, good := range k[key[0]].Signers[key[1]].ValidBatch(p.ys, p.cs, entropy) {
			if !good {
				return refuse(BadProof, "inputs["+strconv.Itoa(p.at[j])+"].C",
					"is not this office's signature on the secret")
			}
		}
	}
	return nil
}

// Signed is an output with its signature.
type Signed struct {
	Blinded
	C     curve.Point
	Proof curve.DLEQ
}

// Sign signs outputs. Nonces and signatures are deterministic: signing again for a restore gives the same.
func (k Keyring) Sign(outputs []Blinded, entropy io.Reader) ([]Signed, error) {
	signed := make([]Signed, len(outputs))
	for i, out := range outputs {
		c, proof, err := k[out.Keyset].Signers[out.Index].Sign(out.B, entropy)
		if err != nil {
			return nil, err
		}
		signed[i] = Signed{out, c, proof}
	}
	return signed, nil
}
