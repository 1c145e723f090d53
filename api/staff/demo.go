package staff

import (
	"encoding/hex"
	"io"
	"slices"
	"time"

	"github.com/aqsha/aqsha/token"
)

// On the demo's own network, which everybody on its machine may read and whose keys lie unencrypted beside it, a
// browser may be one of its staff: there a passkey would guard nothing. The accounts are marked in the trail from their
// first entry on, so that wherever the folder is brought they stay what they are.

// Part is a role of the demo's staff.
type Part struct {
	Name  string
	Roles []Role
	Bank  token.WalletID // of an intermediary's staff
}

// Play opens a session of a role of the demo, and makes its account at the first time. Anywhere but on the demo's own
// network it is refused.
func (s *Store) Play(p Part, now time.Time) (secret string, session Session, account Account, err error) {
	if !s.config.Demo {
		return "", session, account, token.Errorf(DemoRole, "role", "this is not the demo's own network")
	}
	if err := checkName("role", p.Name); err != nil {
		return "", session, account, err
	}
	if p.Roles, err = checkRoles(p.Roles, p.Bank); err != nil {
		return "", session, account, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.part(p, now)
	if err == nil {
		err = s.add(AuditRecord{Act: DemoSignedIn, By: a.ID, Account: a.ID, Name: a.Name, Demo: p.Name}, now)
	}
	if err != nil {
		return "", session, account, err
	}
	secret, session, err = s.open(a, now)
	return secret, session, *a, err
}

// part is the account of a role of the demo, with the rights that the role has: what was changed of it is changed back,
// so that who chooses the auditor is one. The caller holds mu.
func (s *Store) part(p Part, now time.Time) (*Account, error) {
	for _, a := range s.roster.accounts { // any order: at most one of them stands
		if a.Ended != 0 || a.Part != p.Name {
			continue
		}
		if slices.Equal(a.Roles, p.Roles) && a.Bank == p.Bank {
			return a, nil
		}
		err := s.add(AuditRecord{Act: RolesChanged, By: a.ID, Account: a.ID, Name: a.Name, Roles: p.Roles,
			Bank: p.Bank}, now)
		s.dropSessions()
		return a, err
	}
	if s.roster.standing() >= MaxAccounts || len(s.roster.accounts) >= maxEver {
		return nil, token.Errorf(token.TooMany, "accounts", "at most %d", MaxAccounts)
	}
	var raw [16]byte
	if _, err := io.ReadFull(s.config.Random, raw[:]); err != nil {
		return nil, err
	}
	id := hex.EncodeToString(raw[:])
	err := s.add(AuditRecord{Act: DemoJoined, By: id, Account: id, Name: p.Name, Roles: p.Roles, Bank: p.Bank,
		Demo: p.Name}, now)
	return s.roster.accounts[id], err
}

// opens says whether an account may have sessions and let others in here.
func (s *Store) opens(a *Account) bool { return a.Ended == 0 && (!a.Demo || s.config.Demo) }

// within refuses what a role of the demo would do to an account that is not the demo's, nil being the machine: anybody
// may be such a role, and what it changed would stand where there is no demo any more. The caller holds mu.
func (s *Store) within(by string, of *Account) error {
	if who := s.roster.accounts[by]; who != nil && who.Demo && (of == nil || !of.Demo) {
		return token.Errorf(DemoRole, "account", "a role of the demo changes no account but the demo's own")
	}
	return nil
}
