package tidy

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
)

// counted is what is counted of a package, a room or the whole.
type counted struct {
	name                  string
	code, tests, comments int // lines
	long, longest         int // lines over 120 columns; columns of the longest
	functions, over70     int
	of30, silent          int // functions of minSpoken lines and more; those of them without a comment inside
	fuzz, examples        int
	played                int // lines of scripts that run a room's commands; no lines of tests
}

func (c *counted) add(d counted) {
	c.code, c.tests, c.comments, c.long = c.code+d.code, c.tests+d.tests, c.comments+d.comments, c.long+d.long
	c.functions, c.over70, c.of30, c.silent = c.functions+d.functions, c.over70+d.over70, c.of30+d.of30, c.silent+d.silent
	c.fuzz, c.examples, c.longest = c.fuzz+d.fuzz, c.examples+d.examples, max(c.longest, d.longest)
	c.played += d.played
}

// Most that the whole may have of what we want less of. The numbers only shrink.
const (
	longLinesAllowed = 190
	over70Allowed    = 5
	silentAllowed    = 0.5 // percent of the functions of minSpoken lines and more
)

// commentsWanted is the least share of comments in the lines of code, in percent. It only grows.
const commentsWanted = 10.3

// commandRoomAllowed is the most lines of code that a room of commands may have, what lies below it included.
const commandRoomAllowed = 2300

// A room of commands is one that a reader can hold: one that outgrows this is split by what its commands do. The rooms
// of what commands share (internal/cli itself) have the same bound.
func TestRoomsOfCommandsStaySmall(t *testing.T) {
	rooms, _, _ := count(t)
	seen := 0
	for _, c := range rooms {
		if !strings.HasPrefix(c.name, "internal/cli") {
			continue
		}
		if seen++; c.code > commandRoomAllowed {
			t.Errorf("%s has %d lines, a room of commands has at most %d", c.name, c.code, commandRoomAllowed)
		}
	}
	if seen < 20 {
		t.Errorf("only %d rooms of commands are counted", seen)
	}
}

// TestCounters prints the counters of the code, with -v, by room and of the largest packages; it fails when there is more of
// what only shrinks. Generated code and test data are left out.
func TestCounters(t *testing.T) {
	rooms, packages, all := count(t)
	if testing.Verbose() {
		var b bytes.Buffer
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprint(w, "room\tcode\ttests\ttests/code\tcomments\tfunctions >= 30\tof them silent\t> 70\tlines > 120\tlongest\tfuzz\texamples\tlines of scripts\t\n")
		for _, c := range append(rooms, all) {
			fmt.Fprintf(w, "%s\t%d\t%d\t%.2f\t%.1f %%\t%d\t%d %%\t%d\t%d (%.1f %%)\t%d\t%d\t%d\t%s\t\n", c.name, c.code, c.tests, ratio(c.tests, c.code),
				100*ratio(c.comments, c.code), c.of30, int(100*ratio(c.silent, c.of30)), c.over70, c.long, 100*ratio(c.long, c.code), c.longest, c.fuzz, c.examples, cmp.Or(strings.TrimPrefix(strconv.Itoa(c.played), "0"), "-"))
		}
		w.Flush()
		slices.SortFunc(packages, func(a, b counted) int { return cmp.Compare(b.code, a.code) })
		b.WriteString("\nlargest packages:")
		for _, c := range packages[:8] {
			fmt.Fprintf(&b, " %s %d;", c.name, c.code)
		}
		t.Log("\n" + b.String())
	}
	if all.code < 50_000 || all.functions < 5_000 {
		t.Fatalf("counted only %d lines and %d functions", all.code, all.functions)
	}
	if all.long > longLinesAllowed {
		t.Errorf("%d lines of code are over 120 columns, %d are allowed", all.long, longLinesAllowed)
	}
	if all.over70 > over70Allowed {
		t.Errorf("%d functions are over 70 lines, %d are allowed", all.over70, over70Allowed)
	}
	if share := 100 * ratio(all.silent, all.of30); share > silentAllowed {
		t.Errorf("%.1f %% of the functions of %d lines and more have no comment inside, %.1f %% are allowed (-run Silent -v lists them)",
			share, minSpoken, silentAllowed)
	}
	if share := 100 * ratio(all.comments, all.code); share < commentsWanted {
		t.Errorf("%.2f %% of the lines are comments, at least %.1f %% are wanted", share, commentsWanted)
	}
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func count(t *testing.T) (rooms, packages []counted, all counted) {
	set, sources := sources(t)
	byRoom, byPackage := map[string]*counted{}, map[string]*counted{}
	at := func(m map[string]*counted, name string) *counted {
		if m[name] == nil {
			m[name] = &counted{name: name}
		}
		return m[name]
	}
	for _, s := range sources {
		text, err := os.ReadFile(filepath.Join("..", "..", s.path))
		if err != nil {
			t.Fatal(err)
		}
		if ast.IsGenerated(s.file) {
			continue
		}
		c := linesOf(string(text), s.test)
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			switch {
			case !ok || f.Body == nil:
			case s.test && strings.HasPrefix(f.Name.Name, "Fuzz"):
				c.fuzz++
			case s.test && strings.HasPrefix(f.Name.Name, "Example"):
				c.examples++
			case !s.test:
				c.functions++
				lines := lengthOf(set, f)
				if lines > 70 {
					c.over70++
				}
				if lines >= minSpoken {
					c.of30++
					if isSilent(s.file, f) {
						c.silent++
					}
				}
			}
		}
		at(byRoom, s.room).add(c)
		at(byPackage, path.Dir(s.path)).add(c)
		all.add(c)
	}
	for room, lines := range scriptLines(t, sources) { // any order: each by itself
		at(byRoom, room).played, all.played = lines, all.played+lines
	}
	all.name = "all"
	for _, m := range []map[string]*counted{byRoom, byPackage} {
		var list []counted
		for _, c := range m { // any order: sorted below
			list = append(list, *c)
		}
		slices.SortFunc(list, func(a, b counted) int { return cmp.Compare(a.name, b.name) })
		if rooms == nil {
			rooms = list
		} else {
			packages = list
		}
	}
	return rooms, packages, all
}

// linesOf counts a file's lines; of a test only how many.
func linesOf(text string, test bool) (c counted) {
	inside := false // a block comment
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" {
			continue
		}
		if test {
			c.tests++
			continue
		}
		c.code++
		columns := len([]rune(strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", "    ")))
		c.longest = max(c.longest, columns)
		if columns > 120 {
			c.long++
		}
		if inside || strings.HasPrefix(trimmed, "//") || strings.HasPrefix(trimmed, "/*") {
			c.comments++
		}
		if strings.HasPrefix(trimmed, "/*") {
			inside = true
		}
		if strings.Contains(trimmed, "*/") {
			inside = false
		}
	}
	return c
}
