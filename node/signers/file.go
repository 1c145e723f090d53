package signers

import (
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

const (
	magic   = "aqsha-signers"
	version = 1
)

// MaxBytes bounds a file of links.
const MaxBytes = 64 << 20

// Encode is a file of links in order: canonical CBOR [magic, version, links].
func Encode(links []Link) []byte {
	b := token.AppendUint(token.AppendText(token.AppendArray(nil, 3), magic), version)
	return AppendLinks(b, links)
}

// AppendLinks encodes links: [[checkpoint, [hash…], index, entry, [hash…]]…].
func AppendLinks(b []byte, links []Link) []byte {
	b = token.AppendArray(b, len(links))
	for i := range links {
		l := &links[i]
		b = AppendHashes(token.AppendBytes(token.AppendArray(b, 5), l.Checkpoint), l.Consistency)
		b = AppendHashes(token.AppendBytes(token.AppendUint(b, l.Index), l.Entry), l.Inclusion)
	}
	return b
}

// AppendHashes encodes a proof.
func AppendHashes(b []byte, proof []txlog.Hash) []byte {
	b = token.AppendArray(b, len(proof))
	for i := range proof {
		b = token.AppendBytes(b, proof[i][:])
	}
	return b
}

// Decode reads what Encode wrote, from whoever shows it: everything is bounded before it is made, and has one form.
func Decode(data []byte) ([]Link, error) {
	if len(data) > MaxBytes {
		return nil, token.Errorf(token.TooLarge, "", "%d bytes, at most %d", len(data), MaxBytes)
	}
	d := token.NewDecoder(data)
	d.Array("signers", 3, 3)
	if d.Text("magic", 1, 32) != magic || d.Uint("version", 255) != version {
		d.Fail(token.Errorf(token.UnknownKind, "magic", "not an %s file of version %d", magic, version))
	}
	links := DecodeLinks(d, 0)
	if err := d.Finish(); err != nil {
		return nil, err
	}
	return links, nil
}

// DecodeLinks reads what AppendLinks wrote, at least so many.
func DecodeLinks(d *token.Decoder, least int) (links []Link) {
	for range d.Array("links", least, MaxLinks) {
		var l Link
		d.Array("links", 5, 5)
		l.Checkpoint = d.Bytes("links.checkpoint", 1, maxCheckpointBytes)
		l.Consistency = DecodeHashes(d, "links.consistency")
		l.Index = d.Uint("links.index", 1<<63-1)
		l.Entry = d.Bytes("links.entry", 1, maxEntryBytes)
		l.Inclusion = DecodeHashes(d, "links.inclusion")
		if d.Err() != nil {
			return nil
		}
		links = append(links, l)
	}
	return links
}

// DecodeHashes reads a proof.
func DecodeHashes(d *token.Decoder, field string) (proof []txlog.Hash) {
	for range d.Array(field, 0, txlog.MaxProofHashes) {
		var h txlog.Hash
		if d.Fixed(field, h[:]); d.Err() != nil {
			return nil
		}
		proof = append(proof, h)
	}
	return proof
}

// FromGenesis follows links from a genesis on.
func FromGenesis(g ledger.Genesis, links []Link) (*Signers, error) {
	s, err := Begin(g)
	for i := 0; err == nil && i < len(links); i++ {
		s, err = s.Follow(&links[i])
	}
	return s, err
}
