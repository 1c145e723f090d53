package ledger

import (
	"slices"

	"github.com/aqsha/aqsha/token"
)

// Signatory is a group of keys that sign in one role, and how many of them must.
// A NoKey among them has nothing to prove, and nothing to say.
type Signatory struct {
	Role      token.Role        `json:"role"`
	Keys      []token.PublicKey `json:"keys"`
	Threshold int               `json:"threshold"`
}

func ofSet(role token.Role, s token.KeySet) Signatory {
	return Signatory{role, s.Keys, int(s.Threshold)}
}

// Lacking says how many signatures each group still lacks, by role.
func Lacking(groups []Signatory, witnesses []token.Witness) map[string]int {
	lacking := map[string]int{}
	for _, g := range groups {
		needed := g.Threshold
		for _, w := range witnesses {
			if w.Role == g.Role && int(w.Index) < len(g.Keys) {
				needed--
			}
		}
		if needed > 0 {
			lacking[g.Role.String()] = needed
		}
	}
	return lacking
}

// possessed asks each key that is there to prove itself: the one signature that may be absent, since it gives no right.
func possessed(keys ...token.PublicKey) Signatory {
	needed := 0
	for _, k := range keys {
		if k != token.NoKey {
			needed++
		}
	}
	return Signatory{token.RolePossession, keys, needed}
}

// owner asks a wallet's key, or its recovery key, for a right that it has. Where there is none nobody has the right.
func owner(rules uint32, role token.Role, key token.PublicKey) (Signatory, *token.Error) {
	if key != token.NoKey {
		return Signatory{role, []token.PublicKey{key}, 1}, nil
	}
	if rules < 2 { // an absent key needed not sign
		return Signatory{role, []token.PublicKey{key}, 0}, nil
	}
	return Signatory{}, refuse(NotAuthorised, "witnesses", "it has no key in the role of %s that could sign", role)
}

// Keys returns, for each of a transaction's witnesses in order, the key that must have made it, after checking that
// these are the signatures the transaction needs. It reads the state and does no cryptography. dst is reused when large
// enough. The result is as long as tx.Witnesses. It may be called by anybody who may read the state, beside others.
func Keys(dst []token.PublicKey, state Reader, tx *token.Transaction) ([]token.PublicKey, *token.Error) {
	switch t := tx.Body.(type) {
	case *token.Transfer:
		return transferKeys(dst, state, t, tx.Witnesses)
	case *token.EarmarkedTransfer:
		return walletKey(dst, state, t.Parties[0], tx.Witnesses)
	case *token.Create:
		return walletKey(dst, state, t.Creator, tx.Witnesses)
	case *token.Act:
		return walletKey(dst, state, t.Caller, tx.Witnesses)
	}
	return keysUnder(state.Authority().Rules, dst, state, tx)
}

// keysUnder is Keys for the kinds about which versions of the rules may differ.
func keysUnder(rules uint32, dst []token.PublicKey, state Reader,
	tx *token.Transaction) ([]token.PublicKey, *token.Error) {
	groups, err := signatories(rules, state, tx.Body)
	if err != nil {
		return nil, err
	}
	return match(dst, groups, tx.Witnesses)
}

// transferKeys is Keys for the kind that nearly all transactions are: each payer signs, nobody else.
func transferKeys(dst []token.PublicKey, state Reader, t *token.Transfer,
	witnesses []token.Witness) ([]token.PublicKey, *token.Error) {
	dst = dst[:0]
	for i, w := range witnesses {
		if w.Role != token.RoleWallet || int(w.Index) >= t.Payers {
			return nil, refuse(NotAuthorised, "witnesses", "%s %d does not sign this transfer", w.Role, w.Index)
		}
		if int(w.Index) != i {
			break // one is missing before it
		}
		wallet, ok := state.Wallet(t.Parties[i])
		if !ok {
			return nil, refuse(UnknownWallet, "parties", "no wallet %s", t.Parties[i])
		}
		dst = append(dst, wallet.Key)
	}
	if len(dst) < t.Payers {
		return nil, refuse(MissingSignature, "witnesses", "payer %d has not signed", len(dst))
	}
	return dst, nil
}

// walletKey is Keys for what one wallet signs alone.
func walletKey(dst []token.PublicKey, state Reader, id token.WalletID,
	witnesses []token.Witness) ([]token.PublicKey, *token.Error) {
	if len(witnesses) == 0 {
		return nil, refuse(MissingSignature, "witnesses", "the payer has not signed")
	}
	if w := witnesses[0]; w.Role != token.RoleWallet || w.Index != 0 || len(witnesses) > 1 {
		return nil, refuse(NotAuthorised, "witnesses", "the payer signs this alone")
	}
	wallet, ok := state.Wallet(id)
	if !ok {
		return nil, refuse(UnknownWallet, "parties", "no wallet %s", id)
	}
	return append(dst[:0], wallet.Key), nil
}

// match assigns each witness its key. Witnesses stand by (role, index) without repetition, by form: so no key counts
// twice to a threshold, and a set's keys are distinct by its own check.
func match(dst []token.PublicKey, groups []Signatory, witnesses []token.Witness) ([]token.PublicKey, *token.Error) {
	dst = dst[:0]
	signed := make([]int, len(groups))
	for _, w := range witnesses {
		g := slices.IndexFunc(groups, func(s Signatory) bool { return s.Role == w.Role })
		if g < 0 {
			return nil, refuse(NotAuthorised, "witnesses", "%s does not sign here", w.Role)
		}
		if int(w.Index) >= len(groups[g].Keys) || groups[g].Keys[w.Index] == token.NoKey {
			return nil, refuse(NotAuthorised, "witnesses", "%s has no key %d", w.Role, w.Index)
		}
		dst = append(dst, groups[g].Keys[w.Index])
		signed[g]++
	}
	for g, group := range groups {
		if signed[g] < group.Threshold {
			return nil, refuse(MissingSignature, "witnesses", "%d of %d signatures of %s", signed[g], group.Threshold,
				group.Role)
		}
	}
	return dst, nil
}

// Signatories says who signs a transaction of each kind, as the state stands, under the version of the rules in force.
func Signatories(state Reader, body token.Body) ([]Signatory, *token.Error) {
	return signatories(state.Authority().Rules, state, body)
}

// signatories are who must sign a body, group by group: the keys of each role and how many of them. Those of kinds
// that the wallet of the body decides alone are in walletSignatories.
func signatories(rules uint32, state Reader, body token.Body) ([]Signatory, *token.Error) {
	a := state.Authority()
	set := func(role token.Role) Signatory { return ofSet(role, a.Set(role).KeySet) }
	switch t := body.(type) {
	// The signers follow from the state before the transaction, never from a key that the transaction itself brings:
	// what a new key must show is possession, and that is asked beside the old one's consent.
	case *token.Transfer:
		payers := make([]token.PublicKey, t.Payers)
		for i := range payers {
			wallet, ok := state.Wallet(t.Parties[i])
			if !ok {
				return nil, refuse(UnknownWallet, "parties", "no wallet %s", t.Parties[i])
			}
			payers[i] = wallet.Key
		}
		return []Signatory{{token.RoleWallet, payers, t.Payers}}, nil
	case *token.Issue:
		return []Signatory{set(token.RoleIssue)}, nil
	case *token.AnnounceKeyset:
		return []Signatory{set(token.RoleIssue), possessed(t.Key)}, nil
	case *token.StampCash:
		return payerSignatory(state, t.Reserve)
	case *token.BondPurses, *token.OpenPurse, *token.FundPurse, *token.SettlePurses, *token.ConvictPurse,
		*token.ClosePurse, *token.OpenName:
		return purseSignatories(state, body)
	case *token.Redeem:
		treasury, ok := state.Wallet(t.From)
		if !ok {
			return nil, refuse(UnknownIntermediary, "from", "no intermediary %s", t.From)
		}
		key, err := owner(rules, token.RoleWallet, treasury.Key)
		return []Signatory{key, set(token.RoleIssue)}, err
	case *token.Register:
		registrar, err := registrarOf(state, t.Registrar)
		return []Signatory{registrar, possessed(t.Key, t.Recovery)}, err
	case *token.Admit:
		return []Signatory{set(token.RolePolicy), possessed(append(slices.Clone(t.Keys.Keys), t.Treasury)...)}, nil
	case *token.RenewIntermediary:
		old, ok := state.Intermediary(t.Intermediary)
		if !ok {
			return nil, refuse(UnknownIntermediary, "intermediary", "no intermediary %s", t.Intermediary)
		}
		return []Signatory{set(token.RolePolicy), possession(t.Keys, old.Keys)}, nil
	case *token.Suspend, *token.SetPolicy, *token.AnnounceOpeners:
		return []Signatory{set(token.RolePolicy)}, nil
	case *token.Move:
		to, ok := state.Intermediary(t.To)
		if !ok {
			return nil, refuse(UnknownIntermediary, "to", "no intermediary %s", t.To)
		}
		return []Signatory{set(token.RolePolicy), ofSet(token.RoleReceiver, to.Keys)}, nil
	case *token.Freeze, *token.Unfreeze, *token.Seize:
		return []Signatory{set(token.RoleEnforcement)}, nil
	case *token.Propose:
		groups := []Signatory{set(t.By)}
		if t.Change.Keys != nil {
			groups = append(groups, possession(*t.Change.Keys, a.Set(t.Change.Set).KeySet))
		}
		return groups, nil
	case *token.Veto, *token.SetValidators:
		return []Signatory{set(token.RoleRoot)}, nil
	case *token.SetAgency:
		old, _ := state.Agency(t.Agency)
		return []Signatory{set(token.RolePolicy), possession(t.Keys, old.Keys)}, nil
	case *token.RegisterPurpose:
		agency, ok := state.Agency(t.Agency)
		if !ok {
			return nil, refuse(UnknownAgency, "agency", "no agency %s", t.Agency)
		}
		return []Signatory{ofSet(token.RoleAgency, agency.Keys)}, nil
	case *token.Vouch:
		agency, ok := state.Agency(t.Agency)
		if !ok {
			return nil, refuse(UnknownAgency, "agency", "no agency %s", t.Agency)
		}
		return []Signatory{ofSet(token.RoleAgency, agency.Keys)}, nil
	case *token.Define:
		registrar, err := registrarOf(state, t.Registrar)
		return []Signatory{registrar}, err
	case *token.EarmarkedTransfer:
		return payerSignatory(state, t.Parties[0])
	case *token.Create:
		return payerSignatory(state, t.Creator)
	case *token.Act:
		return payerSignatory(state, t.Caller)
	case *token.Release:
		return releaseSignatories(state, t)
	}
	return walletSignatories(rules, state, body)
}

// payerSignatory is the one wallet that signs what it pays.
func payerSignatory(state Reader, id token.WalletID) ([]Signatory, *token.Error) {
	wallet, ok := state.Wallet(id)
	if !ok {
		return nil, refuse(UnknownWallet, "parties", "no wallet %s", id)
	}
	return []Signatory{{token.RoleWallet, []token.PublicKey{wallet.Key}, 1}}, nil
}

// purseSignatories are those of transactions about purses. What links prove needs nobody's signature besides.
func purseSignatories(state Reader, body token.Body) ([]Signatory, *token.Error) {
	switch t := body.(type) {
	case *token.BondPurses:
		intermediary, err := registrarOf(state, t.Intermediary)
		if err != nil {
			return nil, err
		}
		treasury, err := payerSignatory(state, t.Intermediary)
		return append(treasury, intermediary, possessed(t.Certifier)), err
	case *token.OpenPurse:
		intermediary, err := registrarOf(state, t.Intermediary)
		if err != nil {
			return nil, err
		}
		owner, err := payerSignatory(state, t.Owner)
		return append(owner, intermediary, possessed(t.Key)), err
	case *token.FundPurse:
		return payerSignatory(state, t.From)
	}
	return nil, nil
}

// releaseSignatories are whom held money obeys: for a wallet that is there its key; for a closed one its last key or
// its last recovery key; and for any, enforcement and registrar together.
func releaseSignatories(state Reader, t *token.Release) ([]Signatory, *token.Error) {
	if t.By == token.RoleEnforcement {
		held, ok := state.Wallet(t.Held)
		if !ok {
			return nil, refuse(UnknownWallet, "held", "no wallet %s", t.Held)
		}
		registrar, err := registrarOf(state, held.Registrar)
		return []Signatory{ofSet(t.By, state.Authority().Set(t.By).KeySet), registrar}, err
	}
	if wallet, ok := state.Wallet(t.For); ok {
		if t.By != token.RoleWallet {
			return nil, refuse(NotAuthorised, "by", "wallet %s takes what is held for it with its own key", t.For)
		}
		key, err := owner(LatestRules, t.By, wallet.Key)
		return []Signatory{key}, err
	}
	closed, ok := state.Closed(t.For)
	if !ok {
		return nil, refuse(UnknownWallet, "for", "no wallet %s", t.For)
	}
	last := closed.Key
	if t.By == token.RoleRecovery {
		last = closed.Recovery
	}
	key, err := owner(LatestRules, t.By, last)
	return []Signatory{key}, err
}

// walletSignatories are those of changes to one wallet.
func walletSignatories(rules uint32, state Reader, body token.Body) ([]Signatory, *token.Error) {
	id, _ := Target(body)
	wallet, ok := state.Wallet(id)
	if !ok {
		return nil, refuse(UnknownWallet, "wallet", "no wallet %s", id)
	}
	by := func(role token.Role) (Signatory, *token.Error) {
		switch role {
		case token.RoleWallet:
			return owner(rules, role, wallet.Key)
		case token.RoleRecovery:
			return owner(LatestRules, role, state.Detail(id).Recovery) // in no version did an absent one sign
		case token.RoleEnforcement, token.RoleIssue:
			return ofSet(role, state.Authority().Set(role).KeySet), nil
		}
		return registrarOf(state, wallet.Registrar)
	}
	switch t := body.(type) {
	case *token.Rekey:
		asker, err := by(t.By)
		return []Signatory{asker, possessed(t.Key, t.Recovery)}, err
	case *token.CancelRekey:
		asker, err := by(token.RoleWallet)
		return []Signatory{asker}, err
	case *token.Cancel:
		asker, err := by(t.By)
		return []Signatory{asker}, err
	case *token.Close:
		asker, err := by(t.By)
		return []Signatory{asker}, err
	}
	asker, err := by(token.RoleIntermediary) // *token.Update
	return []Signatory{asker}, err
}

// Target is the wallet that a change names.
func Target(body token.Body) (wallet token.WalletID, ok bool) {
	switch t := body.(type) {
	case *token.Update:
		return t.Wallet, true
	case *token.Rekey:
		return t.Wallet, true
	case *token.CancelRekey:
		return t.Wallet, true
	case *token.Cancel:
		return t.Wallet, true
	case *token.Close:
		return t.Wallet, true
	case *token.Freeze:
		return t.Wallet, true
	case *token.Unfreeze:
		return t.Wallet, true
	}
	return wallet, false
}

// registrarOf is who signs for wallets of a registrar: the intermediary, or for the authority its policy set.
func registrarOf(state Reader, id token.WalletID) (Signatory, *token.Error) {
	if id == token.Authority {
		return ofSet(token.RolePolicy, state.Authority().Set(token.RolePolicy).KeySet), nil
	}
	intermediary, ok := state.Intermediary(id)
	if !ok {
		return Signatory{}, refuse(UnknownIntermediary, "registrar", "no intermediary %s", id)
	}
	return ofSet(token.RoleIntermediary, intermediary.Keys), nil
}

// possession asks every key of a new set that the old one did not have to prove itself. A key that nobody has proven to
// hold could be mistyped, and lock the set; or be another's, whose signatures elsewhere would then speak for this set.
func possession(set, old token.KeySet) Signatory {
	keys := slices.Clone(set.Keys)
	for i, k := range keys {
		if slices.Contains(old.Keys, k) {
			keys[i] = token.NoKey
		}
	}
	return possessed(keys...)
}
