package staff

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/aqsha/aqsha/token"
)

// Purpose is what a challenge is for: it is answered for nothing else.
type Purpose string

// The purposes of challenges.
const (
	ToJoin    Purpose = "join"
	ToSignIn  Purpose = "sign-in"
	ToConfirm Purpose = "confirm"
	ToAdd     Purpose = "add-passkey"
)

const (
	challengeLasts = 2 * time.Minute // people look for their device
	challengeBytes = 48
)

// ceremonies makes and knows challenges. As those of wallets they carry their end and a code under a secret of this
// run, so that whoever asks for many costs no memory; those that were used are kept until they would have ended.
type ceremonies struct {
	secret [32]byte // read without a lock

	mu   sync.Mutex // over used
	used map[[16]byte]time.Time
}

// begin draws the secret: challenges of an earlier run are void.
func (c *ceremonies) begin(random io.Reader) error {
	c.used = map[[16]byte]time.Time{}
	_, err := io.ReadFull(random, c.secret[:])
	return err
}

// code is over what a challenge is for, whom it is for and at which origin it is to be answered.
func (c *ceremonies) code(purpose Purpose, origin, subject string, head []byte) []byte {
	m := hmac.New(sha256.New, c.secret[:])
	for _, part := range [][]byte{[]byte(purpose), []byte(origin), []byte(subject), head} {
		m.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		m.Write(part)
	}
	return m.Sum(nil)[:24]
}

// challenge is 16 random bytes, the end and the code over all that it is for.
func (c *ceremonies) challenge(random io.Reader, purpose Purpose, origin, subject string,
	now time.Time) ([]byte, error) {
	head := make([]byte, 24, challengeBytes)
	if _, err := io.ReadFull(random, head[:16]); err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint64(head[16:], uint64(now.Add(challengeLasts).UnixMilli()))
	return append(head, c.code(purpose, origin, subject, head)...), nil
}

// stands says whether a challenge is ours, for this, and not over.
func (c *ceremonies) stands(raw []byte, purpose Purpose, origin, subject string, now time.Time) bool {
	return len(raw) == challengeBytes && hmac.Equal(raw[24:], c.code(purpose, origin, subject, raw[:24])) &&
		uint64(now.UnixMilli()) < binary.BigEndian.Uint64(raw[16:24])
}

// use uses a challenge up; false when it was used before, or somebody is faster. What it remembers is bounded by what
// is answered rightly within challengeLasts: it is asked after the signature.
func (c *ceremonies) use(raw []byte, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for nonce, ends := range c.used {
		if now.After(ends) {
			delete(c.used, nonce)
		}
	}
	if _, used := c.used[[16]byte(raw[:16])]; used {
		return false
	}
	c.used[[16]byte(raw[:16])] = now.Add(challengeLasts)
	return true
}

// Challenge is what a browser hands to navigator.credentials.
type Challenge struct {
	Challenge []byte
	Site      string   // the relying party's id: the name that was dialled
	Account   []byte   // user handle, of one that is to be made
	Name      string   // of the account
	Exclude   []string // ids of passkeys that the account has
}

// Attestation is a passkey that was made (WebAuthn, AuthenticatorAttestationResponse). No statement on its maker is
// asked for.
type Attestation struct {
	ID         []byte
	ClientData []byte
	Object     []byte
}

// Assertion is a passkey's signature (WebAuthn, AuthenticatorAssertionResponse).
type Assertion struct {
	ID            []byte
	ClientData    []byte
	Authenticator []byte
	Signature     []byte
	Account       []byte // the user handle
}

// Site is the name under which passkeys of an origin work. WebAuthn knows names alone, no addresses.
func Site(origin string) (string, error) {
	u, err := url.Parse(origin)
	if err != nil || u.Hostname() == "" {
		return "", token.Errorf(PasskeyRefused, "origin", "the request names no origin of this node")
	}
	if net.ParseIP(u.Hostname()) != nil {
		return "", token.Errorf(PasskeyNeedsName, "origin",
			"a passkey belongs to a name, and %s is an address: dial the node by its name, on its own machine by "+
				"localhost", u.Hostname())
	}
	return u.Hostname(), nil
}

// handleOf is the user handle of the account that answers a challenge to join: of the challenge alone, so that nothing
// is kept meanwhile.
func (s *Store) handleOf(challenge []byte) []byte {
	m := hmac.New(sha256.New, s.door.secret[:])
	m.Write([]byte("account"))
	m.Write(challenge)
	return m.Sum(nil)[:16]
}

// Begin makes a challenge at an origin of the node. The subject is the link's secret to join, the account to add a
// passkey, and the session's account to confirm.
func (s *Store) Begin(purpose Purpose, origin, subject string, now time.Time) (c Challenge, err error) {
	if c.Site, err = Site(origin); err != nil {
		return c, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch purpose {
	// No account is named before a passkey has answered: nobody learns from a challenge who works here.
	case ToSignIn:
		subject = ""
	case ToJoin:
		i, err := s.invitation(subject, now)
		if err != nil {
			return c, err
		}
		c.Name = i.Name
	default:
		a, err := s.account(subject)
		if err != nil {
			return c, err
		}
		c.Name = a.Name
		c.Account, _ = hex.DecodeString(a.ID)
		for _, p := range a.Passkeys {
			c.Exclude = append(c.Exclude, p.ID)
		}
	}
	if c.Challenge, err = s.door.challenge(s.config.Random, purpose, origin, subject, now); err != nil {
		return c, err
	}
	// The account does not exist yet, and its handle must be that of the passkey which is made now: it follows from
	// the challenge, so nothing has to be kept in between.
	if purpose == ToJoin {
		c.Account = s.handleOf(c.Challenge)
	}
	return c, nil
}

// errPasskey is one refusal for all reasons, so that none can be told from another.
var errPasskey = token.Errorf(PasskeyRefused, "passkey", "the challenge is not answered: it is of another origin or "+
	"purpose, used or over, or the passkey is not known here")

// Join makes an account with a link and a passkey, and opens its session. A link of the machine's brings no name.
// Link, challenge and passkey are asked again under the lock in which the entry is written: of two who come with one
// link, one joins. Errors are LinkRefused, PasskeyRefused, too-many, or the store's.
func (s *Store) Join(origin, link, name string, challenge []byte, at Attestation, now time.Time) (secret string,
	session Session, account Account, err error) {
	if err := checkName("name", name); err != nil {
		return "", session, account, err
	}
	if !s.door.stands(challenge, ToJoin, origin, link, now) {
		return "", session, account, errPasskey
	}
	handle := s.handleOf(challenge)
	p, err := verifyAttestation(origin, challenge, handle, at, now)
	if err != nil {
		return "", session, account, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.invitation(link, now)
	id := hex.EncodeToString(handle)
	switch {
	case err != nil:
		return "", session, account, err
	case !s.door.use(challenge, now), s.roster.accounts[id] != nil, s.roster.passkeys[p.ID] != "":
		return "", session, account, errPasskey
	case s.roster.standing() >= MaxAccounts, len(s.roster.accounts) >= maxEver:
		return "", session, account, token.Errorf(token.TooMany, "accounts", "at most %d", MaxAccounts)
	}
	p.Name = ""
	// The trail has the link's hash: it is used from here on, whatever becomes of the file that a machine's lies in.
	if err := s.add(AuditRecord{Act: Joined, By: id, Account: id, Name: name, Roles: i.Roles, Bank: i.Bank,
		Link: &i.OneTimeLink, Passkey: &p}, now); err != nil {
		return "", session, account, err
	}
	a := s.roster.accounts[id]
	secret, session, err = s.open(a, now)
	return secret, session, *a, err
}

// AddPasskey gives an account another passkey, up to maxPasskeys. One that another account has is refused as a wrong
// answer is: whose it is, is not told.
func (s *Store) AddPasskey(origin, id, name string, challenge []byte, at Attestation, now time.Time) error {
	if err := checkName("name", name); err != nil {
		return err
	}
	if !s.door.stands(challenge, ToAdd, origin, id, now) {
		return errPasskey
	}
	handle, _ := hex.DecodeString(id)
	p, err := verifyAttestation(origin, challenge, handle, at, now)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.account(id)
	switch {
	case err != nil:
		return err
	case len(a.Passkeys) >= maxPasskeys:
		return token.Errorf(token.TooMany, "passkeys", "an account has at most %d: remove one first", maxPasskeys)
	case !s.door.use(challenge, now), s.roster.passkeys[p.ID] != "":
		return errPasskey
	}
	p.Name = name
	return s.add(AuditRecord{Act: PasskeyAdded, By: id, Account: id, Name: a.Name, Passkey: &p}, now)
}

// SignIn opens a session by a passkey. All refusals are one: nobody learns so which accounts there are.
func (s *Store) SignIn(origin string, challenge []byte, as Assertion, now time.Time) (secret string, session Session,
	account Account, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.assert(ToSignIn, origin, "", challenge, as, SignedIn, now)
	if err != nil {
		return "", session, account, err
	}
	secret, session, err = s.open(a, now)
	return secret, session, *a, err
}

// Confirm makes a session fresh by a passkey of its own account, for FreshLasts. That somebody has the session's
// cookie is not enough for what can shut others out.
func (s *Store) Confirm(one Session, origin string, challenge []byte, as Assertion, now time.Time) (Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.assert(ToConfirm, origin, one.Account, challenge, as, Confirmed, now)
	if err != nil {
		return Session{}, err
	}
	open, ok := s.sessions[one.sum]
	if !ok || a.ID != one.Account {
		return Session{}, errPasskey
	}
	open.Fresh = uint64(now.Add(FreshLasts).UnixMilli())
	s.storeSessions()
	return *open, nil
}

// assert finds the account whose passkey has answered a challenge, and writes so down. The caller holds mu. A passkey
// whose counter went back is refused and noted: there may be a copy of it.
func (s *Store) assert(purpose Purpose, origin, subject string, challenge []byte, as Assertion, act Act,
	now time.Time) (*Account, error) {
	a := s.roster.accounts[hex.EncodeToString(as.Account)]
	if !s.door.stands(challenge, purpose, origin, subject, now) || a == nil || !s.opens(a) ||
		subject != "" && subject != a.ID {
		return nil, errPasskey
	}
	at := slices.IndexFunc(a.Passkeys, func(p Passkey) bool { return p.ID == hex.EncodeToString(as.ID) })
	if at < 0 {
		return nil, errPasskey
	}
	p := a.Passkeys[at]
	credential, err := verifyAssertion(origin, challenge, a, p, as)
	if err != nil || !s.door.use(challenge, now) {
		return nil, errPasskey
	}
	if credential.Authenticator.CloneWarning {
		return nil, errors.Join(errPasskey, s.add(AuditRecord{Act: PasskeyDoubted, By: a.ID, Account: a.ID,
			Name: a.Name, Passkey: &Passkey{ID: p.ID, Name: p.Name, Count: p.Count}}, now))
	}
	return a, s.add(AuditRecord{Act: act, By: a.ID, Account: a.ID, Name: a.Name,
		Passkey: &Passkey{ID: p.ID, Name: p.Name, Count: credential.Authenticator.SignCount}}, now)
}

// person is an account as the library asks for it.
type person struct {
	handle      []byte
	name        string
	credentials []webauthn.Credential
}

func (p person) WebAuthnID() []byte                         { return p.handle }
func (p person) WebAuthnName() string                       { return p.name }
func (p person) WebAuthnDisplayName() string                { return p.name }
func (p person) WebAuthnCredentials() []webauthn.Credential { return p.credentials }

// party is the relying party at one origin. The person must be verified by the device, not only be there; extensions
// that nobody asked for are passed over.
func party(origin string) (*webauthn.WebAuthn, error) {
	site, err := Site(origin)
	if err != nil {
		return nil, err
	}
	return webauthn.New(&webauthn.Config{RPID: site, RPDisplayName: "Aqsha", RPOrigins: []string{origin},
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore})
}

// ceremony is what the library holds an answer against.
func ceremony(origin, site string, challenge []byte) webauthn.SessionData {
	return webauthn.SessionData{Challenge: base64.RawURLEncoding.EncodeToString(challenge), RelyingPartyID: site,
		Origin: origin, UserVerification: protocol.VerificationRequired}
}

// maxAnswer bounds each part of what a browser answers, in bytes.
const maxAnswer = 8 << 10

// verifyAttestation reads a passkey that was made. It changes nothing; whether the challenge stands is looked at by the
// caller.
func verifyAttestation(origin string, challenge, handle []byte, at Attestation, now time.Time) (p Passkey, err error) {
	rp, err := party(origin)
	if err != nil {
		return p, err
	}
	// An id has at most 1023 bytes (WebAuthn, 5.8.3).
	if len(at.ID) > 1023 || len(at.ClientData) > maxAnswer || len(at.Object) > maxAnswer {
		return p, errPasskey
	}
	b64 := base64.RawURLEncoding.EncodeToString
	text, err := json.Marshal(map[string]any{"id": b64(at.ID), "rawId": b64(at.ID), "type": "public-key",
		"response": map[string]any{"clientDataJSON": b64(at.ClientData), "attestationObject": b64(at.Object)}})
	if err != nil {
		return p, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(text)
	if err != nil {
		return p, errPasskey
	}
	data := ceremony(origin, rp.Config.RPID, challenge)
	data.UserID, data.CredParams = handle, webauthn.CredentialParametersDefault()
	c, err := rp.CreateCredential(person{handle: handle}, data, parsed)
	if err != nil || !bytes.Equal(c.ID, at.ID) {
		return p, errPasskey
	}
	return Passkey{ID: hex.EncodeToString(c.ID), Site: rp.Config.RPID, Key: c.PublicKey,
		Count: c.Authenticator.SignCount, Eligible: c.Flags.BackupEligible, Made: uint64(now.UnixMilli())}, nil
}

// verifyAssertion checks a passkey's signature by the key that the trail has. The parts are bounded before they are
// parsed. The counter that comes back is compared by the caller.
func verifyAssertion(origin string, challenge []byte, a *Account, p Passkey, as Assertion) (*webauthn.Credential,
	error) {
	rp, err := party(origin)
	if err != nil {
		return nil, err
	}
	for _, part := range [][]byte{as.ID, as.ClientData, as.Authenticator, as.Signature, as.Account} {
		if len(part) > maxAnswer {
			return nil, errPasskey
		}
	}
	b64 := base64.RawURLEncoding.EncodeToString
	text, err := json.Marshal(map[string]any{"id": b64(as.ID), "rawId": b64(as.ID), "type": "public-key",
		"response": map[string]any{"clientDataJSON": b64(as.ClientData), "authenticatorData": b64(as.Authenticator),
			"signature": b64(as.Signature), "userHandle": b64(as.Account)}})
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(text)
	if err != nil {
		return nil, errPasskey
	}
	id, _ := hex.DecodeString(p.ID)
	known := webauthn.Credential{ID: id, PublicKey: p.Key, Flags: webauthn.CredentialFlags{BackupEligible: p.Eligible},
		Authenticator: webauthn.Authenticator{SignCount: p.Count}}
	who := person{as.Account, a.Name, []webauthn.Credential{known}}
	return rp.ValidateDiscoverableLogin(func(_, _ []byte) (webauthn.User, error) { return who, nil },
		ceremony(origin, rp.Config.RPID, challenge), parsed)
}
