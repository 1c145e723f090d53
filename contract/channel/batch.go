package channel

import (
	"io"

	"github.com/aqsha/aqsha/token"
)

// Arrival is a voucher that has come in on one of many channels.
type Arrival struct {
	Receiver *Receiver
	Voucher  *Voucher
}

// Client verifies vouchers of many channels together: what a busy receiver does, such as a network of
// chargers or a seller of bandwidth. It keeps its memory and is used by one goroutine.
type Client struct {
	batch token.Batch
	valid []bool
}

// Accept judges arrivals in order, as Receiver.Accept does one by one, with their signatures verified at
// once. Of several of one channel in a batch each must exceed the one before. errs has a place for each.
func (d *Client) Accept(arrivals []Arrival, now uint64, random io.Reader, errs []*token.Error) error {
	d.batch.Reset()
	for i := range arrivals {
		r, v := arrivals[i].Receiver, arrivals[i].Voucher
		digest := r.Digest(v.Amount, v.Root)
		d.batch.Add(&r.Key, &r.decoded, &digest, &v.Signature)
	}
	var err error
	if d.valid, err = d.batch.Verify(random, d.valid); err != nil {
		return err
	}
	for i := range arrivals {
		r, v := arrivals[i].Receiver, arrivals[i].Voucher
		if errs[i] = r.judge(v, now); errs[i] != nil {
			continue
		}
		if !d.valid[i] {
			errs[i] = token.Errorf(BadSignature, "signature", "not by the channel's key for this channel")
			continue
		}
		r.take(v)
	}
	return nil
}
