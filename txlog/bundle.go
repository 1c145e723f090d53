package txlog

import (
	"encoding/binary"
	"iter"
)

// TileWidth is how many hashes a full tile has, and entries a full bundle.
const TileWidth = tileWidth

// SplitBundle yields the entries of a bundle (C2SP tlog-tiles: each after its length in two
// bytes). A bundle from elsewhere may end anywhere, which is an error.
func SplitBundle(bundle []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for len(bundle) > 0 {
			if len(bundle) < lengthBytes {
				yield(nil, refuse("bundle", "bundle", "ends within a length"))
				return
			}
			end := lengthBytes + int(binary.BigEndian.Uint16(bundle))
			if end > len(bundle) || end == lengthBytes {
				yield(nil, refuse("bundle", "bundle", "ends within an entry, or has an empty one"))
				return
			}
			if !yield(bundle[lengthBytes:end:end], nil) {
				return
			}
			bundle = bundle[end:]
		}
	}
}
