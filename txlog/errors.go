package txlog

import (
	"errors"
	"fmt"
)

// Errors without further detail.
var (
	ErrClosed   = errors.New("log is closed")
	ErrNoSigner = errors.New("log has no signer for checkpoints")
)

// PoisonedError is returned by every write after one failed: what the disk holds
// is unknown until the log is opened anew.
type PoisonedError struct{ Cause error }

func (e *PoisonedError) Error() string {
	return fmt.Sprintf("log takes no more writes after a failed one, restart to recover: %v", e.Cause)
}
func (e *PoisonedError) Unwrap() error      { return e.Cause }
func (e *PoisonedError) ErrorCode() string  { return "log-poisoned" }
func (e *PoisonedError) ErrorField() string { return "" }

// NoRoomError is returned by a Commit that found no room on the disk before it wrote anything to the log: nothing is
// lost, and the same batches may be committed again when there is room. A write or sync of the log itself that fails,
// for whatever reason, is a PoisonedError.
type NoRoomError struct{ Cause error }

func (e *NoRoomError) Error() string {
	return fmt.Sprintf("the disk has no room for more of the log, make room on it: %v", e.Cause)
}
func (e *NoRoomError) Unwrap() error      { return e.Cause }
func (e *NoRoomError) ErrorCode() string  { return "disk-full" }
func (e *NoRoomError) ErrorField() string { return "" }

// DamageError says where stored data are not what was written. The log neither
// opens over it nor serves it.
type DamageError struct {
	File   string // path of the file
	Offset int64  // byte at which the damaged part begins
	Height uint64 // batch that is expected there
	Index  uint64 // entry that is expected there
	Reason string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("log is damaged: %s at offset %d (batch %d, entry %d): %s", e.File, e.Offset, e.Height, e.Index,
		e.Reason)
}
func (e *DamageError) ErrorCode() string  { return "log-damaged" }
func (e *DamageError) ErrorField() string { return e.File }

// BehindError says that the log is shorter than a checkpoint it has published:
// entries were lost that others may rely on.
type BehindError struct{ Size, Published uint64 }

func (e *BehindError) Error() string {
	return fmt.Sprintf("log holds %d entries but has published a checkpoint of %d: entries are missing, restore them "+
		"from a follower or a backup", e.Size, e.Published)
}
func (e *BehindError) ErrorCode() string  { return "log-behind-checkpoint" }
func (e *BehindError) ErrorField() string { return "" }

// HistoryError says that the log's entries are not those of a checkpoint it has
// published: opening it would show the world a second history.
type HistoryError struct {
	Size            uint64
	Root, Published Hash
}

func (e *HistoryError) Error() string {
	return fmt.Sprintf("log has root %v at size %d but has published %v: its history was replaced", e.Root, e.Size,
		e.Published)
}
func (e *HistoryError) ErrorCode() string  { return "log-differs-from-checkpoint" }
func (e *HistoryError) ErrorField() string { return "" }

// InputError is a refusal of an argument; nothing was changed.
type InputError struct {
	Code, Field, Rule string
}

func (e *InputError) Error() string      { return fmt.Sprintf("%s: %s", e.Field, e.Rule) }
func (e *InputError) ErrorCode() string  { return e.Code }
func (e *InputError) ErrorField() string { return e.Field }

func refuse(code, field, rule string, args ...any) error {
	return &InputError{code, field, fmt.Sprintf(rule, args...)}
}

func outOfRange(field string, value, size uint64) error {
	return refuse("log-range", field, "%d is beyond the durable end %d", value, size)
}
