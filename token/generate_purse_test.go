package token_test

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// aside draws what is set aside for purses, at times nothing.
func aside(t *rapid.T) (inputs []token.ID, amount, change money.Tiyn) {
	if rapid.IntRange(0, 3).Draw(t, "nothing") == 0 {
		return nil, 0, 0
	}
	return rapid.SliceOfNDistinct(anyID, 1, 5, rapid.ID).Draw(t, "inputs"), anyAmount.Draw(t, "set aside"),
		money.Tiyn(rapid.Int64Range(0, 1<<40).Draw(t, "change"))
}

func octets(t *rapid.T, least, most int) token.Octets {
	return bytesOf(t, rapid.IntRange(least, most).Draw(t, "size"))
}

func init() {
	bodies[token.KindBondPurses] = func(t *rapid.T) token.Body {
		b := &token.BondPurses{Intermediary: anyWallet.Draw(t, "intermediary"),
			Sequence: anySequence.Draw(t, "sequence")}
		b.Certifier, _ = keyAndRecovery(t)
		b.Inputs, b.Amount, b.Change = aside(t)
		return b
	}
	bodies[token.KindOpenPurse] = func(t *rapid.T) token.Body {
		b := &token.OpenPurse{Intermediary: anyWallet.Draw(t, "intermediary"),
			Sequence: anySequence.Draw(t, "sequence"),
			Owner:    anyWallet.Draw(t, "owner"), Class: rapid.Byte().Draw(t, "class"),
			Limits: token.PurseLimits{Payment: anyAmount.Draw(t, "payment"), Offline: anyAmount.Draw(t, "offline"),
				Hops: rapid.Byte().Draw(t, "hops"), AgeHours: rapid.Uint16().Draw(t, "age")},
			ExpiryMillis: rapid.Uint64Range(0, token.MaxValidUntil).Draw(t, "expiry")}
		b.Key, _ = keyAndRecovery(t)
		if rapid.Bool().Draw(t, "sealed") {
			b.Sealed = octets(t, 1, token.MaxSealed)
		}
		b.Inputs, b.Deposit, b.Change = aside(t)
		return b
	}
	bodies[token.KindFundPurse] = func(t *rapid.T) token.Body {
		return &token.FundPurse{From: anyWallet.Draw(t, "from"), Purse: anyWallet.Draw(t, "purse"),
			Amount: anyAmount.Draw(t, "amount"),
			Inputs: rapid.SliceOfNDistinct(anyID, 1, 5, rapid.ID).Draw(t, "inputs"),
			Change: money.Tiyn(rapid.Int64Range(0, 1<<40).Draw(t, "change"))}
	}
	bodies[token.KindSettlePurses] = func(t *rapid.T) token.Body {
		b := &token.SettlePurses{}
		for i := range rapid.IntRange(1, token.MaxPurseLinks).Draw(t, "links") {
			b.Links = append(b.Links, append(token.Octets{byte(i)}, octets(t, 0, token.MaxPurseLink-1)...))
		}
		return b
	}
	bodies[token.KindConvictPurse] = func(t *rapid.T) token.Body {
		return &token.ConvictPurse{Conviction: octets(t, 1, token.MaxConviction)}
	}
	bodies[token.KindClosePurse] = func(t *rapid.T) token.Body {
		return &token.ClosePurse{Purse: anyWallet.Draw(t, "purse")}
	}
	bodies[token.KindAnnounceOpeners] = func(t *rapid.T) token.Body {
		b := &token.AnnounceOpeners{Sequence: anySequence.Draw(t, "sequence"),
			Members: rapid.Uint8Range(1, token.MaxOpeners).Draw(t, "members")}
		for range rapid.IntRange(1, int(b.Members)).Draw(t, "threshold") {
			b.Commitments = append(b.Commitments, token.Hash(octets(t, 32, 32)))
		}
		return b
	}
	bodies[token.KindOpenName] = func(t *rapid.T) token.Body {
		b := &token.OpenName{Purse: anyWallet.Draw(t, "purse"), Number: rapid.Uint32().Draw(t, "number"),
			Case:  token.Hash(octets(t, 32, 32)),
			Asker: token.Hash(octets(t, 32, 32)), Proof: octets(t, 64, 64)}
		for i := range rapid.IntRange(1, token.MaxOpeners).Draw(t, "shares") {
			b.Shares = append(b.Shares, token.NameShare{Opener: uint8(i + 1), Point: token.Hash(octets(t, 32, 32)),
				Proof: octets(t, 64, 64)})
		}
		return b
	}
	bodies[token.KindSetValidators] = func(t *rapid.T) token.Body {
		b := &token.SetValidators{Sequence: anySequence.Draw(t, "sequence"),
			Reason: rapid.StringMatching("[ -~]{0,64}").Draw(t, "reason")}
		for i := range rapid.IntRange(1, token.MaxValidators).Draw(t, "validators") {
			v := token.Validator{Name: fmt.Sprintf("%s-%d", rapid.StringMatching("[!-~]{1,8}").Draw(t, "name"), i)}
			v.Vote, v.Checkpoint = keyNamed(fmt.Sprint("vote", i)).Public(),
				keyNamed(fmt.Sprint("checkpoint", i)).Public()
			copy(v.Peer[:], octets(t, token.PeerBytes, token.PeerBytes))
			v.Peer[0] = byte(i)
			b.Validators = append(b.Validators, v)
		}
		return b
	}
}
