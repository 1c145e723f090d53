package office

import (
	"context"
	"slices"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/money"
)

// Whoever pays in what no quote wants is paid back, and the ledger's cap of a day counts that payment as it counts
// redemptions. So that nobody uses the cap up, a tenth of it at most is sent back in a day.
const (
	returnShare = 10
	// The hours that count: a day, and one more, as a payment may come into the ledger after it was signed and the
	// first hour is not whole. Whenever the ledger's day begins, it has no more.
	returnHours = 26
	hourSeconds = 3600
)

// returnedIn is what was signed in an hour to be sent back.
type returnedIn struct {
	Hour   uint64     `cbor:"1,keyasint"` // Unix seconds by 3600
	Amount money.Tiyn `cbor:"2,keyasint"`
}

// returns are those hours, ascending. What is paid over of an expired keyset is not among them: nobody can bring it
// about.
type returns []returnedIn

// count takes up an event, before the books do.
func (r *returns) count(e *cash.Event, books *cash.Books) {
	if (&cash.Back{Ref: e.Ref}).PaysExpired() {
		return
	}
	switch hour := e.At / hourSeconds; e.Kind {
	case cash.BackBegun:
		*r = slices.DeleteFunc(*r, func(in returnedIn) bool { return in.Hour+returnHours <= hour })
		if n := len(*r); n > 0 && (*r)[n-1].Hour >= hour {
			(*r)[n-1].Amount += e.Payment.Amount
			return
		}
		*r = append(*r, returnedIn{hour, e.Payment.Amount})
	case cash.BackLapsed:
		back, _ := books.BackOf(e.Ref)
		if back.Payment == nil || back.Payment.Until/1000/hourSeconds+1 < hour {
			return // found out long after: its hour may count no more
		}
		left := back.Payment.Amount
		for i := range *r { // from the oldest: what still counts later is not less than it was
			part := min(left, (*r)[i].Amount)
			(*r)[i].Amount -= part
			left -= part
		}
	}
}

// sum is what counts at a time.
func (r returns) sum(now uint64) (sum money.Tiyn) {
	for _, in := range r {
		if in.Hour+returnHours > now/hourSeconds {
			sum += in.Amount
		}
	}
	return sum
}

// returnable is what is to be paid back now, in order. What is more than a whole day has is paid in parts.
func (o *Office) returnable(ctx context.Context) (list []cash.Back, err error) {
	o.mu.Lock()
	due := o.books.Due()
	o.mu.Unlock()
	if len(due) == 0 {
		return nil, nil
	}
	// Without the lock: the ledger is another machine, and requests must not wait for it. What became due meanwhile
	// is found at the next settling.
	can, err := o.config.Ledger.Payable(ctx)
	if err != nil || can.Day == 0 {
		return due, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	// Whoever pays in and has it sent back would else use up the day's cap, and nobody could redeem.
	share := can.Day / returnShare
	left := max(min(share-o.returned.sum(o.now()), can.Amount-o.books.Reserve.Owed), 0)
	var delayed money.Tiyn
	for _, back := range due {
		// What is paid over of an expired keyset nobody can bring about, and so is not held to the share.
		if !back.PaysExpired() {
			whole := back.Amount
			if whole > share {
				back.Amount = min(whole, left)
			}
			if back.Amount == 0 || back.Amount > left {
				delayed += whole
				continue
			}
			left -= back.Amount
			delayed += whole - back.Amount
		}
		list = append(list, back)
	}
	if delayed > o.delayed {
		o.config.Logger.Warn("money is to be sent back and waits for another day: a tenth of the day's cap is for it",
			"tiyn", int64(delayed), "tenth_tiyn", int64(share))
	}
	o.delayed = delayed
	return list, nil
}

// sendBacks signs what is to be sent back, and settles what was signed. Only Settle calls it, so that no return is
// signed twice. One that cannot be signed does not hold up the others.
func (o *Office) sendBacks(ctx context.Context, waiting []string) error {
	due, err := o.returnable(ctx)
	if err != nil {
		return err
	}
	for _, back := range due {
		what := "returned"
		if back.PaysExpired() {
			what = "expired"
		}
		payment, err := o.config.Ledger.Prepare(ctx, back.To, back.Amount, memoOf(what, back.Ref, ""))
		if err != nil {
			o.config.Logger.Warn("money is to be sent back and cannot be", "to", back.To, "tiyn", int64(back.Amount),
				"error", err)
			continue
		}
		o.mu.Lock()
		number, err := o.commit(o.books.DecideBack(cash.BackBegun, back.Ref, &payment, o.now()))
		o.mu.Unlock()
		if err != nil {
			return err
		}
		if err := o.writer.wait(ctx, number); err != nil { // journalled before it is sent
			return err
		}
		waiting = append(waiting, back.Ref)
	}
	for _, ref := range waiting {
		o.mu.Lock()
		back, found := o.books.BackOf(ref)
		o.mu.Unlock()
		if !found || back.Payment == nil {
			continue
		}
		outcome, err := o.pay(ctx, back.Payment, func(error) {})
		if err != nil {
			return err
		}
		kind := cash.BackPaid
		switch outcome {
		case Undecided:
			continue
		case Never:
			kind = cash.BackLapsed
		}
		o.mu.Lock()
		_, err = o.commit(o.books.DecideBack(kind, ref, nil, o.now()))
		o.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}
