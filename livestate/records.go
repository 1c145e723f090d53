package livestate

import (
	"bytes"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

const maxUint63 = 1<<63 - 1

// The authority's record has 10 items, or 13 once there is more to say of the rules than that they are the first, or 14
// where wallets back banknotes, or 15 where validators were set.
const (
	authorityItems = 10
	rulesItems     = 13
	reservesItems  = 14

	validatorsItems = 15
)

// appendAuthority writes the authority's record, with as many items as it needs: see appendContract.
func appendAuthority(b []byte, a *ledger.Authority) []byte {
	items := authorityItems
	if a.Rules != ledger.FirstRules || a.Upgrade != (ledger.Upgrade{}) {
		items = rulesItems
	}
	// Each larger form holds the smaller ones: a ledger that has validators writes its reserves too, though there be
	// none.
	if len(a.Reserves) > 0 {
		items = reservesItems
	}
	if len(a.Validators.Changes) > 0 {
		items = validatorsItems
	}
	b = token.AppendArray(b, items)
	b = token.AppendUint(b, recordAuthority)
	b = token.AppendArray(b, 3*len(a.Sets))
	for _, s := range a.Sets {
		b = token.AppendUint(token.AppendKeySet(b, s.KeySet), s.SinceMillis)
		b = token.AppendUint(b, s.Sequence)
	}
	b = token.AppendPolicy(b, a.Policy)
	b = token.AppendUint(b, uint64(a.DailyCap))
	b = token.AppendUint(b, a.DelayMillis)
	b = token.AppendArray(b, len(a.Proposals))
	for _, p := range a.Proposals {
		b = token.AppendArray(b, 4)
		b = token.AppendBytes(b, p.ID[:])
		b = token.AppendUint(b, uint64(p.By))
		b = token.AppendUint(b, p.DueMillis)
		b = token.AppendChange(b, p.Change)
	}
	b = token.AppendUint(b, uint64(a.Issued))
	b = token.AppendUint(b, uint64(a.Redeemed))
	b = token.AppendUint(b, uint64(a.IssueDay))
	b = token.AppendUint(b, uint64(a.IssuedToday))
	if items >= rulesItems {
		b = token.AppendUint(b, uint64(a.Rules))
		b = token.AppendUint(token.AppendUint(b, uint64(a.Upgrade.Rules)), a.Upgrade.Height)
	}
	if items >= reservesItems {
		b = appendReserves(b, a.Reserves)
	}
	if items == validatorsItems {
		b = appendValidators(b, &a.Validators)
	}
	return b
}

// decodeAuthority reads what appendAuthority wrote; of before there were versions of the rules, it is the first.
func decodeAuthority(d *token.Decoder, items int) (a ledger.Authority) {
	d.Array("sets", 3*len(a.Sets), 3*len(a.Sets))
	for i := range a.Sets {
		a.Sets[i] = ledger.Set{KeySet: d.KeySet("sets"), SinceMillis: d.Uint("since_millis", maxUint63),
			Sequence: d.Uint("sequence", maxUint63)}
	}
	a.Policy = d.Policy()
	a.DailyCap = money.Tiyn(d.Uint("daily_cap", maxUint63))
	a.DelayMillis = d.Uint("delay_millis", maxUint63)
	// Fields alone: what they and all other records must be together, finish checks when the whole is read.
	n := d.Array("proposals", 0, ledger.MaxProposals)
	for range n {
		var p ledger.Proposal
		d.Array("proposals", 4, 4)
		d.Fixed("id", p.ID[:])
		p.By = token.Role(d.Uint("by", uint64(token.RoleEnforcement)))
		p.DueMillis = d.Uint("due_millis", maxUint63)
		p.Change = d.Change()
		a.Proposals = append(a.Proposals, p)
	}
	a.Issued = money.Tiyn(d.Uint("issued", maxUint63))
	a.Redeemed = money.Tiyn(d.Uint("redeemed", maxUint63))
	a.IssueDay = uint32(d.Uint("issue_day", 1<<32-1))
	a.IssuedToday = money.Tiyn(d.Uint("issued_today", maxUint63))
	a.Rules = ledger.FirstRules
	if items >= rulesItems {
		a.Rules = uint32(d.Uint("rules", 1<<32-1))
		a.Upgrade = ledger.Upgrade{Rules: uint32(d.Uint("upgrade.rules", 1<<32-1)),
			Height: d.Uint("upgrade.height", maxUint63)}
	}
	if items >= reservesItems {
		a.Reserves = decodeReserves(d, reservesItems+1-items)
	}
	if items == validatorsItems {
		a.Validators = decodeValidators(d)
	}
	return a
}

func appendIntermediary(b []byte, id token.WalletID, i ledger.Intermediary) []byte {
	b = token.AppendArray(b, 7)
	b = token.AppendUint(b, recordIntermediary)
	b = token.AppendBytes(b, id[:])
	b = token.AppendText(b, i.Name)
	b = token.AppendUint(token.AppendKeySet(b, i.Keys), i.SinceMillis)
	b = token.AppendUint(b, i.Sequence)
	return token.AppendBool(b, i.Suspended)
}

func decodeIntermediary(d *token.Decoder) (id token.WalletID, i ledger.Intermediary) {
	d.Fixed("id", id[:])
	i.Name = d.Text("name", 1, token.MaxName)
	i.Keys, i.SinceMillis = d.KeySet("keys"), d.Uint("since_millis", maxUint63)
	i.Sequence = d.Uint("sequence", maxUint63)
	i.Suspended = d.Bool("suspended")
	return id, i
}

// A wallet's record has 18 items, or 23 with its detail, or 25 where agencies vouch for it; one that holds money for
// another says so with one item more.
const (
	walletItems  = 18
	detailItems  = 23
	vouchedItems = 25
)

// appendWallet writes a wallet's record: the row that every wallet has, what few have (detail) and what was vouched for
// it only where they are there. Held is the one item that may follow any of these.
func appendWallet(b []byte, id token.WalletID, w ledger.Wallet, detail ledger.Detail) []byte {
	items := walletItems
	if detail != (ledger.Detail{}) {
		items = detailItems
	}
	if detail.Vouched != (ledger.Vouched{}) {
		items = vouchedItems
	}
	// One item more than one of the three other counts, none of which follows another: by the count alone a reader
	// knows what is there (holds).
	if w.Held {
		items++
	}
	b = token.AppendArray(b, items)
	b = token.AppendUint(b, recordWallet)
	b = token.AppendBytes(b, id[:])
	b = token.AppendBytes(b, w.Registrar[:])
	b = token.AppendBytes(b, w.Key[:])
	b = token.AppendUint(b, uint64(w.Version))
	b = token.AppendUint(b, uint64(w.Tier))
	b = token.AppendBool(b, w.Treasury)
	b = token.AppendUint(b, uint64(w.Frozen))
	b = token.AppendBool(b, w.Rekeying)
	b = token.AppendBool(b, w.Contract)
	b = token.AppendUint(b, uint64(w.Attributes.Category))
	b = token.AppendText(b, w.Attributes.Region)
	b = token.AppendText(b, w.Attributes.Role)
	b = token.AppendUint(b, uint64(w.Balance))
	b = token.AppendUint(b, uint64(w.Tokens))
	b = token.AppendUint(b, uint64(w.Day))
	b = token.AppendUint(b, uint64(w.PaidToday))
	b = token.AppendUint(b, uint64(w.PaymentsToday))
	if items >= detailItems {
		b = token.AppendBytes(b, detail.Recovery[:])
		b = token.AppendText(b, detail.Case)
		b = token.AppendBytes(b, detail.Rekey.Key[:])
		b = token.AppendBytes(b, detail.Rekey.Recovery[:])
		b = token.AppendUint(b, detail.Rekey.DueMillis)
	}
	if items >= vouchedItems {
		b = appendVouched(b, detail.Vouched)
	}
	if w.Held {
		b = token.AppendBool(b, true)
	}
	return b
}

// decodeWallet reads what appendWallet wrote, by the number of items.
func decodeWallet(d *token.Decoder, items int) (id token.WalletID, w ledger.Wallet, detail ledger.Detail) {
	d.Fixed("id", id[:])
	d.Fixed("registrar", w.Registrar[:])
	d.Fixed("key", w.Key[:])
	w.Version = uint32(d.Uint("version", 1<<32-1))
	w.Tier = uint8(d.Uint("tier", 255))
	w.Treasury = d.Bool("treasury")
	w.Frozen = token.FreezeMode(d.Uint("frozen", uint64(token.FreezeAll)))
	w.Rekeying = d.Bool("rekeying")
	w.Contract = d.Bool("contract")
	w.Attributes.Category = uint16(d.Uint("category", 9999))
	w.Attributes.Region = d.Text("region", 0, token.MaxRegion)
	w.Attributes.Role = d.Text("role", 0, token.MaxRole)
	w.Balance = money.Tiyn(d.Uint("balance", maxUint63))
	w.Tokens = uint32(d.Uint("tokens", 1<<32-1))
	w.Day = uint32(d.Uint("day", 1<<32-1))
	w.PaidToday = money.Tiyn(d.Uint("paid_today", maxUint63))
	w.PaymentsToday = uint32(d.Uint("payments_today", 1<<32-1))
	// A record is as long as the wallet needs: of a million people few wait for a re-key, are in a court's case or were
	// vouched for.
	if items >= detailItems {
		d.Fixed("recovery", detail.Recovery[:])
		detail.Case = d.Text("case", 0, token.MaxCase)
		d.Fixed("rekey.key", detail.Rekey.Key[:])
		d.Fixed("rekey.recovery", detail.Rekey.Recovery[:])
		detail.Rekey.DueMillis = d.Uint("rekey.due_millis", maxUint63)
	}
	if items >= vouchedItems {
		detail.Vouched = decodeVouched(d)
	}
	if holds(items) {
		w.Held = d.Bool("held")
	}
	return id, w, detail
}

// holds says whether a wallet's record of so many items says that it holds money for another.
func holds(items int) bool {
	return items == walletItems+1 || items == detailItems+1 || items == vouchedItems+1
}

// appendVouched encodes what agencies vouch for, as two items: the agencies, and what each says.
func appendVouched(b []byte, v ledger.Vouched) []byte {
	all := v.All()
	b = token.AppendArray(b, len(all))
	for _, one := range all {
		b = token.AppendBytes(b, one.Agency[:])
	}
	b = token.AppendArray(b, len(all))
	for _, one := range all {
		b = token.AppendText(b, one.As)
	}
	return b
}

func decodeVouched(d *token.Decoder) (v ledger.Vouched) {
	n := d.Array("vouched", 1, ledger.MaxVouched)
	for i := range n {
		d.Fixed("vouched.agency", v[i].Agency[:])
	}
	d.Array("vouched", n, n)
	for i := range n {
		v[i].As = d.Text("vouched.as", 1, token.MaxRole)
	}
	return v
}

// loader puts a snapshot's records into a state, in the one order they may stand in. Used by one goroutine, once.
// stage, intermediary, wallet, id, definition, purse and missing are what the next record is held against for order;
// owed is what wallets were promised and pages have not brought.
type loader struct {
	state        *State
	at           Position
	stage        int // the last record's type
	intermediary token.WalletID
	wallet       token.WalletID
	id           token.WalletID // of the last agency, closed wallet or contract
	definition   token.Hash
	purse        *ledger.Purse // the last
	missing      int           // of its links
	count        int
	own          bool // it is believed to hold what it says it does
	owed         owed
	ids          []token.ID // of the page that is loaded, reused
	amounts      []money.Tiyn
	homes        []uint32

	wallets, tokens uint64 // that the header counts
}

// wellSized says whether a record of a type may have so many items.
func wellSized(kind, items int) bool {
	switch kind {
	case recordHeader:
		return items == 7
	case recordAuthority:
		return items == authorityItems || items >= rulesItems && items <= validatorsItems
	case recordIntermediary, recordAgency:
		return items == 7
	case recordPurpose:
		return items == 6
	case recordDefinition:
		return items == definitionItems || items == registeredItems
	case recordClosed:
		return items == closedItems || items == keptItems
	case recordContract:
		return items == contractItems || items == paidInItems || items == renewalItems
	case recordPurseBook:
		return items == purseBookItems
	case recordPurse:
		return items == purseItems
	case recordPurseLink:
		return items == purseLinkItems
	case recordWallet:
		return items >= walletItems && items <= walletItems+1 || items >= detailItems && items <= vouchedItems+1
	}
	return items == 3 // a page
}

// record loads a record of a type, whose first item was read. Header and authority come first, each once; then the
// types in the order of their numbers, pages among the wallets and links among the purses. What was decoded is put into
// the state before the caller looks whether the decoder has failed: after any error the state is thrown away.
func (l *loader) record(kind, items int, d *token.Decoder) error {
	l.count++
	if kind < l.stage || (kind > l.stage+1 && l.stage < recordAuthority) || (l.count == 1) != (kind == recordHeader) {
		return badSnapshot("record %d is of type %d after type %d", l.count, kind, l.stage)
	}
	if !wellSized(kind, items) {
		return badSnapshot("record %d is of type %d and has %d items", l.count, kind, items)
	}
	first := kind > l.stage
	if l.stage = kind; kind == recordPage || kind == recordPurseLink {
		l.stage = kind - 1 // pages stand among the wallets, links among the purses
	}
	ascending := true
	switch kind {
	case recordHeader:
		return l.header(d)
	case recordAuthority:
		a := decodeAuthority(d, items)
		if plain := a.Rules == ledger.FirstRules && a.Upgrade == (ledger.Upgrade{}); d.Err() == nil &&
			plain != (items == authorityItems) {
			return badSnapshot("the authority's record does not say which rules are in force")
		}
		l.state.authority, ascending = a, first
	case recordIntermediary:
		id, i := decodeIntermediary(d)
		ascending = first || bytes.Compare(l.intermediary[:], id[:]) < 0
		l.intermediary = id
		l.state.PutIntermediary(id, i)
	case recordWallet:
		id, w, detail := decodeWallet(d, items)
		ascending = first || bytes.Compare(l.wallet[:], id[:]) < 0
		l.wallet = id
		if (items >= detailItems) != (detail != ledger.Detail{}) || w.Held != holds(items) ||
			(items >= vouchedItems) != (detail.Vouched != ledger.Vouched{}) || !detail.Vouched.Canonical() ||
			w.Rekeying != (detail.Rekey.DueMillis != 0) {
			return badSnapshot("wallet %s and its detail do not fit", id)
		}
		if d.Err() == nil && ascending {
			return l.putWallet(id, w, detail)
		}
	case recordAgency, recordPurpose, recordDefinition, recordClosed, recordContract:
		var err error
		if ascending, err = l.program(kind, items, d, first); err != nil {
			return err
		}
	case recordPage:
		return l.page(d)
	case recordPurseBook, recordPurse, recordPurseLink:
		return l.purses(kind, d, first)
	}
	if !ascending {
		return badSnapshot("record %d is out of order", l.count)
	}
	return nil
}

// header reads the position. Memory is reserved by its counts only for a snapshot of our own: in anybody's, two numbers
// could ask for all there is.
func (l *loader) header(d *token.Decoder) error {
	d.Fixed("network", l.at.Network[:])
	leaf := d.Bytes("leaf", 1, 4096)
	l.at.LogSize = d.Uint("size", maxUint63)
	d.Fixed("root", l.at.LogRoot[:])
	l.wallets, l.tokens = d.Uint("wallets", 1<<32-1), d.Uint("tokens", 1<<32-1)
	if d.Err() != nil {
		return badSnapshot("header: %v", d.Err())
	}
	e, err := ledger.DecodeEntry(leaf)
	if err != nil || e.Leaf == nil || e.Leaf.Genesis != nil {
		return badSnapshot("its header holds no block's leaf: %v", err)
	}
	l.at.Leaf = *e.Leaf
	if l.own {
		l.state.wallets.reserve(int(l.wallets))
		l.state.tokens.reserve(int(l.tokens))
	}
	return nil
}

// finish checks what must hold of a whole state. Single records were checked as they came; these are the sums over all
// of them.
func (l *loader) finish() error {
	if l.stage < recordAuthority {
		return badSnapshot("it holds no authority")
	}
	s := l.state
	if s.total != s.authority.Circulating() {
		return badSnapshot("live tokens sum to %s, issued less redeemed is %s", s.total, s.authority.Circulating())
	}
	if l.owed.tokens > 0 {
		return badSnapshot("%d tokens of its wallets are missing", l.owed.tokens)
	}
	if tokens, wallets := s.Counts(); uint64(tokens) != l.tokens || uint64(wallets) != l.wallets {
		return badSnapshot("its header counts %d wallets and %d tokens, there are %d and %d", l.wallets, l.tokens,
			wallets, tokens)
	}
	if err := l.finishPurses(); err != nil {
		return err
	}
	return l.finishPrograms()
}
