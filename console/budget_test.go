package console

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"regexp"
	"slices"
	"testing"
)

// firstLoad sums what the page names, and what of it those scripts import before they run, compressed as a server
// would.
func firstLoad(t *testing.T, index string) (total int, names []string) {
	t.Helper()
	page, err := fs.ReadFile(built, index)
	if err != nil {
		t.Fatal(err)
	}
	total = compressed(t, page)
	queue := []string{}
	for _, found := range regexp.MustCompile(`/assets/[\w.-]+`).FindAll(page, -1) {
		queue = append(queue, string(found))
	}
	static := regexp.MustCompile(`(?:from|import)"\./([\w.-]+)"`)
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if slices.Contains(names, name) {
			continue
		}
		names = append(names, name)
		content, err := fs.ReadFile(built, "dist"+name)
		if err != nil {
			t.Fatal(err)
		}
		total += compressed(t, content)
		for _, found := range static.FindAllSubmatch(content, -1) {
			queue = append(queue, "/assets/"+string(found[1]))
		}
	}
	if len(names) < 2 {
		t.Fatalf("the page names %v: want a script and a style", names)
	}
	return total, names
}

func compressed(t *testing.T, content []byte) int {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}
