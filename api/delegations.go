package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// A delegation lets a device without a key read a wallet until a time: a shop's till. The wallet's key signs it, its
// holder ends it, and another key of the wallet ends it too. It does nothing else than read.

// RoleDelegate reads the wallet whose key let it.
const RoleDelegate AccessRole = "delegate"

// ofWallet says whether an access is one of a wallet's own: by its key, or by leave of who holds it.
func (a *Access) ofWallet() bool { return a.Role == RoleHolder || a.Role == RoleDelegate }

// Limits of delegations.
const (
	maxDelegation     = 31 * 24 * time.Hour
	delegationsEach   = 16 // of one wallet
	delegationsAll    = 10_000
	delegationNameMax = 64 // bytes
)

// delegationPrefix tells a delegation from a session and an access token.
const delegationPrefix = "aqd1."

// DelegationView is a delegation as its wallet's holder sees it.
type DelegationView struct {
	ID    string `json:"id" doc:"32 hexadecimal digits"`
	Name  string `json:"name" doc:"of the device or who has it, as the holder wrote it"`
	Until uint64 `json:"until_millis" doc:"Unix milliseconds"`
}

// Delegations are those of a wallet that have not ended.
type Delegations struct {
	Delegations []DelegationView `json:"delegations"`
}

// DelegationRequest asks for one.
type DelegationRequest struct {
	SignIn
	Name  string `json:"name,omitempty" maxLength:"512" doc:"of the device or who has it, up to 64 bytes"`
	Until uint64 `json:"until_millis" doc:"Unix milliseconds, at most 31 days ahead"`
}

// Delegation opens a wallet to a device without a key.
type Delegation struct {
	DelegationView
	Token  string         `json:"token" doc:"pass it as Authorization: Bearer; it is shown once"`
	Wallet token.WalletID `json:"wallet"`
}

// delegation is what is kept of one: of its token the hash alone.
type delegation struct {
	Wallet token.WalletID `json:"wallet"`
	Key    string         `json:"key"` // keyMark of the wallet's key, hexadecimal
	Token  string         `json:"token_sha256"`
	Name   string         `json:"name"`
	Until  uint64         `json:"until_millis"`
}

type delegations struct{ *keptFile[delegation] }

func openDelegations(dir string, logger *slog.Logger) *delegations {
	return &delegations{openKept[delegation](dir, "delegations.json", logger)}
}

// clean forgets what has ended. The caller holds mu; it is written with the next change.
func (d *delegations) clean(now time.Time) {
	for id, one := range d.list {
		if uint64(now.UnixMilli()) >= one.Until {
			delete(d.list, id)
		}
	}
}

// read is the access that a delegation's token gives; nil if it gives none. A token begins with its id, by which it is
// found; the secret behind it is compared by its hash and in constant time. Whether the key that gave it is the
// wallet's still, whoever reads the wallet asks (Access.holds).
func (d *delegations) read(text string, now time.Time) *Access {
	encoded, ok := strings.CutPrefix(text, delegationPrefix)
	id, secret, whole := strings.Cut(encoded, ".")
	if !ok || !whole || len(encoded) > 128 {
		return nil
	}
	d.mu.Lock()
	one, known := d.list[id]
	d.mu.Unlock()
	sum := sha256.Sum256([]byte(secret))
	if !known || uint64(now.UnixMilli()) >= one.Until ||
		subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(one.Token)) != 1 {
		return nil
	}
	key, err := hex.DecodeString(one.Key)
	if err != nil || len(key) != 8 {
		return nil
	}
	return &Access{Name: "delegate " + id, Role: RoleDelegate, wallet: one.Wallet, key: [8]byte(key),
		ends: time.UnixMilli(int64(one.Until))}
}

// registerDelegations: a delegation is given by a signature of the wallet's key, and listed and ended with any access
// to the wallet itself: who lost the device must be able to end it without it.
func (s *Server) registerDelegations() {
	huma.Register(s.api, describe(huma.Operation{OperationID: "delegate", Method: http.MethodPost,
		Path:    "/v1/sessions/delegations",
		Summary: "Let a device without a key read a wallet until a time",
		Description: "The wallet's key signs SHA-256(\"aqsha delegation v1\" ‖ 0 ‖ network ‖ wallet ‖ " +
			"SHA-256(origin) ‖ challenge ‖ until, 8 bytes big-endian ‖ SHA-256(name)). " +
			"What is given reads the wallet and nothing else; its holder ends it, and so does another key of the wallet."}, bySignature, http.StatusUnauthorized, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct{ Body DelegationRequest }) (*answer[Delegation], error) {
			return ok(s.delegate(ctx, in.Body))
		})
	huma.Register(s.api, operation("list-delegations", "/v1/wallets/{id}/delegations",
		"Which devices without a key may read a wallet", byWallet, http.StatusNotFound),
		func(ctx context.Context, in *struct {
			ID token.WalletID `path:"id"`
		}) (*answer[Delegations], error) {
			if err := s.walletToAct(ctx, in.ID); err != nil {
				return nil, problemOf(err)
			}
			return ok(s.delegationsOf(in.ID), nil)
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "end-delegation", Method: http.MethodDelete,
		Path:    "/v1/wallets/{id}/delegations/{delegation}",
		Summary: "End a delegation at once", DefaultStatus: http.StatusNoContent}, byWallet,
		http.StatusNotFound),
		func(ctx context.Context, in *struct {
			ID         token.WalletID `path:"id"`
			Delegation string         `path:"delegation" maxLength:"64"`
		}) (*struct{}, error) {
			// By who holds the wallet, a delegate is not enough to end another: else the one that was stolen could
			// end its owner's.
			if err := mustHold(ctx, in.ID); err != nil {
				return nil, err
			}
			return nil, s.endDelegation(in.ID, in.Delegation)
		})
}

// delegate makes a delegation that the wallet's key has signed.
func (s *Server) delegate(ctx context.Context, in DelegationRequest) (Delegation, error) {
	now := time.Now()
	if err := staff.CheckText("name", in.Name, delegationNameMax); err != nil {
		return Delegation{}, err
	}
	switch until := time.UnixMilli(int64(min(in.Until, 1<<53))); {
	case !until.After(now) || until.After(now.Add(maxDelegation)):
		return Delegation{}, token.Errorf(token.OutOfRange, "until_millis", "want a time within the next %d days",
			int(maxDelegation.Hours())/24)
	}
	// One refusal for all that may be wrong with a signature: which of them it was would help only who guesses.
	refused := newProblem(http.StatusUnauthorized, codeSignIn, "signature",
		"the challenge is not answered: it is of another wallet, origin or node, used or older than a minute, or the "+
			"signature is not by the wallet's key")
	raw, err := hex.DecodeString(in.Challenge)
	if err != nil || len(raw) != token.SessionChallengeBytes {
		return Delegation{}, refused
	}
	challenge := [token.SessionChallengeBytes]byte(raw)
	digest := token.DelegationDigest(s.node.Network(), in.Wallet, in.Origin, challenge, in.Until, in.Name)
	w, signed, err := s.signedBy(ctx, in.SignIn, challenge, digest, now, false)
	if err != nil {
		return Delegation{}, err
	}
	if !signed {
		return Delegation{}, refused
	}
	return s.delegations.add(in, keyMark(w.Key), now)
}

// add makes a delegation; its secret is in the answer alone. The mark is of the key that gave it. When the table
// cannot be stored there is none: a device would lose with the next start what it was promised until a time.
func (d *delegations) add(in DelegationRequest, mark [8]byte, now time.Time) (Delegation, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clean(now)
	own := 0
	for _, one := range d.list {
		if one.Wallet == in.Wallet {
			own++
		}
	}
	if own >= delegationsEach || len(d.list) >= delegationsAll {
		return Delegation{}, token.Errorf(token.TooMany, "wallet",
			"%d devices may read this wallet already, at most %d: end one first", own, delegationsEach)
	}
	var id [16]byte
	var secret [32]byte
	_, _ = rand.Read(id[:])
	_, _ = rand.Read(secret[:])
	text := base64.RawURLEncoding.EncodeToString(secret[:])
	sum := sha256.Sum256([]byte(text))
	name := hex.EncodeToString(id[:])
	if err := d.put(name, delegation{in.Wallet, hex.EncodeToString(mark[:]), hex.EncodeToString(sum[:]), in.Name,
		in.Until}); err != nil {
		return Delegation{}, fmt.Errorf("delegation: %w", err)
	}
	return Delegation{DelegationView{name, in.Name, in.Until}, delegationPrefix + name + "." + text, in.Wallet}, nil
}

// delegationsOf are a wallet's, without their secrets, by id.
func (s *Server) delegationsOf(wallet token.WalletID) Delegations {
	d := s.delegations
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clean(time.Now())
	list := Delegations{[]DelegationView{}}
	for id, one := range d.list {
		if one.Wallet == wallet {
			list.Delegations = append(list.Delegations, DelegationView{id, one.Name, one.Until})
		}
	}
	slices.SortFunc(list.Delegations, func(a, b DelegationView) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// endDelegation ends one. One that is not of this wallet is as unknown as one that never was: who mistypes an id learns
// that the device reads on. Refuses with node.NotFound; an ended one is forgotten, and refused so too.
func (s *Server) endDelegation(wallet token.WalletID, id string) error {
	d := s.delegations
	d.mu.Lock()
	defer d.mu.Unlock()
	if one, known := d.list[id]; !known || one.Wallet != wallet {
		return problemOf(token.Errorf(node.NotFound, "delegation",
			"no delegation of this id: one that has ended is forgotten"))
	}
	if err := d.drop(id); err != nil {
		return problemOf(err)
	}
	return nil
}
