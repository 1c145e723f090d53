package ledger

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/token"
)

// vouch notes what an agency says of a wallet, or that it says so no longer. It makes no new version of the wallet:
// else an agency could outrun the owner's cancellation of a key that waits.
func (x *Executor) vouch(t *token.Vouch) *token.Error {
	agency, ok := x.state.Agency(t.Agency)
	switch {
	case !ok:
		return refuse(UnknownAgency, "agency", "no agency %s", t.Agency)
	// A suspended agency may still take back what it said: silence is always the safer side.
	case agency.Suspended && !t.Withdrawn:
		return refuse(Suspended, "agency", "agency %s is suspended", t.Agency)
	}
	if err := sequence(agency.Sequence, t.Sequence); err != nil {
		return err
	}
	w, known := x.state.Wallet(t.Wallet)
	switch {
	case !known:
		return refuse(UnknownWallet, "wallet", "no wallet %s", t.Wallet)
	case w.Contract:
		return refuse(OfContract, "wallet", "%s is a contract's; nobody vouches for it", t.Wallet)
	case w.Treasury:
		return refuse(Treasury, "wallet", "%s is a treasury; nobody vouches for it", t.Wallet)
	}
	if err := x.ownable(t.Wallet, &w); err != nil {
		return err
	}
	if err := x.notReserve(t.Wallet, "wallet"); err != nil {
		return err
	}
	detail := x.state.Detail(t.Wallet)
	if err := detail.Vouched.change(Testimony{t.Agency, t.As}, t.Withdrawn); err != nil {
		return err
	}
	agency.Sequence++
	x.state.PutAgency(t.Agency, agency)
	x.state.PutDetail(t.Wallet, detail)
	return nil
}

func (a Testimony) compare(b Testimony) int {
	return cmp.Or(bytes.Compare(a.Agency[:], b.Agency[:]), cmp.Compare(a.As, b.As))
}

// All lists what is vouched for. It shares the memory of v.
func (v *Vouched) All() []Testimony {
	for i := range v {
		if v[i].As == "" {
			return v[:i]
		}
	}
	return v[:]
}

// change adds a testimony, or takes it out.
func (v *Vouched) change(one Testimony, withdrawn bool) *token.Error {
	all := slices.Clone(v.All())
	at, stands := slices.BinarySearchFunc(all, one, Testimony.compare)
	switch {
	case withdrawn && !stands:
		return refuse(token.OutOfRange, "as", "agency %s does not vouch for it as %q", one.Agency, one.As)
	case withdrawn:
		all = slices.Delete(all, at, at+1)
	case stands:
		return refuse(Duplicate, "as", "agency %s vouches for it as %q already", one.Agency, one.As)
	case len(all) == MaxVouched:
		return refuse(token.TooMany, "wallet", "%d testimonies, at most %d", len(all)+1, MaxVouched)
	default:
		all = slices.Insert(all, at, one)
	}
	*v = Vouched{}
	copy(v[:], all)
	return nil
}

// Canonical says whether what is vouched for stands in order, each once, with nothing after the empty.
func (v *Vouched) Canonical() bool {
	all := v.All()
	for i := 1; i < len(all); i++ {
		if all[i-1].compare(all[i]) >= 0 {
			return false
		}
	}
	for _, rest := range v[len(all):] {
		if rest != (Testimony{}) {
			return false
		}
	}
	return true
}

// Testimonies are what agencies vouch for of a wallet, each AGENCY/WHAT as the agency is called now.
func Testimonies(state Reader, detail *Detail) (all []string) {
	for _, one := range detail.Vouched.All() {
		agency, _ := state.Agency(one.Agency)
		all = append(all, agency.Name+"/"+one.As)
	}
	return all
}

// partyOf is what rules see of a wallet. What agencies vouch for is named by what they are called now, as purposes are;
// an agency's suspension takes back nothing that it said before.
func (x *Executor) partyOf(id token.WalletID, w *Wallet) contract.Party {
	p := contract.Party{ID: id, Key: w.Key, Tier: w.Tier, Bank: w.Registrar, Attributes: w.Attributes}
	if x.rulesVersion >= 4 && !w.Treasury && !w.Contract && !w.Held {
		detail := x.state.Detail(id)
		p.Vouched = Testimonies(x.state, &detail)
	}
	return p
}
