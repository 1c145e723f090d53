package tidy

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every picture of the documents is made by make docs-pictures, and what it shows has not changed since it was made.
func TestPicturesAreNotStale(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, target, found := strings.Cut(string(makefile), "\ndocs-pictures:")
	target, _, _ = strings.Cut(target, "\n\n")
	pictures, err := filepath.Glob("../../docs/*.png")
	if err != nil || len(pictures) == 0 || !found {
		t.Fatalf("%v: %d pictures, a target: %v", err, len(pictures), found)
	}
	inFolders, err := filepath.Glob("../../docs/*/*.png")
	if err != nil || len(inFolders) == 0 {
		t.Fatalf("%v: no pictures in folders", err)
	}
	for _, path := range inFolders { // those of a folder are made together
		if folder := "docs/" + filepath.Base(filepath.Dir(path)) + "/"; !strings.Contains(target, folder) {
			t.Errorf("%s is made by no target: nobody knows whether it is stale", path)
		}
	}
	for _, path := range pictures {
		if name := "docs/" + filepath.Base(path); !strings.Contains(target, name) {
			t.Errorf("%s is made by no target: nobody knows whether it is stale", name)
		}
	}
	sums, err := os.ReadFile("../../docs/pictures.sum")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(sums)), "\n")
	if len(lines) < len(pictures) {
		t.Errorf("%d pictures of %d sources", len(pictures), len(lines))
	}
	for _, line := range lines {
		hash, source, _ := strings.Cut(line, "  ")
		content, err := os.ReadFile("../../" + source)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(content)); got != hash {
			t.Errorf("%s has changed since its picture was made: make docs-pictures", source)
		}
	}
}
