package tidy

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// qualified is pkg.Name of a selector, or nothing.
func qualified(n ast.Node) string {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if x, ok := s.X.(*ast.Ident); ok {
		return x.Name + "." + s.Sel.Name
	}
	return ""
}

// setsModes says whether a function makes files, of package os or by an open file.
func setsModes(function ast.Expr) bool {
	s, ok := function.(*ast.SelectorExpr)
	return ok && slices.Contains([]string{"Chmod", "Mkdir", "MkdirAll", "OpenFile", "WriteFile"}, s.Sel.Name)
}

// Doors to the outside are made in one place each: a server without bounds, a table whose cells a spreadsheet computes, or a
// client that goes wherever an answer sends it is not written by forgetting.
func TestDoorsAreMadeInOnePlace(t *testing.T) {
	set, all := sources(t)
	found := map[string]bool{}
	for _, s := range all {
		if s.test {
			continue
		}
		fault := func(n ast.Node, name, rule string) {
			allowed := doors[name]
			found[name+" "+s.path] = true
			if !slices.Contains(allowed, s.path) && !slices.ContainsFunc(allowed, func(room string) bool { return strings.HasSuffix(room, "/") && strings.HasPrefix(s.path, room) }) {
				t.Errorf("%s: %s: %s", set.Position(n.Pos()), name, rule)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.CompositeLit); ok {
				switch qualified(literal.Type) {
				case "http.Server":
					fault(n, "http.Server", "serve through httplimit.NewServer, which bounds it")
				case "http.Client":
					if !slices.ContainsFunc(literal.Elts, func(e ast.Expr) bool {
						pair, ok := e.(*ast.KeyValueExpr)
						if !ok {
							return false
						}
						key, ok := pair.Key.(*ast.Ident)
						return ok && key.Name == "CheckRedirect"
					}) {
						fault(n, "http.Client", "want CheckRedirect: httplimit.NoRedirect, or an answer sends this host anywhere")
					}
				}
			}
			if call, ok := n.(*ast.CallExpr); ok && setsModes(call.Fun) {
				for _, argument := range call.Args {
					mode, ok := argument.(*ast.BasicLit)
					if !ok || mode.Kind != token.INT || !strings.HasPrefix(mode.Value, "0") {
						continue
					}
					if bits, err := strconv.ParseUint(mode.Value, 0, 32); err == nil && bits&0o077 != 0 {
						fault(n, "mode", "files are their owner's: want 0o600, and 0o700 of a folder")
					}
				}
			}
			switch name := qualified(n); name {
			case "os.Create":
				fault(n, name, "files are their owner's: it makes them 0o666")
			case "csv.NewWriter":
				fault(n, name, "write through safecsv, which defuses formulas")
			case "http.DefaultClient", "http.Get", "http.Post", "http.Head", "http.PostForm", "http.ListenAndServe", "http.ListenAndServeTLS", "http.Serve":
				fault(n, name, "make a client or a server that is bounded")
			}
			return true
		})
	}
	for name, list := range doors {
		if !slices.IsSorted(list) {
			t.Errorf("doors[%q] is not in order", name)
		}
		for _, path := range list {
			if !strings.HasSuffix(path, "/") && !found[name+" "+path] {
				t.Errorf("%s has no %s any more: take it off the list (doors)", path, name)
			}
		}
	}
}
