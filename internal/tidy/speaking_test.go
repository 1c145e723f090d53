package tidy

import (
	"go/ast"
	"testing"
)

// silentInEnglish are rooms whose results only operators read.
var silentInEnglish = map[string]bool{"internal/cli/clustercmd": true}

// What became of a transaction is said in the reader's language: ShowReceipt, which says it in English, is for operators' rooms.
func TestResultsAreSaidInTheReadersLanguage(t *testing.T) {
	set, all := sources(t)
	speaking := 0
	for _, s := range all {
		if s.test || s.room == "internal/cli/session" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch qualified(call.Fun) {
			case "session.ShowDone":
				speaking++
			case "session.ShowReceipt":
				if !silentInEnglish[s.room] {
					t.Errorf("%s says a result in English alone: use session.ShowDone with a text of words/*.json", set.Position(n.Pos()))
				}
			}
			return true
		})
	}
	if speaking < 40 {
		t.Errorf("only %d results are said in the reader's language", speaking)
	}
}
