package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// An application asks a bank for a wallet of a key that the applicant holds. The bank answers with a draft of the
// registration that it has signed, which the key signs too, or with its reason. Keys stay where they are: the node
// carries papers.

// ApplicationState says how far an application is: it waits, and is accepted or refused, once.
type ApplicationState string

// The states of applications.
const (
	ApplicationWaits    ApplicationState = "waiting"
	ApplicationAccepted ApplicationState = "accepted"
	ApplicationRefused  ApplicationState = "refused"
)

// Limits of applications.
const (
	applicationsWaiting = 1_000  // of one bank
	applicationsAll     = 10_000 // of all banks, with those that were answered
	applicationsAddress = 5      // that wait, from one address
	applicationKept     = 7 * 24 * time.Hour
	applicationName     = 64  // bytes
	applicationReason   = 200 // bytes
	applicationDraft    = 64_000
)

// ApplicationView is an application as its bank, and whoever knows its id, sees it.
type ApplicationView struct {
	ID     string           `json:"id" doc:"32 hexadecimal digits, which the applicant and the bank know alone"`
	Bank   token.WalletID   `json:"bank"`
	Key    token.PublicKey  `json:"key" doc:"that the wallet is to have"`
	Name   string           `json:"name,omitempty" doc:"what the applicant calls himself; nobody has checked it"`
	Made   uint64           `json:"made_millis" doc:"Unix milliseconds; it is kept for seven days"`
	State  ApplicationState `json:"state" enum:"waiting,accepted,refused"`
	Draft  json.RawMessage  `json:"draft,omitempty" doc:"of the registration, signed by the bank"`
	Reason string           `json:"reason,omitempty" doc:"why it was refused"`
}

// Applications are those of a bank.
type Applications struct {
	Applications []ApplicationView `json:"applications"`
}

// ApplicationRequest asks for a wallet.
type ApplicationRequest struct {
	Bank      token.WalletID  `json:"bank"`
	Key       token.PublicKey `json:"key"`
	Name      string          `json:"name,omitempty" maxLength:"512" doc:"up to 64 bytes"`
	Signature token.Signature `json:"signature" doc:"by the key, over SHA-256(\"aqsha application v1\" ‖ 0 ‖ network ‖ bank ‖ key, 33 bytes ‖ SHA-256(name))"`
}

// application is what is kept of one.
type application struct {
	ApplicationView
	Change uint64 `json:"change"` // the number of its last change, of all changes
}

func (a application) view() ApplicationView { return a.ApplicationView }

// applications are kept by mu of keptFile, with addresses and top; grown has a lock of its own, signals, so that who
// waits for a change does not wait for the disk. signals is taken within mu, never the other way about.
type applications struct {
	*keptFile[application]
	logger    *slog.Logger
	signals   sync.Mutex
	grown     chan struct{}     // closed at the next change
	addresses map[string]string // from where those that wait have come, by id; a restart forgets it
	top       uint64            // the last change's number, though its application is forgotten; mu holds it
}

func openApplications(dir string, logger *slog.Logger) *applications {
	return &applications{keptFile: openKept[application](dir, "applications.json", logger), logger: logger,
		grown: make(chan struct{}), addresses: map[string]string{}}
}

func (a *applications) changed() <-chan struct{} {
	a.signals.Lock()
	defer a.signals.Unlock()
	return a.grown
}

// signal wakes all who wait for a change. It is called when the change is stored: who wakes finds it.
func (a *applications) signal() {
	a.signals.Lock()
	defer a.signals.Unlock()
	close(a.grown)
	a.grown = make(chan struct{})
}

// last is the number of the last change.
func (a *applications) last() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lastLocked()
}

// lastLocked is last for who holds mu. A change's number is never given again in one run, though its application is
// forgotten: a stream's reader would take the new one for known.
func (a *applications) lastLocked() uint64 {
	for _, one := range a.list { // any order: the most of all
		a.top = max(a.top, one.Change)
	}
	return a.top
}

// after are a bank's applications, or of the zero bank those of all, that changed after a change, in order.
func (a *applications) after(bank token.WalletID, change uint64) (list []application) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range a.list {
		if (one.Bank == bank || bank == token.Authority) && one.Change > change {
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(x, y application) int { return int(int64(x.Change - y.Change)) })
	return list
}

// clean forgets what is old. The caller holds mu.
func (a *applications) clean(now time.Time) {
	for id, one := range a.list {
		if now.UnixMilli() > int64(one.Made)+applicationKept.Milliseconds() {
			delete(a.list, id)
			delete(a.addresses, id)
		}
	}
}

// registerApplications: asking and looking an application up are open to anybody, who proves the key or has the id; its
// list and its answers are the asked bank's.
func (s *Server) registerApplications() {
	huma.Register(s.api, describe(huma.Operation{OperationID: "apply", Method: http.MethodPost,
		Path:    "/v1/applications",
		Summary: "Ask a bank for a wallet of a key that one holds", Description: "While it waits, it is one " +
			"application however often it is sent. After an answer it is another: a paper is void when the bank has " +
			"registered somebody else meanwhile."}, bySignature, http.StatusUnauthorized,
		http.StatusUnprocessableEntity, http.StatusTooManyRequests),
		func(ctx context.Context, in *struct{ Body ApplicationRequest }) (*answer[ApplicationView], error) {
			return ok(s.apply(ctx, in.Body))
		})
	huma.Register(s.api, operation("get-application", "/v1/applications/{application}",
		"An application, for who knows its id", byAnybody, http.StatusNotFound),
		func(_ context.Context, in *struct {
			Application string `path:"application" maxLength:"64"`
		}) (*answer[ApplicationView], error) {
			return ok(s.applications.get(in.Application))
		})
	huma.Register(s.api, operation("list-applications", "/v1/applications", "What is asked of the bank of the "+
		"access, or of all banks, the latest change last", byBank),
		func(ctx context.Context, _ *struct{}) (*answer[Applications], error) {
			// A bank sees its own, the authority's readers all: an application names a person, and no other bank has
			// to know of it.
			bank, err := bankOf(ctx)
			if err != nil && mayReadAll(ctx) != nil {
				return nil, err
			}
			list := Applications{[]ApplicationView{}}
			for _, one := range s.applications.after(bank, 0) {
				list.Applications = append(list.Applications, one.view())
			}
			return ok(list, nil)
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "accept-application", Method: http.MethodPost,
		Path:    "/v1/applications/{application}/acceptance",
		Summary: "Answer an application with a draft that the bank has signed", MaxBodyBytes: 1 << 17}, byBank,
		http.StatusNotFound, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			Application string `path:"application" maxLength:"64"`
			Body        struct {
				Draft json.RawMessage `json:"draft"`
			}
		}) (*answer[ApplicationView], error) {
			return ok(s.decide(ctx, in.Application, func(a *application) error { return s.accept(a, in.Body.Draft) }))
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "refuse-application", Method: http.MethodPost,
		Path:    "/v1/applications/{application}/refusal",
		Summary: "Refuse an application, and say why"}, byBank, http.StatusNotFound, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			Application string `path:"application" maxLength:"64"`
			Body        struct {
				Reason string `json:"reason" maxLength:"200"`
			}
		}) (*answer[ApplicationView], error) {
			return ok(s.decide(ctx, in.Application, func(a *application) error {
				a.State, a.Reason = ApplicationRefused, in.Body.Reason
				return nil
			}))
		})
}

// bankOf is the bank of the caller's access; the zero bank, which is any, on a node that is open.
func bankOf(ctx context.Context) (token.WalletID, error) {
	access, _ := ctx.Value(accessKey{}).(*Access)
	switch {
	case access == nil:
		return token.WalletID{}, newProblem(http.StatusUnauthorized, codeUnauthorised, "Authorization", needsAccess)
	case access != everything && access.Role != RoleIntermediary:
		return token.WalletID{}, newProblem(http.StatusForbidden, codeForbidden, "",
			"applications are for the bank that they ask")
	}
	return access.Intermediary, nil
}

// apply keeps an application whose key has signed it. The signature keeps a stranger from asking for somebody else's
// key; a bank that is suspended opens no wallets and is not asked. A name that hides or turns characters is refused,
// as a clerk decides by what he reads.
func (s *Server) apply(ctx context.Context, in ApplicationRequest) (view ApplicationView, err error) {
	if err := staff.CheckText("name", in.Name, applicationName); err != nil {
		return view, err
	}
	known := false
	if err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		bank, ok := state.Intermediary(in.Bank)
		known = ok && !bank.Suspended
	}); err != nil {
		return view, err
	}
	if !known {
		return view, token.Errorf(node.NotFound, "bank", "no bank %s that opens wallets", in.Bank)
	}
	if !in.Key.Usable() || !token.Verify(in.Key, token.ApplicationDigest(s.node.Network(), in.Bank, in.Key, in.Name),
		&in.Signature) {
		return view, newProblem(http.StatusUnauthorized, codeSignIn, "signature",
			"it is not by the key, for this bank and name")
	}
	address, _ := ctx.Value(addressKey{}).(string)
	return s.applications.add(in, address, time.Now())
}

// add keeps an application, bounded by bank, by address and in all: a key costs a stranger nothing, so signatures alone
// bound nobody. One that waits already is answered as it is, so that a client which got no answer may send it again.
func (a *applications) add(in ApplicationRequest, address string, now time.Time) (ApplicationView, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	// Numbered by change, and under the lock: a reader of the stream asks for what came after a number and misses
	// none.
	next := a.lastLocked() + 1
	a.clean(now)
	waiting, here := 0, 0
	for id, one := range a.list {
		if one.Bank == in.Bank && one.Key == in.Key && one.State == ApplicationWaits {
			return one.view(), nil
		}
		if one.State != ApplicationWaits {
			continue
		}
		if one.Bank == in.Bank {
			waiting++
		}
		if a.addresses[id] == address {
			here++
		}
	}
	if waiting >= applicationsWaiting || here >= applicationsAddress || len(a.list) >= applicationsAll {
		return ApplicationView{}, token.Errorf(node.Overloaded, "bank",
			"%d applications wait, %d of them from your address: try again when some are answered", waiting, here)
	}
	var id [16]byte
	_, _ = rand.Read(id[:])
	one := application{ApplicationView{ID: hex.EncodeToString(id[:]), Bank: in.Bank, Key: in.Key, Name: in.Name,
		Made: uint64(now.UnixMilli()), State: ApplicationWaits}, next}
	// On disk before it is answered; only then is it the address's, whose count lives in memory and begins anew with
	// the process.
	if err := a.put(one.ID, one); err != nil {
		return ApplicationView{}, fmt.Errorf("application: %w", err)
	}
	a.addresses[one.ID] = address
	a.signal()
	return one.view(), nil
}

// get finds an application, for whoever knows its id.
func (a *applications) get(id string) (ApplicationView, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	one, known := a.list[id]
	if !known {
		return ApplicationView{}, token.Errorf(node.NotFound, "application",
			"no application of this id: it is forgotten after seven days")
	}
	return one.view(), nil
}

// decide answers an application of the caller's bank, once. The lock is held until the answer is stored: of two clerks
// one is told that the other was faster.
func (s *Server) decide(ctx context.Context, id string,
	change func(*application) error) (view ApplicationView, err error) {
	bank, err := bankOf(ctx)
	if err != nil {
		return view, err
	}
	a := s.applications
	a.mu.Lock()
	defer a.mu.Unlock()
	one, known := a.list[id]
	if !known || bank != token.Authority && one.Bank != bank {
		return view, token.Errorf(node.NotFound, "application", "no application of this id to this bank")
	}
	if one.State != ApplicationWaits {
		return view, token.Errorf(token.OutOfRange, "application", "it was %s already", one.State)
	}
	one.Change = a.lastLocked() + 1
	if err := change(&one); err != nil {
		return view, err
	}
	if err := a.put(id, one); err != nil {
		return view, fmt.Errorf("application: %w", err)
	}
	delete(a.addresses, id)
	a.signal()
	return one.view(), nil
}

// accept checks that a draft registers the application's key at its bank. Whether the bank's signatures hold shows when
// the applicant hands it in.
func (s *Server) accept(a *application, draft json.RawMessage) error {
	if len(draft) > applicationDraft {
		return token.Errorf(token.TooLarge, "draft", "%d bytes, at most %d", len(draft), applicationDraft)
	}
	var d struct {
		Network     token.NetworkID    `json:"network"`
		Transaction *token.Transaction `json:"transaction"`
	}
	if err := json.Unmarshal(draft, &d); err != nil || d.Transaction == nil {
		return token.Errorf(token.WrongType, "draft", "want a draft of a transaction as JSON")
	}
	r, registers := d.Transaction.Body.(*token.Register)
	switch {
	case d.Network != s.node.Network():
		return token.Errorf(token.OutOfRange, "draft.network", "it is of another network")
	case !registers || r.Registrar != a.Bank || r.Key != a.Key:
		return token.Errorf(token.OutOfRange, "draft.transaction",
			"want a registration by this bank of the application's key")
	}
	a.State, a.Draft = ApplicationAccepted, draft
	return nil
}
