package staff

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/recent"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Folder is where a data directory keeps its staff.
const Folder = "staff"

// Files of the folder.
const (
	trailDir     = "trail"
	keyFile      = "trail.key"
	linkFile     = "link.json"
	sessionsFile = "sessions.json"
)

// How long links last: the one that the machine makes, and an administrator's.
const (
	MachineLinkLasts = 15 * time.Minute
	InvitationLasts  = 7 * 24 * time.Hour
)

const (
	segmentBytes = 1 << 18
	maxFileBytes = 1 << 20
	maxTextBytes = 8 << 10 // of an entry
	actsPerHour  = 600     // of one account
)

// Codes of staff.
const (
	LinkRefused       token.Code = "link-refused"       // no such one-time link, or used, or its time is over
	PasskeyRefused    token.Code = "passkey-refused"    // the challenge is not answered by a passkey that is known here
	PasskeyNeedsName  token.Code = "passkey-needs-name" // the node was dialled by an address
	ConfirmFirst      token.Code = "confirm-first"      // a privileged act without a fresh passkey
	LastAdministrator token.Code = "last-administrator"
	LastPasskey       token.Code = "last-passkey"
	NoAccount         token.Code = "no-account"
	NoInvitation      token.Code = "no-invitation"
	StoreClosed       token.Code = "staff-unavailable" // the store cannot be opened or written
	TooOften          token.Code = "too-often"
	DemoRole          token.Code = "demo-role" // a role of the demo, elsewhere or against somebody who is none
)

// Config says where a store is.
type Config struct {
	FS     vfs.FS // nil is vfs.OS
	Dir    string // the staff folder itself
	Origin string // names the trail in its checkpoints, as the log of the ledger is named
	// Demo is the demo's own network, which is for development alone: a browser may be one of its roles without a
	// passkey. On every other they neither come to be nor open anything, whatever the trail says of them.
	Demo bool
	// Background and Random are the log's, for simulations.
	Background func(work func())
	Random     io.Reader
}

// Store is the staff of a node. Its methods may be called from several goroutines.
type Store struct {
	config   Config
	verifier string // the trail's public key, as notes have it
	log      *txlog.Log
	door     ceremonies

	mu       sync.Mutex // over what follows, and over the trail's end: entries are in the order of calls
	roster   *roster
	sessions map[string]*Session           // by the hash of their token, hexadecimal
	written  time.Time                     // when the sessions were stored last
	acts     *recent.Map[string, *actMass] // by account
}

// actMass counts an account's entries within an hour.
type actMass struct {
	from time.Time
	n    int
}

// Open opens the store of a folder, or begins it. A trail that is damaged is not begun anew: whoever could damage it
// would let himself in. Time is in proportion to the trail.
func Open(c Config) (*Store, error) {
	if c.FS == nil {
		c.FS = vfs.OS
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if err := durable.Folder(c.FS, c.Dir); err != nil {
		return nil, err
	}
	s := &Store{config: c, roster: newRoster(), sessions: map[string]*Session{},
		acts: recent.New[string, *actMass](maxEver)}
	signer, err := s.signer()
	if err != nil {
		return nil, err
	}
	// The trail is the only store: the roster is what it gives, so nothing can be changed beside it.
	s.log, err = txlog.Open(filepath.Join(c.Dir, trailDir), txlog.Options{Origin: c.Origin,
		Signers: []note.Signer{signer}, FS: c.FS, SegmentBytes: segmentBytes, Background: c.Background,
		Random: c.Random})
	if err != nil {
		return nil, err
	}
	for text, err := range s.log.Entries(0, s.log.Size()) {
		var e AuditRecord
		if err == nil {
			err = json.Unmarshal(text, &e)
		}
		if err == nil {
			err = s.roster.take(e)
		}
		if err != nil {
			return nil, errors.Join(err, s.log.Close())
		}
	}
	s.readSessions()
	return s, s.door.begin(c.Random)
}

// signer reads the key that signs the trail's checkpoints, or makes it. One that is lost is made anew: what it signed
// can be verified with the key that was shown then.
func (s *Store) signer() (note.Signer, error) {
	path := filepath.Join(s.config.Dir, keyFile)
	text, err := durable.Read(s.config.FS, path, maxFileBytes)
	if errors.Is(err, fs.ErrNotExist) {
		var private string
		if private, _, err = note.GenerateKey(s.config.Random, s.config.Origin); err != nil {
			return nil, err
		}
		text = []byte(private)
		err = durable.Create(s.config.FS, path, text)
	}
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.verifier, err = verifierOf(string(text))
	return signer, err
}

// verifierOf is the public form of a private note key (C2SP signed-note, "Ed25519 signatures").
func verifierOf(private string) (string, error) {
	parts := strings.SplitN(strings.TrimSpace(private), "+", 5)
	if len(parts) != 5 { // PRIVATE+KEY+name+hash+key
		return "", errors.New("no private key of a note")
	}
	key, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(key) != 33 || key[0] != 1 {
		return "", errors.New("no private key of a note")
	}
	return note.NewEd25519VerifierKey(parts[2], publicOf(key[1:]))
}

// Close lets go of the folder. Sessions that were in use are stored as they were seen last.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.storeSessions()
	return s.log.Close()
}

// add makes an entry durable and applies it. The caller holds mu and has found that it follows. It waits for the disk
// with mu held: entries are few.
func (s *Store) add(e AuditRecord, now time.Time) error {
	e.Time = uint64(now.UnixMilli())
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if len(text) > maxTextBytes {
		return token.Errorf(token.TooLarge, "entry", "%d bytes, at most %d", len(text), maxTextBytes)
	}
	if err := s.count(e.By, now); err != nil {
		return err
	}
	batch, err := s.log.Stage([][]byte{text})
	if err == nil {
		err = s.log.Commit(batch)
	}
	if err == nil {
		_, err = s.log.Publish()
	}
	if err != nil {
		return token.Errorf(StoreClosed, "", "the audit trail cannot be written, and nothing is done that is not in "+
			"it: %v", err)
	}
	return s.roster.take(e)
}

// count bounds what one account writes within an hour: a trail that grows without end fills the disk of the node. The
// caller holds mu.
func (s *Store) count(account string, now time.Time) error {
	if account == "" {
		return nil
	}
	m, ok := s.acts.Get(account)
	if !ok || now.Sub(m.from) >= time.Hour || now.Before(m.from) {
		m = &actMass{from: now}
		s.acts.Put(account, m)
	}
	if m.n++; m.n > actsPerHour {
		return token.Errorf(TooOften, "account", "%d acts within an hour are the most of one account", actsPerHour)
	}
	return nil
}

// newSecret is 256 secret bits as a link or a cookie carries them, and the hash by which they are known.
func newSecret(random io.Reader) (text, sum string, err error) {
	var secret [32]byte
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return "", "", err
	}
	text = base64.RawURLEncoding.EncodeToString(secret[:])
	return text, sumOf(text), nil
}

// sumOf is the hash by which a secret is known; secrets are random, so that none can be guessed from it.
func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// MakeMachineLink makes a one-time link for an administrator in a staff folder, in place of the one before. It asks
// for the folder alone: whoever can write there sits at the machine. A node that serves the folder finds it.
func MakeMachineLink(files vfs.FS, dir string, random io.Reader, now time.Time) (secret string, until time.Time,
	err error) {
	if err := durable.Folder(files, dir); err != nil {
		return "", until, err
	}
	secret, sum, err := newSecret(random)
	if err != nil {
		return "", until, err
	}
	until = now.Add(MachineLinkLasts)
	text, err := json.Marshal(OneTimeLink{sum, uint64(until.UnixMilli())})
	if err != nil {
		return "", until, err
	}
	return secret, until, durable.Replace(files, filepath.Join(dir, linkFile), text)
}

// invitation finds what a link invites to. The caller holds mu. All that may be wrong with a link is one refusal. A
// machine's link is not in the trail before it is used; whoever can write the folder makes an administrator by it.
func (s *Store) invitation(secret string, now time.Time) (Invitation, error) {
	sum, refused := sumOf(secret), token.Errorf(LinkRefused, "link", "it is not known, was used, or its time is over")
	if s.roster.used[sum] {
		return Invitation{}, refused
	}
	i, ok := s.roster.links[sum]
	if by := s.roster.accounts[i.By]; ok && by != nil && by.Demo && !s.config.Demo {
		return Invitation{}, refused
	}
	if !ok {
		text, err := durable.Read(s.config.FS, filepath.Join(s.config.Dir, linkFile), maxFileBytes)
		if err != nil || json.Unmarshal(text, &i.OneTimeLink) != nil || i.SHA256 != sum {
			return Invitation{}, refused
		}
		i.Roles = []Role{Administrator}
	}
	if uint64(now.UnixMilli()) >= i.Until {
		return Invitation{}, refused
	}
	return i, nil
}

// Invite makes a one-time link for somebody; its secret is returned once and kept nowhere. Links that wait count as
// accounts, so that each of them can still be used.
func (s *Store) Invite(by, name string, roles []Role, bank token.WalletID, now time.Time) (secret string, i Invitation,
	err error) {
	if err := checkName("name", name); err != nil {
		return "", i, err
	}
	if roles, err = checkRoles(roles, bank); err != nil {
		return "", i, err
	}
	secret, sum, err := newSecret(s.config.Random)
	if err != nil {
		return "", i, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.roster.standing()+len(s.openLinks(now)) >= MaxAccounts || len(s.openLinks(now)) >= maxLinks {
		return "", i, token.Errorf(token.TooMany, "invitations", "at most %d wait, of %d accounts: end one first",
			maxLinks, MaxAccounts)
	}
	link := OneTimeLink{sum, uint64(now.Add(InvitationLasts).UnixMilli())}
	err = s.add(AuditRecord{Act: Invited, By: by, Name: name, Roles: roles, Bank: bank, Link: &link}, now)
	return secret, Invitation{name, roles, bank, by, link}, err
}

// openLinks are the links that may still be used, in an order that says nothing. The caller holds mu.
func (s *Store) openLinks(now time.Time) (list []Invitation) {
	for _, i := range s.roster.links {
		if uint64(now.UnixMilli()) < i.Until {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b Invitation) int { return strings.Compare(a.SHA256, b.SHA256) })
	return list
}

// EndInvitation has a link work no more. One that is over is as good as ended; one that never was is refused.
func (s *Store) EndInvitation(by, id string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.openLinks(now) {
		if i.ID() == id {
			if err := s.within(by, s.roster.accounts[i.By]); err != nil {
				return err
			}
			return s.add(AuditRecord{Act: InvitationOver, By: by, Name: i.Name, Link: &i.OneTimeLink}, now)
		}
	}
	if _, over := s.roster.invited.Get(id); over {
		return nil
	}
	return token.Errorf(NoInvitation, "invitation", "no invitation %q was made here", id)
}

// account finds one that stands. The caller holds mu.
func (s *Store) account(id string) (*Account, error) {
	a := s.roster.accounts[id]
	if a == nil || a.Ended != 0 {
		return nil, token.Errorf(NoAccount, "account", "no account %q stands", id)
	}
	return a, nil
}

// SetRoles gives an account other roles; its sessions end.
func (s *Store) SetRoles(by, id string, roles []Role, bank token.WalletID, now time.Time) (Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.account(id)
	if err != nil {
		return Account{}, err
	}
	if !slices.Contains(roles, Administrator) && s.roster.isLast(a) { // also where no role is left at all
		return Account{}, token.Errorf(LastAdministrator, "roles", "nobody else is an administrator")
	}
	roles, err = checkRoles(roles, bank)
	switch {
	case err != nil:
		return Account{}, err
	case slices.Equal(a.Roles, roles) && a.Bank == bank: // asked for again
		return *a, nil
	}
	if err := s.within(by, a); err != nil {
		return Account{}, err
	}
	if err := s.add(AuditRecord{Act: RolesChanged, By: by, Account: id, Name: a.Name, Roles: roles, Bank: bank},
		now); err != nil {
		return Account{}, err
	}
	s.dropSessions()
	return *a, nil
}

// End ends an account, its passkeys and its sessions. One that has ended is as good as ended. The last administrator
// is not ended: nobody could let another in but at the machine.
func (s *Store) End(by, id string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.roster.accounts[id]; a != nil && a.Ended != 0 {
		return nil
	}
	a, err := s.account(id)
	if err != nil {
		return err
	}
	if err := s.within(by, a); err != nil {
		return err
	}
	if s.roster.isLast(a) {
		return token.Errorf(LastAdministrator, "account", "nobody else is an administrator")
	}
	if err := s.add(AuditRecord{Act: Ended, By: by, Account: id, Name: a.Name}, now); err != nil {
		return err
	}
	s.dropSessions()
	return nil
}

// RemovePasskey takes a passkey from an account, but for its last.
func (s *Store) RemovePasskey(by, id, passkey string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.account(id)
	if err != nil {
		return err
	}
	if err := s.within(by, a); err != nil {
		return err
	}
	at := slices.IndexFunc(a.Passkeys, func(p Passkey) bool { return p.ID == passkey })
	switch {
	case at < 0:
		return nil
	case len(a.Passkeys) == 1:
		return token.Errorf(LastPasskey, "passkey", "it is the account's only one: add another first, or end "+
			"the account")
	}
	p := a.Passkeys[at]
	return s.add(AuditRecord{Act: PasskeyRemoved, By: by, Account: id, Name: a.Name,
		Passkey: &Passkey{ID: p.ID, Name: p.Name}}, now)
}

// Act notes, before it is done, that somebody sends something to the node that is no question.
func (s *Store) Act(by, what string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.account(by)
	if err != nil {
		return err
	}
	return s.add(AuditRecord{Act: Acted, By: by, Account: by, Name: a.Name, What: what}, now)
}

// List is all accounts, by name, those that have ended last; and the invitations that wait.
func (s *Store) List(now time.Time) (accounts []Account, invitations []Invitation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.roster.accounts {
		accounts = append(accounts, *a)
	}
	slices.SortFunc(accounts, func(a, b Account) int {
		if (a.Ended == 0) != (b.Ended == 0) {
			if a.Ended == 0 {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name+a.ID, b.Name+b.ID)
	})
	return accounts, s.openLinks(now)
}

// Line is an entry of the trail where it stands.
type Line struct {
	Index  uint64
	Text   []byte // what the trail's tree is over
	Record AuditRecord
}

// Trail is a part of the trail, newest first, and what the whole of it is.
type Trail struct {
	Size       uint64
	Root       txlog.Hash
	Verifier   string // the key of its checkpoints, as signed notes have it
	Checkpoint []byte // signed
	Lines      []Line
	// Consistency shows that a trail of Size extends the one of the size that was asked about (RFC 6962, 2.1.2).
	Consistency []txlog.Hash
}

// Trail reads entries before an index, at most so many. Of since, a size that the reader knows the root of, it gives
// the proof; 0 asks for none.
func (s *Store) Trail(before, since uint64, limit int) (t Trail, err error) {
	s.mu.Lock()
	// Size, root and checkpoint of one moment; entries before that size never change, so they are read without the
	// lock.
	t.Size, t.Root, _ = s.log.State()
	t.Checkpoint, _ = s.log.Checkpoint()
	s.mu.Unlock()
	t.Verifier = s.verifier
	if since > t.Size {
		return t, token.Errorf(token.OutOfRange, "since", "the trail has %d entries", t.Size)
	}
	if since > 0 {
		if t.Consistency, err = s.log.ConsistencyProof(since, t.Size); err != nil {
			return t, err
		}
	}
	end := min(before, t.Size)
	from := end - min(end, uint64(limit))
	index := from
	for text, err := range s.log.Entries(from, end) {
		line := Line{Index: index, Text: slices.Clone(text)}
		if err == nil {
			err = json.Unmarshal(text, &line.Record)
		}
		if err != nil {
			return t, err
		}
		t.Lines = append(t.Lines, line)
		index++
	}
	slices.Reverse(t.Lines)
	return t, nil
}
