package channels

import (
	"context"
	"errors"
	"io/fs"

	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// channelClosing is the refusal of a receiver that has agreed to close: the sender may settle at that total at any
// time.
const channelClosing token.Code = "channel-closing"

func Closing(total money.Tiyn) error {
	return token.Errorf(channelClosing, "channel", "the receiver agreed to close at %s: nothing more is accepted",
		total)
}

// ReceiverOf takes up the receiver's side of a channel whose book lies at a path; asked is a moment before the ledger
// is.
func ReceiverOf(ctx context.Context, ledger Ledger, path string, id token.WalletID,
	asked uint64) (*channel.Receiver, wallet.Channel, error) {
	c, err := ledger.Channel(ctx, id)
	if err != nil {
		return nil, c, err
	}
	r, refused := channel.NewReceiver(c.Terms)
	if refused != nil {
		return nil, c, refused
	}
	r.Asked = asked
	f, err := Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, c, nil
	}
	if err == nil && f.Closing {
		err = Closing(f.Total)
	}
	if err == nil && f.Claim != nil {
		if refused := r.Restore(*f.Claim); refused != nil {
			err = refused
		}
	}
	return r, c, err
}

// KeepClaim makes what a receiver has accepted durable. A better claim that another process kept meanwhile stays.
func KeepClaim(path string, r *channel.Receiver) error {
	claim, ok := r.Claim()
	if !ok {
		return nil
	}
	return Update(path, func(f *File) error {
		if f.Closing {
			return Closing(f.Total)
		}
		if f.Claim == nil || f.Channel != r.ID || f.Total < r.Worth() {
			*f = File{Channel: r.ID, Total: r.Worth(), Claim: &claim}
		}
		return nil
	})
}

// Ledger is what machines ask the ledger.
type Ledger interface {
	Channel(ctx context.Context, id token.WalletID) (wallet.Channel, error)
}
