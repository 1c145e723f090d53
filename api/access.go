package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// AccessRole says what a holder of an access token may read.
type AccessRole string

// Authority and auditor read everything. No access signs anything: what changes the ledger is signed by keys.
const (
	RoleAuthority    AccessRole = "authority"    // everything
	RoleAuditor      AccessRole = "auditor"      // everything
	RoleIntermediary AccessRole = "intermediary" // wallets that it registered
)

// Access is one access token. Only its hash is kept.
type Access struct {
	Name         string         `toml:"name"`
	Role         AccessRole     `toml:"role"`
	Intermediary token.WalletID `toml:"intermediary"`
	TokenSHA256  string         `toml:"token_sha256"` // hexadecimal

	Expires time.Time `toml:"expires,omitzero"` // absent for never

	wallet token.WalletID // of a holder's session
	key    [8]byte        // keyMark of the key that opened it
	ends   time.Time      // of the session: a stream that it opened ends too
}

// Expired says whether an access is over.
func (a Access) Expired(now time.Time) bool { return !a.Expires.IsZero() && !now.Before(a.Expires) }

// SetAccess changes who may read, at once.
func (s *Server) SetAccess(list []Access) { s.access.Store(&list) }

// everything is what the holder of an open node's address may read.
var everything = &Access{Name: "open", Role: RoleAuditor}

// machine is what the commands on a node's own data directory may read (Options.Machine).
var machine = &Access{Name: "machine", Role: RoleAuditor}

// CheckAccess says whether a list of accesses can be used. The error names the first that cannot, as the configuration
// does.
func CheckAccess(list []Access) error {
	for i, a := range list {
		if !IsTokenHash(a.TokenSHA256) {
			return fmt.Errorf("access[%d].token_sha256: want 64 hexadecimal digits", i)
		}
		switch a.Role {
		case RoleAuthority, RoleAuditor:
		case RoleIntermediary:
			if a.Intermediary == token.Authority {
				return fmt.Errorf("access[%d].intermediary: an intermediary's access names its id", i)
			}
		default:
			return fmt.Errorf("access[%d].role: %q, want authority, auditor or intermediary", i, a.Role)
		}
	}
	return nil
}

// needsAccess is all that somebody without an access is told: whatever he asked for, be it there or not.
const needsAccess = "an access token is needed, or a session that is not over and whose wallet has the key still " +
	"that opened it"

type accessKey struct{}

// identify puts what the caller may read into the request's context: what every handler's own check asks. What staff
// changes is written into the audit trail first, and without that nothing is done. A stream lasts for longer than its
// caller's rights may: they are looked at again while it does.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		access, caller := s.accessOf(r), s.staffOf(r)
		ctx := context.WithValue(context.WithValue(r.Context(), staffKey{}, caller), originKey{}, s.knownOrigin(r))
		if caller != nil && !isQuestion(r) {
			if err := s.audit(caller, r); err != nil {
				writeProblem(w, problemOf(err))
				return
			}
		}
		if access == nil && caller != nil {
			access = caller.access()
		}
		ctx = context.WithValue(context.WithValue(ctx, accessKey{}, access), addressKey{}, s.addressOf(r))
		if isStream(r) && access != nil && access != everything {
			var end context.CancelFunc
			ctx, end = context.WithCancel(ctx)
			defer end()
			go s.whileAllowed(ctx, end, r)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// rightsEvery is how often it is looked whether who opened a stream may still read.
const rightsEvery = time.Second

// whileAllowed ends a stream when the access that opened it is no more: a token that was revoked or has expired, a
// session that is over.
func (s *Server) whileAllowed(ctx context.Context, end context.CancelFunc, r *http.Request) {
	look := time.NewTicker(rightsEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			if s.accessOf(r) == nil && !s.staffStands(r) {
				end()
				return
			}
		}
	}
}

// accessOf is what a request may read; nil for nothing beyond what anybody may. A token of a session is told from an
// access's by its beginning.
func (s *Server) accessOf(r *http.Request) *Access {
	secret, ok := BearerOf(r)
	if ok && strings.HasPrefix(secret, delegationPrefix) {
		// Also where everybody may read: a device that was let see a wallet shows nothing of it once that was ended.
		return s.session(r.Context(), secret)
	}
	if s.options.Open {
		return everything
	}
	if !ok {
		return nil
	}
	if strings.HasPrefix(secret, sessionPrefix) {
		return s.session(r.Context(), secret)
	}
	hash, list := HashToken(secret), *s.access.Load()
	if s.options.Machine != "" && OpenedBy(s.options.Machine, hash) {
		return machine
	}
	for i := range list {
		if OpenedBy(list[i].TokenSHA256, hash) && !list[i].Expired(time.Now()) {
			return &list[i]
		}
	}
	return nil
}

// session is the access of a session that stands: whose wallet has the key still that opened it. One that is over is
// like none, whatever is asked for.
func (s *Server) session(ctx context.Context, text string) *Access {
	access := s.sessions.read(text, time.Now())
	if strings.HasPrefix(text, delegationPrefix) {
		access = s.delegations.read(text, time.Now())
	}
	if access == nil {
		return nil
	}
	var w ledger.Wallet
	if err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		w, _ = state.Wallet(access.wallet)
	}); err == nil && !access.holds(access.wallet, w) {
		return nil
	}
	return access
}

// mayReadAll refuses callers who may not read the whole ledger: 401 where an access might help, 403 where the one that
// was shown does not reach so far.
func mayReadAll(ctx context.Context) error {
	access, _ := ctx.Value(accessKey{}).(*Access)
	switch {
	case access == nil:
		return newProblem(http.StatusUnauthorized, codeUnauthorised, "Authorization", needsAccess)
	case access.Role == RoleIntermediary:
		return newProblem(http.StatusForbidden, codeForbidden, "", "an intermediary reads its own wallets only")
	case access.ofWallet():
		return newProblem(http.StatusForbidden, codeForbidden, "", "a wallet's key opens what is read of that wallet")
	case access.Role == RoleStaff:
		return newProblem(http.StatusForbidden, codeForbidden, "", "an administrator's account reads no ledger")
	}
	return nil
}

// mayReadWallet refuses callers who may not read a wallet.
func mayReadWallet(ctx context.Context, id token.WalletID, w ledger.Wallet) error {
	access, _ := ctx.Value(accessKey{}).(*Access)
	switch {
	case access == nil:
		return newProblem(http.StatusUnauthorized, codeUnauthorised, "Authorization", needsAccess)
	case access.Role == RoleIntermediary && access.Intermediary != w.Registrar:
		return newProblem(http.StatusForbidden, codeForbidden, "", "an intermediary reads its own wallets only")
	case access.ofWallet() && access.wallet == id && !access.holds(id, w):
		return newProblem(http.StatusUnauthorized, codeUnauthorised, "Authorization",
			"the session is over, or the wallet has another key by now: open one with it")
	case access.ofWallet() && !access.holds(id, w):
		return newProblem(http.StatusForbidden, codeForbidden, "", "a wallet's key opens what is read of that wallet")
	case access.Role == RoleStaff:
		return newProblem(http.StatusForbidden, codeForbidden, "", "an administrator's account reads no ledger")
	}
	return nil
}

// mayActFor refuses callers who may only read a wallet: a delegation sets no tokens aside and gives nobody leave.
func mayActFor(ctx context.Context) error {
	if access, _ := ctx.Value(accessKey{}).(*Access); access != nil && access.Role == RoleDelegate {
		return newProblem(http.StatusForbidden, codeForbidden, "", "a delegation reads, and does nothing else")
	}
	return nil
}

// mustHold refuses callers who do not hold a wallet's key.
func mustHold(ctx context.Context, id token.WalletID) error {
	access, _ := ctx.Value(accessKey{}).(*Access)
	switch {
	case access == nil:
		return newProblem(http.StatusUnauthorized, codeUnauthorised, "Authorization", needsAccess)
	case access != everything && (access.Role != RoleHolder || access.wallet != id):
		return newProblem(http.StatusForbidden, codeForbidden, "", "this is for who holds the wallet's key")
	}
	return nil
}
