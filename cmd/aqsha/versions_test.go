package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unpack takes a recorded directory out of its archive.
func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	packed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for entries := tar.NewReader(packed); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.Clean("/"+header.Name))
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			var content []byte
			if content, err = io.ReadAll(entries); err == nil {
				err = os.WriteFile(path, content, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What earlier programs wrote opens, verifies, is paid from, backed up, restored and followed. With VERSIONS=all every recorded
// program's, else the oldest's and the newest's. testdata/versions/record.sh records one.
func TestWhatEarlierProgramsWroteOpens(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/versions/*.tar.gz")
	if err != nil || len(archives) < 2 {
		t.Fatalf("%v, %v", archives, err)
	}
	slices.Sort(archives)
	if os.Getenv("VERSIONS") != "all" {
		archives = []string{archives[0], archives[len(archives)-1]}
	}
	for _, archive := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".tar.gz"), func(t *testing.T) {
			if info, err := os.Stat(archive); err != nil || info.Size() > 200_000 {
				t.Errorf("%v, %v", info.Size(), err)
			}
			dir := t.TempDir()
			unpack(t, archive, dir)
			data, path := filepath.Join(dir, "data"), func(name string) string { return filepath.Join(dir, name) }
			run1(t, "verify", "--data", data)
			leader := up(t, data)
			defer leader.kill()
			if out := run1(t, "balance", "shop", "--data", data); !strings.Contains(out, "15.00") {
				t.Errorf("the shop has %s", out)
			}
			run1(t, "pay", "alice", "shop", "6", "--data", data)
			run1(t, "follow", leader.url, "--data", path("copy"), "--once")
			run1(t, "backup", path("backup"), "--data", data)
			leader.stop(t)
			for _, name := range []string{"copy", "backup"} {
				run1(t, "verify", "--data", path(name))
			}
			run1(t, "restore", path("backup"), "--data", path("again"))
			if err := os.CopyFS(path("again/names"), os.DirFS(filepath.Join(data, "names"))); err != nil {
				t.Fatal(err)
			}
			if out := run1(t, "balance", "shop", "--data", path("again")); !strings.Contains(out, "21.00") {
				t.Errorf("restored, the shop has %s", out)
			}
		})
	}
}
