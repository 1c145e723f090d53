package accounting_test

import (
	"math/big"
	"slices"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// reference is the schemes once more, as their definitions say it: in exact fractions, over a plain list of
// what happened, from the beginning each time and without forgetting anything that a definition needs. It
// shares no code with the accounts but the division of left-over satoshi, which is a rule of its own.
type reference struct {
	log     []sharelog.Record
	headers map[int]bitcoin.Hash // of blocks, by the index of their share
}

// refShare is a share that blocks may pay.
type refShare struct {
	index int
	user  uint64
	work  *big.Rat // difficulty
}

func (r *reference) job(number uint64, before int) (*sharelog.Job, int) {
	for i := before - 1; i >= 0; i-- {
		if j, ok := r.log[i].(*sharelog.Job); ok && j.Number == number {
			return j, i
		}
	}
	return nil, 0
}

func (r *reference) scheme(before int) *sharelog.Scheme {
	for i := before - 1; i >= 0; i-- {
		if s, ok := r.log[i].(*sharelog.Scheme); ok {
			return s
		}
	}
	return nil
}

func (r *reference) user(worker uint64) uint64 {
	for _, record := range r.log {
		if w, ok := record.(*sharelog.Worker); ok && w.Number == worker {
			return w.User
		}
	}
	return 0
}

// network is the difficulty of a target: 0xffff · 2^208 over it.
func network(bits uint32) *big.Rat {
	target, _ := bitcoin.TargetOfBits(bits)
	return new(big.Rat).SetFrac(new(big.Int).Lsh(big.NewInt(0xffff), 208), target.Big())
}

func difficulty(s *sharelog.Share) *big.Rat {
	return new(big.Rat).SetFrac(new(big.Int).SetUint64(s.Difficulty.N), new(big.Int).Lsh(big.NewInt(1), uint(s.Difficulty.K)))
}

// shares are those before an index that a block may pay.
func (r *reference) shares(before int) (shares []refShare) {
	for i := range before {
		if s, ok := r.log[i].(*sharelog.Share); ok && !payout.PerShare(r.scheme(i).Name) {
			shares = append(shares, refShare{i, r.user(s.Worker), difficulty(s)})
		}
	}
	return shares
}

// standing tells whether a block's last status in the log before an index is not an orphan's.
func (r *reference) standing(block, before int) bool {
	stands := true
	for i := block; i < before; i++ {
		if s, ok := r.log[i].(*sharelog.Status); ok && s.Hash == r.headers[block] {
			switch s.Status {
			case sharelog.StatusConfirmed:
				if stands {
					return true // for good
				}
			case sharelog.StatusOrphaned:
				stands = false
			case sharelog.StatusRestored:
				stands = true
			}
		}
	}
	return stands
}

// terms are where a block's split is fixed, and by which scheme.
func (r *reference) terms(block int) (scheme *sharelog.Scheme, position int, j *sharelog.Job) {
	j, at := r.job(r.log[block].(*sharelog.Share).Job, block)
	if of := r.scheme(at); of.InCoinbase {
		return of, int(j.Position), j
	}
	return r.scheme(block), block + 1, j
}

// paidBefore are the shares that blocks which stand at a position have paid under PROP.
func (r *reference) paidBefore(position int) map[int]bool {
	paid := map[int]bool{}
	for i := range min(position, len(r.log)) {
		if s, ok := r.log[i].(*sharelog.Share); ok && s.SolvesBlock && r.standing(i, position) {
			for index := range r.roundOf(i) {
				paid[index] = true
			}
		}
	}
	return paid
}

// roundOf is the entries that a block's round has taken: those before its position that no block has taken that
// stood when its split was fixed.
func (r *reference) roundOf(block int) map[int]bool {
	_, position, _ := r.terms(block)
	taken := r.paidBefore(min(position, block))
	if position > block { // fixed at the block itself: what stood just before it
		taken = r.paidBefore(block)
	}
	round := map[int]bool{}
	for i := range position {
		if !taken[i] {
			round[i] = true
		}
	}
	return round
}

// credits are a block's, by the definitions.
func (r *reference) credits(block int) map[uint64]money.Satoshi {
	scheme, position, j := r.terms(block)
	sums := map[uint64]*big.Rat{}
	add := func(user uint64, work *big.Rat) {
		if sums[user] == nil {
			sums[user] = new(big.Rat)
		}
		sums[user].Add(sums[user], work)
	}
	switch scheme.Name {
	case payout.PPLNS, payout.TIDES:
		multiple := map[string]int64{payout.PPLNS: 2, payout.TIDES: 8}[scheme.Name]
		left := new(big.Rat).Mul(network(j.Bits), big.NewRat(multiple, 1))
		for _, s := range slices.Backward(r.shares(position)) {
			part := s.work
			if part.Cmp(left) > 0 {
				part = left
			}
			if part.Sign() > 0 {
				add(s.user, part)
			}
			left = new(big.Rat).Sub(left, part)
		}
	case payout.PROP:
		round := r.roundOf(block)
		for _, s := range r.shares(position) {
			if round[s.index] {
				add(s.user, s.work)
			}
		}
	case payout.SOLO:
		add(r.user(r.log[block].(*sharelog.Share).Worker), big.NewRat(1, 1))
	}
	return divide(j.CoinbaseValue, scheme.FeePPM, sums)
}

// divide gives each the whole satoshi of its part, and those left over to the largest fractions, the lower
// user first.
func divide(total money.Satoshi, feePPM uint64, sums map[uint64]*big.Rat) map[uint64]money.Satoshi {
	if len(sums) == 0 {
		return map[uint64]money.Satoshi{0: total}
	}
	fee := money.Satoshi(new(big.Int).Quo(new(big.Int).Mul(big.NewInt(int64(total)), new(big.Int).SetUint64(feePPM)), big.NewInt(1_000_000)).Int64())
	all := new(big.Rat)
	var users []uint64
	for user, sum := range sums {
		all.Add(all, sum)
		users = append(users, user)
	}
	credits := map[uint64]money.Satoshi{}
	fraction := map[uint64]*big.Rat{}
	left := total - fee
	for user, sum := range sums {
		exact := new(big.Rat).Mul(new(big.Rat).SetInt64(int64(total-fee)), new(big.Rat).Quo(sum, all))
		whole := new(big.Int).Quo(exact.Num(), exact.Denom())
		credits[user] = money.Satoshi(whole.Int64())
		fraction[user] = new(big.Rat).Sub(exact, new(big.Rat).SetInt(whole))
		left -= credits[user]
	}
	slices.SortFunc(users, func(x, y uint64) int {
		if c := fraction[y].Cmp(fraction[x]); c != 0 {
			return c
		}
		return int(x) - int(y)
	})
	for _, user := range users[:left] {
		credits[user]++
	}
	if fee > 0 {
		credits[0] += fee
	}
	return credits
}

// perShare is what PPS and FPPS have earned each user exactly, up to the last entry that settles.
func (r *reference) perShare() map[uint64]money.Satoshi {
	booked := map[uint64]money.Satoshi{}
	exact := map[uint64]*big.Rat{}
	for i, record := range r.log {
		switch s := record.(type) {
		case *sharelog.Share:
			scheme := r.scheme(i)
			if !payout.PerShare(scheme.Name) {
				continue
			}
			j, _ := r.job(s.Job, i)
			rate := j.CoinbaseValue - j.Fees
			if scheme.Name == payout.FPPS {
				rate += j.MeanFees
			}
			user := r.user(s.Worker)
			if exact[user] == nil {
				exact[user] = new(big.Rat)
			}
			earned := new(big.Rat).Quo(new(big.Rat).Mul(difficulty(s), new(big.Rat).SetInt64(int64(rate))), network(j.Bits))
			exact[user].Add(exact[user], earned.Mul(earned, big.NewRat(1_000_000-int64(scheme.FeePPM), 1_000_000)))
		case *sharelog.Job, *sharelog.Scheme:
			if i > 0 && payout.PerShare(r.scheme(i).Name) {
				for user, sum := range exact {
					booked[user] = money.Satoshi(new(big.Int).Quo(sum.Num(), sum.Denom()).Int64())
				}
			}
		}
	}
	return booked
}
