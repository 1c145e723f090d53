package datadir

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// developmentFile stands in a copy (a backup, an archive, a copy of the past) of a development network and holds the
// network's id. Earlier programs wrote "development = true" into backups of other networks too: without this file a
// copy is of no development network, for else everybody on the machine could read what is restored from it.
const developmentFile = "development"

// maxDevelopment bounds that file, in bytes.
const maxDevelopment = 256

// WriteCopyConfig writes the configuration of a copy, and whether its network is a development one.
func WriteCopyConfig(dir string, c Config) error {
	if err := WriteConfig(dir, c); err != nil {
		return err
	}
	return MarkDevelopment(dir, c)
}

// MarkDevelopment notes that a copy is of a development network, or that it is not.
func MarkDevelopment(dir string, c Config) error {
	path := filepath.Join(dir, developmentFile)
	if c.Development {
		return durable.Replace(vfs.OS, path, []byte(c.Network+"\n"))
	}
	if err := durable.Remove(vfs.OS, path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// isDevelopment says whether a directory is of a development network, as far as its configuration can be relied on: a
// leader's or a follower's says it, a copy's needs the file beside it that says so of the same network.
func (c Config) isDevelopment(dir string) (bool, error) {
	if !c.Development || c.Leader != BackupLeader {
		return c.Development, nil
	}
	content, err := durable.Read(vfs.OS, filepath.Join(dir, developmentFile), maxDevelopment)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && strings.TrimSpace(string(content)) == c.Network, err
}
