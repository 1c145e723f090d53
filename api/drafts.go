package api

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/api/drafts"
	"github.com/aqsha/aqsha/internal/recent"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// A draft is a transaction that waits for signatures. Keys stay where they are: the node carries it from one signer to
// the next, and hands it to the ledger when the last has signed.

// DraftRequest puts a draft up. It has the form of a draft file; whom that names as signing is not believed.
type DraftRequest struct {
	Network     token.NetworkID    `json:"network"`
	Transaction *token.Transaction `json:"transaction"`
	Signatories []ledger.Signatory `json:"signatories,omitempty" doc:"as a draft file has them; the ledger's are used"`
}

// DraftView is a draft as it is shown.
type DraftView struct {
	ID          token.TransactionID `json:"id" doc:"of the transaction; who knows it may read the draft"`
	Network     token.NetworkID     `json:"network"`
	Transaction *token.Transaction  `json:"transaction" doc:"with the signatures that it has"`
	Encoded     string              `json:"encoded" doc:"the same in CBOR, hexadecimal: what is signed is computed from it"`
	Signatories []ledger.Signatory  `json:"signatories" doc:"who signs; keys of wallets are shown to who may read the wallet, and stand empty otherwise"`
	Missing     map[string]int      `json:"missing" doc:"signatures that are missing, by role"`
	Refusals    []drafts.Refusal    `json:"refusals" doc:"who said that he does not sign; keys as above"`
	State       drafts.State        `json:"state" enum:"waiting,complete,executed,refused,lapsed"`
	Made        uint64              `json:"made_millis"`
	Receipt     *node.Receipt       `json:"receipt,omitempty" doc:"when it was executed"`
	Problem     *Problem            `json:"problem,omitempty" doc:"why the ledger refused it"`
}

// Drafts are those that concern the caller.
type Drafts struct {
	Drafts []DraftView `json:"drafts"`
}

// DraftWord is a signer's word that he does not sign.
type DraftWord struct {
	Key       token.PublicKey `json:"key"`
	Reason    string          `json:"reason,omitempty" maxLength:"200"`
	Signature token.Signature `json:"signature" doc:"by the key, over SHA-256(\"aqsha draft refusal v1\" ‖ 0 ‖ network ‖ id ‖ SHA-256(reason))"`
}

// What one address may put up within an hour, of how many addresses that is remembered, and how much one answer lists.
const (
	draftsAddress   = 64
	draftsRemember  = time.Hour
	draftsAddresses = 10_000
	draftsListed    = 200
	draftsAnswer    = 1 << 20 // bytes of the transactions of one answer
)

// draftBoard is the store, and who filled it lately. The store has a lock of its own, under which no ledger is asked:
// what the ledger says is read before a Change and may be older by then, so Change looks at the draft's state again.
type draftBoard struct {
	*drafts.Store
	addresses *recent.Map[string, []time.Time] // guarded by Server.shown.mu
}

// openDrafts opens the store. Where it cannot be, drafts are kept in memory: a node must not be down for them.
func openDrafts(dir string, logger *slog.Logger) *draftBoard {
	if dir != "" {
		dir = filepath.Join(dir, "drafts")
	}
	store, err := drafts.Open(vfs.OS, dir, logger)
	if err != nil {
		logger.Error("drafts are kept in memory alone", "error", err)
		store, _ = drafts.Open(vfs.OS, "", logger)
	}
	return &draftBoard{store, recent.New[string, []time.Time](draftsAddresses)}
}

// registerDrafts serves transactions that several must sign.
func (s *Server) registerDrafts() {
	// SkipValidateBody: the body has a transaction, which the ledger's own decoder reads, see registerTransactions.
	huma.Register(s.api, describe(huma.Operation{OperationID: "put-draft", Method: http.MethodPost, Path: "/v1/drafts",
		MaxBodyBytes: 1 << 18, SkipValidateBody: true,
		Summary:     "Put up a transaction that others must sign too",
		Description: "It has at least one signature that holds. Put up again, or by another signer, it gets the signatures that it has not. With the last one it is handed to the ledger, once."},
		bySignature, http.StatusBadRequest, http.StatusForbidden, http.StatusUnprocessableEntity,
		http.StatusTooManyRequests),
		func(ctx context.Context, in *struct{ Body DraftRequest }) (*answer[DraftView], error) {
			return retried(s.putDraft(ctx, in.Body))
		})
	huma.Register(s.api, operation("list-drafts", "/v1/drafts",
		"Drafts that wait for the session's wallet or the access's bank, or all; those that ended within a day too",
		byWallet),
		func(ctx context.Context, in *struct {
			Wallet token.WalletID `query:"wallet" doc:"those alone that this wallet signs"`
		}) (*answer[Drafts], error) {
			return ok(s.listDrafts(ctx, in.Wallet))
		})
	huma.Register(s.api, operation("get-draft", "/v1/drafts/{draft}", "A draft, for who knows its id", byAnybody,
		http.StatusNotFound),
		func(ctx context.Context, in *struct {
			Draft token.TransactionID `path:"draft"`
		}) (*answer[DraftView], error) {
			return ok(s.draft(ctx, in.Draft))
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "sign-draft", Method: http.MethodPost,
		Path:    "/v1/drafts/{draft}/signatures",
		Summary: "Add a signature to a draft; the last one hands it to the ledger"}, bySignature, http.StatusForbidden,
		http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			Draft token.TransactionID `path:"draft"`
			Body  token.Witness
		}) (*answer[DraftView], error) {
			return retried(s.signDraft(ctx, in.Draft, in.Body))
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "refuse-draft", Method: http.MethodPost,
		Path:    "/v1/drafts/{draft}/refusals",
		Summary: "Say that one does not sign a draft; it ends when those who are left do not suffice"}, bySignature,
		http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity),
		func(ctx context.Context, in *struct {
			Draft token.TransactionID `path:"draft"`
			Body  DraftWord
		}) (*answer[DraftView], error) {
			return ok(s.refuseDraft(ctx, in.Draft, in.Body))
		})
}

// now is the network's time.
func (s *Server) now() uint64 { return max(s.node.Clock().TimeMillis, s.node.Head().TimeMillis) }

// signatories asks the ledger who signs.
func (s *Server) signatories(ctx context.Context, body token.Body) (groups []ledger.Signatory, err error) {
	var refused *token.Error
	err = s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		groups, refused = ledger.Signatories(state, body)
	})
	if err == nil && refused != nil {
		err = refused
	}
	return groups, err
}

// putDraft takes a draft up. Until a signature holds nothing is told of the wallets that should sign. Of who signs, the
// answer to a stranger and to somebody who guesses a wallet is the same.
func (s *Server) putDraft(ctx context.Context, in DraftRequest) (view DraftView, err error) {
	if in.Network == (token.NetworkID{}) {
		return view, token.Errorf(token.WrongType, "network", "want the network's id")
	}
	if in.Network != s.node.Network() {
		return view, token.Errorf(token.OutOfRange, "network", "the draft is of another network than %s",
			s.node.Network())
	}
	if in.Transaction == nil {
		return view, token.Errorf(token.WrongType, "transaction", "want a transaction")
	}
	groups, err := s.signatories(ctx, in.Transaction.Body)
	var rule *token.Error
	switch {
	case errors.As(err, &rule):
		return view, notAccepted()
	case err != nil:
		return view, err
	}
	d, refused := drafts.New(in.Network, in.Transaction, groups, s.now())
	switch {
	case refused != nil && refused.Code == ledger.Expired:
		return view, refused // that is told by the transaction alone
	case refused != nil:
		return view, notAccepted()
	}
	if !s.mayPutDraft(ctx, time.Now()) {
		return view, token.Errorf(node.Overloaded, "draft",
			"your address has put up %d drafts within an hour: try again later", draftsAddress)
	}
	err = s.drafts.Put(d, s.now())
	if errors.As(err, &rule) && rule.Code == drafts.SignedAlready { // it is there: it gets what it has not
		d, err = s.drafts.Change(in.Transaction.ID(), s.now(), func(there *drafts.Draft) *token.Error {
			there.Rename(in.Network, groups)
			for _, w := range in.Transaction.Witnesses {
				if refused := there.Sign(in.Network, w, s.now()); refused != nil &&
					refused.Code != drafts.SignedAlready {
					return refused
				}
				if there.State == drafts.Complete {
					break
				}
			}
			return nil
		})
	}
	if err != nil {
		return view, err
	}
	return s.draftView(ctx, s.settleDraft(ctx, d)), nil
}

// notAccepted is all that is told of a draft of which no signature holds.
func notAccepted() error {
	return token.Errorf(node.NotAccepted, "witnesses",
		"a draft is put up by who signs it: one signature at least, and each by a key that the ledger asks, over this transaction")
}

// mayPutDraft counts drafts by address.
func (s *Server) mayPutDraft(ctx context.Context, now time.Time) bool {
	address, _ := ctx.Value(addressKey{}).(string)
	s.shown.mu.Lock()
	defer s.shown.mu.Unlock()
	times, _ := s.drafts.addresses.Get(address)
	times = slices.DeleteFunc(slices.Clone(times), func(at time.Time) bool { return now.Sub(at) > draftsRemember })
	if len(times) >= draftsAddress {
		return false
	}
	s.drafts.addresses.Put(address, append(times, now))
	return true
}

// signDraft adds a signature, after asking the ledger again who signs: a key that was changed meanwhile has no say any
// more, and its signature is dropped. The lock of the drafts is not held while the ledger is asked; the signature is
// checked again under it.
func (s *Server) signDraft(ctx context.Context, id token.TransactionID, w token.Witness) (view DraftView, err error) {
	d := s.drafts.Get(id, s.now())
	if d == nil {
		return view, noDraft()
	}
	d, _ = s.executedElsewhere(ctx, d)
	groups, err := s.signatories(ctx, d.Transaction.Body)
	if err != nil {
		return view, err
	}
	d, err = s.drafts.Change(id, s.now(), func(d *drafts.Draft) *token.Error {
		if d.State == drafts.Waiting {
			d.Rename(s.node.Network(), groups)
		}
		return d.Sign(s.node.Network(), w, s.now())
	})
	if err != nil {
		return view, err
	}
	return s.draftView(ctx, s.settleDraft(ctx, d)), nil
}

func noDraft() error {
	return token.Errorf(node.NotFound, "draft", "no draft of this id: one that is over is forgotten after a day")
}

// refuseDraft notes that a signer does not sign. His signature over the word is checked by the draft; nobody can refuse
// for another.
func (s *Server) refuseDraft(ctx context.Context, id token.TransactionID, in DraftWord) (view DraftView, err error) {
	d, err := s.drafts.Change(id, s.now(), func(d *drafts.Draft) *token.Error {
		return d.Refuse(s.node.Network(), in.Key, in.Reason, &in.Signature, s.now())
	})
	if err != nil {
		return view, err
	}
	return s.draftView(ctx, d), nil
}

// draft is one as it stands. What a crash or a busy node left undecided is handed in now, not at the next look.
func (s *Server) draft(ctx context.Context, id token.TransactionID) (view DraftView, err error) {
	d := s.drafts.Get(id, s.now())
	if d == nil {
		return view, noDraft()
	}
	d, _ = s.executedElsewhere(ctx, d)
	return s.draftView(ctx, s.settleDraft(ctx, d)), nil
}

// executedElsewhere asks the ledger whether a draft that is not settled by it was completed and executed without this
// node's drafts, by a file that went from hand to hand, and keeps it if so. With an error it is the draft as it was.
func (s *Server) executedElsewhere(ctx context.Context, d *drafts.Draft) (*drafts.Draft, error) {
	if d.State == drafts.Executed || d.State == drafts.Complete {
		return d, nil // what is complete is handed in, and answered by the same receipt
	}
	receipt, found, err := s.node.LookupRead(ctx, d.Transaction.ID())
	if err != nil || !found {
		return d, err
	}
	settled, err := s.drafts.Change(d.Transaction.ID(), s.now(), func(d *drafts.Draft) *token.Error {
		if d.State != drafts.Executed {
			d.Settle(&receipt, nil, s.now())
		}
		return nil
	})
	if err != nil {
		s.options.Logger.Error("what became of a draft is not kept yet", "draft", d.Transaction.ID(), "error", err)
		return d, err
	}
	return settled, nil
}

// settleDraft hands a complete draft to the ledger. One that the ledger has not decided stays complete and is handed in
// again, by whoever looks at it next and by the node itself: it is the same transaction, which is executed once. A
// crash between the ledger's answer and the store's leaves it complete: handed in again, it gets the same receipt.
func (s *Server) settleDraft(ctx context.Context, d *drafts.Draft) *drafts.Draft {
	if d.State != drafts.Complete {
		return d
	}
	// who waits for it is not the one who wants it
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	receipts, errs := s.node.SubmitAllOf(ctx, senderOf(ctx), []*token.Transaction{d.Transaction})
	var receipt *node.Receipt
	var refused *token.Error
	switch {
	case errs[0] == nil:
		receipt = &receipts[0]
	case !errors.As(errs[0], &refused) || statusOf[refused.Code] == http.StatusServiceUnavailable ||
		statusOf[refused.Code] == http.StatusTooManyRequests || statusOf[refused.Code] == http.StatusMisdirectedRequest:
		return d
	}
	settled, err := s.drafts.Change(d.Transaction.ID(), s.now(), func(d *drafts.Draft) *token.Error {
		if d.State == drafts.Complete {
			d.Settle(receipt, refused, s.now())
		}
		return nil
	})
	if err != nil {
		s.options.Logger.Error("what became of a draft is not kept yet", "draft", d.Transaction.ID(), "error", err)
		return d
	}
	return settled
}

// settleEvery is how often complete drafts that the ledger has not decided are handed in again.
const settleEvery = 2 * time.Second

// settleDrafts hands in again what a crash, or a node that was busy, left undecided.
func (s *Server) settleDrafts(ctx context.Context) {
	look := time.NewTicker(settleEvery)
	defer look.Stop()
	for {
		for _, d := range s.drafts.All(s.now()) {
			s.settleDraft(ctx, d)
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// listDrafts are those that concern who asks: of a wallet's session what the wallet signs, of a bank's access what the
// bank or one of its wallets signs.
func (s *Server) listDrafts(ctx context.Context, wallet token.WalletID) (list Drafts, err error) {
	access, _ := ctx.Value(accessKey{}).(*Access)
	if access == nil {
		return list, newProblem(http.StatusUnauthorized, codeUnauthorised, "Authorization", needsAccess)
	}
	if access.Role == RoleStaff {
		return list, newProblem(http.StatusForbidden, codeForbidden, "", "an administrator's account reads no ledger")
	}
	list.Drafts = []DraftView{}
	bytes := 0
	var unasked error
	for _, d := range s.drafts.All(s.now()) {
		signing := ledger.Signing(d.Transaction.Body)
		if wallet != (token.WalletID{}) && !slices.Contains(signing, wallet) {
			continue
		}
		if s.concerns(ctx, access, d) {
			if unasked == nil { // an index that does not answer is not waited for again
				d, unasked = s.executedElsewhere(ctx, d)
			}
			list.Drafts = append(list.Drafts, s.draftView(ctx, d))
			bytes += len(d.Transaction.Encode())
		}
		if len(list.Drafts) == draftsListed || bytes >= draftsAnswer {
			break
		}
	}
	return list, nil
}

// concerns says whether a draft is for somebody's eyes.
func (s *Server) concerns(ctx context.Context, access *Access, d *drafts.Draft) bool {
	if mayReadAll(ctx) == nil || access.Role == RoleIntermediary && s.bankSigns(ctx, access.Intermediary, d) {
		return true
	}
	return slices.ContainsFunc(ledger.Signing(d.Transaction.Body), func(id token.WalletID) bool {
		return s.mayRead(ctx, id)
	})
}

// mayRead says whether the caller may read a wallet that is there.
func (s *Server) mayRead(ctx context.Context, id token.WalletID) bool {
	var w ledger.Wallet
	known := false
	err := s.node.View(ctx, func(state *livestate.State, _ node.Head) { w, known = state.Wallet(id) })
	return err == nil && known && mayReadWallet(ctx, id, w) == nil
}

// bankSigns says whether a bank's own keys sign a draft; where the state cannot be asked it does not.
func (s *Server) bankSigns(ctx context.Context, bank token.WalletID, d *drafts.Draft) bool {
	var keys []token.PublicKey
	if err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		b, _ := state.Intermediary(bank)
		keys = b.Keys.Keys
	}); err != nil {
		return false
	}
	for _, g := range d.Signatories {
		if g.Role != token.RoleIntermediary && g.Role != token.RoleReceiver {
			continue
		}
		for _, k := range g.Keys {
			if k != token.NoKey && slices.Contains(keys, k) {
				return true
			}
		}
	}
	return false
}

// draftView is a draft as the caller may see it: keys of wallets that he may not read stand empty. A key that is hidden
// among the signatories is hidden among the refusals too.
func (s *Server) draftView(ctx context.Context, d *drafts.Draft) DraftView {
	view := DraftView{ID: d.Transaction.ID(), Network: s.node.Network(), Transaction: d.Transaction,
		Encoded: hex.EncodeToString(d.Transaction.Encode()),
		Missing: ledger.Lacking(d.Signatories, d.Transaction.Witnesses), State: d.State, Made: d.Made,
		Receipt: d.Receipt}
	hidden := map[token.PublicKey]bool{}
	signing := ledger.Signing(d.Transaction.Body)
	for _, g := range d.Signatories {
		g.Keys = slices.Clone(g.Keys)
		if g.Role == token.RoleWallet || g.Role == token.RoleRecovery {
			for i, key := range g.Keys {
				if of := min(i, len(signing)-1); of < 0 || !s.mayRead(ctx, signing[of]) {
					hidden[key], g.Keys[i] = true, token.NoKey
				}
			}
		}
		view.Signatories = append(view.Signatories, g)
	}
	for _, r := range d.Refusals {
		if hidden[r.Key] {
			r.Key = token.NoKey
		}
		view.Refusals = append(view.Refusals, r)
	}
	if d.Code != "" {
		view.Problem = problemOf(token.Errorf(d.Code, "", "%s", d.Detail))
	}
	return view
}
