package tidy

import (
	"go/ast"
	"regexp"
	"testing"
)

// ownership is a comment that says whose fields are, or under which lock.
var ownership = regexp.MustCompile(`(?i)\b(guards?|guarded|lock(s|ed)?|own(s|ed)?|mu|over (all|both|everything|what|the|its|count|loaded|waiting|ch|rest)|goroutine)\b`)

// A lock that does not say what it is over is taken too seldom, or around too much. Each struct that has one says so, in its
// comment or beside a field.
func TestLocksSayWhatTheyGuard(t *testing.T) {
	set, all := sources(t)
	locks := 0
	for _, s := range all {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			declaration, ok := n.(*ast.GenDecl)
			if !ok {
				return true
			}
			for _, spec := range declaration.Specs {
				named, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				body, ok := named.Type.(*ast.StructType)
				if !ok || !hasLock(body) {
					continue
				}
				locks++
				said := declaration.Doc.Text() + named.Doc.Text()
				for _, f := range body.Fields.List {
					said += f.Doc.Text() + f.Comment.Text()
				}
				if !ownership.MatchString(said) {
					t.Errorf("%s: %s has a lock, and no word on what it is over", set.Position(named.Pos()), named.Name.Name)
				}
			}
			return true
		})
	}
	if locks < 50 {
		t.Errorf("only %d structs with locks were found", locks)
	}
}

func hasLock(s *ast.StructType) bool {
	for _, f := range s.Fields.List {
		if name := qualified(f.Type); name == "sync.Mutex" || name == "sync.RWMutex" {
			return true
		}
	}
	return false
}
