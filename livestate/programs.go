package livestate

import (
	"bytes"
	"crypto/sha256"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Records of programmable money.

func appendAgency(b []byte, id token.WalletID, a ledger.Agency) []byte {
	b = token.AppendUint(token.AppendArray(b, 7), recordAgency)
	b = token.AppendText(token.AppendBytes(b, id[:]), a.Name)
	b = token.AppendUint(token.AppendUint(token.AppendKeySet(b, a.Keys), a.SinceMillis), a.Sequence)
	return token.AppendBool(b, a.Suspended)
}

func appendPurpose(b []byte, number uint32, p *ledger.Purpose) []byte {
	b = token.AppendUint(token.AppendArray(b, 6), recordPurpose)
	b = token.AppendBytes(token.AppendUint(b, uint64(number)), p.Agency[:])
	b = token.AppendPurpose(b, p.Purpose)
	return token.AppendUint(token.AppendUint(b, uint64(p.Entered)), uint64(p.Left))
}

func appendDefinition(b []byte, id token.Hash, encoded []byte, by ledger.Registered) []byte {
	items := definitionItems
	if by.Sequence != 0 {
		items = registeredItems
	}
	b = token.AppendUint(token.AppendArray(b, items), recordDefinition)
	b = token.AppendBytes(token.AppendBytes(b, id[:]), encoded)
	if items == registeredItems {
		b = token.AppendUint(token.AppendBytes(b, by.Registrar[:]), by.Sequence)
	}
	return b
}

// definitionRecord is the record of a definition that stands.
func (s *State) definitionRecord(id token.Hash) []byte {
	encoded, _ := s.Definition(id)
	return appendDefinition(nil, id, encoded, s.Registered(id))
}

// A definition's record has 3 items, or 5 with who registered it since version 5. A closed wallet's record has 3 items,
// or 6 with its last key. A contract's has 11, or 13 with what came in version 2 of the rules, or 15 with registers and
// renewals of version 3: so a state of an earlier version has the bytes that it always had.
const (
	definitionItems = 3
	registeredItems = 5
	closedItems     = 3
	keptItems       = 6
	contractItems   = 11
	paidInItems     = 13
	renewalItems    = 15
)

func appendClosed(b []byte, id token.WalletID, c ledger.Closed) []byte {
	items := closedItems
	if c.Key != token.NoKey {
		items = keptItems
	}
	b = token.AppendUint(token.AppendArray(b, items), recordClosed)
	b = token.AppendBytes(token.AppendBytes(b, id[:]), c.Registrar[:])
	if items == keptItems {
		b = token.AppendBytes(token.AppendBytes(b, c.Key[:]), c.Recovery[:])
		b = token.AppendUint(b, uint64(c.Tier))
	}
	return b
}

func decodeClosed(d *token.Decoder, items int) (id token.WalletID, c ledger.Closed) {
	d.Fixed("id", id[:])
	d.Fixed("registrar", c.Registrar[:])
	if items == keptItems {
		d.Fixed("key", c.Key[:])
		d.Fixed("recovery", c.Recovery[:])
		c.Tier = uint8(d.Uint("tier", 255))
	}
	return id, c
}

// appendContract writes a contract's record. Items that were added by later versions are written only where they are
// not empty: a snapshot of a ledger without them has the same bytes and root as when it was first taken, and followers
// of both programs agree.
func appendContract(b []byte, c *ledger.Contract) []byte {
	items := contractItems
	// The later set of items contains the earlier, so that one comparison by size says what there is.
	if len(c.PaidIn) > 0 || c.Frozen {
		items = paidInItems
	}
	if len(c.Registers) > 0 || c.Renewals > 0 {
		items = renewalItems
	}
	b = token.AppendUint(token.AppendArray(b, items), recordContract)
	b = token.AppendBytes(token.AppendBytes(b, c.ID[:]), c.Definition[:])
	b = token.AppendArray(b, len(c.Parties))
	for i := range c.Parties {
		b = token.AppendBytes(b, c.Parties[i][:])
	}
	b = token.AppendArray(b, len(c.Assets))
	for _, a := range c.Assets {
		b = token.AppendUint(b, uint64(a))
	}
	b = token.AppendValues(b, c.Terms)
	b = token.AppendArray(b, len(c.State))
	for _, n := range c.State {
		b = token.AppendInt(b, n)
	}
	b = token.AppendUint(token.AppendUint(b, c.Version), c.CreatedMillis)
	b = token.AppendArray(token.AppendUint(b, c.EndsMillis), len(c.Tokens))
	for i := range c.Tokens {
		b = token.AppendBytes(b, c.Tokens[i][:])
	}
	if items >= paidInItems {
		b = token.AppendArray(token.AppendBool(b, c.Frozen), len(c.PaidIn))
		for _, amount := range c.PaidIn {
			b = token.AppendUint(b, uint64(amount))
		}
	}
	if items == renewalItems {
		b = token.AppendArray(token.AppendUint(b, uint64(c.Renewals)), len(c.Registers))
		for i := range c.Registers {
			b = token.AppendBytes(b, c.Registers[i][:])
		}
	}
	return b
}

// decodeContract reads what appendContract wrote, by the number of items. Each bound is the rules' own: a snapshot that
// breaks one is damaged, or forged.
func decodeContract(d *token.Decoder, items int) *ledger.Contract {
	c := &ledger.Contract{}
	d.Fixed("id", c.ID[:])
	d.Fixed("definition", c.Definition[:])
	for range d.Array("parties", 1, token.MaxContractParties) {
		var id token.WalletID
		d.Fixed("parties", id[:])
		c.Parties = append(c.Parties, id)
	}
	for range d.Array("assets", 1, token.MaxContractAssets) {
		c.Assets = append(c.Assets, uint32(d.Uint("assets", 1<<32-1)))
	}
	c.Terms = d.Values("terms")
	for range d.Array("state", 0, contract.MaxState) {
		c.State = append(c.State, d.Int("state"))
	}
	c.Version, c.CreatedMillis = d.Uint("version", maxUint63), d.Uint("created_millis", token.MaxValidUntil)
	c.EndsMillis = d.Uint("ends_millis", maxUint63)
	for range d.Array("tokens", len(c.Assets), len(c.Assets)) {
		var id token.ID
		d.Fixed("tokens", id[:])
		c.Tokens = append(c.Tokens, id)
	}
	if items >= paidInItems {
		c.Frozen = d.Bool("frozen")
		for range d.Array("paid_in", 0, token.MaxContractParties*token.MaxContractAssets) {
			c.PaidIn = append(c.PaidIn, money.Tiyn(d.Uint("paid_in", maxUint63)))
		}
	}
	if items == renewalItems {
		c.Renewals = uint32(d.Uint("renewals", contract.MaxRenewals))
		for range d.Array("registers", 0, contract.MaxState) {
			var word token.Hash
			d.Fixed("registers", word[:])
			c.Registers = append(c.Registers, word)
		}
		// The second half of the one form: without it a snapshot could be written in two ways, with two roots for one
		// state.
		if d.Err() == nil && c.Renewals == 0 && len(c.Registers) == 0 {
			d.Fail(token.Errorf(token.NotCanonical, "contract",
				"neither renewals nor registers are written by leaving them out"))
		}
	}
	return c
}

// program loads a record of programmable money. first says that it is the first of its type. ascending says that it
// stands behind the one before it of its type; the caller refuses it otherwise. Where the decoder has failed it returns
// true, and the caller finds the error there.
func (l *loader) program(kind, items int, d *token.Decoder, first bool) (ascending bool, err error) {
	var id token.WalletID
	switch kind {
	case recordAgency:
		d.Fixed("id", id[:])
		a := ledger.Agency{Name: d.Text("name", 1, token.MaxName), Keys: d.KeySet("keys")}
		a.SinceMillis, a.Sequence, a.Suspended = d.Uint("since_millis", maxUint63), d.Uint("sequence", maxUint63),
			d.Bool("suspended")
		l.state.PutAgency(id, a)
	case recordPurpose:
		number := uint32(d.Uint("number", token.BecomesSame-1))
		p := ledger.Purpose{}
		d.Fixed("agency", p.Agency[:])
		p.Purpose = d.Purpose()
		p.Entered, p.Left = money.Tiyn(d.Uint("entered", maxUint63)), money.Tiyn(d.Uint("left", maxUint63))
		old := l.state.Purpose(p.Amends)
		if d.Err() == nil && (p.Left > p.Entered || p.Check() != nil || p.Amends != 0 &&
			(old == nil || old.AmendedBy != 0)) {
			return true, badSnapshot("purpose %d is not consistent", number)
		}
		if d.Err() != nil { // and so whatever was read means nothing
			return true, nil //nolint:nilerr // the decoder's error is the caller's, with its place in the file
		}
		if ascending = uint64(number) > uint64(l.state.Purposes()); ascending {
			l.state.PutPurpose(number, p)
		}
		return ascending, nil
	case recordDefinition:
		var hash token.Hash
		d.Fixed("id", hash[:])
		encoded := d.Bytes("definition", 1, token.MaxDefinition)
		var by ledger.Registered
		if items == registeredItems {
			d.Fixed("registrar", by.Registrar[:])
			if by.Sequence = d.Uint("sequence", maxUint63); d.Err() == nil && by.Sequence == 0 {
				return true, badSnapshot("definition %s was registered by no sequence", hash)
			}
		}
		if d.Err() == nil && sha256.Sum256(encoded) != hash {
			return true, badSnapshot("definition %s has another hash", hash)
		}
		ascending = first || bytes.Compare(l.definition[:], hash[:]) < 0
		l.definition = hash
		l.state.AddDefinition(hash, bytes.Clone(encoded), by)
		return ascending, nil
	case recordClosed:
		var closed ledger.Closed
		id, closed = decodeClosed(d, items)
		if d.Err() == nil && (items == keptItems) != (closed.Key != token.NoKey) {
			return true, badSnapshot("closed wallet %s has no key", id)
		}
		l.state.PutClosed(id, closed)
	case recordContract:
		c := decodeContract(d, items)
		if fits := len(c.PaidIn) == 0 || len(c.PaidIn) == len(c.Parties)*len(c.Assets); d.Err() == nil &&
			(!fits || items == paidInItems && len(c.PaidIn) == 0 && !c.Frozen) {
			return true, badSnapshot("contract %s and what was paid into it do not fit", c.ID)
		}
		if id = c.ID; d.Err() == nil {
			if err := l.contract(c); err != nil {
				return true, err
			}
		}
	}
	ascending = first || bytes.Compare(l.id[:], id[:]) < 0
	l.id = id
	return ascending, nil
}

// contract adds a contract that fits the definitions before it.
func (l *loader) contract(c *ledger.Contract) error {
	_, defined := l.state.Definition(c.Definition)
	switch {
	case !defined:
		return badSnapshot("contract %s is of an unknown definition", c.ID)
	case l.state.Contract(c.ID) != nil:
		return badSnapshot("contract %s stands twice", c.ID)
	}
	l.state.AddContract(c)
	return nil
}

// finishPrograms checks that marks and contracts hold what the tokens give.
func (l *loader) finishPrograms() error {
	s := l.state
	// The rules rely on these sums without ever adding up tokens again. A snapshot is the one place where they come
	// from outside.
	for _, number := range s.PurposeNumbers() {
		if p := s.Purpose(number); p.Live() != s.LiveOf(number) {
			return badSnapshot("purpose %d states %s and its tokens sum to %s", number, p.Live(), s.LiveOf(number))
		}
	}
	contracts := 0
	for _, slot := range s.wallets.slots() {
		if s.wallets.at(slot).value.flags&flagContract != 0 {
			contracts++
		}
	}
	if contracts != len(s.Contracts()) {
		return badSnapshot("%d wallets are contracts', %d contracts stand", contracts, len(s.Contracts()))
	}
	for _, id := range s.Contracts() {
		// Both ways: every token that the contract names is there, and its wallet has no other. A token of the second
		// kind could never be paid out by any action.
		c, held := s.Contract(id), 0
		if w, ok := s.Wallet(id); !ok || !w.Contract || c.Frozen != (w.Frozen != token.NotFrozen) {
			return badSnapshot("contract %s has no wallet of its own, or they disagree about a freeze", id)
		}
		for i, name := range c.Tokens {
			if name == (token.ID{}) {
				continue
			}
			t, live := s.Token(name)
			if !live || t.Wallet != id || t.Asset != token.PurposeAsset(c.Assets[i]) {
				return badSnapshot("contract %s does not hold token %s", id, name)
			}
			held++
		}
		if w, _ := s.Wallet(id); int(w.Tokens) != held {
			return badSnapshot("contract %s holds %d tokens and knows of %d", id, w.Tokens, held)
		}
	}
	return nil
}
