package wallet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// AmbiguousName is the code of a word that several bear.
const AmbiguousName token.Code = "ambiguous-name"

// NameTaken is the code of a local name that is borne, or that another looks like.
const NameTaken token.Code = "name-taken"

// reservedNames have a meaning of their own where a name is asked for.
var reservedNames = []string{"any", "me"}

// notReserved refuses a name that is none, a number, or a word with a meaning of its own. What bears such a name
// already keeps it: this is asked of new names.
func notReserved(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if strings.Trim(name, "0123456789") == "" {
		return token.Errorf(ledger.BadName, "name", "name %q: it would be taken for a number", name)
	}
	if slices.Contains(reservedNames, strings.ToLower(name)) {
		return token.Errorf(ledger.BadName, "name", "name %q: the word has a meaning of its own", name)
	}
	return nil
}

// Free says whether a contract can be called by a name here: nothing bears it, and nothing that could be read for it.
func (b *Keyring) Free(name string) error {
	if err := notReserved(name); err != nil {
		return err
	}
	others, err := b.list(namesDir, ".json")
	if err != nil {
		return err
	}
	if err := differsByMore(name, others); err != nil {
		return err
	}
	for _, other := range others {
		if other == name {
			return token.Errorf(NameTaken, "name", "name %q is taken", name)
		}
		if contract.Skeleton(other) == contract.Skeleton(name) {
			return token.Errorf(NameTaken, "name", "name %q looks like %q, which is taken: choose another", name, other)
		}
	}
	return nil
}

// Fresh says whether a wallet, a bank or an agency can be called by a name here. Of names in plain Latin letters and
// digits only the same one is taken, as people number their wallets; where other letters come in, nothing may look like
// it, and a word is of one script: who pays "аsem" does not see whether its first letter is Cyrillic.
func (b *Keyring) Fresh(name string) error {
	if err := notReserved(name); err != nil {
		return err
	}
	if b.Has(name) {
		return token.Errorf(NameTaken, "name", "name %q is taken", name)
	}
	if !plainLetters(name) {
		if problem := contract.NameProblem(name); problem != "" {
			return token.Errorf(ledger.BadName, "name", "name %q: %s", name, problem)
		}
	}
	if wide := strings.IndexFunc(name, func(r rune) bool {
		return unicode.Is(unicode.Latin, r) &&
			r > lastLatin
	}); wide >= 0 {
		return token.Errorf(ledger.BadName, "name", "name %q: it has letters that only look like Latin ones", name)
	}
	others, err := b.list(namesDir, ".json")
	if err != nil {
		return err
	}
	if err := differsByMore(name, others); err != nil {
		return err
	}
	// Against every name that is here, not against an index: these are the few people of one keyring, and a file may
	// be put there by hand.
	skeleton := contract.Skeleton(name)
	for _, other := range others {
		if (!plainLetters(name) || !plainLetters(other)) && contract.Skeleton(other) == skeleton {
			return token.Errorf(NameTaken, "name", "name %q looks like %q, which is taken: choose another", name, other)
		}
	}
	return nil
}

// lastLatin is the last of the Latin letters that languages are written with; full-width and other forms come after it.
const lastLatin = 0x24f

// plainLetters says whether a name is of ASCII alone.
func plainLetters(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// Purpose finds a purpose by its number, as AGENCY/NAME, or by its name alone where one live purpose bears it, or none
// does and one that has ended did. A word of digits is a number and never a name. Of a purpose and its amendments,
// which bear one name, it is the one with which money is marked now.
func (d *Client) Purpose(ctx context.Context, text string) (api.PurposeView, error) {
	list, err := d.API.Purposes(ctx)
	if err != nil {
		return api.PurposeView{}, err
	}
	if text != "" && strings.Trim(text, "0123456789") == "" {
		if number, err := strconv.ParseUint(text, 10, 32); err == nil {
			if p := purposeOf(list, uint32(number)); p != nil {
				return *p, nil
			}
		}
		return api.PurposeView{}, token.Errorf(node.NotFound, "purpose", "no purpose %s: aqsha purpose list shows them",
			text)
	}
	agencies, err := d.API.Agencies(ctx)
	if err != nil {
		return api.PurposeView{}, err
	}
	agency, name, qualified := strings.Cut(text, "/")
	if !qualified {
		name = text
	}
	of := map[token.WalletID]string{}
	for _, a := range agencies {
		of[a.ID] = a.Name
	}
	var live, ended []api.PurposeView
	for _, p := range list {
		if p.Name != name || qualified && of[p.Agency] != agency && p.Agency.String() != agency {
			continue
		}
		if p.UntilMillis > d.Now() {
			live = append(live, p)
		} else {
			ended = append(ended, p)
		}
	}
	// Live before ended: a purpose of last year with the same name must not make this year's ambiguous.
	candidates := d.inForce(live)
	if len(live) == 0 {
		candidates = d.inForce(ended)
	}
	switch len(candidates) {
	case 0:
		return api.PurposeView{}, token.Errorf(node.NotFound, "purpose", "no purpose %q: aqsha purpose list shows them",
			text)
	case 1:
		return candidates[0], nil
	}
	var names []string
	for _, p := range candidates {
		names = append(names, fmt.Sprintf("%d (%s/%s)", p.Number, of[p.Agency], p.Name))
	}
	return api.PurposeView{}, token.Errorf(AmbiguousName, "purpose", "several purposes are called %q: write one of %s",
		text, strings.Join(names, ", "))
}

// purposeOf is the purpose of a number in the list of all, which is in the order of numbers; nil where none stands. A
// number is no place in the list: purposes that have ended make room for others, and their numbers are not given again.
func purposeOf(list []api.PurposeView, number uint32) *api.PurposeView {
	i, found := slices.BinarySearchFunc(list, number, func(p api.PurposeView, number uint32) int {
		return cmp.Compare(p.Number, number)
	})
	if !found {
		return nil
	}
	return &list[i]
}

// inForce leaves of each purpose that is amended the one with which money is marked now.
func (d *Client) inForce(list []api.PurposeView) (left []api.PurposeView) {
	begun := map[uint32]bool{} // amended, by one that has begun
	for _, p := range list {
		if p.Amends != 0 && p.FromMillis <= d.Now() {
			begun[p.Amends] = true
		}
	}
	for _, p := range list {
		if !begun[p.Number] && (p.Amends == 0 || p.FromMillis <= d.Now()) {
			left = append(left, p)
		}
	}
	return left
}

// amendments lists a purpose, what it amends and what amends it, the oldest first.
func (d *Client) amendments(ctx context.Context, p api.PurposeView) ([]api.PurposeView, error) {
	if p.Amends == 0 && p.AmendedBy == 0 {
		return []api.PurposeView{p}, nil
	}
	list, err := d.API.Purposes(ctx)
	if err != nil {
		return nil, err
	}
	at := func(number uint32) *api.PurposeView { return purposeOf(list, number) }
	first := at(p.Number)
	for first != nil && at(first.Amends) != nil {
		first = at(first.Amends)
	}
	var all []api.PurposeView
	for ; first != nil; first = at(first.AmendedBy) {
		all = append(all, *first)
	}
	return all, nil
}

// Newest follows a purpose's amendments to the last that is announced, in force or not.
func (d *Client) Newest(ctx context.Context, p api.PurposeView) (api.PurposeView, error) {
	all, err := d.amendments(ctx, p)
	if err != nil || len(all) == 0 {
		return p, err
	}
	return all[len(all)-1], nil
}

// PurposeName is what a purpose is called in full: AGENCY/NAME.
func (d *Client) PurposeName(ctx context.Context, p api.PurposeView) (string, error) {
	a, err := d.agency(ctx, p.Agency)
	return a.Name + "/" + p.Name, err
}

// Definition finds a registered definition by id, or by a name that one bears.
func (d *Client) Definition(ctx context.Context, text string) (api.DefinitionView, error) {
	list, err := d.API.Definitions(ctx)
	if err != nil {
		return api.DefinitionView{}, err
	}
	var found []api.DefinitionView
	var ids []string
	for _, definition := range list {
		if definition.ID.String() == text {
			return definition, nil
		}
		if definition.Name == text {
			found, ids = append(found, definition), append(ids, definition.ID.String())
		}
	}
	switch len(found) {
	case 0:
		return api.DefinitionView{}, token.Errorf(node.NotFound, "definition", "no definition %q is registered", text)
	case 1:
		return found[0], nil
	}
	return api.DefinitionView{}, token.Errorf(AmbiguousName, "definition",
		"several definitions are called %q: write one of %s", text, strings.Join(ids, ", "))
}
