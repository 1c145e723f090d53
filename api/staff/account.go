package staff

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/aqsha/aqsha/internal/errtext"
	"github.com/aqsha/aqsha/internal/recent"
	"github.com/aqsha/aqsha/token"
)

// Role is a right of an account. An account has at most one of those that read the ledger, and may be an administrator
// besides.
type Role string

// The roles of staff. The three that read have the rights of the access of the same name, and no other.
const (
	Administrator Role = "administrator" // invites, ends and changes accounts; reads the audit trail
	Authority     Role = "authority"
	Auditor       Role = "auditor" // reads the audit trail too
	Intermediary  Role = "intermediary"
)

// Roles are all roles, in the order in which an account lists them.
var Roles = []Role{Administrator, Authority, Auditor, Intermediary}

// Limits of what is kept.
const (
	MaxAccounts = 1_000  // that have not ended
	maxEver     = 10_000 // with those that have
	maxPasskeys = 8      // of one account
	maxLinks    = 100    // that may still be used
	MaxName     = 64     // bytes
)

// Act is what an entry of the audit trail says.
type Act string

// The acts of the audit trail.
const (
	Invited        Act = "invited"
	InvitationOver Act = "invitation-ended"
	Joined         Act = "joined"
	SignedIn       Act = "signed-in"
	Confirmed      Act = "confirmed" // with a passkey, for privileged acts
	SignedOut      Act = "signed-out"
	RolesChanged   Act = "roles-changed"
	Ended          Act = "ended"
	PasskeyAdded   Act = "passkey-added"
	PasskeyRemoved Act = "passkey-removed"
	PasskeyDoubted Act = "passkey-doubted" // its counter went back: there may be a copy of it
	Acted          Act = "acted"           // sent something to the node that is no question
	DemoJoined     Act = "demo-joined"     // a role of the demo was chosen for the first time, without a passkey
	DemoSignedIn   Act = "demo-signed-in"  // such a role was chosen
)

// AuditRecord is one line of the audit trail, which is stored as the JSON of it.
type AuditRecord struct {
	Time    uint64         `json:"time_millis" doc:"Unix milliseconds, by the node's clock"`
	Act     Act            `json:"act" doc:"such as joined, signed-in, roles-changed or acted"`
	By      string         `json:"by,omitempty" doc:"the account that did it; absent for who sat at the machine itself"`
	Account string         `json:"account,omitempty" doc:"whom it was done to"`
	Name    string         `json:"name,omitempty" doc:"of that account, or who was invited"`
	Roles   []Role         `json:"roles,omitempty"`
	Bank    token.WalletID `json:"bank,omitzero" doc:"of an intermediary's staff"`
	Link    *OneTimeLink   `json:"link,omitempty"`
	Passkey *Passkey       `json:"passkey,omitempty"`
	What    string         `json:"what,omitempty" doc:"of acted: the method and the path"`
	Demo    string         `json:"demo,omitempty" doc:"of the demo's acts: which of its roles was chosen"`
}

// OneTimeLink is what is kept of a one-time link.
type OneTimeLink struct {
	SHA256 string `json:"sha256" doc:"of its 256 secret bits, hexadecimal"`
	Until  uint64 `json:"until_millis" doc:"Unix milliseconds"`
}

// Passkey is the public part of a passkey, and what is noted of it.
type Passkey struct {
	ID       string `json:"id" doc:"hexadecimal"`
	Name     string `json:"name,omitempty" doc:"as its owner calls it"`
	Site     string `json:"site,omitempty" doc:"the name under which it works: of the node as it was dialled"`
	Key      []byte `json:"key,omitempty" doc:"COSE key, base64"`
	Count    uint32 `json:"count,omitempty" doc:"its counter when it was used last; 0 for those that keep none"`
	Eligible bool   `json:"backup_eligible,omitempty" doc:"its owner's devices share it"`
	Made     uint64 `json:"made_millis,omitempty"`
}

// Account is somebody of the staff.
type Account struct {
	ID       string // 32 hexadecimal digits
	Name     string
	Roles    []Role
	Bank     token.WalletID
	Passkeys []Passkey
	Made     uint64
	Ended    uint64 // 0 while it stands
	Epoch    uint64 // the entry that gave it its present roles: a session of another is over
	Demo     bool   // a role of the demo, or let in by one: it opens nothing on another network than the demo's own
	Part     string // the demo's role that a chooser opens; "" for whoever has a passkey of his own
}

// Has says whether an account has a role.
func (a *Account) Has(r Role) bool { return a.Ended == 0 && slices.Contains(a.Roles, r) }

// Reads is the role by which an account reads the ledger; "" for none.
func (a *Account) Reads() Role {
	for _, r := range a.Roles {
		if r != Administrator {
			return r
		}
	}
	return ""
}

// Invitation is a link that was not used yet.
type Invitation struct {
	Name  string
	Roles []Role
	Bank  token.WalletID
	By    string
	OneTimeLink
}

// ID names an invitation without its secret.
func (i Invitation) ID() string { return i.SHA256[:16] }

// checkRoles refuses roles that no account can have, and puts them in order, so that equal roles are equal lists. One
// may read as authority, auditor or bank and administer besides; an administrator's role alone reads no ledger.
func checkRoles(roles []Role, bank token.WalletID) ([]Role, error) {
	var list []Role
	readers := 0
	for _, r := range Roles {
		if slices.Contains(roles, r) {
			list = append(list, r)
			if r != Administrator {
				readers++
			}
		}
	}
	switch {
	case len(list) == 0 || len(list) != len(roles):
		return nil, token.Errorf(token.OutOfRange, "roles", "want one or more of %v, each once", Roles)
	case readers > 1:
		return nil, token.Errorf(token.OutOfRange, "roles", "authority, auditor and intermediary exclude each other")
	case slices.Contains(list, Intermediary) != (bank != token.WalletID{}):
		return nil, token.Errorf(token.OutOfRange, "bank", "an intermediary's staff name the bank, nobody else does")
	}
	return list, nil
}

// checkName refuses what could pass for something else in the trail.
func checkName(field, name string) error {
	if name == "" {
		return token.Errorf(token.OutOfRange, field, "want 1 to %d bytes", MaxName)
	}
	return CheckText(field, name, MaxName)
}

// Codes of names that people give themselves and others.
const (
	TextHides   token.Code = "text-hides"    // marks in it are not shown, and hide or turn what is
	TextTooLong token.Code = "text-too-long" // more bytes than it may have
)

// CheckText refuses a name of more than most bytes of UTF-8, and one that people read as what does not stand there.
func CheckText(field, text string, most int) error {
	if len(text) > most {
		return token.Errorf(TextTooLong, field, "%d bytes, at most %d", len(text), most)
	}
	for _, r := range text {
		if errtext.Deceives(r) || r == utf8.RuneError {
			return token.Errorf(TextHides, field, "want one line of text that hides or turns nothing")
		}
	}
	return nil
}

// roster is what the entries add up to. It is changed by take alone, so that a store that is opened again has the
// same. used grows with every account that ever joined, which maxEver bounds.
type roster struct {
	accounts map[string]*Account
	links    map[string]Invitation         // by SHA256, those that were not used or ended
	used     map[string]bool               // links with which somebody joined
	passkeys map[string]string             // account, by id: of those that stand
	invited  *recent.Map[string, struct{}] // ids of invitations, also of those that are over
	size     uint64
}

func newRoster() *roster {
	return &roster{accounts: map[string]*Account{}, links: map[string]Invitation{}, used: map[string]bool{},
		passkeys: map[string]string{}, invited: recent.New[string, struct{}](maxEver)}
}

// isLast says whether nobody but an account administers. Roles of the demo do not count: they open nothing elsewhere.
func (r *roster) isLast(a *Account) bool {
	return a.Has(Administrator) && !a.Demo && r.administrators() == 1
}

// administrators counts those that stand.
func (r *roster) administrators() (n int) {
	for _, a := range r.accounts {
		if a.Has(Administrator) && !a.Demo {
			n++
		}
	}
	return n
}

// standing counts accounts that have not ended.
func (r *roster) standing() (n int) {
	for _, a := range r.accounts {
		if a.Ended == 0 {
			n++
		}
	}
	return n
}

// take adds an entry. One that does not follow from those before is damage: what a trail decides is not to be guessed.
func (r *roster) take(e AuditRecord) error {
	if err := r.apply(e); err != nil {
		return fmt.Errorf("entry %d of the audit trail (%s): %w", r.size, e.Act, err)
	}
	r.size++
	return nil
}

// apply changes the roster by one entry, or not at all.
func (r *roster) apply(e AuditRecord) error {
	switch e.Act {
	case Invited:
		return r.invite(e)
	case InvitationOver:
		if e.Link == nil {
			return errNoSuch
		}
		delete(r.links, e.Link.SHA256)
		return nil
	case Joined:
		return r.join(e)
	case DemoJoined:
		return r.joinDemo(e)
	}
	// What was decided is applied, whether it was decided now or comes out of the trail at a start: there is one way,
	// so a restart gives the same roster.
	a := r.accounts[e.Account]
	if a == nil || a.Ended != 0 {
		return errNoSuch
	}
	switch e.Act {
	case SignedIn, Confirmed, PasskeyDoubted, PasskeyAdded, PasskeyRemoved:
		return r.passkey(a, e)
	case RolesChanged:
		// The epoch ends the account's sessions: one that began before it has the old roles.
		a.Roles, a.Bank, a.Epoch = e.Roles, e.Bank, r.size
	case Ended:
		a.Ended, a.Epoch = e.Time, r.size
		for _, p := range a.Passkeys {
			delete(r.passkeys, p.ID)
		}
		a.Passkeys = nil
	case SignedOut, Acted, DemoSignedIn:
	default:
		return fmt.Errorf("%q is no act", e.Act)
	}
	return nil
}

var errNoSuch = fmt.Errorf("it names an account, link or passkey that is not there")

// invite takes a link up; times are the entries', so that the trail read again gives the same.
func (r *roster) invite(e AuditRecord) error {
	if e.Link == nil || len(e.Link.SHA256) != 64 {
		return errNoSuch
	}
	for sum, i := range r.links { // what has lapsed makes room, whoever reads the trail
		if i.Until <= e.Time {
			delete(r.links, sum)
		}
	}
	i := Invitation{e.Name, e.Roles, e.Bank, e.By, *e.Link}
	r.links[e.Link.SHA256] = i
	r.invited.Put(i.ID(), struct{}{})
	return nil
}

// join makes an account. That its link stood was looked at before the entry was written; a link is used once in any
// case.
func (r *roster) join(e AuditRecord) error {
	if e.Link == nil || e.Passkey == nil || r.used[e.Link.SHA256] || r.accounts[e.Account] != nil ||
		r.passkeys[e.Passkey.ID] != "" {
		return errNoSuch
	}
	by := r.accounts[r.links[e.Link.SHA256].By]
	delete(r.links, e.Link.SHA256)
	r.used[e.Link.SHA256] = true
	r.passkeys[e.Passkey.ID] = e.Account
	// Whom a role of the demo has let in is the demo's too: anybody may be that role.
	r.accounts[e.Account] = &Account{ID: e.Account, Name: e.Name, Roles: e.Roles, Bank: e.Bank,
		Passkeys: []Passkey{*e.Passkey}, Made: e.Time, Epoch: r.size, Demo: by != nil && by.Demo}
	return nil
}

// joinDemo makes an account of a role of the demo, which has no passkey.
func (r *roster) joinDemo(e AuditRecord) error {
	if e.Account == "" || e.Demo == "" || r.accounts[e.Account] != nil {
		return errNoSuch
	}
	r.accounts[e.Account] = &Account{ID: e.Account, Name: e.Name, Roles: e.Roles, Bank: e.Bank, Made: e.Time,
		Epoch: r.size, Demo: true, Part: e.Demo}
	return nil
}

// passkey takes what an entry says of a passkey of an account.
func (r *roster) passkey(a *Account, e AuditRecord) error {
	if e.Passkey == nil {
		return errNoSuch
	}
	at := slices.IndexFunc(a.Passkeys, func(p Passkey) bool { return p.ID == e.Passkey.ID })
	if e.Act == PasskeyAdded {
		if at >= 0 || r.passkeys[e.Passkey.ID] != "" {
			return errNoSuch
		}
		a.Passkeys = append(a.Passkeys, *e.Passkey)
		r.passkeys[e.Passkey.ID] = a.ID
		return nil
	}
	if at < 0 {
		return errNoSuch
	}
	switch e.Act {
	case PasskeyRemoved:
		a.Passkeys = slices.Delete(slices.Clone(a.Passkeys), at, at+1)
		delete(r.passkeys, e.Passkey.ID)
	case SignedIn, Confirmed:
		a.Passkeys = slices.Clone(a.Passkeys) // copies that were handed out stay as they are
		a.Passkeys[at].Count = e.Passkey.Count
	}
	return nil
}
