package pool

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
)

// drawer keeps signed payments, with all their replacements, from before they are sent until the chain has decided
// and the log says so. They do not belong into the log: it is published, and whoever reads a signed transaction can
// send it.
type drawer struct{ dir string }

// maxDraftBytes bounds a file that is read back: some tens of transactions of at most 400,000 bytes in base64.
const maxDraftBytes = 16 << 20

// Of a payment's files: its own transactions, and those that spend its change to raise its fee.
const (
	draftSuffix = ".draft.json"
	childSuffix = ".child.json"
)

func (d drawer) file(number uint64, suffix string) string {
	return filepath.Join(d.dir, strconv.FormatUint(number, 10)+suffix)
}

// put makes a payment durable under its number.
func (d drawer) put(number uint64, drafts []*wallet.Draft) error {
	return d.write(d.file(number, draftSuffix), drafts)
}

// putChildren makes those durable that raise its fee.
func (d drawer) putChildren(number uint64, children []*wallet.Draft) error {
	return d.write(d.file(number, childSuffix), children)
}

// write makes a file durable: contents first, then the name.
func (d drawer) write(file string, drafts []*wallet.Draft) error {
	if d.dir == "" {
		return errors.New("payments need a directory to keep signed transactions in")
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	raw, err := json.Marshal(drafts)
	if err != nil {
		return err
	}
	fresh, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = fresh.Write(raw)
	if err == nil {
		err = fresh.Sync()
	}
	if err = errors.Join(err, fresh.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh.Name(), file); err != nil {
		return err
	}
	return d.sync()
}

func (d drawer) sync() error {
	dir, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// get reads a payment's transactions, oldest first.
func (d drawer) get(number uint64) ([]*wallet.Draft, error) {
	return d.read(d.file(number, draftSuffix))
}

// children are the transactions that raise a payment's fee, oldest first; mostly none.
func (d drawer) children(number uint64) ([]*wallet.Draft, error) {
	children, err := d.read(d.file(number, childSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return children, err
}

// read reads transactions and holds each against its own id.
func (d drawer) read(file string) ([]*wallet.Draft, error) {
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

func (d drawer) remove(number uint64) error {
	for _, suffix := range []string{childSuffix, draftSuffix} {
		if err := os.Remove(d.file(number, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// removeFrom removes payments from a number on.
func (d drawer) removeFrom(first uint64) error {
	entries, err := os.ReadDir(d.dir)
	if d.dir == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, ok := strings.CutSuffix(e.Name(), draftSuffix)
		if number, err := strconv.ParseUint(text, 10, 64); ok && err == nil && number >= first {
			if err := d.remove(number); err != nil {
				return err
			}
		}
	}
	return nil
}
