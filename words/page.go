package words

import (
	"fmt"
	"strings"
)

// Page is docs/CODES.md: every code in every language. A test holds that the file is this.
func Page() string {
	var b strings.Builder
	for i, l := range Languages {
		fmt.Fprintf(&b, "%s %s\n\n%s\n\n", strings.Repeat("#", min(2, i+1)), l.Text("page.title"), l.Text("page.intro"))
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n|---|---|---|---|\n", l.Text("page.code"), l.Text("page.means"),
			l.Text("page.money"), l.Text("page.do"))
		for _, e := range l.ExplainAll() {
			fmt.Fprintf(&b, "| `%s` | **%s.** %s | %s | %s |\n", e.Code, e.Title, e.Means, e.Money, e.Do)
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
