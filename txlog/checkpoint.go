package txlog

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// MaxCheckpointBytes bounds a signed checkpoint with all its cosignatures.
const MaxCheckpointBytes = slotBytes - slotHeaderBytes

// Checkpoint is the state of a log that its signers stand for (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin     string
	Size       uint64 // entries
	Root       Hash
	Extensions []string // further lines, never empty ones
}

// Text is the text that is signed.
func (c Checkpoint) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
	for _, line := range c.Extensions {
		b.WriteString(line + "\n")
	}
	return b.String()
}

func badCheckpoint(rule string, args ...any) error {
	return refuse("checkpoint", "checkpoint", rule, args...)
}

// ParseCheckpoint reads the signed text of a checkpoint, without signatures. Each checkpoint has one text only: Text
// gives back the same. The first three lines are origin, size in decimal and root in base64 (C2SP tlog-checkpoint);
// further ones are kept as they are.
func ParseCheckpoint(text string) (c Checkpoint, err error) {
	if len(text) > MaxCheckpointBytes {
		return c, badCheckpoint("has %d bytes, at most %d are read", len(text), MaxCheckpointBytes)
	}
	body, ended := strings.CutSuffix(text, "\n")
	lines := strings.Split(body, "\n")
	if !ended || len(lines) < 3 {
		return c, badCheckpoint("needs three lines, each ended")
	}
	for _, line := range lines {
		if line == "" || !utf8.ValidString(line) ||
			strings.ContainsFunc(line, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
			return c, badCheckpoint("has an empty line or control characters")
		}
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil || size > math.MaxInt64 || strconv.FormatUint(size, 10) != lines[1] {
		return c, badCheckpoint("size %.24q is not a plain number below 2^63", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != HashBytes {
		return c, badCheckpoint("root is not %d bytes in base64", HashBytes)
	}
	c = Checkpoint{Origin: lines[0], Size: size, Root: Hash(root)}
	if len(lines) > 3 {
		c.Extensions = lines[3:]
	}
	return c, nil
}

// OpenCheckpoint verifies a signed checkpoint: it must be of the origin and bear a
// good signature of at least one of the verifiers. The note lists which ones.
func OpenCheckpoint(signed []byte, origin string, verifiers note.Verifiers) (Checkpoint, *note.Note, error) {
	if len(signed) > MaxCheckpointBytes {
		return Checkpoint{}, nil, badCheckpoint("has %d bytes, at most %d are read", len(signed), MaxCheckpointBytes)
	}
	n, err := note.Open(signed, verifiers)
	if err != nil {
		return Checkpoint{}, nil, fmt.Errorf("checkpoint: %w", err)
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	if c.Origin != origin {
		return Checkpoint{}, nil, badCheckpoint("is of %q, not of %q", c.Origin, origin)
	}
	return c, n, nil
}

// ParseSigned reads what a signed checkpoint claims, without verifying anybody's signature.
func ParseSigned(signed []byte) (Checkpoint, error) {
	if len(signed) > MaxCheckpointBytes {
		return Checkpoint{}, badCheckpoint("has %d bytes, at most %d are read", len(signed), MaxCheckpointBytes)
	}
	text, err := textOf(signed)
	if err != nil {
		return Checkpoint{}, err
	}
	return ParseCheckpoint(text)
}

// textOf is the part of a signed note that is signed, unverified.
func textOf(signed []byte) (string, error) {
	text, _, found := strings.Cut(string(signed), "\n\n")
	if !found {
		return "", badCheckpoint("is not a signed note")
	}
	return text + "\n", nil
}
