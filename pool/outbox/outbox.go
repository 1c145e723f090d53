package outbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Outbox keeps signed payments, with all their replacements, from before they are sent until the chain has decided
// and the log says so. They do not belong into the log: it is published, and whoever reads a signed transaction can
// send it.
type Outbox struct{ Dir string }

// maxDraftBytes bounds a file that is read back: some tens of transactions of at most 400,000 bytes in base64.
const maxDraftBytes = 16 << 20

// Of a payment's files: its own transactions, and those that spend its change to raise its fee.
const (
	draftSuffix = ".draft.json"
	childSuffix = ".child.json"
)

func (d Outbox) file(number uint64, suffix string) string {
	return filepath.Join(d.Dir, strconv.FormatUint(number, 10)+suffix)
}

// Put makes a payment durable under its number.
func (d Outbox) Put(number uint64, drafts []*wallet.Draft) error {
	return d.write(d.file(number, draftSuffix), drafts)
}

// PutChildren makes those durable that raise its fee.
func (d Outbox) PutChildren(number uint64, children []*wallet.Draft) error {
	return d.write(d.file(number, childSuffix), children)
}

// write makes a file durable: contents first, then the name.
func (d Outbox) write(file string, drafts []*wallet.Draft) error {
	if d.Dir == "" {
		return errors.New("payments need a directory to keep signed transactions in")
	}
	if err := vfs.OS.MkdirAll(d.Dir); err != nil {
		return err
	}
	raw, err := json.Marshal(drafts)
	if err != nil {
		return err
	}
	return durable.Replace(vfs.OS, file, raw)
}

// Get reads a payment's transactions, oldest first.
func (d Outbox) Get(number uint64) ([]*wallet.Draft, error) {
	return d.read(d.file(number, draftSuffix))
}

// Children are the transactions that raise a payment's fee, oldest first; mostly none.
func (d Outbox) Children(number uint64) ([]*wallet.Draft, error) {
	children, err := d.read(d.file(number, childSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return children, err
}

// read reads transactions and holds each against its own id.
func (d Outbox) read(file string) ([]*wallet.Draft, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxDraftBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes", file, maxDraftBytes)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var drafts []*wallet.Draft
	if bytes.HasPrefix(raw, []byte("{")) { // of before: one transaction, no list
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	if err := json.Unmarshal(raw, &drafts); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(drafts) == 0 {
		return nil, fmt.Errorf("%s: no transaction", file)
	}
	for _, draft := range drafts {
		if draft == nil {
			return nil, fmt.Errorf("%s: an empty transaction", file)
		}
		id, err := wallet.IDOf(draft.Raw)
		if err == nil && id != draft.ID {
			err = fmt.Errorf("the transaction is %s and not %s", id, draft.ID)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return drafts, nil
}

func (d Outbox) Remove(number uint64) error {
	for _, suffix := range []string{childSuffix, draftSuffix} {
		if err := os.Remove(d.file(number, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// RemoveFrom removes payments from a number on.
func (d Outbox) RemoveFrom(first uint64) error {
	entries, err := os.ReadDir(d.Dir)
	if d.Dir == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, ok := strings.CutSuffix(e.Name(), draftSuffix)
		if number, err := strconv.ParseUint(text, 10, 64); ok && err == nil && number >= first {
			if err := d.Remove(number); err != nil {
				return err
			}
		}
	}
	return nil
}
