package proof

import (
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// File is a proof: canonical CBOR [magic, version, checkpoint, token, [[index, entry, [hash…]]…]],
// entries ascending by index, the genesis first. There is one encoding, so every byte counts. Where validators have
// changed before the checkpoint, the version is 2, and after the entries stand links to those who signed it and the
// proof that its log continues that of the last link.
type File struct {
	Checkpoint []byte // signed note, with the log's own signature alone
	Token      token.ID
	Entries    []Included
	Signers    []signers.Link
	Continues  []txlog.Hash
}

// Included is an entry with its inclusion proof under the checkpoint.
type Included struct {
	Index uint64
	Entry []byte
	Proof []txlog.Hash
}

const (
	magic   = "aqsha-proof"
	version = 1
	changed = 2 // version of a file with links

	// MaxEntries bounds a provenance, MaxBytes a file.
	MaxEntries = 10_000
	MaxBytes   = 64 << 20

	maxEntryBytes      = 65_535
	maxCheckpointBytes = 16 << 10
)

// Encode returns the file's bytes.
func (f *File) Encode() []byte { return f.encode(magic) }

// encode writes version 1 where no validators have changed, so that files of networks without changes stay readable by
// programs that know no others.
func (f *File) encode(magic string) []byte {
	items, of := 5, uint64(version)
	if len(f.Signers) > 0 {
		items, of = 7, changed
	}
	b := token.AppendText(token.AppendArray(nil, items), magic)
	b = token.AppendUint(b, of)
	b = token.AppendBytes(b, f.Checkpoint)
	b = token.AppendBytes(b, f.Token[:])
	b = token.AppendArray(b, len(f.Entries))
	for _, e := range f.Entries {
		b = token.AppendArray(b, 3)
		b = token.AppendUint(b, e.Index)
		b = token.AppendBytes(b, e.Entry)
		b = token.AppendArray(b, len(e.Proof))
		for i := range e.Proof {
			b = token.AppendBytes(b, e.Proof[i][:])
		}
	}
	if len(f.Signers) > 0 {
		b = signers.AppendHashes(signers.AppendLinks(b, f.Signers), f.Continues)
	}
	return b
}

// Decode reads a file.
func Decode(data []byte) (*File, error) { return decodeAs(data, magic, MaxBytes) }

// decodeAs reads a proof file of a kind, in the one form that encoding gives. It comes from whoever shows it:
// everything is bounded before it is made, and entries are in the log's order, so that none is there twice.
func decodeAs(data []byte, magic string, most int) (*File, error) {
	if len(data) > most {
		return nil, token.Errorf(token.TooLarge, "", "%d bytes, at most %d", len(data), most)
	}
	d := token.NewDecoder(data)
	items := d.Array("proof", 5, 7)
	// 5 items, or 7 since validators can change; 6 is neither and refused below. What an old program wrote keeps its
	// bytes.
	of := version + (items-5)/2
	if d.Text("magic", 1, 32) != magic || d.Uint("version", 255) != uint64(of) || items == 6 {
		d.Fail(token.Errorf(token.UnknownKind, "magic", "not an %s file of version %d or %d", magic, version, changed))
	}
	f := &File{Checkpoint: d.Bytes("checkpoint", 1, maxCheckpointBytes)}
	d.Fixed("token", f.Token[:])
	for range d.Array("entries", 2, MaxEntries) {
		d.Array("entries", 3, 3)
		e := Included{Index: d.Uint("entries.index", 1<<63-1), Entry: d.Bytes("entries.entry", 1, maxEntryBytes)}
		for range d.Array("entries.proof", 0, txlog.MaxProofHashes) {
			var h txlog.Hash
			d.Fixed("entries.proof", h[:])
			e.Proof = append(e.Proof, h)
		}
		if n := len(f.Entries); n > 0 && f.Entries[n-1].Index >= e.Index {
			d.Fail(token.Errorf(token.Repeated, "entries", "entry %d is out of order", e.Index))
		}
		if d.Err() != nil {
			return nil, d.Err()
		}
		f.Entries = append(f.Entries, e)
	}
	if of == changed {
		f.Signers = signers.DecodeLinks(d, 1)
		f.Continues = signers.DecodeHashes(d, "continues")
	}
	if err := d.Finish(); err != nil {
		return nil, err
	}
	return f, nil
}
