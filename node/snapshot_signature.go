package node

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// A snapshot's file ends with a signed note (golang.org/x/mod/sumdb/note) over what stands before it, the note's length
// in four bytes, and a magic. Whoever can write files but has no key cannot have the node believe another state: it
// would execute and sign what that state allows. The title keeps the note from being read as a checkpoint or a fence.
const (
	signatureTitle   = "aqsha snapshot v1"
	signatureMagic   = "AQSEAL1\n"
	maxSignature     = 4096 // bytes of the note
	signatureTrailer = 4 + len(signatureMagic)
)

// errUnsealed says that a snapshot bears no signature: earlier versions wrote such.
var errUnsealed = errors.New("it bears no signature, as those of earlier versions")

// signedText is what is signed.
func signedText(origin string, at livestate.Position, digest [sha256.Size]byte) string {
	return fmt.Sprintf("%s\n%s\n%s\n%d\n%d\n%s\n", signatureTitle, origin, at.Network, at.Leaf.Height, at.LogSize,
		base64.StdEncoding.EncodeToString(digest[:]))
}

// snapshotSigner signs this node's snapshots: the log's key, or at a follower the one with which he cosigns; nil for a
// node without keys, such as one that is opened to read only, which writes none. Keys are opened once, at the start,
// and held in memory.
func (n *Node) snapshotSigner() note.Signer {
	if len(n.config.Options.Signers) > 0 {
		return n.config.Options.Signers[0]
	}
	if n.config.Sealer != nil {
		return n.config.Sealer
	}
	if own := n.following.signer.Load(); own != nil {
		return *own
	}
	return nil
}

// signSnapshot makes the trailer of a snapshot's file.
func (n *Node) signSnapshot(at livestate.Position, digest [sha256.Size]byte) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: signedText(n.log.Origin(), at, digest)}, n.snapshotSigner())
	if err != nil {
		return nil, fmt.Errorf("signing a snapshot: %w", err)
	}
	return append(binary.BigEndian.AppendUint32(signed, uint32(len(signed))), signatureMagic...), nil
}

// openSealed checks the signature of a snapshot's file, before anything in it is read. content is what was signed, and
// text what must be said of the position that stands in it. The file is read twice, once to hash and once to load: to
// load while hashing would decode bytes that nobody has vouched for yet.
func (n *Node) openSealed(f vfs.File) (content *io.SectionReader, digest [sha256.Size]byte, text string, err error) {
	size, err := f.Size()
	if err != nil {
		return nil, digest, "", err
	}
	// From the end: what was signed is found without reading any of it, so that a decoder never meets bytes that nobody
	// vouches for.
	trailer := make([]byte, signatureTrailer)
	if size < int64(signatureTrailer) {
		return nil, digest, "", errUnsealed
	}
	if _, err := f.ReadAt(trailer, size-int64(signatureTrailer)); err != nil {
		return nil, digest, "", err
	}
	length := int64(binary.BigEndian.Uint32(trailer))
	if string(trailer[4:]) != signatureMagic || length > maxSignature || length > size-int64(signatureTrailer) {
		return nil, digest, "", errUnsealed
	}
	end := size - int64(signatureTrailer) - length
	signed := make([]byte, length)
	if _, err := f.ReadAt(signed, end); err != nil {
		return nil, digest, "", err
	}
	verifiers := []note.Verifier{n.logVerifier}
	for _, v := range n.config.SnapshotVerifiers {
		// A key that is there twice opens nothing.
		if !slices.ContainsFunc(verifiers, func(known note.Verifier) bool {
			return known.Name() == v.Name() && known.KeyHash() == v.KeyHash()
		}) {
			verifiers = append(verifiers, v)
		}
	}
	opened, err := note.Open(signed, note.VerifierList(verifiers...))
	if err != nil {
		return nil, digest, "", fmt.Errorf("its signature: %w", err)
	}
	// The signature first, then the bytes: a file with a forged one costs no reading of gigabytes.
	hash := sha256.New()
	if _, err := io.CopyBuffer(hash, io.NewSectionReader(f, 0, end), make([]byte, 1<<20)); err != nil {
		return nil, digest, "", err
	}
	hash.Sum(digest[:0])
	if !bytes.HasSuffix([]byte(opened.Text), []byte("\n"+base64.StdEncoding.EncodeToString(digest[:])+"\n")) {
		return nil, digest, "", errors.New("its bytes are not those that were signed")
	}
	return io.NewSectionReader(f, 0, end), digest, opened.Text, nil
}
