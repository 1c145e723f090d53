package livestate

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// earmarks are the live tokens of one purpose, in buckets by the first twelve bits of the id. When the purpose
// ends they are wanted in order of their ids: a bucket is sorted when its turn comes, so that a
// million tokens that end together hold nobody up.
//
// Invariants: live and count are the sum and number of the tokens in all buckets; a token's place is its index in its
// bucket's slots; no bucket before from has any. earmark, unmark and least keep them.
type earmarks struct {
	live    money.Tiyn
	count   int
	buckets [256]*[bucketsEach]bucket // made when first used
	from    int                       // buckets before it are empty
}

const bucketsEach = 16

// place is the number of an id's bucket. Buckets are in the order of ids, so that the first that is not empty has the
// least.
func place(id token.ID) int { return int(id[0])*bucketsEach + int(id[1]>>4) }

// bucket is a bucket by its number, made with its group when it is first wanted.
func (m *earmarks) bucket(n int) *bucket {
	group := &m.buckets[n/bucketsEach]
	if *group == nil {
		*group = new([bucketsEach]bucket)
	}
	return &(*group)[n%bucketsEach]
}

// bucket holds slots of tokens. Adding and removing leave it unsorted, in constant time; sorting is paid once by
// whoever asks for the least.
type bucket struct {
	slots  []uint32
	sorted bool // the least id last
}

// AddPurpose registers a purpose under the next number.
func (s *State) AddPurpose(p ledger.Purpose) (number uint32) {
	number = uint32(s.Purposes()) + 1
	s.PutPurpose(number, p)
	return number
}

// PutPurpose registers a purpose under a number after the last.
func (s *State) PutPurpose(number uint32, p ledger.Purpose) {
	s.Programs.PutPurpose(number, p)
	s.earmarks[number] = &earmarks{}
	at, _ := slices.BinarySearchFunc(s.expiries, p.UntilMillis+1, func(n uint32, until uint64) int {
		if s.Purpose(n).UntilMillis < until {
			return -1
		}
		return 1
	})
	s.expiries = slices.Insert(s.expiries, at, number)
	if p.Amends != 0 { // those that it amends may end later now
		slices.SortStableFunc(s.expiries,
			func(a, b uint32) int { return cmp.Compare(s.Purpose(a).UntilMillis, s.Purpose(b).UntilMillis) })
	}
}

// RemovePurpose drops a purpose that no token carries. The executor drops none of which money is live
// (ledger.Executor.roomForPurpose).
func (s *State) RemovePurpose(number uint32) {
	s.expiries = slices.DeleteFunc(s.expiries, func(n uint32) bool { return n == number })
	delete(s.earmarks, number)
	s.Programs.RemovePurpose(number)
}

// earmark enters a token, which is linked to its owner already, among those of its purpose.
func (s *State) earmark(id token.ID, slot uint32, r *tokenRow, purpose uint32, wallet token.WalletID) {
	m := s.earmarks[purpose]
	n := place(id)
	b := m.bucket(n)
	r.place = uint32(len(b.slots))
	b.slots, b.sorted = append(b.slots, slot), false
	m.live += r.amount
	m.count++
	m.from = min(m.from, n)
	if s.Purpose(purpose).OwnLimits {
		s.apart[wallet] += r.amount
	}
}

// unmark takes a removed token out, if it carried a purpose. The last of the bucket takes its place, so that nothing is
// shifted; only where it was the last itself does the order stay. Its wallet must be there still.
func (s *State) unmark(id token.ID, r tokenRow) {
	purpose := s.assets.values[r.asset].Purpose
	if purpose == 0 {
		return
	}
	m, wallet := s.earmarks[purpose], s.wallets.at(r.wallet).key
	b := m.bucket(place(id))
	last := len(b.slots) - 1
	if moved := b.slots[last]; int(r.place) != last {
		b.slots[r.place], b.sorted = moved, false
		s.tokens.at(moved).value.place = r.place
	}
	b.slots = b.slots[:last]
	m.live -= r.amount
	m.count--
	if s.Purpose(purpose).OwnLimits {
		if s.apart[wallet] -= r.amount; s.apart[wallet] == 0 {
			delete(s.apart, wallet)
		}
	}
}

// NextExpired is the live token with the least (end of its purpose, id), of purposes that end at now or before.
// Purposes without tokens are passed over one by one; the executor asks once for each token that returns.
func (s *State) NextExpired(now uint64) (id token.ID, found bool) {
	until := now
	for _, number := range s.expiries {
		if s.Purpose(number).UntilMillis > until {
			break
		}
		if s.earmarks[number].count == 0 {
			continue
		}
		until = s.Purpose(number).UntilMillis // those that end in the same millisecond are compared by id
		if least := s.least(s.earmarks[number]); !found || bytes.Compare(least[:], id[:]) < 0 {
			id, found = least, true
		}
	}
	return id, found
}

// AnyExpired says whether any money is to return.
func (s *State) AnyExpired(now uint64) bool {
	for _, number := range s.expiries {
		if s.Purpose(number).UntilMillis > now {
			break
		}
		if s.earmarks[number].count > 0 {
			return true
		}
	}
	return false
}

// least is the token of a purpose with the least id; there is one.
func (s *State) least(m *earmarks) token.ID {
	for len(m.bucket(m.from).slots) == 0 {
		m.from++
	}
	b := m.bucket(m.from)
	if !b.sorted {
		slices.SortFunc(b.slots, func(x, y uint32) int {
			return bytes.Compare(s.tokens.at(y).key[:], s.tokens.at(x).key[:])
		})
		for place, slot := range b.slots {
			s.tokens.at(slot).value.place = uint32(place)
		}
		b.sorted = true
	}
	return s.tokens.at(b.slots[len(b.slots)-1]).key
}

// LiveOf is the sum of live tokens marked with a purpose.
func (s *State) LiveOf(purpose uint32) money.Tiyn {
	if m := s.earmarks[purpose]; m != nil {
		return m.live
	}
	return 0
}

// Apart is how much of a wallet's balance carries purposes that do not count to limits.
func (s *State) Apart(wallet token.WalletID) money.Tiyn { return s.apart[wallet] }

// Earmarked is how many live tokens carry a purpose.
func (s *State) Earmarked(purpose uint32) int {
	if m := s.earmarks[purpose]; m != nil {
		return m.count
	}
	return 0
}
