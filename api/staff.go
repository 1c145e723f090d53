package api

import (
	"context"
	"encoding/hex"
	"math"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/internal/recent"
	"github.com/aqsha/aqsha/token"
)

// Staff sign in with passkeys, which say who somebody is. What they read is what an access of their role reads; what
// moves money is signed by keys of the ledger, which the node has not.

// Readers of staff's operations.
const (
	byStaff          reader = "staff"          // the session that a passkey opened
	byAdministrators reader = "administrators" // of an administrator
	byTrailReaders   reader = "trail"          // administrators, auditors and the authority
)

// StaffChallengeRequest asks for a challenge.
type StaffChallengeRequest struct {
	Purpose staff.Purpose `json:"purpose" enum:"join,sign-in,confirm,add-passkey" doc:"it is answered for nothing else; confirm and add-passkey want a session"`
	Link    string        `json:"link,omitempty" maxLength:"64" doc:"to join: what stands in the link after join?"`
}

// StaffChallenge is what a browser makes or uses a passkey with (navigator.credentials). The person is to be verified;
// a new passkey is to be discoverable. Bytes are hexadecimal.
type StaffChallenge struct {
	Challenge string   `json:"challenge" doc:"to be used once, within two minutes, at the origin that asked"`
	Site      string   `json:"site" doc:"the relying party's id: the name that was dialled"`
	Account   string   `json:"account,omitempty" doc:"user handle of a passkey that is to be made"`
	Name      string   `json:"name,omitempty"`
	Exclude   []string `json:"exclude" doc:"ids of passkeys that the account has"`
}

// PasskeyMade is a passkey that was made (WebAuthn, AuthenticatorAttestationResponse), in hexadecimal.
type PasskeyMade struct {
	ID         string `json:"id" maxLength:"2046"`
	ClientData string `json:"client_data" maxLength:"16384"`
	Object     string `json:"object" maxLength:"16384" doc:"attestation object; no statement on the maker is asked for"`
}

// PasskeyUsed is a passkey's signature (WebAuthn, AuthenticatorAssertionResponse), in hexadecimal.
type PasskeyUsed struct {
	ID            string `json:"id" maxLength:"2046"`
	ClientData    string `json:"client_data" maxLength:"16384"`
	Authenticator string `json:"authenticator" maxLength:"16384"`
	Signature     string `json:"signature" maxLength:"16384"`
	Account       string `json:"account" maxLength:"128" doc:"user handle"`
}

// StaffJoin makes an account.
type StaffJoin struct {
	Link      string      `json:"link" maxLength:"64"`
	Name      string      `json:"name" maxLength:"64"`
	Challenge string      `json:"challenge" maxLength:"96"`
	Passkey   PasskeyMade `json:"passkey"`
}

// StaffSignIn answers a challenge with a passkey.
type StaffSignIn struct {
	Challenge string      `json:"challenge" maxLength:"96"`
	Passkey   PasskeyUsed `json:"passkey"`
}

// StaffPasskey gives the session's account another passkey.
type StaffPasskey struct {
	Name      string      `json:"name" maxLength:"64" doc:"as its owner calls the device"`
	Challenge string      `json:"challenge" maxLength:"96"`
	Passkey   PasskeyMade `json:"passkey"`
}

// StaffSession is who is signed in, and until when.
type StaffSession struct {
	Account StaffAccount `json:"account"`
	Ends    uint64       `json:"ends_millis" doc:"Unix milliseconds: 30 minutes from the last request, 12 hours at most"`
	Fresh   uint64       `json:"fresh_until_millis" doc:"until then privileged acts ask for no passkey"`
}

// StaffAccount is somebody of the staff.
type StaffAccount struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Roles    []staff.Role    `json:"roles" enum:"administrator,authority,auditor,intermediary"`
	Bank     token.WalletID  `json:"bank,omitzero" doc:"of an intermediary's staff"`
	Passkeys []staff.Passkey `json:"passkeys" doc:"without their keys"`
	Made     uint64          `json:"made_millis"`
	Ended    uint64          `json:"ended_millis,omitempty"`
}

// StaffInvitation is a one-time link that was not used yet.
type StaffInvitation struct {
	ID    string         `json:"id"`
	Name  string         `json:"name"`
	Roles []staff.Role   `json:"roles" enum:"administrator,authority,auditor,intermediary"`
	Bank  token.WalletID `json:"bank,omitzero"`
	By    string         `json:"by" doc:"the account that invites"`
	Until uint64         `json:"until_millis"`
}

// StaffList is all of the staff.
type StaffList struct {
	Accounts    []StaffAccount    `json:"accounts" doc:"those that have ended last"`
	Invitations []StaffInvitation `json:"invitations"`
}

// StaffRoles are those that an account is to have.
type StaffRoles struct {
	Roles []staff.Role   `json:"roles" enum:"administrator,authority,auditor,intermediary" maxItems:"4"`
	Bank  token.WalletID `json:"bank,omitzero" doc:"for an intermediary's staff, and nobody else"`
}

// StaffInvite invites somebody.
type StaffInvite struct {
	Name string `json:"name" maxLength:"64"`
	StaffRoles
}

// StaffLink is an invitation with the secret of its link, which is shown once.
type StaffLink struct {
	StaffInvitation
	Link string `json:"link" doc:"put it after #join? behind the node's address"`
}

// AuditTrail is a part of the trail of what staff did, newest first.
type AuditTrail struct {
	Size        uint64       `json:"size"`
	Root        string       `json:"root" doc:"of the trail's Merkle tree (RFC 6962), hexadecimal"`
	Key         string       `json:"key" doc:"that signs the checkpoint, as signed notes have it"`
	Checkpoint  string       `json:"checkpoint,omitempty" doc:"signed note (C2SP tlog-checkpoint)"`
	Consistency []token.Hash `json:"consistency" doc:"proof that this trail extends the one of the size since (RFC 6962, 2.1.2)"`
	Entries     []AuditEntry `json:"entries"`
}

// AuditEntry is a line of the trail.
type AuditEntry struct {
	Index  uint64      `json:"index"`
	Entry  staff.Entry `json:"entry"`
	Record string      `json:"record" doc:"the entry as it is stored: what the tree's leaf is over"`
}

// staffDoor is the store, and who failed at it lately.
type staffDoor struct {
	store *staff.Store // nil when it cannot be had
	why   string       // then

	mu     sync.Mutex // over failed
	failed *recent.Map[string, *failures]
}

// failures are an address's refused links and passkeys within a span.
type failures struct {
	from time.Time
	n    int
}

// What one address may get wrong, and of how many addresses that is remembered.
const (
	failuresMost      = 20
	failuresSpan      = 10 * time.Minute
	failuresAddresses = 10_000
)

// openStaff opens the staff's store. Where it cannot be had nobody signs in, and the node serves all the same: a store
// that is damaged is not begun anew.
func (s *Server) openStaff() {
	s.staff = &staffDoor{failed: recent.New[string, *failures](failuresAddresses)}
	if s.options.Dir == "" {
		s.staff.why = "this node keeps no folder"
		return
	}
	var err error
	s.staff.store, err = staff.Open(staff.Config{Dir: filepath.Join(s.options.Dir, staff.Folder),
		Origin: s.node.Genesis().Name + "/" + staff.Folder})
	if err != nil {
		s.staff.store, s.staff.why = nil, "its folder cannot be opened; the node's log says why"
		s.options.Logger.Error("nobody of the staff can sign in: their store cannot be opened", "error", err)
	}
}

// Close lets go of what the server keeps open beside the node.
func (s *Server) Close() error {
	if s.staff.store == nil {
		return nil
	}
	return s.staff.store.Close()
}

func (d *staffDoor) open() (*staff.Store, error) {
	if d.store == nil {
		return nil, token.Errorf(staff.StoreClosed, "", "nobody of the staff can sign in: %s", d.why)
	}
	return d.store, nil
}

// admit bounds what an address gets wrong.
func (d *staffDoor) admit(ctx context.Context, now time.Time) error {
	address, _ := ctx.Value(addressKey{}).(string)
	d.mu.Lock()
	defer d.mu.Unlock()
	if f, ok := d.failed.Get(address); ok && now.Sub(f.from) < failuresSpan && f.n >= failuresMost {
		return token.Errorf(staff.TooOften, "address", "%d refused links or passkeys within %d minutes are the most of "+
			"one address", failuresMost, int(failuresSpan.Minutes()))
	}
	return nil
}

// note counts what an address got wrong, and passes the refusal on.
func (d *staffDoor) note(ctx context.Context, err error, now time.Time) error {
	if err == nil {
		return nil
	}
	if code := problemOf(err).Code; code != string(staff.LinkRefused) && code != string(staff.PasskeyRefused) {
		return err
	}
	address, _ := ctx.Value(addressKey{}).(string)
	d.mu.Lock()
	defer d.mu.Unlock()
	f, ok := d.failed.Get(address)
	if !ok || now.Sub(f.from) >= failuresSpan {
		f = &failures{from: now}
		d.failed.Put(address, f)
	}
	f.n++
	return err
}

// staffAnswer is a session with the cookie that bears it.
type staffAnswer struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      StaffSession
}

func (s *Server) registerStaff() {
	huma.Register(s.api, describe(huma.Operation{OperationID: "make-staff-challenge", Method: http.MethodPost,
		Path: "/v1/staff/challenges", Summary: "A challenge that a passkey answers"}, bySignature,
		http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
		http.StatusServiceUnavailable),
		func(ctx context.Context, in *struct{ Body StaffChallengeRequest }) (*answer[StaffChallenge], error) {
			return retried(s.staffChallenge(ctx, in.Body))
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "join-staff", Method: http.MethodPost,
		Path: "/v1/staff/accounts", MaxBodyBytes: 1 << 16,
		Summary: "Make an account with a one-time link and a passkey, and sign in"}, bySignature,
		http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
		http.StatusServiceUnavailable),
		func(ctx context.Context, in *struct{ Body StaffJoin }) (*staffAnswer, error) {
			return s.joinStaff(ctx, in.Body)
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "sign-in-staff", Method: http.MethodPost,
		Path: "/v1/staff/sessions", MaxBodyBytes: 1 << 16,
		Summary: "Sign in with a passkey", Description: "The answer sets the session's cookie, which only this site's " +
			"own pages send: a request that changes something names the node's origin, and comes from no other site."},
		bySignature, http.StatusUnauthorized, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
		http.StatusServiceUnavailable),
		func(ctx context.Context, in *struct{ Body StaffSignIn }) (*staffAnswer, error) {
			return s.signInStaff(ctx, in.Body)
		})
	s.registerStaffSession()
	s.registerAdministration()
	s.registerPasskeys()
	huma.Register(s.api, operation("read-audit", "/v1/audit", "What staff did, newest first, and the tree that holds it",
		byTrailReaders, http.StatusServiceUnavailable),
		func(ctx context.Context, in *struct {
			Before uint64 `query:"before" doc:"entries of a lower index alone; absent begins with the newest" maximum:"9007199254740991"`
			Since  uint64 `query:"since" doc:"a size whose root the reader knows, for the proof" maximum:"9007199254740991"`
			Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
		}) (*answer[AuditTrail], error) {
			return ok(s.auditTrail(ctx, in.Before, in.Since, in.Limit))
		})
}

// registerStaffSession: what everybody of the staff does with his own session.
func (s *Server) registerStaffSession() {
	huma.Register(s.api, operation("get-staff-session", "/v1/staff/session", "Who is signed in, and until when",
		byStaff), func(ctx context.Context, _ *struct{}) (*answer[StaffSession], error) {
		caller, err := staffCaller(ctx)
		if err != nil {
			return nil, err
		}
		return ok(viewOfSession(caller.session, caller.account), nil)
	})
	huma.Register(s.api, describe(huma.Operation{OperationID: "sign-out-staff", Method: http.MethodDelete,
		Path: "/v1/staff/session", Summary: "Sign out", DefaultStatus: http.StatusNoContent}, byStaff),
		func(ctx context.Context, _ *struct{}) (*struct {
			SetCookie []http.Cookie `header:"Set-Cookie"`
		}, error) {
			caller, err := staffCaller(ctx)
			if err != nil {
				return nil, err
			}
			if err := s.staff.store.SignOut(caller.session, time.Now()); err != nil {
				return nil, problemOf(err)
			}
			return &struct {
				SetCookie []http.Cookie `header:"Set-Cookie"`
			}{[]http.Cookie{cookieOf(originOf(ctx), "")}}, nil
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "confirm-staff", Method: http.MethodPost,
		Path: "/v1/staff/session/confirmations", MaxBodyBytes: 1 << 16,
		Summary: "Use the passkey again: for five minutes privileged acts are done without another"}, byStaff),
		func(ctx context.Context, in *struct{ Body StaffSignIn }) (*answer[StaffSession], error) {
			return ok(s.confirmStaff(ctx, in.Body))
		})
}

// registerAdministration: what an administrator does, each with a passkey that is fresh.
func (s *Server) registerAdministration() {
	huma.Register(s.api, operation("list-staff", "/v1/staff", "Accounts of the staff, and invitations that wait",
		byAdministrators), func(ctx context.Context, _ *struct{}) (*answer[StaffList], error) {
		if _, err := administrator(ctx, false); err != nil {
			return nil, err
		}
		return ok(s.staffList(), nil)
	})
	huma.Register(s.api, describe(huma.Operation{OperationID: "invite-staff", Method: http.MethodPost,
		Path: "/v1/staff/invitations", Summary: "Invite somebody by a link that works once, within seven days"},
		byAdministrators, http.StatusUnprocessableEntity, http.StatusTooManyRequests),
		func(ctx context.Context, in *struct{ Body StaffInvite }) (*answer[StaffLink], error) {
			caller, err := administrator(ctx, true)
			if err != nil {
				return nil, err
			}
			secret, i, err := s.staff.store.Invite(caller.account.ID, in.Body.Name, in.Body.Roles, in.Body.Bank,
				time.Now())
			return retried(StaffLink{viewOfInvitation(i), secret}, err)
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "end-invitation", Method: http.MethodDelete,
		Path:    "/v1/staff/invitations/{invitation}",
		Summary: "Have an invitation's link work no more", DefaultStatus: http.StatusNoContent}, byAdministrators),
		func(ctx context.Context, in *struct {
			Invitation string `path:"invitation" maxLength:"64"`
		}) (*struct{}, error) {
			caller, err := administrator(ctx, true)
			if err == nil {
				err = s.staff.store.EndInvitation(caller.account.ID, in.Invitation, time.Now())
			}
			return nothing(err)
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "set-staff-roles", Method: http.MethodPut,
		Path:    "/v1/staff/accounts/{account}/roles",
		Summary: "Give an account other roles; its sessions end"}, byAdministrators, http.StatusNotFound,
		http.StatusConflict, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			Account string `path:"account" maxLength:"64"`
			Body    StaffRoles
		}) (*answer[StaffAccount], error) {
			caller, err := administrator(ctx, true)
			if err != nil {
				return nil, err
			}
			a, err := s.staff.store.SetRoles(caller.account.ID, in.Account, in.Body.Roles, in.Body.Bank, time.Now())
			return retried(viewOfAccount(a), err)
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "end-staff", Method: http.MethodDelete,
		Path:    "/v1/staff/accounts/{account}",
		Summary: "End an account, its passkeys and its sessions, at once", DefaultStatus: http.StatusNoContent},
		byAdministrators, http.StatusNotFound, http.StatusConflict),
		func(ctx context.Context, in *struct {
			Account string `path:"account" maxLength:"64"`
		}) (*struct{}, error) {
			caller, err := administrator(ctx, true)
			if err == nil {
				err = s.staff.store.End(caller.account.ID, in.Account, time.Now())
			}
			return nothing(err)
		})
}

// registerPasskeys: everybody keeps his own; an administrator takes away anybody's.
func (s *Server) registerPasskeys() {
	huma.Register(s.api, describe(huma.Operation{OperationID: "add-passkey", Method: http.MethodPost,
		Path: "/v1/staff/session/passkeys", MaxBodyBytes: 1 << 16,
		Summary: "Give the session's own account another passkey", DefaultStatus: http.StatusNoContent}, byStaff,
		http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct{ Body StaffPasskey }) (*struct{}, error) {
			caller, err := freshCaller(ctx)
			if err != nil {
				return nil, err
			}
			made, challenge, err := in.Body.Passkey.decode(in.Body.Challenge)
			if err == nil {
				err = s.staff.store.AddPasskey(originOf(ctx), caller.account.ID, in.Body.Name, challenge, made,
					time.Now())
			}
			return nothing(err)
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "remove-passkey", Method: http.MethodDelete,
		Path:          "/v1/staff/accounts/{account}/passkeys/{passkey}",
		Summary:       "Take a passkey from the session's own account, or as an administrator from any; not its last",
		DefaultStatus: http.StatusNoContent}, byStaff, http.StatusNotFound, http.StatusConflict),
		func(ctx context.Context, in *struct {
			Account string `path:"account" maxLength:"64"`
			Passkey string `path:"passkey" maxLength:"2046"`
		}) (*struct{}, error) {
			caller, err := freshCaller(ctx)
			if err == nil && caller.account.ID != in.Account {
				caller, err = administrator(ctx, true)
			}
			if err == nil {
				err = s.staff.store.RemovePasskey(caller.account.ID, in.Account, in.Passkey, time.Now())
			}
			return nothing(err)
		})
}

// nothing answers an operation that says no more than that it was done.
func nothing(err error) (*struct{}, error) {
	if err != nil {
		return nil, withRetry(problemOf(err))
	}
	return nil, nil
}

func (s *Server) staffChallenge(ctx context.Context, in StaffChallengeRequest) (StaffChallenge, error) {
	store, err := s.staff.open()
	if err != nil {
		return StaffChallenge{}, err
	}
	now, subject := time.Now(), in.Link
	if in.Purpose == staff.ToConfirm || in.Purpose == staff.ToAdd {
		caller, err := staffCaller(ctx)
		if err != nil {
			return StaffChallenge{}, err
		}
		subject = caller.account.ID
	}
	if err := s.staff.admit(ctx, now); err != nil {
		return StaffChallenge{}, err
	}
	c, err := store.Begin(in.Purpose, originOf(ctx), subject, now)
	return StaffChallenge{hex.EncodeToString(c.Challenge), c.Site, hex.EncodeToString(c.Account), c.Name, c.Exclude},
		s.staff.note(ctx, err, now)
}

func (s *Server) joinStaff(ctx context.Context, in StaffJoin) (*staffAnswer, error) {
	return s.openStaffSession(ctx, func(store *staff.Store, now time.Time) (secret string, _ staff.Session,
		_ staff.Account, err error) {
		made, challenge, err := in.Passkey.decode(in.Challenge)
		if err != nil {
			return "", staff.Session{}, staff.Account{}, err
		}
		return store.Join(originOf(ctx), in.Link, in.Name, challenge, made, now)
	})
}

func (s *Server) signInStaff(ctx context.Context, in StaffSignIn) (*staffAnswer, error) {
	return s.openStaffSession(ctx, func(store *staff.Store, now time.Time) (string, staff.Session, staff.Account,
		error) {
		used, challenge, err := in.Passkey.decode(in.Challenge)
		if err != nil {
			return "", staff.Session{}, staff.Account{}, err
		}
		return store.SignIn(originOf(ctx), challenge, used, now)
	})
}

// openStaffSession has a way in tried, bounded by address, and gives the session's cookie.
func (s *Server) openStaffSession(ctx context.Context, in func(store *staff.Store, now time.Time) (string,
	staff.Session, staff.Account, error)) (*staffAnswer, error) {
	now := time.Now()
	store, err := s.staff.open()
	if err == nil {
		err = s.staff.admit(ctx, now)
	}
	if err != nil {
		return nil, withRetry(problemOf(err))
	}
	secret, session, account, err := in(store, now)
	if err := s.staff.note(ctx, err, now); err != nil {
		return nil, withRetry(problemOf(err))
	}
	return &staffAnswer{[]http.Cookie{cookieOf(originOf(ctx), secret)}, filled(viewOfSession(session, account))}, nil
}

func (s *Server) confirmStaff(ctx context.Context, in StaffSignIn) (StaffSession, error) {
	caller, err := staffCaller(ctx)
	if err != nil {
		return StaffSession{}, err
	}
	used, challenge, err := in.Passkey.decode(in.Challenge)
	if err != nil {
		return StaffSession{}, err
	}
	session, err := s.staff.store.Confirm(caller.session, originOf(ctx), challenge, used, time.Now())
	return viewOfSession(session, caller.account), err
}

func (s *Server) staffList() (list StaffList) {
	accounts, invitations := s.staff.store.List(time.Now())
	for _, a := range accounts {
		list.Accounts = append(list.Accounts, viewOfAccount(a))
	}
	for _, i := range invitations {
		list.Invitations = append(list.Invitations, viewOfInvitation(i))
	}
	return list
}

func (s *Server) auditTrail(ctx context.Context, before, since uint64, limit int) (view AuditTrail, err error) {
	caller, _ := ctx.Value(staffKey{}).(*staffSession)
	if err := mayReadAll(ctx); err != nil && (caller == nil || !caller.account.Has(staff.Administrator)) {
		return view, err
	}
	store, err := s.staff.open()
	if err != nil {
		return view, err
	}
	if before == 0 {
		before = math.MaxInt64
	}
	t, err := store.Trail(before, since, limit)
	if err != nil {
		return view, err
	}
	view = AuditTrail{Size: t.Size, Root: hex.EncodeToString(t.Root[:]), Key: t.Verifier,
		Checkpoint: string(t.Checkpoint)}
	for _, h := range t.Consistency {
		view.Consistency = append(view.Consistency, token.Hash(h))
	}
	for _, line := range t.Lines {
		view.Entries = append(view.Entries, AuditEntry{line.Index, line.Entry, string(line.Text)})
	}
	return view, nil
}

func viewOfSession(session staff.Session, account staff.Account) StaffSession {
	return StaffSession{viewOfAccount(account), uint64(session.Ends().UnixMilli()), session.Fresh}
}

func viewOfAccount(a staff.Account) StaffAccount {
	view := StaffAccount{ID: a.ID, Name: a.Name, Roles: a.Roles, Bank: a.Bank, Made: a.Made, Ended: a.Ended}
	for _, p := range a.Passkeys {
		p.Key = nil
		view.Passkeys = append(view.Passkeys, p)
	}
	return view
}

func viewOfInvitation(i staff.Invitation) StaffInvitation {
	return StaffInvitation{i.ID(), i.Name, i.Roles, i.Bank, i.By, i.Until}
}

// decode reads the parts of an answer; whatever is no hexadecimal is no answer.
func (p PasskeyMade) decode(challenge string) (made staff.Attestation, raw []byte, err error) {
	parts, err := unhex(challenge, p.ID, p.ClientData, p.Object)
	if err != nil {
		return made, nil, err
	}
	return staff.Attestation{ID: parts[1], ClientData: parts[2], Object: parts[3]}, parts[0], nil
}

func (p PasskeyUsed) decode(challenge string) (used staff.Assertion, raw []byte, err error) {
	parts, err := unhex(challenge, p.ID, p.ClientData, p.Authenticator, p.Signature, p.Account)
	if err != nil {
		return used, nil, err
	}
	return staff.Assertion{ID: parts[1], ClientData: parts[2], Authenticator: parts[3], Signature: parts[4],
		Account: parts[5]}, parts[0], nil
}

func unhex(texts ...string) (parts [][]byte, err error) {
	for _, text := range texts {
		part, err := hex.DecodeString(text)
		if err != nil {
			return nil, token.Errorf(staff.PasskeyRefused, "passkey", "a part of it is not hexadecimal")
		}
		parts = append(parts, part)
	}
	return parts, nil
}
