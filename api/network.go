package api

import (
	"context"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// Network tells which network a node serves and how far it is.
type Network struct {
	Network token.NetworkID `json:"network"`
	Name    string          `json:"name"`
	LogKey  string          `json:"log_key" doc:"verifier key of the log's checkpoints"`
	Head    node.Head       `json:"head"`
	Open    bool            `json:"open" doc:"everybody may read everything: a development network"`
	Rules   uint32          `json:"rules" doc:"version of the rules that the last block follows"`
	// By which wallets reckon until when what they sign is valid: the block's time decides, not theirs.
	TimeMillis uint64 `json:"time_millis" doc:"the time that the next block would have, Unix milliseconds: reckon valid_until from it"`
}

// Supply is the tenge that exists, at the last durable block. Live is summed over tokens and Circulating over what was
// issued and redeemed: two counts of the same, which a reader can hold against each other.
type Supply struct {
	Issued      money.Tiyn `json:"issued"`
	Redeemed    money.Tiyn `json:"redeemed"`
	Circulating money.Tiyn `json:"circulating" doc:"issued less redeemed"`
	Live        money.Tiyn `json:"live" doc:"the sum of all live tokens: always equal to circulating"`
	Tokens      int        `json:"tokens"`
	Wallets     int        `json:"wallets"`
	Height      uint64     `json:"height"`
	Size        uint64     `json:"size" doc:"of the log, at which the answer stands"`
}

// AuthorityView is the central bank's record: sets, policy, caps, proposals.
type AuthorityView struct {
	ledger.Authority
	Size uint64 `json:"size"`
}

// IntermediaryView is an intermediary with its id, which is also its treasury's.
type IntermediaryView struct {
	ID token.WalletID `json:"id"`
	ledger.Intermediary
	Treasury *money.Tiyn `json:"treasury,omitempty" doc:"what its treasury holds, for who may read it; the list is public, and a balance is not"`
}

// Health says whether the node serves and writes.
type Health struct {
	Status    string               `json:"status" enum:"ok,stalled,read-only,disk-full,clock-doubted,following,waiting,leader-doubted" doc:"disk-full: no payments until there is room, then the node goes on by itself; stalled: a stage makes no progress though work waits; clock-doubted: no payments until the clock is believed; waiting: a leader for its followers, a follower for its own clock, or a validator for its cluster; leader-doubted: the leader shows what no honest one shows"`
	Detail    string               `json:"detail,omitempty"`
	Role      string               `json:"role,omitempty" enum:"leader,follower,replaced,stopped" doc:"by what the node knows of who leads; replaced: another has led since; stopped: it promised a candidate that does not lead, or another was promoted with it; absent at a validator of a cluster"`
	Height    *uint64              `json:"height,omitempty" doc:"of the last block that may be shown; absent while a leader does not know what its followers have"`
	Ready     bool                 `json:"ready" doc:"transactions are taken and answered: what /readyz says"`
	Counts    node.Counts          `json:"counts"`
	Clock     node.ClockState      `json:"clock" doc:"what the node makes of its clock, and who else watches the time of blocks"`
	Stalled   []node.StalledStage  `json:"stalled,omitempty" doc:"stages of the pipeline that make no progress though work waits"`
	Follows   *node.FollowState    `json:"follows,omitempty" doc:"whose log this node copies, and how far it is behind"`
	Followers []node.FollowerState `json:"followers,omitempty" doc:"the known followers, who is there, and who has acknowledged what"`
	Version   string               `json:"version" doc:"of the program that runs"`
	Warnings  []string             `json:"warnings,omitempty" doc:"what the operator should see to, such as keys near the end of their life"`
}

// health answers whatever hangs: it waits for nothing that a stage of the node may hold.
func (s *Server) health() Health {
	n := s.node
	h := Health{Status: "ok", Counts: n.Counts(), Clock: n.Clock(), Stalled: n.Stalled(), Followers: n.Followers(),
		Version: Version(), Warnings: n.Warnings()}
	if n.HeadKnown() {
		height := n.Head().Height
		h.Height = &height
	}
	state, follows := n.FollowState()
	connected, acks, waits := n.AwaitedFollowers()
	// Later rules overwrite earlier ones: what stands last is what an operator has to see first, and a stage that
	// hangs hides everything else.
	switch {
	case follows && state.Alarm != "":
		h.Status, h.Detail = "leader-doubted", state.Alarm
	case follows && state.Waits:
		h.Status, h.Detail = "waiting", state.Detail
	case follows:
		h.Status = "following"
	case !h.Clock.Believed:
		h.Status, h.Detail = "clock-doubted", h.Clock.Detail
	case len(n.Unheard()) > 0:
		h.Status, h.Detail = "waiting",
			fmt.Sprintf("waiting for followers: %d of %d; %s was not heard since the start, and may have "+
				"acknowledged more than is here, if this is an old copy: bring it back, or take it out of "+
				"\"followers\" if it is lost", connected, acks, strings.Join(n.Unheard(), " and "))
	case waits:
		h.Status, h.Detail = "waiting", fmt.Sprintf("waiting for followers: %d of %d", connected, acks)
	}
	if follows {
		h.Follows = &state
	}
	if _, cause := n.NoRoom(); cause != nil {
		h.Status, h.Detail = "disk-full", fmt.Sprintf("make room on the node's disk, and it goes on by itself: %v",
			cause)
	}
	if s.options.Cluster == nil {
		h.Role = n.StandsAs()
	} else if why := s.options.Cluster().Waits(); why != "" {
		h.Status, h.Detail = "waiting", why
	}
	if err := n.Err(); err != nil {
		h.Status, h.Detail = "read-only", err.Error()
	}
	if len(h.Stalled) > 0 {
		h.Status, h.Detail = "stalled",
			fmt.Sprintf("the %s makes no progress though work waits; the node's log has the stacks", h.Stalled[0].Stage)
	}
	// A follower serves reads and is not ready: whoever looks for a node to pay at must not be sent to one that hands
	// payments on.
	h.Ready = h.Status == "ok"
	return h
}

type answer[T any] struct{ Body T }

// ok is an answer, with empty lists where it would have null, or the problem of an error.
func ok[T any](body T, err error) (*answer[T], error) {
	if err != nil {
		return nil, problemOf(err)
	}
	return &answer[T]{filled(body)}, nil
}

// registerNetwork: what everybody may know of a network. Balances are not among it, but for a reader who may see the
// treasury's.
func (s *Server) registerNetwork() {
	huma.Register(s.api, operation("get-network", "/v1/network", "Which network this is, and its head", byAnybody),
		func(context.Context, *struct{}) (*answer[Network], error) {
			g := s.node.Genesis()
			return ok(Network{s.node.Network(), g.Name, g.LogKey, s.node.Head(), s.options.Open && !s.options.Within,
				s.node.Head().Rules, s.node.Clock().TimeMillis}, nil)
		})
	huma.Register(s.api, operation("get-genesis", "/v1/genesis", "What founded the network", byAnybody),
		func(context.Context, *struct{}) (*answer[ledger.Genesis], error) { return ok(s.node.Genesis(), nil) })
	huma.Register(s.api, operation("get-supply", "/v1/supply", "Tenge issued, redeemed and live", byAnybody),
		func(ctx context.Context, _ *struct{}) (*answer[Supply], error) { return ok(s.supply(ctx)) })
	huma.Register(s.api, operation("get-authority", "/v1/authority", "Key sets, policy, cap and waiting proposals",
		byAnybody),
		func(ctx context.Context, _ *struct{}) (*answer[AuthorityView], error) {
			var view AuthorityView
			err := s.node.View(ctx, func(state *livestate.State, head node.Head) {
				view = AuthorityView{*state.Authority(), head.Size}
				// A copy, for the state's own slice changes when the view is left.
				view.Proposals = append([]ledger.Proposal{}, view.Proposals...)
			})
			return ok(view, err)
		})
	huma.Register(s.api, operation("list-intermediaries", "/v1/intermediaries", "Banks and payment companies",
		byAnybody),
		func(ctx context.Context, _ *struct{}) (*answer[[]IntermediaryView], error) {
			return ok(s.intermediaries(ctx))
		})
	huma.Register(s.api, operation("get-health", "/health", "Whether the node serves and writes", byAnybody),
		func(context.Context, *struct{}) (*answer[Health], error) {
			return ok(s.health(), nil)
		})
}

// supply is of one view: the sums are of the same height, so that live equals circulating in every answer.
func (s *Server) supply(ctx context.Context) (supply Supply, err error) {
	err = s.node.View(ctx, func(state *livestate.State, head node.Head) {
		a := state.Authority()
		tokens, wallets := state.Counts()
		supply = Supply{a.Issued, a.Redeemed, a.Circulating(), state.LiveTotal(), tokens, wallets, head.Height,
			head.Size}
	})
	return supply, err
}

// intermediaries are all of them; a treasury's balance is told to those alone who may read the wallet.
func (s *Server) intermediaries(ctx context.Context) ([]IntermediaryView, error) {
	list := []IntermediaryView{}
	err := s.node.View(ctx, func(state *livestate.State, _ node.Head) {
		for _, id := range state.Intermediaries() {
			i, _ := state.Intermediary(id)
			treasury, _ := state.Wallet(id)
			view := IntermediaryView{ID: id, Intermediary: i}
			if mayReadWallet(ctx, id, treasury) == nil {
				view.Treasury = &treasury.Balance
			}
			list = append(list, view)
		}
	})
	return list, err
}
