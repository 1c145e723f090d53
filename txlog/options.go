package txlog

import (
	"crypto/rand"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// DefaultSegmentBytes is the size of a segment unless Options say otherwise.
const DefaultSegmentBytes = 64 << 20

// Options say how to open a log. Only Origin is required.
type Options struct {
	// Origin names the log in its checkpoints (C2SP tlog-checkpoint), such as
	// "aqsha.example/ledger". It is fixed when the log is created.
	Origin string
	// Signers sign checkpoints, the log's own first. Its name must be the origin.
	Signers []note.Signer
	// Verifiers, if set, must find a good signature of the log's own on the
	// checkpoint that is stored.
	Verifiers note.Verifiers
	// FS is where the log lives; nil is vfs.OS.
	FS vfs.FS
	// SegmentBytes is the size to which segment files are preallocated; 0 is
	// DefaultSegmentBytes. It may differ from one opening to the next.
	SegmentBytes int64
	// Background runs work that follows a commit: writing tiles, sealing
	// segments. Nil runs it in a goroutine; a simulation runs it at once.
	Background func(work func())
	// Scanned is a Reader of the same log, which need not be closed: what it has read, Open does not read again. It
	// serves a process that takes a log over from another and prepares beside it.
	Scanned *Reader
	// Random is where the marks of segments come from; nil is crypto/rand.
	Random io.Reader
}

// complete fills in what is left out and refuses what cannot be. The first signer bears the origin's name, as a
// checkpoint is signed by the key of its own log first.
func (o *Options) complete() error {
	if o.FS == nil {
		o.FS = vfs.OS
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = DefaultSegmentBytes
	}
	if o.SegmentBytes < segmentHeaderBytes+recordHeaderBytes || o.SegmentBytes > maxGroupBytes {
		return refuse("option", "SegmentBytes", "%d is not between %d and %d", o.SegmentBytes,
			segmentHeaderBytes+recordHeaderBytes, maxGroupBytes)
	}
	if o.Background == nil {
		o.Background = func(work func()) { go work() }
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if err := checkOrigin(o.Origin); err != nil {
		return err
	}
	if len(o.Signers) > 0 && o.Signers[0].Name() != o.Origin {
		return refuse("option", "Signers", "the first is named %q, not like the origin %q", o.Signers[0].Name(),
			o.Origin)
	}
	return nil
}

// checkOrigin applies the rules of C2SP tlog-checkpoint and of key names in notes.
func checkOrigin(origin string) error {
	if origin == "" || len(origin) > maxOriginBytes || !utf8.ValidString(origin) ||
		strings.ContainsFunc(origin, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return refuse("option", "Origin", "must be one line of 1 to %d bytes", maxOriginBytes)
	}
	return nil
}
