package staff

import (
	"crypto/ed25519"
	"encoding/json"
	"path/filepath"
	"time"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/token"
)

// How long a session lasts without a request, at most, and how long a passkey is fresh.
const (
	IdleLasts    = 30 * time.Minute
	SessionLasts = 12 * time.Hour
	FreshLasts   = 5 * time.Minute
)

const (
	sessionsEach = 8           // of one account: another ends the oldest
	seenEvery    = time.Minute // how exactly it is stored when a session was used last
)

// Session is what is kept of one. All are stored together, by the hash of their token; a store of them that is lost
// signs everybody out and does no other harm.
type Session struct {
	Account string `json:"account"`
	Epoch   uint64 `json:"epoch"` // the account's, when it was opened
	Opened  uint64 `json:"opened_millis"`
	Seen    uint64 `json:"seen_millis"`
	Fresh   uint64 `json:"fresh_until_millis"`

	sum string // of its token
}

// Ends is when a session ends if nothing more is asked in it.
func (s Session) Ends() time.Time {
	idle, whole := time.UnixMilli(int64(s.Seen)).Add(IdleLasts), time.UnixMilli(int64(s.Opened)).Add(SessionLasts)
	if whole.Before(idle) {
		return whole
	}
	return idle
}

// IsFresh says whether a passkey was used so lately that privileged acts may be done.
func (s Session) IsFresh(now time.Time) bool { return uint64(now.UnixMilli()) < s.Fresh }

// stands says whether a session is not over. The caller holds mu.
func (s *Store) stands(one *Session, now time.Time) bool {
	a := s.roster.accounts[one.Account]
	opened := time.UnixMilli(int64(one.Opened))
	return a != nil && s.opens(a) && a.Epoch == one.Epoch && now.Before(one.Ends()) &&
		!now.Before(opened.Add(-time.Minute))
}

// Session is the session of a token and its account, if it is not over; it was used now. When it was used is stored at
// most once in seenEvery: a crash loses no more of it, and a session ends that much earlier.
func (s *Store) Session(secret string, now time.Time) (Session, Account, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.sessions[sumOf(secret)]
	if !ok || !s.stands(one, now) {
		return Session{}, Account{}, false
	}
	one.Seen = max(one.Seen, uint64(now.UnixMilli()))
	if now.Sub(s.written) >= seenEvery {
		s.written = now
		s.storeSessions()
	}
	return *one, *s.roster.accounts[one.Account], true
}

// Stands says whether the session of a token is not over, without using it.
func (s *Store) Stands(secret string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.sessions[sumOf(secret)]
	return ok && s.stands(one, now)
}

// open begins a session of an account. The caller holds mu. Sessions of an account over sessionsEach end, the oldest
// first, and what is over is forgotten here: the map grows with accounts, not with sign-ins.
func (s *Store) open(a *Account, now time.Time) (secret string, _ Session, err error) {
	secret, sum, err := newSecret(s.config.Random)
	if err != nil {
		return "", Session{}, err
	}
	var oldest *Session
	own := 0
	for key, one := range s.sessions {
		switch {
		case !s.stands(one, now):
			delete(s.sessions, key)
		case one.Account == a.ID:
			if own++; oldest == nil || one.Opened < oldest.Opened {
				oldest = one
			}
		}
	}
	if own >= sessionsEach {
		delete(s.sessions, oldest.sum)
	}
	millis := uint64(now.UnixMilli())
	one := &Session{a.ID, a.Epoch, millis, millis, uint64(now.Add(FreshLasts).UnixMilli()), sum}
	s.sessions[sum] = one
	s.storeSessions()
	return secret, *one, nil
}

// SignOut ends a session.
func (s *Store) SignOut(one Session, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, open := s.sessions[one.sum]; !open {
		return nil
	}
	// It is over whether or not the trail takes it.
	delete(s.sessions, one.sum)
	s.storeSessions()
	a, err := s.account(one.Account)
	if err != nil {
		return err
	}
	return s.add(AuditRecord{Act: SignedOut, By: a.ID, Account: a.ID, Name: a.Name}, now)
}

// dropSessions forgets those whose account has ended or has other roles. The caller holds mu.
func (s *Store) dropSessions() {
	for key, one := range s.sessions {
		if a := s.roster.accounts[one.Account]; a == nil || a.Ended != 0 || a.Epoch != one.Epoch {
			delete(s.sessions, key)
		}
	}
	s.storeSessions()
}

// storeSessions writes them all. A failure costs a sign-in after the next start, and is not passed on: whether a
// session stands is decided by the trail as well. The caller holds mu.
func (s *Store) storeSessions() {
	if text, err := json.Marshal(s.sessions); err == nil {
		_ = durable.Replace(s.config.FS, filepath.Join(s.config.Dir, sessionsFile), text)
	}
}

// readSessions takes up what was stored; what cannot be read is no session.
func (s *Store) readSessions() {
	text, err := durable.Read(s.config.FS, filepath.Join(s.config.Dir, sessionsFile), maxFileBytes*4)
	if err != nil || json.Unmarshal(text, &s.sessions) != nil || s.sessions == nil {
		s.sessions = map[string]*Session{}
	}
	for sum, one := range s.sessions {
		if one == nil {
			delete(s.sessions, sum)
			continue
		}
		one.sum = sum
	}
}

// MustBeFresh refuses a privileged act in a session whose passkey was used too long ago.
func (s Session) MustBeFresh(now time.Time) error {
	if !s.IsFresh(now) {
		return token.Errorf(ConfirmFirst, "passkey", "use the passkey again: it was more than %d minutes ago",
			int(FreshLasts.Minutes()))
	}
	return nil
}

func publicOf(seed []byte) ed25519.PublicKey {
	return ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
}
