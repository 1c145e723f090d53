package disk

import "github.com/aqsha/aqsha/txlog/vfs"

// Own is the disk of the machine that tests, with a room of its own choosing: what a node warns of must not depend on
// how full that machine's disk is.
type Own struct {
	vfs.FS
	Room vfs.Space
}

// Spacious is a disk that nobody needs to be warned of.
func Spacious() Own { return Own{vfs.OS, vfs.Space{Free: 1 << 40, Total: 1 << 41}} }

// Space is the room that was chosen.
func (o Own) Space(string) (vfs.Space, error) { return o.Room, nil }
