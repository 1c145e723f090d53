package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// addressOf is the file that says where the node that runs on a directory listens: its URL, and on a second line the
// word of this run (api.Options.Instance).
const addressOf = "node.url"

// maxAddress bounds that file, in bytes.
const maxAddress = 4 << 10

// takeDirectory takes a ledger's directory: the one lock above the log, the keys and the configuration, without
// which nothing there is changed. Who has it is named; those who only read are waited for.
func takeDirectory(ctx context.Context, dir string) (io.Closer, error) {
	for until := time.Now().Add(lockWait); ; {
		lock, err := vfs.OS.Lock(dir)
		var held *vfs.LockedError
		if err == nil || !errors.As(err, &held) || held.Holder != "" || time.Now().After(until) {
			return lock, readOnlyDirectory(dir, err)
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// readOnlyDirectory says what to do about a directory in which nothing can be written.
func readOnlyDirectory(dir string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s: nothing can be written there: give this user write permission, or choose another --data: %w", dir, err)
	}
	return err
}

// takeLedger takes the directory of a ledger that is there, and reads its configuration. What check refuses is said
// before anybody is waited for, or named as the one who has the directory.
func takeLedger(ctx context.Context, dir string, check func(c config) error) (config, io.Closer, error) {
	read := func() (config, error) {
		c, err := readConfig(dir)
		if err == nil {
			err = check(c)
		}
		return c, err
	}
	if _, err := read(); err != nil {
		return config{}, nil, err // nothing is made in a directory that holds no ledger
	}
	lock, err := takeDirectory(ctx, dir)
	if err != nil {
		return config{}, nil, err
	}
	c, err := read() // as whoever had the directory before left it
	if err != nil {
		return c, nil, errors.Join(err, lock.Close())
	}
	forgetAddress(dir)
	if err := shutOut(dir); err != nil {
		return c, nil, errors.Join(err, lock.Close())
	}
	return c, lock, nil
}

// shutOut keeps everybody who is neither the owner nor of the group out of a ledger's parts, as they were made before
// files were their owner's alone: whoever reads them reads every payment. A group that the owner let in on purpose,
// such as auditors, stays.
func shutOut(dir string) error {
	for _, part := range append([]string{"keys", "names"}, node.LedgerParts...) {
		path := filepath.Join(dir, part)
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&0o007 == 0 {
			continue
		}
		if err := os.Chmod(path, info.Mode().Perm()&^0o007); err != nil {
			return fmt.Errorf("%s can be read by everybody on this machine (%s) and cannot be shut: %w", path, info.Mode().Perm(), err)
		}
	}
	return nil
}

// anyLedger checks nothing.
func anyLedger(config) error { return nil }

// newDirectory makes a directory for a ledger, its owner's alone, and takes it.
func newDirectory(ctx context.Context, dir string) (io.Closer, error) {
	if err := shutDirectory(dir); err != nil {
		return nil, readOnlyDirectory(dir, err)
	}
	return takeDirectory(ctx, dir)
}

// shutDirectory makes a directory, or shuts one that is there to others. One that holds other things is left as it is:
// what is made in it is its owner's alone all the same.
func shutDirectory(dir string) error {
	if err := vfs.OS.MkdirAll(dir); err != nil {
		return err
	}
	names, err := vfs.OS.List(dir)
	if err != nil {
		return err
	}
	ours := append([]string{configFile, foundingFile, restoringFile, addressOf, "LOCK", "keys", "names", "payments", "channels"}, node.LedgerParts...)
	for _, name := range names {
		if !slices.Contains(ours, name) && !strings.HasPrefix(name, setAsidePrefix) {
			return nil
		}
	}
	return vfs.OS.Private(dir)
}

// forgetAddress removes what a node that was killed left behind; the caller holds the directory, so none runs.
func forgetAddress(dir string) { _ = os.Remove(filepath.Join(dir, addressOf)) }

// pause waits a little before the next try.
func pause(ctx context.Context) error {
	select {
	case <-time.After(lockRetry):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// newInstance draws the word of a run.
func newInstance() string {
	var word [16]byte
	_, _ = rand.Read(word[:])
	return hex.EncodeToString(word[:])
}

// announce notes where a node listens, for other commands on the same directory.
func announce(dir string, l net.Listener, instance string) (url string, withdraw func(), err error) {
	url = "http://" + l.Addr().String()
	path := filepath.Join(dir, addressOf)
	return url, func() { _ = os.Remove(path) }, durable.Replace(vfs.OS, path, []byte(url+"\n"+instance+"\n"))
}

// announced reads where the node that runs on a directory says that it listens, and the word of its run.
func announced(dir string) (url, instance string, err error) {
	content, err := durable.Read(vfs.OS, filepath.Join(dir, addressOf), maxAddress)
	if err != nil {
		return "", "", err
	}
	url, instance, _ = strings.Cut(strings.TrimSpace(string(content)), "\n")
	return url, instance, nil
}

// openAnnounced says where the node that runs on a directory listens, if it is that one that answers there: after a
// node was killed, another ledger's may have its address.
func openAnnounced(dir string) (url string, err error) {
	url, instance, err := announced(dir)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), healthWait)
	defer cancel()
	answered, err := api.NewClient(url, "").Instance(ctx)
	if err == nil && (instance == "" || answered != instance) {
		err = fmt.Errorf("%s is another node's by now", url)
	}
	return url, err
}

// healthWait is how long an announced node may take to say that it is there.
const healthWait = 5 * time.Second
