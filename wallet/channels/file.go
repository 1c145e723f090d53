package channels

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// File is what a side of a channel keeps on disk: the sender its last total and the seed of its
// chains, the receiver its best claim. The file of a receiver is also what a watchtower is given.
type File struct {
	Channel channel.ID  `json:"channel"`
	Seed    *token.Hash `json:"seed,omitempty"` // of the sender: secret
	Key     string      `json:"key,omitempty"`  // of the sender: the name of the key that signs
	Total   money.Tiyn  `json:"total"`          // receiver: accepted in all; sender: the most that was signed for
	Paid    *money.Tiyn `json:"paid,omitempty"` // of the sender: the most that was revealed; nil in older files
	// of the sender: of Paid, what a run that was cut off may not have revealed
	Ahead   money.Tiyn     `json:"ahead,omitempty"`
	Closing bool           `json:"closing,omitempty"` // of the receiver: it agreed to close at Total
	Claim   *channel.Claim `json:"claim,omitempty"`

	// when it was copied out of the receiver's book, for a watchtower
	Exported uint64 `json:"exported_millis,omitempty"`
}

// PaidBetween is the least and the most that a sender has paid. A file of an earlier version knows only what it signed
// for.
func (f *File) PaidBetween() (least, most money.Tiyn) {
	if f.Paid == nil {
		return 0, f.Total
	}
	return *f.Paid - f.Ahead, *f.Paid
}

// FileError is what is wrong with a file that somebody named.
type FileError struct{ error }

func (e FileError) Unwrap() error { return e.error }

// BadInput says that the mistake is in what was given.
func (FileError) BadInput() {}

// MaxFile bounds a channel's file, in bytes.
const MaxFile = 16 << 10

// Read reads a side's file.
func Read(path string) (f File, err error) {
	data, err := durable.Read(vfs.OS, path, MaxFile)
	if err != nil {
		return f, FileError{err}
	}
	return parse(path, data)
}

func parse(path string, data []byte) (f File, err error) {
	if err := json.Unmarshal(data, &f); err != nil {
		return f, FileError{fmt.Errorf("%s: not a channel's file: %w", path, err)}
	}
	if f.Channel.Contract == (token.WalletID{}) {
		return f, FileError{fmt.Errorf("%s: not a channel's file: it names no channel", path)}
	}
	return f, nil
}

// Update changes a side's file, durable before it returns: a receiver that answered has its claim. Others who
// change it wait, so that two payments at once are two payments. A file that is not there comes empty.
func Update(path string, change func(f *File) error) error {
	if err := vfs.OS.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return durable.Update(vfs.OS, path, MaxFile, func(content []byte) (_ []byte, err error) {
		var f File
		if content != nil {
			if f, err = parse(path, content); err != nil {
				return nil, err
			}
		}
		if err := change(&f); err != nil {
			return nil, err
		}
		after, err := json.MarshalIndent(f, "", "  ")
		return append(after, '\n'), err
	})
}

// Moved is the refusal to go on from a total that is not the file's any more.
const Moved token.Code = "channel-moved"

// MovePaid puts a sender's figures from what this process knows to others: paid, of which ahead may not have been
// revealed if this process ends here, and the most that is signed for.
func MovePaid(path string, f *File, paid, ahead, total money.Tiyn) error {
	err := Update(path, func(there *File) error {
		least, most := f.PaidBetween()
		if l, m := there.PaidBetween(); there.Channel != f.Channel || there.Total != f.Total || l != least ||
			m != most {
			return token.Errorf(Moved, "channel",
				"another process pays over this channel: its total is %s by now, and was %s", there.Total, f.Total)
		}
		there.Paid, there.Ahead, there.Total = &paid, ahead, total
		return nil
	})
	if err == nil {
		f.Paid, f.Ahead, f.Total = &paid, ahead, total
	}
	return err
}

// PaidUnclear is the refusal to sign on top of a run of which nobody here knows how far it came.
const PaidUnclear token.Code = "paid-unclear"

// PaidSoFar is what was paid on a channel: known, or said by the receiver (from) within what is possible.
func (f *File) PaidSoFar(from *money.Tiyn) (money.Tiyn, error) {
	least, most := f.PaidBetween()
	switch {
	case from != nil && (*from < least || *from > most):
		return 0, token.Errorf(PaidUnclear, "from", "between %s and %s was paid, %s is not between them", least, most,
			*from)
	case from != nil:
		return *from, nil
	case least != most:
		return 0, token.Errorf(PaidUnclear, "channel",
			"a run was cut off: between %s and %s was paid; say with --from what the receiver has accepted", least,
			most)
	}
	return most, nil
}
