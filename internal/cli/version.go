package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/words"
)

// release is the version of a released binary, set by the linker; a build from a clone leaves it empty and says its
// commit.
var release string

// build is what "aqsha version" prints.
type build struct {
	Version    string `json:"version"`
	Commit     string `json:"commit,omitempty"`      // absent where the binary was built without its repository
	CommitTime string `json:"commit_time,omitempty"` // RFC 3339
	Modified   bool   `json:"modified,omitempty"`    // files differed from the commit
	Go         string `json:"go"`
	Platform   string `json:"platform"`
	RulesFirst uint32 `json:"rules_first"` // versions of the ledger's rules that it knows
	RulesLast  uint32 `json:"rules_last"`
	Pages      string `json:"pages_sha256,omitempty"` // of the console's manifest; absent where it was built without
}

// ThisBuild is what the running program knows of itself.
func ThisBuild() build {
	b := build{Version: release, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		RulesFirst: ledger.FirstRules, RulesLast: ledger.LatestRules}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.CommitTime = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	if b.Version == "" {
		b.Version = info.Main.Version // of a tag, or of the commit's time and hash
	}
	if b.Version == "" {
		b.Version = "unknown"
	}
	return b
}

// Version is the one line that "aqsha --version" and metrics say.
func Version() string { b := ThisBuild(); return fmt.Sprintf("%s (%s)", b.Version, b.Go) }

// NewVersionCommand makes the command "version". It asks for pages, the hash of the program's pages or nothing, when it
// runs: that hashes all of them, and every other command knows its version too.
func NewVersionCommand(pages func() string) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, its commit, the rules it knows and the hash of its pages",
		Example: "  aqsha version --json",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			b := ThisBuild()
			b.Pages = pages()
			return Show(command, b, func(w io.Writer) { b.print(w, LanguageFor(command)) })
		},
	}
}

func (b build) print(w io.Writer, l words.Language) {
	fmt.Fprintf(w, "aqsha %s (%s, %s)\n", b.Version, b.Go, b.Platform)
	if b.Commit != "" && b.Modified {
		fmt.Fprintln(w, " ", l.Text("version.commit-changed", "commit", b.Commit, "at", b.CommitTime))
	} else if b.Commit != "" {
		fmt.Fprintln(w, " ", l.Text("version.commit", "commit", b.Commit, "at", b.CommitTime))
	}
	fmt.Fprintln(w, " ", l.Text("version.rules", "first", b.RulesFirst, "last", b.RulesLast))
	if b.Pages == "" {
		fmt.Fprintln(w, " ", l.Text("version.no-pages"))
		return
	}
	fmt.Fprintln(w, " ", l.Text("version.pages", "hash", b.Pages))
}
