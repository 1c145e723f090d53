package livestate

import (
	"bytes"
	"slices"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/sealed"
)

// Records of offline purses: the book, then each purse in order of id, behind it its links in order of number and id.
const (
	purseBookItems = 9
	purseItems     = 19
	purseLinkItems = 10
)

// purseBookRecord is the book as it stands; nil where there is nothing to remember. A network without purses has no
// such record, and a state's root as if there were no purses at all.
func (s *State) purseBookRecord() []byte {
	book := s.PurseBook()
	if !book.Used() {
		return nil
	}
	b := token.AppendUint(token.AppendArray(nil, purseBookItems), recordPurseBook)
	b = token.AppendUint(token.AppendBytes(b, book.Token[:]), uint64(book.SetAside))
	b = token.AppendUint(token.AppendUint(b, uint64(book.Paid)), uint64(book.Returned))
	b = token.AppendArray(token.AppendUint(b, uint64(book.Locked)), len(book.Bonds))
	for i := range book.Bonds {
		bond := &book.Bonds[i]
		b = token.AppendBytes(token.AppendBytes(token.AppendArray(b, 4), bond.Intermediary[:]), bond.Certifier[:])
		b = token.AppendUint(token.AppendUint(b, uint64(bond.Amount)), uint64(bond.Purses))
	}
	b = token.AppendArray(b, len(book.Openers))
	for i := range book.Openers {
		b = token.AppendBytes(b, book.Openers[i].Append(nil))
	}
	return token.AppendUint(b, book.Openings)
}

func decodePurseBook(d *token.Decoder) (book ledger.PurseBook) {
	d.Fixed("token", book.Token[:])
	book.SetAside, book.Paid = tiyn(d, "set_aside"), tiyn(d, "paid")
	book.Returned, book.Locked = tiyn(d, "returned"), tiyn(d, "locked")
	for range d.Array("bonds", 0, 1<<16) {
		var bond ledger.Bond
		d.Array("bonds", 4, 4)
		d.Fixed("bonds.intermediary", bond.Intermediary[:])
		d.Fixed("bonds.certifier", bond.Certifier[:])
		bond.Amount, bond.Purses = tiyn(d, "bonds.amount"), uint32(d.Uint("bonds.purses", 1<<32-1))
		if book.Bonds = append(book.Bonds, bond); d.Err() != nil {
			return book
		}
	}
	for range d.Array("openers", 0, 1<<10) {
		key, err := sealed.DecodeKey(d.Bytes("openers", 1, 1<<10))
		if err != nil {
			d.Fail(token.Errorf(token.NotCanonical, "openers", "%v", err))
		}
		if d.Err() != nil {
			return book
		}
		book.Openers = append(book.Openers, *key)
	}
	book.Openings = d.Uint("openings", maxUint63)
	return book
}

func tiyn(d *token.Decoder, field string) money.Tiyn { return money.Tiyn(d.Uint(field, maxUint63)) }

// purseRecords are a purse's record and those of its links. Links have records of their own, so that a purse with many
// stays below maxRecord. The purse's says how many follow.
func purseRecords(p *ledger.Purse) [][]byte {
	b := token.AppendUint(token.AppendArray(nil, purseItems), recordPurse)
	b = token.AppendBytes(token.AppendBytes(token.AppendBytes(b, p.ID[:]), p.Intermediary[:]), p.Owner[:])
	b = token.AppendUint(token.AppendBytes(b, p.Key[:]), uint64(p.Class))
	b = token.AppendUint(token.AppendUint(token.AppendArray(b, 4), uint64(p.Limits.Payment)), uint64(p.Limits.Offline))
	b = token.AppendUint(token.AppendUint(b, uint64(p.Limits.Hops)), uint64(p.Limits.AgeHours))
	b = token.AppendUint(token.AppendUint(b, p.ExpiryMillis), uint64(p.Serial))
	b = token.AppendUint(token.AppendBytes(b, p.Sealed), uint64(p.Deposit))
	b = token.AppendUint(token.AppendUint(b, uint64(p.Lock)), uint64(p.KnownIn))
	b = token.AppendUint(token.AppendUint(b, uint64(p.Known)), uint64(p.Bonded))
	b = token.AppendUint(token.AppendBool(b, p.Convicted), uint64(p.State))
	b = token.AppendArray(b, len(p.Openings))
	for i := range p.Openings {
		o := &p.Openings[i]
		b = token.AppendBytes(token.AppendUint(token.AppendArray(b, 4), o.TimeMillis), o.Case[:])
		b = token.AppendBytes(token.AppendBytes(b, o.Asker[:]), o.Combined[:])
	}
	records := [][]byte{token.AppendUint(b, uint64(len(p.Links)))}
	for i := range p.Links {
		records = append(records, appendPurseLink(&p.Links[i]))
	}
	return records
}

func appendPurseLink(l *ledger.PurseLink) []byte {
	b := token.AppendUint(token.AppendArray(nil, purseLinkItems), recordPurseLink)
	b = token.AppendUint(token.AppendBytes(b, l.ID[:]), uint64(l.Number))
	b = token.AppendUint(token.AppendBytes(b, l.Previous[:]), uint64(l.PaidBefore))
	b = token.AppendUint(token.AppendUint(b, uint64(l.ReceivedBefore)), uint64(l.Amount))
	b = token.AppendBool(token.AppendBytes(b, l.Payee[:]), l.Paid)
	return token.AppendUint(b, uint64(l.Share))
}

func decodePurse(d *token.Decoder) (p *ledger.Purse, links int) {
	p = &ledger.Purse{}
	d.Fixed("id", p.ID[:])
	d.Fixed("intermediary", p.Intermediary[:])
	d.Fixed("owner", p.Owner[:])
	d.Fixed("key", p.Key[:])
	p.Class = uint8(d.Uint("class", 255))
	d.Array("limits", 4, 4)
	p.Limits.Payment, p.Limits.Offline = tiyn(d, "limits.payment_most"), tiyn(d, "limits.offline_most")
	p.Limits.Hops, p.Limits.AgeHours = uint8(d.Uint("limits.hops_most", 255)), uint16(d.Uint("limits.age_hours", 65535))
	p.ExpiryMillis, p.Serial = d.Uint("expiry", token.MaxValidUntil), uint32(d.Uint("serial", 1<<32-1))
	if name := d.Bytes("sealed", 0, token.MaxSealed); len(name) > 0 {
		p.Sealed = slices.Clone(name)
	}
	p.Deposit, p.Lock, p.KnownIn = tiyn(d, "deposit"), tiyn(d, "lock"), tiyn(d, "known_in")
	p.Known, p.Bonded = tiyn(d, "known"), tiyn(d, "bonded")
	p.Convicted = d.Bool("convicted")
	p.State = ledger.PurseState(d.Uint("state", uint64(ledger.PurseEnded)))
	p.Openings = decodeOpenings(d)
	return p, int(d.Uint("links", 1<<32-1))
}

func decodeOpenings(d *token.Decoder) (all []ledger.Opening) {
	for range d.Array("openings", 0, 1<<10) {
		var o ledger.Opening
		d.Array("openings", 4, 4)
		o.TimeMillis = d.Uint("openings.time", token.MaxValidUntil)
		d.Fixed("openings.case", o.Case[:])
		d.Fixed("openings.asker", o.Asker[:])
		if d.Fixed("openings.combined", o.Combined[:]); d.Err() != nil {
			return nil
		}
		all = append(all, o)
	}
	return all
}

func decodePurseLink(d *token.Decoder) (l ledger.PurseLink) {
	d.Fixed("link", l.ID[:])
	l.Number = uint32(d.Uint("number", 1<<32-1))
	d.Fixed("previous", l.Previous[:])
	l.PaidBefore, l.ReceivedBefore, l.Amount = tiyn(d, "paid_before"), tiyn(d, "received_before"), tiyn(d, "amount")
	d.Fixed("payee", l.Payee[:])
	l.Paid, l.Share = d.Bool("paid"), tiyn(d, "share")
	return l
}

// purses loads a record of purses. first says that it is the first of its type.
func (l *loader) purses(kind int, d *token.Decoder, first bool) error {
	switch kind {
	case recordPurseBook:
		book := decodePurseBook(d)
		if d.Err() != nil {
			return nil //nolint:nilerr // whoever read the record looks
		}
		if !first || !book.Used() {
			return badSnapshot("its book of purses stands twice, or says nothing")
		}
		*l.state.PurseBook() = book
	case recordPurse:
		p, links := decodePurse(d)
		if d.Err() != nil {
			return nil //nolint:nilerr // whoever read the record looks
		}
		if l.missing > 0 || l.purse != nil && bytes.Compare(l.purse.ID[:], p.ID[:]) >= 0 {
			return badSnapshot("purse %s is out of order, or the one before it lacks links", p.ID)
		}
		l.purse, l.missing = p, links
		l.state.AddPurse(p)
	case recordPurseLink:
		link := decodePurseLink(d)
		if d.Err() != nil {
			return nil //nolint:nilerr // whoever read the record looks
		}
		if l.missing == 0 {
			return badSnapshot("a link of no purse, or one too many")
		}
		if n := len(l.purse.Links); n > 0 && !before(&l.purse.Links[n-1], &link) {
			return badSnapshot("links of purse %s are out of order", l.purse.ID)
		}
		l.purse.Links = append(l.purse.Links, link)
		l.missing--
	}
	return nil
}

func before(a, b *ledger.PurseLink) bool {
	return a.Number < b.Number || a.Number == b.Number && bytes.Compare(a.ID[:], b.ID[:]) < 0
}

// finishPurses checks that the fund holds what the purses and the bonds do.
func (l *loader) finishPurses() error {
	book, sum, live := l.state.PurseBook(), money.Tiyn(0), map[token.WalletID]uint32{}
	openings := uint64(0)
	if l.missing > 0 {
		return badSnapshot("%d links of the last purse are missing", l.missing)
	}
	for _, id := range l.state.Purses() {
		p := l.state.Purse(id)
		openings += uint64(len(p.Openings))
		if err := l.sealHolds(p); err != nil {
			return err
		}
		// Each part is at most what is left: amounts are below 2⁶³ one by one, and a forged few could wrap round to
		// what the fund has.
		if p.Lock > book.Locked-sum {
			return badSnapshot("purse %s holds %s, more than is left of the book's %s", id, p.Lock, book.Locked)
		}
		if sum += p.Lock; p.State != ledger.PurseEnded {
			live[p.Intermediary]++
		}
	}
	for i := range book.Bonds {
		bond := &book.Bonds[i]
		if bond.Amount > book.Locked-sum {
			return badSnapshot("the bond of %s is %s tenge, more than is left of the book's %s", bond.Intermediary,
				bond.Amount, book.Locked)
		}
		if sum += bond.Amount; live[bond.Intermediary] != bond.Purses {
			return badSnapshot("the bond of %s is for %d purses, it says %d", bond.Intermediary,
				live[bond.Intermediary], bond.Purses)
		}
		// What is left over at the end are purses without a bond.
		delete(live, bond.Intermediary)
	}
	fund, held := l.state.Token(book.Token)
	switch {
	case openings != book.Openings:
		return badSnapshot("the names of its purses were opened %d times, their book says %d", openings, book.Openings)
	case len(live) > 0:
		return badSnapshot("%d intermediaries have purses and no bond", len(live))
	case sum != book.Locked || book.Paid > book.SetAside ||
		book.SetAside-book.Paid-book.Locked != book.Returned || fund.Amount != book.Locked ||
		held && fund.Wallet != ledger.PurseFund:
		return badSnapshot("purses and bonds hold %s, their book says %s, the fund has %s", sum, book.Locked,
			fund.Amount)
	}
	return nil
}

// sealHolds checks that a purse's sealed name is one, under a key of openers that is there.
func (l *loader) sealHolds(p *ledger.Purse) error {
	if len(p.Sealed) == 0 {
		if len(p.Openings) > 0 {
			return badSnapshot("the name of purse %s was opened and never sealed", p.ID)
		}
		return nil
	}
	seal, err := sealed.Decode(p.Sealed)
	if err != nil || seal.KeyNumber == 0 || int(seal.KeyNumber) > len(l.state.PurseBook().Openers) {
		return badSnapshot("the name of purse %s is sealed under no key of its openers", p.ID)
	}
	return nil
}
