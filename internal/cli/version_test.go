package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// "aqsha version" names the hash of the program's pages, in words and in JSON, or says that it has none.
func TestVersionNamesThePages(t *testing.T) {
	for digest, want := range map[string]string{ // any order: each by itself
		"": "  pages: built without them\n", "5a1e": "  pages SHA-256 5a1e\n",
	} {
		var out bytes.Buffer
		command := NewVersionCommand(func() string { return digest })
		command.SetOut(&out)
		command.SetArgs(nil)
		if err := command.Execute(); err != nil || !strings.HasSuffix(out.String(), want) {
			t.Errorf("%q, %v, want %q at its end", out.String(), err, want)
		}
		content, err := json.Marshal(build{Pages: digest})
		if got := strings.Contains(string(content), `"pages_sha256":"5a1e"`); err != nil || got != (digest != "") {
			t.Errorf("%s, %v for the digest %q", content, err, digest)
		}
	}
}
