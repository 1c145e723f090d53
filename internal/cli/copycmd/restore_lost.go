package copycmd

import (
	"strings"

	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/words"
)

// lost says of the entries that stand here and not in the source what is known of them. Only of what was answered
// somebody relies on: of the others an operator must not be told more than is known.
type lost struct {
	// Lost is how many they are: the sum of the three.
	Lost uint64 `json:"lost"`
	// Answered had been answered, or may have been: signed by a leader that waits for no followers, or known to be
	// acknowledged.
	Answered uint64 `json:"lost_answered,omitempty"`
	// LeftBehind were written beyond the entry where the leader of a newer epoch began, and nobody was told of them.
	LeftBehind uint64 `json:"lost_left_behind,omitempty"`
	// Unknown are on this disk, and whether anybody acknowledged them is not known here.
	Unknown uint64 `json:"lost_unknown,omitempty"`

	fence uint64 // entry from which they were left behind
	epoch uint64 // of who led from there
}

// judge says what is known here of the entries from one on.
func (l *lost) judge(dir string, c datadir.Config, signed, from, size uint64) {
	*l = lost{Lost: size - from}
	known := signed // by a leader that answers what it has signed
	switch {
	case c.Leader != "":
		known = node.AcknowledgedIn(vfs.OS, dir)
	case c.Acks > 0: // its followers know, and it asks them each time that it starts
		known = from
	}
	l.Answered = min(max(known, from), size) - from
	rest := from + l.Answered
	l.Unknown = size - rest
	if fence, epoch, replaced := node.ReplacedFrom(vfs.OS, dir); replaced && fence < size {
		l.fence, l.epoch = fence, epoch
		l.LeftBehind = size - max(rest, fence)
		l.Unknown -= l.LeftBehind
	}
}

// String says it in English, as errors do.
func (l *lost) String() string { return l.in(words.English) }

// in says it in a language.
func (l *lost) in(language words.Language) string {
	var parts []string
	if l.Answered > 0 {
		parts = append(parts, language.Text("copy.lost-answered", "count", l.Answered))
	}
	if l.LeftBehind > 0 {
		parts = append(parts, language.Text("copy.lost-behind", "count", l.LeftBehind, "fence", l.fence, "epoch",
			l.epoch))
	}
	if l.Unknown > 0 {
		parts = append(parts, language.Text("copy.lost-unknown", "count", l.Unknown))
	}
	return strings.Join(parts, "; ")
}
