package api

import (
	"context"
	"encoding/hex"
	"errors"
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/internal/recent"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
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

// staffDoor is the store, and who failed at it lately. The store has its own lock. failed is by address of the client,
// as the proxy says it.
type staffDoor struct {
	store *staff.Store // nil when it cannot be had
	why   string       // then

	mu     sync.Mutex // guards failed
	failed *recent.Map[string, *failures]
}

// failures are an address's refused links and passkeys within a span.
type failures struct {
	from time.Time
	n    int
}

// What one address may get wrong, and of how many addresses that is remembered.
const (
	maxFailures         = 20
	failuresWithin      = 10 * time.Minute
	maxFailureAddresses = 10_000
)

// openStaff opens the staff's store. Where it cannot be had nobody signs in, and the node serves all the same: a store
// that is damaged is not begun anew.
func (s *Server) openStaff() {
	s.staff = &staffDoor{failed: recent.New[string, *failures](maxFailureAddresses)}
	if s.options.Dir == "" {
		s.staff.why = "this node keeps no folder"
		return
	}
	var err error
	s.staff.store, err = staff.Open(staff.Config{Dir: filepath.Join(s.options.Dir, staff.Folder),
		Origin: s.node.Genesis().Name + "/" + staff.Folder, Demo: s.options.Demo != nil && s.options.Open})
	if err != nil {
		s.staff.store, s.staff.why = nil, "its folder cannot be opened; the node's log says why"
		s.options.Logger.Error("nobody of the staff can sign in: their store cannot be opened", "error", err)
	}
}

// Close lets go of what the server keeps open beside the node.
func (s *Server) Close() error {
	err := s.refusals.store()
	if s.staff.store == nil {
		return err
	}
	return errors.Join(err, s.staff.store.Close())
}

// WantsAdministrator says whether nobody is one yet, but for a role of the demo, and somebody could become one.
func (s *Server) WantsAdministrator() bool {
	if s.staff.store == nil {
		return false
	}
	accounts, _ := s.staff.store.List(time.Now())
	return !slices.ContainsFunc(accounts, func(a staff.Account) bool {
		return a.Has(staff.Administrator) && !a.Demo
	})
}

// open is the store, or why there is none: a folder that cannot be had closes the staff's door and nothing else.
func (d *staffDoor) open() (*staff.Store, error) {
	if d.store == nil {
		return nil, token.Errorf(staff.StoreClosed, "", "nobody of the staff can sign in: %s", d.why)
	}
	return d.store, nil
}

// admit bounds what an address gets wrong. It is asked before anything is looked up, so that guessing costs the node a
// map's look.
func (d *staffDoor) admit(ctx context.Context, now time.Time) error {
	address, _ := ctx.Value(addressKey{}).(string)
	d.mu.Lock()
	defer d.mu.Unlock()
	if f, ok := d.failed.Get(address); ok && now.Sub(f.from) < failuresWithin && f.n >= maxFailures {
		return token.Errorf(staff.TooOften, "address", "%d refused links or passkeys within %d minutes "+
			"are the most of one address", maxFailures, int(failuresWithin.Minutes()))
	}
	return nil
}

// note counts what an address got wrong, and passes the refusal on. Only wrong links and passkeys count: whoever
// mistypes a name is not shut out for it.
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
	if !ok || now.Sub(f.from) >= failuresWithin {
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

// registerStaff serves the staff's door. Whoever calls one of its changes is checked by its handler: staffCaller for a
// session, freshCaller for a passkey used within five minutes, administrator for the role.
func (s *Server) registerStaff() {
	huma.Register(s.api, describe(huma.Operation{OperationID: "make-staff-challenge", Method: http.MethodPost,
		Path: "/v1/staff/challenges", Summary: "A challenge that a passkey answers"}, bySignature,
		http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
		http.StatusServiceUnavailable),
		// Open to everybody, since nobody has signed in yet; the limits of an address are what stands before it.
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
		Summary: "Sign in with a passkey", Description: "The answer sets the session's cookie, which only this " +
			"site's own pages send: a request that changes something names the node's origin, and comes from no " +
			"other site."},
		bySignature, http.StatusUnauthorized, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
		http.StatusServiceUnavailable),
		func(ctx context.Context, in *struct{ Body StaffSignIn }) (*staffAnswer, error) {
			return s.signInStaff(ctx, in.Body)
		})
	s.registerStaffSession()
	s.registerAdministration()
	s.registerPasskeys()
	huma.Register(s.api, operation("read-audit", "/v1/audit",
		"What staff did, newest first, and the tree that holds it", byTrailReaders, http.StatusServiceUnavailable),
		func(ctx context.Context, in *struct {
			Before uint64 `query:"before" maximum:"9007199254740991" doc:"lower indices alone; absent: from the newest"`
			Since  uint64 `query:"since" maximum:"9007199254740991" doc:"a size whose root is known, for the proof"`
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
			// The session ends in the store first: a cookie that a browser keeps against its instruction opens
			// nothing then.
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
		// Looking changes nothing, and asks for no fresh passkey; everything below does.
		if _, err := administrator(ctx, false); err != nil {
			return nil, err
		}
		return ok(s.staffList(), nil)
	})
	s.registerInvitations()
	huma.Register(s.api, describe(huma.Operation{OperationID: "set-staff-roles", Method: http.MethodPut,
		Path:    "/v1/staff/accounts/{account}/roles",
		Summary: "Give an account other roles; its sessions end"}, byAdministrators, http.StatusNotFound,
		http.StatusConflict, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			Account string `path:"account" maxLength:"64"`
			Body    StaffRoles
		}) (*answer[StaffAccount], error) {
			caller, err := administrator(ctx, true)
			if err == nil {
				err = s.knownBank(ctx, in.Body.Bank)
			}
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

// registerInvitations serves invitations to administrators.
func (s *Server) registerInvitations() {
	huma.Register(s.api, describe(huma.Operation{OperationID: "invite-staff", Method: http.MethodPost,
		Path: "/v1/staff/invitations", Summary: "Invite somebody by a link that works once, within seven days"},
		byAdministrators, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusTooManyRequests),
		func(ctx context.Context, in *struct{ Body StaffInvite }) (*answer[StaffLink], error) {
			caller, err := administrator(ctx, true)
			if err == nil {
				// A misspelt bank would be found out when somebody signs in and sees nothing.
				err = s.knownBank(ctx, in.Body.Bank)
			}
			if err != nil {
				return nil, err
			}
			secret, i, err := s.staff.store.Invite(caller.account.ID, in.Body.Name, in.Body.Roles, in.Body.Bank,
				time.Now())
			if err != nil {
				return nil, withRetry(problemOf(err))
			}
			return ok(StaffLink{viewOfInvitation(i), secret}, nil)
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "end-invitation", Method: http.MethodDelete,
		Path:    "/v1/staff/invitations/{invitation}",
		Summary: "Have an invitation's link work no more", DefaultStatus: http.StatusNoContent}, byAdministrators,
		http.StatusNotFound),
		func(ctx context.Context, in *struct {
			Invitation string `path:"invitation" maxLength:"64"`
		}) (*struct{}, error) {
			caller, err := administrator(ctx, true)
			if err == nil {
				err = s.staff.store.EndInvitation(caller.account.ID, in.Invitation, time.Now())
			}
			return nothing(err)
		})
}

// knownBank refuses a bank that the ledger does not know: staff of it would read nothing, and an administrator who
// mistyped would find out from them. Nobody's bank passes here; whether the roles want one, the store says.
func (s *Server) knownBank(ctx context.Context, bank token.WalletID) error {
	if bank == (token.WalletID{}) {
		return nil
	}
	known := false
	if err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		_, known = state.Intermediary(bank)
	}); err != nil {
		return problemOf(err)
	}
	if !known {
		return problemOf(token.Errorf(node.NotFound, "bank", "no bank %s is on this ledger", bank))
	}
	return nil
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
			// Another's is taken by an administrator alone: whoever lost the device that was his only other one
			// cannot sign in to do it.
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

// staffChallenge begins what a passkey is to answer. A challenge to confirm or to add is for the account of the
// session, whatever the request names.
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

// joinStaff makes an account with a link and a passkey.
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

// signInStaff opens a session by a passkey.
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

// openStaffSession has a way in tried, bounded by address, and gives the session's cookie. The account is not what is
// bounded: a stranger could shut its owner out.
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

// confirmStaff makes the caller's session fresh.
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

// staffList is for administrators.
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

// auditTrail is a page of the trail with its tree: who has an earlier root proves by the consistency that nothing was
// taken out.
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
	names := map[string]string{}
	// Names are beside the trail, not in it: without the list, or of somebody who has left it, the record stands with
	// the identity that was hashed.
	accounts, _ := store.List(time.Now())
	for _, a := range accounts {
		names[a.ID] = a.Name
	}
	view = AuditTrail{Size: t.Size, Root: hex.EncodeToString(t.Root[:]), Key: t.Verifier,
		Checkpoint: string(t.Checkpoint)}
	for _, h := range t.Consistency {
		view.Consistency = append(view.Consistency, token.Hash(h))
	}
	for _, line := range t.Lines {
		view.Entries = append(view.Entries, AuditEntry{line.Index, line.Record, names[line.Record.By],
			string(line.Text)})
	}
	return view, nil
}
