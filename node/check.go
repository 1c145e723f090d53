package node

import (
	"context"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Check says whether a payment would be executed now, whoever has signed it, and why not. Nothing happens by it; while
// it is looked at it takes a place of its sender's share, as a payment does. Who may ask for whom is for the caller to
// see to. The codes are those of the refusal that the payment would have, or overloaded.
func (n *Node) Check(ctx context.Context, sender Sender, tx *token.Transaction) error {
	if err := n.Err(); err != nil {
		return err
	}
	place, waiting := n.ingest.Reserve(sender.Source, 1)
	defer n.ingest.Done(place)
	if place.N == 0 {
		return refuse(Overloaded, "", "%d transactions wait already", waiting)
	}
	var refused *token.Error
	err := n.View(ctx, func(state *livestate.State, head Head) {
		refused = ledger.Check(n.network, state, head.Height+1, max(n.Clock().TimeMillis, head.TimeMillis), tx)
	})
	if err == nil && refused != nil {
		return refused
	}
	return err
}

// NextSteps says of every action of a live contract whether it would be executed now, as ledger.NextSteps does. Like
// Check it takes a place of its sender's share: what is compiled for it is compiled outside of the state's lock.
func (n *Node) NextSteps(ctx context.Context, sender Sender, id,
	caller token.WalletID) (steps []ledger.Step, head Head, err error) {
	err = n.try(ctx, sender, func(state *livestate.State, height uint64) ledger.Unprepared {
		return ledger.NeededFor(state, height, state.Contract(id))
	}, func(state *livestate.State, at Head, now uint64, with ledger.Prepared) (refused *token.Error) {
		head = at
		steps, refused = ledger.NextSteps(n.network, state, at.Height+1, now, id, caller, with)
		return refused
	})
	return steps, head, err
}

// MayPay says whether a wallet may pay an amount of a purpose's money to a payee now, and what it becomes, as
// ledger.MayPay does. It chooses tokens of the payer that carry the purpose, among the newest.
func (n *Node) MayPay(ctx context.Context, sender Sender, of ledger.EarmarkedPayment) (becomes uint32, err error) {
	err = n.try(ctx, sender, func(state *livestate.State, height uint64) ledger.Unprepared {
		return ledger.NeededFor(state, height, nil, of.Purpose)
	}, func(state *livestate.State, at Head, now uint64, with ledger.Prepared) (refused *token.Error) {
		of.Inputs = of.Inputs[:0]
		var brought money.Tiyn
		for _, live := range state.TokensOf(of.Payer, maxLookedAt) {
			if live.Asset == token.PurposeAsset(of.Purpose) && brought < of.Amount {
				of.Inputs, brought = append(of.Inputs, live.ID), brought+live.Amount
			}
		}
		if brought < of.Amount {
			return refuse(Insufficient, "amount", "the wallet's tokens of purpose %d are less", of.Purpose)
		}
		becomes, refused = ledger.MayPay(n.network, state, at.Height+1, now, of, with)
		return refused
	})
	return becomes, err
}

// maxLookedAt bounds among how many tokens of a wallet those of a purpose are looked for. They are read with the
// state's lock held, which payments wait for.
const maxLookedAt = 4096

// try tries what nobody has signed on the state as it is now: what is needed for that is read, compiled outside of the
// state's lock, and used.
func (n *Node) try(ctx context.Context, sender Sender, need func(*livestate.State, uint64) ledger.Unprepared,
	on func(state *livestate.State, head Head, now uint64, with ledger.Prepared) *token.Error) error {
	if err := n.Err(); err != nil {
		return err
	}
	place, waiting := n.ingest.Reserve(sender.Source, 1)
	defer n.ingest.Done(place)
	if place.N == 0 {
		return refuse(Overloaded, "", "%d transactions wait already", waiting)
	}
	var unprepared ledger.Unprepared
	if err := n.View(ctx, func(state *livestate.State, head Head) {
		unprepared = need(state, head.Height+1)
	}); err != nil {
		return err
	}
	with := unprepared.Prepare()
	var refused *token.Error
	err := n.View(ctx, func(state *livestate.State, head Head) {
		refused = on(state, head, max(n.Clock().TimeMillis, head.TimeMillis), with)
	})
	if err == nil && refused != nil {
		return refused
	}
	return err
}
