package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/seal"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Origins name the logs of sealed reports and of a farm's sealed months.
const (
	SealOrigin     = "aqsha.market/reports"
	FarmSealOrigin = "aqsha.farm/months"
)

// OpenSealLog reads the keys of a folder of seals; with create it makes them. The signing key is
// readable by its owner only.
func OpenSealLog(dir, origin string, create bool) (seal.Log, error) {
	o := seal.Log{Origin: origin}
	secretFile, publicFile := filepath.Join(dir, "signer.key"), filepath.Join(dir, "log.pub")
	public, err := os.ReadFile(publicFile)
	if errors.Is(err, fs.ErrNotExist) && create {
		if err := vfs.OS.MkdirAll(dir); err != nil {
			return o, err
		}
		secret, verifier, err := note.GenerateKey(rand.Reader, origin)
		if err != nil {
			return o, err
		}
		// The public half last: with it there, the keys are complete.
		if err := durable.Replace(vfs.OS, secretFile, []byte(secret+"\n")); err != nil {
			return o, err
		}
		if err := durable.Create(vfs.OS, publicFile, []byte(verifier+"\n")); err != nil {
			return o, err
		}
		public = []byte(verifier)
	} else if err != nil {
		return o, err
	}
	if o.Verifier, err = note.NewVerifier(strings.TrimSpace(string(public))); err != nil {
		return o, fmt.Errorf("%s: %w", publicFile, err)
	}
	if !create {
		return o, nil
	}
	secret, err := os.ReadFile(secretFile)
	if err != nil {
		return o, err
	}
	o.Signer, err = note.NewSigner(strings.TrimSpace(string(secret)))
	return o, err
}
