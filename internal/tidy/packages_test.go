package tidy

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each package says what it is, once, by the name that it has: go doc and the package list are the way in.
func TestPackagesSayWhatTheyAre(t *testing.T) {
	set, all := sources(t)
	docs, names := map[string]int{}, map[string]string{}
	for _, s := range all {
		if s.test {
			continue
		}
		dir := path.Dir(s.path)
		names[dir] = s.file.Name.Name
		if s.file.Doc == nil {
			continue
		}
		docs[dir]++
		want := "Package " + s.file.Name.Name + " "
		if s.file.Name.Name == "main" {
			want = "Command "
		}
		if text := s.file.Doc.Text(); !strings.HasPrefix(text, want) {
			t.Errorf("%s begins with %.40q, want %q", set.Position(s.file.Doc.Pos()), text, want)
		}
	}
	for dir, name := range names {
		if docs[dir] != 1 {
			t.Errorf("package %s in %s has %d package comments, want one", name, dir, docs[dir])
		}
	}
}

// Where docs/ARCHITECTURE.md says that something is, it is.
func TestWhereThingsAre(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| where .*\\| `([^`]+)` \\| `([^`]+)` \\| `([^`]+)` \\|$|^\\| which .*\\| `([^`]+)` \\| `([^`]+)` \\| `([^`]+)` \\|$")
	rows := row.FindAllStringSubmatch(string(text), -1)
	if len(rows) < 10 {
		t.Fatalf("%d rows say where something is", len(rows))
	}
	for _, r := range rows {
		room, file, name := r[1]+r[4], r[2]+r[5], r[3]+r[6]
		content, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
		if err != nil || !strings.HasPrefix(file, room+"/") {
			t.Errorf("%s is not in %s (%v)", file, room, err)
			continue
		}
		declared := regexp.MustCompile(`(?m)^(func (\([^)]*\) )?|type |\s*")` + regexp.QuoteMeta(name) + `\b`)
		if !declared.Match(content) {
			t.Errorf("%s has no %s", file, name)
		}
	}
}
