package miningcmd

import (
	"net/url"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/pool/settings"
)

// Whatever stands in a ckpool.conf as a node's user and password comes out of the URL again, and the host stays.
func TestImportedNodesKeepTheirPasswords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		node := settings.ImportedNode{Address: "127.0.0.1:8332",
			User:     rapid.StringMatching(`[ -~]{1,20}`).Draw(t, "user"),
			Password: rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "password")}
		parsed, err := url.Parse(importedURL(node))
		if err != nil {
			t.Fatal(err)
		}
		password, _ := parsed.User.Password()
		if parsed.Host != node.Address || parsed.User.Username() != node.User || password != node.Password {
			t.Fatalf("%+v came back as %s, %q, %q", node, parsed.Host, parsed.User.Username(), password)
		}
	})
}
