package token_test

import (
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Generators of the kinds of programmable money.
func init() {
	bodies[token.KindSetAgency] = func(t *rapid.T) token.Body {
		return &token.SetAgency{Sequence: anySequence.Draw(t, "sequence"), Agency: anyWallet.Draw(t, "agency"), Name: anyName.Draw(t, "name"),
			Keys: keySet(t), Suspended: rapid.Bool().Draw(t, "suspended")}
	}
	bodies[token.KindRegisterPurpose] = func(t *rapid.T) token.Body {
		return &token.RegisterPurpose{Agency: anyWallet.Draw(t, "agency"), Sequence: anySequence.Draw(t, "sequence"), Purpose: anyPurpose(t)}
	}
	bodies[token.KindVouch] = func(t *rapid.T) token.Body {
		return &token.Vouch{Agency: anyWallet.Draw(t, "agency"), Sequence: anySequence.Draw(t, "sequence"), Wallet: anyWallet.Draw(t, "wallet"),
			As: rapid.StringMatching("[A-Za-z0-9-]{1,12}").Draw(t, "as"), Withdrawn: rapid.Bool().Draw(t, "withdrawn")}
	}
	bodies[token.KindEarmarkedTransfer] = earmarkedTransfer
	bodies[token.KindDefine] = func(t *rapid.T) token.Body {
		return &token.Define{Registrar: anyWallet.Draw(t, "registrar"), Sequence: anySequence.Draw(t, "sequence"),
			Definition: rapid.SliceOfN(anyByte, 1, 300).Draw(t, "definition")}
	}
	bodies[token.KindCreate] = func(t *rapid.T) token.Body {
		assets := rapid.SliceOfNDistinct(rapid.Uint32Range(0, 1000), 1, 4, rapid.ID).Draw(t, "assets")
		inputs, paid := anyPaid(t, len(assets))
		return &token.Create{Creator: anyWallet.Draw(t, "creator"), Definition: token.Hash(bytesOf(t, 32)),
			Parties: rapid.SliceOfN(anyWallet, 1, 8).Draw(t, "parties"), Assets: assets, Terms: anyValues(t), Inputs: inputs, Paid: paid, Document: anyDocument(t)}
	}
	bodies[token.KindAct] = func(t *rapid.T) token.Body {
		inputs, paid := anyPaid(t, rapid.IntRange(1, 4).Draw(t, "assets"))
		return &token.Act{Contract: anyWallet.Draw(t, "contract"), Version: anySequence.Draw(t, "version"), Action: rapid.StringN(1, 6, token.MaxAction).Draw(t, "action"),
			Caller: anyWallet.Draw(t, "caller"), Args: anyValues(t), Inputs: inputs, Paid: paid, Document: anyDocument(t)}
	}
}

func anyDocument(t *rapid.T) *token.Hash {
	if rapid.Bool().Draw(t, "document") {
		return nil
	}
	h := token.Hash(bytesOf(t, 32))
	return &h
}

func anyPaid(t *rapid.T, assets int) ([]token.ID, []money.Tiyn) {
	paid := make([]money.Tiyn, assets)
	if rapid.Bool().Draw(t, "nothing") {
		return nil, paid
	}
	paid[0] = anyAmount.Draw(t, "paid")
	return rapid.SliceOfNDistinct(anyID, 1, 10, rapid.ID).Draw(t, "inputs"), paid
}

func anyValues(t *rapid.T) []token.Value {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) token.Value {
		switch rapid.IntRange(1, 5).Draw(t, "type") {
		case 1:
			return token.Int(rapid.Int64().Draw(t, "int"))
		case 2:
			return token.Bool(rapid.Bool().Draw(t, "bool"))
		case 3:
			return token.Text(rapid.StringN(0, 20, 64).Draw(t, "text"))
		case 4:
			return token.Bytes(rapid.SliceOfN(anyByte, 0, 64).Draw(t, "bytes"))
		}
		return token.Ints(rapid.SliceOfN(rapid.Int64(), 0, 8).Draw(t, "ints"))
	}), 0, 6).Draw(t, "values")
}

func anyPurpose(t *rapid.T) token.Purpose {
	from := rapid.Uint64Range(0, 1<<50).Draw(t, "from")
	p := token.Purpose{
		Name: anyName.Draw(t, "name"), About: rapid.StringN(0, 20, 64).Draw(t, "about"), Earmark: "true",
		MaxPayment: anyAmount.Draw(t, "payment"), MaxTotal: anyAmount.Draw(t, "total"),
		FromMillis: from, UntilMillis: from + rapid.Uint64Range(1, 1<<40).Draw(t, "length"), Hops: rapid.Uint16().Draw(t, "hops"),
		Returns: anyWallet.Draw(t, "returns"), OwnLimits: rapid.Bool().Draw(t, "own"),
	}
	if rapid.Bool().Draw(t, "amendable") {
		p.NoticeMillis, p.Amends = rapid.Uint64Range(0, token.MaxNotice).Draw(t, "notice"), rapid.Uint32Range(0, 9).Draw(t, "amends")
	}
	for range rapid.IntRange(1, 4).Draw(t, "permits") {
		p.Permits = append(p.Permits, token.Permit{When: "amount > 0", Becomes: rapid.Uint32().Draw(t, "becomes")})
	}
	for range rapid.IntRange(0, 3).Draw(t, "contracts") {
		p.Contracts = append(p.Contracts, token.Hash(bytesOf(t, 32)))
	}
	return p
}

func earmarkedTransfer(t *rapid.T) token.Body {
	parties := rapid.SliceOfNDistinct(anyWallet, 1, 5, rapid.ID).Draw(t, "parties")
	m := &token.EarmarkedTransfer{Parties: parties, Inputs: rapid.SliceOfNDistinct(anyID, 1, 10, rapid.ID).Draw(t, "inputs"), Document: anyDocument(t)}
	for party := range parties {
		m.Outputs = append(m.Outputs, token.EarmarkedOutput{Party: party, Amount: anyAmount.Draw(t, "amount"),
			From: rapid.Uint32Range(0, 3).Draw(t, "from"), Becomes: rapid.Uint32Range(0, 3).Draw(t, "becomes")})
	}
	return m
}
