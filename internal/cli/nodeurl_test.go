package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestNodeURL(t *testing.T) {
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte("http://10.0.0.1:8420/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"http://127.0.0.1:8420": "http://127.0.0.1:8420", " https://tenge.kz/ ": "https://tenge.kz", "http://[::1]:8420": "http://[::1]:8420", "http://[::1]": "http://[::1]",
		"http://u:p@a:1/x": "http://u:p@a:1/x", "@" + file: "http://10.0.0.1:8420",
		"": "", "nowhere": "", "127.0.0.1:8420": "", "ftp://a": "", "http://": "", "http://:80": "", "http://a:0": "", "http://a:65536": "", "http://a:99999999999": "", "http://a:x": "",
		"http://a/?b=c": "", "http://a#b": "", "http://[::1": "", "http://a b": "", "http://[::1]:99999": "", "@nofile": "", "http://" + strings.Repeat("a", maxURL): "",
	} {
		got, err := NodeURL("URL", text)
		var usage UsageError
		if got != want || (err == nil) != (want != "") || err != nil && !errors.As(err, &usage) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// A flag of nodes takes several, and what is none is a mistake in the line.
func TestNodesFlag(t *testing.T) {
	for text, want := range map[string]string{"http://a:1": "http://a:1", "http://a:1/, https://b": "http://a:1,https://b", "": "", "http://a:1,": "!", "a": "!", "http://a,ftp://b": "!"} {
		flags := pflag.NewFlagSet("x", pflag.ContinueOnError)
		var list string
		NodesFlag(flags, &list, "node", "")
		err := flags.Parse([]string{"--node", text})
		if (err != nil) != (want == "!") {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, e := flags.GetString("node"); err == nil && (e != nil || got != want || list != want) {
			t.Errorf("%q: %q, %q, %v", text, got, list, e)
		}
	}
}

// An address to listen at has a port in decimal digits, 0 for a free one.
func TestListenAddresses(t *testing.T) {
	for text, ok := range map[string]bool{"127.0.0.1:8420": true, ":0": true, "[::1]:65535": true,
		"host:80": true, "127.0.0.1:1e3": false,
		"127.0.0.1:99999": false, "foo": false, ":-1": false, "": false, "127.0.0.1:": false, "::1": false} {
		if err := ListenAddress("--listen", text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A flag of such an address is judged as the line is read; one that is not given, or is empty, listens where the command
// listens by itself.
func TestListenFlags(t *testing.T) {
	for text, want := range map[string]string{"127.0.0.1:0": "127.0.0.1:0", ":8420": ":8420", "": ""} {
		flags := pflag.NewFlagSet("x", pflag.ContinueOnError)
		ListenFlag(flags, "listen", "127.0.0.1:7", "where")
		if err := flags.Parse([]string{"--listen", text}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got, err := flags.GetString("listen"); err != nil || got != want {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
	var to string
	for _, text := range []string{"here", "127.0.0.1", "127.0.0.1:x", ":65536", "::1", ":-1"} {
		flags := pflag.NewFlagSet("x", pflag.ContinueOnError)
		ListenVar(flags, &to, "http", "127.0.0.1:7", "where")
		if err := flags.Parse([]string{"--http", text}); err == nil || to != "127.0.0.1:7" {
			t.Errorf("%q is taken as %q, %v", text, to, err)
		}
	}
}
