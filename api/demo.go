package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// On a development network whose keys lie unencrypted beside it, and whose node everybody on this machine may read, the
// story's people may be who sits before the browser: their wallets open there without a passphrase that was written
// down. No other network has such people, whatever it is configured to have.

// Demo are the people of a story.
type Demo struct {
	Roles func() []DemoRole
	// Staff are roles of people who work at the node; nil for none.
	Staff func() []DemoStaff
	// Seed finds the seed of an Ed25519 key (RFC 8032) that the story made.
	Seed func(key token.PublicKey) (seed [32]byte, known bool)
}

// DemoRole is somebody whom a browser may be.
type DemoRole struct {
	Name   string         `json:"name" doc:"as the story calls who has the wallet"`
	Kind   string         `json:"kind" enum:"person,shop,business,office"`
	Wallet token.WalletID `json:"wallet"`
}

// DemoStaff is a role of staff that a browser may be.
type DemoStaff struct {
	Name  string         `json:"name" doc:"as the story calls it"`
	Roles []staff.Role   `json:"roles" enum:"administrator,authority,auditor,intermediary"`
	Bank  token.WalletID `json:"bank,omitzero" doc:"whose clerk it is"`
}

// DemoRoles are all of them.
type DemoRoles struct {
	Roles []DemoRole  `json:"roles" doc:"none on any network but the story's own, for development"`
	Staff []DemoStaff `json:"staff" doc:"likewise"`
}

// DemoKey opens the wallet of one.
type DemoKey struct {
	DemoRole
	Seed string `json:"seed" doc:"of the wallet's present Ed25519 key, hexadecimal"`
}

// registerDemo serves the demo's people; elsewhere there are none.
func (s *Server) registerDemo() {
	huma.Register(s.api, operation("list-demo-roles", "/v1/demo", "People of the story whom a browser may be, on a "+
		"development network", byAnybody),
		func(context.Context, *struct{}) (*answer[DemoRoles], error) {
			return ok(DemoRoles{s.demoRoles(), s.demoStaff()}, nil)
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "be-demo-staff", Method: http.MethodPost,
		Path: "/v1/staff/demo/{role}", Summary: "Sign in as one of the story's staff, on its own development network",
		Description: "The answer sets the session's cookie, as a passkey does. The account is marked as the demo's " +
			"in every answer and in the audit trail, and signs in on no other network."},
		byAnybody, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests,
		http.StatusServiceUnavailable),
		func(ctx context.Context, in *struct {
			Role string `path:"role" maxLength:"64"`
		}) (*staffAnswer, error) {
			return s.playStaff(ctx, in.Role)
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "be-demo-role", Method: http.MethodPost,
		Path: "/v1/demo/{role}", Summary: "The key of one of the story's people, on a development network"},
		byAnybody, http.StatusNotFound),
		func(ctx context.Context, in *struct {
			Role string `path:"role" maxLength:"64"`
		}) (*answer[DemoKey], error) {
			return ok(s.demoKey(ctx, in.Role))
		})
}

func (s *Server) demoRoles() []DemoRole {
	if s.options.Demo == nil || !s.options.Open {
		return []DemoRole{}
	}
	return s.options.Demo.Roles()
}

func (s *Server) demoStaff() []DemoStaff {
	if s.options.Demo == nil || s.options.Demo.Staff == nil || !s.options.Open {
		return []DemoStaff{}
	}
	return s.options.Demo.Staff()
}

// playStaff opens a session of one of the demo's staff.
func (s *Server) playStaff(ctx context.Context, name string) (*staffAnswer, error) {
	list := s.demoStaff()
	i := slices.IndexFunc(list, func(r DemoStaff) bool { return r.Name == name })
	if i < 0 {
		return nil, problemOf(token.Errorf(node.NotFound, "role",
			"nobody of this name works on a story's network here"))
	}
	// The cookie counts at an origin of this node, so a request that names none is no page of its.
	if originOf(ctx) == "" {
		return nil, newProblem(http.StatusForbidden, codeCrossSite, "Origin", "only a page of this node may ask this")
	}
	return s.openStaffSession(ctx, func(store *staff.Store, now time.Time) (string, staff.Session, staff.Account,
		error) {
		return store.Play(staff.Part(list[i]), now)
	})
}

// demoKey is the seed of the key that a person's wallet has now. It gives keys away, and does so only on an Open node:
// elsewhere demoRoles is empty.
func (s *Server) demoKey(ctx context.Context, name string) (key DemoKey, err error) {
	roles := s.demoRoles()
	i := slices.IndexFunc(roles, func(r DemoRole) bool { return r.Name == name })
	if i < 0 {
		return key, token.Errorf(node.NotFound, "role", "nobody of this name is on a story's network here")
	}
	var w ledger.Wallet
	if err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		w, _ = state.Wallet(roles[i].Wallet)
	}); err != nil {
		return key, err
	}
	seed, known := s.options.Demo.Seed(w.Key)
	if !known {
		return key, token.Errorf(node.NotFound, "role", "the wallet has another key than the story gave it")
	}
	return DemoKey{roles[i], hex.EncodeToString(seed[:])}, nil
}
