package datadir

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// BadConfig is the code of a configuration that contradicts itself, or names what cannot be.
const BadConfig token.Code = "bad-configuration"

// maxKeyDays bounds key_days: a century.
const maxKeyDays = 36_525

// maxSegmentMiB bounds segment_mib: what one write may take.
const maxSegmentMiB = 1024

// CheckNodes refuses what a configuration says of other nodes when it could never work: it would be noticed when they
// are needed. Errors have the code BadConfig and name the key.
func (c Config) CheckNodes() error {
	if err := CheckFollowers(c.Followers); err != nil {
		return err
	}
	if c.Acks < 0 || c.Acks > len(c.Followers) {
		return token.Errorf(BadConfig, "acks", "%d of %d followers cannot acknowledge", c.Acks, len(c.Followers))
	}
	if c.KeyDays < 0 || c.KeyDays > maxKeyDays {
		return token.Errorf(BadConfig, "key_days", "%d, want 0 (which is %d) to %d", c.KeyDays, keyDays, maxKeyDays)
	}
	if c.SegmentMiB < 0 || c.SegmentMiB > maxSegmentMiB {
		return token.Errorf(BadConfig, "segment_mib", "%d, want 0 (which is %d) to %d", c.SegmentMiB,
			txlog.DefaultSegmentBytes>>20, maxSegmentMiB)
	}
	if c.Leader != "" && c.Leader != BackupLeader {
		if err := CheckURL("leader", c.Leader); err != nil {
			return err
		}
	}
	for i, origin := range c.Origins {
		if canonical, err := api.Origin(origin); err != nil || canonical != origin {
			return token.Errorf(BadConfig, fmt.Sprintf("origins[%d]", i),
				"%q is not an origin such as https://tenge.example.kz: scheme, host and port alone", origin)
		}
	}
	if c.URL != "" {
		if err := CheckURL("url", c.URL); err != nil {
			return err
		}
		// This URL goes to every node of the group and stands in its lists.
		if u, err := url.Parse(c.URL); err == nil && u.User != nil {
			return token.Errorf(BadConfig, "url", "%q holds a name or a password, and everybody of the group is told "+
				"this URL: leave them out", c.URL)
		}
	}
	if err := c.strayFollower(); err != nil {
		return err
	}
	for name, url := range c.FollowerURLs {
		if err := CheckURL("follower_urls."+name, url); err != nil {
			return err
		}
	}
	for i, peer := range c.Peers {
		if err := CheckURL(fmt.Sprintf("peers[%d]", i), peer); err != nil {
			return err
		}
	}
	return nil
}

// CheckFollowers refuses a key that is none, and one that is there twice: the signatures of two of one name cannot be
// told apart, so that neither would ever acknowledge.
func CheckFollowers(followers []string) error {
	names, keys := map[string]int{}, map[string]int{}
	for i, public := range followers {
		field := fmt.Sprintf("followers[%d]", i)
		v, err := node.ParseFollower(public)
		if err != nil {
			return token.Errorf(BadConfig, field, "%q: %v", public, err)
		}
		if first, twice := names[v.Name()]; twice {
			return token.Errorf(BadConfig, field, "%q is the name of followers[%d] already", v.Name(), first)
		}
		key := string(node.FollowerKey(public))
		if first, twice := keys[key]; twice {
			return token.Errorf(BadConfig, field, "the key of followers[%d], by another name", first)
		}
		names[v.Name()], keys[key] = i, i
	}
	return nil
}

// CheckURL refuses what is not the URL of a node.
func CheckURL(field, text string) error {
	if !cli.IsNodeURL(text) {
		return token.Errorf(BadConfig, field, "%q is not the URL of a node, such as http://127.0.0.1:8420", text)
	}
	return nil
}

// TryArchive says whether the archive that a configuration names can be written, or made: a leader makes it at its
// start. It leaves nothing behind.
func (c Config) TryArchive(dir string) error {
	if c.Archive == "" {
		return nil
	}
	if err := Outside(dir, c.Archive); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	at := c.Archive
	for {
		info, err := os.Stat(at)
		above := filepath.Dir(at)
		switch {
		case err == nil && !info.IsDir():
			return token.Errorf(BadConfig, "archive", "%s is a file, so %s cannot be a directory", at, c.Archive)
		case err == nil:
			return tryWriting(at, c.Archive)
		case above == at:
			return err
		}
		at = above // it is made with whatever is missing above it
	}
}

// tryWriting makes a folder in a directory and removes it.
func tryWriting(at, archive string) error {
	made, err := os.MkdirTemp(at, ".aqsha-check-*")
	if err != nil {
		return token.Errorf(BadConfig, "archive", "%s cannot be written: nothing can be made in %s: %v",
			archive, at, errors.Unwrap(err))
	}
	return os.Remove(made)
}
