package wallet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Draft is a transaction on its way from one key holder to the next, as a file. It says who signs,
// so that a holder needs no node.
type Draft struct {
	Network     token.NetworkID    `json:"network"`
	Transaction *token.Transaction `json:"transaction"`
	Signatories []ledger.Signatory `json:"signatories"`
}

// maxDraft bounds a draft file.
const maxDraft = 1 << 20

// ReadDraft opens a draft file.
func ReadDraft(path string) (*Draft, error) {
	content, err := durable.Read(vfs.OS, path, maxDraft)
	if err != nil {
		return nil, fmt.Errorf("draft %w", err)
	}
	return parseDraft(path, content)
}

// UpdateDraft changes a draft file: holders who sign at once each keep the other's signature.
func UpdateDraft(path string, change func(d *Draft) error) error {
	return durable.Update(vfs.OS, path, maxDraft, func(content []byte) ([]byte, error) {
		if content == nil {
			return nil, fmt.Errorf("draft %s: %w", path, fs.ErrNotExist)
		}
		d, err := parseDraft(path, content)
		if err == nil {
			err = change(d)
		}
		if err != nil {
			return nil, err
		}
		return d.encode()
	})
}

// parseDraft reads a draft. Whether its signatories are the ledger's it does not know: see Client.Check.
func parseDraft(path string, content []byte) (*Draft, error) {
	d := &Draft{}
	decoder := json.NewDecoder(bytes.NewReader(content)) // what is not understood might be what matters to who signs
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(d); err != nil {
		return nil, fmt.Errorf("draft %s: %w", path, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("draft %s: something stands behind the draft", path)
	}
	if d.Transaction == nil {
		return nil, fmt.Errorf("draft %s: it holds no transaction", path)
	}
	return d, nil
}

// Write stores the draft, replacing the file.
func (d *Draft) Write(path string) error {
	content, err := d.encode()
	if err != nil {
		return err
	}
	return durable.Replace(vfs.OS, path, content)
}

// WriteNew stores the draft in a file that is not there yet.
func (d *Draft) WriteNew(path string) error {
	content, err := d.encode()
	if err != nil {
		return err
	}
	return durable.Create(vfs.OS, path, content)
}

// encode is the file's content, indented, so that holders can read it.
func (d *Draft) encode() ([]byte, error) {
	content, err := json.MarshalIndent(d, "", "  ")
	return append(content, '\n'), err
}

// Sign adds every signature that a key may give, and says how many those were.
func (d *Draft) Sign(key token.Signer) (int, error) {
	given := 0
	for _, group := range d.Signatories {
		for index, public := range group.Keys {
			if public == key.Public() && !d.has(group.Role, index) {
				if err := d.Transaction.SignAs(d.Network, group.Role, index, key); err != nil {
					return given, err
				}
				given++
			}
		}
	}
	return given, nil
}

// Roles are those in which a key may still sign.
func (d *Draft) Roles(public token.PublicKey) (roles []token.Role) {
	for _, group := range d.Signatories {
		for index, key := range group.Keys {
			if key == public && !d.has(group.Role, index) {
				roles = append(roles, group.Role)
				break
			}
		}
	}
	return roles
}

// has says whether a key of a group has signed; whether well, the ledger says.
func (d *Draft) has(role token.Role, index int) bool {
	for _, w := range d.Transaction.Witnesses {
		if w.Role == role && int(w.Index) == index {
			return true
		}
	}
	return false
}

// Missing says how many signatures each group still lacks.
func (d *Draft) Missing() map[string]int {
	return ledger.Lacking(d.Signatories, d.Transaction.Witnesses)
}

// MissingError means that keys are needed which are not here.
type MissingError struct{ Missing map[string]int }

func (e *MissingError) Error() string {
	groups := make([]string, 0, len(e.Missing))
	for _, group := range slices.Sorted(maps.Keys(e.Missing)) {
		groups = append(groups, fmt.Sprintf("%d of %s", e.Missing[group], group))
	}
	return fmt.Sprintf("signatures are missing whose keys are not here: %s; write a draft (--out FILE) and pass it "+
		"to the holders (aqsha tx sign)", strings.Join(groups, ", "))
}
func (e *MissingError) ErrorCode() string  { return string(ledger.MissingSignature) }
func (e *MissingError) ErrorField() string { return "witnesses" }

// signFrom adds as many signatures as are needed with keys from a book. No key is opened that is not needed, and so no
// passphrase asked for.
func (d *Draft) signFrom(keyring *Keyring) error {
	for _, group := range d.Signatories {
		needed := group.Threshold
		for index, public := range group.Keys {
			if needed == 0 {
				break
			}
			if public == token.NoKey {
				continue
			}
			if !d.has(group.Role, index) {
				key, found, err := keyring.Find(public)
				if err != nil {
					return err
				}
				if !found {
					continue
				}
				if err := d.Transaction.SignAs(d.Network, group.Role, index, key); err != nil {
					return err
				}
			}
			needed--
		}
	}
	return nil
}

// reader shows the ledger through the API to the rules that say who signs. What is not there is an answer; any other
// failure is kept, and the caller must look at it before it believes what the rules said.
type reader struct {
	ctx       context.Context
	client    *api.Client
	authority *ledger.Authority
	err       error // the first
}

// note keeps the first failure.
func (r *reader) note(err error) {
	var problem *api.Problem
	if err != nil && r.err == nil && !(errors.As(err, &problem) && problem.Code == string(node.NotFound)) {
		r.err = err
	}
}

func (r *reader) Wallet(id token.WalletID) (ledger.Wallet, bool) {
	view, err := r.client.Wallet(r.ctx, id)
	r.note(err)
	return view.Wallet, err == nil
}

func (r *reader) Detail(id token.WalletID) ledger.Detail {
	view, err := r.client.Wallet(r.ctx, id)
	r.note(err)
	return view.Detail
}

func (r *reader) Intermediary(id token.WalletID) (ledger.Intermediary, bool) {
	list, err := r.client.Intermediaries(r.ctx)
	r.note(err)
	for _, i := range list {
		if i.ID == id {
			return i.Intermediary, true
		}
	}
	return ledger.Intermediary{}, false
}

func (r *reader) Agency(id token.WalletID) (ledger.Agency, bool) {
	list, err := r.client.Agencies(r.ctx)
	r.note(err)
	for _, a := range list {
		if a.ID == id {
			return a.Agency, true
		}
	}
	return ledger.Agency{}, false
}

func (r *reader) Closed(id token.WalletID) (ledger.Closed, bool) {
	view, err := r.client.Held(r.ctx, id)
	r.note(err)
	if err != nil || view.Closed == nil {
		return ledger.Closed{}, false
	}
	return *view.Closed, true
}

func (r *reader) Authority() *ledger.Authority {
	if r.authority == nil {
		view, err := r.client.Authority(r.ctx)
		r.note(err)
		r.authority = &view.Authority
	}
	return r.authority
}
