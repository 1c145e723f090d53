package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// WalletView is a wallet as it stands at the last durable block.
type WalletView struct {
	ID token.WalletID `json:"id"`
	ledger.Wallet
	ledger.Detail
	Testimonies []string `json:"vouched,omitempty" doc:"what agencies vouch for, each AGENCY/WHAT"`

	Size uint64 `json:"size" doc:"of the log, at which the answer stands"`
}

// WalletTokens are a wallet's live tokens, the newest first.
type WalletTokens struct {
	Tokens []livestate.LiveToken `json:"tokens"`
	More   bool                  `json:"more" doc:"there are more than were asked for"`
	Size   uint64                `json:"size"`
}

// HistoryLine is one entry that touched a wallet.
type HistoryLine struct {
	node.Receipt
	Net         money.Tiyn         `json:"net" doc:"tiyn received less given"`
	Transaction *token.Transaction `json:"transaction,omitempty"`
	System      *ledger.System     `json:"system,omitempty"`
	Effects     ledger.Effects     `json:"effects,omitzero" doc:"tokens of a contract that the transaction spent, and tokens that it made"`
}

// History is a part of a wallet's history, the latest first.
type History struct {
	Lines []HistoryLine `json:"lines"`
	Next  uint64        `json:"next,omitempty" doc:"pass as before to go on; absent at the end"`
	Size  uint64        `json:"size" doc:"of the log, at which the answer stands"`
}

// WalletPath names a wallet and how new an answer must be. It is exported for the framework to see.
type WalletPath struct {
	ID      token.WalletID `path:"id" doc:"wallet or intermediary"`
	MinSize uint64         `query:"min_size" doc:"wait until the answer stands at least at this size of the log"`
}

// minSizeWait bounds how long an answer waits for the log to grow.
const minSizeWait = 10 * time.Second

// registerWallets: reads of a wallet can wait for a size of the log (min_size), so that who has been answered a
// payment, by whichever node, reads it at this one.
func (s *Server) registerWallets() {
	huma.Register(s.api, operation("get-wallet", "/v1/wallets/{id}", "A wallet: balance, limits used, state", byWallet,
		http.StatusNotFound),
		// MinSize lets a reader who has a receipt wait for its entry: behind a balancer the next follower asked may not
		// have it yet.
		func(ctx context.Context, in *WalletPath) (*answer[WalletView], error) {
			return ok(s.wallet(ctx, in.ID, in.MinSize))
		})
	huma.Register(s.api, operation("list-wallet-tokens", "/v1/wallets/{id}/tokens", "A wallet's live tokens", byWallet,
		http.StatusNotFound),
		func(ctx context.Context, in *struct {
			WalletPath
			Limit int `query:"limit" default:"100" minimum:"1" maximum:"4096"`
		}) (*answer[WalletTokens], error) {
			return ok(s.tokensOf(ctx, in.ID, in.MinSize, in.Limit))
		})
	huma.Register(s.api, operation("get-wallet-history", "/v1/wallets/{id}/history", "What touched a wallet, the "+
		"latest first", byWallet, http.StatusNotFound),
		func(ctx context.Context, in *struct {
			WalletPath
			Before uint64 `query:"before" doc:"entries before this one; absent for the latest"`
			Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
		}) (*answer[History], error) {
			return ok(s.history(ctx, in.ID, in.MinSize, in.Before, in.Limit))
		})
	huma.Register(s.api, operation("get-held", "/v1/wallets/{id}/held", "What the rules hold for a wallet: paid "+
		"beyond its limit, or after it was closed", byWallet, http.StatusNotFound),
		func(ctx context.Context, in *WalletPath) (*answer[HeldView], error) {
			return ok(s.held(ctx, in.ID, in.MinSize))
		})
	s.registerSelections()
	s.registerWalletStream()
	s.registerWalletContracts()
}

// HeldView is what the rules hold for a wallet, live or closed. A release moves it.
type HeldView struct {
	For     token.WalletID        `json:"for"`
	Holder  token.WalletID        `json:"holder" doc:"the wallet that holds it"`
	Balance money.Tiyn            `json:"balance"`
	Tokens  []livestate.LiveToken `json:"tokens" doc:"the newest first"`
	More    bool                  `json:"more" doc:"there are more than are listed"`
	Closed  *ledger.Closed        `json:"closed,omitempty" doc:"what stays known of the wallet if it was closed"`
	Size    uint64                `json:"size" doc:"of the log, at which the answer stands"`
}

// maxHeldTokens is how many tokens a HeldView lists.
const maxHeldTokens = 4096

// held reads what is held for a wallet, if the caller may. Whether he may is asked before whether there is such a
// wallet: who may not read it does not learn that either.
func (s *Server) held(ctx context.Context, id token.WalletID, minSize uint64) (view HeldView, err error) {
	if err := s.waitSize(ctx, minSize); err != nil {
		return view, err
	}
	view.For, view.Holder = id, token.HeldFor(id)
	var of ledger.Wallet
	known := false
	err = s.node.View(ctx, func(state *livestate.State, head node.Head) {
		view.Size = head.Size
		if w, live := state.Wallet(id); live {
			of, known = w, true
		} else if closed, was := state.Closed(id); was {
			// A closed wallet's money is held on: its last keys take it, and its bank sees it.
			of.Registrar, known, view.Closed = closed.Registrar, true, &closed
		}
		holder, _ := state.Wallet(view.Holder)
		view.Balance, view.Tokens = holder.Balance, state.TokensOf(view.Holder, maxHeldTokens+1)
	})
	if err != nil {
		return view, err
	}
	if err := mayReadWallet(ctx, id, of); err != nil {
		return HeldView{}, err
	}
	if !known {
		return HeldView{}, token.Errorf(node.NotFound, "id", "no wallet %s, and none was closed", id)
	}
	if len(view.Tokens) > maxHeldTokens {
		view.Tokens, view.More = view.Tokens[:maxHeldTokens], true
	}
	if view.Tokens == nil {
		view.Tokens = []livestate.LiveToken{}
	}
	return view, nil
}

// Selection is tokens set aside, and what else their payer needs to sign a payment and send it at once.
type Selection struct {
	node.Selection
	Network     token.NetworkID    `json:"network" doc:"part of what is signed"`
	TimeMillis  uint64             `json:"time_millis" doc:"the ledger's time, from which a payment's validity is reckoned"`
	Signatories []ledger.Signatory `json:"signatories" doc:"whose keys sign a payment from this wallet, as it stands now"`
}

// selection sets tokens aside, and says who signs.
func (s *Server) selection(ctx context.Context, id token.WalletID, want node.Want) (out Selection, err error) {
	access, _ := ctx.Value(accessKey{}).(*Access)
	want.Unknown = access == everything
	if out.Selection, err = s.node.SelectFor(ctx, id, want); err != nil {
		return out, err
	}
	out.Network, out.TimeMillis = s.node.Network(), s.node.Clock().TimeMillis
	var refused *token.Error
	err = s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		out.Signatories, refused = ledger.Signatories(state, &token.Transfer{Parties: []token.WalletID{id}, Payers: 1})
	})
	if err == nil && refused != nil { // the wallet was closed meanwhile
		err = refused
	}
	return out, err
}

// registerSelections lets payers from several processes choose tokens without getting in each other's way.
func (s *Server) registerSelections() {
	huma.Register(s.api, describe(huma.Operation{OperationID: "select-tokens", Method: http.MethodPost,
		Path:    "/v1/wallets/{id}/selections",
		Summary: "Set tokens aside for a payment",
		Description: "Waits while other payers use the wallet's tokens. Says insufficient-funds only when all live " +
			"tokens together are less than the amount. " +
			"The answer has all that a payer needs to sign: with it a payment takes two requests."}, byWallet,
		http.StatusNotFound),
		func(ctx context.Context, in *struct {
			ID   token.WalletID `path:"id"`
			Body struct {
				Amount     money.Tiyn `json:"amount"`
				Purpose    uint32     `json:"purpose,omitempty" doc:"of the tokens; absent for plain tenge"`
				HopsBelow  uint16     `json:"hops_below,omitempty" doc:"leave out tokens of marked money that have used so many hops, for a payment that keeps the mark"`
				WaitMillis uint64     `json:"wait_millis,omitempty" maximum:"300000" doc:"how long to wait for others; 30 s by default"`
			}
		}) (*answer[Selection], error) {
			// To act and not only to read: setting tokens aside keeps others from paying with them.
			if err := s.walletToAct(ctx, in.ID); err != nil {
				return nil, problemOf(err)
			}
			wait := requestTimeout
			if in.Body.WaitMillis != 0 {
				wait = time.Duration(in.Body.WaitMillis) * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(ctx, wait)
			defer cancel()
			return ok(s.selection(ctx, in.ID, node.Want{Asset: token.PurposeAsset(in.Body.Purpose),
				Amount: in.Body.Amount, HopsBelow: in.Body.HopsBelow}))
		})
	huma.Register(s.api, describe(huma.Operation{OperationID: "release-tokens", Method: http.MethodPost,
		Path:    "/v1/wallets/{id}/releases",
		Summary: "Free tokens that were set aside and will not be spent", DefaultStatus: http.StatusNoContent},
		byWallet, http.StatusNotFound),
		func(ctx context.Context, in *struct {
			ID   token.WalletID `path:"id"`
			Body struct {
				Tokens []token.ID `json:"tokens" maxItems:"4096"`
			}
		}) (*struct{}, error) {
			if err := s.walletToAct(ctx, in.ID); err != nil {
				return nil, problemOf(err)
			}
			s.node.Release(in.ID, in.Body.Tokens)
			return nil, nil
		})
}

// walletToAct refuses callers who may not do something for a wallet that is there.
func (s *Server) walletToAct(ctx context.Context, id token.WalletID) error {
	if _, err := s.wallet(ctx, id, 0); err != nil {
		return err
	}
	return mayActFor(ctx)
}

// waitSize waits until the ledger is durable up to a size of the log.
func (s *Server) waitSize(ctx context.Context, size uint64) error {
	if size <= s.node.Head().Size {
		return nil
	}
	if access, _ := ctx.Value(accessKey{}).(*Access); access == nil { // who may read nothing holds no request open
		return newProblem(http.StatusUnauthorized, codeUnauthorised, "Authorization", needsAccess)
	}
	waiting, cancel := context.WithTimeout(ctx, minSizeWait)
	defer cancel()
	if _, err := s.node.Log().WaitSize(waiting, size); err != nil && ctx.Err() == nil && waiting.Err() != nil {
		return newProblem(http.StatusConflict, codeNotYet, "min_size",
			fmt.Sprintf("the log has %d entries yet", s.node.Head().Size))
	} else if err != nil {
		return err
	}
	return nil
}

// wallet reads a wallet, if the caller may.
func (s *Server) wallet(ctx context.Context, id token.WalletID, minSize uint64) (view WalletView, err error) {
	if err := s.waitSize(ctx, minSize); err != nil {
		return view, err
	}
	found := false
	err = s.node.View(ctx, func(state *livestate.State, head node.Head) {
		view.ID, view.Size = id, head.Size
		view.Wallet, found = state.Wallet(id)
		view.Detail = state.Detail(id)
		view.Testimonies = ledger.Testimonies(state, &view.Detail)
	})
	if err != nil {
		return view, err
	}
	if err := mayReadWallet(ctx, id, view.Wallet); err != nil {
		return WalletView{}, err
	}
	if !found {
		return WalletView{}, token.Errorf(node.NotFound, "id", "no wallet %s", id)
	}
	return view, nil
}

// tokensOf lists a wallet's tokens, to who may read it; one more than the limit is asked for, to know whether there
// are.
func (s *Server) tokensOf(ctx context.Context, id token.WalletID, minSize uint64,
	limit int) (list WalletTokens, err error) {
	if _, err := s.wallet(ctx, id, minSize); err != nil {
		return list, err
	}
	err = s.node.View(ctx, func(state *livestate.State, head node.Head) {
		list.Tokens, list.Size = state.TokensOf(id, limit+1), head.Size
	})
	if len(list.Tokens) > limit {
		list.Tokens, list.More = list.Tokens[:limit], true
	}
	return list, err
}

// history is a page of a wallet's history, the latest first.
func (s *Server) history(ctx context.Context, id token.WalletID, minSize, before uint64, limit int) (History, error) {
	if err := s.waitSize(ctx, minSize); err != nil {
		return History{}, err
	}
	if _, err := s.wallet(ctx, id, 0); err != nil {
		// A closed wallet's history is for those who may read all.
		if problemOf(err).Status != http.StatusNotFound || mayReadAll(ctx) != nil {
			return History{}, err
		}
	}
	if before == 0 {
		before = 1<<63 - 1
	}
	items, size, err := s.node.History(ctx, id, before, limit)
	if err != nil {
		return History{}, err
	}
	h := History{Lines: make([]HistoryLine, 0, len(items)), Size: size}
	for _, item := range items {
		h.Lines = append(h.Lines, HistoryLine{item.Receipt, money.Tiyn(item.Net), item.Entry.Transaction,
			item.Entry.System, item.Entry.Effects})
	}
	if len(items) == limit {
		h.Next = items[limit-1].Index
	}
	return h, nil
}
