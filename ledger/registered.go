package ledger

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/aqsha/aqsha/token"
)

// What stands registered: purposes and definitions.

// Purpose is a purpose's record, for the executor to count in; nil for plain, unknown and dropped numbers.
func (p *Programs) Purpose(number uint32) *Purpose { return p.purposes[number] }

// AddPurpose registers a purpose under the next number. One that amends another is noted there; where it lasts longer,
// so does the money of all that it amends.
func (p *Programs) AddPurpose(purpose Purpose) (number uint32) {
	p.PutPurpose(p.lastNumber+1, purpose)
	return p.lastNumber
}

// PutPurpose is AddPurpose under a number after the last: of a state that is read back, where those between were
// dropped.
func (p *Programs) PutPurpose(number uint32, purpose Purpose) {
	p.purposes[number], p.lastNumber = &purpose, number
	p.numbers = append(p.numbers, number)
	p.purposesOf[purpose.Agency] = append(p.purposesOf[purpose.Agency], number)
	if old := p.Purpose(purpose.Amends); old != nil {
		old.AmendedBy = number
	}
	for old := p.Purpose(purpose.Amends); old != nil; old = p.Purpose(old.Amends) {
		old.UntilMillis = max(old.UntilMillis, purpose.UntilMillis)
	}
}

// RemovePurpose drops a purpose. Its number is never given again.
func (p *Programs) RemovePurpose(number uint32) {
	purpose := p.purposes[number]
	if old := p.Purpose(purpose.Amends); old != nil {
		old.AmendedBy = 0
	}
	delete(p.purposes, number)
	p.numbers = without(p.numbers, number)
	if of := without(p.purposesOf[purpose.Agency], number); len(of) > 0 {
		p.purposesOf[purpose.Agency] = of
	} else {
		delete(p.purposesOf, purpose.Agency)
	}
}

// without takes a number out of an ascending list, in place.
func without(numbers []uint32, number uint32) []uint32 {
	if at, found := slices.BinarySearch(numbers, number); found {
		return slices.Delete(numbers, at, at+1)
	}
	return numbers
}

// Purposes is the last number that was given. Those that stand are at most it.
func (p *Programs) Purposes() int { return int(p.lastNumber) }

// PurposesOf lists the numbers of an agency's purposes, in order. It is not to be changed.
func (p *Programs) PurposesOf(agency token.WalletID) []uint32 { return p.purposesOf[agency] }

// PurposesAfter lists at most so many numbers of purposes that come after one, in order.
func (p *Programs) PurposesAfter(number uint32, most int) []uint32 {
	from, known := slices.BinarySearch(p.numbers, number)
	if known {
		from++
	}
	return slices.Clone(p.numbers[from:min(len(p.numbers), from+most)])
}

// PurposeNumbers lists the numbers of all purposes, in order.
func (p *Programs) PurposeNumbers() []uint32 { return slices.Clone(p.numbers) }

// Holding says whether a live contract has a purpose among its assets.
func (p *Programs) Holding(number uint32) bool { return p.holding[number] > 0 }

// Definition is the encoding of a registered definition.
func (p *Programs) Definition(id token.Hash) ([]byte, bool) {
	d, ok := p.definitions[id]
	return d, ok
}

// AddDefinition registers a definition. by is empty for one that came under rules before version 5.
func (p *Programs) AddDefinition(id token.Hash, encoded []byte, by Registered) {
	p.definitions[id] = encoded
	if at, known := slices.BinarySearchFunc(p.defined, id, compareHashes); !known {
		p.defined = slices.Insert(p.defined, at, id)
	}
	if by.Sequence == 0 {
		return
	}
	p.registered[id] = by
	of := p.definedBy[by.Registrar]
	at, known := slices.BinarySearchFunc(of, by.Sequence, func(id token.Hash, sequence uint64) int {
		return cmp.Compare(p.registered[id].Sequence, sequence)
	})
	if !known || of[at] != id {
		p.definedBy[by.Registrar] = slices.Insert(of, at, id)
	}
}

// RemoveDefinition drops a definition, whose registrar is known.
func (p *Programs) RemoveDefinition(id token.Hash) {
	delete(p.definitions, id)
	if at, known := slices.BinarySearchFunc(p.defined, id, compareHashes); known {
		p.defined = slices.Delete(p.defined, at, at+1)
	}
	by := p.registered[id]
	delete(p.registered, id)
	of := p.definedBy[by.Registrar]
	if of = slices.DeleteFunc(of, func(other token.Hash) bool { return other == id }); len(of) > 0 {
		p.definedBy[by.Registrar] = of
	} else {
		delete(p.definedBy, by.Registrar)
	}
}

// Registered says who registered a definition.
func (p *Programs) Registered(id token.Hash) Registered { return p.registered[id] }

// DefinitionsOf lists a registrar's definitions in the order in which they came. It is not to be changed.
func (p *Programs) DefinitionsOf(registrar token.WalletID) []token.Hash {
	return p.definedBy[registrar]
}

// Instances is how many live contracts are of a definition.
func (p *Programs) Instances(id token.Hash) int { return p.instances[id] }

// Definitions lists the ids of all definitions, in order.
func (p *Programs) Definitions() []token.Hash { return slices.Clone(p.defined) }

// DefinitionsAfter lists at most so many ids of definitions that come after one, in order.
func (p *Programs) DefinitionsAfter(id token.Hash, most int) []token.Hash {
	from, known := slices.BinarySearchFunc(p.defined, id, compareHashes)
	if known {
		from++
	}
	return slices.Clone(p.defined[from:min(len(p.defined), from+most)])
}

func compareHashes(a, b token.Hash) int { return bytes.Compare(a[:], b[:]) }
