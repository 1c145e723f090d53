package txlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strings"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// segmentIndex is the file beside a sealed segment: where its batches are, and how
// the log stood after it. It is written once the segment's hashes are durable in
// the tiles, so where it exists neither segment nor tiles need reading at open.
// It can be rebuilt from the segment.
type segmentIndex struct {
	end        int64
	nextHeight uint64
	nextIndex  uint64
	root       Hash // of the log after the segment
	positions  positions
}

const indexHeaderBytes = 96

var indexMagic = [8]byte{'A', 'Q', 'S', 'H', 'A', 'I', 'D', 'X'}

func indexPath(segmentPath string) string {
	return strings.TrimSuffix(segmentPath, segmentSuffix) + indexSuffix
}

// encode is the index's file. All numbers are big-endian. The header has a checksum over itself and the lists one of
// theirs, so that opening a log reads 96 bytes of each segment's index.
func (x *segmentIndex) encode(firstHeight uint64) []byte {
	p := &x.positions
	b := make([]byte, indexHeaderBytes, indexHeaderBytes+4*(len(p.offsets)*2+len(p.bundles))+4)
	copy(b, indexMagic[:])
	binary.BigEndian.PutUint16(b[8:], formatVersion)
	binary.BigEndian.PutUint64(b[16:], firstHeight)
	binary.BigEndian.PutUint64(b[24:], p.firstIndex)
	binary.BigEndian.PutUint64(b[32:], x.nextHeight)
	binary.BigEndian.PutUint64(b[40:], x.nextIndex)
	binary.BigEndian.PutUint64(b[48:], uint64(x.end))
	copy(b[56:], x.root[:])
	binary.BigEndian.PutUint32(b[88:], uint32(len(p.offsets)))
	binary.BigEndian.PutUint32(b[92:], uint32(len(p.bundles)))
	binary.BigEndian.PutUint32(b[12:], crc32.Checksum(b, castagnoli))
	for _, list := range [][]uint32{p.offsets, p.firsts, p.bundles} {
		for _, n := range list {
			b = binary.BigEndian.AppendUint32(b, n)
		}
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[indexHeaderBytes:], castagnoli))
}

// decodeIndexHeader reads the fixed part and says how long the lists are.
func decodeIndexHeader(b []byte) (x segmentIndex, firstHeight uint64, batches, bundles int, err error) {
	if len(b) != indexHeaderBytes || [8]byte(b[:8]) != indexMagic || binary.BigEndian.Uint16(b[8:]) != formatVersion {
		return x, 0, 0, 0, errors.New("not a segment index of this format")
	}
	var clear [indexHeaderBytes]byte
	copy(clear[:], b)
	copy(clear[12:16], []byte{0, 0, 0, 0})
	if crc32.Checksum(clear[:], castagnoli) != binary.BigEndian.Uint32(b[12:]) {
		return x, 0, 0, 0, errors.New("segment index fails its checksum")
	}
	firstHeight = binary.BigEndian.Uint64(b[16:])
	x.positions.firstIndex = binary.BigEndian.Uint64(b[24:])
	x.nextHeight = binary.BigEndian.Uint64(b[32:])
	x.nextIndex = binary.BigEndian.Uint64(b[40:])
	x.end = int64(binary.BigEndian.Uint64(b[48:]))
	x.root = Hash(b[56:88])
	return x, firstHeight, int(binary.BigEndian.Uint32(b[88:])), int(binary.BigEndian.Uint32(b[92:])), nil
}

// readIndexHeader reads the fixed part of a segment's index.
func readIndexHeader(fs vfs.FS, s *segment) (segmentIndex, error) {
	f, err := fs.Open(indexPath(s.path))
	if err != nil {
		return segmentIndex{}, err
	}
	defer f.Close()
	x, _, _, err := readIndexHeaderOf(f, s)
	return x, err
}

// readIndexHeaderOf reads the header of a segment's index, which must be of that segment.
func readIndexHeaderOf(f vfs.File, s *segment) (x segmentIndex, batches, bundles int, err error) {
	var b [indexHeaderBytes]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		return x, 0, 0, err
	}
	x, firstHeight, batches, bundles, err := decodeIndexHeader(b[:])
	if err == nil && (firstHeight != s.header.firstHeight || x.positions.firstIndex != s.header.firstIndex) {
		err = errors.New("index belongs to another segment")
	}
	return x, batches, bundles, err
}

// readIndex reads all of a segment's index.
func readIndex(fs vfs.FS, s *segment) (x segmentIndex, err error) {
	path := indexPath(s.path)
	f, err := fs.Open(path)
	if err != nil {
		return x, err
	}
	defer f.Close()
	x, batches, bundles, err := readIndexHeaderOf(f, s)
	if err == nil {
		err = readLists(f, &x.positions, batches, bundles)
	}
	if err != nil {
		return x, &DamageError{File: path, Height: s.header.firstHeight, Index: s.header.firstIndex,
			Reason: err.Error() + "; remove the file to have it rebuilt"}
	}
	return x, nil
}

// readLists reads the lists behind the header. Their length is held against the file's size before memory is taken for
// it.
func readLists(f vfs.File, p *positions, batches, bundles int) error {
	size, err := f.Size()
	if err != nil {
		return err
	}
	want := 4 * (int64(batches)*2 + int64(bundles))
	if size != indexHeaderBytes+want+4 {
		return fmt.Errorf("index has %d bytes, its header says %d", size, indexHeaderBytes+want+4)
	}
	b := make([]byte, want+4)
	if _, err := f.ReadAt(b, indexHeaderBytes); err != nil {
		return err
	}
	if crc32.Checksum(b[:want], castagnoli) != binary.BigEndian.Uint32(b[want:]) {
		return errors.New("index lists fail their checksum")
	}
	take := func(n int) []uint32 {
		list := make([]uint32, n)
		for i := range list {
			list[i] = binary.BigEndian.Uint32(b[4*i:])
		}
		b = b[4*n:]
		return list
	}
	p.offsets, p.firsts, p.bundles = take(batches), take(batches), take(bundles)
	return nil
}

// writeFile stores a small file so that a crash leaves the old one or the new one. In order: content synced under
// another name, renamed, the directory synced.
func writeFile(fs vfs.FS, path string, content []byte) error {
	temp := path + tempSuffix
	if err := fs.Remove(temp); err != nil && !errors.Is(err, errNotExist) {
		return err
	}
	f, err := fs.Create(temp)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = fs.Rename(temp, path)
	}
	if err == nil {
		err = fs.SyncDir(filepath.Dir(path))
	}
	return err
}
