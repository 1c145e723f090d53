package signer

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/aqsha/aqsha/token"
)

// callTimeout is how long an external program may take; a person may have to press a button.
const callTimeout = 2 * time.Minute

// Command is a signer in another program's hands.
type Command struct {
	words  []string
	public token.PublicKey
}

// NewCommand asks the program for its public key.
func NewCommand(words ...string) (*Command, error) {
	c := &Command{words: words}
	out, err := c.call("public")
	if err != nil {
		return nil, err
	}
	// For a key of small order anybody could sign.
	if err := c.public.UnmarshalText([]byte(out)); err != nil || !c.public.Usable() {
		return nil, fmt.Errorf("signer %s public: printed no key", c.words[0])
	}
	return c, nil
}

func (c *Command) Public() token.PublicKey { return c.public }

// Sign has the program sign a digest, and checks what it printed.
func (c *Command) Sign(digest [32]byte) (s token.Signature, err error) {
	out, err := c.call("sign", hex.EncodeToString(digest[:]))
	if err != nil {
		return s, err
	}
	if err := s.UnmarshalText([]byte(out)); err != nil {
		return s, fmt.Errorf("signer %s sign: %w", c.words[0], err)
	}
	if !token.Verify(c.public, digest, &s) {
		return s, fmt.Errorf("signer %s sign: the signature does not verify under its own key", c.words[0])
	}
	return s, nil
}

// maxPrinted bounds what a program may print, in bytes: a key or a signature is far less.
const maxPrinted = 64 << 10

// printed is what a program has printed. One that prints more is ended by the pipe that breaks. The buffer is no part
// of its methods: what copies into it would read without the bound.
type printed struct{ text bytes.Buffer }

func (p *printed) Write(text []byte) (int, error) {
	if p.text.Len()+len(text) > maxPrinted {
		return 0, fmt.Errorf("it prints more than %d bytes", maxPrinted)
	}
	return p.text.Write(text)
}

func (c *Command) call(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	var out, errs printed
	run := exec.CommandContext(ctx, c.words[0], append(c.words[1:len(c.words):len(c.words)], args...)...)
	run.Stdout, run.Stderr = &out, &errs
	if err := run.Run(); err != nil {
		return "", fmt.Errorf("signer %s %s: %w: %s", c.words[0], args[0], err, strings.TrimSpace(errs.text.String()))
	}
	return strings.TrimSpace(out.text.String()), nil
}
