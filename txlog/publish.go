package txlog

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// Publish signs a checkpoint of the durable size, stores it durably and returns
// it as a signed note. From then on the log refuses to open with fewer entries or
// other ones. The extension lines must only repeat what entries say; see C2SP
// tlog-checkpoint. With nothing new since the last one, that one is returned.
func (l *Log) Publish(extensions ...string) ([]byte, error) {
	l.publishMu.Lock()
	defer l.publishMu.Unlock()
	l.mu.RLock()
	c := Checkpoint{Origin: l.options.Origin, Size: l.durable.size, Root: l.durable.root, Extensions: extensions}
	last, lastText, failure := l.note, l.noted.Text(), l.failure
	l.mu.RUnlock()
	switch {
	case failure != nil:
		return nil, failure
	case len(l.options.Signers) == 0:
		return nil, ErrNoSigner
	case last != nil && lastText == c.Text():
		return last, nil
	}
	if _, err := ParseCheckpoint(c.Text()); err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, l.options.Signers...)
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	return signed, l.storeCheckpoint(signed, c)
}

// storeCheckpoint is called with publishMu held.
func (l *Log) storeCheckpoint(signed []byte, c Checkpoint) error {
	if len(signed) > MaxCheckpointBytes {
		return badCheckpoint("has %d bytes with its signatures, at most %d are stored", len(signed), MaxCheckpointBytes)
	}
	if err := l.slots.write(signed); err != nil {
		return l.poison(fmt.Errorf("storing a checkpoint: %w", err))
	}
	l.mu.Lock()
	l.note, l.noted = signed, c
	l.mu.Unlock()
	return nil
}

// Adopt stores a checkpoint that another signed, of entries that are durable here: the log is a copy. The caller
// has verified the signature. An older one than the last is refused.
func (l *Log) Adopt(signed []byte) error {
	l.publishMu.Lock()
	defer l.publishMu.Unlock()
	if err := l.Err(); err != nil {
		return err
	}
	text, err := textOf(signed)
	if err != nil {
		return err
	}
	c, err := ParseCheckpoint(text)
	if err != nil {
		return err
	}
	if c.Origin != l.options.Origin || c.Size < l.noted.Size {
		return badCheckpoint("is of %q at %d entries; %q stands at %d", c.Origin, c.Size, l.options.Origin,
			l.noted.Size)
	}
	root, err := l.Root(c.Size)
	if err != nil {
		return err
	}
	if root != c.Root {
		return &HistoryError{c.Size, root, c.Root}
	}
	return l.storeCheckpoint(signed, c)
}

// Checkpoint returns the signed checkpoint that was published last and what it
// says, or nil if there is none.
func (l *Log) Checkpoint() ([]byte, Checkpoint) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.note, l.noted
}

// Cosign replaces the published checkpoint by the same one with more signatures,
// such as those of witnesses (C2SP tlog-cosignature). The caller has verified
// them; the text must be that of the checkpoint published last.
func (l *Log) Cosign(signed []byte) error {
	l.publishMu.Lock()
	defer l.publishMu.Unlock()
	if err := l.Err(); err != nil {
		return err
	}
	text, err := textOf(signed)
	if err != nil {
		return err
	}
	if l.note == nil || text != l.noted.Text() {
		return badCheckpoint("is not the one published last")
	}
	return l.storeCheckpoint(signed, l.noted)
}
