package office

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/aqsha/aqsha/cash"
)

// keysets are those that an office serves: the announced ones, in the order of its file, by which events and blocks
// number them. It is never changed: another takes its place, so that whoever reads needs no lock.
type keysets struct {
	keys    []KeyFile
	ring    cash.Keyring
	shows   [][]byte // receipts of the announcements
	retired []bool   // since the office took it up
	waits   cash.KeysetID
}

// Keysets are those that are announced, in order: later calls may have more behind these.
func (o *Office) Keysets() []*cash.Signing { return o.keysets.Load().ring }

// Announcement is the ledger's transaction that names a keyset.
func (o *Office) Announcement(keyset int) string { return o.keysets.Load().keys[keyset].Announcement }

// Signs says whether a keyset signs now.
func (o *Office) Signs(keyset int) bool {
	k := o.keysets.Load()
	return k.ring[keyset].Active(o.now()) && !k.retired[keyset]
}

// checker is what a request is checked against: keysets and time of one moment.
func (o *Office) checker() cash.Checker {
	k := o.keysets.Load()
	return cash.Checker{Keys: k.ring, Now: o.now(), Retired: k.retired}
}

// firstKeysets takes up what is announced when an office is opened. The refusal names a keyset that the ledger does not
// know: it and those behind it are not served. Where there is no other, it is an error.
func (o *Office) firstKeysets(ctx context.Context) (waits, err error) {
	list, err := ReadKeys(o.files, o.config.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	stands, err := o.config.Ledger.Reserve(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking the ledger: %w", err)
	}
	o.stamped = stands.StampedMillis / 1000
	refused, err := o.takeUp(ctx, list, stands.Keysets)
	if err != nil || refused == nil {
		return nil, err
	}
	if len(o.keysets.Load().keys) == 0 {
		return nil, refused
	}
	return refused, nil
}

// lookAtKeys takes up which keysets were announced or retired since the last look. What it cannot read changes nothing.
func (o *Office) lookAtKeys(ctx context.Context, announced []string) {
	list, err := ReadKeys(o.files, o.config.Dir)
	if err == nil {
		_, err = o.takeUp(ctx, list, announced)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		o.config.Logger.Warn("keysets cannot be taken up: none is new or retired", "error", err)
	}
}

// takeUp serves the keysets of a list that are announced on the ledger, behind those that are served, and has the
// retired ones sign no more. What has expired has made room on the ledger, and is not redeemed here. One that is not
// there yet holds up those behind it: their numbers would be others after a restart. It is called while nobody closes
// a block.
func (o *Office) takeUp(ctx context.Context, list []KeyFile, announced []string) (refused *cash.Refusal, _ error) {
	old := o.keysets.Load()
	// Readers have no lock: they load one whole list. A new one is put in its place when all of it stands.
	next := &keysets{slices.Clone(old.keys), slices.Clone(old.ring), slices.Clone(old.shows), slices.Clone(old.retired),
		old.waits}
	for i, k := range next.keys {
		at := slices.IndexFunc(list, func(f KeyFile) bool { return f.ID == k.ID })
		if at >= 0 && list[at].Retired && !next.retired[i] && o.Signs(i) {
			o.config.Logger.Info("a keyset signs nothing more: it was retired", "keyset", k.ID)
		}
		next.retired[i] = at >= 0 && list[at].Retired
	}
	for _, k := range list {
		known := slices.ContainsFunc(next.keys, func(f KeyFile) bool { return f.ID == k.ID })
		if known || k.Announcement == "" {
			continue
		}
		if !slices.Contains(announced, k.ID.String()) && o.now() < k.Expiry {
			refused = &cash.Refusal{Code: cash.UnknownKeyset, Field: "keysets", Rule: k.ID.String() +
				" is not announced on the ledger for the reserve " + o.config.Ledger.Wallet()}
			if next.waits != k.ID {
				o.config.Logger.Warn("a keyset waits for its announcement, and those made after it", "keyset", k.ID)
			}
			next.waits = k.ID
			break
		}
		if err := o.serve(ctx, next, k); err != nil {
			return nil, err
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	// The books first, then what is shown: a request that sees the keyset finds its shelf.
	for _, s := range next.ring[len(old.ring):] {
		o.books.Add(s)
	}
	o.keysets.Store(next)
	return refused, nil
}

// serve adds a keyset, with what shows wallets that it is announced.
func (o *Office) serve(ctx context.Context, next *keysets, k KeyFile) error {
	s, err := k.Signing()
	if err != nil {
		return err
	}
	show, err := o.config.Ledger.Receipt(ctx, k.Announcement)
	if err != nil {
		o.config.Logger.Warn("an announcement cannot be shown to wallets", "keyset", k.ID, "error", err)
	}
	next.keys, next.ring = append(next.keys, k), append(next.ring, s)
	next.shows, next.retired = append(next.shows, show), append(next.retired, k.Retired)
	if o.log != nil { // it runs already
		o.config.Logger.Info("a keyset is served from now on", "keyset", k.ID)
	}
	return nil
}
