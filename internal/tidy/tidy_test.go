package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/aqsha/aqsha/"

// source is one Go file of the project.
type source struct {
	path string // from the repository's root, with slashes
	room string // the package folder at the root, "cmd/aqsha" or "internal"
	test bool
	file *ast.File
}

func sources(t *testing.T) (*token.FileSet, []source) {
	t.Helper()
	root := filepath.Join("..", "..")
	set := token.NewFileSet()
	var all []source
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, _ := filepath.Rel(root, path)
		relative = filepath.ToSlash(relative)
		if entry.IsDir() {
			name := entry.Name()
			if name == "testdata" || name == "node_modules" || (strings.HasPrefix(name, ".") && relative != ".") || strings.HasPrefix(name, "_") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, source{relative, roomOf(relative), strings.HasSuffix(path, "_test.go"), file})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return set, all
}

// roomOf names the room of a file or import below the module: its first folder, two for cmd, and each package of the command line.
func roomOf(name string) string {
	if strings.HasSuffix(name, ".go") {
		name = path.Dir(name)
	}
	if name == "internal/cli" || strings.HasPrefix(name, "internal/cli/") {
		return name
	}
	parts := strings.Split(name, "/")
	if parts[0] == "cmd" && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

func imports(file *ast.File) []string {
	var paths []string
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		paths = append(paths, path)
	}
	return paths
}

func TestArrowsRunOneWay(t *testing.T) {
	_, all := sources(t)
	for _, s := range all {
		if s.test || s.room == "internal" {
			continue
		}
		allowed, known := mayImport[s.room]
		if !known {
			t.Errorf("%s: room %q is not in the plan (internal/tidy/rules.go)", s.path, s.room)
			continue
		}
		for _, path := range imports(s.file) {
			inside, ok := strings.CutPrefix(path, module)
			if !ok {
				continue
			}
			room := roomOf(inside)
			if room != s.room && room != "internal" && !slices.Contains(allowed, room) {
				t.Errorf("%s: %s may not import %s", s.path, s.room, room)
			}
		}
	}
}

func TestOneImporterOnly(t *testing.T) {
	_, all := sources(t)
	for _, s := range all {
		if s.test {
			continue
		}
		for _, path := range imports(s.file) {
			for library, room := range onlyImporter {
				if room != "" && strings.HasPrefix(path, library) && !mayUse(s.room, room) {
					t.Errorf("%s: only %s imports %s", s.path, room, library)
				}
			}
		}
	}
}

// mayUse says whether a room is the one that may import a library, or lies below it, or is the command that joins what does.
func mayUse(room, owner string) bool {
	return room == owner || strings.HasPrefix(room, owner+"/") || owner == "internal/cli" && room == "cmd/aqsha"
}

func TestPureCore(t *testing.T) {
	set, all := sources(t)
	for _, s := range all {
		if s.test || slices.Contains(impure, path.Dir(s.path)) || (!slices.Contains(pure, s.room) && !slices.Contains(pure, path.Dir(s.path))) {
			continue
		}
		for _, path := range imports(s.file) {
			if slices.Contains(forbiddenInPure, path) {
				t.Errorf("%s: %s is pure and may not import %s", s.path, s.room, path)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "After", "Tick", "NewTimer", "NewTicker", "Sleep", "AfterFunc"}, n.Sel.Name) {
					t.Errorf("%s: time.%s in a pure package: time is an argument", set.Position(n.Pos()), n.Sel.Name)
				}
			case *ast.Ident:
				if n.Name == "float64" || n.Name == "float32" {
					t.Errorf("%s: %s in a pure package: money is integers", set.Position(n.Pos()), n.Name)
				}
			case *ast.BasicLit:
				if n.Kind == token.FLOAT {
					t.Errorf("%s: floating-point literal in a pure package", set.Position(n.Pos()))
				}
			case *ast.GoStmt:
				t.Errorf("%s: goroutine in a pure package", set.Position(n.Pos()))
			}
			return true
		})
	}
}

func TestEveryRoomHasADoc(t *testing.T) {
	_, all := sources(t)
	documented := map[string]bool{}
	for _, s := range all {
		dir := filepath.ToSlash(filepath.Dir(s.path))
		if !s.test {
			documented[dir] = documented[dir] || s.file.Doc != nil
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment (doc.go)", dir)
		}
	}
}
