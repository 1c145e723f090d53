package token_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Generators of every kind of transaction that obeys the rules of form.

func keyNamed(name string) token.PrivateKey {
	return token.NewPrivateKey(sha256.Sum256([]byte("token test key " + name)))
}

// pool is where generated keys come from; making one costs too much to draw it freely.
var pool = func() (keys []token.PrivateKey) {
	for i := range 12 {
		keys = append(keys, keyNamed(fmt.Sprint(i)))
	}
	return keys
}()

var (
	anyByte     = rapid.Byte()
	anySequence = rapid.Uint64Range(0, 1<<63-1)
	anyAmount   = rapid.Custom(func(t *rapid.T) money.Tiyn { return money.Tiyn(rapid.Int64Range(1, 1<<40).Draw(t, "amount")) })
	anyCase     = rapid.StringN(1, 16, token.MaxCase)
	anyName     = rapid.StringN(1, 16, token.MaxName)
)

func bytesOf(t *rapid.T, n int) []byte { return rapid.SliceOfN(anyByte, n, n).Draw(t, "bytes") }

var anyWallet = rapid.Custom(func(t *rapid.T) token.WalletID { return token.WalletID(bytesOf(t, 16)) })

var anyID = rapid.Custom(func(t *rapid.T) token.ID { return token.ID(bytesOf(t, 32)) })

// distinctKeys draws public keys that differ.
func distinctKeys(t *rapid.T, min, max int) []token.PublicKey {
	perm := rapid.Permutation(pool).Draw(t, "keys")
	keys := make([]token.PublicKey, rapid.IntRange(min, max).Draw(t, "count"))
	for i := range keys {
		keys[i] = perm[i].Public()
	}
	return keys
}

func keyAndRecovery(t *rapid.T) (key, recovery token.PublicKey) {
	keys := distinctKeys(t, 1, 2)
	if len(keys) == 2 {
		recovery = keys[1]
	}
	return keys[0], recovery
}

func keySet(t *rapid.T) token.KeySet {
	keys := distinctKeys(t, 1, 6)
	return token.KeySet{Threshold: uint8(rapid.IntRange(1, len(keys)).Draw(t, "threshold")), Keys: keys}
}

var anyAttributes = rapid.Custom(func(t *rapid.T) token.Attributes {
	return token.Attributes{
		Category: rapid.Uint16Range(0, 9999).Draw(t, "category"),
		Region:   rapid.StringMatching(`[A-Z0-9-]{0,6}`).Draw(t, "region"),
		Role:     rapid.StringMatching(`[a-z0-9-]{0,12}`).Draw(t, "role"),
	}
})

var anyAsset = rapid.Custom(func(t *rapid.T) token.Asset {
	return token.Asset{
		Issuer:  rapid.Uint32().Draw(t, "issuer"),
		Unit:    rapid.Uint16Range(0, 999).Draw(t, "unit"),
		Purpose: rapid.Uint32().Draw(t, "purpose"),
	}
})

var anyMemo = rapid.Custom(func(t *rapid.T) token.Memo {
	switch rapid.IntRange(0, 3).Draw(t, "scheme") {
	case 1:
		return token.Plain(rapid.StringN(1, 40, token.MaxMemo).Draw(t, "text"))
	case 2:
		return token.Memo{Scheme: token.EncryptedMemo, Bytes: bytesOf(t, rapid.IntRange(1, token.MaxEncryptedMemo).Draw(t, "size"))}
	case 3:
		return token.Memo{Scheme: token.HashedMemo, Bytes: bytesOf(t, 32)}
	}
	return token.Memo{}
})

func anyPolicy(t *rapid.T) token.Policy {
	limit := rapid.Int64Range(0, 1<<50)
	p := token.Policy{
		LeastToken:       money.Tiyn(rapid.Int64Range(1, 1_000_000).Draw(t, "least")),
		MaxInputs:        rapid.IntRange(2, token.MaxInputs).Draw(t, "inputs"),
		MaxOutputs:       rapid.IntRange(2, token.MaxOutputs).Draw(t, "outputs"),
		DayOffsetMillis:  rapid.Uint64Range(0, 86_400_000).Draw(t, "offset"),
		ValidAheadMillis: rapid.Uint64Range(1000, 3_600_000).Draw(t, "ahead"),
		RekeyDelayMillis: rapid.Uint64Range(1000, 30*86_400_000).Draw(t, "delay"),
		SnapshotEvery:    rapid.Uint64Range(1, 1<<40).Draw(t, "snapshot"),
	}
	if rapid.Bool().Draw(t, "shares") {
		p.DefinitionsEach = rapid.Uint32Range(0, token.MaxShare).Draw(t, "definitions")
		p.PurposesEach = rapid.Uint32Range(0, token.MaxShare).Draw(t, "purposes")
	}
	if rapid.Bool().Draw(t, "cash") {
		p.MaxReserveDay, p.MaxReserve = money.Tiyn(limit.Draw(t, "reserve a day")), money.Tiyn(limit.Draw(t, "reserve"))
		p.ExpiredCash = anyWallet.Draw(t, "expired")
	}
	for range rapid.IntRange(1, 4).Draw(t, "tiers") {
		p.Tiers = append(p.Tiers, token.Tier{
			Name: anyName.Draw(t, "name"), MaxPayment: money.Tiyn(limit.Draw(t, "payment")), MaxDay: money.Tiyn(limit.Draw(t, "day")),
			MaxBalance: money.Tiyn(limit.Draw(t, "balance")), PaymentsPerDay: rapid.Uint32().Draw(t, "payments"),
		})
	}
	return p
}

func transfer(t *rapid.T) token.Body {
	b := &token.Transfer{
		Parties: rapid.SliceOfNDistinct(anyWallet, 1, 20, rapid.ID).Draw(t, "parties"),
		Inputs:  rapid.SliceOfNDistinct(anyID, 1, 20, rapid.ID).Draw(t, "inputs"),
		Memo:    anyMemo.Draw(t, "memo"),
	}
	b.Payers = rapid.IntRange(1, len(b.Parties)).Draw(t, "payers")
	for party := range b.Parties { // everybody but the payers must be paid
		if party < b.Payers && rapid.Bool().Draw(t, "skip") && (party < len(b.Parties)-1 || len(b.Outputs) > 0) {
			continue
		}
		o := token.Output{Party: party, Amount: anyAmount.Draw(t, "amount")}
		if rapid.Bool().Draw(t, "marked") {
			o.Asset = anyAsset.Draw(t, "asset")
		}
		b.Outputs = append(b.Outputs, o)
	}
	if len(b.Outputs) == 0 {
		b.Outputs = []token.Output{{Party: 0, Amount: 1}}
	}
	return b
}

func propose(t *rapid.T) token.Body {
	b := &token.Propose{By: token.RolePolicy, Sequence: anySequence.Draw(t, "sequence")}
	switch rapid.IntRange(0, 4).Draw(t, "change") {
	case 4:
		policy := anyPolicy(t)
		b.Change.Policy = &policy
	case 3:
		b.By, b.Change.Rules, b.Change.Height = token.RoleRoot, rapid.Uint32Range(1, 1<<32-1).Draw(t, "rules"), rapid.Uint64Range(1, token.MaxHeight).Draw(t, "height")
	case 0:
		set := keySet(t)
		b.Change = token.Change{Set: token.Role(rapid.IntRange(1, 4).Draw(t, "set")), Keys: &set}
		b.By = rapid.SampledFrom([]token.Role{token.RoleRoot, b.Change.Set}).Draw(t, "by")
	case 1:
		b.Change.DailyCap = anyAmount.Draw(t, "cap")
	default:
		b.Change.DelayMillis = rapid.Uint64Range(token.MinDelayMillis, token.MaxDelayMillis).Draw(t, "delay")
	}
	return b
}

// bodies makes a body of each kind.
var bodies = map[token.Kind]func(t *rapid.T) token.Body{
	token.KindTransfer: transfer,
	token.KindIssue: func(t *rapid.T) token.Body {
		return &token.Issue{Sequence: anySequence.Draw(t, "sequence"), To: anyWallet.Draw(t, "to"), Amounts: rapid.SliceOfN(anyAmount, 1, 30).Draw(t, "amounts")}
	},
	token.KindRedeem: func(t *rapid.T) token.Body {
		return &token.Redeem{From: anyWallet.Draw(t, "from"), Inputs: rapid.SliceOfNDistinct(anyID, 1, 30, rapid.ID).Draw(t, "inputs"),
			Amount: anyAmount.Draw(t, "amount"), Change: anyAmount.Draw(t, "change") - 1}
	},
	token.KindRegister: func(t *rapid.T) token.Body {
		key, recovery := keyAndRecovery(t)
		return &token.Register{Registrar: anyWallet.Draw(t, "registrar"), Sequence: anySequence.Draw(t, "sequence"), Key: key, Recovery: recovery,
			Tier: anyByte.Draw(t, "tier"), Attributes: anyAttributes.Draw(t, "attributes")}
	},
	token.KindUpdate: func(t *rapid.T) token.Body {
		return &token.Update{Wallet: anyWallet.Draw(t, "wallet"), Version: anySequence.Draw(t, "version"), Tier: anyByte.Draw(t, "tier"), Attributes: anyAttributes.Draw(t, "attributes")}
	},
	token.KindRekey: func(t *rapid.T) token.Body {
		key, recovery := keyAndRecovery(t)
		by := rapid.SampledFrom([]token.Role{token.RoleIntermediary, token.RoleWallet, token.RoleRecovery, token.RoleEnforcement, token.RoleIssue}).Draw(t, "by")
		return &token.Rekey{Wallet: anyWallet.Draw(t, "wallet"), Version: anySequence.Draw(t, "version"), By: by, Key: key, Recovery: recovery}
	},
	token.KindCancelRekey: func(t *rapid.T) token.Body {
		return &token.CancelRekey{Wallet: anyWallet.Draw(t, "wallet"), Version: anySequence.Draw(t, "version")}
	},
	token.KindClose: func(t *rapid.T) token.Body {
		return &token.Close{Wallet: anyWallet.Draw(t, "wallet"), Version: anySequence.Draw(t, "version"),
			By: rapid.SampledFrom([]token.Role{token.RoleIntermediary, token.RoleWallet, token.RoleIssue}).Draw(t, "by")}
	},
	token.KindCancel: func(t *rapid.T) token.Body {
		return &token.Cancel{Wallet: anyWallet.Draw(t, "wallet"), Version: anySequence.Draw(t, "version"),
			By: rapid.SampledFrom([]token.Role{token.RoleWallet, token.RoleRecovery, token.RoleIssue}).Draw(t, "by")}
	},
	token.KindRelease: func(t *rapid.T) token.Body {
		r := &token.Release{For: anyWallet.Filter(func(id token.WalletID) bool { return id != token.WalletID{} }).Draw(t, "for"), By: rapid.SampledFrom([]token.Role{token.RoleWallet, token.RoleRecovery, token.RoleEnforcement}).Draw(t, "by"),
			Inputs: rapid.SliceOfNDistinct(anyID, 1, 30, rapid.ID).Draw(t, "inputs"), Amount: anyAmount.Draw(t, "amount"), Change: anyAmount.Draw(t, "change") - 1,
			To: anyWallet.Draw(t, "to")}
		if r.Held = token.HeldFor(r.For); rapid.Bool().Draw(t, "suspense") {
			r.Held, r.For, r.By = anyWallet.Draw(t, "held"), token.WalletID{}, token.RoleEnforcement
		}
		if r.To == r.Held { // where it lies
			r.To[0] ^= 1
		}
		return r
	},
	token.KindFreeze: func(t *rapid.T) token.Body {
		return &token.Freeze{Wallet: anyWallet.Draw(t, "wallet"), Version: anySequence.Draw(t, "version"),
			Mode: token.FreezeMode(rapid.IntRange(1, 2).Draw(t, "mode")), Case: anyCase.Draw(t, "case")}
	},
	token.KindUnfreeze: func(t *rapid.T) token.Body {
		return &token.Unfreeze{Wallet: anyWallet.Draw(t, "wallet"), Version: anySequence.Draw(t, "version"), Case: anyCase.Draw(t, "case")}
	},
	token.KindSeize: func(t *rapid.T) token.Body {
		return &token.Seize{Wallet: anyWallet.Draw(t, "wallet"), Inputs: rapid.SliceOfNDistinct(anyID, 1, 30, rapid.ID).Draw(t, "inputs"),
			Amount: anyAmount.Draw(t, "amount"), Change: anyAmount.Draw(t, "change") - 1, Court: anyWallet.Draw(t, "court"), Case: anyCase.Draw(t, "case")}
	},
	token.KindAdmit: func(t *rapid.T) token.Body {
		key, _ := keyAndRecovery(t)
		return &token.Admit{Sequence: anySequence.Draw(t, "sequence"), Name: anyName.Draw(t, "name"), Keys: keySet(t), Treasury: key}
	},
	token.KindSuspend: func(t *rapid.T) token.Body {
		return &token.Suspend{Sequence: anySequence.Draw(t, "sequence"), Intermediary: anyWallet.Draw(t, "intermediary"), Suspended: rapid.Bool().Draw(t, "suspended")}
	},
	token.KindMove: func(t *rapid.T) token.Body {
		ends := rapid.SliceOfNDistinct(anyWallet, 2, 2, rapid.ID).Draw(t, "ends")
		return &token.Move{Sequence: anySequence.Draw(t, "sequence"), From: ends[0], To: ends[1], Wallets: rapid.SliceOfNDistinct(anyWallet, 1, 30, rapid.ID).Draw(t, "wallets")}
	},
	token.KindSetPolicy: func(t *rapid.T) token.Body {
		return &token.SetPolicy{Sequence: anySequence.Draw(t, "sequence"), Policy: anyPolicy(t)}
	},
	token.KindPropose: propose,
	token.KindAnnounceKeyset: func(t *rapid.T) token.Body {
		b := &token.AnnounceKeyset{Sequence: anySequence.Draw(t, "sequence"), Unit: rapid.StringMatching("[a-z]{1,8}").Draw(t, "unit"),
			From: rapid.Uint64Range(0, 1<<38).Draw(t, "from"), Origin: rapid.StringMatching("[!-~]{1,128}").Draw(t, "origin"), LogKey: rapid.StringMatching("[!-~]{1,256}").Draw(t, "log key")}
		b.Until = b.From + rapid.Uint64Range(1, 1<<38).Draw(t, "signs for")
		b.Expiry = b.Until + rapid.Uint64Range(1, 1<<38).Draw(t, "is redeemed for")
		copy(b.Keyset[:], append([]byte{1}, bytesOf(t, 32)...))
		if b.Key, _ = keyAndRecovery(t); rapid.Bool().Draw(t, "names a reserve") {
			b.Reserve, b.Key = anyWallet.Filter(func(id token.WalletID) bool { return id != token.WalletID{} }).Draw(t, "reserve"), token.NoKey
		}
		b.Denominations = rapid.SliceOfNDistinct(anyAmount, 1, token.MaxDenominations, rapid.ID).Draw(t, "denominations")
		slices.Sort(b.Denominations)
		return b
	},
	token.KindStampCash: func(t *rapid.T) token.Body {
		return &token.StampCash{Reserve: anyWallet.Draw(t, "reserve"), Size: rapid.Uint64Range(1, 1<<53).Draw(t, "size"), Root: token.Hash(bytesOf(t, 32))}
	},
	token.KindVeto: func(t *rapid.T) token.Body {
		return &token.Veto{Sequence: anySequence.Draw(t, "sequence"), Proposal: token.TransactionID(bytesOf(t, 32))}
	},
	token.KindNewIntermediary: func(t *rapid.T) token.Body {
		return &token.RenewIntermediary{Sequence: anySequence.Draw(t, "sequence"), Intermediary: anyWallet.Draw(t, "intermediary"), Keys: keySet(t)}
	},
}

// generate draws a transaction of a kind, with witnesses of good form that sign nothing.
func generate(t *rapid.T, kind token.Kind) *token.Transaction {
	tx, err := token.New(bodies[kind](t), rapid.Uint64Range(0, token.MaxValidUntil).Draw(t, "valid until"))
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	for range rapid.IntRange(0, 4).Draw(t, "witnesses") {
		w := token.Witness{Role: token.Role(rapid.IntRange(1, 9).Draw(t, "role")), Index: rapid.Uint16Range(0, token.MaxParties).Draw(t, "index")}
		copy(w.Signature[:], append([]byte{byte(token.Ed25519)}, bytesOf(t, 64)...))
		tx.Add(w)
	}
	return tx
}

// anyKind draws a kind that exists.
var anyKind = rapid.Custom(func(t *rapid.T) token.Kind {
	return token.Kind(rapid.IntRange(int(token.KindTransfer), int(token.LastKind)).Draw(t, "kind"))
})

func TestEveryKindIsGenerated(t *testing.T) {
	for k := token.Kind(0); k < 255; k++ {
		if (token.NewBody(k) != nil) != (bodies[k] != nil) {
			t.Errorf("kind %d (%s) has no generator", k, k)
		}
	}
}
