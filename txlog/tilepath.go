package txlog

import (
	"fmt"
	"strconv"
	"strings"
)

// EntriesLevel is the level of a tile that stands for a bundle of entries.
const EntriesLevel = -1

// Tile names a tile (C2SP tlog-tiles): Width hashes of a level from number
// 256·Index on, or with EntriesLevel as many entries.
type Tile struct {
	Level int // 0 to 63, or EntriesLevel
	Index uint64
	Width int // 1 to 256; less than 256 is a partial tile
}

// Path is the tile's path below the log's prefix: "tile/0/x001/234.p/5".
func (t Tile) Path() string {
	level := "entries"
	if t.Level != EntriesLevel {
		level = strconv.Itoa(t.Level)
	}
	path := fmt.Sprintf("%03d", t.Index%1000)
	for n := t.Index / 1000; n > 0; n /= 1000 {
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if t.Width < tileWidth {
		path += fmt.Sprintf(".p/%d", t.Width)
	}
	return "tile/" + level + "/" + path
}

// maxTileIndex keeps every index below 2^63.
const maxTileIndex = 1<<55 - 1

// maxTilePathBytes is longer than any valid path.
const maxTilePathBytes = 64

// ParseTilePath reads a tile's path. Every tile has one path only.
func ParseTilePath(path string) (Tile, error) {
	bad := refuse("tile-path", "path", "%.70q is not the path of a tile", path)
	parts := strings.Split(path, "/")
	if len(path) > maxTilePathBytes || len(parts) < 3 || parts[0] != "tile" {
		return Tile{}, bad
	}
	t := Tile{Level: EntriesLevel, Width: tileWidth}
	if parts[1] != "entries" {
		level, err := strconv.Atoi(parts[1])
		if err != nil || level < 0 || level > 63 {
			return Tile{}, bad
		}
		t.Level = level
	}
	parts = parts[2:]
	if n := len(parts); n >= 2 && strings.HasSuffix(parts[n-2], ".p") {
		width, err := strconv.Atoi(parts[n-1])
		if err != nil || width < 1 || width >= tileWidth {
			return Tile{}, bad
		}
		t.Width = width
		parts[n-2] = strings.TrimSuffix(parts[n-2], ".p")
		parts = parts[:n-1]
	}
	for i, part := range parts {
		if i < len(parts)-1 {
			part = strings.TrimPrefix(part, "x")
		}
		digits, err := strconv.ParseUint(part, 10, 16)
		if err != nil || len(part) != 3 || t.Index > maxTileIndex/1000 {
			return Tile{}, bad
		}
		t.Index = t.Index*1000 + digits
	}
	// Leading zeros, signs and the like show when the path is written again.
	if t.Index > maxTileIndex || t.Path() != path {
		return Tile{}, bad
	}
	return t, nil
}
