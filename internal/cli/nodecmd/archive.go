package nodecmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"

	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/token"
)

// An archive is a folder like a backup's: "aqsha restore" and "aqsha verify --data" take it as it is.

// openArchive makes the archive that the configuration names, or finds it: of this network, and on its own.
func openArchive(dir string, c datadir.Config) error {
	if c.Archive == "" {
		return nil
	}
	if err := datadir.Outside(dir, c.Archive); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	there, err := archiveConfig(c.Archive)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return datadir.ShutDirectory(c.Archive)
	case err != nil:
		return err
	case there.Leader != datadir.BackupLeader:
		return token.Errorf(datadir.BadConfig, "archive", "%s is a ledger's own directory", c.Archive)
	case c.Network != "" && there.Network != c.Network:
		return token.Errorf(datadir.WrongNetwork, "archive", "%s holds network %s (%s)", c.Archive, there.Network,
			there.Name)
	}
	return nil
}

// archiveConfig reads what an archive says of itself.
func archiveConfig(dir string) (c datadir.Config, err error) {
	content, err := os.ReadFile(filepath.Join(dir, datadir.ConfigFile))
	if err != nil {
		return c, err
	}
	if err := toml.Unmarshal(content, &c); err != nil {
		return c, fmt.Errorf("%s: %w", filepath.Join(dir, datadir.ConfigFile), err)
	}
	return c, nil
}

// nameArchive writes whose archive it is, the first time.
func nameArchive(c datadir.Config, network token.NetworkID) error {
	if c.Archive == "" {
		return nil
	}
	there, err := archiveConfig(c.Archive)
	if err == nil && there.Network != network.String() {
		return token.Errorf(datadir.WrongNetwork, "archive", "%s holds network %s (%s)", c.Archive, there.Network,
			there.Name)
	}
	if err == nil { // an earlier program's archive does not say it in a way that a restoration relies on
		there.Development = c.Development
		return datadir.WriteCopyConfig(c.Archive, there)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return datadir.WriteCopyConfig(c.Archive, datadir.Config{Name: c.Name, Listen: datadir.DefaultListen,
		Development: c.Development, Leader: datadir.BackupLeader, Network: network.String()})
}
