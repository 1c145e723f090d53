package notes

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// TooLittleError is a wallet that has less than is wanted.
type TooLittleError struct{ Have, Want money.Tiyn }

func (e *TooLittleError) Error() string {
	return fmt.Sprintf("%s (%s): the wallet has %s, less than %s", e.ErrorCode(), e.ErrorField(), e.Have.Format(),
		e.Want.Format())
}

// ErrorCode is the refusal's code.
func (e *TooLittleError) ErrorCode() string { return "insufficient-funds" }

// ErrorField is what is wrong.
func (e *TooLittleError) ErrorField() string { return "amount" }

// SumError is an amount that no notes make: none of the office, or none of those that are here.
type SumError struct {
	Amount money.Tiyn
	Rule   string
}

func (e *SumError) Error() string {
	return e.ErrorCode() + " (" + e.ErrorField() + "): notes cannot make " + e.Amount.Format() + ": " + e.Rule
}

// ErrorCode is the refusal's code.
func (e *SumError) ErrorCode() string { return "cash-sum" }

// ErrorField names what is at fault.
func (e *SumError) ErrorField() string { return "amount" }

// sumOf refuses an amount that an office's notes cannot make: one that is no multiple of the smallest, or would take
// too many.
func sumOf(amount money.Tiyn, amounts []money.Tiyn) error {
	if smallest := slices.Min(amounts); amount%smallest != 0 {
		return &SumError{amount, "the office's smallest is " + smallest.Format()}
	}
	return &SumError{amount, fmt.Sprintf("it takes more of the office's than one request may have, %d", cash.MaxArray)}
}

// Request opens a mint quote and returns what it is to be paid with.
func (w *Wallet) Request(ctx context.Context, amount money.Tiyn) (*Operation, error) {
	set, err := w.active(ctx)
	if err != nil {
		return nil, err
	}
	notes := cash.Split(amount, set.Amounts, cash.MaxArray)
	if notes == nil {
		return nil, sumOf(amount, set.Amounts)
	}
	quote, err := w.mint.NewMintQuote(ctx, amount, "")
	if err != nil {
		return nil, err
	}
	p, err := cash.ParsePayRequest(quote.Request)
	if err != nil {
		return nil, err
	}
	if w.state.Reserve != "" && p.Wallet.String() != w.state.Reserve {
		return nil, &AnnouncementError{Keyset: set.ID.String(), Rule: "the office asks for a payment to wallet " +
			p.Wallet.String() + ", its notes are backed by " + w.state.Reserve}
	}
	if money.Tiyn(quote.Amount) != amount || p.Amount != amount {
		return nil, fmt.Errorf("the office wants %s for notes of %s", p.Amount.Format(), amount.Format())
	}
	op := &Operation{Kind: minting, Keyset: set.ID.String(), Amounts: notes, Quote: quote.Quote,
		Request: quote.Request, Amount: amount, Expiry: quote.Expiry}
	return op, w.begin(op)
}

// Take mints what was asked for, once it is paid.
func (w *Wallet) Take(ctx context.Context, op *Operation) error {
	_, err := w.run(ctx, op)
	return err
}

// Paid notes that a quote's payment was sent: it is worth waiting for.
func (w *Wallet) Paid(op *Operation) error {
	op.Paid = true
	return w.save()
}

// Send makes a token of an amount. Notes are changed first, so that nobody finds in the log when they were bought;
// offline, they are given as they are if they make the amount. With lock, only the holder of a key can spend them.
func (w *Wallet) Send(ctx context.Context, amount money.Tiyn, memo string, offline bool,
	lock *coin.Lock) (*coin.Token, error) {
	if err := w.enough(amount); err != nil {
		return nil, err
	}
	if offline {
		notes := coin.Exact(w.notes(), amount)
		if notes == nil {
			return nil, &SumError{amount, "of those here none add up to it; change some while there is a network"}
		}
		w.take(notes)
		w.state.Sent = append(w.state.Sent, Sent{amount, w.now(), notes})
		return w.token(notes, memo), w.save()
	}
	set, err := w.active(ctx)
	if err != nil {
		return nil, err
	}
	op, err := w.change(&set, amount, lock)
	if err != nil {
		return nil, err
	}
	given, err := w.start(ctx, op)
	if err != nil {
		return nil, err
	}
	return w.token(given, memo), nil
}

func (w *Wallet) enough(amount money.Tiyn) error {
	if have := coin.Total(w.notes()); have < amount || amount <= 0 {
		return &TooLittleError{have, amount}
	}
	return nil
}

// change makes a swap of chosen notes into some for an amount, which are given away, and the rest. All outputs
// ascend, so that the office does not see which are the payment, locked or not.
func (w *Wallet) change(set *cash.Keyset, amount money.Tiyn, lock *coin.Lock) (*Operation, error) {
	chosen := coin.Choose(w.notes(), amount)
	rest := coin.Total(chosen) - amount
	pay, back := cash.Split(amount, set.Amounts, cash.MaxArray), cash.Split(rest, set.Amounts, cash.MaxArray)
	if pay == nil || back == nil && rest > 0 {
		return nil, sumOf(amount, set.Amounts)
	}
	op := &Operation{Kind: swapping, Keyset: set.ID.String(), Inputs: chosen, Amount: amount}
	op.Amounts = append(slices.Clone(pay), back...)
	slices.Sort(op.Amounts)
	left := slices.Clone(pay)
	for i, a := range op.Amounts {
		if at := slices.Index(left, a); at >= 0 {
			op.Give, left = append(op.Give, i), slices.Delete(left, at, at+1)
		}
	}
	if lock == nil {
		return op, nil
	}
	for range pay {
		secret, blind, err := lockedSecret(lock)
		if err != nil {
			return nil, err
		}
		op.Locked, op.Blinds = append(op.Locked, secret), append(op.Blinds, blind)
	}
	return op, nil
}

// lockedSecret makes a secret of a condition and a random blinding factor: they are not of the seed, and kept with
// the operation.
func lockedSecret(lock *coin.Lock) (secret, blind string, err error) {
	var nonce [16]byte
	var r [32]byte
	for {
		if _, err := rand.Read(nonce[:]); err != nil {
			return "", "", err
		}
		if _, err := rand.Read(r[:]); err != nil {
			return "", "", err
		}
		if _, err := curve.ParseScalar(r[:]); err == nil {
			break
		}
	}
	secret, err = coin.LockedSecret(*lock, nonce)
	return secret, hex.EncodeToString(r[:]), err
}

func (w *Wallet) token(notes []cash.Proof, memo string) *coin.Token {
	return &coin.Token{Mint: w.state.Mint, Unit: cash.Unit, Memo: memo, Proofs: notes}
}

// ErrOtherMint is a token of an office that is not this wallet's.
var ErrOtherMint = errors.New("the token is of another office; a wallet holds notes of one")

// Receive takes a token: its notes are changed at once into new ones, so that whoever gave them can spend them no more.
// sign opens locks of this wallet's owner; it may be nil.
func (w *Wallet) Receive(ctx context.Context, t *coin.Token, sign func(notes []cash.Proof) error) (money.Tiyn, error) {
	if err := w.refreshed(ctx, t); err != nil {
		return 0, err
	}
	if sign != nil {
		if err := sign(t.Proofs); err != nil {
			return 0, err
		}
	}
	err := w.renew(ctx, t.Proofs)
	var refused *cash.Refusal
	if errors.As(err, &refused) { // they were never this wallet's: nothing of the token is kept
		w.take(t.Proofs)
		err = errors.Join(err, w.save())
	}
	return coin.Total(t.Proofs), err
}

// refreshed is check after the mint was asked which keysets it has.
func (w *Wallet) refreshed(ctx context.Context, t *coin.Token) error {
	if t.Mint == w.state.Mint && t.Unit == cash.Unit { // what is refused anyway asks nobody
		if err := w.Refresh(ctx); err != nil {
			return err
		}
	}
	return w.check(t)
}

// check says whether a token is of this wallet's mint, and each of its notes genuine by the keysets known.
func (w *Wallet) check(t *coin.Token) error {
	if t.Mint != w.state.Mint {
		return fmt.Errorf("%w: %s, and this one's is %s", ErrOtherMint, t.Mint, w.state.Mint)
	}
	if t.Unit != cash.Unit {
		return fmt.Errorf("the token's unit is %s, not %s", t.Unit, cash.Unit)
	}
	sets, err := w.Keysets()
	if err != nil {
		return err
	}
	if len(sets) == 0 {
		return &KeysetsUnknownError{w.state.Mint}
	}
	return t.Resolve(sets)
}

// renew changes notes into as many as their sum needs.
func (w *Wallet) renew(ctx context.Context, notes []cash.Proof) error {
	set, err := w.active(ctx)
	if err != nil {
		return err
	}
	amounts := cash.Split(coin.Total(notes), set.Amounts, cash.MaxArray)
	if amounts == nil {
		return errors.New("the notes' sum cannot be had in notes of the office")
	}
	op := &Operation{Kind: swapping, Keyset: set.ID.String(), Inputs: notes, Amounts: amounts, Foreign: true,
		Ours: w.holds(notes)}
	_, err = w.start(ctx, op)
	return err
}

// holds says whether the wallet has notes: those of a token that is being received it does not.
func (w *Wallet) holds(notes []cash.Proof) bool {
	for _, n := range notes {
		if !slices.ContainsFunc(w.state.Notes, func(h Held) bool { return h.Secret == n.Secret }) {
			return false
		}
	}
	return true
}

// ReceiveOffline takes a token without a network: each note is verified against a keyset that the wallet knows. They
// are genuine; whether they are unspent is known when they are settled.
func (w *Wallet) ReceiveOffline(t *coin.Token, key string) (locked bool, err error) {
	if err := w.check(t); err != nil {
		return false, err
	}
	locked = key != ""
	for _, n := range t.Proofs {
		set, err := w.keysetOf(n.ID)
		if err != nil {
			return false, err
		}
		if set.Expired(w.now()) {
			return false, fmt.Errorf("a note is of keyset %s, which is not redeemed any more", n.ID)
		}
		if err := coin.Genuine(&set, n); err != nil {
			return false, err
		}
		// Two of one token are one note: that within the token none is there twice was checked when it was decoded.
		if slices.ContainsFunc(w.state.Notes, func(h Held) bool { return h.Secret == n.Secret }) {
			return false, token.Errorf(token.Repeated, "token", "the wallet has a note of it already")
		}
		c, err := cash.ParseCondition(n.Secret)
		if err != nil {
			return false, err
		}
		// Locked to this key for ever: with a locktime the giver could take it back, and then it is safe for nobody.
		locked = locked && c != nil && c.Data == key && c.Locktime == 0
	}
	// All or none, after every note was looked at.
	for _, n := range t.Proofs {
		w.state.Notes = append(w.state.Notes, Held{n, true})
	}
	return locked, w.save()
}

// Pay melts notes into a payment of the ledger. Where the office signs nothing any more, it takes those that make the
// amount without change.
func (w *Wallet) Pay(ctx context.Context, request string) (*Operation, error) {
	p, err := cash.ParsePayRequest(request)
	if err != nil {
		return nil, err
	}
	if err := w.enough(p.Amount); err != nil {
		return nil, err
	}
	chosen := coin.Choose(w.notes(), p.Amount)
	set, err := w.active(ctx)
	if errors.Is(err, SignsNothingError{}) {
		if chosen = coin.Exact(w.notes(), p.Amount); chosen != nil {
			set, err = w.keysetOf(chosen[0].ID)
		}
	}
	if err != nil {
		return nil, err
	}
	op, err := w.melt(ctx, request, &p)
	if err != nil {
		return nil, err
	}
	op.Keyset, op.Inputs = set.ID.String(), chosen
	op.Amounts = cash.Split(coin.Total(chosen)-p.Amount, set.Amounts, cash.MaxArray)
	_, err = w.start(ctx, op)
	return op, err
}

// PayToken melts a token that somebody gave, as it is, into a payment of all that it is worth: no new notes are needed
// for that.
func (w *Wallet) PayToken(ctx context.Context, t *coin.Token, request string,
	sign func(notes []cash.Proof) error) (*Operation, error) {
	p, err := cash.ParsePayRequest(request)
	if err != nil {
		return nil, err
	}
	if all := coin.Total(t.Proofs); all != p.Amount {
		return nil, &SumError{p.Amount, "the token is worth " + all.Format() + ", and there is no change"}
	}
	if err := w.refreshed(ctx, t); err != nil {
		return nil, err
	}
	if sign != nil {
		if err := sign(t.Proofs); err != nil {
			return nil, err
		}
	}
	op, err := w.melt(ctx, request, &p)
	if err != nil {
		return nil, err
	}
	op.Keyset, op.Inputs, op.Foreign, op.Ours = t.Proofs[0].ID, t.Proofs, true, w.holds(t.Proofs)
	_, err = w.start(ctx, op)
	var refused *cash.Refusal
	if errors.As(err, &refused) && !op.Ours { // as of a token that is received: nothing of it is kept
		w.take(t.Proofs)
		err = errors.Join(err, w.save())
	}
	return op, err
}

// melt asks for a payment's quote: what is begun with it has no notes yet.
func (w *Wallet) melt(ctx context.Context, request string, p *cash.PayRequest) (*Operation, error) {
	quote, err := w.mint.NewMeltQuote(ctx, request)
	if err != nil {
		return nil, err
	}
	if money.Tiyn(quote.Amount) != p.Amount {
		return nil, fmt.Errorf("the office wants %s for a payment of %s", money.Tiyn(quote.Amount).Format(),
			p.Amount.Format())
	}
	return &Operation{Kind: melting, Quote: quote.Quote, Request: request, Amount: p.Amount}, nil
}

// Unpaid ends a withdrawal whose payment was refused.
func (w *Wallet) Unpaid(op *Operation) error { return w.end(op, nil, nil) }

// Poke asks for a quote, which has the office look at the ledger.
func (w *Wallet) Poke(ctx context.Context, op *Operation) {
	_, _ = w.mint.MintQuote(ctx, op.Quote) // a courtesy: the mint says what it is at
}

// LockKey is the key to which others lock notes for this wallet: it follows from the words.
func (w *Wallet) LockKey() (*btcec.PrivateKey, error) {
	seed, err := coin.Seed(w.state.Words)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, seed)
	h.Write([]byte("aqsha cash lock 1"))
	key, _ := btcec.PrivKeyFromBytes(h.Sum(nil))
	return key, nil
}
